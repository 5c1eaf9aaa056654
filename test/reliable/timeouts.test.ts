/**
 * The clocks that end a session, in virtual time: ReceiveTimeout (WCF's bindings; facts 3.8 and P6.7) and Expires (WS-RM 1.1,
 * 3.4). Opening, closing and inactivity are in initiator.test.ts and suspension.test.ts, the time of a call in service/calls.test.ts.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import type { Carry } from '../../src/channel/delivery.ts';
import { transform } from '../../src/channel/transform.ts';
import { createSequence, createSequenceResponse, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import type { ReliableEvent } from '../../src/reliable/events.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { type ReliableSessionOptions, settingsOf } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { addressing200508, anonymousReference } from '../../src/soap/addressing.ts';
import { decode, encode } from '../../src/soap/codec.ts';
import { memory } from '../../src/stores/memory.ts';
import { DuplexWorld } from './duplex/world.ts';
import { acceptorEnd, saying } from './ends.ts';
import { Pair } from './pair.ts';
import { Client } from './peers.ts';
import { lost, numberOf, Scene } from './scene.ts';

let events: ReliableEvent[];
const hear = (event: unknown) => void events.push(event as ReliableEvent);
beforeEach(() => {
  events = [];
  subscribe('surewire:reliable', hear);
});
afterEach(() => void unsubscribe('surewire:reliable', hear));

const minute = 60_000;
const echo = (): Carry => async (trip) => trip;
/** What needs no time, in no time. */
async function soon<T>({ clock }: { readonly clock: VirtualClock }, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  for (let turn = 0; turn < 20; turn += 1) await clock.advance(0);
  return work;
}
/** How sessions ended, at which end. */
const ends = () =>
  events.flatMap((event) => (event.event === 'sequence.terminated' ? [`${event.side}: ${event.reason}`] : []));

describe.each(reliableVersions)('ReceiveTimeout, WS-RM $name', (version) => {
  test('signs of life do not count: without a message the acceptor gives the session up', async () => {
    const pair = new Pair({ version, inactivityTimeout: 4 * minute, receiveTimeout: 9.5 * minute }, echo);
    await soon(pair, pair.say('one', true));
    const began = pair.clock.now();
    await pair.clock.advance(9.5 * minute - 1);
    expect(pair.sent.filter(({ action }) => action.endsWith('/AckRequested')).length).toBeGreaterThan(3);
    expect(ends()).toEqual([]);
    await pair.clock.advance(1);
    expect(ends()).toEqual(['acceptor: idle']);
    expect(pair.clock.now() - began).toBe(9.5 * minute);
    await expect(soon(pair, pair.say('two', true))).rejects.toMatchObject({ code: 'RELIABLE_UNKNOWN_SEQUENCE' });
  });

  test('each message begins it anew, and an application at work is not idle', async () => {
    const handled: number[] = [];
    const pair = new Pair({ version, oneWay: true, receiveTimeout: 9.5 * minute }, (clock) => async () => {
      await wait(clock, 25 * minute);
      handled.push(clock.now());
      return undefined;
    });
    for (let count = 0; count < 3; count += 1) {
      await soon(pair, pair.say('slow'));
      await pair.clock.advance(34 * minute);
    }
    expect(handled).toHaveLength(3);
    expect(ends()).toEqual([]);
    await pair.clock.advance(40_000);
    expect(ends()).toEqual(['acceptor: idle']);
  });

  test('a duplex acceptor gives up too, and tells its peer; the initiator waits for as long as it takes', async () => {
    const world = new DuplexWorld(5, { version, receiveTimeout: 10 * minute });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    await world.until(wait(world.clock, 10 * minute + 1_000));
    expect(await world.until(channel.closed)).toMatchObject({ code: 'RELIABLE_TERMINATED' });
    expect(ends().sort()).toEqual(['acceptor: RELIABLE_INACTIVE', 'initiator: RELIABLE_TERMINATED']);
    await world.until(listener.close());
  });
});

test('ReceiveTimeout is ten minutes where nothing is said, or as long as the inactivity timeout', () => {
  expect(settingsOf({}).receiveTimeout).toBe(10 * minute);
  expect(settingsOf({ inactivityTimeout: 60 * minute }).receiveTimeout).toBe(60 * minute);
  expect(settingsOf({ inactivityTimeout: 60 * minute, receiveTimeout: 5_000 }).receiveTimeout).toBe(5_000);
  for (const receiveTimeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => settingsOf({ receiveTimeout })).toThrow(expect.objectContaining({ code: 'RELIABLE_SETTING' }));
  }
});

test('a session that a store kept for longer than ReceiveTimeout begins it anew when it is taken up', async () => {
  const store = memory();
  const options = { receiveTimeout: minute, store } satisfies ReliableSessionOptions;
  const world = new DuplexWorld(6, options);
  const first = await world.until(world.listen(undefined, { store }));
  const channel = world.connect({ store: memory(), label: 'orders' });
  expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
  await world.until(first.close());
  await world.until(wait(world.clock, 5 * minute));
  const second = await world.until(world.listen(undefined, { store }));
  expect(await world.until(world.say(channel, 'two'))).toBe('re: two');
  await world.until(channel.close());
  await world.until(second.close());
});

describe.each(reliableVersions)('Expires, WS-RM $name', (version) => {
  test('in mid-session, at both ends at once: nobody asks any more, and the outcome of each message is known', async () => {
    let isDeaf = false;
    const pair = new Pair({ version, expires: 5_500, oneWay: true }, echo, async (_, carry) => {
      const answer = await carry();
      if (isDeaf) throw lost();
      return answer;
    });
    await soon(pair, pair.say('one'));
    expect(pair.sent[0]?.body.toString()).toContain('Expires>PT5.5S</');
    await pair.clock.advance(4_000);
    isDeaf = true;
    const late = pair.say('two').catch((thrown: unknown) => thrown);
    await pair.clock.advance(1_499);
    expect(ends()).toEqual([]);
    await pair.clock.advance(1);
    expect(ends().sort()).toEqual(['acceptor: expired', 'initiator: RELIABLE_EXPIRED']);
    expect(await late).toMatchObject({ code: 'RELIABLE_EXPIRED', outcomes: new Map([[2, 'unknown']]) });
    expect(pair.view?.outcome(1)).toBe('acknowledged');
    const said = pair.sent.length;
    await pair.clock.advance(60 * minute);
    expect(pair.sent).toHaveLength(said);
    await expect(soon(pair, pair.say('three'))).rejects.toMatchObject({ code: 'RELIABLE_EXPIRED' });
  });

  test('over a duplex connection', async () => {
    const world = new DuplexWorld(5, { version, expires: 30_000 });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    await world.until(wait(world.clock, 31_000));
    expect(await world.until(channel.closed)).toMatchObject({ code: 'RELIABLE_EXPIRED' });
    expect(ends().sort()).toEqual(['acceptor: RELIABLE_EXPIRED', 'initiator: RELIABLE_EXPIRED']);
    await world.until(listener.close());
  });

  test('closed in good order before', async () => {
    const pair = new Pair({ version, expires: 5_000 }, echo);
    await soon(pair, pair.say('one', true));
    await soon(pair, pair.channel.close());
    expect(ends().sort()).toEqual(['acceptor: completed', 'initiator: completed']);
  });

  test('a peer that grants a shorter life is believed, one that grants a longer one or says nonsense gets what was asked for', async () => {
    for (const [granted, life] of [
      ['PT2S', 2_000],
      ['PT0.5S', 500],
      ['PT10S', 5_000],
      ['PT0S', 5_000],
      ['-PT1S', 5_000],
      ['soon', 5_000],
      [undefined, 5_000],
    ] as const) {
      const scene = granting(version, granted, { expires: 5_000 });
      await soon(scene, scene.channel.open());
      const began = scene.clock.now();
      const end = scene.channel.closed.then((error) => [error?.message.slice(0, 12), scene.clock.now() - began]);
      await scene.clock.advance(10_000);
      expect(await end, granted).toEqual(['The life tha', life]);
    }
  });

  test('what a peer says unasked is not looked at, as WCF does not; its UnknownSequence is the end, with every outcome', async () => {
    const scene = granting(version, 'PT2S', {});
    await soon(scene, scene.say('one'));
    await scene.clock.advance(60_000);
    expect(events.filter(({ event }) => event === 'sequence.terminated')).toEqual([]);
    expect(scene.sent[0]?.body.toString()).not.toContain('Expires');
    await soon(scene, scene.channel.close());
  });
});

describe.each(reliableVersions)('Offer/Expires, WS-RM $name', (version) => {
  /** A client that asks for such lives, in the sequence and in its offer. */
  async function asking(
    lives: { readonly sequence?: string; readonly offer?: string },
    options: ReliableSessionOptions = {},
  ) {
    const clock = new VirtualClock();
    const end = acceptorEnd({ clock, random: seededRandom(5), inactivityTimeout: 60 * minute, ...options }, echo());
    const client = new Client(end, version, { offer: 'urn:offer' });
    const here = anonymousReference(addressing200508);
    const body = createSequence(version, addressing200508, {
      acksTo: here,
      expires: lives.sequence,
      offer: { id: 'urn:offer', endpoint: here, expires: lives.offer },
    });
    const created = await client.ask(client.message(version.actions.createSequence, { body }));
    if (created === undefined) throw new Error('CreateSequence was not answered');
    const { id, expires } = readCreateSequenceResponse(version, created);
    client.id = id;
    return { clock, client, granted: expires };
  }

  test('ends the session, whose replies it is to carry: the acceptor says so, and afterwards knows nothing of it', async () => {
    const { clock, client, granted } = await asking({ offer: 'PT5S' });
    expect(granted).toBe('PT5S');
    expect(numberOf((await client.ask(client.numbered(1))) ?? saying(''))).toBe(1);
    await clock.advance(4_999);
    expect(ends()).toEqual([]);
    await clock.advance(1);
    expect(ends()).toEqual(['acceptor: expired']);
    const late = await client.ask(client.numbered(2));
    expect(late === undefined ? undefined : readReliableFault(late)?.fault.name).toBe('UnknownSequence');
  });

  test.each([
    [{ sequence: 'PT9S', offer: 'PT5S' }, 'PT5S'],
    [{ sequence: 'PT5S', offer: 'PT9S' }, 'PT5S'],
    [{ sequence: 'PT5S', offer: 'PT0S' }, 'PT5S'],
    [{ offer: 'PT0S' }, undefined],
    [{ offer: 'PT9S' }, 'PT4S'],
  ] as const)('%o: the shorter life counts, and no longer one than is granted', async (lives, life) => {
    const { granted } = await asking(lives, { maxExpires: life === 'PT4S' ? 4_000 : 60_000 });
    expect(granted).toBe(life);
  });

  test('over a duplex connection both sequences end, and the initiator hears of it', async () => {
    const expiring = transform({
      name: 'expiring',
      place: 'security',
      down: (next) => (trip) => {
        if (trip.message.action !== version.actions.createSequence) return next(trip);
        const { body, contentType } = encode(trip.message);
        const text = new TextDecoder()
          .decode(body)
          .replace(/<\/(\w+):Offer>/, '<$1:Expires>PT30S</$1:Expires></$1:Offer>');
        return next(trip.carrying(decode(new TextEncoder().encode(text), contentType, trip.message.action)));
      },
    });
    const world = new DuplexWorld(5, { version });
    const listener = await world.until(world.listen());
    const channel = world.connect({}, undefined, undefined, [expiring]);
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    await world.until(wait(world.clock, 30_000));
    expect(await world.until(channel.closed)).toMatchObject({ code: 'RELIABLE_TERMINATED' });
    expect(ends().sort()).toEqual(['acceptor: RELIABLE_EXPIRED', 'initiator: RELIABLE_TERMINATED']);
    await world.until(listener.close());
  });
});

function granting(version: ReliableVersion, expires: string | undefined, options: ReliableSessionOptions): Scene {
  return new Scene({ version, oneWay: true, ...options }, (request, server) => {
    if (request.action !== version.actions.createSequence) return server.good(request);
    server.heard.push(request);
    const body = createSequenceResponse(version, addressing200508, { id: 'urn:s', expires });
    return server.answer(request, version.actions.createSequenceResponse, [], body);
  });
}

test('a session in a store that expired while nobody was there: taken up, it is over', async () => {
  const store = memory();
  const first = new Scene({ store, label: 'orders', expires: 60_000, oneWay: true });
  await first.until(first.say('one'));
  await first.until(first.view?.suspend() ?? Promise.resolve());
  const second = new Scene({ store, label: 'orders', expires: 60_000, oneWay: true });
  await second.clock.advance(first.clock.now() + 61_000);
  await second.until(Promise.allSettled([second.channel.open()]));
  expect(await second.until(second.channel.closed)).toMatchObject({ code: 'RELIABLE_EXPIRED' });
  expect(second.actions).not.toContain('TerminateSequence');
});

test('an acceptor answers for a sequence that has expired: UnknownSequence', async () => {
  const pair = new Pair({ expires: 1_000, oneWay: true }, echo);
  await soon(pair, pair.say('one'));
  await pair.clock.advance(1_000);
  const [, numbered] = pair.sent;
  const answer = numbered === undefined ? undefined : await pair.acceptor.ask(numbered);
  expect(answer === undefined ? undefined : readReliableFault(answer)?.fault).toMatchObject({
    name: 'UnknownSequence',
    code: 'sender',
  });
});

test('Expires stands behind AcksTo, where WCF reads it', async () => {
  const scene = new Scene({ version: reliable200702, expires: 90_000 });
  await soon(scene, scene.channel.open());
  const body = scene.sent[0]?.body.toString() ?? '';
  const order = ['AcksTo', 'Expires', 'Offer'].map((local) => body.indexOf(`:${local}>`));
  expect(order).toEqual([...order].sort((one, other) => one - other));
  expect(order).not.toContain(-1);
  for (const expires of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => settingsOf({ expires })).toThrow(expect.objectContaining({ code: 'RELIABLE_SETTING' }));
  }
});
