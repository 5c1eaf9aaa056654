/** What can go wrong in a store. Every message says what to do about it. */
import { SurewireError } from '../base/errors.ts';

export type StoreErrorCode =
  /** A change that no store can keep (state that is not JSON, a number that is none, a bad key). */
  | 'STORE_CHANGE_INVALID'
  /** The store was used after `close`. */
  | 'STORE_CLOSED'
  /** The file is damaged, or no SQLite file at all. */
  | 'STORE_CORRUPT'
  /** An SQLite file of another program. */
  | 'STORE_FOREIGN'
  /** The disk or the store's own limit has no room for the change. */
  | 'STORE_FULL'
  /** Another process, or another store of this one, has the file. */
  | 'STORE_LOCKED'
  /** The file was written by a later version of surewire. */
  | 'STORE_NEWER'
  /** The file cannot be made, opened or written. */
  | 'STORE_UNWRITABLE';

export class StoreError extends SurewireError<StoreErrorCode> {}

/** The error of every call after `close`. */
export function storeClosed(): StoreError {
  return new StoreError(
    'STORE_CLOSED',
    'The session store is closed. Close it after the last session that uses it, or open it again.',
  );
}
