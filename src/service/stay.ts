/**
 * A call's stay in an instance, which it may leave for a while to call out (WCF's ConcurrencyMode.Reentrant) and comes back
 * to before its own code goes on: at the first return, when it called out more than once at a time.
 */
import type { Leave } from './gate.ts';

/** Waits until the call may go in. */
type Enter = (signal: AbortSignal, isBack: boolean) => Promise<Leave>;

export class Stay {
  readonly #enter: Enter;
  #leave: Leave | undefined;
  #returning: Promise<void> | undefined;
  #isOver = false;

  constructor(enter: Enter) {
    this.#enter = enter;
  }

  async begin(signal: AbortSignal): Promise<void> {
    this.#leave = await this.#enter(signal, false);
  }

  /** Lets others in while `work` runs; rejects with the reason of `signal` when it fires before the call is back. */
  async outside<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#step();
    try {
      return await work();
    } finally {
      if (this.#leave === undefined && !this.#isOver) {
        this.#returning ??= this.#return(signal);
        await this.#returning;
      }
    }
  }

  /** Idempotent. */
  end(): void {
    this.#isOver = true;
    this.#step();
  }

  #step(): void {
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.();
  }

  async #return(signal: AbortSignal): Promise<void> {
    try {
      this.#leave = await this.#enter(signal, true);
      // An operation that did not wait for what it called has ended meanwhile.
      if (this.#isOver) this.#step();
    } finally {
      this.#returning = undefined;
    }
  }
}
