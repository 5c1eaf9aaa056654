/**
 * Holds sessions to their laws in as many random schedules as wanted.
 *
 *   npm run laws -- [--runs 100000] [--seed 1] [--shape 200702,ordered] [--level octets|messages|both] [--threads N] [--json]
 *
 * Schedules are dealt to the shapes in turn and run on threads, on all cores. Exit code 1 when a law did not hold: each failure is printed
 * with the line that runs its schedule again.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { SingleBar } from 'cli-progress';
import { hasLevel, type Level, levels, type Shape, shapeName, shapesLike } from './shapes.ts';
import type { Batch, Failure, Progress } from './worker.ts';

const help = `Runs random schedules of reliable sessions in virtual time and holds them to their laws.

  npm run laws -- [options]

  --runs N       schedules in all; default 100000
  --seed S       the first seed; default 1
  --shape PARTS  only shapes with all these parts, such as 200702,1.2,ordered,one-way
  --level L      octets (full stack), messages (without octets), or both (one in five through octets); default both
  --threads N    default: one for each core
  --json         the result as one JSON object
  --help         this text
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    shape: { type: 'string', default: '' },
    level: { type: 'string', default: 'both' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else process.exitCode = await run();

async function run(): Promise<number> {
  const some = shapesLike(values.shape);
  const wanted = levels.filter(
    (level) => (values.level === 'both' || values.level === level) && some.some((shape) => hasLevel(shape, level)),
  );
  const [runs, seed, threads] = [values.runs, values.seed, values.threads].map(Number);
  const isCount = (count: number | undefined): count is number => Number.isSafeInteger(count) && (count ?? 0) > 0;
  if (wanted.length === 0 || !isCount(runs) || !isCount(seed) || !isCount(threads)) {
    process.stderr.write(`There is nothing to run. See npm run laws -- --help.\n`);
    return 2;
  }
  const failures: Failure[] = [];
  let done = 0;
  const bar = values.json ? undefined : progressBar(runs);
  const began = performance.now();
  const batches = batchesOf(some, wanted, runs, seed);
  const rate = () => (done * 1000) / (performance.now() - began);
  const heard = (progress: Progress) => {
    done += progress.done;
    failures.push(...progress.failures);
    bar?.update(done, { rate: Math.round(rate()), failures: failures.length });
  };
  await Promise.all(Array.from({ length: threads }, () => work(batches, heard)));
  bar?.stop();
  const result = {
    schedules: done,
    seconds: (performance.now() - began) / 1000,
    perSecond: rate(),
    threads,
    failures,
  };
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : told(result));
  return failures.length === 0 && done === runs ? 0 : 1;
}

/** One in five goes through octets where both levels are wanted. */
function* batchesOf(some: readonly Shape[], wanted: readonly Level[], runs: number, seed: number): Generator<Batch> {
  const namesOf = (level: Level) => some.filter((shape) => hasLevel(shape, level)).map(shapeName);
  const names = new Map(wanted.map((level) => [level, namesOf(level)]));
  const next = new Map(wanted.map((level) => [level, seed * namesOf(level).length]));
  let left = runs;
  for (let turn = 0; left > 0; turn += 1) {
    const level = wanted.length === 1 || turn % 5 === 0 ? wanted[0] : wanted[1];
    if (level === undefined) return;
    const shapes = names.get(level) ?? [];
    const from = next.get(level) ?? 0;
    const count = Math.min(10 * shapes.length, left);
    next.set(level, from + count);
    left -= count;
    yield { level, shapes, from, count };
  }
}

function work(batches: Iterator<Batch>, heard: (progress: Progress) => void): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const more = () => {
      const batch = batches.next();
      if (batch.done === true) worker.terminate().then(() => resolve(), reject);
      else worker.postMessage(batch.value);
    };
    worker.on('error', reject);
    worker.on('message', (progress: Progress) => {
      heard(progress);
      more();
    });
    more();
  });
}

function progressBar(total: number): SingleBar {
  const format = 'laws [{bar}] {value}/{total} schedules, {rate}/s, {failures} failures, {eta_formatted} left';
  const bar = new SingleBar({
    format,
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(total, 0, { rate: 0, failures: 0 });
  return bar;
}

function told({ schedules, seconds, perSecond, threads, failures }: Result): string {
  const lines = failures.slice(0, 20).map(({ shape, level, seed, law }) => {
    const again = `npm run laws -- --shape ${shape} --level ${level} --seed ${seed} --runs 1`;
    return `${shape}, ${level}, seed ${seed}: ${law}\n  again: ${again}\n`;
  });
  const rate = `${Math.round(perSecond)}/s on ${threads} threads`;
  const end = `${schedules} schedules in ${seconds.toFixed(1)} s (${rate}), ${failures.length} broke a law.\n`;
  return `${lines.join('')}${end}`;
}

interface Result {
  readonly schedules: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly threads: number;
  readonly failures: readonly Failure[];
}
