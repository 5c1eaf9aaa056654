/** The tools of others that judge what the PKI room writes. A tool that is absent skips its tests, by name. */
import { spawnSync } from 'node:child_process';

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

export function run(program: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

function present(program: string, ...args: string[]): boolean {
  const { error, status } = spawnSync(program, args, { stdio: 'ignore' });
  const there = error === undefined && status === 0;
  if (!there) console.info(`skipped: tests that need \`${program} ${args.join(' ')}\`, which is not on this machine`);
  return there;
}

export const hasOpenssl: boolean = present('openssl', 'version');
export const hasOpensslLegacy: boolean = hasOpenssl && present('openssl', 'list', '-providers', '-provider', 'legacy');
export const hasKeytool: boolean = present('keytool', '-help');
/** A JDK, not only a JRE: it runs a source file. */
export const hasJdk: boolean =
  present('java', '--list-modules') && run('java', '--list-modules').output.includes('jdk.compiler');
