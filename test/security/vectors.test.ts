/**
 * Every signature of the shared vectors has a result and a reason: the answer that its manifest expects, or a refusal by the
 * name of the rule that refuses it (test/vectors/signatures.ts).
 */
import { afterAll, describe, expect, test } from 'vitest';
import { vectorCases, vectorsFolder, vectorsThere } from '../vectors/manifest.ts';
import { judgeSignature } from '../vectors/signatures.ts';

if (!vectorsThere) console.info(`signature vectors skipped: ${vectorsFolder} is absent`);

const counts = new Map<string, number>();
const count = (what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1);
};

describe.skipIf(!vectorsThere)('signature vectors', () => {
  for (const one of vectorCases('dsig')) {
    test(`${one.folder}: ${one.id} is ${one.expect}`, async () => {
      const { outcome, reason } = await judgeSignature(one);
      expect(outcome, reason).not.toBe('wrong');
      if (one.expect === 'valid' && outcome === 'pass') count('valid');
      else if (one.expect === 'invalid' && reason.startsWith('invalid')) count('invalid');
      else count(`${outcome}: ${reason}`);
    });
  }

  test('there were vectors of every kind', () => {
    expect(counts.get('valid')).toBeGreaterThanOrEqual(287);
    expect(counts.get('invalid')).toBeGreaterThanOrEqual(60);
  });

  afterAll(() => {
    const lines = [...counts].map(([what, number]) => `  ${number} ${what}`);
    console.info(`signature vectors:\n${lines.toSorted().join('\n')}`);
  });
});
