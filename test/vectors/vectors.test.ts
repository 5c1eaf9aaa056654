/** No case of the shared manifests is without a result and a reason, none contradicts its manifest, and the counts only improve. */
import { describe, expect, test } from 'vitest';
import { type Judged, judge } from './judges.ts';
import { vectorCases, vectorsFolder, vectorsThere } from './manifest.ts';

if (!vectorsThere) console.info(`vectors skipped: ${vectorsFolder} is absent`);

/** Of 1,670. What passes may become more, what is left to rooms that do not exist yet and what nobody judged may become fewer. */
const least = { pass: 1_117 } as const;
const most = { refused: 462, unjudged: 60, elsewhere: 30 } as const;

describe.skipIf(!vectorsThere)('every vector', () => {
  const judged: Judged[] = [];

  test('has a result that its manifest or a rule explains', async () => {
    for (const one of vectorCases()) judged.push(await judge(one));
    expect(judged.filter(({ result }) => result.outcome === 'wrong')).toEqual([]);
    expect(judged.filter(({ result }) => result.reason.trim() === '')).toEqual([]);
  });

  test('is counted', () => {
    const count = (outcome: string): number => judged.filter(({ result }) => result.outcome === outcome).length;
    expect(judged.length).toBe(1_670);
    expect(count('pass')).toBeGreaterThanOrEqual(least.pass);
    expect(count('refused')).toBeLessThanOrEqual(most.refused);
    expect(count('unjudged')).toBeLessThanOrEqual(most.unjudged);
    expect(count('elsewhere')).toBeLessThanOrEqual(most.elsewhere);
  });
});
