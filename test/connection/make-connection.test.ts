/** WS-MakeConnection 1.1, rule by rule: what is asked and how often, what is answered, and what is kept for how long. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import { turnedAway } from '../../src/channel/refusal.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { Mailbox } from '../../src/connection/mailbox.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { nextPoll } from '../../src/connection/rhythm.ts';
import type { MakeConnectionOptions } from '../../src/connection/settings.ts';
import { isWaitedFor, makeConnectionAction, newAddress, selectionOf, unpacked } from '../../src/connection/wording.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { addressing200508, addressingOf, referenceTo, withAddressing } from '../../src/soap/addressing.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { SimulationClock } from '../simulation/clock.ts';

const namespace = 'http://docs.oasis-open.org/ws-rx/wsmc/200702';
const address = `${namespace}/anonymous?id=4d8e2f0a`;
const to = new URL('http://service.example/box');
const exchanging = exchange({ addressing: addressing200508 });

function saying(text: string, soap: SoapVersion = soap12): Message {
  const body = new XmlWriter().element('urn:box', 'said', text).finish();
  return message({ version: soap, action: 'urn:box:say', body });
}

function announcing(text: string, id: string, replyTo: string = address): Message {
  const bare = saying(text);
  const addressing = { version: addressing200508, action: bare.action, to: to.href, messageId: id };
  return withAddressing(bare, { ...addressing, replyTo: referenceTo(replyTo) });
}

function asking(body: string, soap: SoapVersion = soap12): Message {
  const fragment = XmlFragment.of(scan(Buffer.from(body)).root);
  const bare = message({ version: soap, body: fragment });
  const addressing = { version: addressing200508, action: makeConnectionAction, to: to.href, messageId: 'urn:poll' };
  return withAddressing(bare, addressing);
}

const poll = (of: string = address) =>
  asking(`<m:MakeConnection xmlns:m="${namespace}"><m:Address>${of}</m:Address></m:MakeConnection>`);

const echo: Carry = async (trip) => trip.carrying(saying(`re: ${textOf(trip.message)}`, trip.message.version));
const textOf = (of: Message | undefined) => of && payload(of)?.text;

class World {
  readonly clock: SimulationClock = new SimulationClock();
  readonly network: Network = new Network({ clock: this.clock });
  readonly #base = loopback({ network: this.network });
  readonly #options: MakeConnectionOptions;

  constructor(options: MakeConnectionOptions = {}) {
    this.#options = { clock: this.clock, random: seededRandom(1), ...options };
  }

  get binding(): Binding {
    return binding([exchanging], makeConnection(binding([], this.#base), this.#options));
  }

  listen(receive: Carry = echo): Promise<Listener> {
    return listen(this.binding, to, receive);
  }

  connect(receive: Carry = async () => undefined): Channel {
    return connect(this.binding, to, receive);
  }

  /** A client of exchanges, as another would write it. */
  get raw(): (asked: Message) => Promise<Message | undefined> {
    const channel = connect(binding([], this.#base), to);
    return async (asked) => (await this.until(channel.send(delivery(asked))))?.message;
  }

  pass(milliseconds: number): Promise<void> {
    return this.until(wait(this.clock, milliseconds));
  }

  until<T>(work: Promise<T>): Promise<T> {
    return this.clock.until(work, 7_200_000);
  }
}

describe('what a question is answered with', () => {
  test('what waits, once, addressed to the address, related to its own request, with word of whether there is more', async () => {
    const world = new World({ pollHold: 0 });
    await world.listen();
    const ask = world.raw;
    expect(await ask(announcing('one', 'urn:1')), 'an empty answer: the reply waits').toBeUndefined();
    expect(await ask(announcing('two', 'urn:2'))).toBeUndefined();
    const fetchedOnes = [await ask(poll()), await ask(poll()), await ask(poll())];
    expect(fetchedOnes.map((one) => one && unpacked(one).isPending)).toEqual([true, false, undefined]);
    expect(fetchedOnes.map((one) => one && textOf(unpacked(one).message))).toEqual(['re: one', 're: two', undefined]);
    const [first] = fetchedOnes;
    expect(first && addressingOf(first)).toMatchObject({ to: address, relatesTo: 'urn:1' });
    expect(first?.headers.filter((block) => block.namespace === namespace)).toHaveLength(1);
  });

  test('M18 nothing, where nobody announced the address, for the address octet for octet only', async () => {
    const world = new World({ pollHold: 0 });
    await world.listen();
    const ask = world.raw;
    await ask(announcing('one', 'urn:1'));
    const others = [
      address.toUpperCase(),
      `${address}#`,
      `${address}&amp;x`,
      address.replace('4d', '%34d'),
      `${address}0`,
    ];
    for (const other of others) expect(await ask(poll(other)), other).toBeUndefined();
    expect(textOf(await ask(poll()))).toBe('re: one');
  });

  test.each(soapVersions)('MissingSelection and UnsupportedSelection, SOAP $name', async (soap) => {
    const world = new World();
    await world.listen();
    const ask = world.raw;
    const missing = await ask(asking(`<m:MakeConnection xmlns:m="${namespace}"/>`, soap));
    expect(missing?.action).toBe(`${namespace}/fault`);
    expect(missing && addressingOf(missing)?.relatesTo).toBe('urn:poll');
    expect(missing && faultOf(missing)?.subcode).toEqual({ namespace, local: 'MissingSelection' });
    const sequence = '<r:Identifier xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702">urn:s</r:Identifier>';
    const unsupported = await ask(
      asking(`<m:MakeConnection xmlns:m="${namespace}">${sequence}</m:MakeConnection>`, soap),
    );
    const fault = unsupported && faultOf(unsupported);
    expect(fault?.subcode).toEqual({ namespace, local: 'UnsupportedSelection' });
    expect(soap.name === '1.2' ? fault?.code : 'receiver').toBe('receiver');
    const [detail] = fault?.detail ?? [];
    expect(detail?.local).toBe('UnsupportedElement');
    expect(detail?.element.text).toBe('u:Identifier');
    expect(detail?.element.namespaceOf('u')).toBe('http://docs.oasis-open.org/ws-rx/wsrm/200702');
  });

  test.each([
    [
      'two addresses',
      `<m:MakeConnection xmlns:m="${namespace}"><m:Address>a</m:Address><m:Address>b</m:Address></m:MakeConnection>`,
    ],
    ['another body', '<x:Other xmlns:x="urn:x"/>'],
  ])('a Sender fault for %s', (_, body) => {
    expect(selectionOf(asking(body))).toMatchObject({ fault: { code: 'sender', reason: expect.any(String) } });
  });

  test('a client that can be answered on its own exchange is, by the same listener', async () => {
    const world = new World();
    await world.listen();
    const bare = saying('one');
    const plain = withAddressing(bare, { version: addressing200508, action: bare.action, messageId: 'urn:1' });
    expect(textOf(await world.raw(plain))).toBe('re: one');
  });
});

describe('what is kept for a client', () => {
  test('no more than may be: the next is refused, and a repetition takes the place of what it repeats', () => {
    const mailbox = new Mailbox(2);
    const answer = (id: string, text: string): Delivery =>
      delivery(withAddressing(saying(text), { version: addressing200508, action: 'urn:a', relatesTo: id }));
    mailbox.put(answer('urn:1', 'first'));
    mailbox.put(answer('urn:2', 'second'));
    mailbox.put(answer('urn:1', 'first again'));
    expect(() => mailbox.put(answer('urn:3', 'third'))).toThrow(expect.objectContaining({ code: 'CONNECTION_FULL' }));
    expect([mailbox.take(), mailbox.take(), mailbox.take()].map((trip) => textOf(trip?.message))).toEqual([
      'first again',
      'second',
      undefined,
    ]);
  });

  test('no more clients than may be: EndpointUnavailable', async () => {
    const world = new World({ maxConnections: 2, pollHold: 0 });
    await world.listen();
    const ask = world.raw;
    expect(await ask(announcing('one', 'urn:1', `${address}1`))).toBeUndefined();
    expect(await ask(announcing('two', 'urn:2', `${address}2`))).toBeUndefined();
    const refused = await ask(announcing('three', 'urn:3', `${address}3`));
    expect(refused && faultOf(refused)).toMatchObject({ code: 'receiver', subcode: { local: 'EndpointUnavailable' } });
    expect(textOf(await ask(poll(`${address}1`))), 'those who are there are not harmed').toBe('re: one');
  });

  test('not for ever: a client that is not heard loses what waits, and its place', async () => {
    const world = new World({ maxConnections: 1, idleTimeout: 60_000, pollHold: 0 });
    await world.listen();
    const ask = world.raw;
    await ask(announcing('one', 'urn:1', `${address}1`));
    await world.pass(59_000);
    expect(textOf(await ask(poll(`${address}1`)))).toBe('re: one');
    await world.pass(59_000);
    expect(faultOf((await ask(announcing('two', 'urn:2', `${address}2`))) as Message)).toBeDefined();
    await world.pass(2_000);
    expect(await ask(announcing('two', 'urn:2', `${address}2`))).toBeUndefined();
  });
});

describe('how often a client asks', () => {
  test('the wait doubles up to the ceiling, spread by up to a quarter, and is over when something is said or comes', () => {
    const policy = { pollFloor: 250, pollCeiling: 5_000 };
    const waits: number[] = [];
    let rhythm = 0;
    for (let count = 0; count < 7; count += 1) {
      const [next, pause] = nextPoll(rhythm, count % 2 === 0 ? 'nothing' : 'failed', policy, 0);
      rhythm = next;
      waits.push(pause);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(nextPoll(rhythm, 'nothing', policy, 0.99)[1]).toBeCloseTo(5_000 * (1 + 0.99 / 4));
    for (const beat of ['sent', 'came', 'pending'] as const)
      expect(nextPoll(rhythm, beat, policy, 0.5)).toEqual([0, 0]);
  });

  test('never before it has said something, never twice at a time, and in an idle hour no more often than the ceiling says', async () => {
    const world = new World({ pollHold: 0 });
    await world.listen();
    const channel = world.connect();
    let polls = 0;
    let open = 0;
    let most = 0;
    world.network.script(({ way, message: carried }) => {
      if (way === 'request' && carried?.action === makeConnectionAction) {
        polls += 1;
        open += 1;
        most = Math.max(most, open);
      } else if (way === 'reply' && open > 0) open -= 1;
      return undefined;
    });
    await world.until(channel.open());
    await world.pass(60_000);
    expect(polls).toBe(0);
    expect(textOf((await world.until(channel.send(delivery(saying('one')))))?.message)).toBe('re: one');
    const before = polls;
    await world.pass(3_600_000);
    expect(polls - before).toBeGreaterThan(3_600_000 / 5_000 / 2);
    expect(polls - before).toBeLessThan(3_600_000 / 5_000 + 10);
    expect(most).toBe(1);
    await world.until(channel.close());
    const then = polls;
    await world.pass(60_000);
    expect(polls, 'nothing is asked once the channel is closed').toBe(then);
  });

  test('a service that holds the question answers as soon as there is something', async () => {
    const world = new World({ pollHold: 5_000 });
    let back: Channel | undefined;
    await world.listen(async (trip) => {
      back = callbackChannel(trip);
      return undefined;
    });
    const heard: string[] = [];
    const channel = world.connect(async (trip) => {
      heard.push(textOf(trip.message) ?? '');
      return undefined;
    });
    await world.until(channel.send(delivery(saying('hello')).with(expectsReply, false)));
    await world.pass(1_000);
    await world.until(required(back).send(delivery(saying('unasked')).with(expectsReply, false)));
    await world.pass(1);
    expect(heard).toEqual(['unasked']);
  });

  test('a service that does not know MakeConnection ends the channel, and a session above it at once', async () => {
    const clock = new SimulationClock();
    const base = loopback();
    await listen(binding([], base), to, async (trip) => {
      if (trip.message.action !== makeConnectionAction) return undefined;
      return trip.carrying(faultReply(trip.message, { code: 'sender', reason: 'What is that?' }));
    });
    const over = makeConnection(binding([], base), { clock });
    const channel = connect(binding([exchanging, reliableSession({ clock, to })], over), to);
    await expect(clock.until(channel.open(), 10_000)).rejects.toMatchObject({
      message: expect.stringContaining('refuses MakeConnection: What is that?'),
    });
  });
});

test('an address holds 122 random bits, and is one', () => {
  const addresses = new Set(Array.from({ length: 100 }, (_, seed) => newAddress(seededRandom(seed))));
  expect(addresses.size).toBe(100);
  for (const one of addresses) {
    expect(one).toMatch(/\/anonymous\?id=[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isWaitedFor(one)).toBe(true);
  }
  for (const other of [
    `${namespace}/anonymous`,
    `${namespace}/anonymous?id=`,
    `${namespace}/anonymous?id=${'x'.repeat(500)}`,
  ]) {
    expect(isWaitedFor(other)).toBe(false);
  }
});

test.each([
  { maxConnections: 0 },
  { pollFloor: 0 },
  { pollFloor: 10_000 },
  { maxWaiting: 1.5 },
  { pollHold: Number.POSITIVE_INFINITY },
])('a setting that cannot be: %o', (wrong) => {
  expect(() => makeConnection(binding([], loopback()), wrong)).toThrow(
    expect.objectContaining({ code: 'CONNECTION_SETTING' }),
  );
});

test('the session belongs above the connection', () => {
  const over = binding([reliableSession()], loopback());
  expect(() => makeConnection(over)).toThrow(expect.objectContaining({ code: 'CONNECTION_SETTING' }));
});

function required<T>(of: T | undefined): T {
  if (of === undefined) throw new Error('it is required here');
  return of;
}

describe('a client that was not let in', () => {
  /** Refuses whoever says `bad`, as a layer does that does not let the sender in; answers `slow` when the gate opens. */
  async function guarded(options: MakeConnectionOptions = {}) {
    const world = new World({ pollHold: 0, closeTimeout: 5_000, ...options });
    const gate = Promise.withResolvers<void>();
    const listener = await world.listen(async (trip) => {
      const said = textOf(trip.message) ?? '';
      if (said.startsWith('bad')) trip.get(turnedAway)?.();
      if (said === 'slow') await gate.promise;
      return trip.carrying(saying(`re: ${said}`, trip.message.version));
    });
    return { world, gate, listener, ask: world.raw };
  }

  test('is forgotten when it has fetched what it was told, or does not come', async () => {
    const { world, ask } = await guarded({ maxConnections: 1 });
    await ask(announcing('bad', 'urn:1', `${address}1`));
    expect(textOf(await ask(poll(`${address}1`)))).toBe('re: bad');
    await world.pass(1);
    await ask(announcing('bad', 'urn:2', `${address}2`));
    await world.pass(5_001);
    expect(await ask(poll(`${address}2`))).toBeUndefined();
    expect(await ask(announcing('one', 'urn:3', `${address}3`))).toBeUndefined();
    expect(textOf(await ask(poll(`${address}3`)))).toBe('re: one');
  });

  test('and comes again as somebody who is: everything that it is told then waits for it', async () => {
    const { world, gate, ask } = await guarded();
    await ask(announcing('bad', 'urn:1'));
    await ask(announcing('slow', 'urn:2'));
    expect(textOf(await ask(poll()))).toBe('re: bad');
    await world.pass(10_000);
    gate.resolve();
    await world.pass(1);
    expect(textOf(await ask(poll()))).toBe('re: slow');
    await ask(announcing('more', 'urn:3'));
    expect(textOf(await ask(poll()))).toBe('re: more');
  });

  test('a listener that closes meanwhile takes no longer than it was given', async () => {
    const { world, gate, listener, ask } = await guarded();
    await ask(announcing('bad', 'urn:1'));
    await ask(announcing('slow', 'urn:2', `${address}2`));
    const limit = new AbortController();
    const closed = listener.close(limit.signal);
    await world.pass(10);
    const began = world.clock.now();
    limit.abort(new Error('enough'));
    await world.until(closed);
    expect(world.clock.now() - began).toBe(0);
    gate.resolve();
  });
});
