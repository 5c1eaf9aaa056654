/**
 * Breaks the rules of the reliable room one at a time and looks whether the tests notice.
 *
 *   npm run mutants [-- --only TEXT] [-- --json]
 *
 * Works on copies of the project in a temporary folder, two at a time. A mutant is caught when a test fails or does not come
 * to an end. Exit code 0 only when every mutant was caught, and every one still finds the text that it changes.
 */
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { allMutants } from './all.ts';
import type { Mutant } from './mutant.ts';
import { type Verdict, Workshop } from './workshop.ts';

const help = `Breaks the rules of the reliable room one at a time and looks whether the tests notice.

  npm run mutants -- [options]

  --only NAME  only mutants whose name has this text
  --json       the result as one JSON object
  --help       this text
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit();
}
const workshops = 2;

const mutants = allMutants.filter(({ name }) => name.includes(values.only));
const verdicts: { readonly mutant: Mutant; readonly verdict: Verdict; readonly seconds: number }[] = [];
const queue = mutants.values();
const began = Date.now();
const bar = progressBar();
await requireSound();
bar?.start(mutants.length, 0);
await Promise.all(Array.from({ length: Math.min(workshops, mutants.length) }, work));
bar?.stop();

const missed = verdicts.filter(({ verdict }) => verdict.kind !== 'caught');
if (values.json) {
  const rows = verdicts.map(({ mutant: { name, file }, verdict, seconds }) => ({ name, file, ...verdict, seconds }));
  process.stdout.write(
    `${JSON.stringify({ caught: verdicts.length - missed.length, of: mutants.length, mutants: rows })}\n`,
  );
} else {
  const seconds = Math.round((Date.now() - began) / 1000);
  if (bar !== undefined) {
    for (const { mutant, verdict } of verdicts) process.stdout.write(`${lineOf(mutant, verdict)}\n`);
  }
  process.stdout.write(`${verdicts.length - missed.length} of ${mutants.length} mutants caught in ${seconds} s.\n`);
}
process.exitCode = missed.length === 0 && mutants.length > 0 ? 0 : 1;

async function requireSound(): Promise<void> {
  const workshop = new Workshop();
  const trouble = await workshop.trouble();
  workshop.close();
  if (trouble === undefined) return;
  process.stderr.write(`The tests fail without any mutant: ${trouble}. Mend that first.\n`);
  process.exit(1);
}

async function work(): Promise<void> {
  const workshop = new Workshop();
  try {
    for (const mutant of queue) {
      const start = Date.now();
      const verdict = await workshop.judge(mutant);
      const seconds = (Date.now() - start) / 1000;
      verdicts.push({ mutant, verdict, seconds });
      if (bar === undefined || verdict.kind !== 'caught') {
        process.stderr.write(`${lineOf(mutant, verdict)} (${seconds.toFixed(1)} s)\n`);
      }
      bar?.update(verdicts.length);
    }
  } finally {
    workshop.close();
  }
}

/** On a terminal; elsewhere there is a line for each mutant. */
function progressBar(): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  return new SingleBar({ format: 'mutants [{bar}] {value}/{total}, {eta_formatted} left', stream: process.stderr });
}

function lineOf({ name, file }: Mutant, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'caught':
      return `caught    ${name}: ${verdict.by}`;
    case 'survived':
      return `SURVIVED  ${name} (src/${file})`;
    case 'stale':
      return `STALE     ${name}: src/${file} has its text ${verdict.times} times; bring the mutant up to date`;
    case 'broken':
      return `BROKEN    ${name}: ${verdict.why}`;
    default:
      return verdict satisfies never;
  }
}
