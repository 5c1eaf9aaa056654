/**
 * What was believed on a channel where both ends speak unasked, by wsa:MessageID. Whoever says such a thing again and is refused hears
 * nothing: a fault about a copy could overtake the answer to the original, and end what that has begun. A copy that is the same to the
 * octet and one that was changed on the way are told nothing alike, so nobody learns by changing a copy whether it would have been
 * believed (attacks E2, E6). What has no MessageID is waited for by nobody, and its refusal said to nobody.
 */
import { addressingOf, answerable } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';

/**
 * So many at least, and twice as many at most; the refusal of a copy of older ones is said like every other, whether it is the same or
 * not. They go all at once with the table that they lie in: taking each out by itself costs more than all else here.
 */
const most = 4_096;

export class Heard {
  #ids = new Set<string>();
  #before: ReadonlySet<string> = this.#ids;

  /** A message was believed. */
  believed(message: Message): void {
    const id = addressingOf(message)?.messageId;
    if (id === undefined) return;
    if (this.#ids.size >= most) {
      this.#before = this.#ids;
      this.#ids = new Set();
    }
    this.#ids.add(id);
  }

  /** Whether somebody may wait for the answer to a message that was refused, and has not been believed already. */
  isWaitedFor(refused: Message): boolean {
    const id = answerable(refused)?.messageId;
    return id !== undefined && !this.#ids.has(id) && !this.#before.has(id);
  }
}
