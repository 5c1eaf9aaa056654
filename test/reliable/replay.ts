/**
 * Plays what others said to each other against either end of surewire: their client's messages at an acceptor, their server's
 * answers at an initiator that is to make the same calls. What is compared is what was decided, not how it was written.
 */
import { expect } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { ChannelError } from '../../src/channel/errors.ts';
import { readAboutSequence, readCreateSequence, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readHeaders, withoutReliableHeaders } from '../../src/reliable/headers.ts';
import type { Ranges } from '../../src/reliable/ranges.ts';
import { versionOf } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { wsse } from '../../src/security/names.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { FaultError, faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { acceptorEnd, initiatorEnd } from './ends.ts';

/** One exchange as it came out of security. */
export interface Played {
  readonly request: Message;
  /** Absent where nothing came back, or where it was lost. */
  readonly response: Message | undefined;
  /** Lost on its way there, so that the server never saw it. */
  readonly isLost?: boolean;
  /** Doubled on its way there: the copy is answered alike. */
  readonly cameTwice?: boolean;
  /** What security proved of the request. */
  readonly mark?: (trip: Delivery) => Delivery;
}

/** The echo service of the captures. */
export const echo: Carry = async (trip) => {
  const asked = payload(trip.message);
  const text = asked?.children[0]?.text ?? '';
  if (asked?.local === 'Notify') return undefined;
  if (text.startsWith('fault:')) throw new FaultError({ code: 'receiver', reason: 'fault asked for' });
  const body = new XmlWriter()
    .start('urn:peers:echo', 'EchoResponse', '')
    .element('urn:peers:echo', 'EchoResult', text, '')
    .end()
    .finish();
  const action = 'urn:peers:echo/EchoService/EchoResponse';
  return trip.carrying(message({ version: trip.message.version, action, body }));
};

export function required<T>(of: T | undefined): T {
  if (of === undefined) throw new Error('it is required here');
  return of;
}

/** The version that a session was opened in. */
function versionIn(exchanges: readonly Played[]): ReliableVersion {
  const { action } = required(exchanges[0]).request;
  return required(versionOf(action.slice(0, action.lastIndexOf('/'))));
}

type Acknowledged = { readonly id: string; readonly ranges: Ranges; readonly final: boolean };

interface Decided {
  readonly action: string;
  readonly fault: string | undefined;
  readonly relatesTo: string | undefined;
  readonly sequence: unknown;
  readonly acknowledged: readonly Acknowledged[];
  readonly last: unknown;
  readonly text: string | undefined;
}

/** What a message decides, whoever wrote it; the fault actions of WS-Addressing are one here, of which Metro takes the wrong one. */
function decided(version: ReliableVersion, of: Message | undefined): Decided | 'nothing' {
  if (of === undefined) return 'nothing';
  const headers = readHeaders(of);
  const fault = faultOf(of)?.code;
  const name = payload(of)?.local;
  const about =
    name === 'CloseSequence' || name === 'TerminateSequence' ? readAboutSequence(version, of, name) : undefined;
  const isOurs = of.action.startsWith(version.namespace);
  return {
    action: fault === undefined ? of.action : 'fault',
    fault,
    relatesTo: addressingOf(of)?.relatesTo,
    sequence: headers?.sequence,
    acknowledged: (headers?.acknowledgements ?? []).map(({ id, ranges, final }) => ({ id, ranges, final })),
    last: about,
    text: isOurs || fault !== undefined ? undefined : payload(of)?.text.trim(),
  };
}

/**
 * What our initiator is to decide in the place of Metro's client, which differs from WCF's in three things: it says
 * with a message that it has had no reply yet (None), says Final with TerminateSequence only, and in 2005/02 never acknowledges the LastMessage of
 * the answers.
 */
function inPlaceOfMetro(version: ReliableVersion, of: Message, answers: number): Decided {
  const theirs = decided(version, of);
  if (theirs === 'nothing') throw new Error('A message decides something.');
  const { actions } = version;
  const some = theirs.acknowledged.filter(({ ranges }) => ranges.length > 0 || theirs.sequence === undefined);
  const acknowledged = some.map((one): Acknowledged => {
    if (of.action === actions.closeSequence) return { ...one, final: true };
    if (of.action !== actions.terminateSequence || version.shutdown === 'close') return one;
    return { ...one, ranges: [{ lower: 1, upper: answers + 1 }] };
  });
  return { ...theirs, acknowledged };
}

/** Holds both ends of surewire to a recorded session: what each decides in the place of theirs, and what the applications hear. */
export async function expectTheSame(
  exchanges: readonly Played[],
  { ordered, client }: { readonly ordered: boolean; readonly client: 'WCF' | 'Metro' },
): Promise<void> {
  const version = versionIn(exchanges);
  const calls = callsOf(exchanges).map((call) => payload(call));
  const { answers, heard } = await atAcceptor(exchanges, ordered);
  for (const [at, { request, response }] of exchanges.entries()) {
    const theirs = decided(version, response);
    if (theirs === 'nothing') continue;
    // Metro names a message of its own where WCF's one-way message has no MessageID.
    const relatesTo = addressingOf(request)?.messageId === undefined ? undefined : theirs.relatesTo;
    expect(decided(version, answers[at]), `answer ${at + 1}`).toEqual({ ...theirs, relatesTo });
  }
  expect(heard, 'each call is heard once, in order').toEqual(calls.map((call) => call?.text.trim()));
  const { said, replies } = await atInitiator(exchanges, ordered);
  const asking = calls.filter((call) => call?.local !== 'Notify').length;
  expect(said.map((one) => decided(version, one))).toEqual(
    exchanges.map(({ request }) =>
      client === 'WCF' ? decided(version, request) : inPlaceOfMetro(version, request, asking),
    ),
  );
  expect(replies).toEqual(
    calls.map((call) => (call?.local === 'Notify' ? undefined : replyTo(call?.text.trim() ?? ''))),
  );
}

const replyTo = (text: string) => (text.startsWith('fault:') ? expect.stringContaining(text.slice(6)) : text);

/** A message as its sender's security had not been there. */
function bare(of: Message): Message {
  const headers = of.headers.filter(({ namespace, local }) => namespace !== wsse || local !== 'Security');
  return headers.length === of.headers.length ? of : { ...of, headers, source: undefined };
}

/** What our acceptor answers to what their client sent, and what its application heard; a dropped request never came. */
async function atAcceptor(
  exchanges: readonly Played[],
  ordered: boolean,
): Promise<{ readonly answers: readonly (Message | undefined)[]; readonly heard: readonly string[] }> {
  const version = versionIn(exchanges);
  const created = readCreateSequenceResponse(version, required(exchanges[0]?.response));
  const heard: string[] = [];
  const end = acceptorEnd(
    {
      ordered,
      clock: new VirtualClock(),
      random: seededRandom(1),
      newIdentifier: (use) => (use === 'sequence' ? created.id : `urn:uuid:${use}`),
    },
    async (trip) => {
      heard.push(payload(trip.message)?.text.trim() ?? '');
      return echo(trip);
    },
  );
  const answers: (Message | undefined)[] = [];
  for (const { request, isLost, cameTwice, mark } of exchanges) {
    const answer = isLost === true ? undefined : await end.ask(bare(request), mark);
    answers.push(answer);
    if (cameTwice !== true) continue;
    const again = await end.ask(bare(request), mark);
    expect(decided(version, again), 'the copy gets the same answer').toEqual(decided(version, answer));
  }
  return { answers, heard };
}

/** What our initiator says to their server when it makes the calls of their client, and how it ended. */
async function atInitiator(
  exchanges: readonly Played[],
  ordered: boolean,
): Promise<{ readonly said: readonly Message[]; readonly replies: readonly (string | undefined)[] }> {
  const version = versionIn(exchanges);
  const create = required(exchanges[0]).request;
  const offer = readCreateSequence(version, create).offer;
  const clock = new VirtualClock();
  const left = [...exchanges];
  const said: Message[] = [];
  const protocolIds = exchanges
    .map(({ request }) => request)
    .filter(({ action }) => action.startsWith(version.namespace))
    .flatMap((of) => addressingOf(of)?.messageId ?? []);
  const channel = initiatorEnd(
    {
      version,
      ordered,
      clock,
      random: seededRandom(3),
      to: new URL(required(addressingOf(create)?.to)),
      newIdentifier: (use) => (use === 'offer' ? (offer?.id ?? '') : (protocolIds.shift() ?? 'urn:uuid:more')),
    },
    async (request) => {
      const exchange = left.shift();
      if (exchange === undefined) throw new Error('More was sent than their client sent.');
      said.push(request);
      if (exchange.response === undefined) throw new ChannelError('CHANNEL_LOST', 'dropped', { transient: true });
      return bare(exchange.response);
    },
  );
  const replies: (string | undefined)[] = [];
  const work = (async () => {
    for (const call of callsOf(exchanges)) {
      const asks = payload(call)?.local !== 'Notify';
      const trip = delivery(bare(withoutReliableHeaders(call))).with(expectsReply, asks);
      const reply = await channel.send(trip);
      replies.push(reply && payload(reply.message)?.text.trim());
    }
    await channel.close();
  })();
  await settled(clock, work);
  if (left.length > 0) throw new Error(`Their client sent ${left.length} messages more.`);
  return { said, replies };
}

/** Messages of the application, each once. */
function callsOf(exchanges: readonly Played[]): readonly Message[] {
  const numbers = new Set<unknown>();
  return exchanges
    .map(({ request }) => request)
    .filter((of) => {
      const sequence = readHeaders(of)?.sequence;
      const isFirst = sequence !== undefined && !sequence.last && !numbers.has(sequence.number);
      numbers.add(sequence?.number);
      return isFirst;
    });
}

async function settled(clock: VirtualClock, work: Promise<void>): Promise<void> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  const start = clock.now();
  for (let turn = 0; turn < 400 && !isOver; turn++) await clock.advance(250);
  if (!isOver) throw new Error(`It is not over ${clock.now() - start} ms later.`);
  await work;
}
