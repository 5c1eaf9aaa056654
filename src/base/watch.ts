/**
 * What is under way and would be given up by signals, behind one listener for each signal: a listener for each message, put on
 * and taken off, costs more than everything else that a signal is for.
 */
import { Bag, type Bagged } from './bag.ts';
import { never } from './signals.ts';

/** What can be given up. */
export interface GivenUp extends Bagged {
  giveUp(reason: unknown): void;
}

interface Watched<T extends GivenUp> {
  readonly all: Bag<T>;
  readonly stop: () => void;
}

export class Watch<T extends GivenUp> {
  readonly #signals = new Map<AbortSignal, Watched<T>>();
  #size = 0;

  /** How many are watched. */
  get size(): number {
    return this.#size;
  }

  /** Everything that is watched, in no order. */
  *all(): Generator<T> {
    for (const { all } of this.#signals.values()) yield* all;
  }

  /** From now on `one` is given up when the signal fires; at once, and not watched, when it has fired. */
  add(signal: AbortSignal, one: T): void {
    if (signal.aborted) {
      one.giveUp(signal.reason);
      return;
    }
    const known = this.#signals.get(signal) ?? this.#listen(signal);
    known.all.add(one);
    this.#size += 1;
  }

  remove(signal: AbortSignal, one: T): void {
    const known = this.#signals.get(signal);
    if (known === undefined || one.slot < 0) return;
    known.all.delete(one);
    this.#size -= 1;
    if (known.all.size === 0 && signal !== never) this.#leave(signal);
  }

  /** Looks at no signal any more. */
  end(): void {
    for (const signal of [...this.#signals.keys()]) this.#leave(signal);
    this.#size = 0;
  }

  #listen(signal: AbortSignal): Watched<T> {
    const all = new Bag<T>();
    const onAbort = () => {
      for (const one of [...all]) one.giveUp(signal.reason);
    };
    if (signal !== never) signal.addEventListener('abort', onAbort, { once: true });
    const watched = { all, stop: () => signal.removeEventListener('abort', onAbort) };
    this.#signals.set(signal, watched);
    return watched;
  }

  #leave(signal: AbortSignal): void {
    this.#signals.get(signal)?.stop();
    this.#signals.delete(signal);
  }
}
