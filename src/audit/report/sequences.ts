/** Counts what rows show of each sequence. */
import type { ReportSequence, Row } from './model.ts';

interface Counted {
  readonly sequence: ReportSequence;
  readonly numbers: Map<number, number>;
  readonly acknowledged: Set<number>;
}

/** Numbers of one acknowledged range that are counted one by one; a peer may claim 2^53. */
const widestRange = 1_000_000;

export class Sequences {
  readonly #byId = new Map<string, number>();
  readonly #all: Counted[] = [];

  /** Which one it is; a new one where its identifier was not seen before. */
  of(id: string): number {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const index = this.#all.length;
    this.#byId.set(id, index);
    this.#all.push({
      sequence: {
        id,
        version: '',
        from: -1,
        messages: 0,
        transmissions: 0,
        lost: 0,
        refused: 0,
        acknowledged: 0,
        isFinal: false,
        identities: [],
      },
      numbers: new Map(),
      acknowledged: new Set(),
    });
    return index;
  }

  at(index: number): ReportSequence {
    return (this.#all[index] as Counted).sequence;
  }

  /** Takes a number that is sent once more. @returns how often it had been sent before */
  sent(index: number, number: number): number {
    const { numbers, sequence } = this.#all[index] as Counted;
    const before = numbers.get(number) ?? 0;
    numbers.set(number, before + 1);
    sequence.transmissions++;
    sequence.messages = numbers.size;
    return before;
  }

  /** Takes what a row acknowledges, once it is known that it arrived. */
  acknowledge(row: Row): void {
    for (const { sequence: index, ranges, final } of row.acknowledgements ?? []) {
      const { sequence, acknowledged, numbers } = this.#all[index] as Counted;
      for (const [lower, upper] of ranges) {
        // What was never seen under way is not counted, however much of it is claimed.
        if (upper - lower < widestRange) {
          for (let number = lower; number <= upper; number++) if (numbers.has(number)) acknowledged.add(number);
        } else {
          for (const number of numbers.keys()) if (number >= lower && number <= upper) acknowledged.add(number);
        }
      }
      sequence.acknowledged = acknowledged.size;
      if (final === true) sequence.isFinal = true;
    }
  }

  list(): readonly ReportSequence[] {
    return this.#all.map(({ sequence }) => sequence);
  }
}
