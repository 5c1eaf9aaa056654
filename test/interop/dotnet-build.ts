/**
 * Builds the .NET programs of this suite with the SDK that is there; NuGet fetches what their project files name. Where there is no
 * SDK, or NuGet is out of reach, the peer is skipped by name.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder, NotInstalled, run } from './tools.ts';

/**
 * @param name of the folder in `dotnet` that holds the project file and the sources
 * @returns the program, for `dotnet`
 * @throws NotInstalled
 */
export async function buildDotnet(name: 'client' | 'server'): Promise<string> {
  await run('dotnet', ['--version']).catch((thrown: unknown) => {
    throw thrown instanceof NotInstalled ? new NotInstalled('no dotnet (the .NET SDK 8 or later)') : thrown;
  });
  const source = fileURLToPath(new URL(`dotnet/${name}`, import.meta.url));
  const hash = createHash('sha256');
  for (const file of (await readdir(source)).sort()) hash.update(file).update(await readFile(join(source, file)));
  const folder = join(buildFolder, `dotnet-${name}-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) await build(source, folder, name);
  return join(folder, 'out', `${name}.dll`);
}

/** Builds beside and renames at the end, so that a build that was broken off is never taken for a finished one. */
async function build(source: string, folder: string, name: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(source, unfinished, { recursive: true });
  try {
    const out = ['-c', 'Release', '-o', join(unfinished, 'out'), '--nologo', '-v', 'quiet'];
    await run('dotnet', ['build', join(unfinished, `${name}.csproj`), ...out], unfinished);
  } catch (thrown) {
    const why = String(thrown).match(/NU1301|NU1101|Unable to load the service index/)?.[0];
    if (why === undefined) throw thrown;
    throw new NotInstalled(`NuGet is out of reach (${why})`);
  }
  await rename(unfinished, folder);
}
