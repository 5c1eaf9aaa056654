/** What breaks between a shared store and its database, or in it; and what is not let begin. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { postgres } from '../../src/stores/postgres.ts';
import { Cluster, noPostgres } from '../cluster.ts';
import { stages } from './cutting-proxy.ts';
import { storeEvent, storesOfTests } from './stores-of-tests.ts';

const SEED = 20_261_130;
const octets = new Uint8Array(100);

describe.skipIf(noPostgres !== undefined)(`faults of a postgres store ${noPostgres ?? ''}`, () => {
  const tests = storesOfTests();
  const open: typeof tests.open = (...how) => tests.open(...how);
  const written = async (): Promise<number[]> =>
    (await tests.cluster.sql('SELECT number FROM public.written')).map(({ number }) => Number(number));
  const put = (number: number) => [{ direction: 'in', number, octets }] as const;

  beforeAll(async () => {
    const { cluster } = tests;
    await cluster.sql('CREATE TABLE public.written (number bigint, commits text)');
    await cluster.sql(`CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF new.number = 13 THEN RAISE EXCEPTION 'unlucky' USING DETAIL = 'a secret of the row'; END IF;
      IF new.number = 14 THEN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END IF;
      INSERT INTO public.written VALUES (new.number, pg_catalog.current_setting('synchronous_commit'));
      RETURN NULL; END $$`);
    await cluster.sql(`CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON surewire.message
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.note()`);
  });
  beforeEach(async () => {
    await tests.cluster.sql('DELETE FROM public.written');
  });

  test(`the connection is cut at every stage of a commit (seed ${SEED}): each is done once, in order, and none is refused`, async () => {
    const random = seededRandom(SEED);
    const store = await open({}, tests.through);
    const last = 100 + 5 * stages.length;
    for (let number = 100; number < last; number++) {
      const stage = stages[number % stages.length];
      if (stage !== undefined) tests.proxy.cut(stage);
      const more = random.fraction() < 0.5 ? [store.commit({ session: 'b', state: number })] : [];
      await Promise.all([store.commit({ session: 'a', state: number, put: put(number) }), ...more]);
    }
    expect(tests.proxy.cuts).toBeGreaterThanOrEqual(last - 100);
    expect(await written()).toEqual(Array.from({ length: last - 100 }, (_, n) => 100 + n));
    expect((await Array.fromAsync(store.messages('a'))).map(({ number }) => number)).toEqual(await written());
    const [{ epoch } = {}] = await tests.cluster.sql('SELECT epoch FROM surewire.store WHERE name = $1', [tests.name]);
    expect(Number(epoch)).toBe(store.epoch);
  });

  test('what is still on its way on a broken connection commits nothing when it arrives', async () => {
    const store = await open({}, tests.through);
    await store.commit({ session: 'a', state: 1, put: put(100) });
    tests.proxy.cut('held');
    await store.commit({ session: 'a', state: 2, put: put(101) });
    await store.commit({ session: 'a', state: 3, drop: put(101) });
    await tests.proxy.deliver();
    expect(await store.sessions()).toEqual([{ session: 'a', state: 3 }]);
    expect(await written()).toEqual([100, 101]);
  });

  test.each(stages)('a read whose connection is cut (%s) is answered over the next one', async (stage) => {
    const store = await open({}, tests.through);
    await store.commit({ session: 'a', state: 1 });
    tests.proxy.cut(stage);
    expect(await store.sessions()).toEqual([{ session: 'a', state: 1 }]);
  });

  test.each(['SIGQUIT', 'SIGINT'] as const)(
    'the database restarts (%s): what was given meanwhile is committed when it is back',
    async (signal) => {
      const store = await open();
      const before = store.commit({ session: 'a', state: 1 });
      await tests.cluster.halt(signal);
      const meanwhile = store.commit({ session: 'a', state: 2, put: put(100) });
      await tests.cluster.run();
      await Promise.all([before, meanwhile]);
      expect(await store.sessions()).toEqual([{ session: 'a', state: 2 }]);
      expect(await written()).toEqual([100]);
    },
  );

  test('STORE_LOST: out of reach in the middle of a commit for too long: nobody knows, and it is said so', async () => {
    const store = await open({ patience: 200 }, tests.through);
    tests.proxy.cut('unanswered');
    const commit = store.commit({ session: 'a', state: 1 });
    tests.proxy.isDown = true;
    const behind = store.commit({ session: 'b', state: 1 });
    await expect(commit).rejects.toMatchObject({ code: 'STORE_LOST', transient: false });
    await expect(commit).rejects.toThrow('not known');
    await expect(behind).rejects.toMatchObject({ code: 'STORE_LOST' });
    expect(await store.closed).toMatchObject({ code: 'STORE_LOST' });
    tests.proxy.isDown = false;
    await expect(store.sessions()).rejects.toMatchObject({ code: 'STORE_LOST' });
  });

  test('STORE_UNWRITABLE: out of reach before anything was sent: refused, and well again when the database is back', async () => {
    const store = await open({ patience: 200 }, tests.through);
    tests.proxy.isDown = true;
    const isGone = storeEvent('connection.lost');
    tests.proxy.cutNow();
    await isGone;
    await expect(store.commit({ session: 'a', state: 1 })).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      transient: true,
    });
    await expect(store.sessions()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', transient: true });
    tests.proxy.isDown = false;
    await store.commit({ session: 'a', state: 2 });
    expect(await store.sessions()).toEqual([{ session: 'a', state: 2 }]);
  });

  test('STORE_LOST: a database that has forgotten what it had committed (an older copy) is not written on', async () => {
    const store = await open();
    await store.commit({ session: 'a', state: 1 });
    await store.commit({ session: 'a', state: 2 });
    await tests.cluster.sql('UPDATE surewire.store SET batch = batch - 1 WHERE name = $1', [tests.name]);
    const isGone = storeEvent('connection.lost');
    await tests.cluster.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'surewire'",
    );
    await isGone;
    const late = store.commit({ session: 'a', state: 3 });
    await expect(late).rejects.toMatchObject({ code: 'STORE_LOST' });
    await expect(late).rejects.toThrow('older copy');
  });

  test('a statement that fails in the middle of a turn leaves nothing of its change, harms no other, and quotes no row', async () => {
    const store = await open();
    const outcomes = await Promise.allSettled([
      store.commit({ session: 'a', state: 1 }),
      store.commit({ session: 'b', state: 1, put: [...put(12), ...put(13)] }),
      store.commit({ session: 'b', state: 2 }),
      store.commit({ session: 'c', state: 1, put: put(14) }),
      store.commit({ session: 'd', state: 1 }),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'STORE_UNWRITABLE' } },
      { status: 'rejected', reason: { code: 'STORE_UNWRITABLE' } },
      { status: 'rejected', reason: { code: 'STORE_FULL' } },
      { status: 'fulfilled' },
    ]);
    expect(inspect(outcomes, { depth: 9, showHidden: true })).not.toContain('a secret');
    expect((await store.sessions()).map(({ session }) => session)).toEqual(['a', 'd']);
    expect(await Array.fromAsync(store.messages('b'))).toEqual([]);
    await store.commit({ session: 'b', state: 3 });
  });

  test('a change behind one for which there is no room fails too; the octets that are counted are those that are there', async () => {
    const store = await open({ maxBytes: 1_000 });
    const large = [{ direction: 'in', number: 1, octets: new Uint8Array(2_000) }] as const;
    const outcomes = await Promise.allSettled([
      store.commit({ session: 'a', state: { received: 0 } }),
      store.commit({ session: 'a', state: { received: 1 }, put: large }),
      store.commit({ session: 'a', state: { received: 2 } }),
      store.commit({ session: 'b', state: 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    const random = seededRandom(SEED);
    const pick = (most: number): number => Math.floor(random.fraction() * most);
    for (let turn = 0; turn < 60; turn++) {
      const changes = Array.from({ length: 1 + pick(4) }, () => ({
        session: `s${pick(4)}`,
        state: 'x'.repeat(pick(20)),
        put: [{ direction: 'in' as const, number: 100 + pick(3), octets: new Uint8Array(pick(60)) }],
        drop: [{ direction: 'in' as const, number: 100 + pick(3) }],
        ...(pick(5) === 0 ? { end: true as const } : {}),
      }));
      await Promise.allSettled(changes.map((change) => store.commit(change)));
    }
    const [counted = {}] = await tests.cluster.sql(
      `SELECT bytes::int AS said, (
         (SELECT coalesce(sum(octet_length(session) + coalesce(octet_length(state), 0)), 0) FROM surewire.session WHERE store = id)
         + (SELECT coalesce(sum(octet_length(octets)), 0) FROM surewire.message WHERE store = id))::int AS found
       FROM surewire.store WHERE name = $1`,
      [tests.name],
    );
    const { said, found } = counted;
    expect(said).toBe(found);
    expect(Number(found)).toBeGreaterThan(0);
    expect(Number(found)).toBeLessThanOrEqual(1_000);
  });

  test('all commits of one turn share one transaction, and what comes while it is under way shares the next', async () => {
    const store = await open();
    const batches = batchSizes();
    const first = Array.from({ length: 100 }, (_, n) => store.commit({ session: `s${n % 7}`, state: n }));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const later = Array.from({ length: 50 }, (_, n) => store.commit({ session: `s${n % 7}`, state: n }));
    await Promise.resolve();
    later.push(store.commit({ session: 'x', state: 1 }));
    await Promise.all([...first, ...later]);
    expect(batches).toEqual([100, 51]);
  });

  test('a change that fails is found by halves: a turn of 1,000 does not become 1,000 transactions', async () => {
    const store = await open();
    const batches = batchSizes();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 1_000 }, (_, n) =>
        store.commit({ session: `s${n}`, state: n, put: n === 617 ? put(13) : [] }),
      ),
    );
    expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([617]);
    expect(await store.sessions()).toHaveLength(999);
    expect(batches.length).toBeLessThan(40);
  });

  test('a database that fails whatever is tried, and slowly: a turn is refused after a while, and well again later', async () => {
    const clock = new VirtualClock();
    const store = await open({ clock });
    const batches = batchSizes();
    const keeper = await tests.cluster.client();
    await keeper.query({ text: 'BEGIN' });
    await keeper.query({ text: 'SELECT FROM surewire.store WHERE name = $1 FOR UPDATE', values: [tests.name] });
    let isOver = false;
    const outcomes = Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => store.commit({ session: `s${n}`, state: n })),
    ).finally(() => {
      isOver = true;
    });
    const waiting = "application_name = 'surewire' AND wait_event_type = 'Lock'";
    while (!isOver) {
      const found = await tests.cluster.sql(`SELECT pid FROM pg_stat_activity WHERE ${waiting}`);
      if (found.length === 0) continue;
      // Not so long that the answer would be given up.
      await clock.advance(14_000);
      const before = batches.length;
      await tests.cluster.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE ${waiting}`);
      while (batches.length === before) await tests.cluster.sql('SELECT 1');
    }
    const reason = { code: 'STORE_UNWRITABLE', transient: true };
    expect(await outcomes).toMatchObject(Array.from({ length: 8 }, () => ({ status: 'rejected', reason })));
    // Not change by change: after half a minute of looking the rest is tried once.
    expect(batches).toEqual([8, 4, 2, 1, 7]);
    await keeper.end();
    await store.commit({ session: 'a', state: 1 });
    expect(await store.sessions()).toEqual([{ session: 'a', state: 1 }]);
  });

  test('commits wait for the disk, whatever the role has as its default; what does not wait at all is refused', async () => {
    await tests.cluster.sql('ALTER ROLE surewire SET synchronous_commit = off');
    await (await open()).commit({ session: 'a', put: put(100) });
    await tests.cluster.sql('ALTER ROLE surewire SET synchronous_commit = remote_apply');
    await (await open({ name: 'other' })).commit({ session: 'a', put: put(101) });
    await tests.cluster.sql('ALTER ROLE surewire RESET synchronous_commit');
    const commits = await tests.cluster.sql('SELECT commits FROM public.written ORDER BY number');
    expect(commits).toEqual([{ commits: 'on' }, { commits: 'remote_apply' }]);
    await tests.cluster.halt();
    await tests.cluster.run({ fsync: 'off' });
    await expect(open({ name: 'unsafe' })).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('fsync'),
    });
    await tests.cluster.halt();
    await tests.cluster.run();
  });

  test('databases that cannot be used are left as they are: another encoding, read-only, of something else, of a later version', async () => {
    for (const made of ["latin ENCODING 'LATIN1' TEMPLATE template0", 'readonly', 'theirs', 'newer']) {
      await tests.cluster.sql(`CREATE DATABASE ${made}`);
    }
    await tests.cluster.sql('ALTER DATABASE readonly SET default_transaction_read_only = on');
    const at = (database: string): string => tests.cluster.socket.replace(/\/postgres$/, `/${database}`);
    const foreign = await tests.cluster.client('theirs');
    await foreign.query({ text: 'CREATE SCHEMA surewire CREATE TABLE theirs (x int)' });
    await foreign.end();
    await (await postgres(at('newer'))).close();
    const newer = await tests.cluster.client('newer');
    await newer.query({ text: 'UPDATE surewire.format SET version = 2' });
    await newer.end();
    const refused = async (database: string): Promise<string> => {
      const error = await postgres(at(database)).then(
        () => 'opened',
        (thrown: unknown) => thrown,
      );
      return `${(error as { code: string }).code}: ${(error as Error).message}`;
    };
    expect(await refused('latin')).toMatch(/STORE_UNWRITABLE.*UTF8/);
    expect(await refused('readonly')).toMatch(/STORE_UNWRITABLE.*primary/);
    expect(await refused('theirs')).toMatch(/STORE_FOREIGN.*another database/);
    expect(await refused('newer')).toMatch(/STORE_NEWER.*install that version/);
    expect(await refused('nowhere')).toMatch(/STORE_UNWRITABLE.*Make the database/);
  });

  test('STORE_CORRUPT: a state that is no longer JSON', async () => {
    const store = await open();
    await store.commit({ session: 'a', state: 1 });
    await tests.cluster.sql("UPDATE surewire.session SET state = '{' WHERE session = 'a'");
    await expect(store.sessions()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(/no longer JSON.*backup/),
    });
  });

  test('neither the password nor what stands before it in the address is in an error or an event', async () => {
    const said: unknown[] = [];
    const listen = (event: unknown): void => void said.push(event);
    subscribe('surewire:stores', listen);
    const secret = 's3cret-of-the-database';
    const wrong = `postgres://surewire:${secret}@127.0.0.1:${tests.cluster.port}/postgres`;
    for (const url of [
      wrong,
      `postgres://surewire:${secret}@host:port/x`,
      `postgres://surewire:${secret}%@host/x`,
      `postgres://surewire:${secret}@host/x?what=1`,
    ]) {
      said.push(await postgres(url, { name: tests.name }).catch((thrown: unknown) => thrown));
    }
    said.push(
      await postgres(tests.cluster.url, { name: tests.name, password: () => Promise.resolve(secret) }).catch(
        (thrown: unknown) => thrown,
      ),
    );
    const asked = await open({ password: () => Cluster.password }, tests.cluster.url.replace(/:[^:@]*@/, '@'));
    await asked.commit({ session: 'a', state: 1 });
    unsubscribe('surewire:stores', listen);
    expect(said).toHaveLength(7);
    expect(said[0]).toMatchObject({ code: 'STORE_UNWRITABLE', message: expect.stringContaining('password') });
    const all = inspect(said, { depth: 20, showHidden: true });
    expect(all).not.toContain(secret);
    expect(all).not.toContain(Cluster.password);
  });

  /** How many changes each transaction from here on has, whether it was committed or not. */
  function batchSizes(): readonly number[] {
    const sizes: number[] = [];
    const listen = (said: unknown): void => {
      const { event, changes } = said as { event: string; changes: number };
      if (event === 'batch.written') sizes.push(changes);
    };
    subscribe('surewire:stores', listen);
    onTestFinished(() => void unsubscribe('surewire:stores', listen));
    return sizes;
  }
});
