/**
 * Octets several at a time. Most names, values and tags are too short for a call into the runtime to pay (it costs as much
 * as some forty octets in a loop), and in words they cost a third of a loop over octets or less.
 */

/** Octets that memory must have behind what is compared or copied here. */
export const SLACK = 8;

/** True when the octets at two places are the same. */
export function same(words: DataView, one: number, other: number, length: number): boolean {
  let at = 0;
  for (; at <= length - 4; at += 4) {
    if (words.getInt32(one + at, true) !== words.getInt32(other + at, true)) return false;
  }
  const rest = length & 3;
  return rest === 0 || (words.getInt32(one + at, true) ^ words.getInt32(other + at, true)) << (32 - 8 * rest) === 0;
}

/**
 * Copies `count` octets, and up to seven more that the caller overwrites or leaves unread. (Compiled, this makes no bigint:
 * the machine word goes from one place to the other.)
 */
export function copyWords(from: DataView, start: number, to: DataView, at: number, count: number): void {
  for (let done = 0; done < count; done += 8) {
    to.setBigUint64(at + done, from.getBigUint64(start + done, true), true);
  }
}

/**
 * The octets that character data goes on with as it is, four at a time: ciphertext, attachments, prose.
 *
 * @returns the first octet that is to be looked at by itself, or at most three before it
 */
export function plainUntil(words: DataView, start: number): number {
  for (let at = start; ; at += 4) {
    const word = words.getInt32(at, true);
    const angle = (word | 0x02020202) ^ 0x3e3e3e3e;
    const ampersand = word ^ 0x26262626;
    // A high bit for an octet below 0x20, for `<` and `>`, which differ in one bit, and for `&`.
    const stops =
      ((word - 0x20202020) & ~word) | ((angle - 0x01010101) & ~angle) | ((ampersand - 0x01010101) & ~ampersand);
    if ((stops & 0x80808080) !== 0) return at;
  }
}
