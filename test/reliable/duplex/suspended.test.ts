/** A durable duplex initiator stands still instead of giving up: nothing is told to the peer, and the session goes on later. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { wait } from '../../../src/base/signals.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import type { BindingElement } from '../../../src/channel/channel.ts';
import type { Carry } from '../../../src/channel/delivery.ts';
import { transform } from '../../../src/channel/transform.ts';
import type { ReliableEvent } from '../../../src/reliable/events.ts';
import { storedOutcomes } from '../../../src/reliable/outcomes.ts';
import type { SessionView } from '../../../src/reliable/session.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import { memory } from '../../../src/stores/memory.ts';
import { committing } from '../stores.ts';
import { DuplexWorld, type DuplexWorldOptions, textOf } from './world.ts';

test.each(reliableVersions)('WS-RM $name: nobody is there for too long, and then somebody is', async (version) => {
  const store = memory();
  const kept = { store, label: 'orders' };
  const acceptor = { store: memory() };
  const world = new DuplexWorld(21, { version, maxRetryCount: 3, closeTimeout: 60_000 });
  const first = await world.until(world.listen(undefined, acceptor));
  const channel = world.connect(kept);
  expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
  await world.until(first.close());
  await expect(world.until(world.say(channel, 'two', false), 7_200_000)).rejects.toMatchObject({
    code: 'RELIABLE_SUSPENDED',
    transient: true,
  });
  await expect(world.until(channel.close())).rejects.toMatchObject({ code: 'RELIABLE_SUSPENDED' });
  expect(await storedOutcomes(store, 'orders')).toMatchObject([{ state: 'unfinished', submitted: 2 }]);
  const second = await world.until(world.listen(undefined, acceptor));
  const again = world.connect(kept);
  await world.until(again.open());
  expect(await world.until(world.say(again, 'three'))).toBe('re: three');
  expect(world.served).toEqual(['one', 'two', 'three']);
  await world.until(again.close());
  await world.until(second.close());
  expect(await storedOutcomes(store, 'orders')).toMatchObject([{ state: 'completed' }]);
});

test('an application suspends its session, and another process goes on', async () => {
  const store = memory();
  const world = new DuplexWorld(22);
  const listener = await world.until(world.listen());
  let suspend: () => Promise<void> = async () => undefined;
  const channel = world.connect({
    store,
    label: 'orders',
    onSession: (session) => {
      suspend = () => session.suspend();
    },
  });
  expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
  await world.until(suspend());
  await expect(world.until(world.say(channel, 'two'))).rejects.toMatchObject({ code: 'RELIABLE_SUSPENDED' });
  expect(await channel.closed).toMatchObject({ code: 'RELIABLE_SUSPENDED' });
  const again = world.connect({ store, label: 'orders' });
  expect(await world.until(world.say(again, 'three'))).toBe('re: three');
  await world.until(again.close());
  await world.until(listener.close());
  expect(world.served).toEqual(['one', 'three']);
});

test('what is being stored while its session is suspended is handled by whoever takes it up, and by nobody else', async () => {
  const good = memory();
  let gate: Promise<void> | undefined;
  const store = committing(good, async (change) => {
    await good.commit(change);
    await gate;
  });
  const world = new DuplexWorld(23);
  let suspend: () => Promise<void> = async () => undefined;
  const onSession: NonNullable<DuplexWorldOptions['onSession']> = (session) => {
    suspend = () => session.suspend();
  };
  const served: string[] = [];
  const serving = (who: string): Carry => {
    return async (trip) => {
      served.push(`${who}: ${textOf(trip.message)}`);
      return trip.carrying(world.saying('done'));
    };
  };
  const listener = await world.until(world.listen(serving('first'), { store, onSession }));
  const channel = world.connect();
  await world.until(channel.open());
  const stored = Promise.withResolvers<void>();
  gate = stored.promise;
  const saying = world.say(channel, 'one').catch(() => undefined);
  await world.until(wait(world.clock, 200));
  const suspended = suspend();
  gate = undefined;
  stored.resolve();
  await world.until(suspended);
  await world.until(listener.close());
  const second = await world.until(world.listen(serving('second'), { store: good }));
  expect(await world.until(saying)).toBe('done');
  expect(served).toEqual(['second: one']);
  await world.until(channel.close());
  await world.until(second.close());
});

test('a store that fails stands the session still instead of promising what it does not keep', async () => {
  const store = memory();
  let fails = false;
  const failing = committing(store, (change) =>
    fails ? Promise.reject(new Error('the disk is full')) : store.commit(change),
  );
  const world = new DuplexWorld(23);
  const listener = await world.until(world.listen());
  const channel = world.connect({ store: failing, label: 'orders' });
  expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
  fails = true;
  await expect(world.until(world.say(channel, 'two'))).rejects.toMatchObject({ code: 'RELIABLE_STORE' });
  fails = false;
  const again = world.connect({ store, label: 'orders' });
  expect(await world.until(world.say(again, 'three'))).toBe('re: three');
  await world.until(again.close());
  await world.until(listener.close());
  expect(world.served).toEqual(['one', 'three']);
});

test('a session that fails while a message is handled holds up nothing else, and is over when that is finished', async () => {
  const world = new DuplexWorld(24);
  const gate = Promise.withResolvers<void>();
  const slow: Carry = async (trip) => {
    await gate.promise;
    return trip.carrying(world.saying('done'));
  };
  const ask: Carry = async (trip) => {
    await world.say(callbackChannel(trip), 'back', false);
    return trip.carrying(world.saying('done'));
  };
  const listener = await world.until(world.listen(ask));
  const channel = world.connect({}, undefined, slow);
  expect(await world.until(world.say(channel, 'one'))).toBe('done');
  channel.abort(new Error('over'));
  await world.until(wait(world.clock, 500));
  gate.resolve();
  expect(await world.until(channel.closed)).toMatchObject({ code: 'RELIABLE_ABORTED' });
  await world.until(listener.close());
});

test('a handler that waits for its call back is told when the session has failed, and the service can close', async () => {
  const world = new DuplexWorld(25);
  const refusals: unknown[] = [];
  const ask: Carry = async (trip) => {
    await world.say(callbackChannel(trip), 'back').catch((thrown: unknown) => refusals.push(thrown));
    return undefined;
  };
  const listener = await world.until(world.listen(ask));
  const channel = world.connect({}, undefined, () => new Promise(() => undefined));
  world.say(channel, 'one').catch(() => undefined);
  await world.until(wait(world.clock, 500));
  channel.abort(new Error('over'));
  await world.until(wait(world.clock, 500));
  expect(refusals).toMatchObject([{ code: 'RELIABLE_CLOSED' }]);
  await world.until(listener.close());
});

describe('this end gives the session up while a handler runs', () => {
  /** `one` is acknowledged and waits for its answer; the service waits for a handler of the client, which nothing hurries. */
  async function waiting(seed: number, options: ReliableSessionOptions = {}, below: readonly BindingElement[] = []) {
    const world = new DuplexWorld(seed);
    const gate = Promise.withResolvers<void>();
    const signals: AbortSignal[] = [];
    const sessions: SessionView[] = [];
    const ask: Carry = async (trip) => {
      await world.say(callbackChannel(trip), 'back').catch(() => undefined);
      return undefined;
    };
    const listener = await world.until(world.listen(ask));
    const onSession = (session: SessionView) => void sessions.push(session);
    const slow: Carry = async (trip) => {
      signals.push(trip.signal);
      await gate.promise;
      return trip.carrying(world.saying('late'));
    };
    const channel = world.connect({ ...options, onSession }, undefined, slow, below);
    const said = world.say(channel, 'one').catch((thrown: unknown) => thrown);
    await world.until(wait(world.clock, 2_000));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    return { world, gate, signals, sessions, listener, channel, said, began: world.clock.now() };
  }

  test.each(['abort', 'close'] as const)(
    '%s: a call that is acknowledged is told at once, the handler too, and its late reply is dropped and counted',
    async (how) => {
      const dropped: unknown[] = [];
      const hear = (event: unknown) => {
        if ((event as ReliableEvent).event === 'reply.dropped') dropped.push(event);
      };
      subscribe('surewire:reliable', hear);
      const { world, gate, signals, sessions, listener, channel, said, began } = await waiting(26);
      const reason = new Error('enough');
      if (how === 'abort') channel.abort(reason);
      else await expect(world.until(channel.close(AbortSignal.abort(reason)))).rejects.toBe(reason);
      expect(await world.until(said)).toMatchObject({ code: 'RELIABLE_ABORTED', cause: reason });
      expect(await world.until(channel.closed)).toMatchObject({ code: 'RELIABLE_ABORTED', message: 'enough' });
      expect(world.clock.now() - began).toBeLessThan(1_000);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
      expect(sessions.map(({ statistics }) => statistics.late)).toEqual([0]);
      gate.resolve();
      await world.until(wait(world.clock, 100));
      unsubscribe('surewire:reliable', hear);
      expect(sessions.map(({ statistics }) => statistics.late)).toEqual([1]);
      expect(dropped).toMatchObject([{ side: 'initiator', number: 1 }]);
      await world.until(listener.close());
    },
  );

  test('a connection that takes nothing any more holds up nobody for long', async () => {
    let isStuck = false;
    const stuck = transform({
      name: 'stuck',
      place: 'security',
      down: (next) => (trip) => (isStuck ? new Promise(() => undefined) : next(trip)),
    });
    const { world, channel, said, gate, listener, began } = await waiting(28, {}, [stuck]);
    isStuck = true;
    channel.abort(new Error('enough'));
    expect(await world.until(said)).toMatchObject({ code: 'RELIABLE_ABORTED' });
    expect(world.clock.now() - began).toBeLessThan(5_000);
    gate.resolve();
    await world.until(listener.close());
  });

  test('nothing of it is left in the store', async () => {
    const store = memory();
    const { world, channel, listener, gate } = await waiting(27, { store, label: 'orders' });
    channel.abort(new Error('enough'));
    await world.until(channel.closed);
    gate.resolve();
    const sessions: SessionView[] = [];
    const again = world.connect({ store, label: 'orders', onSession: (session) => void sessions.push(session) });
    await world.until(again.open());
    expect(sessions.map(({ resumed, submitted }) => [resumed, submitted])).toEqual([[false, 0]]);
    again.abort(new Error('enough'));
    await world.until(listener.close());
  });

  test.each([
    ['at the moment of the abort', 0],
    ['while the last word is on its way', 50],
  ])('a handler that ends %s puts nothing back into the store', async (_, late) => {
    const store = memory();
    let isStuck = false;
    const stuck = transform({
      name: 'stuck',
      place: 'security',
      down: (next) => (trip) => (isStuck ? new Promise(() => undefined) : next(trip)),
    });
    const options = { store, label: 'orders' };
    const { world, channel, listener, gate, sessions } = await waiting(29, options, [stuck]);
    isStuck = true;
    channel.abort(new Error('enough'));
    if (late > 0) await world.until(wait(world.clock, late));
    gate.resolve();
    await world.until(channel.closed);
    isStuck = false;
    const again = world.connect({ ...options, onSession: (session) => void sessions.push(session) });
    await world.until(again.open());
    expect(sessions.map(({ resumed, statistics }) => [resumed, statistics.late])).toEqual([
      [false, 1],
      [false, 0],
    ]);
    again.abort(new Error('enough'));
    await world.until(listener.close());
  });
});
