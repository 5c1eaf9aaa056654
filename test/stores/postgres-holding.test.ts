/** Who holds a shared store: one at a time, the next one when the lease is over, and never again the one before. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { PostgresStoreOptions } from '../../src/stores/postgres/settings.ts';
import { postgres, type SharedStore } from '../../src/stores/postgres.ts';
import { Cluster, noPostgres } from '../cluster.ts';
import { program } from '../program.ts';
import { CrashChild, expectWhole } from './crashing.ts';

const SEED = 20_261_129;

describe.skipIf(noPostgres !== undefined)(`who holds a postgres store ${noPostgres ?? ''}`, () => {
  let cluster: Cluster;
  let name: string;
  let names = 0;
  const stores: SharedStore[] = [];
  beforeAll(async () => {
    cluster = await Cluster.start();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(() => cluster.stop());

  const open = async (options: PostgresStoreOptions = {}): Promise<SharedStore> => {
    const store = await postgres(cluster.socket, { name, ...options });
    stores.push(store);
    return store;
  };
  const fresh = (): string => {
    name = `name ${++names}`;
    return name;
  };
  /** The holder's time is over, on the clock that counts. */
  const expire = (): Promise<unknown> =>
    cluster.sql("UPDATE surewire.store SET lease = clock_timestamp() - interval '1 ms' WHERE name = $1", [name]);
  /** One that is renewed long before it runs out, also on a slow machine: the database has a clock of its own. */
  const lease = 60_000;
  /** Lets time pass for who holds a store and who waits for it, as long as the database is asked meanwhile, until `work` has ended. */
  const passing = async <T>(clock: VirtualClock, work: Promise<T>): Promise<T> => {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    while (!isOver) {
      await cluster.sql('SELECT 1');
      await clock.advance(1_000);
    }
    return work;
  };
  /** The next holder, while the one before may be at work, and renew its lease with it. */
  const takenOver = async (): Promise<SharedStore> => {
    for (;;) {
      const controller = new AbortController();
      const onEvent = (event: unknown): void => {
        if ((event as { event: string }).event === 'store.awaited') controller.abort();
      };
      subscribe('surewire:stores', onEvent);
      try {
        await expire();
        return await open({ signal: controller.signal });
      } catch (thrown) {
        if (!controller.signal.aborted) throw thrown;
      } finally {
        unsubscribe('surewire:stores', onEvent);
      }
    }
  };
  const isLost = { code: 'STORE_LOST', transient: false };

  test('of many that open a store at once, in an empty database, one gets it; the others are told who and until when', async () => {
    await cluster.sql('DROP SCHEMA IF EXISTS surewire CASCADE');
    fresh();
    const clock = new VirtualClock();
    const all = Promise.allSettled(Array.from({ length: 6 }, (_, n) => open({ holder: `machine ${n}`, lease, clock })));
    const outcomes = await passing(clock, all);
    const won = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: 'STORE_LOCKED', transient: true });
      expect(String(outcome.reason)).toMatch(new RegExp(`held by "machine ${won[0]}", whose lease lasts \\d+ s`));
    }
  });

  test('an open store keeps no process alive, and what is waited for does, from the first table on', async () => {
    await cluster.sql('CREATE DATABASE alive');
    const module = new URL('../../src/stores/postgres.ts', import.meta.url).href;
    const code = `import { postgres } from '${module}';
      const url = '${cluster.socket.replace(/postgres$/, 'alive')}';
      const first = await postgres(url);
      await first.commit({ session: 'a', state: 1 });
      await first.close();
      const second = await postgres(url);
      void second.commit({ session: 'a', state: 2 }).then(() => console.log('done'));`;
    const printed = await program(['--input-type=module', '-e', code]);
    expect(printed).toBe('done\n');
  });

  test('stores of other names in the same database are none of its business', async () => {
    fresh();
    const one = await open();
    const other = await open({ name: fresh() });
    await Promise.all([one.commit({ session: 'a', state: 1 }), other.commit({ session: 'a', state: 2 })]);
    await other.commit({ session: 'a', end: true });
    expect(await one.sessions()).toEqual([{ session: 'a', state: 1 }]);
  });

  test('who waits has the store as soon as its holder closes it, with everything in it', async () => {
    fresh();
    const first = await open();
    await first.commit({ session: 'a', state: 1 });
    const second = open({ wait: 60_000 });
    await first.close();
    expect(await first.closed).toBeUndefined();
    expect(await (await second).sessions()).toEqual([{ session: 'a', state: 1 }]);
    expect((await second).epoch).toBeGreaterThan(first.epoch);
  });

  test('who waits can be told to stop', async () => {
    fresh();
    await open();
    const controller = new AbortController();
    const waiting = open({ wait: 60_000, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('a holder whose lease was taken over commits nothing more, and is told so by every call', async () => {
    fresh();
    const first = await open();
    await first.commit({ session: 'a', state: 'of the first' });
    await expire();
    const second = await open();
    await second.commit({ session: 'a', state: 'of the second' });
    const late = [first.commit({ session: 'a', state: 'late' }), first.commit({ session: 'b', state: 'late' })];
    for (const commit of late) await expect(commit).rejects.toMatchObject(isLost);
    expect(String(await first.closed)).toContain('taken over');
    for (const call of [
      first.sessions(),
      Array.fromAsync(first.messages('a')),
      first.message('a', 'in', 1),
      first.commit({ session: 'a' }),
    ]) {
      await expect(call).rejects.toMatchObject(isLost);
    }
    await first.close();
    await expect(first.sessions()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    expect(await second.sessions()).toEqual([{ session: 'a', state: 'of the second' }]);
    await second.commit({ session: 'a', state: 'still there' });
  });

  test('a lease that has run out and was not taken over is taken up again by its holder', async () => {
    fresh();
    const clock = new VirtualClock();
    const store = await open({ lease, clock });
    await expire();
    await store.commit({ session: 'a', state: 1 });
    const other = open({ lease, clock });
    await expect(passing(clock, other)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  test(`random holders, leases that end and commits (seed ${SEED}): what was acknowledged is there once, what was not is not, and no holder writes after the next`, async () => {
    fresh();
    const random = seededRandom(SEED);
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const under: Promise<void>[] = [];
    let holders: SharedStore[] = [await open()];
    for (let step = 0; step < 120; step++) {
      const at = Math.floor(random.fraction() * holders.length);
      const holder = holders[at];
      if (holder === undefined) throw new Error('no holder');
      const what = random.fraction();
      if (what < 0.1) {
        holders = [...holders, await takenOver()].slice(-3);
      } else {
        const session = `${holder.epoch} ${step}`;
        const commit = holder.commit({
          session,
          state: holder.epoch,
          put: [{ direction: 'in', number: step, octets: new Uint8Array(1) }],
        });
        under.push(
          commit.then(
            () => void acknowledged.push(session),
            (error: unknown) => {
              expect(error).toMatchObject(isLost);
              refused.push(session);
            },
          ),
        );
        if (what < 0.3) await Promise.allSettled(under);
      }
    }
    await Promise.all(under);
    const found = await (holders.at(-1) as SharedStore).sessions();
    expect(refused.length).toBeGreaterThan(5);
    expect(found.map(({ session }) => session).sort()).toEqual(acknowledged.sort());
    const epochs = found.map(({ state }) => Number(state));
    expect(epochs).toEqual([...epochs].sort((one, other) => one - other));
  });

  const child = (): CrashChild => new CrashChild(`${cluster.url}#${encodeURIComponent(name)}`, SEED);

  test(`M25 kill -9 of a holder at random points (seed ${SEED}): the next one has every acknowledged commit, and none half`, async () => {
    fresh();
    const random = seededRandom(SEED);
    for (let crash = 0; crash < 2; crash++) {
      const crashing = child();
      await crashing.read(50 + Math.floor(random.fraction() * 200));
      crashing.process.kill('SIGKILL');
      await crashing.read(Number.POSITIVE_INFINITY);
      // Nobody tells the next holder that this one is dead: it waits for the lease.
      const store = await open();
      await expectWhole(store, crashing.acknowledged, SEED);
      await store.close();
    }
  });

  test('a holder that slept past its lease (SIGSTOP) wakes and commits nothing', async () => {
    fresh();
    const crashing = child();
    await crashing.read(100);
    crashing.process.kill('SIGSTOP');
    const store = await open();
    await store.commit({ session: 'next', state: 'here' });
    const before = await store.sessions();
    crashing.process.kill('SIGCONT');
    await crashing.read(Number.POSITIVE_INFINITY);
    expect(await crashing.ended).toEqual({ code: 0, signal: null });
    expect(crashing.acknowledged.get('lost')).toBe(0);
    expect(await store.sessions()).toEqual(before);
    await expectWhole(store, crashing.acknowledged, SEED);
  });
});
