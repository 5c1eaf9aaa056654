/**
 * Either end dies at each of its commits, just before or just after it is durable, and is started again from its store:
 * every message still arrives, in order where asked, and none is accepted twice. A message whose handler was at work when
 * the process died is handed up again: its position says so.
 */
import { describe, expect, test } from 'vitest';
import type { Channel } from '../../src/channel/channel.ts';
import type { Listener } from '../../src/channel/transport.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { isEnded, mortal } from './mortal.ts';
import type { Shape } from './shapes.ts';
import { World } from './world.ts';

const messages = 4;
const texts = Array.from({ length: messages }, (_, at) => `message ${at + 1}`);
const shapes: readonly Shape[] = reliableVersions.flatMap((version) =>
  [true, false].flatMap((ordered) =>
    (['one-way', 'request-reply'] as const).map((pattern) => ({ version, soap: soap12, ordered, pattern })),
  ),
);

/** How many commits an end makes when nothing happens to it. */
const mostCommits = 24;

function expectOnceEach(world: World, shape: Shape, crashedAtAcceptor: boolean): void {
  const finished = new Map<string, string>();
  for (const { sequence, number, text } of world.done) {
    const at = `${sequence} ${number}`;
    expect(finished.get(at) ?? text, 'one position, one text').toBe(text);
    if (!crashedAtAcceptor) expect(finished.has(at), 'handed up once').toBe(false);
    finished.set(at, text);
  }
  const heard = [...finished.values()];
  expect(shape.ordered ? heard : [...heard].sort()).toEqual(texts);
}

describe.each(shapes)('WS-RM $version.name, ordered: $ordered, $pattern', (shape) => {
  test.each(['before', 'after'] as const)('M25 the acceptor dies %s each commit', async (when) => {
    for (let commit = 1; commit <= mostCommits; commit += 1) {
      const world = new World(shape, 1_000 + commit);
      const store = memory();
      let restarted: Promise<Listener> | undefined;
      let first: Listener | undefined;
      const died = () => {
        world.crash();
        restarted = first?.close(AbortSignal.abort(new Error('killed'))).then(() => world.listen(store));
      };
      first = await world.listen(mortal(store, { commit, when }, died));
      const channel = world.connect();
      await world.until(Promise.all(texts.map((text) => world.say(channel, text))));
      await world.until(channel.close());
      expectOnceEach(world, shape, true);
      if (restarted !== undefined) await world.until(restarted.then((listener) => listener.close()));
      expect((await store.sessions()).length, 'nothing is left in the store').toBe(0);
    }
  });

  test.each(['before', 'after'] as const)(
    'the initiator dies %s each commit and is taken up by its label',
    async (when) => {
      for (let commit = 1; commit <= mostCommits; commit += 1) {
        const world = new World(shape, 2_000 + commit);
        const listener = await world.listen();
        const store = memory();
        const killed = Promise.withResolvers<'killed'>();
        const session = { label: 'orders' };
        const doomed = world.connect({
          ...session,
          store: mortal(store, { commit, when }, () => killed.resolve('killed')),
        });
        const sending = sendFrom(world, doomed, 0).then(() => doomed.close());
        sending.catch(() => undefined);
        const outcome = await world.until(Promise.race([sending, killed.promise]));
        if (outcome === 'killed') {
          let view: SessionView | undefined;
          const again = world.connect({
            ...session,
            store,
            onSession: (opened) => {
              view = opened;
            },
          });
          const alive = (await store.sessions()).some(({ state }) => !isEnded(state));
          await world.until(again.open());
          expect(view?.resumed).toBe(alive);
          // A session that was ended before the process died is gone; an unfinished one tells where to go on.
          const from = alive ? (view?.submitted ?? 0) : commit === 1 ? 0 : messages;
          const before = alive ? [...Array(from).keys()].map((at) => view?.outcome(at + 1)) : [];
          expect(before.filter((known) => known !== 'pending' && known !== 'acknowledged')).toEqual([]);
          await world.until(sendFrom(world, again, from).then(() => again.close()));
        }
        // The application may still be at work on what was acknowledged.
        await world.until(listener.close());
        expectOnceEach(world, shape, false);
        // Only what became of the labelled session is remembered, for those who ask before they send anything twice.
        const left = (await store.sessions()).filter(({ state }) => !isEnded(state));
        expect(left, 'nothing unfinished is left in the store').toEqual([]);
      }
    },
  );
});

async function sendFrom(world: World, channel: Channel, from: number): Promise<unknown> {
  return Promise.all(texts.slice(from).map((text) => world.say(channel, text)));
}
