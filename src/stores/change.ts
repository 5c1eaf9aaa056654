/**
 * A change as a store keeps it: checked, with its state as JSON text and its octets copied, so that nothing the caller
 * does afterwards reaches what is stored. All stores take changes in this form and so agree on what is valid, and the durable
 * ones read states back here.
 */
import type { Direction, SessionChange, StoredMessage } from '../reliable/store.ts';
import { StoreError } from './errors.ts';

const LONGEST_SESSION_KEY = 1_000;

export interface EncodedChange {
  readonly session: string;
  /** JSON text; `undefined` leaves the state as it is. */
  readonly state: string | undefined;
  readonly put: readonly StoredMessage[];
  readonly drop: readonly { readonly direction: Direction; readonly number: number }[];
  readonly end: boolean;
}

/**
 * Checks and copies a change.
 *
 * @throws StoreError `STORE_CHANGE_INVALID`
 */
export function encodeChange(change: SessionChange): EncodedChange {
  checkSession(change.session);
  const put = change.put ?? [];
  const drop = change.drop ?? [];
  for (const { direction, number } of [...put, ...drop]) {
    if (direction !== 'in' && direction !== 'out') {
      throw invalid(`the direction of a message is 'in' or 'out', not ${JSON.stringify(direction)}`);
    }
    if (!Number.isSafeInteger(number) || number < 0) {
      throw invalid(`a message number is a whole number from 0 to 2^53-1, not ${number}`);
    }
  }
  return {
    session: change.session,
    state: change.state === undefined ? undefined : encodeState(change.state),
    put: put.map(({ direction, number, octets }) => ({ direction, number, octets: octets.slice() })),
    drop: drop.map(({ direction, number }) => ({ direction, number })),
    end: change.end === true,
  };
}

/** Half a surrogate pair is not UTF-8 and would make two keys one; a NUL ends a text for many tools. */
function checkSession(session: string): void {
  if (session === '' || session.length > LONGEST_SESSION_KEY || !session.isWellFormed() || session.includes('\0')) {
    throw invalid(`the key of a session is 1 to ${LONGEST_SESSION_KEY} Unicode characters without NUL`);
  }
}

function encodeState(state: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw invalid('the state of a session must be a JSON value (no cycles, no bigint)', cause);
  }
  if (text === undefined) throw invalid(`the state of a session must be a JSON value, not a ${typeof state}`);
  return text;
}

/**
 * Reads back what `encodeChange` made of a state.
 *
 * @param column the text as it came of the database; null where the session has no state
 * @param where the store, as people are told of it
 * @throws StoreError `STORE_CORRUPT`
 */
export function decodeState(column: unknown, where: string): unknown {
  if (column === null) return undefined;
  try {
    return JSON.parse(String(column));
  } catch (cause) {
    const text = `A session state in ${where} is no longer JSON. Something else wrote to it: restore a backup.`;
    throw new StoreError('STORE_CORRUPT', text, { cause });
  }
}

function invalid(what: string, cause?: unknown): StoreError {
  return new StoreError('STORE_CHANGE_INVALID', `This change cannot be stored: ${what}. Correct the caller.`, {
    cause,
  });
}
