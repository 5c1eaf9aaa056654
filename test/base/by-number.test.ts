import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByNumber } from '../../src/base/by-number.ts';
import { traces } from './traces.ts';

/** Close together, as far apart as the ring is wide, and beyond what fits into 32 bits. */
const number = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 5 }).map((one) => one * 4_096),
  fc.integer({ min: 1, max: 5 }).map((one) => 2 ** 32 + one),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
const deed = fc.record({ number, isPut: fc.boolean() });

test('it holds what a Map would, and names the numbers in their order', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
      const held = new ByNumber<object>();
      const expected = new Map<number, object>();
      for (const { number: one, isPut } of deeds) {
        if (isPut) {
          const value = {};
          held.set(one, value);
          expected.set(one, value);
        } else {
          held.delete(one);
          expected.delete(one);
        }
        expect(held.has(one)).toBe(isPut);
        for (const { number: any } of deeds) expect(held.get(any)).toBe(expected.get(any));
        expect(held.keys()).toEqual([...expected.keys()].sort((left, right) => left - right));
      }
      held.clear();
      expect(held.keys()).toEqual([]);
      expect(deeds.some((one) => held.has(one.number))).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test('two are not alike where one of them is empty', () => {
  const [one, other] = [new ByNumber<string>(), new ByNumber<string>()];
  one.set(1, 'first');
  expect([other.get(1), other.has(1), other.keys()]).toEqual([undefined, false, []]);
});

test('what is done with leaves no trace', () => {
  const held = new ByNumber<{ readonly name: number }>();
  const heavy = (name: number) => ({ name, weight: new Array<number>(40).fill(name) });
  const grown = traces(
    heavy,
    (one) => held.set(one.name, one),
    ({ name }) => held.delete(name),
  );
  expect(grown).toBeLessThan(10_000_000);
});
