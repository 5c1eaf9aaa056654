/** What waits for one client: first in, first out, no more than may be. */
import type { Delivery } from '../channel/delivery.ts';
import { answerable } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import { ConnectionError } from './errors.ts';

export class Mailbox {
  readonly #most: number;
  readonly #waiting: { readonly name: string | undefined; trip: Delivery }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Puts a message where its client will find it. A repetition takes the place of what it repeats: a reliable session sends
   * again what is not acknowledged, and a client that does not come would find it many times.
   *
   * @throws ConnectionError `CONNECTION_FULL` (transient)
   */
  put(trip: Delivery): void {
    const name = nameOf(trip.message);
    const before = name === undefined ? undefined : this.#waiting.find((one) => one.name === name);
    if (before !== undefined) {
      before.trip = trip;
      return;
    }
    if (this.#waiting.length >= this.#most) {
      const text = `${this.#most} messages wait for the client already; it does not fetch them.`;
      throw new ConnectionError('CONNECTION_FULL', text, { transient: true });
    }
    this.#waiting.push({ name, trip });
  }

  take(): Delivery | undefined {
    return this.#waiting.shift()?.trip;
  }
}

/** The same for a message and its repetition; a message that has no name of its own is not known again. */
function nameOf(of: Message): string | undefined {
  const said = answerable(of);
  if (said === undefined || (said.messageId === undefined && said.relatesTo === undefined)) return undefined;
  return JSON.stringify([said.action, said.messageId ?? null, said.relatesTo ?? null]);
}
