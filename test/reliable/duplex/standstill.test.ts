/**
 * Handlers that call back and wait, while the window is full of what their caller sent before it answered: WCF's re-entrant
 * service goes on with what comes next; what can never end is refused in finite time.
 */
import { describe, expect, test } from 'vitest';
import { wait } from '../../../src/base/signals.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import type { Channel } from '../../../src/channel/channel.ts';
import type { Carry } from '../../../src/channel/delivery.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../../src/reliable/versions/version.ts';
import { callbackClient } from '../../../src/service/callback.ts';
import { client } from '../../../src/service/client.ts';
import { contract, requestReply } from '../../../src/service/contract.ts';
import { dispatcher } from '../../../src/service/dispatcher.ts';
import { oneInstance } from '../../../src/service/instances.ts';
import { record, text } from '../../../src/service/shape.ts';
import { DuplexWorld, textOf } from './world.ts';

/** A service that asks back whoever says `ask …`, and a client that answers only after it has said `more` itself. */
async function scene(version: ReliableVersion, more: readonly string[], options: ReliableSessionOptions = {}) {
  const world = new DuplexWorld(1, { version, maxTransferWindowSize: 4, ...options });
  const order: string[] = [];
  const refusals: unknown[] = [];
  const serve: Carry = async (trip) => {
    const said = textOf(trip.message) ?? '';
    order.push(said);
    if (said.startsWith('ask')) {
      try {
        await world.say(callbackChannel(trip), `back: ${said}`);
      } catch (thrown) {
        refusals.push(thrown);
        throw thrown;
      }
    }
    if (said === 'slow') await wait(world.clock, 5_000);
    order.push(`/${said}`);
    return trip.carrying(world.saying(`re: ${said}`));
  };
  const listener = await world.until(world.listen(serve));
  const replies: Promise<string | undefined>[] = [];
  let say: (said: string) => Promise<string | undefined> = async () => undefined;
  const channel: Channel = world.connect({}, undefined, async (trip) => {
    const asked = textOf(trip.message) ?? '';
    if (asked === 'back: ask 0') for (const one of more) replies.push(say(one));
    await wait(world.clock, 500);
    return trip.carrying(world.saying(`answer to ${asked}`));
  });
  say = (said) => world.say(channel, said).catch((thrown: Error) => thrown.message);
  const began = world.clock.now();
  const first = await world.until(say('ask 0'), 60_000);
  const others = await world.until(Promise.all(replies), 60_000);
  return { world, channel, listener, order, refusals, first, others, took: world.clock.now() - began };
}

describe.each(reliableVersions)('WS-RM $name', (version) => {
  test('what was sent before the answer is handed up meanwhile, one by one and in order; then the answer has room', async () => {
    const more = ['1', '2', '3', '4', '5', '6'];
    const { world, channel, listener, order, refusals, first, others, took } = await scene(version, more);
    expect(first).toBe('re: ask 0');
    expect(others).toEqual(more.map((one) => `re: ${one}`));
    expect(refusals).toEqual([]);
    expect(order.filter((one) => !/0/.test(one))).toEqual(more.flatMap((one) => [one, `/${one}`]));
    expect(took).toBeLessThan(15_000);
    await world.until(channel.close());
    expect(await channel.closed).toBeUndefined();
    await world.until(listener.close());
  });

  test('while there is room and the answer comes soon nothing is handed up before its turn', async () => {
    const { order, first } = await scene(version, ['1', '2']);
    expect(first).toBe('re: ask 0');
    expect(order).toEqual(['ask 0', '/ask 0', '1', '/1', '2', '/2']);
  });

  test('where every message that there is room for waits, the newest is refused and the others are answered', async () => {
    const more = ['ask 1', 'ask 2', 'ask 3', 'ask 4'];
    const { world, channel, listener, refusals, first, others, took } = await scene(version, more);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'RELIABLE_STANDSTILL', transient: true });
    expect(first).toBe('re: ask 0');
    expect(others.filter((one) => one?.startsWith('re: '))).toHaveLength(more.length - refusals.length);
    expect(took).toBeLessThan(30_000);
    await world.until(channel.close());
    expect(await channel.closed).toBeUndefined();
    await world.until(listener.close());
  });

  test('in any order: what runs side by side is refused so too', async () => {
    const more = ['ask 1', 'ask 2', 'ask 3', 'ask 4'];
    const { refusals, took } = await scene(version, more, { ordered: false });
    expect(refusals.length).toBeGreaterThan(0);
    expect(took).toBeLessThan(30_000);
  });

  test('while a handler works nobody is refused: its place will be free', async () => {
    const { refusals, first, others } = await scene(version, ['ask 1', 'ask 2', 'slow'], { ordered: false });
    expect(refusals).toEqual([]);
    expect([first, ...others]).toEqual(['re: ask 0', 're: ask 1', 're: ask 2', 're: slow']);
  });

  test('at most once nothing is handed up before its turn: the call back is refused', async () => {
    const { refusals, order } = await scene(version, ['1', '2', '3', '4'], { deliveryAssurance: 'at-most-once' });
    expect(refusals).toMatchObject([{ code: 'RELIABLE_STANDSTILL' }]);
    expect(order.slice(0, 2)).toEqual(['ask 0', '1']);
  });

  test('a call back that wants no answer is not refused, however long its acknowledgement takes', async () => {
    const options = { version, maxTransferWindowSize: 1, ordered: false };
    const world = new DuplexWorld(1, { ...options, network: { delay: [1_500, 1_500] } });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'tell'))).toBe('re: tell');
    expect(world.called).toEqual(['back: tell']);
    await world.until(channel.close());
    await world.until(listener.close());
  });

  test('a call back that was refused is waited for by nobody: neither here nor when the service closes', async () => {
    const world = new DuplexWorld(1, { version });
    const ask: Carry = async (trip) => {
      await world.say(callbackChannel(trip), 'ask');
      return undefined;
    };
    const listener = await world.until(world.listen(ask, { maxTransferWindowSize: 1 }));
    const channel = world.connect({}, undefined, () => new Promise(() => undefined));
    expect(await world.until(world.say(channel, 'one'), 60_000)).toBe('');
    const began = world.clock.now();
    await world.until(listener.close());
    expect(world.clock.now() - began).toBeLessThan(10_000);
  });

  test('a way back that is used when its handler has finished holds up no other handler', async () => {
    const world = new DuplexWorld(1, { version, maxTransferWindowSize: 4 });
    let kept: Channel | undefined;
    const order: string[] = [];
    const serve: Carry = async (trip) => {
      const said = textOf(trip.message) ?? '';
      order.push(said);
      if (said === 'subscribe') kept = callbackChannel(trip);
      const answer = said === 'ask' ? await world.say(callbackChannel(trip), said) : said;
      return trip.carrying(world.saying(`re: ${answer}`));
    };
    const listener = await world.until(world.listen(serve));
    const others: Promise<string | undefined>[] = [];
    const channel: Channel = world.connect({}, undefined, async (trip) => {
      const asked = textOf(trip.message) ?? '';
      // It answers only when it has been answered itself.
      if (asked === 'ask') others.push(world.say(channel, 'first this'));
      await Promise.all(others);
      return trip.carrying(world.saying(asked));
    });
    expect(await world.until(world.say(channel, 'subscribe'))).toBe('re: subscribe');
    if (kept === undefined) throw new Error('There is no way back.');
    expect(await world.until(world.say(kept, 'news'))).toBe('news');
    expect(await world.until(world.say(channel, 'ask'), 60_000)).toBe('re: ask');
    expect(order).toEqual(['subscribe', 'ask', 'first this']);
    await world.until(channel.close());
    await world.until(listener.close());
  });
});

test('whoever is called back may ask in turn, at the client as at the service', async () => {
  const world = new DuplexWorld(1, { maxTransferWindowSize: 4 });
  const more = ['1', '2', '3', '4', '5', '6'];
  const answers: Promise<string | undefined>[] = [];
  const listener = await world.until(
    world.listen(async (trip) => {
      const said = textOf(trip.message) ?? '';
      const back = callbackChannel(trip);
      if (said === 'go') return trip.carrying(world.saying((await world.say(back, 'ask')) ?? ''));
      // The client asks what it is asked for, and hears more before it hears that.
      for (const one of more) answers.push(world.say(back, one));
      await wait(world.clock, 1_000);
      return trip.carrying(world.saying('this'));
    }),
  );
  const order: string[] = [];
  const channel = world.connect({}, undefined, async (trip) => {
    const asked = textOf(trip.message) ?? '';
    const what = asked === 'ask' ? await world.say(callbackChannel(trip), 'what?') : asked;
    order.push(asked);
    return trip.carrying(world.saying(`re: ${what}`));
  });
  expect(await world.until(world.say(channel, 'go'), 60_000)).toBe('re: this');
  expect(await world.until(Promise.all(answers), 60_000)).toEqual(more.map((one) => `re: ${one}`));
  expect(order.filter((one) => one !== 'ask')).toEqual(more);
  await world.until(channel.close());
  await world.until(listener.close());
});

test('calls that wait for the one instance wait with it: the call back is refused, long before its time is up', async () => {
  const namespace = 'urn:surewire:test:standstill';
  const ask = requestReply({ request: record({ name: text }), reply: record({ said: text }) });
  const shop = contract({ name: 'Shop', namespace, operations: { order: ask } });
  const customer = contract({ name: 'Customer', namespace, operations: { confirm: ask } });
  const world = new DuplexWorld(1, { maxTransferWindowSize: 4 });
  const make = () => ({
    order: async ({ name }: { name: string }, call: Parameters<typeof callbackClient>[1]) => {
      if (name !== '0') return { said: `re: ${name}` };
      return callbackClient(customer, call, { clock: world.clock }).confirm({ name });
    },
  });
  const service = dispatcher(shop, oneInstance(make, { concurrency: 'single' }), { clock: world.clock });
  const listener = await world.until(world.listen(service));
  const others: Promise<unknown>[] = [];
  const calls: { order: (request: { name: string }) => Promise<{ said: string }> } = client(
    shop,
    world.connect(
      {},
      undefined,
      dispatcher(customer, {
        confirm: async ({ name }) => {
          for (const one of ['1', '2', '3', '4']) others.push(calls.order({ name: one }));
          await wait(world.clock, 1_000);
          return { said: name };
        },
      }),
    ),
    { clock: world.clock },
  );
  const began = world.clock.now();
  const first = calls.order({ name: '0' }).catch((thrown: unknown) => thrown);
  expect(await world.until(first)).toMatchObject({ code: 'SOAP_FAULT' });
  expect(await world.until(Promise.all(others))).toEqual(['1', '2', '3', '4'].map((one) => ({ said: `re: ${one}` })));
  expect(world.clock.now() - began).toBeLessThan(10_000);
  await world.until(listener.close());
});

describe('two sessions, and a service that serves two calls at a time', () => {
  const namespace = 'urn:surewire:test:places';
  const ask = requestReply({ request: record({ name: text }), reply: record({ said: text }) });
  const shop = contract({ name: 'Shop', namespace, operations: { order: ask } });
  const customer = contract({ name: 'Customer', namespace, operations: { confirm: ask } });
  type Calls = { order: (request: { name: string }) => Promise<{ said: string }> };

  /** Whoever orders `ask` is called back, and each client says `1` to `3` before it answers that. */
  async function places() {
    const world = new DuplexWorld(1, { maxTransferWindowSize: 2 });
    const implementation = {
      order: async ({ name }: { name: string }, call: Parameters<typeof callbackClient>[1]) => {
        if (name === 'long') await wait(world.clock, 20_000);
        if (name !== 'ask') return { said: `re: ${name}` };
        return callbackClient(customer, call, { clock: world.clock }).confirm({ name });
      },
    };
    const limits = { clock: world.clock, throttle: { maxConcurrentCalls: 2 } };
    const listener = await world.until(world.listen(dispatcher(shop, implementation, limits)));
    const others: Promise<unknown>[] = [];
    const session = (): Calls => {
      const confirm = async ({ name }: { name: string }) => {
        for (const one of ['1', '2', '3']) others.push(calls.order({ name: one }));
        await wait(world.clock, 500);
        return { said: name };
      };
      const channel = world.connect({}, undefined, dispatcher(customer, { confirm }, { clock: world.clock }));
      const calls: Calls = client(shop, channel, { clock: world.clock });
      return calls;
    };
    return { world, listener, others, sessions: [session(), session()] as const };
  }

  test('a place that the other session holds comes free when its handler has worked: no call back is refused', async () => {
    const { world, listener, others, sessions } = await places();
    const [first, second] = sessions;
    const long = second.order({ name: 'long' });
    await world.until(wait(world.clock, 200));
    const began = world.clock.now();
    expect(await world.until(first.order({ name: 'ask' }))).toEqual({ said: 'ask' });
    expect(world.clock.now() - began).toBeGreaterThan(15_000);
    expect(await world.until(long)).toEqual({ said: 're: long' });
    expect(await world.until(Promise.all(others))).toEqual(['1', '2', '3'].map((one) => ({ said: `re: ${one}` })));
    await world.until(listener.close());
  });

  test('where both sessions wait for one another, call backs are refused until one goes on, long before their time is up', async () => {
    const { world, listener, others, sessions } = await places();
    const began = world.clock.now();
    const outcomes = await world.until(
      Promise.all(sessions.map((one) => one.order({ name: 'ask' }).catch((thrown: unknown) => thrown))),
    );
    expect(outcomes).toContainEqual(expect.objectContaining({ code: 'SOAP_FAULT' }));
    expect(world.clock.now() - began).toBeLessThan(10_000);
    expect(await world.until(Promise.all(others))).toHaveLength(6);
    await world.until(listener.close());
  });
});
