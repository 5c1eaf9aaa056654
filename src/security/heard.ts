/**
 * What was believed on a channel where both ends speak unasked, by wsa:MessageID. Whoever says such a thing again and is refused hears
 * nothing: a fault about a copy could overtake the answer to the original, and end what that has begun. A copy that is the same to the
 * octet and one that was changed on the way are told nothing alike, so nobody learns by changing a copy whether it would have been
 * believed (attacks E2, E6). What has no MessageID is waited for by nobody, and its refusal said to nobody.
 */
import { dropOldest } from '../base/oldest.ts';
import { addressingOf, answerable } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';

/** The oldest go first: the refusal of a copy of theirs is said like every other, whether it is the same or not. */
const most = 4_096;

export class Heard {
  readonly #ids = new Set<string>();

  /** A message was believed. */
  believed(message: Message): void {
    const id = addressingOf(message)?.messageId;
    if (id === undefined || this.#ids.has(id)) return;
    this.#ids.add(id);
    dropOldest(this.#ids, most);
  }

  /** Whether somebody may wait for the answer to a message that was refused, and has not been believed already. */
  isWaitedFor(refused: Message): boolean {
    const id = answerable(refused)?.messageId;
    return id !== undefined && !this.#ids.has(id);
  }
}
