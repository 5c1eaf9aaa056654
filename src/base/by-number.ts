/**
 * What belongs to numbers that are given one after the other and done with nearly so: the messages of a session. As `Bag`, it
 * keeps no trace of what has gone, which a `Map` does; and where its numbers lie close together it is a ring.
 */

/** Places of the ring at first and at most; what finds its place taken then goes elsewhere. */
const FIRST = 8;
const MOST = 4_096;
/** No number of anything. */
const NOBODY = 0;

export class ByNumber<T> {
  #numbers: number[] = none;
  #values: (T | undefined)[] = [];
  #rest: Map<number, T> | undefined;

  /** @param number from 1 */
  get(number: number): T | undefined {
    const at = this.#at(number);
    return this.#numbers[at] === number ? this.#values[at] : this.#rest?.get(number);
  }

  has(number: number): boolean {
    return this.#numbers[this.#at(number)] === number || this.#rest?.has(number) === true;
  }

  /** @param number from 1 */
  set(number: number, value: T): void {
    if (this.#rest?.has(number) === true || !this.#makeRoom(number)) {
      this.#rest ??= new Map();
      this.#rest.set(number, value);
      return;
    }
    const at = this.#at(number);
    this.#numbers[at] = number;
    this.#values[at] = value;
  }

  delete(number: number): void {
    const at = this.#at(number);
    if (this.#numbers[at] === number) {
      this.#numbers[at] = NOBODY;
      this.#values[at] = undefined;
    } else this.#rest?.delete(number);
  }

  clear(): void {
    this.#numbers = none;
    this.#values = [];
    this.#rest = undefined;
  }

  /** The numbers, ascending. */
  keys(): readonly number[] {
    const all = [...this.#numbers.filter((number) => number !== NOBODY), ...(this.#rest?.keys() ?? [])];
    return all.sort((one, other) => one - other);
  }

  /** There are as many places as a power of two. */
  #at(number: number): number {
    return number & (this.#numbers.length - 1);
  }

  /** True when the place of `number` in the ring is free, or its own. */
  #makeRoom(number: number): boolean {
    for (;;) {
      const there = this.#numbers[this.#at(number)];
      if (this.#numbers !== none && (there === NOBODY || there === number)) return true;
      if (this.#numbers.length >= MOST) return false;
      this.#widen(Math.max(FIRST, 2 * this.#numbers.length));
    }
  }

  #widen(places: number): void {
    const [numbers, values] = [this.#numbers, this.#values];
    this.#numbers = new Array<number>(places).fill(NOBODY);
    this.#values = new Array<T | undefined>(places).fill(undefined);
    for (const [from, number] of numbers.entries()) {
      if (number === NOBODY) continue;
      const at = number & (places - 1);
      this.#numbers[at] = number;
      this.#values[at] = values[from];
    }
  }
}

/** Where nothing is and nothing may be put: most sessions hold nothing most of the time. */
const none: number[] = [NOBODY];
