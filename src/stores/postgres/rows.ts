/** What comes of rows of a shared store. */
import type { StoredMessage, StoredSession } from '../../reliable/store.ts';
import { decodeState } from '../change.ts';
import type { Row } from './connection.ts';

/** Behind which message of a session the next part begins. */
export type Behind = readonly [direction: string, number: number];

/** Where a session is none, the row says only that its reader may read. */
export function sessionsOf(rows: readonly Row[], where: string): readonly StoredSession[] {
  return rows.flatMap(({ session, state }) =>
    session === null ? [] : [{ session: String(session), state: decodeState(state, where) }],
  );
}

/** The messages of a session, part by part. */
export async function* messagesOf(
  part: (behind: Behind) => Promise<readonly Row[]>,
): AsyncGenerator<StoredMessage, void> {
  let last: Behind = ['', -1];
  for (;;) {
    const rows = await part(last);
    if (rows.length === 0) return;
    for (const { direction, number, octets } of rows) {
      if (direction === null) return;
      const way = direction === 'in' ? 'in' : 'out';
      yield { direction: way, number: Number(number), octets: octetsOf(octets) };
      last = [way, Number(number)];
    }
  }
}

/** A plain array, as other stores give, of the `Buffer` that comes of the database. */
export function octetsOf(column: unknown): Uint8Array {
  const { buffer, byteOffset, length } = column as Uint8Array;
  return new Uint8Array(buffer, byteOffset, length);
}
