/**
 * How often a client of a duplex channel says that it could not verify what came. Whoever asked it something in good faith hears of it;
 * whoever can write on the connection, and needs no key for that, cannot make it send without end.
 */
import { type Clock, type Instant, later } from '../base/clock.ts';

/** At once, and again in each interval. */
export const mostRefusals = 32;
/** Milliseconds. */
const interval = 60_000;

export class Allowance {
  readonly #clock: Clock;
  #left = mostRefusals;
  #until: Instant | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True as often as it is allowed. */
  take(): boolean {
    const now = this.#clock.now();
    if (this.#until === undefined || now >= this.#until) {
      this.#until = later(now, interval);
      this.#left = mostRefusals;
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
