/** What a holder can do that has the store no more (nothing, not even read), and that whatever is waited for ends in time. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import type { SharedStore } from '../../src/stores/postgres.ts';
import { noPostgres } from '../cluster.ts';
import { storeEvent, storesOfTests } from './stores-of-tests.ts';

const message = { direction: 'in', number: 1, octets: new Uint8Array(10) } as const;
const isLost = { code: 'STORE_LOST', transient: false };

describe.skipIf(noPostgres !== undefined)(`limits of a postgres store ${noPostgres ?? ''}`, () => {
  const tests = storesOfTests();
  const open: typeof tests.open = (...how) => tests.open(...how);
  beforeAll(async () => {
    await tests.cluster.sql(`CREATE FUNCTION public.cut() RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid()); RETURN true; END'`);
  });

  const expire = (): Promise<unknown> =>
    tests.cluster.sql("UPDATE surewire.store SET lease = 'epoch' WHERE name = $1", [tests.name]);
  /** Lets time pass until `work` has ended; returns how much did. */
  async function passing(clock: VirtualClock, work: Promise<unknown>, step = 100): Promise<number> {
    const start = clock.now();
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    for (let round = 0; !isOver && round < 2_000; round++) {
      await tests.cluster.sql('SELECT 1');
      await clock.advance(step);
    }
    return clock.now() - start;
  }

  test.each([
    ['sessions', (store: SharedStore) => store.sessions()],
    ['messages', (store: SharedStore) => Array.fromAsync(store.messages('a'))],
    ['a message', (store: SharedStore) => store.message('a', 'in', 1)],
  ])('a holder that does not know yet that the store is another’s reads nothing of it: %s', async (_, read) => {
    const first = await open();
    await expire();
    const second = await open();
    await second.commit({ session: 'a', state: 'of the second', put: [message] });
    await expect(read(first)).rejects.toMatchObject(isLost);
    expect(await first.closed).toMatchObject(isLost);
    await read(second);
  });

  test('what is not there is no sign of another holder', async () => {
    const store = await open();
    expect(await store.sessions()).toEqual([]);
    await store.commit({ session: 'a' });
    expect(await store.sessions()).toEqual([{ session: 'a', state: undefined }]);
    expect(await Array.fromAsync(store.messages('a'))).toEqual([]);
    expect(await store.message('a', 'in', 1)).toBeUndefined();
  });

  test('tables that were dropped and made anew count from the beginning again, and are not those of the holder before', async () => {
    await tests.cluster.sql('DROP SCHEMA surewire CASCADE');
    const first = await open();
    await first.commit({ session: 'a', state: 'of the first' });
    await tests.cluster.sql('DROP SCHEMA surewire CASCADE');
    const second = await open();
    expect(second.epoch).toBe(first.epoch);
    await expect(first.commit({ session: 'a', state: 'late' })).rejects.toMatchObject(isLost);
    expect(await second.sessions()).toEqual([]);
    await second.commit({ session: 'a', state: 'of the second' });
  });

  test('an older copy that was put in place under a live connection is not written on', async () => {
    const store = await open();
    await store.commit({ session: 'a', state: 1 });
    await store.commit({ session: 'a', state: 2 });
    await tests.cluster.sql('UPDATE surewire.store SET batch = batch - 1 WHERE name = $1', [tests.name]);
    const late = store.commit({ session: 'a', state: 3 });
    await expect(late).rejects.toMatchObject(isLost);
    await expect(late).rejects.toThrow('older copy');
  });

  test('what a holder calls itself moves nobody’s cursor', async () => {
    const told: unknown[] = [];
    const listen = (said: unknown): void => void told.push(said);
    const clock = new VirtualClock();
    // Renewed long before it runs out, also on a slow machine: the database has a clock of its own.
    const lease = 60_000;
    await open({ lease, clock, holder: '\x1b[2Jthere\x9b1m' });
    subscribe('surewire:stores', listen);
    const waiting = open({ lease, clock }).catch((thrown: unknown) => thrown);
    await passing(clock, waiting, 1_000);
    const refused = await waiting;
    unsubscribe('surewire:stores', listen);
    expect(told).toMatchObject([{ event: 'store.awaited', holder: '?[2Jthere?1m' }]);
    expect(String(refused)).toContain('held by "?[2Jthere?1m"');
  });

  test('a database that keeps no row of the store is given up', async () => {
    await tests.cluster.sql(
      "CREATE FUNCTION public.none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    );
    await tests.cluster.sql(
      'CREATE TRIGGER none BEFORE INSERT ON surewire.store FOR EACH ROW EXECUTE FUNCTION public.none()',
    );
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', transient: true });
    await tests.cluster.sql('DROP TRIGGER none ON surewire.store');
    await open();
  });

  test('a lease from before the clock of the database was set back is not waited for to its end', async () => {
    await (await open()).close();
    await tests.cluster.sql("UPDATE surewire.store SET lease = clock_timestamp() + interval '1 year' WHERE name = $1", [
      tests.name,
    ]);
    await expect(open()).rejects.toMatchObject({ code: 'STORE_LOCKED', transient: true });
  });

  test('who waits for a store goes on waiting when a statement of it fails', async () => {
    const first = await open();
    const clock = new VirtualClock();
    const isAwaited = storeEvent('store.awaited');
    const second = open({ wait: 60_000, clock });
    await isAwaited;
    const keeper = await tests.cluster.client();
    await keeper.query({ text: 'BEGIN' });
    await keeper.query({ text: 'LOCK TABLE surewire.store IN ACCESS EXCLUSIVE MODE' });
    for (let cancelled = 0; cancelled < 3; ) {
      await clock.advance(100);
      const rows = await tests.cluster.sql(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'surewire' AND wait_event_type = 'Lock'",
      );
      cancelled += rows.length;
    }
    await keeper.end();
    await first.close();
    await passing(clock, second);
    expect((await second).epoch).toBeGreaterThan(first.epoch);
  });

  test('the patience of each call begins when it is made, however many wait before it', async () => {
    const clock = new VirtualClock();
    const store = await open({ patience: 10_000, clock }, tests.through);
    tests.proxy.isDown = true;
    const isGone = storeEvent('connection.lost');
    tests.proxy.cutNow();
    await isGone;
    const calls = Promise.allSettled([
      store.commit({ session: 'a' }),
      store.commit({ session: 'b' }),
      store.commit({ session: 'c' }),
      store.sessions(),
      store.message('a', 'in', 1),
    ]);
    expect(await passing(clock, calls)).toBeLessThan(12_500);
    for (const outcome of await calls) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNWRITABLE', transient: true } });
    }
    tests.proxy.isDown = false;
    await store.commit({ session: 'a' });
  });

  test('what was given before anybody could know that its predecessor fails, fails with it: in the turn and behind it', async () => {
    const store = await open({ maxBytes: 1_000 });
    const large = { ...message, octets: new Uint8Array(2_000) };
    const outcomes = [
      store.commit({ session: 'a', state: 1, put: [large] }),
      store.commit({ session: 'b', end: true }),
      // A session that begins again does so in the next part of the turn.
      store.commit({ session: 'b', state: 1 }),
      store.commit({ session: 'a', state: 2 }),
    ];
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    outcomes.push(store.commit({ session: 'a', state: 3 }), store.commit({ session: 'c', state: 1 }));
    const known = (await Promise.allSettled(outcomes)).map(({ status }) => status);
    expect(known).toEqual(['rejected', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
    await store.commit({ session: 'a', state: 4 });
    expect((await store.sessions()).map(({ session, state }) => [session, state])).toEqual([
      ['b', 1],
      ['c', 1],
      ['a', 4],
    ]);
  });

  test('a change at which the connection breaks each time is refused in the end, and harms no other', async () => {
    await tests.cluster.sql(`CREATE FUNCTION public.unlucky() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF new.number = 13 THEN PERFORM public.cut(); END IF; RETURN NEW; END'`);
    await tests.cluster.sql(
      'CREATE TRIGGER unlucky BEFORE INSERT ON surewire.message FOR EACH ROW EXECUTE FUNCTION public.unlucky()',
    );
    const store = await open({ patience: 200 });
    const outcomes = await Promise.allSettled([
      store.commit({ session: 'a', state: 1 }),
      store.commit({ session: 'b', state: 1, put: [{ ...message, number: 13 }] }),
      store.commit({ session: 'b', state: 2 }),
      store.commit({ session: 'c', state: 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'STORE_UNWRITABLE', transient: true } });
    expect((await store.sessions()).map(({ session }) => session)).toEqual(['a', 'c']);
  });

  test('a read at which the connection breaks each time is refused in the end', async () => {
    const store = await open({ patience: 200 });
    await store.commit({ session: 'a', put: [message] });
    await tests.cluster.sql('ALTER TABLE surewire.message RENAME TO moved');
    await tests.cluster.sql('CREATE VIEW surewire.message AS SELECT * FROM surewire.moved WHERE public.cut()');
    await expect(Array.fromAsync(store.messages('a'))).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      transient: true,
    });
    await tests.cluster.sql('DROP VIEW surewire.message');
    await tests.cluster.sql('ALTER TABLE surewire.moved RENAME TO message');
    expect(await Array.fromAsync(store.messages('a'))).toEqual([message]);
  });
});
