/** What a run of the tests writes to the folder for temporary files is in one folder of the run, and goes with it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const prefix = 'surewire-run-';

/**
 * Called before the tests, once for each of vitest's projects.
 *
 * @returns what takes the folder away; nothing when the run has one
 */
export default function setup(): (() => void) | undefined {
  if (basename(tmpdir()).startsWith(prefix)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), prefix));
  // A database server that runs as somebody else has its own folder in it.
  chmodSync(folder, 0o755);
  Object.assign(process.env, { TMPDIR: folder });
  return () => rmSync(folder, { recursive: true, force: true });
}
