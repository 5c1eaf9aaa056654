/**
 * The shared durable store: tables in PostgreSQL, so that sessions move from one machine to another. As with a file, one
 * process has a store at a time; when it ends, or its lease runs out because it was killed or cut off, the next one takes over,
 * and the old one can write nothing more. What `commit` promised was flushed to the database's disk.
 */
import { type Instant, later, type Timer } from '../base/clock.ts';
import { Serial } from '../base/serial.ts';
import type { Direction, SessionChange, SessionStore, StoredMessage, StoredSession } from '../reliable/store.ts';
import { type EncodedChange, encodeChange } from './change.ts';
import { StoreError, storeClosed } from './errors.ts';
import { batchSize, parametersOf, requireSize } from './postgres/batch.ts';
import type { Connection, Row, Statement } from './postgres/connection.ts';
import { databaseError } from './postgres/failures.ts';
import { Holding, publish } from './postgres/holding.ts';
import { messagesOf, octetsOf, sessionsOf } from './postgres/rows.ts';
import { type PostgresStoreOptions, readSettings, type Settings } from './postgres/settings.ts';
import { MESSAGE, MESSAGES, SESSIONS, WRITE } from './postgres/statements.ts';

/** A store that another process may take over. */
export interface SharedStore extends SessionStore {
  /**
   * Counts the holders of the store; greater than that of every holder before. What a handler writes elsewhere can be fenced
   * with it: refuse a smaller one than was seen before.
   */
  readonly epoch: number;
  /** Settles once and never rejects: with StoreError `STORE_LOST` when the store was lost, with nothing when it was closed. */
  readonly closed: Promise<StoreError | undefined>;
}

/**
 * Opens a store in PostgreSQL (13 or later, encoding UTF8) and takes it for this process alone; the tables are made in the schema
 * `surewire` when they are not there. Needs the package `pg`. The store's calls reject with `STORE_CHANGE_INVALID`, `STORE_FULL`,
 * `STORE_UNWRITABLE`, `STORE_LOST`, `STORE_CORRUPT` or `STORE_CLOSED`.
 *
 * @param connection e.g. `postgres://user@db.example/orders?sslrootcert=ca.pem`; of one store, by its name, there may be many
 * @returns the store; `close` it to let another process have it at once
 * @throws StoreError `STORE_SETTING`, `STORE_LOCKED` (who holds it, and until when), `STORE_UNWRITABLE`, `STORE_FOREIGN`,
 * `STORE_NEWER`; the reason of `signal`
 */
export async function postgres(connection: string, options: PostgresStoreOptions = {}): Promise<SharedStore> {
  const settings = readSettings(connection, options);
  return new PostgresStore(settings, await Holding.take(settings));
}

interface Waiting {
  readonly change: EncodedChange;
  /** When its caller has waited long enough for a database that is out of reach. */
  readonly until: Instant;
  resolve(): void;
  reject(error: StoreError): void;
}

/** Milliseconds for which the changes that spoil a turn are looked for. */
const LONGEST_SEARCH = 30_000;

class PostgresStore implements SharedStore {
  readonly closed: Promise<StoreError | undefined>;
  readonly #settings: Settings;
  readonly #holding: Holding;
  /** Writes and reads, in the order given. */
  readonly #serial = new Serial();
  /** The changes that nobody writes yet, and those that have gathered and wait for their part to be written. */
  #batch: Waiting[] = [];
  #gathered: Waiting[] = [];
  #isClosed = false;
  #end: (error: StoreError | undefined) => void = () => undefined;
  #heartbeat: Timer | undefined;
  /** Something was written since the lease was last looked at. */
  #isRenewed = true;

  constructor(settings: Settings, holding: Holding) {
    this.#settings = settings;
    this.#holding = holding;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    holding.onLost((error) => {
      this.#heartbeat?.cancel();
      this.#end(error);
    });
    this.#beat();
  }

  get epoch(): number {
    return this.#holding.epoch;
  }

  async sessions(): Promise<readonly StoredSession[]> {
    return sessionsOf(await this.#read(SESSIONS, []), this.#settings.where);
  }

  messages(session: string): AsyncGenerator<StoredMessage, void> {
    return messagesOf((behind) => this.#read(MESSAGES, [session, ...behind]));
  }

  async message(session: string, direction: Direction, number: number): Promise<Uint8Array | undefined> {
    const [{ octets = null } = {}] = await this.#read(MESSAGE, [session, direction, number]);
    return octets === null ? undefined : octetsOf(octets);
  }

  async commit(change: SessionChange): Promise<void> {
    if (this.#isClosed) throw storeClosed();
    if (this.#holding.lost !== undefined) throw this.#holding.lost;
    const encoded = encodeChange(change);
    requireSize(encoded);
    const durable = new Promise<void>((resolve, reject) => {
      this.#batch.push({ change: encoded, until: this.#patience(), resolve, reject });
    });
    if (this.#batch.length === 1) void this.#serial.run(() => this.#writeAll());
    return durable;
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#heartbeat?.cancel();
      void this.#serial.run(() => this.#holding.release());
    }
    await this.#serial.idle();
    this.#end(undefined);
  }

  /** Reads what was committed so far, this turn's changes included; of the next holder nothing. */
  #read(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    if (this.#isClosed) return Promise.reject(storeClosed());
    const holding = this.#holding;
    const until = this.#patience();
    return this.#serial.run(async () => {
      for (;;) {
        const connection = await holding.connection(until);
        try {
          const rows = await holding.ask(connection, statement, [...holding.proof, ...values]);
          if (rows.length === 0) throw await holding.taken(connection);
          return rows;
        } catch (thrown) {
          const mayGoOn = connection.isLost && holding.lost === undefined && !this.#isOver(until);
          if (!mayGoOn) throw databaseError(this.#settings.where, thrown);
        }
      }
    });
  }

  /**
   * Writes what has gathered, the rest of this turn included. A change that spoils its transaction is looked for by halves, so that
   * it alone fails; what can be the database's fault as well is looked for so long and no longer.
   */
  async #writeAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#gathered = this.#batch;
    this.#batch = [];
    const { clock } = this.#settings;
    let most = Number.POSITIVE_INFINITY;
    let until: Instant | undefined;
    while (this.#gathered.length > 0) {
      const size = batchSize(this.#gathered.slice(0, most).map(({ change }) => change));
      const part = this.#gathered.splice(0, size);
      const failure = await this.#transact(part);
      publish(() => ({ event: 'batch.written', store: this.#settings.where, changes: part.length, failure }));
      if (failure === undefined) {
        for (const { resolve } of part) resolve();
        most *= 2;
        continue;
      }
      until ??= later(clock.now(), LONGEST_SEARCH);
      const mayGoOn = this.#holding.isConnected && !this.#isOver(until);
      if (mayGoOn && part.length > 1) {
        this.#gathered = [...part, ...this.#gathered];
        most = Math.ceil(part.length / 2);
      } else {
        this.#refuse(part, failure);
        // What is left is tried once, all together.
        if (!mayGoOn) most = Number.POSITIVE_INFINITY;
      }
    }
  }

  /**
   * A change whose predecessor in its session failed fails too: its caller did not know of the failure, and a state must not be
   * durable without the messages it speaks of.
   */
  #refuse(batch: readonly Waiting[], failure: StoreError): void {
    const failed = new Set(batch.map(({ change }) => change.session));
    const isFailed = ({ change }: Waiting): boolean => failed.has(change.session);
    const after = [...this.#gathered, ...this.#batch].filter(isFailed);
    this.#gathered = this.#gathered.filter((waiting) => !isFailed(waiting));
    this.#batch = this.#batch.filter((waiting) => !isFailed(waiting));
    for (const { reject } of [...batch, ...after]) reject(failure);
  }

  /**
   * Commits a batch; what became of it is never guessed. When the connection breaks before the answer, the next one is told the
   * number of the last batch that was committed, after which nothing that is still under way on the old one can commit.
   */
  async #transact(batch: readonly Waiting[]): Promise<StoreError | undefined> {
    const holding = this.#holding;
    const until = batch.at(-1)?.until ?? this.#patience();
    const changes = parametersOf(batch.map(({ change }) => change));
    let number: number | undefined;
    /** Why it is not known what became of it. */
    let doubt: StoreError | undefined;
    for (;;) {
      let connection: Connection | undefined;
      try {
        connection = await holding.connection(until);
        number ??= holding.batch + 1;
        if (doubt !== undefined) {
          if (holding.batch >= number) return undefined;
          if (this.#isOver(until)) return doubt;
        }
        if (await this.#writeOver(connection, number, changes)) return undefined;
        await holding.look(connection);
        return this.#full();
      } catch (thrown) {
        const failure = databaseError(this.#settings.where, thrown);
        if (number !== undefined && holding.batch >= number) return undefined;
        if (holding.lost !== undefined) return holding.lost;
        if (connection === undefined) return doubt === undefined ? failure : holding.lose(this.#unknown(failure));
        if (!connection.isLost) return failure;
        doubt = failure;
      }
    }
  }

  async #writeOver(connection: Connection, number: number, changes: readonly unknown[]): Promise<boolean> {
    const { lease, maxBytes } = this.#settings;
    const values = [...this.#holding.proof, number, lease, maxBytes, connection.commits, ...changes];
    const [{ held } = {}] = await this.#holding.ask(connection, WRITE, values);
    if (held !== 1) return false;
    this.#holding.wrote(number);
    this.#isRenewed = true;
    return true;
  }

  #full(): StoreError {
    const { where, maxBytes } = this.#settings;
    const text = `The session store ${where} may hold ${maxBytes} octets and has no room for this change. Let sessions end, or raise maxBytes.`;
    return new StoreError('STORE_FULL', text);
  }

  #unknown(cause: StoreError): StoreError {
    const { where, patience } = this.#settings;
    const text = `The database of the session store ${where} was out of reach for ${patience / 1_000} s in the middle of a commit. Whether the last changes are durable is not known here; open the store again to see.`;
    return new StoreError('STORE_LOST', text, { cause });
  }

  #patience(): Instant {
    const { clock, patience } = this.#settings;
    return later(clock.now(), patience);
  }

  #isOver(until: Instant): boolean {
    return this.#settings.clock.now() >= until;
  }

  /** Renews the lease where nothing else does. */
  #beat(): void {
    const { clock, lease } = this.#settings;
    this.#heartbeat = clock.at(later(clock.now(), lease / 3), () => {
      const isRenewed = this.#isRenewed;
      this.#isRenewed = false;
      const renewed = isRenewed ? Promise.resolve() : this.#serial.run(() => this.#renew());
      void renewed.then(() => {
        if (!this.#isClosed && this.#holding.lost === undefined) this.#beat();
      });
    });
  }

  /** A new connection has renewed the lease by itself. */
  async #renew(): Promise<void> {
    try {
      await this.#holding.renew(await this.#holding.connection(this.#settings.clock.now()));
    } catch {
      // Tried again at the next beat; that the store is lost was told.
    }
  }
}
