/** Duplex connections in memory: the contract of every transport, and what only a connection with two senders does. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network, on } from '../../src/channel/network.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { transportContract, withExchange } from '../contracts/transport.ts';

const at = new URL('http://127.0.0.1:0/soap');
const connecting = { secure: true, fingerprint: 'ab'.repeat(32), address: '10.0.0.1' };

transportContract('duplex loopback', ({ maxBytes }) => ({
  transport: withExchange(loopback({ maxBytes, peer: connecting, server: { secure: true }, duplex: true })),
  at,
  peer: connecting,
  isDuplex: true,
}));

const said = (action: string) => message({ version: soap12, action });

describe('a duplex connection', () => {
  test('both ends ask, and each finds its own answer', async () => {
    const via = binding([exchange({ addressing: addressing200508 })], loopback({ duplex: true }));
    const listener = await listen(via, at, async (trip) => {
      const back = await callbackChannel(trip).send(delivery(said('urn:back')));
      return trip.carrying(said(`urn:re:${back?.message.action}`));
    });
    const channel = connect(via, listener.url, async (trip) => trip.carrying(said(`${trip.message.action}:again`)));
    const answer = await channel.send(delivery(said('urn:ask')));
    expect(answer?.message.action).toBe('urn:re:urn:back:again');
    await channel.close();
    await listener.close();
  });

  test('close waits for answers that somebody waits for, and not for one that was given up meanwhile', async () => {
    const via = binding([exchange({ addressing: addressing200508 })], loopback({ duplex: true }));
    const gate = Promise.withResolvers<void>();
    const listener = await listen(via, at, async (trip) => {
      await gate.promise;
      return trip.carrying(said('urn:re'));
    });
    const channel = connect(via, listener.url);
    const caller = new AbortController();
    const asked = channel.send(delivery(said('urn:ask'), caller.signal));
    await new Promise((resolve) => setImmediate(resolve));
    const order: string[] = [];
    const closed = channel.close().then(() => order.push('closed'));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('given up');
    caller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await closed;
    expect(order).toEqual(['given up', 'closed']);
    gate.resolve();
    await listener.close();
  });

  test('a fault is never answered with a fault, nor a one-way message with anything', async () => {
    const network = new Network();
    const via = binding([exchange({ addressing: addressing200508 })], loopback({ duplex: true, network }));
    const listener = await listen(via, at, async (trip) => trip.carrying(said('urn:unasked')));
    const channel = connect(via, listener.url, async (trip) => trip.carrying(said('urn:unasked')));
    await channel.send(delivery(said('urn:one-way')).with(expectsReply, false));
    await new Promise((resolve) => setImmediate(resolve));
    expect(network.counts.exchanges).toBe(1);
    await listener.close();
  });

  test('a request-reply channel has no way back', async () => {
    const via = binding([exchange({ addressing: addressing200508 })], loopback());
    const codes: unknown[] = [];
    const listener = await listen(via, at, async (trip) => {
      try {
        callbackChannel(trip);
      } catch (error) {
        codes.push(error);
      }
      return undefined;
    });
    await connect(via, listener.url).send(delivery(said('urn:x')).with(expectsReply, false));
    expect(codes).toMatchObject([{ code: 'CHANNEL_NO_CALLBACK' }]);
  });

  test('a break ends the connection for both ends, and whoever waits hears why', async () => {
    const clock = new VirtualClock(0);
    const network = new Network({ clock });
    network.script(on('reply', [2], 'break'));
    const via = binding([exchange({ addressing: addressing200508 })], loopback({ duplex: true, network }));
    const listener = await listen(via, at, async (trip) => trip.carrying(said('urn:re')));
    const channel = connect(via, listener.url);
    await expect(channel.send(delivery(said('urn:x')))).rejects.toMatchObject({
      code: 'CHANNEL_LOST',
      transient: true,
    });
    expect(await channel.closed).toMatchObject({ code: 'CHANNEL_LOST' });
    await listener.close();
  });
});
