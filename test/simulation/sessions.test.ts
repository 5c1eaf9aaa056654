/** Exactly once, in order where asked, and over once the network heals: under every seeded schedule, in every shape. */
import { describe, expect, test } from 'vitest';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { soapVersions } from '../../src/soap/version.ts';
import { plan, type Shape, World } from './world.ts';

/** Schedules of each of the 16 shapes. */
const { SUREWIRE_SCHEDULES = '125', SUREWIRE_SEED = '1' } = process.env;
const schedules = Number(SUREWIRE_SCHEDULES);
const firstSeed = Number(SUREWIRE_SEED);

const shapes: readonly Shape[] = reliableVersions.flatMap((version) =>
  soapVersions.flatMap((soap) =>
    [true, false].flatMap((ordered) => [true, false].map((oneWay) => ({ version, soap, ordered, oneWay }))),
  ),
);

async function run(shape: Shape, seed: number): Promise<void> {
  const world = new World(shape, seed);
  const { messages, atOnce } = plan(world.random);
  const texts = Array.from({ length: messages }, (_, at) => `message ${at + 1}`);
  const listener = await world.listen();
  const channel = world.connect();
  const replies = await world.until(
    (async () => {
      if (atOnce) return Promise.all(texts.map((text) => world.say(channel, text)));
      const replies: (string | undefined)[] = [];
      for (const text of texts) replies.push(await world.say(channel, text));
      return replies;
    })(),
  );
  await world.until(channel.close());
  await world.until(listener.close());
  const heard = world.done.map(({ text }) => text);
  expect(shape.ordered ? heard : [...heard].sort()).toEqual(texts);
  expect(replies).toEqual(texts.map((text) => (shape.oneWay ? undefined : `re: ${text}`)));
  expect(await channel.closed).toBeUndefined();
}

describe.each(shapes)('WS-RM $version.name, SOAP $soap.name, ordered: $ordered, one-way: $oneWay', (shape) => {
  test(`${schedules} schedules`, async () => {
    for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
      try {
        await run(shape, seed);
      } catch (thrown) {
        throw new Error(`seed ${seed} (run it with SUREWIRE_SEED=${seed} SUREWIRE_SCHEDULES=1)`, { cause: thrown });
      }
    }
  });
});
