/**
 * A shared store that is only looked at: one transaction that can write nothing, over what was committed when it began. It takes the store
 * from nobody, and whoever has it goes on meanwhile.
 */
import { asError } from '../../base/errors.ts';
import type { StoredMessage, StoredSession } from '../../reliable/store.ts';
import { StoreError } from '../errors.ts';
import { Connection } from './connection.ts';
import { databaseError } from './failures.ts';
import { messagesOf, sessionsOf } from './rows.ts';
import { requireSchema } from './schema.ts';
import { type PostgresStoreOptions, readSettings } from './settings.ts';
import { FIND, MESSAGES_OF, SESSIONS_OF } from './statements.ts';

/** What a store keeps, as it was at one instant. */
export interface StoreReading {
  sessions(): Promise<readonly StoredSession[]>;
  messages(session: string): AsyncIterable<StoredMessage>;
  close(): Promise<void>;
}

/**
 * Looks at a store in PostgreSQL. Nothing is written: no table is made, and the store's lease stays what it is.
 *
 * @param connection as for `postgres`
 * @throws StoreError `STORE_SETTING`, `STORE_ABSENT` (no tables, or no store of that name), `STORE_UNWRITABLE`, `STORE_FOREIGN`,
 * `STORE_NEWER`
 */
export async function readPostgres(
  connection: string,
  options: Pick<PostgresStoreOptions, 'name' | 'password' | 'tls' | 'unsafePlaintext' | 'clock'> = {},
): Promise<StoreReading> {
  const settings = readSettings(connection, options);
  const { where, name } = settings;
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw databaseError(where, thrown);
    }
  };
  const line = await asked(() => Connection.make(settings));
  try {
    const id = await asked(async () => {
      await line.run('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      await requireSchema(line, where);
      const [{ id: found } = {}] = await line.ask(FIND, [name]);
      return found;
    });
    if (id === undefined) {
      const text = `There is no session store ${where}. Nothing was written; name the one that --store named.`;
      throw new StoreError('STORE_ABSENT', text);
    }
    return {
      sessions: () => asked(async () => sessionsOf(await line.ask(SESSIONS_OF, [id]), where)),
      messages: (session) => messagesOf((behind) => asked(() => line.ask(MESSAGES_OF, [id, session, ...behind]))),
      close: () => line.close(),
    };
  } catch (thrown) {
    line.cut(asError(thrown));
    throw thrown;
  }
}
