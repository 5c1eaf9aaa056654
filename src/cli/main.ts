#!/usr/bin/env node
/** The command `surewire`: this process's arguments, signals and streams, given to the program. */

/** The first Node that has all that the rooms use; `engines` of package.json says the same. */
const needed = [22, 18] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// Whoever reads us has enough, as `surewire serve --json | head -1` has: the end that SIGPIPE makes elsewhere.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(128 + 13);
  });
}

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `surewire: Node ${needed.join('.')} or newer is needed, and this is ${process.versions.node}. Install a newer one from https://nodejs.org.\n`,
  );
  process.exitCode = 2;
} else {
  const { run } = await import('./program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
