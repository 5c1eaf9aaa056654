/**
 * Builds the WSS4J oracle of test/interop/wss4j: Maven fetches what its pom.xml names from Maven Central, javac compiles.
 * The folder is named after the content of everything that went in.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder, NotInstalled, run } from './tools.ts';

export interface Wss4jProgram {
  /** For `java -cp`. */
  readonly classPath: string;
}

const SOURCES: string = fileURLToPath(new URL('wss4j', import.meta.url));
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const PACKAGES = 'apt-get install openjdk-17-jdk-headless maven';

/** @throws NotInstalled when Java or Maven is missing, or Maven Central is out of reach */
export async function buildWss4j(): Promise<Wss4jProgram> {
  const names = (await readdir(SOURCES)).sort();
  const hash = createHash('sha256');
  for (const name of names) hash.update(name).update(await readFile(join(SOURCES, name)));
  const folder = join(buildFolder, `wss4j-${hash.digest('hex').slice(0, 12)}`);
  for (const [command, argument] of [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    await run(command, [argument]).catch(missing);
  }
  if (!existsSync(folder)) await build(folder, names);
  return { classPath: `${join(folder, 'classes')}:${join(folder, 'lib')}/*` };
}

function missing(thrown: unknown): never {
  throw thrown instanceof NotInstalled ? new NotInstalled(`${thrown.message} (${PACKAGES})`) : thrown;
}

/** Builds beside and renames at the end, so that a build that was broken off is never taken for a finished one. */
async function build(folder: string, names: readonly string[]): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(join(unfinished, 'classes'), { recursive: true });
  const lib = join(unfinished, 'lib');
  // Two Bouncy Castles come along; the older one is for JDK 5.
  const maven = ['-DincludeScope=runtime', '-DexcludeArtifactIds=bcprov-jdk15on,bcpkix-jdk15on'];
  try {
    await run('mvn', ['-q', '-B', '-f', join(SOURCES, 'pom.xml'), PLUGIN, ...maven, `-DoutputDirectory=${lib}`]);
  } catch (thrown) {
    const why = String(thrown).match(/Could not transfer|Unknown host|Connect|Could not resolve/)?.[0];
    if (why === undefined) throw thrown;
    throw new NotInstalled(`Maven Central is out of reach (${why})`);
  }
  const sources = names.filter((name) => name.endsWith('.java')).map((name) => join(SOURCES, name));
  await run('javac', ['-Xlint:all,-path', '-Werror', '-cp', `${lib}/*`, '-d', join(unfinished, 'classes'), ...sources]);
  await rename(unfinished, folder);
}
