/** What can go wrong in a store. Every message says what to do about it. */
import { SurewireError } from '../base/errors.ts';

/**
 * - `STORE_CHANGE_INVALID`: a change that no store can keep (state that is not JSON, a number that is none, a bad key).
 * - `STORE_CLOSED`: the store was used after `close`.
 * - `STORE_CORRUPT`: the file is damaged, or no SQLite file at all.
 * - `STORE_FOREIGN`: an SQLite file of another program.
 * - `STORE_FULL`: the disk or the store's own limit has no room for the change.
 * - `STORE_LOCKED`: another process, or another store of this one, has the file.
 * - `STORE_NEWER`: the file was written by a later version of surewire.
 * - `STORE_UNWRITABLE`: the file cannot be made, opened or written.
 */
export type StoreErrorCode =
  | 'STORE_CHANGE_INVALID'
  | 'STORE_CLOSED'
  | 'STORE_CORRUPT'
  | 'STORE_FOREIGN'
  | 'STORE_FULL'
  | 'STORE_LOCKED'
  | 'STORE_NEWER'
  | 'STORE_UNWRITABLE';

export class StoreError extends SurewireError<StoreErrorCode> {}

/** The error of every call after `close`. */
export function storeClosed(): StoreError {
  return new StoreError(
    'STORE_CLOSED',
    'The session store is closed. Close it after the last session that uses it, or open it again.',
  );
}
