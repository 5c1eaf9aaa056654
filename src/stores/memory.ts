/**
 * The store for tests and for sessions that need not outlive the process. It keeps the same promises as the durable
 * stores, except the one that matters after `kill -9`.
 */
import type { Direction, SessionChange, SessionStore, StoredMessage, StoredSession } from '../reliable/store.ts';
import { type EncodedChange, encodeChange } from './change.ts';
import { StoreError, storeClosed } from './errors.ts';

export interface MemoryStoreOptions {
  /** Octets of messages and characters of states the store may hold; default 256 MiB. A change beyond it fails with `STORE_FULL`. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

interface Entry {
  state: string | undefined;
  readonly messages: Map<string, StoredMessage>;
}

/**
 * Makes an empty store in memory. Its calls reject with `STORE_CHANGE_INVALID`, `STORE_FULL` or `STORE_CLOSED`.
 *
 * @returns the store
 */
export function memory(options: MemoryStoreOptions = {}): SessionStore {
  return new MemoryStore(options.maxBytes ?? DEFAULT_MAX_BYTES);
}

class MemoryStore implements SessionStore {
  readonly #sessions = new Map<string, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;
  #closed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  async sessions(): Promise<readonly StoredSession[]> {
    this.#alive();
    return Array.from(this.#sessions, ([session, { state }]) => ({
      session,
      state: state === undefined ? undefined : (JSON.parse(state) as unknown),
    }));
  }

  async *messages(session: string): AsyncGenerator<StoredMessage, void> {
    this.#alive();
    const messages = this.#sessions.get(session)?.messages.values() ?? [];
    const places = Array.from(messages, ({ direction, number }) => ({ direction, number }));
    places.sort((one, other) =>
      one.direction === other.direction ? one.number - other.number : one.direction < other.direction ? -1 : 1,
    );
    for (const { direction, number } of places) {
      const octets = await this.message(session, direction, number);
      if (octets !== undefined) yield { direction, number, octets };
    }
    this.#alive();
  }

  async message(session: string, direction: Direction, number: number): Promise<Uint8Array | undefined> {
    this.#alive();
    return this.#sessions.get(session)?.messages.get(keyOf(direction, number))?.octets.slice();
  }

  async commit(change: SessionChange): Promise<void> {
    this.#alive();
    const encoded = encodeChange(change);
    const bytes = this.#bytes + this.#growth(encoded);
    if (bytes > this.#maxBytes && bytes > this.#bytes) {
      throw new StoreError(
        'STORE_FULL',
        `The session store in memory may hold ${this.#maxBytes} octets and this change needs ${bytes}. Let sessions end, or raise maxBytes.`,
      );
    }
    this.#bytes = bytes;
    this.#apply(encoded);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sessions.clear();
  }

  #apply({ session, state, put, drop, end }: EncodedChange): void {
    if (end) {
      this.#sessions.delete(session);
      return;
    }
    const entry = this.#sessions.get(session) ?? { state: undefined, messages: new Map() };
    this.#sessions.set(session, entry);
    if (state !== undefined) entry.state = state;
    for (const { direction, number } of drop) entry.messages.delete(keyOf(direction, number));
    for (const message of put) entry.messages.set(keyOf(message.direction, message.number), message);
  }

  /** By how many octets the change makes the store larger (or smaller, below 0). */
  #growth({ session, state, put, drop, end }: EncodedChange): number {
    const entry = this.#sessions.get(session);
    if (end) return -(entry === undefined ? 0 : sizeOf(entry));
    const touched = new Map<string, number>();
    for (const { direction, number } of drop) touched.set(keyOf(direction, number), 0);
    for (const { direction, number, octets } of put) touched.set(keyOf(direction, number), octets.length);
    let growth = state === undefined ? 0 : state.length - (entry?.state?.length ?? 0);
    for (const [key, size] of touched) growth += size - (entry?.messages.get(key)?.octets.length ?? 0);
    return growth;
  }

  #alive(): void {
    if (this.#closed) throw storeClosed();
  }
}

function keyOf(direction: Direction, number: number): string {
  return `${direction}${number}`;
}

function sizeOf(entry: Entry): number {
  let size = entry.state?.length ?? 0;
  for (const { octets } of entry.messages.values()) size += octets.length;
  return size;
}
