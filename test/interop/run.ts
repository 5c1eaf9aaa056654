/**
 * Runs the interop suite, settles the matrix and writes docs/INTEROP.md from it.
 *
 *   npm run interop [-- --peer NAME] [-- --json]
 *   npm run interop -- --record        writes test/vectors/captures instead
 *
 * SUREWIRE_REQUIRE_PEERS=gsoap,… makes a peer that is not installed a failure. Exit code 0 only when every scenario that
 * ran did what it claims, no row of the matrix that was true is false now, every false row says who is wrong by which clause and where it
 * can be seen, and no required peer was skipped.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { begin, type Outcome, settle, titleOf } from './matrix.ts';
import { writeInterop } from './page.ts';

const { values } = parseArgs({
  options: {
    peer: { type: 'string' },
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('../..', import.meta.url));

const environment = begin();
// A peer may have several files: metro.interop.ts, metro-….interop.ts.
const { peer } = values;
if (values.record) process.exit(await vitest([], { ...process.env, SUREWIRE_INTEROP_RECORD: '1' }));
const tests = await vitest(peer === undefined ? [] : [`interop/${peer}.interop`, `interop/${peer}-`]);
const outcome = settle(environment);
const sound = outcome.broken.length === 0 && outcome.unexplained.length === 0;
if (sound && outcome.rows.length > 0) writeInterop();
process.stdout.write(values.json ? `${JSON.stringify(outcome)}\n` : summary(outcome));
process.exitCode = tests === 0 && sound ? 0 : 1;

/** Standard output of the tests goes to standard error when ours is JSON. */
function vitest(filters: readonly string[], env: NodeJS.ProcessEnv = environment): Promise<number> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/interop/vitest.config.ts', ...filters];
  const stdio = ['ignore', values.json ? 2 : 1, 2] as const;
  const child = spawn(process.execPath, args, { cwd: root, stdio: [...stdio], env });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function summary({ rows, skipped, broken, unexplained }: Outcome): string {
  const lines = rows.map(
    (row) =>
      `${row.result ? 'yes' : 'no '}  ${row.peer}  ${titleOf(row)}${row.reason === undefined ? '' : `: ${row.reason}`}`,
  );
  const yes = rows.filter((row) => row.result).length;
  return [
    '',
    ...lines.sort(),
    ...skipped.map(({ peer, skipped: reason }) => `skipped: ${peer}: ${reason}`),
    ...broken.map((row) => `no longer true: ${row.peer}, ${titleOf(row)}`),
    ...unexplained.map((row) => `false without clause or transcript: ${row.peer}, ${titleOf(row)}`),
    `${yes} of ${rows.length} scenarios interoperate.`,
    '',
  ].join('\n');
}
