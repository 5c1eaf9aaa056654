/** Nacks of a duplex session (WS-RM 1.1, 3.9; 2005/02, 4.3): what has been missing for a while is said to be, and comes sooner. */
import { describe, expect, test } from 'vitest';
import { wait } from '../../../src/base/signals.ts';
import { on } from '../../../src/channel/network.ts';
import { readHeaders } from '../../../src/reliable/headers.ts';
import { includes, none, type Ranges, union } from '../../../src/reliable/ranges.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import { obey, weather } from './obey.ts';
import { DuplexWorld, type DuplexWorldOptions } from './world.ts';

/** Everything that either end acknowledges and misses, in the order in which it was sent; throws where the two contradict. */
function spy(world: DuplexWorld): { readonly nacks: (readonly number[])[]; readonly times: number[] } {
  const acknowledged = new Map<string, Ranges>();
  const nacks: (readonly number[])[] = [];
  const times: number[] = [];
  world.network.script(({ message }) => {
    for (const block of (message && readHeaders(message)?.acknowledgements) ?? []) {
      const before = acknowledged.get(block.id) ?? none;
      acknowledged.set(block.id, union(before, block.ranges));
      if (block.nacks.length === 0) continue;
      expect(block.ranges, 'ranges and Nacks exclude one another').toEqual([]);
      expect(block.final).toBe(false);
      for (const number of block.nacks) expect(includes(before, number), `Nack of ${number}, acknowledged`).toBe(false);
      expect(message?.headers.filter(({ local }) => local === 'SequenceAcknowledgement')).toHaveLength(1);
      nacks.push(block.nacks);
      times.push(world.clock.now());
    }
    return undefined;
  });
  return { nacks, times };
}

/** How long it takes to send ten messages of which one is lost, and what was said to be missing. */
async function lossy(options: DuplexWorldOptions) {
  const world = new DuplexWorld(3, { retryFloor: 5_000, maxTransferWindowSize: 32, ...options });
  const heard = spy(world);
  const listener = await world.until(world.listen());
  const channel = world.connect();
  for (let count = 0; count < 8; count += 1) await world.until(world.say(channel, `warm ${count}`, false));
  const began = world.clock.now();
  world.network.script(on('request', [world.network.counts.exchanges + 2], 'lose'));
  await world.until(Promise.all(Array.from({ length: 5 }, (_, at) => world.say(channel, `text ${at}`, false))));
  const took = world.clock.now() - began;
  await world.until(channel.close());
  await world.until(listener.close());
  expect(world.served).toEqual([
    ...Array.from({ length: 8 }, (_, at) => `warm ${at}`),
    ...Array.from({ length: 5 }, (_, at) => `text ${at}`),
  ]);
  return { took, began, ...heard };
}

describe.each(reliableVersions)('WS-RM $name', (version) => {
  test('a lost message is missed once, after the acknowledgement interval, and comes before its own time', async () => {
    const without = await lossy({ version });
    expect(without.nacks).toEqual([]);
    expect(without.took).toBeGreaterThan(5_000);
    const { took, nacks, times, began } = await lossy({ version, negativeAcknowledgements: true });
    expect(nacks).toEqual([[10]]);
    expect((times[0] ?? 0) - began).toBeGreaterThanOrEqual(200);
    expect(took).toBeLessThan(1_000);
  });

  test('what is missed once is not missed again: when the repetition is lost too it comes in its own time', async () => {
    const world = new DuplexWorld(5, { version, negativeAcknowledgements: true, retryFloor: 5_000 });
    const { nacks } = spy(world);
    let lost = 0;
    world.network.script(({ message, way }) => {
      const number = way === 'request' && message !== undefined ? readHeaders(message)?.sequence?.number : undefined;
      if (number === 12) return { delay: 500 };
      if (number !== 10 || lost === 2) return undefined;
      lost += 1;
      return 'lose';
    });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    for (let count = 0; count < 8; count += 1) await world.until(world.say(channel, `warm ${count}`, false));
    const said = [9, 10, 11, 12].map((number) => world.say(channel, `text ${number}`, false));
    await world.until(wait(world.clock, 900));
    expect([nacks, lost]).toEqual([[[10]], 2]);
    await world.until(Promise.all(said));
    await world.until(channel.close());
    await world.until(listener.close());
    expect(nacks).toEqual([[10]]);
    expect(world.served.slice(8)).toEqual(['text 9', 'text 10', 'text 11', 'text 12']);
  });

  test('what only comes out of turn is not missed', async () => {
    const world = new DuplexWorld(4, { version, negativeAcknowledgements: true, maxTransferWindowSize: 32 });
    const { nacks } = spy(world);
    const listener = await world.until(world.listen());
    const channel = world.connect();
    for (let count = 0; count < 8; count += 1) await world.until(world.say(channel, `warm ${count}`, false));
    world.network.script(on('request', [world.network.counts.exchanges + 2], { delay: 150 }));
    await world.until(Promise.all(Array.from({ length: 5 }, (_, at) => world.say(channel, `text ${at}`, false))));
    await world.until(channel.close());
    await world.until(listener.close());
    expect(nacks).toEqual([]);
  });

  test('15 schedules: never of what was acknowledged, never with ranges, exactly once and in order all the same', {
    timeout: 300_000,
  }, async () => {
    const heard: (readonly (readonly number[])[])[] = [];
    for (let seed = 1; seed <= 15; seed += 1) {
      const options = { version, network: weather(seed), healsAfter: 30_000, negativeAcknowledgements: true };
      await obey(seed, { ...options, maxTransferWindowSize: 16 }, (world) => heard.push(spy(world).nacks));
    }
    expect(heard.flat().length).toBeGreaterThan(3);
  });
});
