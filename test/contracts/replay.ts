/** What every replay cache does, whatever it is made of. */
import { describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import type { ReplayCache } from '../../src/security/replay.ts';

const now = instant(1_000_000);
const later = (milliseconds: number) => instant(now + milliseconds);

/** @param make a new and empty cache for so many entries */
export function replayContract(name: string, make: (entries: number) => ReplayCache): void {
  describe(`${name} as a replay cache`, () => {
    test('R1: the same key is new once, until it would be stale', async () => {
      const cache = make(10);
      expect(await cache.remember('a', later(1_000), now)).toBe(true);
      expect(await cache.remember('a', later(1_000), now)).toBe(false);
      expect(await cache.remember('a', later(5_000), later(999))).toBe(false);
      expect(await cache.remember('b', later(1_000), now)).toBe(true);
      expect(await cache.remember('a', later(9_000), later(1_001))).toBe(true);
    });

    test('R3: of many at once one is new', async () => {
      const cache = make(10);
      const said = await Promise.all(Array.from({ length: 20 }, async () => cache.remember('a', later(1_000), now)));
      expect(said.filter(Boolean)).toHaveLength(1);
    });

    test('R4: full, it refuses what is new and forgets nothing that is good', async () => {
      const cache = make(2);
      await cache.remember('a', later(1_000), now);
      await cache.remember('b', later(2_000), now);
      const remember = async (key: string, at: number) => cache.remember(key, later(9_000), later(at));
      await expect(remember('c', 0)).rejects.toMatchObject({ code: 'SECURITY_REPLAY_FULL' });
      expect(await remember('a', 0)).toBe(false);
      expect(await remember('c', 1_001)).toBe(true);
      expect(await remember('b', 1_001)).toBe(false);
    });

    test('a clock that was set back makes nothing new that was perhaps here', async () => {
      const cache = make(2);
      await cache.remember('a', later(1_000), now);
      await cache.remember('b', later(5_000), now);
      expect(await cache.remember('c', later(9_000), later(1_001))).toBe(true);
      expect(await cache.remember('a', later(1_000), now)).toBe(false);
    });

    test('keys are told apart whatever they are made of', async () => {
      const cache = make(10);
      for (const key of ['', ' ', 'a\0', 'a', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
        expect(await cache.remember(key, later(1_000), now)).toBe(true);
        expect(await cache.remember(key, later(1_000), now)).toBe(false);
      }
    });
  });
}
