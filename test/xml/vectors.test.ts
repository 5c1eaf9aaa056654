/** Canonical XML and hardening vectors of the shared manifests, each on its own. */
import { describe, expect, test } from 'vitest';
import { judgeCanonical, judgeHardening } from '../vectors/canonical.ts';
import { vectorCases } from '../vectors/manifest.ts';

const all = vectorCases('c14n');
const hardening = vectorCases('xml-hardening');

describe.skipIf(all.length === 0)('Canonical XML vectors (skipped where ../shared/vectors is missing)', () => {
  test.each(all)('$id', async (one) => {
    expect(await judgeCanonical(one)).toMatchObject({ outcome: 'pass' });
  });

  test('every case of the manifest is run', () => {
    expect(all.length).toBe(38);
  });
});

describe.skipIf(hardening.length === 0)('Hardening vectors (skipped where ../shared/vectors is missing)', () => {
  test.each(hardening)('$id', async (one) => {
    expect(await judgeHardening(one)).toMatchObject({ outcome: expect.stringMatching(/^(pass|refused)$/) });
  });
});
