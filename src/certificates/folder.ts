/**
 * Makes a folder and what is missing above it. Node's own `recursive` never comes back where the system answers ENOENT
 * for a folder whose parent exists, as it does below /proc.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asError } from '../base/errors.ts';

/**
 * @param mode permissions of the folders that are made, default those of the process
 * @throws the error of the system when one of them cannot be made
 */
export async function makeFolder(path: string, mode: number = 0o777): Promise<void> {
  if ((await missing(path, mode)) === undefined) return;
  await makeFolder(dirname(path), mode);
  const still = await missing(path, mode);
  if (still !== undefined) throw still;
}

/** Makes one folder; what comes back is the error when the folder above it is not there. */
async function missing(path: string, mode: number): Promise<Error | undefined> {
  try {
    await mkdir(path, { mode });
    return undefined;
  } catch (thrown) {
    const error = asError(thrown);
    const code = 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return error;
    // What is there and is no folder is found out by whoever writes into it.
    if (code === 'EEXIST') return undefined;
    throw error;
  }
}
