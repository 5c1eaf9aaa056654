/** A program that a test runs to its end, and that ends with the test whatever becomes of that. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

/**
 * Runs Node; not for tests that run at once with others of their file.
 *
 * @returns what the program has printed
 */
export async function program(args: readonly string[], cwd: string = process.cwd()): Promise<string> {
  const running = promisify(execFile)(process.execPath, args, { cwd });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return (await running).stdout;
}
