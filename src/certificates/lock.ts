/**
 * One run at a time in a folder. The lock is that of an empty SQLite file: the system takes it back when its holder dies, so
 * no run is ever kept out by one that was killed.
 */
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { folderUnusable } from './inspect.ts';
import { LOCK } from './layout.ts';

/** Milliseconds between two attempts. */
const AGAIN = 50;
/** SQLite's result code for a file that somebody else has (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;

/**
 * Runs `work` alone among all processes that are at work in the folder, which has to exist.
 *
 * @throws CertificatesError `CERTIFICATES_FOLDER_UNWRITABLE`, and what `work` throws
 */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  // Loaded here and not above: Node 22 warns that it is experimental, and only makers need it.
  const { DatabaseSync: Database } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  let lock: DatabaseSync | undefined;
  try {
    lock = new Database(join(folder, LOCK), { timeout: 0 });
    while (!isTaken(lock)) await pause(AGAIN);
    return await work();
  } catch (thrown) {
    throw isOfSqlite(thrown) ? folderUnusable(folder, thrown) : thrown;
  } finally {
    lock?.close();
  }
}

/** True when a run is, or was, at work in the folder. */
export async function isLocked(folder: string): Promise<boolean> {
  return stat(join(folder, LOCK)).then(
    () => true,
    () => false,
  );
}

function isTaken(lock: DatabaseSync): boolean {
  try {
    // Nothing is ever written, and no journal lies beside it.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (thrown) {
    if (isOfSqlite(thrown) && (thrown.errcode & 0xff) === SQLITE_BUSY) return false;
    throw thrown;
  }
}

function isOfSqlite(thrown: unknown): thrown is Error & { readonly errcode: number } {
  return thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number';
}
