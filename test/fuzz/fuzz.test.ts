/** Fuzzing, bounded and repeatable: the seed is fixed here, `npm run fuzz` draws one; and what was found once is tried for ever. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import type { TargetName } from './target.ts';
import { targetNames, targets } from './targets.ts';

const { SUREWIRE_FUZZ_SEED = '20261122' } = process.env;
const SEED = Number(SUREWIRE_FUZZ_SEED);
/** Documents for each target: a second or less. */
const documents: Readonly<Record<TargetName, number>> = {
  scan: 1_500,
  canonicalize: 1_500,
  envelope: 3_000,
  verify: 600,
  decrypt: 1_000,
  message: 300,
};

const corpus = join(import.meta.dirname, 'corpus');
const expected = JSON.parse(readFileSync(join(corpus, 'expected.json'), 'utf8')) as Readonly<Record<string, string>>;

describe.each(targetNames)('%s', (name) => {
  test(`keeps its promises on ${documents[name]} changed documents (seed ${SEED})`, async () => {
    const { findings, outcomes } = await fuzz(await targets[name](), { seed: SEED, documents: documents[name] });
    expect(findings.map(({ message, octets }) => `${message}\n${Buffer.from(octets)}`)).toEqual([]);
    // Some come through and most do not: the changes are neither harmless nor hopeless.
    const accepted = new Map(Object.entries(outcomes)).get('accepted') ?? 0;
    expect(accepted / documents[name]).toBeGreaterThan(0.02);
    expect(accepted / documents[name]).toBeLessThan(0.9);
    expect(Object.keys(outcomes).length).toBeGreaterThanOrEqual(4);
  });

  test('does with its corpus what is written down', async () => {
    const target = await targets[name]();
    const files = Object.keys(expected).filter((file) => file.startsWith(`${name}/`));
    for (const file of files) {
      expect([file, await target.handle(readFileSync(join(corpus, file)))]).toEqual([file, expected[file]]);
    }
    // Once for each method that takes turns; and what peers say of it.
    for (const file of [...files, ...files, ...files]) await target.handle(readFileSync(join(corpus, file)));
    expect((target.ask?.() ?? []).map(({ message }) => message)).toEqual([]);
    const folder = join(corpus, name);
    const listed = existsSync(folder) ? readdirSync(folder, { encoding: 'utf8' }) : [];
    const there = listed.filter((one) => one.endsWith('.xml'));
    expect(there.map((file) => `${name}/${file}`).sort()).toEqual(files.sort());
  });
});
