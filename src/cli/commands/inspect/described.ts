/** A described binding on the screen, the same for every kind that has one. */
import type { BindingDescription } from '../../../binding/description.ts';
import { obstacles } from '../../../binding/obstacles.ts';
import { plainly } from '../../../binding/words.ts';
import { type Output, table } from '../../output.ts';

/** The description as JSON: versions by their names, and whether it is spoken here. */
export function recordOf(description: BindingDescription): object {
  const plain = JSON.parse(JSON.stringify(description, versionByName)) as object;
  return { ...plain, obstacles: obstacles(description) };
}

export function tell(said: Output, description: BindingDescription): void {
  said.line(table(plainly(description)));
}

/** A row of versions is more than anybody wants to read. */
function versionByName(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'namespace' in value && 'name' in value ? value.name : value;
}
