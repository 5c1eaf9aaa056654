/** The acceptor of a duplex session is started anew with its store, and the session goes on (crashes: durable.test.ts). */
import { expect, test } from 'vitest';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import { memory } from '../../../src/stores/memory.ts';
import { DuplexWorld } from './world.ts';

test.each(reliableVersions)('WS-RM $name: the acceptor stops and another takes its sessions up', async (version) => {
  const store = memory();
  const world = new DuplexWorld(11, { version, closeTimeout: 60_000 });
  const first = await world.until(world.listen(undefined, { store }));
  const channel = world.connect();
  expect(await world.until(world.say(channel, 'call one'))).toBe('re: call one');
  await world.until(first.close());
  const waiting = world.say(channel, 'call two');
  const second = await world.until(world.listen(undefined, { store }));
  expect(await world.until(waiting)).toBe('re: call two');
  expect(await world.until(world.say(channel, 'call three'))).toBe('re: call three');
  expect(world.served).toEqual(['call one', 'call two', 'call three']);
  expect(world.called).toEqual(['back: call one', 'back: call two', 'back: call three']);
  await world.until(channel.close());
  expect(await channel.closed).toBeUndefined();
  await world.until(second.close());
  expect(await store.sessions()).toEqual([]);
});
