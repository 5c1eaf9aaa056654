/** A list of numbers that is filled, put in order and emptied again and again without leaving anything to collect. */
export class Picks {
  #items = new Int32Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#items[index] as number;
  }

  clear(): void {
    this.#length = 0;
  }

  add(item: number): void {
    if (this.#length === this.#items.length) {
      const longer = new Int32Array(this.#length * 2);
      longer.set(this.#items);
      this.#items = longer;
    }
    this.#items[this.#length++] = item;
  }

  /** Few by insertion, many by merging, so that many cost no square. */
  sort(compare: (one: number, other: number) => number): void {
    const items = this.#items;
    const length = this.#length;
    if (length > 16) {
      items.subarray(0, length).sort(compare);
      return;
    }
    for (let index = 1; index < length; index++) {
      const item = items[index] as number;
      let place = index;
      while (place > 0 && compare(items[place - 1] as number, item) > 0) {
        items[place] = items[place - 1] as number;
        place--;
      }
      items[place] = item;
    }
  }
}
