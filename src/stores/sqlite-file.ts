/** Opening the SQLite file of a store: who may have it, whose it is, which version wrote it, and what its errors mean. */
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { asError } from '../base/errors.ts';
import { StoreError } from './errors.ts';

export interface OpenFile {
  readonly path: string;
  readonly database: DatabaseSync;
}

/** The version of the schema below; a file of a later one is refused, never guessed at. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  BEGIN;
  CREATE TABLE surewire_store (version INTEGER NOT NULL) STRICT;
  INSERT INTO surewire_store VALUES (${SCHEMA_VERSION});
  CREATE TABLE session (session TEXT NOT NULL UNIQUE, state TEXT) STRICT;
  CREATE TABLE message (
    session TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    number INTEGER NOT NULL,
    octets BLOB NOT NULL,
    UNIQUE (session, direction, number)
  ) STRICT;
  COMMIT;
`;

/** Primary result codes of SQLite (sqlite.org/rescode.html) that have a meaning of their own here. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_TOOBIG = 18;
const SQLITE_NOTADB = 26;

/**
 * Opens or makes the file and takes it for this store alone.
 *
 * @param maxBytes what the file may grow to, in octets
 * @throws StoreError `STORE_LOCKED`, `STORE_UNWRITABLE`, `STORE_CORRUPT`, `STORE_FOREIGN`, `STORE_NEWER`
 */
export function openFile(name: string, maxBytes: number): OpenFile {
  // An absolute path is never one of SQLite's special names (':memory:', '', 'file:…').
  const path = resolve(name);
  let database: DatabaseSync | undefined;
  try {
    createPrivate(path);
    database = new (sqliteModule().DatabaseSync)(path, { enableForeignKeyConstraints: false });
    // Before the file is first touched: its lock is then held for life and dies with the process.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    const empty = isNew(path, database);
    configure(database, maxBytes);
    if (empty) database.exec(SCHEMA);
    return { path, database };
  } catch (cause) {
    database?.close();
    throw cause instanceof StoreError ? cause : storeError(path, cause);
  }
}

/** Loaded with the first store: Node 22 warns that the module is experimental, and only who uses it should be told. */
export function sqliteModule(): typeof import('node:sqlite') {
  return createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
}

/**
 * Messages are kept in the clear, so the file is its owner's alone. An existing file is never opened here: to close any
 * descriptor of a file drops every lock this process holds on it.
 */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Looks before it changes anything: the file may belong to somebody else. */
function isNew(path: string, database: DatabaseSync): boolean {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (tables.length === 0) return true;
  if (!tables.some(({ name }) => name === 'surewire_store')) {
    throw new StoreError(
      'STORE_FOREIGN',
      `${path} is the database of another program. Nothing was changed; name another file for the session store.`,
    );
  }
  const version = Number(value(database, 'SELECT version FROM surewire_store'));
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      'STORE_NEWER',
      `${path} was written by a later version of surewire (store format ${version}; this one knows ${SCHEMA_VERSION}). Nothing was changed; install that version, or name another file.`,
    );
  }
  const check = value(database, 'PRAGMA quick_check(1)');
  if (version !== SCHEMA_VERSION || check !== 'ok') throw corrupt(path, new Error(String(check)));
  return false;
}

function configure(database: DatabaseSync, maxBytes: number): void {
  const mode = value(database, 'PRAGMA journal_mode = WAL');
  if (mode !== 'wal') throw new Error(`the file system has no write-ahead log (journal mode ${String(mode)})`);
  database.exec('PRAGMA synchronous = FULL');
  const pages = Math.floor(maxBytes / Number(value(database, 'PRAGMA page_size')));
  database.exec(`PRAGMA max_page_count = ${Math.max(1, pages)}`);
  // Takes the write lock now, so a second opener learns of it here and not at its first commit.
  database.exec('BEGIN IMMEDIATE; COMMIT');
}

/** The first column of the first row. */
function value(database: DatabaseSync, query: string): unknown {
  return Object.values(database.prepare(query).get() ?? {})[0];
}

/** What a failure of SQLite or of the file system means to the user of the store. */
export function storeError(path: string, thrown: unknown): StoreError {
  const cause = asError(thrown);
  const code = 'errcode' in cause && typeof cause.errcode === 'number' ? cause.errcode & 0xff : undefined;
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new StoreError(
        'STORE_LOCKED',
        `${path} is in use: one store has a file at a time. End the other process, or give each process its own file.`,
        { cause, transient: true },
      );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt(path, cause);
    case SQLITE_FULL:
      return new StoreError(
        'STORE_FULL',
        `There is no room for this change in ${path} (${cause.message}). Free disk space, let sessions end, or raise maxBytes.`,
        { cause },
      );
    case SQLITE_TOOBIG:
      return new StoreError(
        'STORE_CHANGE_INVALID',
        `This change cannot be stored: a message or state is too large for SQLite. Send smaller messages.`,
        { cause },
      );
    default:
      return new StoreError(
        'STORE_UNWRITABLE',
        `The session store ${path} cannot be opened or written (${cause.message}). Its folder must exist and the file must be writable for this user; check the disk, or name another file.`,
        { cause },
      );
  }
}

function corrupt(path: string, cause: Error): StoreError {
  return new StoreError(
    'STORE_CORRUPT',
    `${path} is damaged or is no SQLite file. Nothing was changed; restore a backup with its -wal file, or move both away and start new sessions.`,
    { cause },
  );
}
