/**
 * Renewal in the middle of a reliable session, in both version families: some schedules here, a thousand and more with `npm run
 * renewals`.
 */
import { expect, test } from 'vitest';
import { families, renewUnderLoss } from './renewal.ts';

test.each(families)(
  '$name: schedules in which everything comes exactly once, in order, and no message is under an expired key',
  async (family) => {
    const schedules = family.over === 'connection' ? 4 : 15;
    let renewals = 0;
    let underWay = 0;
    for (let seed = 1; seed <= schedules; seed++) {
      const done = await renewUnderLoss(family, seed).catch((cause: unknown) => {
        throw new Error(`seed ${seed} (have it again: npm run renewals -- --seed ${seed} --runs 1)`, { cause });
      });
      renewals += done.renewals;
      underWay += done.underWay;
    }
    // Every session outlives several keys, and messages are on their way meanwhile.
    expect(renewals).toBeGreaterThan(2 * schedules);
    expect(underWay).toBeGreaterThan(schedules / 2);
  },
  60_000,
);
