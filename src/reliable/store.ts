/**
 * The port that keeps sessions alive across crashes. A store knows no rule of WS-RM: it keeps the last committed state of
 * each session and the messages that go with it, and what `commit` promised is still there after `kill -9`.
 */

/** Which way a stored message travels, seen from this end. */
export type Direction = 'out' | 'in';

export interface StoredMessage {
  readonly direction: Direction;
  /** The message number. */
  readonly number: number;
  /** The encoded, unsecured envelope. */
  readonly octets: Uint8Array;
}

/** One atomic step of one session. */
export interface SessionChange {
  /** Key of the session, chosen by its driver; the same for its whole life. */
  readonly session: string;
  /** The new state, a JSON value; `undefined` leaves the state as it is. */
  readonly state?: unknown;
  readonly put?: readonly StoredMessage[];
  readonly drop?: readonly { readonly direction: Direction; readonly number: number }[];
  /** Forgets the session, its state and its messages. */
  readonly end?: true;
}

export interface StoredSession {
  readonly session: string;
  readonly state: unknown;
}

export interface SessionStore {
  /** Every session that was committed and not ended. */
  sessions(): Promise<readonly StoredSession[]>;
  /**
   * The messages of one session, by direction and number, read in parts while they are gone through: of a session of any size at
   * most 1,000 messages, and 8 MiB and one message, are in memory at a time. What is put or dropped meanwhile may be among them or
   * not; all else is there once. Rejects in the middle when the store cannot be read any more.
   */
  messages(session: string): AsyncIterable<StoredMessage>;
  /** One stored message. */
  message(session: string, direction: Direction, number: number): Promise<Uint8Array | undefined>;
  /** Resolves when the change is durable. Changes of one session become durable in the order given. */
  commit(change: SessionChange): Promise<void>;
  /** Waits for what is under way, then lets go of files and connections. Idempotent. */
  close(): Promise<void>;
}
