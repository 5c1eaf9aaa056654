/**
 * Refusals of what was said on a duplex channel: a service that could not verify a message answers with a fault that nothing
 * secures, as a message of its own. Whoever waits for the answer hears of it, found by wsa:RelatesTo; nobody else does.
 */
import { dropOldest } from '../base/oldest.ts';
import type { Delivery } from '../channel/delivery.ts';
import { onRefused } from '../channel/refusal.ts';
import { addressingOf, answerable } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import type { SecurityError } from './errors.ts';

/** Messages of one channel that may wait to be refused, and copies of one of them; the oldest go first. */
const mostAwaited = 4_096;
const mostCopies = 32;

type Hear = (reason: SecurityError) => void;

export class Refusals {
  readonly #awaited = new Map<string, Hear[]>();

  /** A message goes out. */
  said(trip: Delivery): void {
    const hear = trip.get(onRefused);
    const id = hear === undefined ? undefined : addressingOf(trip.message)?.messageId;
    if (hear === undefined || id === undefined) return;
    const others = this.#awaited.get(id);
    if (others !== undefined) {
      others.push(hear);
      if (others.length > mostCopies) others.shift();
      return;
    }
    this.#awaited.set(id, [hear]);
    dropOldest(this.#awaited, mostAwaited);
  }

  /** Whoever waits for the answer that a refusal claims to be: each copy of a message is refused by itself, the first one first. */
  refused(message: Message): Hear | undefined {
    const id = answerable(message)?.relatesTo;
    const copies = id === undefined ? undefined : this.#awaited.get(id);
    if (id === undefined || copies === undefined) return undefined;
    const hear = copies.shift();
    if (copies.length === 0) this.#awaited.delete(id);
    return hear;
  }

  /** A message was believed: whoever waits for it as an answer waits for no refusal any more. */
  answered(message: Message): void {
    const id = answerable(message)?.relatesTo;
    if (id !== undefined) this.#awaited.delete(id);
  }
}
