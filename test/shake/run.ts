/**
 * Runs the tests on a machine that is slow and busy by chance: what assumes an order of asynchronous work, or of files, fails.
 *
 *   npm run shake [-- --seed 3] [-- --runs 5] [-- --scale 2] [-- --kinds webcrypto,sockets] [-- --json] [-- FILE…]
 *
 * Each run has the seed after that of the one before. A seed brings the same weather again, and the same order of files;
 * what is left to the machine, it still decides. Exit code 1 when a test failed: each is printed with the line that
 * runs its file again.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kinds } from './kinds.ts';

const help = `Runs the tests on a machine that is slow and busy by chance.

  npm run shake -- [options] [files]

  --seed S     of the first run; default: another one each time
  --runs N     default 1
  --scale X    how much later than usual all is; default 1
  --kinds LIST what is late, of ${kinds.join(', ')}; default all
  --json       the result as one JSON object
  --help       this text
`;

/** What vitest's JSON reporter tells. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

interface Failure {
  readonly seed: number;
  readonly file: string;
  readonly test: string;
  readonly why: string;
}

interface Run {
  readonly seed: number;
  readonly passed: number;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1_000_000)) },
    runs: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    kinds: { type: 'string', default: kinds.join() },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const root = fileURLToPath(new URL('../..', import.meta.url));

if (values.help) process.stdout.write(help);
else process.exitCode = await shake();

async function shake(): Promise<number> {
  const [seed, runs, scale] = [Number(values.seed), Number(values.runs), Number(values.scale)];
  const isKnown = (kind: string): boolean => kinds.some((one) => one === kind);
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0;
  if (!isCount(seed) || !isCount(runs) || !(scale > 0) || !values.kinds.split(',').every(isKnown)) {
    process.stderr.write('There is nothing to run. See npm run shake -- --help.\n');
    return 2;
  }
  const done: Run[] = [];
  for (let at = 0; at < runs; at += 1) {
    const run = await runOnce(seed + at);
    done.push(run);
    process.stderr.write(`${told(run)}\n`);
  }
  const failures = done.flatMap((run) => run.failures);
  process.stdout.write(
    values.json ? `${JSON.stringify({ scale, kinds: values.kinds, runs: done })}\n` : summary(failures),
  );
  return failures.length === 0 ? 0 : 1;
}

async function runOnce(seed: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'surewire-shake-'));
  const output = join(folder, 'report.json');
  const began = performance.now();
  const { NODE_OPTIONS = '' } = process.env;
  // The tests of a file are in order on every machine, and some count what those before them saw.
  const order = ['--sequence.shuffle.files', `--sequence.seed=${seed}`];
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${output}`];
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...order, ...reporters, ...positionals],
    {
      cwd: root,
      // Standard output is for the result.
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        NODE_OPTIONS: `${NODE_OPTIONS} --import ${new URL('preload.ts', import.meta.url)}`,
        SHAKE_SEED: String(seed),
        SHAKE_SCALE: values.scale,
        SHAKE_KINDS: values.kinds,
      },
    },
  );
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
    const failures = failuresOf(report, seed);
    // Of what belongs to no test, such as a rejection that nobody handled, the report has nothing.
    if (code !== 0 && failures.length === 0) {
      failures.push({ seed, file: '', test: 'no test', why: 'vitest found an error outside of tests (above)' });
    }
    return { seed, passed: report.numPassedTests, seconds: (performance.now() - began) / 1000, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function failuresOf({ testResults }: Report, seed: number): Failure[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults
      .filter((one) => one.status === 'failed')
      .map(({ fullName, failureMessages: [why = ''] }) => ({ seed, file, test: fullName, why }));
    return status === 'failed' && failed.length === 0 ? [{ seed, file, test: 'the whole file', why: message }] : failed;
  });
}

function told({ seed, passed, seconds, failures }: Run): string {
  return `seed ${seed}: ${passed} passed, ${failures.length} failed, in ${Math.round(seconds)} s`;
}

function summary(failures: readonly Failure[]): string {
  const tests = Map.groupBy(failures, ({ file, test }) => `${file}: ${test}`);
  const rows = [...tests].map(([name, of]) => {
    const seeds = of.map(({ seed }) => seed).join(', ');
    const why = of[0]?.why.split('\n')[0] ?? '';
    const again = `npm run shake -- --seed ${of[0]?.seed} --scale ${values.scale} ${of[0]?.file}`;
    return `FAIL  ${name}\n      ${why}\n      with seed ${seeds}: ${again}\n`;
  });
  return `${rows.join('')}${tests.size} tests failed in ${values.runs} runs.\n`;
}
