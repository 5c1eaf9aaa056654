/**
 * Renews the keys of security contexts in the middle of reliable sessions, under loss, in as many random schedules as wanted.
 *
 *   npm run renewals -- [--runs 1000] [--seed 1]
 *
 * Exit code 1 when a law did not hold.
 */
import { parseArgs } from 'node:util';
import { families, renewUnderLoss } from './renewal.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const [runs, first] = [Number(values.runs), Number(values.seed)];
const began = performance.now();
let renewals = 0;
let underWay = 0;
let failures = 0;
for (let run = 0; run < runs; run++) {
  const seed = first + run;
  for (const family of runs === 1 ? families : [families[run % families.length] ?? families[0]]) {
    try {
      const done = await renewUnderLoss(family, seed);
      renewals += done.renewals;
      underWay += done.underWay;
    } catch (thrown) {
      failures++;
      process.stderr.write(`seed ${seed}, ${family.name}: ${thrown instanceof Error ? thrown.message : thrown}\n`);
    }
  }
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
process.stdout.write(
  `${runs} schedules in ${seconds} s: ${renewals} renewals, ${underWay} messages sent while one was under way, ${failures} failures\n`,
);
process.exitCode = failures === 0 ? 0 : 1;
