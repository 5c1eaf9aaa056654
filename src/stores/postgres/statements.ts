/**
 * What is said to the database. Each is a transaction by itself and one way there and back; who holds the store is part of
 * every one that writes.
 */
import type { Statement } from './connection.ts';

/**
 * A row that this holder has, over this connection: nobody else, and no earlier connection of its own. Numbers alone do not prove
 * that: they begin again when the tables are made anew.
 */
const MINE = 'id = $1 AND token = $2 AND link = $3';

const LEASE = "clock_timestamp() + $%::float8 * interval '1 millisecond'";

/** Takes the store where it is new, free, or its lease has run out. */
export const TAKE: Statement = {
  name: 'surewire_take',
  text: `
  INSERT INTO surewire.store AS held (name, token, holder, lease)
  VALUES ($1, $2, $3, ${LEASE.replace('%', '4')})
  ON CONFLICT (name) DO UPDATE
  SET token = excluded.token, holder = excluded.holder, lease = excluded.lease, epoch = held.epoch + 1, link = 1
  WHERE held.lease <= clock_timestamp()
  RETURNING id, epoch, link, batch`,
};

/** Takes it up again over a new connection; nothing that is still under way on an earlier one can commit after this. */
export const RESUME: Statement = {
  name: 'surewire_resume',
  text: `
  UPDATE surewire.store SET link = link + 1, lease = ${LEASE.replace('%', '3')}
  WHERE id = $1 AND token = $2
  RETURNING id, epoch, link, batch`,
};

/** Who holds the store, and for how many milliseconds more. */
export const HOLDER: Statement = {
  name: 'surewire_holder',
  text: `
  SELECT holder, epoch, lease::text AS lease, extract(epoch FROM lease - clock_timestamp())::float8 * 1000 AS remaining
  FROM surewire.store WHERE name = $1`,
};

export const RENEW: Statement = {
  name: 'surewire_renew',
  text: `UPDATE surewire.store SET lease = ${LEASE.replace('%', '4')} WHERE ${MINE} RETURNING id`,
};

export const RELEASE: Statement = {
  name: 'surewire_release',
  text: `UPDATE surewire.store SET token = NULL, lease = 'epoch' WHERE ${MINE}`,
};

/** What became of the last batch, asked on the connection that wrote it. */
export const LOOK: Statement = {
  name: 'surewire_mine',
  text: `SELECT batch FROM surewire.store WHERE ${MINE}`,
};

/**
 * One batch. `held` is the fence, and the lock under which nobody takes over; where it finds nothing, nothing else does
 * anything. Every row is touched once at most: what a batch does to a row twice was folded into one before. What is touched is
 * weighed before and after, so that the octets that the store holds are known without counting them.
 */
export const WRITE: Statement = {
  name: 'surewire_write',
  text: `
  WITH ended AS (
    SELECT unnest($8::text[]) AS session
  ), dropped AS (
    SELECT * FROM unnest($9::text[], $10::text[], $11::bigint[]) AS of (session, direction, number)
  ), begun AS (
    SELECT * FROM unnest($12::text[], $13::text[]) WITH ORDINALITY AS of (session, state, at)
  ), put AS (
    SELECT session, direction, number, substring($18::bytea FROM start FOR length) AS octets, length
    FROM unnest($14::text[], $15::text[], $16::bigint[], $17::integer[], $19::integer[])
      AS of (session, direction, number, start, length)
  ), growth AS (
    SELECT
      coalesce((SELECT sum(length) FROM put), 0)
      + coalesce((SELECT sum(octet_length(state)) FROM begun), 0)
      + coalesce((SELECT sum(octet_length(session)) FROM begun
          WHERE NOT EXISTS (SELECT FROM surewire.session old WHERE old.store = $1 AND old.session = begun.session)), 0)
      - coalesce((SELECT sum(coalesce(octet_length(old.state), 0)) FROM surewire.session old JOIN begun USING (session)
          WHERE old.store = $1 AND begun.state IS NOT NULL), 0)
      - coalesce((SELECT sum(coalesce(octet_length(old.state), 0) + octet_length(old.session))
          FROM surewire.session old JOIN ended USING (session) WHERE old.store = $1), 0)
      - coalesce((SELECT sum(octet_length(old.octets)) FROM surewire.message old JOIN ended USING (session)
          WHERE old.store = $1), 0)
      - coalesce((SELECT sum(octet_length(old.octets)) FROM surewire.message old
          JOIN (SELECT session, direction, number FROM dropped UNION ALL SELECT session, direction, number FROM put) touched
          USING (session, direction, number) WHERE old.store = $1), 0) AS octets
  ), held AS (
    UPDATE surewire.store
    SET batch = $4, lease = ${LEASE.replace('%', '5')}, bytes = bytes + growth.octets
    FROM growth
    WHERE ${MINE} AND batch = $4 - 1 AND (growth.octets <= 0 OR bytes + growth.octets <= $6)
    RETURNING set_config('synchronous_commit', $7, true)
  ), forgotten AS (
    DELETE FROM surewire.message old USING ended, held WHERE old.store = $1 AND old.session = ended.session
  ), over AS (
    DELETE FROM surewire.session old USING ended, held WHERE old.store = $1 AND old.session = ended.session
  ), gone AS (
    DELETE FROM surewire.message old USING dropped, held
    WHERE old.store = $1 AND old.session = dropped.session
      AND old.direction = dropped.direction AND old.number = dropped.number
  ), kept AS (
    INSERT INTO surewire.session AS old (store, session, state)
    SELECT $1, session, state FROM begun, held ORDER BY at
    ON CONFLICT (store, session) DO UPDATE SET state = coalesce(excluded.state, old.state)
  ), stored AS (
    INSERT INTO surewire.message (store, session, direction, number, octets)
    SELECT $1, session, direction, number, octets FROM put, held
    ON CONFLICT (store, session, direction, number) DO UPDATE SET octets = excluded.octets
  )
  SELECT (SELECT count(*) FROM held)::int AS held`,
};

/** What is read is read by whoever has the store: no row at all is for those who do not have it any more. */
const OF_MINE = (what: string): string => `FROM surewire.store LEFT JOIN surewire.${what} kept ON kept.store = id`;

export const SESSIONS: Statement = {
  name: 'surewire_sessions',
  text: `SELECT session, state ${OF_MINE('session')} WHERE ${MINE} ORDER BY begun`,
};

/** The most that is read at once of the messages of a session: so many, and of octets so many and one message. */
const MOST_MESSAGES = 1_000;
const MOST_OCTETS = 8 * 1024 * 1024;

/** The next part, behind a direction and number. @param first the number of the parameter that is the session */
const part = (whose: string, first: number): string => `
  SELECT direction, number, octets
  FROM surewire.store LEFT JOIN LATERAL (
    SELECT direction, number, octets,
      sum(octet_length(octets)) OVER (ORDER BY direction, number) - octet_length(octets) AS before
    FROM (
      SELECT direction, number, octets FROM surewire.message
      WHERE store = id AND session = $${first} AND (direction, number) > ($${first + 1}, $${first + 2})
      ORDER BY direction, number LIMIT ${MOST_MESSAGES}
    ) next
  ) part ON before < ${MOST_OCTETS}
  WHERE ${whose}
  ORDER BY direction, number`;

export const MESSAGES: Statement = { name: 'surewire_messages', text: part(MINE, 4) };

/** For those who only look: the store of a name, its sessions, and the messages of one. */
export const FIND: Statement = { name: 'surewire_find', text: 'SELECT id FROM surewire.store WHERE name = $1' };

export const SESSIONS_OF: Statement = {
  name: 'surewire_sessions_of',
  text: 'SELECT session, state FROM surewire.session WHERE store = $1 ORDER BY begun',
};

export const MESSAGES_OF: Statement = { name: 'surewire_messages_of', text: part('id = $1', 2) };

export const MESSAGE: Statement = {
  name: 'surewire_message',
  text: `
  SELECT octets ${OF_MINE('message')} AND session = $4 AND direction = $5 AND number = $6 WHERE ${MINE}`,
};
