/**
 * Reliable sessions for clients that nobody can connect to (WS-MakeConnection 1.1), in virtual time: requests, replies and calls
 * back arrive exactly once and in order, whatever becomes of the exchanges that they travel on.
 */
import { describe, expect, test } from 'vitest';
import { binding } from '../../src/channel/binding.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import type { MakeConnectionOptions } from '../../src/connection/settings.ts';
import { makeConnectionAction } from '../../src/connection/wording.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { soapVersions } from '../../src/soap/version.ts';
import { obey, weather } from '../reliable/duplex/obey.ts';
import { DuplexWorld } from '../reliable/duplex/world.ts';

const over =
  (options: MakeConnectionOptions = {}) =>
  ({ network, clock, random }: DuplexWorld) =>
    makeConnection(binding([], loopback({ network })), { clock, random, ...options });

describe.each(reliableVersions)('WS-RM $name over MakeConnection', (version) => {
  test('requests, replies, calls back with and without reply, and a good end', async () => {
    const world = new DuplexWorld(1, { version, over: over() });
    const actions: string[] = [];
    world.network.script(({ message }) => {
      if (message !== undefined) actions.push(message.action.split('/').at(-1) ?? '');
      return undefined;
    });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    expect(await world.until(world.say(channel, 'call two'))).toBe('re: call two');
    expect(await world.until(world.say(channel, 'tell three'))).toBe('re: tell three');
    expect(await world.until(world.say(channel, 'four', false))).toBeUndefined();
    expect(world.served).toEqual(['one', 'call two', 'tell three', 'four']);
    expect(world.called).toEqual(['back: call two', 'back: tell three']);
    expect(world.answers).toEqual(['re: back: call two']);
    const before = world.clock.now();
    await world.until(channel.close());
    expect(await channel.closed).toBeUndefined();
    expect(world.clock.now() - before).toBeLessThan(2_000);
    await world.until(listener.close());
    expect(actions.slice(0, 3)).toEqual(['CreateSequence', 'MakeConnection', 'CreateSequenceResponse']);
  });

  test.each(soapVersions)('SOAP $name: 15 schedules of loss, repetition, delay and reordering', async (soap) => {
    for (let seed = 1; seed <= 15; seed += 1) {
      const hold = { pollHold: (seed % 3) * 700 };
      const options = { version, soap, network: weather(seed), healsAfter: 30_000, over: over(hold) };
      await obey(seed, options).catch((cause: unknown) => {
        throw new Error(`seed ${seed}`, { cause });
      });
    }
  });

  test('a reply that is sent again says again what the lost copy acknowledged', async () => {
    const world = new DuplexWorld(1, { version, network: { patience: 100 }, over: over({ pollHold: 0 }) });
    const acknowledged: unknown[] = [];
    world.network.script(({ way, message }) => {
      const headers = way === 'reply' && message !== undefined ? readHeaders(message) : undefined;
      if (headers?.sequence === undefined) return undefined;
      acknowledged.push(headers.acknowledgements[0]?.ranges);
      return acknowledged.length === 1 ? 'lose' : undefined;
    });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    expect(acknowledged).toEqual([[{ lower: 1, upper: 1 }], [{ lower: 1, upper: 1 }]]);
    await world.until(channel.close());
    await world.until(listener.close());
  });

  test('a reply that replaces a copy which was not fetched yet says what that one acknowledged', async () => {
    const world = new DuplexWorld(1, { version, over: over({ pollHold: 0 }) });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    await world.until(channel.open());
    const comesBack = world.clock.now() + 10_000;
    const acknowledged: unknown[] = [];
    world.network.script(({ way, message }) => {
      if (way === 'request')
        return message?.action === makeConnectionAction && world.clock.now() < comesBack ? 'break' : undefined;
      const headers = message && readHeaders(message);
      if (headers?.sequence !== undefined) acknowledged.push(headers.acknowledgements[0]?.ranges);
      return undefined;
    });
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    expect(acknowledged).toEqual([[{ lower: 1, upper: 1 }]]);
    await world.until(channel.close());
    await world.until(listener.close());
  });
});
