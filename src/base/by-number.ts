/**
 * What belongs to numbers that are given one after the other and done with nearly so: the messages of a session. As `Bag`, it
 * keeps no trace of what has gone, which a `Map` does; and where its numbers lie close together it is a ring, as wide as what it
 * holds asks for: one that is much too wide is made narrow, and looked at only when many have gone since, so that each bears little of it.
 */

/** Places of the ring at first and at most; what finds its place taken then goes elsewhere. */
const FIRST = 8;
const MOST = 4_096;
/** Places that are never too many; and of more, how many for each that is held are. */
const FEW = 64;
const MUCH = 4;
/** No number of anything. */
const NOBODY = 0;

export class ByNumber<T> {
  #numbers: number[] = none;
  #values: (T | undefined)[] = [];
  #rest: Map<number, T> | undefined;
  /** In the ring. */
  #held = 0;
  /** Gone since the width of the ring was last looked at. */
  #gone = 0;

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
    if (this.#numbers[at] === NOBODY) this.#held += 1;
    this.#numbers[at] = number;
    this.#values[at] = value;
  }

  delete(number: number): void {
    const at = this.#at(number);
    if (this.#numbers[at] === number) {
      this.#numbers[at] = NOBODY;
      this.#values[at] = undefined;
      this.#held -= 1;
    } else {
      if (this.#rest?.delete(number) !== true) return;
      if (this.#rest.size === 0) this.#rest = undefined;
    }
    this.#gone += 1;
    if (MUCH * this.#gone >= this.#numbers.length) this.#narrow();
  }

  clear(): void {
    this.#numbers = none;
    this.#values = [];
    this.#rest = undefined;
    this.#held = 0;
    this.#gone = 0;
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
      this.#resize(Math.max(FIRST, 2 * this.#numbers.length));
    }
  }

  /** To twice what it holds, where no two then want the same place. */
  #narrow(): void {
    this.#gone = 0;
    if (this.#numbers.length <= FEW || MUCH * this.#held > this.#numbers.length) return;
    const held = this.#numbers.filter((number) => number !== NOBODY);
    for (let places = FEW; places < this.#numbers.length; places *= 2) {
      if (places < 2 * held.length || new Set(held.map((number) => number & (places - 1))).size < held.length) continue;
      this.#resize(places);
      return;
    }
  }

  #resize(places: number): void {
    const [numbers, values] = [this.#numbers, this.#values];
    this.#numbers = new Array<number>(places).fill(NOBODY);
    this.#values = new Array<T | undefined>(places).fill(undefined);
    for (let from = 0; from < numbers.length; from++) {
      const number = numbers[from] ?? NOBODY;
      if (number === NOBODY) continue;
      const at = number & (places - 1);
      this.#numbers[at] = number;
      this.#values[at] = values[from];
    }
  }
}

/** Where nothing is and nothing may be put: most sessions hold nothing most of the time. */
const none: number[] = [NOBODY];
