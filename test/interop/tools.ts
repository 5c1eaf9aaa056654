/** The folder of everything that is built for this suite, and the foreign programs that build it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Git-ignored. */
export const buildFolder: string = fileURLToPath(new URL('.build', import.meta.url));

/** A program or a file of a peer is not on this machine: the peer is skipped, by name and with this reason. */
export class NotInstalled extends Error {}

/** Runs a program to its end and returns its standard output. */
export async function run(command: string, args: readonly string[], folder?: string): Promise<string> {
  try {
    const { stdout } = await execute(command, args, {
      maxBuffer: 2 ** 24,
      timeout: 600_000,
      ...(folder && { cwd: folder }),
    });
    return stdout;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw new NotInstalled(`${command} is not installed`);
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: thrown });
  }
}
