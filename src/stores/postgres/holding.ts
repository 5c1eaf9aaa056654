/**
 * Who holds a store: one process at a time, under a lease on the clock of the database. A holder is known by its epoch, and
 * each connection of it by its link; both stand in every statement that writes, so that neither a holder whose lease was taken
 * over nor a statement that is still under way on a broken connection can commit anything (fencing).
 */
import { randomUUID } from 'node:crypto';
import { type Instant, later } from '../../base/clock.ts';
import { diagnostics, type Publish } from '../../base/diagnostics.ts';
import { asError } from '../../base/errors.ts';
import { wait } from '../../base/signals.ts';
import { StoreError } from '../errors.ts';
import { Connection, type Row, type Statement } from './connection.ts';
import { databaseError } from './failures.ts';
import { ensureSchema } from './schema.ts';
import { LONGEST_LEASE, type Settings } from './settings.ts';
import { HOLDER, LOOK, RELEASE, RENEW, RESUME, TAKE } from './statements.ts';

export const publish: Publish = diagnostics('stores');

/** Milliseconds between two looks at a store that another holds, and between two attempts to connect. */
const LOOK_EVERY = 1_000;
const FIRST_BACK_OFF = 50;
const LONGEST_BACK_OFF = 2_000;
/** How often in a row a store that nobody is seen to hold is not got, though it may be because somebody else got it. */
const MOST_MISSED = 5;

/** What stands in the store's row of what is ours. */
interface Held {
  readonly id: number;
  readonly epoch: number;
  readonly link: number;
  /** The last batch that was committed, by whomever. */
  readonly batch: number;
}

export class Holding {
  readonly #settings: Settings;
  readonly #token: string;
  #connection: Connection | undefined;
  #held: Held;
  #lost: StoreError | undefined;
  #onLost: (lost: StoreError) => void = () => undefined;

  private constructor(settings: Settings, held: Held, token: string, connection: Connection) {
    this.#settings = settings;
    this.#held = held;
    this.#token = token;
    this.#attach(connection);
  }

  /**
   * Takes the store, or waits for it.
   *
   * @throws StoreError `STORE_LOCKED`, `STORE_FOREIGN`, `STORE_NEWER`, `STORE_UNWRITABLE`; the signal's reason
   */
  static async take(settings: Settings): Promise<Holding> {
    const { clock, where } = settings;
    const until = later(clock.now(), settings.wait);
    for (let backOff = FIRST_BACK_OFF; ; backOff = Math.min(2 * backOff, LONGEST_BACK_OFF)) {
      let connection: Connection | undefined;
      try {
        connection = await opened(settings);
        return await Holding.#taken(settings, connection, until);
      } catch (thrown) {
        if (connection?.isLost === false) await connection.close();
        if (settings.signal?.aborted) throw thrown;
        const failure = databaseError(where, thrown);
        if (clock.now() >= until || !failure.transient) throw failure;
        await wait(clock, backOff, settings.signal, true);
      }
    }
  }

  static async #taken(settings: Settings, connection: Connection, until: Instant): Promise<Holding> {
    const { clock, name, holder, lease, signal, where } = settings;
    const token = randomUUID();
    /** The lease as it was found: who renews it lives. */
    let first: string | undefined;
    for (let missed = 0; ; ) {
      signal?.throwIfAborted();
      const [found] = await connection.ask(HOLDER, [name]);
      const other = found === undefined ? undefined : otherOf(found);
      // Asked first: to try to take what another holds would lock its row, and it is at work.
      if (other === undefined || other.remaining <= 0) {
        const [row] = await connection.ask(TAKE, [name, token, holder, lease]);
        if (row === undefined) {
          // Somebody was faster, whom the next look finds.
          missed += 1;
          if (missed === MOST_MISSED) throw new Error('its row does not stay');
          continue;
        }
        const holding = new Holding(settings, heldOf(row), token, connection);
        publish(() => ({ event: 'store.taken', store: where, epoch: holding.epoch }));
        return holding;
      }
      missed = 0;
      if (first === undefined) publish(() => ({ event: 'store.awaited', store: where, holder: other.holder }));
      first ??= other.lease;
      // A lease that lasts longer than any was given before the clock of the database was set back: nobody knows who lives.
      const isAlive = first !== other.lease || other.remaining > LONGEST_LEASE;
      if (isAlive && clock.now() >= until) throw locked(where, other);
      await wait(clock, Math.min(LOOK_EVERY, other.remaining) + 1, signal, true);
    }
  }

  /** Counts the holders that the store has had; greater than that of any holder before. */
  get epoch(): number {
    return this.#held.epoch;
  }

  /** The last batch that is known to be committed. */
  get batch(): number {
    return this.#held.batch;
  }

  /** What proves to the database that it is us who write. */
  get proof(): readonly [id: number, token: string, link: number] {
    const { id, link } = this.#held;
    return [id, this.#token, link];
  }

  /** There is a connection, so that what fails does not fail for want of one. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Set once the store is another's, or its state is not known: nothing is written any more. */
  get lost(): StoreError | undefined {
    return this.#lost;
  }

  /** Told once. */
  onLost(lost: (error: StoreError) => void): void {
    this.#onLost = lost;
  }

  /** The connection that is there, or a new one. @throws StoreError `STORE_LOST`, `STORE_UNWRITABLE` (not until `until`) */
  async connection(until: Instant): Promise<Connection> {
    const { clock, where } = this.#settings;
    for (let backOff = FIRST_BACK_OFF; ; backOff = Math.min(2 * backOff, LONGEST_BACK_OFF)) {
      if (this.#lost !== undefined) throw this.#lost;
      if (this.#connection !== undefined) return this.#connection;
      try {
        await this.#resume();
      } catch (thrown) {
        const failure = databaseError(where, thrown);
        if (failure.code === 'STORE_LOST' || clock.now() >= until) throw failure;
        await wait(clock, Math.max(0, Math.min(backOff, until - clock.now())), undefined, true);
      }
    }
  }

  /** Asks on a connection; one that is broken afterwards is let go of. */
  async ask(connection: Connection, statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return await connection.ask(statement, values);
    } catch (thrown) {
      // An error that comes with the end of the connection is followed by that end; one more word tells them apart.
      if (!connection.isLost) await this.look(connection).catch((worse: unknown) => connection.cut(asError(worse)));
      throw thrown;
    }
  }

  /**
   * Finds out what became of what was written last over this connection. Loses the store when it is another's, or an older copy.
   *
   * @throws Error when the connection is broken
   */
  async look(connection: Connection): Promise<void> {
    const [row] = await connection.ask(LOOK, this.proof);
    if (row === undefined) throw await this.taken(connection);
    const { batch } = heldOf(row);
    if (batch < this.batch) throw this.lose(this.#gone());
    this.wrote(batch);
  }

  /** The store is another's. */
  async taken(connection: Connection): Promise<StoreError> {
    return this.lose(await this.#another(connection));
  }

  /** Notes that a batch is committed. */
  wrote(batch: number): void {
    this.#held = { ...this.#held, batch };
  }

  /** Says that the holder lives. @throws StoreError `STORE_LOST`; Error when the connection is broken */
  async renew(connection: Connection): Promise<void> {
    const [row] = await this.ask(connection, RENEW, [...this.proof, this.#settings.lease]);
    if (row === undefined) throw await this.taken(connection);
  }

  /** Gives the store up for good. */
  lose(error: StoreError): StoreError {
    if (this.#lost === undefined) {
      this.#lost = error;
      publish(() => ({ event: 'store.lost', store: this.#settings.where, epoch: this.epoch, reason: error.message }));
      this.#connection?.cut(error);
      this.#onLost(error);
    }
    return this.#lost;
  }

  /** Lets the next holder have it at once; where that cannot be said any more, when the lease has run out. */
  async release(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || connection.isLost) return;
    await connection.ask(RELEASE, this.proof).catch(() => undefined);
    await connection.close();
  }

  async #resume(): Promise<void> {
    const connection = await opened(this.#settings);
    try {
      const [row] = await connection.ask(RESUME, [this.#held.id, this.#token, this.#settings.lease]);
      if (row === undefined) throw await this.taken(connection);
      const held = heldOf(row);
      if (held.batch < this.batch) throw this.lose(this.#gone());
      this.#held = held;
    } catch (thrown) {
      connection.cut(asError(thrown));
      throw thrown;
    }
    this.#attach(connection);
    publish(() => ({ event: 'connection.made', store: this.#settings.where, epoch: this.epoch }));
  }

  #attach(connection: Connection): void {
    this.#connection = connection;
    connection.onLost((reason) => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      publish(() => ({ event: 'connection.lost', store: this.#settings.where, reason: reason.message }));
    });
  }

  #gone(): StoreError {
    const text = `The database of the session store ${this.#settings.where} has lost changes that it had committed: was an older copy of it put in its place? Nothing more is written; mend the database, and open the store again to go on from what it has.`;
    return new StoreError('STORE_LOST', text);
  }

  async #another(connection: Connection): Promise<StoreError> {
    const { name, where } = this.#settings;
    const [row] = await connection.ask(HOLDER, [name]).catch(() => []);
    const who = row === undefined ? 'another process' : JSON.stringify(otherOf(row).holder);
    return new StoreError(
      'STORE_LOST',
      `The session store ${where} was taken over by ${who} after its lease had run out here. Nothing more is written; end the sessions of this process, and open the store again to wait for it.`,
    );
  }
}

/** A connection to a database that has the tables. */
async function opened(settings: Settings): Promise<Connection> {
  const connection = await Connection.make(settings);
  try {
    await ensureSchema(connection, settings.where);
    return connection;
  } catch (thrown) {
    connection.cut(asError(thrown));
    throw thrown;
  }
}

function heldOf(row: Row): Held {
  const { id, epoch, link, batch } = row;
  return { id: Number(id), epoch: Number(epoch), link: Number(link), batch: Number(batch) };
}

/** Whoever holds the store. */
interface Other {
  readonly holder: string;
  readonly lease: string;
  /** Milliseconds that the lease lasts. */
  readonly remaining: number;
}

/** What another wrote is told to people: nothing in it moves their cursor. */
function otherOf({ holder, lease, remaining }: Row): Other {
  const printable = String(holder).replace(/\p{C}/gu, '?');
  return { holder: printable, lease: String(lease), remaining: Number(remaining) };
}

function locked(where: string, { holder, remaining }: Other): StoreError {
  const seconds = Math.max(0, Math.ceil(remaining / 1_000));
  const text = `The session store ${where} is held by ${JSON.stringify(holder)}, whose lease lasts ${seconds} s and is renewed. End that process, wait for it (wait), or name another store.`;
  return new StoreError('STORE_LOCKED', text, { transient: true });
}
