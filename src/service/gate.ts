/**
 * A gate with a number of places: whoever finds none free waits. A free place goes to the party that holds the fewest, the
 * longest waiting first, so that one party with many requests does not starve the others.
 */

import { Bag } from '../base/bag.ts';
import type { Handling } from '../channel/handling.ts';
import type { Session } from '../channel/session.ts';
import { ServiceError } from './errors.ts';

/** Gives the place back. Idempotent. */
export type Leave = () => void;

/** Who holds a place. */
interface Inside {
  slot: number;
  readonly party: string | undefined;
  readonly handler: Handling | undefined;
}

interface Waiting {
  readonly party: string | undefined;
  readonly enter: () => void;
}

interface GateSettings {
  readonly places: number;
  /** How many of them may be of one party; whoever proved no name is not counted. Default: all. */
  readonly perParty?: number;
  /** How many may wait when one without a session comes. The windows of sessions bound their own. */
  readonly maxWaiting: number;
}

export class Gate {
  #places: number;
  #perParty: number;
  readonly #maxWaiting: number;
  readonly #waiting: Waiting[] = [];
  readonly #held = new Map<string, number>();
  readonly #inside = new Bag<Inside>();
  #taken = 0;

  constructor({ places, perParty = places, maxWaiting }: GateSettings) {
    this.#places = places;
    this.#perParty = perParty;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Settles once inside; rejects with the signal's reason when it fires before.
   *
   * @param isBack true for one who was inside before: never turned away
   * @param handler whose place it will be; is told behind whom it waits
   * @throws ServiceError `SERVICE_BUSY`
   */
  async enter(
    signal: AbortSignal,
    session: Session | undefined,
    isBack = false,
    handler: Handling | undefined = undefined,
  ): Promise<Leave> {
    signal.throwIfAborted();
    const party = session?.party;
    // Whoever may enter now overtakes only those who may not: their own party has its share.
    if (this.#admits(party)) return this.#take(party, handler);
    if (session === undefined && !isBack && this.#waiting.length >= this.#maxWaiting) {
      const reason = `${this.#waiting.length} messages wait already. Raise the limits of the service, or add machines.`;
      throw new ServiceError('SERVICE_BUSY', reason, { transient: true });
    }
    return new Promise((resolve, reject) => {
      const waits = (behind: Handling['behind']): void => {
        if (handler !== undefined) handler.behind = behind;
      };
      const onAbort = (): void => {
        waits(undefined);
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        party,
        enter: () => {
          waits(undefined);
          signal.removeEventListener('abort', onAbort);
          resolve(this.#take(party, handler));
        },
      };
      waits(() => this.#isStill(party));
      this.#waiting.push(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets in everybody who waits and who comes. */
  open(): void {
    this.#places = Number.POSITIVE_INFINITY;
    this.#perParty = Number.POSITIVE_INFINITY;
    for (const { enter } of this.#waiting.splice(0)) enter();
  }

  #admits(party: string | undefined): boolean {
    return this.#taken < this.#places && this.#of(party) < this.#perParty;
  }

  /** Nobody who could make room for one of `party` will do so by himself. */
  #isStill(party: string | undefined): boolean {
    const isShare = this.#of(party) >= this.#perParty;
    for (const inside of this.#inside) {
      if ((!isShare || inside.party === party) && inside.handler?.isStill !== true) return false;
    }
    return true;
  }

  #of(party: string | undefined): number {
    return party === undefined ? 0 : (this.#held.get(party) ?? 0);
  }

  #take(party: string | undefined, handler: Handling | undefined): Leave {
    const inside: Inside = { slot: -1, party, handler };
    this.#inside.add(inside);
    this.#count(party, 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inside.delete(inside);
      this.#count(party, -1);
      this.#next();
    };
  }

  #count(party: string | undefined, change: 1 | -1): void {
    this.#taken += change;
    if (party === undefined) return;
    const held = this.#of(party) + change;
    if (held > 0) this.#held.set(party, held);
    else this.#held.delete(party);
  }

  /** Lets in the one whose party holds the fewest; the longest waiting of these. */
  #next(): void {
    let chosen: Waiting | undefined;
    for (const one of this.#waiting) {
      if (!this.#admits(one.party)) continue;
      if (chosen === undefined || this.#of(one.party) < this.#of(chosen.party)) chosen = one;
    }
    if (chosen === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    chosen.enter();
  }
}
