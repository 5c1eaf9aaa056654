/** What every duplex session has to obey, whatever its connections are made of. */
import { expect } from 'vitest';
import type { NetworkOptions } from '../../../src/channel/network.ts';
import { repeating } from '../../simulation/laws.ts';
import { DuplexWorld, type DuplexWorldOptions } from './world.ts';

export const sentences: readonly string[] = ['one', 'call two', 'tell three', 'four', 'call five', 'six'];

/** One scripted session under `options`; throws the law that does not hold. */
export async function obey(
  seed: number,
  options: DuplexWorldOptions,
  watch: (world: DuplexWorld) => void = () => undefined,
): Promise<DuplexWorld> {
  const world = new DuplexWorld(seed, options);
  watch(world);
  const copies = repeating();
  world.network.script(({ message }) => {
    if (message !== undefined) copies.watch(message);
    return undefined;
  });
  const listener = await world.until(world.listen());
  const channel = world.connect();
  const atOnce = world.random.fraction() < 0.5;
  const said = async () => {
    if (atOnce) return Promise.all(sentences.map((text) => world.say(channel, text)));
    const replies: (string | undefined)[] = [];
    for (const text of sentences) replies.push(await world.say(channel, text));
    return replies;
  };
  const replies = await world.until(said());
  await world.until(channel.close());
  await world.until(listener.close());
  expect(replies, 'each request has its own reply').toEqual(sentences.map((text) => `re: ${text}`));
  const backs = ['back: call two', 'back: tell three', 'back: call five'];
  expect(options.ordered === false ? [...world.served].sort() : world.served, 'served once, in order').toEqual(
    options.ordered === false ? [...sentences].sort() : sentences,
  );
  expect([...world.called].sort(), 'called back once').toEqual([...backs].sort());
  if (options.ordered !== false) expect(world.called, 'called back in order').toEqual(backs);
  expect(copies.broken, 'copies acknowledge what those before them did').toEqual([]);
  expect(await channel.closed, 'ends well').toBeUndefined();
  return world;
}

/** Loss, repetition, delay, reordering and breaks, another mixture for each seed. */
export function weather(seed: number): NetworkOptions {
  return {
    loseRequest: (seed % 5) / 12,
    loseReply: (seed % 7) / 18,
    duplicate: (seed % 3) / 10,
    break: (seed % 4) / 20,
    reorder: (seed % 6) / 12,
    reorderBy: 300,
    delay: [1, 1 + (seed % 9) * 40] as const,
  };
}
