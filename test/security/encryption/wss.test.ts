/** Secured WS-Security messages of foreign stacks: each key is the one that was measured, each envelope decrypts to the same. */
import { afterAll, describe, expect, test } from 'vitest';
import { vectorCases, vectorsFolder, vectorsThere } from '../../vectors/manifest.ts';
import { judgeSecured } from '../../vectors/secured.ts';

if (!vectorsThere) console.info(`secured messages skipped: ${vectorsFolder} is absent`);

describe.skipIf(!vectorsThere)('secured messages of foreign stacks', () => {
  const reasons: string[] = [];

  test.each([...vectorCases('wss'), ...vectorCases('wss-policy')])('$folder: $id', async (one) => {
    const { outcome, reason } = await judgeSecured(one);
    expect(outcome, reason).not.toBe('wrong');
    reasons.push(reason);
  });

  test('there were messages of every kind', () => {
    const count = (of: RegExp): number => reasons.filter((reason) => of.test(reason)).length;
    expect(count(/parts decrypted, the envelope is that of the oracle/)).toBeGreaterThanOrEqual(12);
    expect(count(/keys opened/)).toBeGreaterThanOrEqual(15);
    expect(count(/a signature over [1-9]/)).toBeGreaterThanOrEqual(15);
  });

  afterAll(() => console.info(`secured messages: ${reasons.length}`));
});
