/**
 * Responses that were written and that their clients may not have taken: what is left lying for too long takes its connection
 * along (slow reading, attack D7). Nearly all are gone at once, so they are looked at now and then, and only what is still there
 * gets a timer of its own.
 */
import type { ServerResponse } from 'node:http';
import type { Bag, Bagged } from '../../base/bag.ts';
import { later, systemClock, type Timer } from '../../base/clock.ts';

/** The longest time between two looks, in milliseconds. */
const LONGEST_INTERVAL = 1_000;

/** A request whose response has not gone out whole. */
export interface Serving extends Bagged {
  readonly response: ServerResponse;
  /** Its response was written, and its client has not been given a time to take it yet. */
  isUnsent: boolean;
}

export class Unsent {
  readonly #sendTimeout: number;
  readonly #underway: Bag<Serving>;
  #timer: Timer | undefined;

  /**
   * @param sendTimeout how long a client may take nothing, in milliseconds
   * @param underway where what was written lies until it was taken, or its connection is gone
   */
  constructor(sendTimeout: number, underway: Bag<Serving>) {
    this.#sendTimeout = sendTimeout;
    this.#underway = underway;
  }

  /** Its response is being written. */
  add(serving: Serving): void {
    serving.isUnsent = true;
    const interval = Math.min(LONGEST_INTERVAL, this.#sendTimeout);
    this.#timer ??= systemClock.at(later(systemClock.now(), interval), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    for (const serving of this.#underway) {
      if (serving.isUnsent) serving.response.setTimeout(this.#sendTimeout);
      serving.isUnsent = false;
    }
  }
}
