/**
 * Remembers what was let through until it would be refused as stale anyway (attacks R1 to R4). Check and set is one step;
 * keys are made of decoded octets; when the cache is full the message is refused, because forgetting an entry early would
 * let its copy through.
 */
import type { Instant } from '../base/clock.ts';
import { SecurityError } from './errors.ts';

export interface ReplayCache {
  /**
   * Remembers `key` until `until`; one atomic step, also when the cache is shared by several nodes.
   *
   * @returns false when the key is remembered already
   * @throws SecurityError `SECURITY_REPLAY_FULL`
   */
  remember(key: string, until: Instant, now: Instant): boolean | Promise<boolean>;
}

/** Entries of a replay cache of one process when nothing else is said: 10 minutes at 300 messages a second. */
const replayLimit = 200_000;

/** A replay cache in the memory of this process. */
export class MemoryReplayCache implements ReplayCache {
  readonly #limit: number;
  /** Insertion order is close to the order of expiry, so sweeping from the front finds most of what is over. */
  readonly #until = new Map<string, Instant>();
  /** The latest expiry among what was forgotten: should the clock be set back, what expires before was perhaps here. */
  #forgotten = Number.NEGATIVE_INFINITY;

  constructor(limit: number = replayLimit) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#until.size;
  }

  /** Whether `key` is remembered. */
  has(key: string, now: Instant): boolean {
    const known = this.#until.get(key);
    return known !== undefined && known > now;
  }

  remember(key: string, until: Instant, now: Instant): boolean {
    const known = this.#until.get(key);
    if ((known !== undefined && known > now) || until <= this.#forgotten) return false;
    if (this.#until.size >= this.#limit) this.#sweep(now);
    if (this.#until.size >= this.#limit) {
      throw new SecurityError('SECURITY_REPLAY_FULL', `${this.#limit} messages are remembered already.`, {
        transient: true,
      });
    }
    if (known !== undefined) this.#until.delete(key);
    this.#until.set(key, until);
    this.#dropFront(now);
    return true;
  }

  /** Steady state: each message removes up to two that are over. */
  #dropFront(now: Instant): void {
    let steps = 2;
    for (const [key, until] of this.#until) {
      if (until > now || steps-- === 0) return;
      this.#forget(key, until);
    }
  }

  #sweep(now: Instant): void {
    for (const [key, until] of this.#until) {
      if (until <= now) this.#forget(key, until);
    }
  }

  #forget(key: string, until: Instant): void {
    this.#until.delete(key);
    this.#forgotten = Math.max(this.#forgotten, until);
  }
}
