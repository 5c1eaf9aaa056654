/**
 * Responses that were written and that their clients may not have taken: what is left lying for too long takes its connection
 * along (slow reading, attack D7). Nearly all are gone at once, so they are looked at now and then, and only what is still there
 * gets a timer of its own.
 */
import type { ServerResponse } from 'node:http';
import { later, systemClock, type Timer } from '../../base/clock.ts';

/** The longest time between two looks, in milliseconds. */
const LONGEST_INTERVAL = 1_000;

export class Unsent {
  readonly #sendTimeout: number;
  readonly #responses = new Set<ServerResponse>();
  #timer: Timer | undefined;

  /** @param sendTimeout how long a client may take nothing, in milliseconds */
  constructor(sendTimeout: number) {
    this.#sendTimeout = sendTimeout;
  }

  add(response: ServerResponse): void {
    this.#responses.add(response);
    const interval = Math.min(LONGEST_INTERVAL, this.#sendTimeout);
    this.#timer ??= systemClock.at(later(systemClock.now(), interval), () => this.#look());
  }

  /** It was taken, or its connection is gone. */
  delete(response: ServerResponse): void {
    this.#responses.delete(response);
  }

  #look(): void {
    this.#timer = undefined;
    for (const response of this.#responses) response.setTimeout(this.#sendTimeout);
    this.#responses.clear();
  }
}
