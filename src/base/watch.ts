/**
 * Many who would be given up by one signal, behind one listener: a listener for each message, put on and taken off, costs
 * more than everything else that a signal is for.
 */
import { never } from './signals.ts';

/** What can be given up. */
export interface GivenUp {
  giveUp(reason: unknown): void;
}

interface Watched {
  readonly all: Set<GivenUp>;
  readonly stop: () => void;
}

export class Watch {
  readonly #signals = new Map<AbortSignal, Watched>();

  /** From now on `one` is given up when the signal fires; at once when it has fired. */
  add(signal: AbortSignal, one: GivenUp): void {
    if (signal === never) return;
    if (signal.aborted) {
      one.giveUp(signal.reason);
      return;
    }
    const known = this.#signals.get(signal) ?? this.#listen(signal);
    known.all.add(one);
  }

  remove(signal: AbortSignal, one: GivenUp): void {
    const known = this.#signals.get(signal);
    if (known?.all.delete(one) && known.all.size === 0) this.#leave(signal);
  }

  /** Looks at no signal any more. */
  end(): void {
    for (const signal of [...this.#signals.keys()]) this.#leave(signal);
  }

  #listen(signal: AbortSignal): Watched {
    const all = new Set<GivenUp>();
    const onAbort = () => {
      for (const one of [...all]) one.giveUp(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const watched = { all, stop: () => signal.removeEventListener('abort', onAbort) };
    this.#signals.set(signal, watched);
    return watched;
  }

  #leave(signal: AbortSignal): void {
    this.#signals.get(signal)?.stop();
    this.#signals.delete(signal);
  }
}
