/**
 * Time as an input. Nothing in surewire asks the machine what time it is: it asks the `Clock` it was given, so that a
 * test owns time completely.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly instant: unique symbol };

/** A running timer; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): Instant;
  /**
   * Runs `task` once when `when` has come; at once (in a later turn) when it has passed.
   *
   * @param awaited true when somebody waits for it: the process then does not end before
   */
  at(when: Instant, task: () => void, awaited?: boolean): Timer;
}

export function instant(milliseconds: number): Instant {
  return milliseconds as Instant;
}

export function later(from: Instant, milliseconds: number): Instant {
  return (from + milliseconds) as Instant;
}

/** `setTimeout` counts in 32 bits; a longer wait is cut into pieces. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now() as Instant,
  at(when, task, awaited = false) {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const wait = Math.max(0, when - Date.now());
      handle = setTimeout(() => (wait > LONGEST_TIMEOUT ? arm() : task()), Math.min(wait, LONGEST_TIMEOUT));
      if (!awaited) handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

interface Waiting {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until it is told to move: for tests and simulations. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #timers: Waiting[] = [];

  constructor(start = 1_700_000_000_000) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now as Instant;
  }

  at(when: Instant, task: () => void): Timer {
    const timer = { due: Math.max(when, this.#now), order: this.#order++, task };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** When the next timer is due, or `undefined` when nothing waits. */
  get next(): Instant | undefined {
    return this.#earliest()?.due as Instant | undefined;
  }

  /** Moves time forward, running each timer that falls due in order and letting promises settle after each. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let timer = this.#earliest(); timer !== undefined && timer.due <= end; timer = this.#earliest()) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = Math.max(this.#now, timer.due);
      timer.task();
      await settle();
    }
    this.#now = end;
  }

  #earliest(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}

/** Lets every promise that can settle without time passing do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
