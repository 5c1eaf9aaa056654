/** The runs of integers that a tape is made of, while it is made and when it is done. */
// The global `Buffer` is behind a getter, which costs every message something.
import { Buffer } from 'node:buffer';

/** A run twice as long, with the same beginning. */
export function grown(run: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(run.length * 2);
  longer.set(run);
  return longer;
}

/** Room for the runs of one tape, which are copied into it one after the other. */
export class Room {
  readonly #buffer: ArrayBufferLike;
  #at: number;

  /** @param integers of all runs together */
  constructor(integers: number) {
    // From the pool, or at least not cleared: all of it is written.
    const { buffer, byteOffset } = Buffer.allocUnsafe(integers * Int32Array.BYTES_PER_ELEMENT);
    this.#buffer = buffer;
    this.#at = byteOffset;
  }

  /** A run of `length` integers, copied from where it begins. */
  copy(from: Int32Array, start: number, length: number): Int32Array {
    const copy = new Int32Array(this.#buffer, this.#at, length);
    this.#at += length * Int32Array.BYTES_PER_ELEMENT;
    if (length > 100) copy.set(from.subarray(start, start + length));
    else for (let at = 0; at < length; at++) copy[at] = from[start + at] as number;
    return copy;
  }
}
