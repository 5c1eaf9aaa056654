import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByNumber } from '../../src/base/by-number.ts';
import { traces, weight } from './traces.ts';

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

test.each([
  ['one after the other', 1],
  ['so far apart that they find no place in the ring', 4_096],
])('what held very much once is small when that is done with: %s', (_, apart) => {
  const held = weight(() =>
    Array.from({ length: 300 }, () => {
      const one = new ByNumber<string>();
      for (let number = 1; number <= 4_096; number++) one.set(number * apart, 'much');
      for (let number = 1; number < 4_096; number++) one.delete(number * apart);
      return one;
    }),
  );
  expect(held).toBeLessThan(1_000_000);
});

test('a ring that was made narrow still finds everything, and grows again', () => {
  const held = new ByNumber<number>();
  for (let round = 0; round < 20; round++) {
    const first = 1 + round * 3_000;
    for (let number = first; number < first + 1_000; number++) held.set(number, number);
    // These want the same place of any narrow ring.
    const kept = [first, first + 512, first + 513];
    for (let number = first; number < first + 1_000; number++) if (!kept.includes(number)) held.delete(number);
    expect(held.keys()).toEqual(kept);
    expect(kept.map((number) => held.get(number))).toEqual(kept);
    for (const number of kept) held.delete(number);
    expect(held.keys()).toEqual([]);
  }
});
