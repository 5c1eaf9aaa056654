/**
 * One acknowledgement for the one-way messages of a turn: the last of them brings it back for all, the others are answered with
 * nothing. Nobody waits longer than the turn, whatever becomes of other exchanges; and a source whose carrier was lost sends
 * again, and a copy always brings back an acknowledgement of its own.
 */
import type { Delivery } from '../channel/delivery.ts';
import type { Turn } from '../channel/turn.ts';

interface Waiting {
  readonly trip: Delivery;
  readonly resolve: (answer: Delivery | undefined) => void;
  readonly reject: (thrown: unknown) => void;
}

export class Coalescing {
  readonly #word: (trip: Delivery) => Delivery;
  #waiting: Waiting[] = [];

  /** @param word makes the acknowledgement that answers a message */
  constructor(word: (trip: Delivery) => Delivery) {
    this.#word = word;
  }

  /** The answer to a message that was accepted, at the end of the turn: nothing where another one came behind it. */
  answer(trip: Delivery, turn: Turn): Promise<Delivery | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ trip, resolve, reject }) === 1) turn.atEnd(this.#end);
    });
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    const last = waiting.pop();
    for (const { resolve } of waiting) resolve(undefined);
    if (last === undefined) return;
    try {
      last.resolve(this.#word(last.trip));
    } catch (thrown) {
      last.reject(thrown);
    }
  };
}
