/** One connection to the database of a store: made with every limit set, greeted, and asked one thing at a time. */
import type { Client } from 'pg';
import { later } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import { StoreError } from '../errors.ts';
import type { Settings } from './settings.ts';

export type Row = Readonly<Record<string, unknown>>;

/** What is asked of a database. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Milliseconds for a connection to be made, for a statement to end, and for its answer to come. */
const CONNECT_TIMEOUT = 10_000;
const STATEMENT_TIMEOUT = 10_000;
const ANSWER_TIMEOUT = 15_000;

/** As in `server_version_num`. */
const OLDEST_SERVER = 130_000;

/**
 * Nothing of the role or of the database changes what a statement means or how long it may take. Commits wait for the disk
 * here, whatever the default is; what waits for more (`remote_apply`) stays.
 */
const GREETING: Statement = {
  name: 'surewire_greeting',
  text: `
  SELECT set_config('search_path', 'pg_catalog', false),
         set_config('statement_timeout', '${STATEMENT_TIMEOUT}', false),
         set_config('lock_timeout', '${STATEMENT_TIMEOUT}', false),
         set_config('idle_in_transaction_session_timeout', '${STATEMENT_TIMEOUT}', false),
         set_config('plan_cache_mode', 'force_generic_plan', false),
         set_config('default_transaction_isolation', 'read committed', false),
         set_config('synchronous_commit', CASE current_setting('synchronous_commit')
           WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false) AS commits,
         current_setting('fsync') AS fsync,
         current_setting('server_encoding') AS encoding,
         current_setting('server_version_num')::int AS version,
         current_setting('transaction_read_only') = 'on' AS unwritable`,
};

export class Connection {
  readonly #client: Client;
  readonly #settings: Settings;
  #isLost = false;
  #commits = 'on';
  #lost: (reason: Error) => void = () => undefined;

  private constructor(client: Client, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
    client.on('error', (error) => this.#end(error));
    client.on('end', () => this.#end(new Error('the connection was closed')));
  }

  /** Makes a connection. @throws Error whatever is in the way, for `databaseError`; StoreError `STORE_UNWRITABLE` */
  static async make(settings: Settings): Promise<Connection> {
    const { Client: Made } = await driver();
    const { host, port, user, database, password, tls } = settings.address;
    const client = new Made({
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(database === undefined ? {} : { database }),
      ...(password === undefined ? {} : { password }),
      ssl: tls === false ? false : { ...tls, rejectUnauthorized: true },
      sslnegotiation: 'postgres',
      application_name: 'surewire',
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      keepAlive: true,
    });
    const made = new Connection(client, settings);
    try {
      await client.connect();
      await made.#greet();
      return made;
    } catch (thrown) {
      made.cut(asError(thrown));
      throw thrown;
    }
  }

  /** True once nothing can be asked any more: what was asked last may have been done, or not. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** What a commit waits for: `synchronous_commit`. */
  get commits(): string {
    return this.#commits;
  }

  /** Told once, when the connection breaks by itself. */
  onLost(lost: (reason: Error) => void): void {
    this.#lost = lost;
  }

  /**
   * Asks one thing; a statement by itself is a transaction by itself.
   *
   * @throws Error of the server, or of the connection, which then is lost
   */
  ask({ name, text }: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#awaited(async () => (await this.#client.query({ name, text, values })).rows);
  }

  /** Several statements without parameters. */
  async run(text: string): Promise<void> {
    await this.#awaited(() => this.#client.query({ text }));
  }

  async close(): Promise<void> {
    this.#lost = () => undefined;
    this.#isLost = true;
    await this.#awaited(() => this.#client.end());
  }

  /** Ends it at once; what is under way there may still be done, or not. */
  cut(reason: Error): void {
    this.#client.connection.stream.destroy();
    this.#end(reason);
  }

  /** What is waited for comes in time, and keeps the process alive; an idle store keeps none alive, as a file does not. */
  async #awaited<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#settings;
    const late = clock.at(
      later(clock.now(), ANSWER_TIMEOUT),
      () => this.cut(new Error('no answer came in time')),
      true,
    );
    this.#client.ref();
    try {
      return await work();
    } finally {
      late.cancel();
      this.#client.unref();
    }
  }

  #end(reason: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#lost(reason);
  }

  async #greet(): Promise<void> {
    const [found = {}] = await this.ask(GREETING);
    const { commits, fsync, encoding, version, unwritable } = found;
    if (Number(version) < OLDEST_SERVER) {
      throw this.#unfit(`is of PostgreSQL version ${version}; use 13 or later`);
    }
    if (encoding !== 'UTF8') throw this.#unfit(`has the encoding ${encoding}; make one with ENCODING 'UTF8'`);
    if (commits === 'off' || fsync !== 'on') {
      throw this.#unfit(
        'does not wait for the disk (fsync, synchronous_commit), so nothing could be promised; turn both on',
      );
    }
    if (unwritable === true) throw this.#unfit('is read-only, or a replica; name the primary', true);
    this.#commits = String(commits);
  }

  #unfit(why: string, transient = false): StoreError {
    const text = `The database of the session store ${this.#settings.where} ${why}.`;
    return new StoreError('STORE_UNWRITABLE', text, { transient });
  }
}

/** Loaded with the first store: who uses none need not install it. */
async function driver(): Promise<typeof import('pg').default> {
  try {
    return (await import('pg')).default;
  } catch (thrown) {
    const cause = asError(thrown);
    const text =
      'A store in PostgreSQL needs the package pg (node-postgres), which is not installed. Run: npm install pg';
    throw new StoreError('STORE_UNWRITABLE', text, { cause });
  }
}
