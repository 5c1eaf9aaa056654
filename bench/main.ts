/**
 * `npm run -s bench -- NAME… [--json]`: runs the benches named (all when none is), each beside its peers in one run, and
 * prints rates and ratios. Never part of the tests: a machine's speed is not a property of the product.
 */
import { parseArgs } from 'node:util';
import type { Row } from './harness.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const known = ['xml', 'security', 'reliable', 'stores', 'conversation', 'audit'];
const chosen = positionals.length > 0 ? positionals : known;
for (const name of chosen) {
  if (!known.includes(name)) {
    process.stderr.write(`There is no bench "${name}". Known: ${known.join(', ')}.\n`);
    process.exit(2);
  }
}
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const all: Row[] = [];
for (const name of chosen) {
  const module = (await import(`./${name}.ts`)) as {
    rows(report: (line: string) => void): Promise<readonly Row[]>;
  };
  all.push(...(await module.rows(say)));
}
if (values.json === true) {
  process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
} else {
  for (const row of all) {
    const peers = Object.entries(row.ratios).map(([peer, ratio]) => `${ratio.toFixed(ratio < 1 ? 2 : 1)}× ${peer}`);
    const missing =
      row.missing === undefined || row.missing.length === 0 ? '' : `  (missing: ${row.missing.join(', ')})`;
    process.stdout.write(
      `${row.work.padEnd(34)} ${row.size.padStart(7)} ${row.surewire.toFixed(0).padStart(9)}${row.unit ?? '/s'}  ${peers.join('  ')}${missing}\n`,
    );
  }
}
