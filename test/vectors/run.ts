/**
 * Every case of every manifest of ../shared/vectors, with its result and the reason.
 *
 *   npm run vectors [-- --json] [-- --all] [-- --folder NAME]
 *
 * Prints the counts of each folder and kind by result, and each reason with its number; `--all` prints each case, `--json`
 * all of it. Exit code 0 when no result contradicts its manifest.
 */
import { parseArgs } from 'node:util';
import { type Judged, judge } from './judges.ts';
import { vectorCases, vectorsFolder, vectorsThere } from './manifest.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    folder: { type: 'string', multiple: true },
  },
});

if (!vectorsThere) {
  process.stdout.write(`skipped: ${vectorsFolder} is absent\n`);
} else {
  const judged: Judged[] = [];
  for (const one of vectorCases(undefined, values.folder)) judged.push(await judge(one));
  process.stdout.write(values.json ? `${JSON.stringify(judged)}\n` : report(judged));
  process.exitCode = judged.some(({ result }) => result.outcome === 'wrong') ? 1 : 0;
}

function report(judged: readonly Judged[]): string {
  const outcomes = ['pass', 'refused', 'unjudged', 'elsewhere', 'wrong'] as const;
  const groups = Map.groupBy(judged, ({ folder, kind }) => `${folder}\t${kind}`);
  const row = (name: string, kind: string, of: readonly Judged[]): string =>
    [
      name.padEnd(22),
      kind.padEnd(17),
      ...outcomes.map((outcome) => String(of.filter(({ result }) => result.outcome === outcome).length).padStart(10)),
    ].join('');
  const reasons = Map.groupBy(judged, ({ result }) => `${result.outcome}: ${result.reason}`);
  return [
    `${'folder'.padEnd(22)}${'kind'.padEnd(17)}${outcomes.map((one) => one.padStart(10)).join('')}`,
    ...[...groups].map(([key, of]) => row(key.split('\t')[0] ?? '', key.split('\t')[1] ?? '', of)),
    row('all', '', judged),
    '',
    ...[...reasons]
      .filter(([key]) => !key.startsWith('pass'))
      .map(([key, of]) => `${String(of.length).padStart(5)} ${key}`)
      .sort(),
    ...judged.filter(({ result }) => values.all || result.outcome === 'wrong').map(line),
    '',
  ].join('\n');
}

function line({ folder, kind, id, result }: Judged): string {
  return `${result.outcome.padEnd(10)}${folder} ${kind} ${id}: ${result.reason}`;
}
