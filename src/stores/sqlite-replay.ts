/**
 * A replay cache in a SQLite file, for several processes and endpoints on one machine, and across restarts (attacks R3, R4, R6): what
 * one of them has let through, the others refuse, also after a crash. Check and set is one transaction. Keys are kept as SHA-256.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Instant } from '../base/clock.ts';
import { SecurityError } from '../security/errors.ts';
import type { ReplayCache } from '../security/replay.ts';
import { StoreError } from './errors.ts';
import { createPrivate, sqliteModule, storeError } from './sqlite-file.ts';

export interface SqliteReplayOptions {
  /** Entries it may hold; default 1,000,000. When it is full, messages are refused. */
  readonly maxEntries?: number;
}

export interface SharedReplayCache extends ReplayCache {
  close(): void;
}

/** `forgotten`: the latest end among what was forgotten; should a clock be set back, what ends before was perhaps here. */
const schema = `
  CREATE TABLE IF NOT EXISTS surewire_replay (key BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS surewire_replay_until ON surewire_replay (until);
  CREATE TABLE IF NOT EXISTS surewire_replay_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, forgotten INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO surewire_replay_state VALUES (1, 0, -9007199254740991);
`;

/** Milliseconds that one process waits for another's transaction. */
const patience = 5_000;

/**
 * Opens the cache in a file, making it when it is not there; the folder must be. Any number of processes may have it open at once, on a
 * file system that is not a network's.
 *
 * `remember` throws SecurityError `SECURITY_REPLAY_FULL`, also when the file cannot be written: what cannot be remembered is not let
 * through.
 *
 * @param path the file, e.g. `./replay.db`; not that of a session store
 * @throws StoreError `STORE_UNWRITABLE`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_LOCKED`
 */
export function sqliteReplayCache(
  path: string,
  { maxEntries = 1_000_000 }: SqliteReplayOptions = {},
): SharedReplayCache {
  const file = resolve(path);
  let database: DatabaseSync | undefined;
  try {
    createPrivate(file);
    database = new (sqliteModule().DatabaseSync)(file);
    database.exec(`PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    requireOwn(file, database);
    database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    return new SqliteReplayCache(database, maxEntries);
  } catch (cause) {
    database?.close();
    throw cause instanceof StoreError ? cause : storeError(file, cause);
  }
}

class SqliteReplayCache implements SharedReplayCache {
  readonly #database: DatabaseSync;
  readonly #most: number;
  readonly #find: StatementSync;
  readonly #state: StatementSync;
  readonly #latestOver: StatementSync;
  readonly #drop: StatementSync;
  readonly #add: StatementSync;
  readonly #settle: StatementSync;

  constructor(database: DatabaseSync, most: number) {
    this.#database = database;
    this.#most = most;
    this.#find = database.prepare('SELECT until FROM surewire_replay WHERE key = ?');
    this.#state = database.prepare('SELECT entries, forgotten FROM surewire_replay_state');
    this.#latestOver = database.prepare('SELECT max(until) AS until FROM surewire_replay WHERE until <= ?');
    this.#drop = database.prepare('DELETE FROM surewire_replay WHERE until <= ?');
    this.#add = database.prepare('INSERT INTO surewire_replay VALUES (?, ?)');
    this.#settle = database.prepare('UPDATE surewire_replay_state SET entries = ?, forgotten = ?');
  }

  remember(key: string, until: Instant, now: Instant): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const isNew = this.#remember(createHash('sha256').update(key).digest(), until, now);
        this.#database.exec('COMMIT');
        return isNew;
      } catch (thrown) {
        this.#database.exec('ROLLBACK');
        throw thrown;
      }
    } catch (cause) {
      if (cause instanceof SecurityError) throw cause;
      throw new SecurityError('SECURITY_REPLAY_FULL', 'The replay cache cannot be written.', {
        cause,
        transient: true,
      });
    }
  }

  close(): void {
    this.#database.close();
  }

  #remember(key: Uint8Array, until: Instant, now: Instant): boolean {
    const { entries: held, forgotten: gone } = this.#state.get() ?? {};
    let [entries, forgotten] = [Number(held), Number(gone)];
    const { until: over } = this.#latestOver.get(now) ?? {};
    if (typeof over === 'number') {
      forgotten = Math.max(forgotten, over);
      entries -= Number(this.#drop.run(now).changes);
      this.#settle.run(entries, forgotten);
    }
    if (until <= forgotten || this.#find.get(key) !== undefined) return false;
    if (entries >= this.#most) {
      throw new SecurityError('SECURITY_REPLAY_FULL', `${this.#most} messages are remembered already.`, {
        transient: true,
      });
    }
    this.#add.run(key, until);
    this.#settle.run(entries + 1, forgotten);
    return true;
  }
}

/** @throws StoreError `STORE_FOREIGN` */
function requireOwn(path: string, database: DatabaseSync): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (tables.every(({ name }) => String(name).startsWith('surewire_replay'))) return;
  throw new StoreError(
    'STORE_FOREIGN',
    `${path} is the database of something else. Name another file for the replay cache.`,
  );
}
