/**
 * A request that is repeated until it is answered, each copy in an exchange of its own: when another copy may go out, and what
 * a refusal means while an earlier copy may still be answered. WCF's requestor has one exchange open at a time, for ten seconds
 * at most; a peer that is slow, and refuses what it takes for a second request, has not said its last word.
 */
import { type Instant, later } from '../base/clock.ts';

export class Asking {
  readonly #patience: number;
  /** Exchanges that may still bring an answer. */
  #open = 0;
  #last: Instant | undefined;
  /** What a copy came to that would be the end. */
  #held: (() => void) | undefined;
  /** A copy that was due while an exchange was open. */
  #postponed: (() => void) | undefined;

  /** @param patience for how long an open exchange alone is waited for, in milliseconds */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /**
   * Begins an exchange, or leaves it until the one that is open has ended without an answer.
   *
   * @param exchange settles when everything that came of it is done
   */
  ask(now: () => Instant, exchange: () => Promise<void>): void {
    const isWaiting = this.#open > 0 && this.#last !== undefined && now() < later(this.#last, this.#patience);
    const begin = () => this.#begin(now(), exchange);
    if (this.#held !== undefined || isWaiting) this.#postponed = begin;
    else begin();
  }

  /** Does what ends the session: at once, or when no other exchange is open that may come to something better. */
  end(ending: () => void): void {
    if (this.isShared) this.#held = ending;
    else ending();
  }

  /** True while more than one exchange may bring an answer. */
  get isShared(): boolean {
    return this.#open > 1;
  }

  #begin(now: Instant, exchange: () => Promise<void>): void {
    this.#postponed = undefined;
    this.#open += 1;
    this.#last = now;
    void exchange().finally(() => {
      this.#open -= 1;
      if (this.#open > 0) return;
      const next = this.#held ?? this.#postponed;
      this.#held = undefined;
      this.#postponed = undefined;
      next?.();
    });
  }
}
