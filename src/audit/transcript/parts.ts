/** The files of one transcript: the one that is written, and beside it the parts that are full, by number. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Characters of one line that are read, and written. */
export const longestLine: number = 64 * 2 ** 20;

/** The parts of a transcript beside `file`, oldest first. */
export async function partsOf(file: string): Promise<readonly string[]> {
  const folder = dirname(file);
  const pattern = new RegExp(`^${basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\.(\\d{4,})$`);
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => pattern.test(name))
    .sort((one, other) => one.length - other.length || (one < other ? -1 : 1))
    .map((name) => join(folder, name));
}
