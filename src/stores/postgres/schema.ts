/** The tables of a shared store: whose they are, which version made them, and how they are made. */
import { StoreError } from '../errors.ts';
import type { Connection, Statement } from './connection.ts';

/** The version of the schema below; a later one is refused, never guessed at. */
const SCHEMA_VERSION = 1;

const LOOK: Statement = {
  name: 'surewire_look',
  text: `
  SELECT to_regnamespace('surewire') IS NOT NULL AS present,
         to_regclass('surewire.format') IS NOT NULL AS ours,
         EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('surewire')) AS used`,
};

const VERSION: Statement = { name: 'surewire_version', text: 'SELECT version FROM surewire.format' };

/**
 * Of all that open a new database at once, one makes the tables (the lock is for this number, "surewire" in octets). Room is
 * left in pages whose rows are written again and again. A row of `store` says who holds it: `epoch` counts holders, `link` the
 * connections of one, `batch` the transactions; `lease` is on the clock of the database.
 */
const MAKE = (present: boolean): string => `
  BEGIN;
  SELECT pg_advisory_xact_lock(x'7375726577697265'::bigint);
  ${present ? '' : 'CREATE SCHEMA IF NOT EXISTS surewire;'}
  CREATE TABLE IF NOT EXISTS surewire.format (version integer NOT NULL);
  INSERT INTO surewire.format SELECT ${SCHEMA_VERSION} WHERE NOT EXISTS (SELECT FROM surewire.format);
  CREATE TABLE IF NOT EXISTS surewire.store (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    token uuid,
    holder text NOT NULL,
    lease timestamptz NOT NULL,
    epoch bigint NOT NULL DEFAULT 1,
    link bigint NOT NULL DEFAULT 1,
    batch bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  CREATE TABLE IF NOT EXISTS surewire.session (
    store integer NOT NULL REFERENCES surewire.store ON DELETE CASCADE,
    session text COLLATE "C" NOT NULL,
    begun bigint GENERATED ALWAYS AS IDENTITY,
    state text,
    PRIMARY KEY (store, session)
  ) WITH (fillfactor = 70);
  CREATE TABLE IF NOT EXISTS surewire.message (
    store integer NOT NULL REFERENCES surewire.store ON DELETE CASCADE,
    session text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out')),
    number bigint NOT NULL,
    octets bytea NOT NULL,
    PRIMARY KEY (store, session, direction, number)
  );
  COMMIT;
`;

/**
 * Looks before it changes anything: the schema may belong to somebody else.
 *
 * @throws StoreError `STORE_FOREIGN`, `STORE_NEWER`; Error of the server
 */
export async function ensureSchema(connection: Connection, where: string): Promise<void> {
  const { isOurs, isPresent } = await found(connection, where);
  if (!isOurs) await connection.run(MAKE(isPresent));
  await requireVersion(connection, where);
}

/**
 * Makes nothing.
 *
 * @throws StoreError `STORE_ABSENT`, `STORE_FOREIGN`, `STORE_NEWER`; Error of the server
 */
export async function requireSchema(connection: Connection, where: string): Promise<void> {
  const { isOurs } = await found(connection, where);
  if (isOurs) return requireVersion(connection, where);
  const text = `The database of the session store ${where} has no store of surewire. Nothing was written; name the one that --store named.`;
  throw new StoreError('STORE_ABSENT', text);
}

async function found(connection: Connection, where: string) {
  const [{ present, ours, used } = {}] = await connection.ask(LOOK);
  if (ours !== true && used === true) {
    const text = `The database of the session store ${where} has a schema "surewire" of something else. Nothing was changed; name another database.`;
    throw new StoreError('STORE_FOREIGN', text);
  }
  return { isOurs: ours === true, isPresent: present === true };
}

async function requireVersion(connection: Connection, where: string): Promise<void> {
  const [{ version } = {}] = await connection.ask(VERSION);
  if (Number(version) === SCHEMA_VERSION) return;
  const text = `The tables of the session store ${where} were made by another version of surewire (format ${version}; this one knows ${SCHEMA_VERSION}). Nothing was changed; install that version, or name another database.`;
  throw new StoreError('STORE_NEWER', text);
}
