/**
 * What Metro's client and Metro's server said to each other over WS-MakeConnection (shared captures), played against either end
 * of surewire: the same messages are taken, the same answers wait, with the same numbers and acknowledgements, to the same end.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom, uuidUrn } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { PollingChannel } from '../../src/connection/polling.ts';
import { makeConnectionSettings } from '../../src/connection/settings.ts';
import { fetched, makeConnectionAction, unpacked } from '../../src/connection/wording.ts';
import { readAboutSequence, readCreateSequence, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readHeaders, withoutReliableHeaders } from '../../src/reliable/headers.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressingOf, withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { hasCaptures, type RecordedExchange, recorded, withoutData } from '../reliable/recorded.ts';

const whole = ['metro-rm11-mc-echo-only', 'metro-rm11-mc-drop-response'] as const;
const { actions } = reliable200702;

function required<T>(of: T | undefined): T {
  if (of === undefined) throw new Error('it is required here');
  return of;
}

const isPoll = ({ request }: RecordedExchange) => request.message?.action === makeConnectionAction;
const acknowledges = ({ action }: Message) => action === actions.sequenceAcknowledgement;

/** What a message decides, whoever wrote it. */
function decided(of: Message): unknown {
  const headers = readHeaders(of);
  const name = of.action.split('/').at(-1) ?? '';
  const about = ['CloseSequence', 'TerminateSequence'].includes(name) ? (name as 'CloseSequence') : undefined;
  return {
    action: of.action,
    relatesTo: addressingOf(of)?.relatesTo,
    sequence: headers?.sequence,
    last: about === undefined ? undefined : readAboutSequence(reliable200702, of, about),
    body: payload(of)?.local,
    text: payload(of)?.text.trim(),
  };
}

/** The service of the captures. */
const echo: Carry = async (trip) => {
  const asked = payload(trip.message);
  if (asked?.local === 'Notify') return undefined;
  const body = new XmlWriter()
    .start('urn:peers:echo', 'EchoResponse', '')
    .element('urn:peers:echo', 'EchoResult', asked?.children[0]?.text ?? '', '')
    .end();
  const action = 'urn:peers:echo/EchoService/EchoResponse';
  return trip.carrying(message({ version: trip.message.version, action, body: body.finish() }));
};

/** Plays what Metro's client sent; what it would have fetched, asking as long as there is something. */
async function served(
  name: string,
): Promise<{ readonly came: readonly Message[]; readonly taken: readonly boolean[] }> {
  const exchanges = recorded(name);
  const response = required(exchanges.find((one) => isPoll(one) && one.response?.message !== undefined)?.response);
  const created = readCreateSequenceResponse(reliable200702, required(response.message));
  const clock = new VirtualClock();
  const network = loopback();
  const to = new URL(required(addressingOf(required(exchanges[0]?.request.message))?.to));
  const session = reliableSession({
    clock,
    random: seededRandom(1),
    flowControlEnabled: false,
    newIdentifier: (use) => (use === 'sequence' ? created.id : `urn:uuid:${use}`),
  });
  const service = makeConnection(binding([], network), { clock, random: seededRandom(2), pollHold: 0 });
  const via = binding([exchange({ addressing: addressing200508 }), session], service);
  const listener = await listen(via, to, echo);
  const client = connect(binding([], network), to);
  const came: Message[] = [];
  const taken: boolean[] = [];
  for (const one of exchanges) {
    const asked = required(one.request.message);
    if (!isPoll(one)) {
      taken.push((await client.send(delivery(asked))) === undefined);
      await clock.advance(20);
      continue;
    }
    for (let answer = await client.send(delivery(asked)); answer !== undefined; ) {
      const { message: fetchedOne, isPending } = unpacked(answer.message);
      expect(addressingOf(fetchedOne)?.to, 'only what is for the address').toBe(addressingOf(asked)?.replyTo?.address);
      came.push(fetchedOne);
      answer = isPending === true ? await client.send(delivery(asked)) : undefined;
    }
  }
  const closing = listener.close(AbortSignal.abort(new Error('over')));
  await clock.advance(10_000);
  await closing;
  return { came, taken };
}

describe.skipIf(!hasCaptures)(`Metro's client against a surewire service ${hasCaptures ? '' : withoutData}`, () => {
  test.each(whole)(
    '%s: every answer that Metro gave waits, with the same number, and in the end Final',
    async (name) => {
      const { came, taken } = await served(name);
      const metro = recorded(name)
        .filter(isPoll)
        .flatMap(({ response }) => response?.message ?? [])
        .filter((one) => !acknowledges(one));
      expect(
        taken.every((isEmpty) => isEmpty),
        'an empty 202 for whatever is not a question',
      ).toBe(true);
      // A duplex session of WCF ends its own sequence too; Metro leaves that to whoever asks no more.
      const isOwn = (one: Message) => acknowledges(one) || one.action === actions.terminateSequence;
      const ours = came.filter((one) => !isOwn(one));
      const response = (one: Message) => one.action === actions.createSequenceResponse;
      const rest = (all: readonly Message[]) =>
        all.filter((one) => !response(one)).map((one) => decided(unpacked(one).message));
      expect(rest(ours)).toEqual(rest(metro));
      expect(ours.filter(response)).toHaveLength(1);
      for (const one of ours.slice(-2)) {
        const [block] = readHeaders(one)?.acknowledgements ?? [];
        const [theirs] = readHeaders(required(metro.at(ours.indexOf(one) - ours.length)))?.acknowledgements ?? [];
        expect(block).toMatchObject({ final: true, ranges: theirs?.ranges });
      }
    },
  );

  test('metro-rm11-mc: a one-way message is acknowledged to whoever asks, where Metro sent it for ever', async () => {
    const { came } = await served('metro-rm11-mc');
    const ranges = came.flatMap((one) => readHeaders(one)?.acknowledgements ?? []).map((block) => block.ranges);
    expect(ranges.at(-1)).toEqual([{ lower: 1, upper: 2 }]);
  });
});

/** Plays what Metro's server said; what surewire's client said in the place of Metro's. */
async function called(name: string): Promise<readonly Message[]> {
  const exchanges = recorded(name);
  const create = required(exchanges[0]?.request.message);
  const address = required(addressingOf(create)?.replyTo?.address);
  const offer = readCreateSequence(reliable200702, create).offer;
  const to = new URL(required(addressingOf(create)?.to));
  const number = (of: Message) => readHeaders(of)?.sequence?.number;
  const same = (one: Message, other: Message) => one.action === other.action && number(one) === number(other);
  const clock = new VirtualClock();
  const random = seededRandom(4);
  const said: Message[] = [];
  const waiting = exchanges.filter(isPoll).flatMap(({ response }) => response?.message ?? []);
  /** MessageIDs of Metro's client, and what surewire's has in their place. */
  const names = new Map<string, string>();
  const metro: Transport = {
    name: 'recorded',
    connect: () => () => ({
      side: 'initiator',
      closed: new Promise(() => undefined),
      open: async () => undefined,
      close: async () => undefined,
      abort: () => undefined,
      send: async (trip) => {
        const asked = addressingOf(trip.message);
        if (trip.message.action === makeConnectionAction) {
          expect(payload(trip.message)?.children[0]?.text).toBe(address);
          const [next] = waiting;
          const about = next === undefined ? undefined : addressingOf(next);
          const named = names.get(about?.relatesTo ?? '');
          if (next === undefined || about === undefined) return undefined;
          // An answer is there when its question has come; Metro's client asks for acknowledgements more often.
          if (named === undefined && !acknowledges(next)) return undefined;
          waiting.shift();
          const { message: answer } = unpacked(next);
          return trip.carrying(fetched(withAddressing(answer, { ...about, relatesTo: named }), false));
        }
        expect(asked?.replyTo?.address, `ReplyTo of ${trip.message.action}`).toBe(address);
        said.push(trip.message);
        const theirs = exchanges.find(({ request }) => same(required(request.message), trip.message))?.request.message;
        if (theirs !== undefined) names.set(addressingOf(theirs)?.messageId ?? '', asked?.messageId ?? '');
        return undefined;
      },
    }),
    listen: () => Promise.reject(new Error('nobody listens here')),
  };
  const settings = makeConnectionSettings({ clock, random: seededRandom(3) });
  const standing = { address, wasHeard: false, hopeless: undefined };
  const polling: Transport = {
    ...metro,
    connect: () => (receive) => new PollingChannel({ over: binding([], metro), to, standing, settings, receive }),
  };
  const session = reliableSession({
    clock,
    random,
    version: reliable200702,
    to,
    farewellTimeout: 1_000,
    newIdentifier: (use) => (use === 'offer' ? (offer?.id ?? '') : uuidUrn(random)),
  });
  const channel = connect(binding([exchange({ addressing: addressing200508 }), session], polling), to);
  const texts: (string | undefined)[] = [];
  const calls = exchanges
    .flatMap(({ request }) => request.message ?? [])
    .filter((of, at, all) => {
      const number = readHeaders(of)?.sequence?.number;
      return number !== undefined && all.findIndex((other) => readHeaders(other)?.sequence?.number === number) === at;
    });
  const work = (async () => {
    for (const call of calls) {
      const reply = await channel.send(delivery(withoutReliableHeaders(call)).with(expectsReply, true));
      texts.push(payload(required(reply).message)?.text);
    }
    await channel.close();
    return 'done';
  })();
  let result: unknown;
  work.then(
    (value) => {
      result = value;
    },
    (error: unknown) => {
      result = error;
    },
  );
  for (let turn = 0; turn < 400 && result === undefined; turn += 1) await clock.advance(250);
  expect(result).toBe('done');
  expect(texts).toEqual(calls.map((call) => payload(call)?.text));
  return said;
}

describe.skipIf(!hasCaptures)(`Metro's server against a surewire client ${hasCaptures ? '' : withoutData}`, () => {
  test.each(whole)('%s: it says what Metro said, and comes to the same end', async (name) => {
    const numbers = new Set<string>();
    const once = (of: Message) => {
      const key = JSON.stringify(decided(of));
      const isNew = !numbers.has(key);
      numbers.add(key);
      return isNew;
    };
    const matters = ({ action }: Message) =>
      action !== actions.ackRequested && action !== actions.sequenceAcknowledgement;
    const ours = (await called(name)).filter(matters).filter(once);
    numbers.clear();
    const metro = recorded(name)
      .filter((one) => !isPoll(one))
      .flatMap(({ request }) => request.message ?? [])
      .filter(matters)
      .filter(once);
    const create = (all: readonly Message[]) => readCreateSequence(reliable200702, required(all[0]));
    expect(create(ours).acksTo).toEqual(create(metro).acksTo);
    const offered = ({ offer }: ReturnType<typeof create>) => ({ id: offer?.id, endpoint: offer?.endpoint });
    expect(offered(create(ours))).toEqual(offered(create(metro)));
    expect(ours.slice(1).map(decided)).toEqual(metro.slice(1).map(decided));
  });
});
