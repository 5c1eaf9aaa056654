/**
 * Fuzzes for as long as it is asked to.
 *
 *   npm run fuzz [-- --seconds 60] [-- --seed S] [-- --target scan|canonicalize|envelope|verify|decrypt|message] [-- --json]
 *
 * Prints the seed; each target gets an equal share of the time. What breaks a promise is written to
 * test/fuzz/.findings (git-ignored) and makes the exit code 1.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FuzzReport, fuzz } from './fuzz.ts';
import { targetNames, targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    target: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const names = targetNames.filter((name) => values.target === undefined || values.target.includes(name));
const milliseconds = (Number(values.seconds) * 1000) / names.length;
if (names.length === 0 || !Number.isFinite(seed) || !(milliseconds > 0)) {
  throw new Error(`--target is one of ${targetNames.join(', ')}; --seed and --seconds are numbers`);
}

process.stderr.write(`seed ${seed}\n`);
const reports: FuzzReport[] = [];
for (const name of names) reports.push(await fuzz(await targets[name](), { seed, milliseconds }));
const folder = join(import.meta.dirname, '.findings');
const broken = reports.flatMap(({ target, findings }) => findings.map((finding) => ({ target, finding })));
for (const [at, { target, finding }] of broken.entries()) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${target}-${seed}-${at}.xml`), finding.octets);
}
process.stdout.write(values.json ? `${JSON.stringify(reports.map(plain))}\n` : reports.map(told).join(''));
process.exitCode = broken.length === 0 ? 0 : 1;

function plain({ findings, ...rest }: FuzzReport): object {
  return { ...rest, findings: findings.map(({ message }) => message) };
}

function told({ target, documents, outcomes, kept, findings }: FuzzReport): string {
  const ways = Object.entries(outcomes).map(([word, count]) => `${count} ${word}`);
  return [
    `${target}: ${documents} documents, ${kept} kept, ${findings.length} findings`,
    `  ${ways.join(', ')}`,
    ...findings.map(({ message }) => `  finding: ${message}`),
    '',
  ].join('\n');
}
