/**
 * Every schedule of the explorer's full configurations.
 *
 *   npm run explore [-- --size full|plain|small] [--json]
 *
 * Prints states, steps and seconds of each. Exit code 1 when a law does not hold; the shortest way there is printed.
 */
import { parseArgs } from 'node:util';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { explore } from './explorer.ts';
import { nameOf, sizes } from './explorer-sizes.ts';

const help = `Goes through every schedule of small sessions.

  npm run explore -- [options]

  --size S   full (default), plain (what the tests do) or small
  --json     one JSON object for each configuration
  --help     this text
`;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const wanted = sizes.get(values.size);
if (values.help) process.stdout.write(help);
else if (wanted === undefined) {
  process.stderr.write(`There is no size ${values.size}. See npm run explore -- --help.\n`);
  process.exitCode = 2;
} else {
  const total = { states: 0, steps: 0, seconds: 0 };
  for (const version of reliableVersions) {
    for (const ordered of [true, false]) {
      for (const size of wanted) {
        const began = performance.now();
        const { states, steps, broken } = explore({
          version,
          ordered,
          ...size,
        });
        const seconds = (performance.now() - began) / 1000;
        const row = {
          version: version.name,
          ordered,
          name: nameOf(size),
          states,
          steps,
          seconds,
          broken,
        };
        process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : told(row));
        total.states += states;
        total.steps += steps;
        total.seconds += seconds;
        if (broken !== undefined) process.exitCode = 1;
      }
    }
  }
  if (!values.json) process.stdout.write(`In all: ${counted(total)}.\n`);
}

type Row = Parameters<typeof counted>[0] & {
  readonly version: string;
  readonly ordered: boolean;
  readonly name: string;
  readonly broken: ReturnType<typeof explore>['broken'];
};

function told(row: Row): string {
  const what = `WS-RM ${row.version}, ${row.ordered ? 'ordered' : 'unordered'}, ${row.name}`;
  const law =
    row.broken === undefined ? '' : `  BROKEN: ${row.broken.law}\n    ${row.broken.schedule.join('\n    ')}\n`;
  return `${what}: ${counted(row)}\n${law}`;
}

function counted({ states, steps, seconds }: { states: number; steps: number; seconds: number }): string {
  return `${states.toLocaleString('en')} states, ${steps.toLocaleString('en')} steps, ${seconds.toFixed(1)} s`;
}
