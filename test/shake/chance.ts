/** How late things are: drawn from a seed, so that a seed has the same weather every time. */
import { setTimeout as realTimeout } from 'node:timers';
import { type Random, seededRandom } from '../../src/base/random.ts';

/** Shares of all answers, and the most milliseconds that those are late; the rest is not. */
const lateness = [
  { share: 0.4, most: 4 },
  { share: 0.09, most: 25 },
  { share: 0.01, most: 120 },
] as const;

export class Chance {
  readonly #scale: number;
  readonly #random: Random;

  /** @param scale lateness is multiplied with it */
  constructor(seed: number, scale: number) {
    this.#random = seededRandom(Math.imul(seed, 2_654_435_761));
    this.#scale = scale;
  }

  /** From 0 up to and without 1. */
  fraction(): number {
    return this.#random.fraction();
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
