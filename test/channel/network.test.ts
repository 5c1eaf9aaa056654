import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { type Leg, Network, type NetworkOptions, on } from '../../src/channel/network.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';

/** An echo behind a network; `heard` are the actions in the order of arrival. */
async function behind(options: NetworkOptions = {}): Promise<{
  clock: VirtualClock;
  network: Network;
  heard: string[];
  channel: Channel;
  send: (action: string, signal?: AbortSignal) => Promise<Delivery | undefined>;
}> {
  const clock = new VirtualClock(0);
  const network = new Network({ clock, random: seededRandom(1), ...options });
  const transport = loopback({ network });
  const heard: string[] = [];
  const listener = await transport.listen(new URL('http://127.0.0.1:0/'), (session) =>
    session(async (trip) => {
      heard.push(trip.message.action);
      return trip;
    }),
  );
  const channel = transport.connect(listener.url)(async () => undefined);
  const send = (action: string, signal?: AbortSignal) => {
    const sending = channel.send(delivery(message({ version: soap12, action }), signal));
    sending.catch(() => undefined);
    return sending;
  };
  return { clock, network, heard, channel, send };
}

/** How a promise stands, without waiting. */
async function state(of: Promise<unknown>): Promise<'pending' | 'done' | { code: string }> {
  const none = Symbol();
  const found = await Promise.race([
    of.then(
      () => 'done' as const,
      (error: { code: string }) => ({ code: error.code }),
    ),
    new Promise<typeof none>((resolve) => setImmediate(() => resolve(none))),
  ]);
  return found === none ? 'pending' : (found as 'done');
}

const lost = { code: 'CHANNEL_LOST' };

describe('a scripted network', () => {
  test('a lost request never arrives; the sender hears nothing until its patience is over', async () => {
    const { clock, network, heard, send } = await behind({ patience: 1000 });
    network.script(on('request', [2], 'lose'));
    await send('urn:1');
    const second = send('urn:2');
    await clock.advance(999);
    expect(await state(second)).toBe('pending');
    await clock.advance(1);
    expect(await state(second)).toEqual(lost);
    await expect(second).rejects.toMatchObject({ transient: true });
    await send('urn:3');
    expect(heard).toEqual(['urn:1', 'urn:3']);
    expect(network.counts).toMatchObject({ exchanges: 3, lostRequests: 1, lostReplies: 0 });
  });

  test('a lost reply: the request was heard', async () => {
    const { clock, network, heard, send } = await behind({ patience: 10 });
    network.script(on('reply', [1], 'lose'));
    const first = send('urn:1');
    await clock.advance(10);
    expect(await state(first)).toEqual(lost);
    expect(heard).toEqual(['urn:1']);
    expect(network.counts.lostReplies).toBe(1);
  });

  test('the signal ends the waiting for what was lost', async () => {
    const { clock, network, send } = await behind();
    network.script(() => 'lose');
    const controller = new AbortController();
    const first = send('urn:1', controller.signal);
    await clock.advance(1);
    const reason = new Error('given up');
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(clock.next).toBeUndefined();
  });

  test.each([
    ['request', []],
    ['reply', ['urn:1']],
  ] as const)('a connection that breaks under the %s is noticed at once', async (way, expected) => {
    const { network, heard, send } = await behind();
    network.script(on(way, [1], 'break'));
    await expect(send('urn:1')).rejects.toMatchObject(lost);
    expect(heard).toEqual(expected);
    expect(network.counts.broken).toBe(1);
  });

  test('a duplicated request is heard twice and answered once', async () => {
    const { network, heard, send } = await behind();
    network.script(on('request', [1], 'duplicate'));
    expect((await send('urn:1'))?.message.action).toBe('urn:1');
    expect(heard).toEqual(['urn:1', 'urn:1']);
    expect(network.counts).toMatchObject({ exchanges: 1, duplicated: 1 });
  });

  test('a copy that overtakes its original is heard and answered before, and what the original comes to is heard', async () => {
    const network = new Network();
    const transport = loopback({ network });
    const heard: string[] = [];
    const answers = ['urn:first', 'urn:second'];
    const listener = await transport.listen(new URL('http://127.0.0.1:0/'), (session) =>
      session(async (trip) => {
        heard.push('asked');
        await new Promise((resolve) => setImmediate(resolve));
        heard.push('answered');
        return trip.carrying(message({ version: soap12, action: answers.shift() ?? '' }));
      }),
    );
    network.script(on('request', [1], 'overtake'));
    const channel = transport.connect(listener.url)(async () => undefined);
    const answer = await channel.send(delivery(message({ version: soap12, action: 'urn:1' })));
    expect(answer?.message.action).toBe('urn:second');
    expect(heard).toEqual(['asked', 'answered', 'asked', 'answered']);
    expect(network.counts).toMatchObject({ exchanges: 1, duplicated: 1 });
  });

  test('a delayed request is overtaken', async () => {
    const { clock, network, heard, send } = await behind();
    network.script(on('request', [1], { delay: 20 }));
    const first = send('urn:1');
    await send('urn:2');
    await clock.advance(20);
    await first;
    expect(heard).toEqual(['urn:2', 'urn:1']);
  });

  test('a leg is held until the test lets it go', async () => {
    const { network, heard, send } = await behind();
    const gate = Promise.withResolvers<void>();
    network.script(on('reply', [1], { until: gate.promise }));
    const first = send('urn:1');
    expect(await state(first)).toBe('pending');
    expect(heard).toEqual(['urn:1']);
    gate.resolve();
    await first;
  });

  test('a script sees each leg with its message, may pass to the next script, and can be taken away', async () => {
    const { network, send } = await behind();
    const seen: Leg[] = [];
    const remove = network.script((leg) => {
      seen.push(leg);
      return undefined;
    });
    network.script((leg) => (leg.message?.action === 'urn:bad' ? 'break' : undefined));
    await send('urn:good');
    await expect(send('urn:bad')).rejects.toMatchObject(lost);
    expect(seen.map(({ way, number, message: { action } = {} as never }) => [way, number, action])).toEqual([
      ['request', 1, 'urn:good'],
      ['reply', 1, 'urn:good'],
      ['request', 2, 'urn:bad'],
    ]);
    expect(Buffer.from(seen[0]?.octets ?? []).toString()).toContain('Envelope');
    remove();
    remove();
    await send('urn:unseen');
    expect(seen).toHaveLength(3);
  });
});

describe('a network of chance', () => {
  const bad: NetworkOptions = {
    loseRequest: 0.2,
    loseReply: 0.1,
    duplicate: 0.2,
    break: 0.1,
    reorder: 0.3,
    delay: [1, 9],
    patience: 100,
  };

  async function run(seed: number): Promise<unknown> {
    const { clock, network, heard, send } = await behind({ ...bad, random: seededRandom(seed) });
    const sent = Array.from({ length: 200 }, (_, index) => send(`urn:${index}`));
    await clock.advance(1000);
    const outcomes = (await Promise.allSettled(sent)).map(({ status }) => status);
    return { heard, outcomes, counts: network.counts };
  }

  test('the same seed gives the same day, another seed another', async () => {
    const [one, again, other] = [await run(5), await run(5), await run(6)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('everything that can go wrong does, about as often as asked', async () => {
    const { heard, counts } = (await run(5)) as { heard: string[]; counts: Network['counts'] };
    expect(counts.lostRequests).toBeGreaterThan(20);
    expect(counts.lostReplies).toBeGreaterThan(5);
    expect(counts.duplicated).toBeGreaterThan(15);
    expect(counts.broken).toBeGreaterThan(10);
    expect(counts.delayed).toBeGreaterThan(30);
    expect(new Set(heard).size).toBeLessThan(200);
    const order = heard.map((action) => Number(action.slice(4)));
    expect(order).not.toEqual(order.toSorted((one, two) => one - two));
  });

  test('every leg takes its time', async () => {
    const { clock, heard, send } = await behind({ delay: [10, 10] });
    const sending = send('urn:1');
    await clock.advance(9);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(['urn:1']);
    await clock.advance(9);
    expect(await state(sending)).toBe('pending');
    await clock.advance(1);
    expect(await state(sending)).toBe('done');
  });

  test('without probabilities nothing happens by chance, and no time passes', async () => {
    const { clock, network, heard, send } = await behind();
    for (let index = 0; index < 50; index++) await send('urn:x');
    expect(heard).toHaveLength(50);
    expect(clock.next).toBeUndefined();
    expect(network.counts).toEqual({
      exchanges: 50,
      lostRequests: 0,
      lostReplies: 0,
      duplicated: 0,
      broken: 0,
      delayed: 0,
    });
  });
});
