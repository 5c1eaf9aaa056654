/**
 * Builds a Java program of this suite: Maven fetches what the folder's pom.xml names from Maven Central, javac compiles. The
 * result is named after the content of everything that went in.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder, NotInstalled, run } from './tools.ts';

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const PACKAGES = 'apt-get install openjdk-17-jdk-headless maven';

export interface JavaBuild {
  /** Further arguments for Maven. */
  readonly maven?: readonly string[];
  /** Whether the sources of `java`, which the stacks of reliable sessions share, belong to it. */
  readonly common?: boolean;
}

/**
 * @param name of the folder beside this file that holds pom.xml and the sources
 * @returns the class path, for `java -cp`
 * @throws NotInstalled when Java or Maven is missing, or Maven Central is out of reach
 */
export async function buildJava(name: string, { maven = [], common = false }: JavaBuild = {}): Promise<string> {
  const folders = [name, ...(common ? ['java'] : [])].map((one) => fileURLToPath(new URL(one, import.meta.url)));
  const within = async (one: string) => (await readdir(one)).map((file) => join(one, file));
  const files = (await Promise.all(folders.map(within))).flat().sort();
  const hash = createHash('sha256').update(maven.join(' '));
  for (const file of files) hash.update(basename(file)).update(await readFile(file));
  const folder = join(buildFolder, `${name}-${hash.digest('hex').slice(0, 12)}`);
  for (const [command, argument] of [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    await run(command, [argument]).catch(missing);
  }
  if (!existsSync(folder)) await build(folder, files, maven);
  return `${join(folder, 'classes')}:${join(folder, 'lib')}/*`;
}

function missing(thrown: unknown): never {
  throw thrown instanceof NotInstalled ? new NotInstalled(`${thrown.message} (${PACKAGES})`) : thrown;
}

/** Builds beside and renames at the end, so that a build that was broken off is never taken for a finished one. */
async function build(folder: string, files: readonly string[], maven: readonly string[]): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(join(unfinished, 'classes'), { recursive: true });
  const lib = join(unfinished, 'lib');
  try {
    const pom = files.find((file) => file.endsWith('pom.xml')) ?? '';
    const fetch = ['-q', '-B', '-f', pom, PLUGIN, '-DincludeScope=runtime'];
    await run('mvn', [...fetch, ...maven, `-DoutputDirectory=${lib}`]);
  } catch (thrown) {
    const why = String(thrown).match(/Could not transfer|Unknown host|Connect|Could not resolve/)?.[0];
    if (why === undefined) throw thrown;
    throw new NotInstalled(`Maven Central is out of reach (${why})`);
  }
  const java = files.filter((file) => file.endsWith('.java'));
  const lint = ['-Xlint:all,-path,-processing', '-Werror'];
  await run('javac', [...lint, '-cp', `${lib}/*`, '-d', join(unfinished, 'classes'), ...java]);
  await rename(unfinished, folder);
}
