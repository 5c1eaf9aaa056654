/**
 * Things in no order, each of which knows its place. Millions may come to a bag and go from it, and what has gone leaves
 * no trace, which a `Set` does not promise: each table that a set outgrows names the next one, so that one old table keeps
 * everything that came after it until the whole heap is collected.
 */

/** What can lie in a bag, in one at a time. */
export interface Bagged {
  /** The bag's own: where in it this lies; -1 where it lies in none. */
  slot: number;
}

export class Bag<T extends Bagged> implements Iterable<T> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    one.slot = this.#all.push(one) - 1;
  }

  /** Does nothing when it does not lie in here. */
  delete(one: T): void {
    const { slot } = one;
    if (this.#all[slot] !== one) return;
    const last = this.#all.pop();
    one.slot = -1;
    if (last === undefined || last === one) return;
    this.#all[slot] = last;
    last.slot = slot;
  }

  /** Nothing may be put in or taken out meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#all.values();
  }
}
