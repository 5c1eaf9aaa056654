/** Duplex sessions in virtual time: both ends send unasked, exactly once, in order, over whatever connections there are. */
import { describe, expect, test } from 'vitest';
import { on } from '../../../src/channel/network.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import { soapVersions } from '../../../src/soap/version.ts';
import { obey, sentences, weather } from './obey.ts';
import { DuplexWorld } from './world.ts';

describe('a duplex session over a good connection', () => {
  test.each(reliableVersions)(
    'WS-RM $name: requests, replies, calls back with and without reply, and a good end',
    async (version) => {
      const world = new DuplexWorld(1, { version });
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
      // Nothing waits for a time limit.
      expect(world.clock.now() - before).toBeLessThan(1_000);
      await world.until(listener.close());
    },
  );
});

test.each(reliableVersions)(
  'WS-RM $name: a client that only tells (oneWay) is opened and closed like any',
  async (version) => {
    const world = new DuplexWorld(3, { version, oneWay: true });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one', false))).toBeUndefined();
    await world.until(channel.close());
    expect(world.served).toEqual(['one']);
    expect(await channel.closed).toBeUndefined();
    await world.until(listener.close());
  },
);

describe('the connection breaks', () => {
  test.each(reliableVersions)('WS-RM $name: under each message of the session, either way', async (version) => {
    const whole = await obey(7, { version });
    const legs = whole.network.counts.exchanges;
    expect(legs).toBeGreaterThan(20);
    for (let number = 1; number <= legs; number += 1) {
      const world = new DuplexWorld(7, { version });
      for (const way of ['request', 'reply'] as const) world.network.script(on(way, [number], 'break'));
      await cut(world, number);
    }
  });
});

async function cut(world: DuplexWorld, number: number): Promise<void> {
  const listener = await world.until(world.listen());
  const channel = world.connect();
  const replies = [];
  for (const text of sentences) replies.push(await world.until(world.say(channel, text)));
  await world.until(channel.close());
  await world.until(listener.close());
  expect(replies, `cut under message ${number}`).toEqual(sentences.map((text) => `re: ${text}`));
  expect(world.served, `cut under message ${number}`).toEqual(sentences);
  expect(world.called).toEqual(['back: call two', 'back: tell three', 'back: call five']);
  expect(await channel.closed).toBeUndefined();
}

const { SUREWIRE_DUPLEX_SCHEDULES = '60', SUREWIRE_SEED = '1' } = process.env;
const schedules = Number(SUREWIRE_DUPLEX_SCHEDULES);
const firstSeed = Number(SUREWIRE_SEED);

const shapes = reliableVersions.flatMap((version) =>
  soapVersions.flatMap((soap) => [true, false].map((ordered) => ({ version, soap, ordered }))),
);

describe.each(shapes)('WS-RM $version.name, SOAP $soap.name, ordered: $ordered', (shape) => {
  test(`${schedules} schedules of loss, repetition, delay, reordering and breaks`, { timeout: 300_000 }, async () => {
    for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
      try {
        await obey(seed, { ...shape, network: weather(seed), healsAfter: 30_000 });
      } catch (thrown) {
        throw new Error(`seed ${seed} (SUREWIRE_SEED=${seed} SUREWIRE_DUPLEX_SCHEDULES=1)`, { cause: thrown });
      }
    }
  });
});
