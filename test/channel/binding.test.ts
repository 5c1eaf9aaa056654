import { describe, expect, test } from 'vitest';
import { binding, connect, layered, listen } from '../../src/channel/binding.ts';
import { type BindingElement, type Place, places } from '../../src/channel/channel.ts';
import { contextKey, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { transform } from '../../src/channel/transform.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';

const hello = message({ version: soap12, action: 'urn:hello' });
const at = new URL('http://127.0.0.1:0/soap');

/** Writes its name into `log` when a message passes, each way. */
function logging(place: Place, log: string[]): BindingElement {
  return transform({
    name: place,
    place,
    down: (next) => async (trip) => {
      log.push(`${place} down`);
      const reply = await next(trip);
      log.push(`${place} reply`);
      return reply;
    },
    up: (next) => async (trip) => {
      log.push(`${place} up`);
      const reply = await next(trip);
      log.push(`${place} answer`);
      return reply;
    },
  });
}

describe('a binding', () => {
  test('takes every selection of places in the right order, and no other', () => {
    const transport = loopback();
    const elements = places.map((place) => logging(place, []));
    for (let selection = 0; selection < 1 << places.length; selection++) {
      const chosen = elements.filter((_, index) => (selection >> index) & 1);
      expect(binding(chosen, transport).elements).toEqual(chosen);
      if (chosen.length > 1) {
        expect(() => binding(chosen.toReversed(), transport)).toThrow(
          expect.objectContaining({ code: 'CHANNEL_ORDER' }),
        );
      }
    }
    const [first] = elements;
    if (first === undefined) throw new Error('there are places');
    expect(() => binding([first, first], transport)).toThrow(/exchange.*outermost first/s);
  });

  test('is not changed by whoever gave its elements', () => {
    const elements = [logging('security', [])];
    const made = binding(elements, loopback());
    elements.pop();
    expect(made.elements).toHaveLength(1);
  });

  test('messages pass the elements outermost first down and innermost first up, replies the other way', async () => {
    const log: string[] = [];
    const transport = loopback();
    const via = binding(
      places.map((place) => logging(place, log)),
      transport,
    );
    const listener = await listen(via, at, async (trip) => {
      log.push('service');
      return trip;
    });
    await connect(via, listener.url).send(delivery(hello));
    const downwards = [...places];
    const upwards = [...places].reverse();
    expect(log).toEqual([
      ...downwards.map((place) => `${place} down`),
      ...upwards.map((place) => `${place} up`),
      'service',
      ...downwards.map((place) => `${place} answer`),
      ...upwards.map((place) => `${place} reply`),
    ]);
  });

  test('without elements it is the transport', async () => {
    const via = binding([], loopback());
    const listener = await listen(via, at, async (trip) => trip);
    expect((await connect(via, listener.url).send(delivery(hello)))?.message.action).toBe('urn:hello');
  });
});

describe('transform', () => {
  const echo = layered([], () => ({
    side: 'initiator',
    closed: Promise.resolve(undefined),
    open: async () => undefined,
    send: async (trip) => trip,
    close: async () => undefined,
    abort: () => undefined,
  }));

  test('without functions everything passes untouched', async () => {
    const channel = transform({ name: 'nothing', place: 'security' }).wrap(echo)(async () => undefined);
    const trip = delivery(hello);
    expect(await channel.send(trip)).toBe(trip);
    expect(channel.side).toBe('initiator');
  });

  test('may change what goes in and what comes back, or stop the trip', async () => {
    const seen = contextKey('seen', 0);
    const element = transform({
      name: 'stops',
      place: 'security',
      down: (next) => async (trip) =>
        trip.get(seen) > 1 ? undefined : (await next(trip.with(seen, 2)))?.with(seen, 3),
    });
    const channel = element.wrap(echo)(async () => undefined);
    expect((await channel.send(delivery(hello)))?.get(seen)).toBe(3);
    expect(await channel.send(delivery(hello).with(seen, 2))).toBeUndefined();
  });

  test('life and death are those of the channel below', async () => {
    const calls: unknown[] = [];
    const below = layered(
      [transform({ name: 'a', place: 'session' }), transform({ name: 'b', place: 'security' })],
      () => ({
        side: 'acceptor',
        closed: Promise.resolve(new Error('ended')),
        open: async (signal) => void calls.push(['open', signal]),
        send: async () => undefined,
        close: async (signal) => void calls.push(['close', signal]),
        abort: (reason) => void calls.push(['abort', reason]),
      }),
    )(async () => undefined);
    const { signal } = new AbortController();
    const reason = new Error('why');
    await below.open(signal);
    await below.close(signal);
    below.abort(reason);
    expect(calls).toEqual([
      ['open', signal],
      ['close', signal],
      ['abort', reason],
    ]);
    expect(await below.closed).toMatchObject({ message: 'ended' });
  });
});
