/**
 * Strings met lately, found by the octets they were made of. Every message brings the same few names and namespaces again,
 * and making and hashing a string of them costs more than finding it here. Two strings for a slot and its neighbour, the last
 * ones stay, so nothing grows; what is found was compared octet by octet, so nothing has to be believed.
 */

const SLOTS = 1024;
/** What is longer is made anew every time. */
const LONGEST = 200;

/** A string, and the octets that stand for it: how many, and four at a time, with zeros behind the last. */
interface Kept {
  text: string;
  /** Whether it is the string that the engine has for it. */
  isUnique: boolean;
  readonly length: number;
  readonly words: Int32Array;
}

const NOTHING: Kept = { text: '', isUnique: true, length: 0, words: new Int32Array() };

export class Remembered {
  readonly #kept: Kept[] = new Array<Kept>(SLOTS).fill(NOTHING);

  /**
   * The string that was remembered under these octets; '' when there is none.
   *
   * @param words the octets, and at least three more behind them
   */
  find(words: DataView, start: number, end: number): string {
    if (start === end) return '';
    const slot = slotOf(words, start, end);
    const first = this.#kept[slot] as Kept;
    if (isIt(first, words, start, end)) return textOf(first);
    const second = this.#kept[slot ^ 1] as Kept;
    return isIt(second, words, start, end) ? textOf(second) : '';
  }

  /**
   * Remembers a string and the octets, at least one, that stand for it.
   *
   * @returns the same string
   */
  keep(text: string, words: DataView, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST) return text;
    const copy = new Int32Array((length + 3) >> 2);
    for (let at = 0; at < copy.length; at++) copy[at] = words.getInt32(start + at * 4, true);
    const last = copy.length - 1;
    copy[last] = (copy[last] as number) & restOf(length);
    const kept = { text, isUnique: false, length, words: copy };
    const slot = slotOf(words, start, end);
    this.#kept[slot ^ 1] = this.#kept[slot] as Kept;
    this.#kept[slot] = kept;
    return text;
  }
}

function isIt({ length, words: kept }: Kept, words: DataView, start: number, end: number): boolean {
  if (length !== end - start) return false;
  const last = kept.length - 1;
  for (let at = 0; at < last; at++) if (kept[at] !== words.getInt32(start + at * 4, true)) return false;
  return kept[last] === (words.getInt32(start + last * 4, true) & restOf(length));
}

/** Which bits of the last word are of octets that count. */
function restOf(length: number): number {
  return -1 >>> (8 * (-length & 3));
}

/** What is met again is met often; of names that a hostile sender makes up, each is met once, and would cost ten times as much. */
function textOf(kept: Kept): string {
  if (!kept.isUnique) {
    kept.text = unique(kept.text);
    kept.isUnique = true;
  }
  return kept.text;
}

/** The string as the engine keeps it for names of properties, where there is one of each: two of them are compared at once. */
function unique(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}

/** Names of one family differ in their length and towards their end. */
function slotOf(words: DataView, start: number, end: number): number {
  const last = words.getUint8(end - 1);
  const before = words.getUint8(Math.max(start, end - 3));
  const middle = words.getUint8((start + end) >> 1);
  return (last * 5 + before * 29 + middle * 67 + (end - start) * 131) % SLOTS;
}
