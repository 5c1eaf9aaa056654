/**
 * The embedded durable store: one SQLite file, written with a write-ahead log that is flushed at every commit, so what
 * `commit` promised survives `kill -9` and a power cut. All changes of one turn of the event loop share one transaction
 * and so one flush of the disk: that, not the database, is what bounds the rate of a store that commits one by one.
 */
import type { StatementSync } from 'node:sqlite';
import { diagnostics, type Publish } from '../base/diagnostics.ts';
import type { Direction, SessionChange, SessionStore, StoredMessage, StoredSession } from '../reliable/store.ts';
import { decodeState, type EncodedChange, encodeChange } from './change.ts';
import { type StoreError, storeClosed } from './errors.ts';
import { type OpenFile, openFile, storeError } from './sqlite-file.ts';

export interface SqliteStoreOptions {
  /** Octets the file may grow to; default 16 GiB. A change beyond it fails with `STORE_FULL`. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;

const publish: Publish = diagnostics('stores');

/**
 * Opens the store in a file, making the file when it is not there; the folder must be. One store has a file at a time.
 * The store's calls reject with `STORE_CHANGE_INVALID`, `STORE_FULL`, `STORE_UNWRITABLE`, `STORE_CORRUPT` or `STORE_CLOSED`.
 *
 * @param path the file, e.g. `./sessions.db`; `-wal` beside it belongs to it
 * @returns the store; `close` it to let another process have the file
 * @throws StoreError `STORE_LOCKED`, `STORE_UNWRITABLE`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_NEWER`
 */
export function sqlite(path: string, options: SqliteStoreOptions = {}): SessionStore {
  return new SqliteStore(openFile(path, options.maxBytes ?? DEFAULT_MAX_BYTES));
}

interface Waiting {
  readonly change: EncodedChange;
  resolve(): void;
  reject(error: StoreError): void;
}

class SqliteStore implements SessionStore {
  readonly #file: OpenFile;
  readonly #statements: Statements;
  #closed = false;
  /** The changes of this turn. */
  #batch: Waiting[] = [];
  /** Settles when the batch of this turn is written; never rejects. */
  #written: Promise<void> = Promise.resolve();

  constructor(file: OpenFile) {
    this.#file = file;
    this.#statements = prepare(file);
  }

  async sessions(): Promise<readonly StoredSession[]> {
    const rows = await this.#read(() => this.#statements.sessions.all());
    return rows.map(({ session, state }) => ({ session: String(session), state: decodeState(state, this.#file.path) }));
  }

  /** One by one: the database is in this process, so that parts of more would save nothing. */
  async *messages(session: string): AsyncGenerator<StoredMessage, void> {
    let last: readonly [direction: string, number: number] = ['', -1];
    for (;;) {
      const row = await this.#read(() => this.#statements.next.get(session, ...last));
      if (row === undefined) return;
      const found = messageOf(row);
      yield found;
      last = [found.direction, found.number];
    }
  }

  async message(session: string, direction: Direction, number: number): Promise<Uint8Array | undefined> {
    const row = await this.#read(() => this.#statements.message.get(session, direction, number));
    if (row === undefined) return undefined;
    const { octets } = row;
    return octets as Uint8Array;
  }

  async commit(change: SessionChange): Promise<void> {
    if (this.#closed) throw storeClosed();
    const encoded = encodeChange(change);
    const durable = new Promise<void>((resolve, reject) => {
      this.#batch.push({ change: encoded, resolve, reject });
    });
    if (this.#batch.length === 1) {
      this.#written = new Promise((resolve) => {
        setImmediate(() => {
          this.#write();
          resolve();
        });
      });
    }
    return durable;
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#written;
    this.#closed = true;
    this.#written = this.#written.then(() => {
      this.#file.database.close();
    });
    return this.#written;
  }

  /** Reads what was committed so far, this turn's changes included. */
  async #read<T>(query: () => T): Promise<T> {
    if (this.#closed) throw storeClosed();
    await this.#written;
    if (!this.#file.database.isOpen) throw storeClosed();
    try {
      return query();
    } catch (cause) {
      throw storeError(this.#file.path, cause);
    }
  }

  #write(): void {
    const batch = this.#batch;
    this.#batch = [];
    const failure = this.#transact(batch);
    publish(() => ({ event: 'batch.written', file: this.#file.path, changes: batch.length, failure }));
    if (failure === undefined) {
      for (const { resolve } of batch) resolve();
    } else if (batch.length === 1) {
      batch[0]?.reject(failure);
    } else {
      this.#writeOneByOne(batch);
    }
  }

  /**
   * One change spoilt the transaction, so each gets its own. A change whose predecessor in its session failed fails too:
   * its caller did not know of the failure, and a state must not be durable without the messages it speaks of.
   */
  #writeOneByOne(batch: readonly Waiting[]): void {
    const failures = new Map<string, StoreError>();
    for (const waiting of batch) {
      const { session } = waiting.change;
      const failure = failures.get(session) ?? this.#transact([waiting]);
      if (failure === undefined) {
        waiting.resolve();
      } else {
        failures.set(session, failure);
        waiting.reject(failure);
      }
    }
  }

  #transact(batch: readonly Waiting[]): StoreError | undefined {
    const { database, path } = this.#file;
    try {
      this.#statements.begin.run();
      for (const { change } of batch) this.#apply(change);
      this.#statements.commit.run();
      return undefined;
    } catch (cause) {
      // SQLite has already rolled back by itself after some failures (disk full, I/O).
      if (database.isTransaction) database.exec('ROLLBACK');
      return storeError(path, cause);
    }
  }

  #apply({ session, state, put, drop, end }: EncodedChange): void {
    const statements = this.#statements;
    if (end) {
      statements.forgetMessages.run(session);
      statements.forgetSession.run(session);
      return;
    }
    if (state === undefined) statements.begun.run(session);
    else statements.state.run(session, state);
    for (const { direction, number } of drop) statements.drop.run(session, direction, number);
    for (const { direction, number, octets } of put) statements.put.run(session, direction, number, octets);
  }
}

const SQL = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  sessions: 'SELECT session, state FROM session ORDER BY rowid',
  next: 'SELECT direction, number, octets FROM message WHERE session = ? AND (direction, number) > (?, ?) ORDER BY direction, number LIMIT 1',
  message: 'SELECT octets FROM message WHERE session = ? AND direction = ? AND number = ?',
  begun: 'INSERT INTO session (session) VALUES (?) ON CONFLICT DO NOTHING',
  state: 'INSERT INTO session (session, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state',
  put: 'INSERT OR REPLACE INTO message (session, direction, number, octets) VALUES (?, ?, ?, ?)',
  drop: 'DELETE FROM message WHERE session = ? AND direction = ? AND number = ?',
  forgetMessages: 'DELETE FROM message WHERE session = ?',
  forgetSession: 'DELETE FROM session WHERE session = ?',
} as const;

function messageOf({ direction, number, octets }: Readonly<Record<string, unknown>>): StoredMessage {
  return { direction: direction === 'in' ? 'in' : 'out', number: Number(number), octets: octets as Uint8Array };
}

type Statements = { readonly [name in keyof typeof SQL]: StatementSync };

function prepare({ database }: OpenFile): Statements {
  const entries = Object.entries(SQL).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(entries) as Statements;
}
