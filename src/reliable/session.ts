/**
 * What the drivers of both ends have in common: the journal that makes a step durable before it is performed, the
 * numbers they count, and the view of a session that an application gets.
 */
import { asError } from '../base/errors.ts';
import type { Side } from '../channel/channel.ts';
import { encodeEnvelope, readEnvelope } from '../soap/envelope.ts';
import type { Message } from '../soap/message.ts';
import { scan } from '../xml/scan.ts';
import { type Outcome, ReliableError } from './errors.ts';
import type { Direction, SessionChange, SessionStore } from './store.ts';
import type { ReliableVersion } from './versions/version.ts';

/** Counts since this process took the session up. */
export interface Statistics {
  /** First transmissions of numbered messages. */
  sent: number;
  /** Further transmissions. */
  resent: number;
  /** Messages of this end that are settled. */
  acknowledged: number;
  /** Messages that were handed up and finished. */
  delivered: number;
  /** Messages of the peer that had been accepted before. */
  duplicates: number;
  /** Messages of the peer that could not be taken when they came. */
  dropped: number;
  /** Replies of this end's application that came when the session was over, and went nowhere. */
  late: number;
}

export function newStatistics(): Statistics {
  return { sent: 0, resent: 0, acknowledged: 0, delivered: 0, duplicates: 0, dropped: 0, late: 0 };
}

/** A session as its application sees it. */
export interface SessionView {
  readonly side: Side;
  /** Identifier of the sequence that the initiator sends on. */
  readonly id: string;
  readonly version: ReliableVersion;
  /** Who is at the other end, as security or TLS proved it. */
  readonly peer: string;
  readonly label: string | undefined;
  /** True when it was taken up from the store. */
  readonly resumed: boolean;
  /** How many messages this end has submitted in the whole life of the session, earlier processes included. */
  readonly submitted: number;
  readonly statistics: Readonly<Statistics>;
  /**
   * What is known of message `number` of this end, earlier processes included: `acknowledged`, `failed` (the peer will never
   * have it), `unknown` (sent, and the session ended before anybody could say) or `pending`. Messages are numbered from 1 in
   * the order of `send`; `onOutcome` tells each its number. After the end of a labelled session see `storedOutcomes`.
   */
  outcome(number: number): Outcome;
  /**
   * Stops without ending the session: nothing is told to the peer, and what the store holds stays, to be taken up later.
   * Messages that wait are rejected with `RELIABLE_SUSPENDED`.
   */
  suspend(): Promise<void>;
}

/** Commits changes of one session; without a store it does nothing. */
export class Journal {
  readonly key: string;
  readonly #store: SessionStore | undefined;
  #ended = false;

  constructor(store: SessionStore | undefined, key: string) {
    this.#store = store;
    this.key = key;
  }

  get isDurable(): boolean {
    return this.#store !== undefined;
  }

  /** @returns `undefined` when there is nothing to wait for; rejects with ReliableError `RELIABLE_STORE` */
  commit(change: Omit<SessionChange, 'session'>): Promise<void> | undefined {
    if (this.#store === undefined || this.#ended) return undefined;
    if (change.end === true) this.#ended = true;
    return this.#write(this.#store, change);
  }

  async #write(store: SessionStore, change: Omit<SessionChange, 'session'>): Promise<void> {
    try {
      await store.commit({ session: this.key, ...change });
    } catch (thrown) {
      throw storeFailed(thrown);
    }
  }

  /** The last commit: what the session came to, and its messages are let go. @throws ReliableError `RELIABLE_STORE` */
  async bury(state: unknown, drop: NonNullable<SessionChange['drop']>): Promise<void> {
    await this.commit({ state, drop });
    this.#ended = true;
  }

  /**
   * A stored message.
   *
   * @throws ReliableError `RELIABLE_STORE` when it is not there or cannot be read
   */
  async message(direction: Direction, number: number): Promise<Message> {
    let octets: Uint8Array | undefined;
    try {
      octets = await this.#store?.message(this.key, direction, number);
      if (octets !== undefined) return readEnvelope(scan(octets));
    } catch (thrown) {
      throw storeFailed(thrown);
    }
    throw new ReliableError('RELIABLE_STORE', `The store has lost message ${number} of the session ${this.key}.`);
  }

  /** What goes into the store of a message; empty when there is none. */
  octets(message: Message): Uint8Array {
    return this.#store === undefined ? nothing : encodeEnvelope(message);
  }
}

const nothing = new Uint8Array();

export function storeFailed(thrown: unknown): ReliableError {
  const cause = asError(thrown);
  return new ReliableError(
    'RELIABLE_STORE',
    `The session store failed: ${cause.message} Mend the store and open again.`,
    {
      cause,
      transient: true,
    },
  );
}
