/**
 * A mailbox: one piece of work at a time, in the order given. What a protocol driver needs instead of locks. Work that is
 * given while nothing is under way begins at once, and when it also ends at once nobody has to wait for a promise.
 */
export class Serial {
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  /** True when nothing is under way or waits: work that is given now begins now. */
  get isIdle(): boolean {
    return !this.#isBusy;
  }

  /**
   * Runs `work` after everything that was given before has ended, well or badly.
   *
   * @returns what `work` returns, where it could begin and end at once; throws then what it throws
   */
  enter<T>(work: () => Promise<T> | T): Promise<T> | T {
    if (this.#isBusy) return this.#queued(work);
    this.#isBusy = true;
    let result: Promise<T> | T;
    try {
      result = work();
    } catch (thrown) {
      this.#next();
      throw thrown;
    }
    if (result instanceof Promise) result.then(this.#next, this.#next);
    else this.#next();
    return result;
  }

  /** As `enter`, and always with a promise. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    try {
      const result = this.enter(work);
      return result instanceof Promise ? result : Promise.resolve(result);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Settles when all work given so far has ended. Never rejects. */
  async idle(): Promise<void> {
    if (this.#isBusy) await this.#queued(() => undefined);
  }

  #queued<T>(work: () => Promise<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          const result = work();
          // What it resolves to is what it gives; a promise is waited for before the next begins.
          resolve(result);
          return result instanceof Promise ? result : undefined;
        } catch (thrown) {
          reject(thrown);
          return undefined;
        }
      });
    });
  }

  readonly #next = (): void => {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const under = next();
      if (under === undefined) continue;
      under.then(this.#next, this.#next);
      return;
    }
    this.#isBusy = false;
  };
}

/** Begins a piece of work; returns what to wait for before the next begins, nothing when it has ended. */
type Waiting = () => Promise<unknown> | undefined;
