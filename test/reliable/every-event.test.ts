/**
 * No event of `surewire:reliable` is a promise only: each kind of the union, each cause of a repetition and each reason for not
 * taking a message is told when what it stands for happens. What goes with them is in events.test.ts.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import type { Carry } from '../../src/channel/delivery.ts';
import { on } from '../../src/channel/network.ts';
import { aboutSequence } from '../../src/reliable/bodies.ts';
import type { ReliableEvent } from '../../src/reliable/events.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { memory } from '../../src/stores/memory.ts';
import { DuplexWorld } from './duplex/world.ts';
import { acceptorEnd } from './ends.ts';
import { Pair } from './pair.ts';
import { as, Client } from './peers.ts';
import { lost, numberOf, Scene } from './scene.ts';
import { committing } from './stores.ts';

const told = new Map<string, number>();
const causes = new Set<string>();
const reasons = new Set<string>();
const hear = (message: unknown) => {
  const event = message as ReliableEvent;
  told.set(event.event, (told.get(event.event) ?? 0) + 1);
  if (event.event === 'message.resent') causes.add(event.cause);
  if (event.event === 'message.dropped') reasons.add(event.reason);
};
beforeAll(() => subscribe('surewire:reliable', hear));
afterAll(() => void unsubscribe('surewire:reliable', hear));

const settled = () => new Promise<void>((done) => setImmediate(done));

async function client(options: ReliableSessionOptions, receive: Carry, offer?: string): Promise<Client> {
  const end = acceptorEnd({ clock: new VirtualClock(), random: seededRandom(2), ...options }, receive);
  return new Client(end, reliable200702, offer === undefined ? {} : { offer }).create();
}

test('a good session with losses; retries that run out; Nacks; an application that throws', async () => {
  let losses = 0;
  const pair = new Pair(
    { maxRetryCount: 2 },
    () => async (trip) => {
      if (losses > 1) throw new Error('no more');
      return trip;
    },
    async (request, carry) => {
      if (request.action.endsWith('/CloseSequence') && losses < 3) {
        losses = 3;
        throw lost();
      }
      if (numberOf(request) === 1 && losses === 0) {
        losses = 1;
        throw lost();
      }
      return carry();
    },
  );
  await pair.until(pair.say('one', true));
  losses = 2;
  await pair.until(pair.say('two', true)).catch(() => undefined);
  await pair.until(pair.channel.close());

  const deaf = new Scene({ maxRetryCount: 1 }, (request, server) => {
    if (numberOf(request) !== undefined) throw lost();
    return server.good(request);
  });
  await deaf.until(Promise.allSettled([deaf.say('one'), deaf.say('two')]));

  const picky = new Scene({ oneWay: true, maxTransferWindowSize: 4 }, (request, server) => {
    if (numberOf(request) !== 1) return server.good(request);
    return server.acknowledged(request, { upper: 0, nacks: [1] });
  });
  const sent = picky.say('one').catch(() => undefined);
  await picky.clock.advance(30_000);
  picky.channel.abort(new Error('enough'));
  await picky.until(sent);
});

test('duplex: what is missing', async () => {
  const world = new DuplexWorld(3, { retryFloor: 5_000, maxTransferWindowSize: 32, negativeAcknowledgements: true });
  const listener = await world.until(world.listen());
  const channel = world.connect();
  for (let count = 0; count < 8; count += 1) await world.until(world.say(channel, `warm ${count}`, false));
  world.network.script(on('request', [world.network.counts.exchanges + 2], 'lose'));
  await world.until(Promise.all([1, 2, 3, 4, 5].map((at) => world.say(channel, `text ${at}`, false))));
  await world.until(channel.close());
  await world.until(listener.close());
});

test('duplex: a reply to a session that is over', async () => {
  const world = new DuplexWorld(4);
  const over = Promise.withResolvers<void>();
  const listener = await world.until(
    world.listen(async (trip) => {
      await over.promise;
      return trip.carrying(world.saying('late'));
    }),
  );
  const channel = world.connect();
  const said = world.say(channel, 'one').catch(() => undefined);
  await world.until(wait(world.clock, 1_000));
  channel.abort(new Error('enough'));
  await world.until(said);
  await world.until(wait(world.clock, 1_000));
  over.resolve();
  await world.until(listener.close());
});

test('a service that keeps order and holds nothing that comes early (WCF); one that says what it has when asked to close (gSOAP)', async () => {
  let isEarly = true;
  const early = Promise.withResolvers<undefined>();
  const pair = new Pair(
    {},
    () => async (trip) => trip,
    async (request, carry) => {
      const number = numberOf(request);
      if (number === 3 && isEarly) {
        isEarly = false;
        setImmediate(() => early.resolve(undefined));
        return undefined;
      }
      if (number === 2) await early.promise;
      return carry();
    },
  );
  await pair.until(pair.say('one', true));
  await pair.until(Promise.all([pair.say('two', true), pair.say('three', true)]));
  await pair.until(pair.channel.close());

  let upper = 1;
  const mute = new Scene({ oneWay: true }, (request, server) => {
    const { actions, namespace } = reliable200702;
    if (request.action === actions.closeSequence) {
      const body = aboutSequence(reliable200702, 'CloseSequenceResponse', { id: 'urn:s' });
      const answer = server.answer(
        request,
        `${namespace}/CloseSequenceResponse`,
        [server.block(request.version, { upper })],
        body,
      );
      upper = 2;
      return answer;
    }
    return request.action === actions.createSequence ? server.good(request) : undefined;
  });
  const sent = [mute.say('one'), mute.say('two')].map((work) => work.catch(() => undefined));
  await mute.until(mute.channel.close());
  await Promise.all(sent);
});

test('stores: taken up again, suspended, failing', async () => {
  const store = memory();
  const first = new Scene({ store, label: 'orders', oneWay: true }, (request, server) => {
    if (numberOf(request) !== undefined) throw lost();
    return server.good(request);
  });
  const waits = first.say('one').catch(() => undefined);
  await first.clock.advance(100);
  await first.until(first.view?.suspend() ?? Promise.resolve());
  await first.until(waits);
  const again = new Scene({ store, label: 'orders', oneWay: true });
  await again.until(again.channel.open());
  await again.until(again.channel.close());

  const good = memory();
  let broken = false;
  const failing = committing(good, (change) =>
    broken ? Promise.reject(new Error('the disk is full')) : good.commit(change),
  );
  const one = await client({ store: failing }, async (trip) => trip, 'urn:offer');
  broken = true;
  await one.ask(one.numbered(1));
});

test('what an acceptor does not take, and what it throws away', async () => {
  const never: Carry = () => new Promise(() => undefined);
  const window = await client({ maxTransferWindowSize: 1 }, never);
  for (const number of [1, 2]) await window.ask(window.numbered(number, { messageId: undefined }));
  const bytes = await client({ maxHeldBytes: 1 }, never);
  for (const number of [2, 3]) await bytes.ask(bytes.numbered(number, { messageId: undefined }));
  await bytes.ask(bytes.about('CloseSequence', 3));
  const ranges = await client({ ordered: false, maxTransferWindowSize: 4_096 }, never);
  for (let number = 2; number <= 260; number += 2) await ranges.ask(ranges.numbered(number, { messageId: undefined }));
  const replies = await client({ maxTransferWindowSize: 1 }, async (trip) => trip, 'urn:offer');
  for (const number of [1, 1, 2]) await replies.ask(replies.numbered(number));
  await replies.end.ask(replies.numbered(3), as('mallory'));
  await replies.ask(replies.numbered(1, { id: 'urn:nobody' }));
  await settled();
});

test('none is missing', () => {
  const source = readFileSync(resolve(import.meta.dirname, '../../src/reliable/events.ts'), 'utf8');
  const union = (name: string) =>
    [...(new RegExp(`type ${name} = ([^;]+);`).exec(source)?.[1] ?? '').matchAll(/'([a-z]+)'/g)].map(
      ([, word]) => word,
    );
  const kinds = [...source.matchAll(/readonly event: '([^']+)'/g)].map(([, name = '']) => name);
  expect(kinds.length).toBeGreaterThan(30);
  expect(kinds.filter((kind) => !told.has(kind))).toEqual([]);
  expect([...causes].sort()).toEqual(union('ResendCause').sort());
  expect([...reasons].sort()).toEqual(union('DropReason').sort());
});
