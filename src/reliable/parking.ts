/**
 * Exchanges that wait for the application's answer to one request. Copies of the request wait beside the first and all get
 * the same answer; only so many, because each holds a connection.
 */
import { ByNumber } from '../base/by-number.ts';
import { abortable } from '../base/signals.ts';
import type { Delivery } from '../channel/delivery.ts';

/** Copies of one request that may wait at once; the oldest is let go empty when another one comes. */
const maxParked = 4;

interface Place {
  readonly answer: Promise<Delivery | undefined>;
  readonly settle: (answer: Delivery | undefined) => void;
  /** Ways out for those who wait, oldest first. */
  readonly leave: (() => void)[];
}

export class Parking {
  readonly #places = new ByNumber<Place>();

  /** From now on exchanges may wait for the answer to request `number`. */
  open(number: number): void {
    const { promise, resolve } = Promise.withResolvers<Delivery | undefined>();
    this.#places.set(number, { answer: promise, settle: resolve, leave: [] });
  }

  has(number: number): boolean {
    return this.#places.has(number);
  }

  /** The answer, once it is there; `undefined` when there will be none for this exchange. */
  async wait(number: number, signal: AbortSignal): Promise<Delivery | undefined> {
    const place = this.#places.get(number);
    if (place === undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    place.leave.push(() => resolve(undefined));
    if (place.leave.length > maxParked) place.leave.shift()?.();
    return abortable(Promise.race([place.answer, promise]), signal).catch(() => undefined);
  }

  settle(number: number, answer: Delivery | undefined): void {
    this.#places.get(number)?.settle(answer);
    this.#places.delete(number);
  }

  /** Lets everybody go empty. */
  clear(): void {
    for (const number of this.#places.keys()) this.settle(number, undefined);
  }
}
