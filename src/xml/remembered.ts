/**
 * Strings met lately, found by the octets they were made of. Every message brings the same few names and namespaces again,
 * and making and hashing a string of them costs more than finding it here. One string a slot, the last one stays, so nothing
 * grows; what is found was compared octet by octet, so nothing has to be believed.
 */

const SLOTS = 1024;
/** What is longer is made anew every time. */
const LONGEST = 200;
const NOTHING = Buffer.alloc(0);

export class Remembered {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');
  readonly #octets: Buffer[] = new Array<Buffer>(SLOTS).fill(NOTHING);

  /** The string that was remembered under these octets; '' when there is none. */
  find(octets: Buffer, start: number, end: number): string {
    if (start === end) return '';
    const slot = slotOf(octets, start, end);
    const known = this.#octets[slot] as Buffer;
    if (known.length !== end - start) return '';
    for (let at = 0; at < known.length; at++) if (known[at] !== octets[start + at]) return '';
    return this.#texts[slot] as string;
  }

  /** Remembers a string and the octets, at least one, that stand for it. */
  keep(text: string, octets: Buffer, start: number, end: number): void {
    if (end - start > LONGEST) return;
    const slot = slotOf(octets, start, end);
    this.#texts[slot] = text;
    this.#octets[slot] = Buffer.from(octets.subarray(start, end));
  }
}

/** Names of one family differ in their length and towards their end. */
function slotOf(octets: Buffer, start: number, end: number): number {
  const last = octets[end - 1] as number;
  const before = octets[Math.max(start, end - 3)] as number;
  const middle = octets[(start + end) >> 1] as number;
  return (last * 5 + before * 29 + middle * 67 + (end - start) * 131) % SLOTS;
}
