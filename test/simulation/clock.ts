/** The clock of simulations: it jumps from timer to timer, and lets promises settle once after each. */
import { type Clock, type Instant, instant, type Timer } from '../../src/base/clock.ts';
import { cryptoAtRest } from './crypto-at-work.ts';

interface Waiting {
  readonly due: Instant;
  readonly task: () => void;
}

/** So many timers at one instant are a storm. */
const tooMuch = 10_000;

export class SimulationClock implements Clock {
  /** Ascending; those of one instant in the order they were set. */
  readonly #timers: Waiting[] = [];
  #now: Instant;

  constructor(now = 1_700_000_000_000) {
    this.#now = instant(now);
  }

  now(): Instant {
    return this.#now;
  }

  at(when: Instant, task: () => void): Timer {
    const timer = { due: when > this.#now ? when : this.#now, task };
    let place = this.#timers.length;
    while (place > 0 && (this.#timers[place - 1]?.due ?? 0) > timer.due) place -= 1;
    this.#timers.splice(place, 0, timer);
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) this.#timers.splice(at, 1);
      },
    };
  }

  /**
   * Lets time pass until `work` has settled.
   *
   * @param limit milliseconds; throws when they have passed, or when nothing waits for time to pass any more
   */
  async until<T>(work: Promise<T>, limit: number): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    work.then(mark, mark);
    const end = this.#now + limit;
    let atOnce = 0;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      await cryptoAtRest();
      if (settled) return work;
      const next = this.#timers.shift();
      if (next === undefined) throw new Error('nothing will happen any more, and the work is not done');
      if (next.due > end) throw new Error('time is over and the work is not done');
      atOnce = next.due === this.#now ? atOnce + 1 : 0;
      if (atOnce > tooMuch) throw new Error('time stands still: one thing after the other happens at one instant');
      this.#now = next.due;
      next.task();
    }
  }
}
