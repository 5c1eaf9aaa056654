/** What can go wrong in a store. Every message says what to do about it. */
import { SurewireError } from '../base/errors.ts';

export type StoreErrorCode =
  /** There is no such store in the database, and it was only to be looked at. */
  | 'STORE_ABSENT'
  /** A change that no store can keep (state that is not JSON, a number that is none, a bad key). */
  | 'STORE_CHANGE_INVALID'
  /** The store was used after `close`. */
  | 'STORE_CLOSED'
  /** The file is damaged, or no SQLite file at all; what stands in the database is not what was put there. */
  | 'STORE_CORRUPT'
  /** An SQLite file of another program, or a schema `surewire` that is not ours. */
  | 'STORE_FOREIGN'
  /** The disk or the store's own limit has no room for the change. */
  | 'STORE_FULL'
  /** Another process, or another store of this one, has the file or the shared store. */
  | 'STORE_LOCKED'
  /**
   * A shared store that this process held is another's now, or the database went away in the middle of a commit and did not come
   * back: nothing more is written by this process.
   */
  | 'STORE_LOST'
  /** The file or the tables were made by a later version of surewire. */
  | 'STORE_NEWER'
  /** A setting of a shared store is out of its range, or its address cannot be read or is not safe. */
  | 'STORE_SETTING'
  /** The file cannot be made, opened or written; the database cannot be reached, or does not let us in. */
  | 'STORE_UNWRITABLE';

export class StoreError extends SurewireError<StoreErrorCode> {}

/** The error of every call after `close`. */
export function storeClosed(): StoreError {
  return new StoreError(
    'STORE_CLOSED',
    'The session store is closed. Close it after the last session that uses it, or open it again.',
  );
}
