/** How late things are: drawn from a seed, so that a seed has the same weather every time. */
import { setTimeout as realTimeout } from 'node:timers';

/** Shares of all answers, and the most milliseconds that those are late; the rest is not. */
const lateness = [
  { share: 0.4, most: 4 },
  { share: 0.09, most: 25 },
  { share: 0.01, most: 120 },
] as const;

export class Chance {
  readonly #scale: number;
  #state: number;

  /** @param scale lateness is multiplied with it */
  constructor(seed: number, scale: number) {
    this.#state = Math.imul(seed, 2_654_435_761) >>> 0;
    this.#scale = scale;
  }

  /** From 0 up to and without 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Milliseconds; none at all half of the time. */
  late(): number {
    let drawn = this.fraction();
    for (const { share, most } of lateness) {
      if (drawn < share) return this.#scale * most * this.fraction();
      drawn -= share;
    }
    return 0;
  }
}

/** Calls `go` after that many milliseconds; at once, and within the call, where there are none. */
export function after(milliseconds: number, go: () => void): void {
  if (milliseconds <= 0) go();
  else realTimeout(go, milliseconds);
}
