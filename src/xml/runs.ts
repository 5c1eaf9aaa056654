/** The runs of integers that a tape is made of, while it is made and when it is done. */
// The global `Buffer` is behind a getter, which costs every message something.
import { Buffer } from 'node:buffer';

/** A run twice as long, with the same beginning. */
export function grown(run: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(run.length * 2);
  longer.set(run);
  return longer;
}

/** Runs of one piece of memory, each where and as long as said, copied into another. */
export function packed(
  from: Int32Array,
  runs: readonly (readonly [start: number, length: number])[],
): readonly Int32Array[] {
  let total = 0;
  for (const [, length] of runs) total += length;
  // From the pool, or at least not cleared: all of it is written.
  const { buffer, byteOffset } = Buffer.allocUnsafe(total * Int32Array.BYTES_PER_ELEMENT);
  let to = byteOffset;
  const copies: Int32Array[] = [];
  for (const [start, length] of runs) {
    const copy = new Int32Array(buffer, to, length);
    if (length > 100) copy.set(from.subarray(start, start + length));
    else for (let at = 0; at < length; at++) copy[at] = from[start + at] as number;
    to += length * Int32Array.BYTES_PER_ELEMENT;
    copies.push(copy);
  }
  return copies;
}

/** The beginnings of the runs, each as long as said, copied into one piece of memory. */
export function gathered(runs: readonly Int32Array[], lengths: readonly number[]): Int32Array[] {
  let total = 0;
  for (const length of lengths) total += length;
  // From the pool, or at least not cleared: all of it is written.
  const { buffer, byteOffset } = Buffer.allocUnsafe(total * Int32Array.BYTES_PER_ELEMENT);
  const copies: Int32Array[] = [];
  let from = byteOffset;
  for (let index = 0; index < runs.length; index++) {
    const run = runs[index] as Int32Array;
    const length = lengths[index] as number;
    const copy = new Int32Array(buffer, from, length);
    if (length > 100) copy.set(run.subarray(0, length));
    else for (let at = 0; at < length; at++) copy[at] = run[at] as number;
    copies.push(copy);
    from += length * Int32Array.BYTES_PER_ELEMENT;
  }
  return copies;
}
