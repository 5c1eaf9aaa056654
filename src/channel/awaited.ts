/**
 * Answers on a duplex channel: they come up like any other message and are found by wsa:RelatesTo (WS-Addressing 1.0 Core
 * section 3.4). Whoever asked waits for its own answer, whatever else comes before.
 */
import { diagnostics } from '../base/diagnostics.ts';
import { abortable, never } from '../base/signals.ts';
import { addressingOf, answerable } from '../soap/addressing.ts';
import { faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { Carry, Delivery } from './delivery.ts';
import { ChannelError } from './errors.ts';
import { onRefused } from './refusal.ts';

const publish = diagnostics('channel');

/** Messages that may wait for their answer on one channel at once. */
const maxAwaited = 65_536;

/** Nobody hears it; one for all, because an error takes longer to make than a message. */
const givenUp = new ChannelError('CHANNEL_CLOSED', 'Nobody waits for the answer any more.');

interface Waiting {
  readonly answered: Promise<Delivery>;
  readonly resolve: (answer: Delivery) => void;
  readonly reject: (reason: Error) => void;
}

/** True for what answers something: it relates to a message, or is a fault, which asks for nothing. */
export function isAnswer(message: Message): boolean {
  return answerable(message)?.relatesTo !== undefined || faultOf(message) !== undefined;
}

/** True for what an answer could relate to. */
export function isAnswerable(message: Message): boolean {
  return answerable(message)?.messageId !== undefined;
}

export class Awaited {
  readonly #waiting = new Map<string, Waiting>();

  /** Whether somebody waits for this answer. */
  isAwaited(message: Message): boolean {
    const relatesTo = answerable(message)?.relatesTo;
    return relatesTo !== undefined && this.#waiting.has(relatesTo);
  }

  /** Takes an answer to whoever waits for it. */
  answer(trip: Delivery): void {
    const relatesTo = answerable(trip.message)?.relatesTo;
    const waiting = relatesTo === undefined ? undefined : this.#waiting.get(relatesTo);
    if (waiting === undefined) {
      const { action } = trip.message;
      publish(() => ({ event: 'answer.unexpected', relatesTo, action, fault: faultOf(trip.message)?.reason }));
      return;
    }
    waiting.resolve(trip);
  }

  /** The way down for messages, whose value is the answer where the message has a MessageID by which it can be found. */
  asking(next: Carry, expects: (trip: Delivery) => boolean): Carry {
    return async (trip) => {
      const said = addressingOf(trip.message);
      const id = said?.messageId;
      if (id === undefined || said?.relatesTo !== undefined || !expects(trip)) return next(trip);
      if (this.#waiting.has(id) || this.#waiting.size >= maxAwaited) {
        throw new ChannelError('CHANNEL_CORRELATION', `The answer to ${id} could not be told from another one.`);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Delivery>();
      promise.catch(() => undefined);
      this.#waiting.set(id, { answered: promise, resolve, reject });
      try {
        const hearing = trip.with(onRefused, reject);
        // An answer proves that the message arrived; its acknowledgement need not be waited for.
        const sent = next(hearing).then((value) => value ?? promise);
        return await abortable(Promise.race([promise, sent]), trip.signal);
      } finally {
        this.#waiting.delete(id);
        // Whoever waits for everything to be answered does not wait for what was given up.
        reject(givenUp);
      }
    };
  }

  /** Waits until everything that was asked is answered, or `signal` fires. */
  async idle(signal: AbortSignal = never): Promise<void> {
    const all = [...this.#waiting.values()].map(({ answered }) => answered);
    await abortable(Promise.allSettled(all), signal).catch(() => undefined);
  }

  /** The channel has ended: nothing will be answered any more. */
  end(reason: Error | undefined): void {
    if (this.#waiting.size === 0) return;
    const text = 'The channel was closed before the answer came. Connect again to ask again.';
    const gone = reason ?? new ChannelError('CHANNEL_CLOSED', text, { transient: true });
    for (const { reject } of this.#waiting.values()) reject(gone);
  }
}
