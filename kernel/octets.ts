/** Octets of the document, sixteen at a time where that pays: what is read too far says nothing. */
import { OCTETS, SPACE } from '../src/xml/kernel-memory.ts';

export function octetAt(at: i32): i32 {
  return load<u8>(at, OCTETS);
}

export function isSpace(octet: i32): bool {
  return load<u8>(octet, SPACE) == 1;
}

export function skip(start: i32): i32 {
  let at = start;
  while (isSpace(octetAt(at))) at++;
  return at;
}

/** True when the octets at two places are the same. */
export function same(one: i32, other: i32, count: i32): bool {
  let at = 0;
  while (at + 16 <= count) {
    const differs = v128.xor(v128.load(one + at, OCTETS), v128.load(other + at, OCTETS));
    if (v128.any_true(differs)) return false;
    at += 16;
  }
  const equal = i8x16.eq(v128.load(one + at, OCTETS), v128.load(other + at, OCTETS));
  return (~i8x16.bitmask(equal) & ((1 << (count - at)) - 1)) == 0;
}

/** The first octet that character data has to stop and look at, or white space that is no U+0020. */
export function plainText(start: i32): i32 {
  let at = start;
  while (true) {
    const octets = v128.load(at, OCTETS);
    // `<` and `>` differ in one bit.
    const stops = v128.or(
      v128.or(i8x16.lt_u(octets, i8x16.splat(0x20)), i8x16.eq(v128.or(octets, i8x16.splat(0x02)), i8x16.splat(0x3e))),
      i8x16.eq(octets, i8x16.splat(0x26)),
    );
    const mask = i8x16.bitmask(stops);
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
}

/** The first octet that an attribute value has to stop and look at. */
export function plainValue(start: i32): i32 {
  let at = start;
  while (true) {
    const octets = v128.load(at, OCTETS);
    // `&` and `'` differ in one bit.
    const stops = v128.or(
      v128.or(i8x16.lt_u(octets, i8x16.splat(0x20)), i8x16.eq(octets, i8x16.splat(0x3c))),
      v128.or(i8x16.eq(octets, i8x16.splat(0x22)), i8x16.eq(v128.or(octets, i8x16.splat(0x01)), i8x16.splat(0x27))),
    );
    const mask = i8x16.bitmask(stops);
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
}
