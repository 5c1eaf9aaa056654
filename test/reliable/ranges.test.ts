/** Ranges against the obvious model, a set of numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  add,
  count,
  covers,
  equal,
  highest,
  includes,
  missing,
  none,
  prefix,
  type Ranges,
  ranges,
  remove,
  union,
} from '../../src/reliable/ranges.ts';

const number = fc.integer({ min: 1, max: 40 });
const numbers = fc.array(number, { maxLength: 30 });

function of(from: readonly number[]): Ranges {
  return from.reduce(add, none);
}

function members(set: Ranges): readonly number[] {
  return set.flatMap(({ lower, upper }) => Array.from({ length: upper - lower + 1 }, (_, at) => lower + at));
}

function isNormal(set: Ranges): boolean {
  return set.every(({ lower, upper }, at) => {
    const before = set[at - 1];
    return 1 <= lower && lower <= upper && (before === undefined || before.upper + 1 < lower);
  });
}

describe('laws of ranges', () => {
  test('adding, in whatever order, gives the set of the numbers in the one normal form', () => {
    fc.assert(
      fc.property(numbers, (given) => {
        const set = of(given);
        expect(isNormal(set)).toBe(true);
        expect(members(set)).toEqual([...new Set(given)].sort((one, other) => one - other));
        expect(equal(set, ranges(given.map((one) => ({ lower: one, upper: one }))))).toBe(true);
      }),
    );
  });

  test('knowledge only grows: a union covers both sides, and is the same value when nothing is new', () => {
    fc.assert(
      fc.property(numbers, numbers, (left, right) => {
        const one = of(left);
        const other = of(right);
        const both = union(one, other);
        expect(isNormal(both)).toBe(true);
        expect(covers(both, one) && covers(both, other)).toBe(true);
        expect(members(both)).toEqual(members(of([...left, ...right])));
        expect(union(both, one)).toBe(both);
        expect(covers(one, other)).toBe(right.every((member) => includes(one, member)));
      }),
    );
  });

  test('what is removed is gone, and nothing else', () => {
    fc.assert(
      fc.property(numbers, number, (given, gone) => {
        const set = remove(of(given), gone);
        expect(isNormal(set)).toBe(true);
        expect(members(set)).toEqual(members(of(given.filter((member) => member !== gone))));
      }),
    );
  });

  test('what is missing is everything below the greatest that is not there, the first of it where there is a limit', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 10 }), (given, most) => {
        const set = of(given);
        const all = Array.from({ length: highest(set) }, (_, at) => at + 1).filter((one) => !includes(set, one));
        expect(missing(set, Number.POSITIVE_INFINITY)).toEqual(all);
        expect(missing(set, most)).toEqual(all.slice(0, most));
      }),
    );
  });

  test('includes, highest, prefix and count agree with the members', () => {
    fc.assert(
      fc.property(numbers, number, (given, probe) => {
        const set = of(given);
        const all = members(set);
        expect(includes(set, probe)).toBe(all.includes(probe));
        expect(highest(set)).toBe(all.at(-1) ?? 0);
        expect(count(set)).toBe(all.length);
        const first = prefix(set);
        expect(all.slice(0, first)).toEqual(Array.from({ length: first }, (_, at) => at + 1));
        expect(includes(set, first + 1)).toBe(false);
      }),
    );
  });

  test('a set survives JSON, as the store keeps it', () => {
    const set = of([1, 2, 5]);
    expect(JSON.parse(JSON.stringify(set))).toEqual([
      { lower: 1, upper: 2 },
      { lower: 5, upper: 5 },
    ]);
  });
});
