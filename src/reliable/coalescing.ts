/**
 * One acknowledgement for the one-way messages of a turn: the last of them brings it back for all, the others are answered with
 * nothing. Nobody waits longer than the turn, whatever becomes of other exchanges; and a source whose carrier was lost sends
 * again, and a copy always brings back an acknowledgement of its own.
 *
 * All go at the end of the turn, one right after the other: answers that go one by one, between the messages of the turn, wake
 * their client for each, and both ends pay for that.
 */
import type { Delivery } from '../channel/delivery.ts';
import type { Turn } from '../channel/turn.ts';

/** The answer to a message, given at the end of its turn; nothing that a client does makes it fail. */
export class Coalesced {
  readonly trip: Delivery;
  readonly answer: Promise<Delivery | undefined>;
  readonly resolve: (answer: Delivery | undefined) => void;
  readonly reject: (thrown: unknown) => void;

  constructor(trip: Delivery) {
    const { promise, resolve, reject } = Promise.withResolvers<Delivery | undefined>();
    this.trip = trip;
    this.answer = promise;
    this.resolve = resolve;
    this.reject = reject;
  }
}

export class Coalescing {
  readonly #word: (trip: Delivery) => Delivery;
  #waiting: Coalesced[] = [];

  /** @param word makes the acknowledgement that answers a message */
  constructor(word: (trip: Delivery) => Delivery) {
    this.#word = word;
  }

  /** The answer to a message that was accepted: nothing where another one comes behind it in the turn. */
  answer(trip: Delivery, turn: Turn): Coalesced {
    const waiting = new Coalesced(trip);
    if (this.#waiting.push(waiting) === 1) turn.atEnd(this.#end);
    return waiting;
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
