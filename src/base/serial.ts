/**
 * A mailbox: one piece of work at a time, in the order given. What a protocol driver needs instead of locks.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after everything that was given before has ended, well or badly. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Settles when all work given so far has ended. Never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
