/**
 * Sets of message numbers as sorted, disjoint, non-touching ranges: what an acknowledgement says and what both ends
 * remember (WS-RM 1.1, 3.9). Immutable JSON values; every function returns another value or the very same one when nothing
 * changed, so that `===` tells whether knowledge grew.
 */

/** Both ends included, 1 ≤ lower ≤ upper. */
export interface Range {
  readonly lower: number;
  readonly upper: number;
}

/** Ascending; between two neighbours at least one number is missing. */
export type Ranges = readonly Range[];

export const none: Ranges = Object.freeze([]);

/** Brings ranges that come in any order and may overlap into the one normal form. */
export function ranges(parts: Iterable<Range>): Ranges {
  const given = [...parts];
  if (isNormal(given)) return given.length === 0 ? none : given;
  const sorted = given.sort((one, other) => one.lower - other.lower);
  const result: Range[] = [];
  for (const part of sorted) {
    const last = result.at(-1);
    if (last === undefined || part.lower > last.upper + 1) result.push({ lower: part.lower, upper: part.upper });
    else if (part.upper > last.upper) result[result.length - 1] = { lower: last.lower, upper: part.upper };
  }
  return result.length === 0 ? none : result;
}

function isNormal(parts: readonly Range[]): boolean {
  for (let at = 1; at < parts.length; at++) {
    if ((parts[at]?.lower ?? 0) <= (parts[at - 1]?.upper ?? 0) + 1) return false;
  }
  return true;
}

/** The set with one more number. */
export function add(set: Ranges, number: number): Ranges {
  if (includes(set, number)) return set;
  const last = set.at(-1);
  // Numbers nearly always arrive in order: extend or append without sorting.
  if (last === undefined || number > last.upper + 1) return [...set, { lower: number, upper: number }];
  if (number === last.upper + 1) return set.with(-1, { lower: last.lower, upper: number });
  return ranges([...set, { lower: number, upper: number }]);
}

/** The set without one number. */
export function remove(set: Ranges, number: number): Ranges {
  if (!includes(set, number)) return set;
  const result = set.flatMap(({ lower, upper }) => {
    if (number < lower || number > upper) return [{ lower, upper }];
    const before = number > lower ? [{ lower, upper: number - 1 }] : [];
    const after = number < upper ? [{ lower: number + 1, upper }] : [];
    return [...before, ...after];
  });
  return result.length === 0 ? none : result;
}

/** Everything in either; `one` itself when `other` adds nothing. */
export function union(one: Ranges, other: Ranges): Ranges {
  if (covers(one, other)) return one;
  // Nearly always the other says the same, and a little more.
  return covers(other, one) ? other : ranges([...one, ...other]);
}

export function includes(set: Ranges, number: number): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = set[middle];
    if (range === undefined) return false;
    if (number < range.lower) high = middle - 1;
    else if (number > range.upper) low = middle + 1;
    else return true;
  }
  return false;
}

/** True when every number of `part` is in `whole`. */
export function covers(whole: Ranges, part: Ranges): boolean {
  return part.every(({ lower, upper }) => whole.some((range) => range.lower <= lower && upper <= range.upper));
}

export function equal(one: Ranges, other: Ranges): boolean {
  return (
    one.length === other.length &&
    one.every((range, at) => range.lower === other[at]?.lower && range.upper === other[at]?.upper)
  );
}

/** The greatest number, 0 when there is none. */
export function highest(set: Ranges): number {
  return set.at(-1)?.upper ?? 0;
}

/** The greatest n such that all of 1…n are in the set; 0 when 1 is missing. */
export function prefix(set: Ranges): number {
  const first = set[0];
  return first?.lower === 1 ? first.upper : 0;
}

/** The numbers below the greatest that are not in the set, ascending; the first `most` of them. */
export function missing(set: Ranges, most: number): readonly number[] {
  const found: number[] = [];
  let expected = 1;
  for (const { lower, upper } of set) {
    for (; expected < lower && found.length < most; expected += 1) found.push(expected);
    expected = upper + 1;
  }
  return found;
}

/** How many numbers the set has. */
export function count(set: Ranges): number {
  return set.reduce((sum, { lower, upper }) => sum + upper - lower + 1, 0);
}
