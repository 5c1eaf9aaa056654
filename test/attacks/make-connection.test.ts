/** Attacks on what waits for clients that nobody can connect to (facts/attacks: M15 to M18). */
import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { type Loopback, loopback } from '../../src/channel/loopback.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { makeConnection as question } from '../../src/connection/wording.ts';
import { createSequence } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508, addressingOf, referenceTo, withAddressing } from '../../src/soap/addressing.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { SimulationClock } from '../simulation/clock.ts';

const to = new URL('https://bank.example/box');
const exchanging = exchange({ addressing: addressing200508 });
const saying = (text: string): Message =>
  message({ version: soap12, action: 'urn:box:say', body: new XmlWriter().element('urn:box', 'said', text).finish() });
const textOf = (of: Message | undefined) => of && payload(of)?.text;

/** A bank that knows its clients by their TLS certificates. */
async function bank(options: Parameters<typeof makeConnection>[1] = {}) {
  const clock = new SimulationClock();
  const net: Loopback = loopback();
  const session = () => reliableSession({ clock, to, maxPendingChannels: 64 });
  const service = makeConnection(binding([], net), { clock, pollHold: 0, ...options });
  await listen(binding([exchanging, session()], service), to, async (trip) => {
    return trip.carrying(saying(`secret of ${textOf(trip.message)}`));
  });
  const as = (name: string): Transport => net.as({ secure: true, fingerprint: name, certificate: new Uint8Array() });
  /** What `name` gets for an envelope of its own making. */
  const ask = async (name: string, asked: Message) =>
    (await connect(binding([], as(name)), to).send(delivery(asked)))?.message;
  const pass = (milliseconds: number) => clock.until(wait(clock, milliseconds), milliseconds + 1);
  return { clock, pass, as, ask, session };
}

/** A client whose address the attacker has read; it fetches nothing until `fetches` is true. */
async function victim({ clock, pass, as, session }: Awaited<ReturnType<typeof bank>>) {
  let address = '';
  let fetches = false;
  const spied: Transport = {
    ...as('alice'),
    connect: (at) => (receive) => {
      const below = as('alice').connect(at)(receive);
      return {
        side: below.side,
        closed: below.closed,
        open: (signal) => below.open(signal),
        close: (signal) => below.close(signal),
        abort: (reason) => below.abort(reason),
        send: async (trip) => {
          address = addressingOf(trip.message)?.replyTo?.address ?? address;
          const isQuestion = trip.message.action.endsWith('/MakeConnection');
          if (isQuestion && textOf(trip.message) === address && !fetches && address !== '' && created) return undefined;
          return below.send(trip);
        },
      };
    },
  };
  let created = false;
  const channel = connect(binding([exchanging, session()], makeConnection(binding([], spied), { clock })), to);
  await clock.until(channel.open(), 60_000);
  created = true;
  const sending = channel.send(delivery(saying('alice')));
  await pass(100);
  return {
    address,
    sending,
    fetch: () => {
      fetches = true;
    },
    close: () => clock.until(channel.close(), 60_000),
  };
}

describe('somebody who knows the address of another client', () => {
  test('M16 gets nothing for it, learns nothing of it, and takes nothing away', async () => {
    const world = await bank();
    const alice = await victim(world);
    for (const name of ['mallory', 'alice2']) {
      const got = await world.ask(name, question(soap12, to.href, alice.address, systemRandom));
      const unknown = await world.ask(name, question(soap12, to.href, `${alice.address}0`, systemRandom));
      expect([got, unknown], name).toEqual([undefined, undefined]);
    }
    alice.fetch();
    expect(textOf((await world.clock.until(alice.sending, 60_000))?.message)).toBe('secret of alice');
    await alice.close();
  });

  test('M16 cannot announce it for itself: what it gets is its own', async () => {
    const world = await bank();
    const alice = await victim(world);
    const mine = withAddressing(saying('mallory'), {
      version: addressing200508,
      action: 'urn:box:say',
      to: to.href,
      messageId: 'urn:mallory',
      replyTo: referenceTo(alice.address),
    });
    await world.ask('mallory', mine);
    await world.pass(1_000);
    const got = [];
    for (let turn = 0; turn < 20; turn += 1) {
      got.push(await world.ask('mallory', question(soap12, to.href, alice.address, systemRandom)));
    }
    expect(got.filter((one) => textOf(one)?.includes('alice') === true)).toEqual([]);
    for (const one of got) expect(one === undefined || addressingOf(one)?.relatesTo === 'urn:mallory').toBe(true);
    alice.fetch();
    expect(textOf((await world.clock.until(alice.sending, 60_000))?.message)).toBe('secret of alice');
    await alice.close();
  });
});

describe('floods', () => {
  test('M17 of questions that are held: no more than may be, and others are served', async () => {
    const world = await bank({ pollHold: 30_000, maxHeld: 3 });
    const announce = (id: string) => {
      const here = referenceTo(`http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=${id}`);
      const offer = { id: `urn:offer:${id}`, endpoint: here };
      const body = createSequence(reliable200702, addressing200508, { acksTo: here, offer });
      return withAddressing(message({ version: soap12, body }), {
        version: addressing200508,
        action: reliable200702.actions.createSequence,
        to: to.href,
        messageId: `urn:${id}`,
        replyTo: here,
      });
    };
    const questions = [];
    for (let id = 0; id < 10; id += 1) {
      const name = `client ${id}`;
      await world.ask(name, announce(String(id)));
      await world.pass(10);
      const asked = question(soap12, to.href, addressingOf(announce(String(id)))?.replyTo?.address ?? '', systemRandom);
      // The first question gets the CreateSequenceResponse; the second has nothing to get.
      await world.ask(name, asked);
      let isAnswered = false;
      questions.push({
        get isAnswered() {
          return isAnswered;
        },
      });
      void world.ask(name, asked).then(() => {
        isAnswered = true;
      });
      await world.pass(10);
    }
    expect(questions.filter(({ isAnswered }) => !isAnswered)).toHaveLength(3);
    const alice = await victim(world);
    alice.fetch();
    expect(textOf((await world.clock.until(alice.sending, 60_000))?.message)).toBe('secret of alice');
    await alice.close();
  });

  test('of addresses by one client: its own limit is reached, and others are served', async () => {
    const world = await bank({ maxConnectionsPerIdentity: 5, maxConnections: 100 });
    const refused = [];
    for (let id = 0; id < 20; id += 1) {
      const announced = withAddressing(saying('x'), {
        version: addressing200508,
        action: 'urn:none',
        to: to.href,
        messageId: `urn:${id}`,
        replyTo: referenceTo(`http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=${id}`),
      });
      if ((await world.ask('mallory', announced)) !== undefined) refused.push(id);
    }
    expect(refused).toHaveLength(15);
    const alice = await victim(world);
    alice.fetch();
    expect(textOf((await world.clock.until(alice.sending, 60_000))?.message)).toBe('secret of alice');
    await alice.close();
  });
});

test.each(['http://169.254.169.254/latest/meta-data/', 'http://internal.example/queue', 'mailto:somebody@example.org'])(
  'M15 a ReplyTo of %s is not dialled: it is refused',
  async (elsewhere) => {
    const world = await bank();
    const create = withAddressing(saying('x'), {
      version: addressing200508,
      action: 'urn:box:say',
      to: to.href,
      messageId: 'urn:1',
      replyTo: referenceTo(elsewhere),
    });
    const answer = await world.ask('mallory', create);
    expect(answer?.action).toMatch(/fault/);
  },
);
