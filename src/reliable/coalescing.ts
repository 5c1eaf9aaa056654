/**
 * One acknowledgement for the one-way messages of a turn: the last of them brings it back for all, the others are answered with
 * nothing. Nobody waits longer than the turn, whatever becomes of other exchanges; and a source whose carrier was lost sends
 * again, and a copy always brings back an acknowledgement of its own.
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
  #last: Coalesced | undefined;

  /** @param word makes the acknowledgement that answers a message */
  constructor(word: (trip: Delivery) => Delivery) {
    this.#word = word;
  }

  /** The answer to a message that was accepted: nothing as soon as another one comes behind it in the turn. */
  answer(trip: Delivery, turn: Turn): Coalesced {
    const before = this.#last;
    this.#last = new Coalesced(trip);
    if (before === undefined) turn.atEnd(this.#end);
    else before.resolve(undefined);
    return this.#last;
  }

  readonly #end = (): void => {
    const last = this.#last;
    this.#last = undefined;
    if (last === undefined) return;
    try {
      last.resolve(this.#word(last.trip));
    } catch (thrown) {
      last.reject(thrown);
    }
  };
}
