/**
 * Namespace names met lately, as strings. Every message brings the same few again, and making a string of one, checking
 * and hashing it costs more than finding it here. One name a slot, the last one wins, so nothing grows and nothing has to
 * be believed: what is found was compared octet by octet.
 */

const SLOTS = 256;
/** Longer ones are made anew every time. */
const LONGEST = 200;

const names: string[] = new Array<string>(SLOTS).fill('');
const spelled: Buffer[] = new Array<Buffer>(SLOTS).fill(Buffer.alloc(0));

/** A namespace name that was remembered under these octets; '' when there is none. */
export function remembered(octets: Buffer, start: number, end: number): string {
  const slot = slotOf(octets, start, end);
  const known = spelled[slot] as Buffer;
  if (known.length !== end - start) return '';
  for (let at = 0; at < known.length; at++) if (known[at] !== octets[start + at]) return '';
  return names[slot] as string;
}

/** Remembers an acceptable namespace name and how it is spelled. */
export function remember(name: string, octets: Buffer, start: number, end: number): void {
  if (end - start > LONGEST) return;
  const slot = slotOf(octets, start, end);
  names[slot] = name;
  spelled[slot] = Buffer.from(octets.subarray(start, end));
}

/** Namespace names of one family differ in their length and towards their end. */
function slotOf(octets: Buffer, start: number, end: number): number {
  const last = octets[end - 1] as number;
  const before = octets[Math.max(start, end - 3)] as number;
  const middle = octets[(start + end) >> 1] as number;
  return (last * 5 + before * 29 + middle * 67 + end - start) % SLOTS;
}
