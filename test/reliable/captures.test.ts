/**
 * What a real .NET WCF client and Metro said to each other (shared captures), played against either end of surewire: the
 * client's octets are accepted and answered with what that client requires (facts/wcf-implementation.md 3.13), and what
 * surewire sends in its place is what it sent.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { ChannelError } from '../../src/channel/errors.ts';
import { readAboutSequence, readCreateSequence, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { type Acknowledgement, readHeaders, withoutReliableHeaders } from '../../src/reliable/headers.ts';
import { highest, includes } from '../../src/reliable/ranges.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { versionOf } from '../../src/reliable/versions/table.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { acceptorEnd, initiatorEnd } from './ends.ts';
import { cleanCaptures, hasCaptures, type RecordedExchange, recorded, withoutData } from './recorded.ts';
import { echo, required } from './replay.ts';

const disturbed = [
  'wcf-metro-drop-request-rm11',
  'wcf-metro-drop-request-oneway-rm11',
  'wcf-metro-drop-response-rm10',
  'wcf-metro-drop-response-rm11',
  'wcf-metro-dup-request-rm11',
  'wcf-metro-fault-rm11',
] as const;

/** What is said about sequences, in a form that compares. */
function said(of: Message | undefined, ids: ReadonlyMap<string, string>): unknown {
  if (of === undefined) return 'empty';
  const headers = readHeaders(of);
  const name = (id: string) => ids.get(id) ?? id;
  const acknowledgement = ({ id, ranges, final, nacks }: Acknowledgement) => ({ id: name(id), ranges, final, nacks });
  return {
    action: of.action,
    sequence: headers?.sequence === undefined ? undefined : { ...headers.sequence, id: name(headers.sequence.id) },
    acknowledgements: headers?.acknowledgements.map(acknowledgement) ?? [],
    body: payload(of)?.local,
  };
}

function versionIn(exchanges: readonly RecordedExchange[]): ReliableVersion {
  const first = required(exchanges[0]?.request.message);
  const version = versionOf(first.action.slice(0, first.action.lastIndexOf('/')));
  if (version === undefined) throw new Error('the capture does not start with CreateSequence');
  return version;
}

async function replayToAcceptor(
  name: string,
): Promise<readonly (RecordedExchange & { readonly ours: Message | undefined })[]> {
  const exchanges = recorded(name);
  const version = versionIn(exchanges);
  const created = readCreateSequenceResponse(version, required(exchanges[0]?.response?.message));
  const end = acceptorEnd(
    {
      ordered: !name.includes('unordered'),
      clock: new VirtualClock(),
      random: seededRandom(1),
      flowControlEnabled: false,
      newIdentifier: (use) => (use === 'sequence' ? created.id : `urn:uuid:${use}`),
    },
    echo,
  );
  const played: (RecordedExchange & { readonly ours: Message | undefined })[] = [];
  for (const exchange of exchanges) {
    // A request that the proxy dropped never came to the server.
    if (name.includes('drop-request') && exchange.response === undefined) continue;
    const ours = await end.ask(required(exchange.request.message));
    if (name.includes('dup-request') && readHeaders(required(exchange.request.message))?.sequence?.number === 2) {
      const again = await end.ask(required(exchange.request.message));
      expect(said(again, new Map()), 'a duplicate gets the same reply').toEqual(said(ours, new Map()));
    }
    played.push({ ...exchange, ours });
  }
  return played;
}

describe.skipIf(!hasCaptures)(
  `the octets of a WCF client against a surewire acceptor ${hasCaptures ? '' : withoutData}`,
  () => {
    describe.each([...cleanCaptures, ...disturbed])('%s', (name) => {
      test('1. CreateSequenceResponse: RelatesTo, Accept with the address that was dialled, children in order', async () => {
        const [create] = await replayToAcceptor(name);
        const request = required(create?.request.message);
        const ours = required(create?.ours);
        const version = versionIn(recorded(name));
        expect(ours.action).toBe(version.actions.createSequenceResponse);
        expect(addressingOf(ours)?.relatesTo).toBe(addressingOf(request)?.messageId);
        const response = readCreateSequenceResponse(version, ours);
        const offered = readCreateSequence(version, request).offer;
        expect(response.accept?.address).toBe(offered === undefined ? undefined : addressingOf(request)?.to);
        const order = ['Identifier', 'Expires', 'IncompleteSequenceBehavior', 'Accept'];
        const children = payload(ours)?.children.map((child) => child.local) ?? [];
        expect(children).toEqual(order.filter((local) => children.includes(local)));
      });

      test('3. and 4. every numbered request is answered with one acknowledgement that has its number', async () => {
        for (const { request, ours, number } of await replayToAcceptor(name)) {
          const sequence = readHeaders(required(request.message))?.sequence;
          if (sequence === undefined) continue;
          const answered = required(ours);
          const blocks = answered.headers.filter(({ local }) => local === 'SequenceAcknowledgement');
          expect(blocks, `exchange ${number}`).toHaveLength(1);
          expect(blocks[0]?.mustUnderstand).toBe(false);
          const [acknowledgement] = readHeaders(answered)?.acknowledgements ?? [];
          expect(acknowledgement?.id).toBe(sequence.id);
          expect(includes(acknowledgement?.ranges ?? [], Number(sequence.number))).toBe(true);
        }
      });

      test('header blocks stand in WCF order: Sequence, SequenceAcknowledgement, then addressing', async () => {
        for (const { ours } of await replayToAcceptor(name)) {
          const order = ours?.headers.map(({ local }) => local) ?? [];
          const wanted = ['Sequence', 'SequenceAcknowledgement', 'Action', 'MessageID', 'RelatesTo', 'ReplyTo', 'To'];
          expect(order).toEqual(wanted.filter((local) => order.includes(local)));
        }
      });

      test('8. and 9. the last messages are answered as the client requires', async () => {
        const played = await replayToAcceptor(name);
        const version = versionIn(recorded(name));
        const terminate = played.at(-1);
        const before = played.at(-2);
        const offered = readCreateSequence(version, required(played[0]?.request.message)).offer;
        if (version === reliable200702) {
          for (const exchange of [before, terminate]) {
            expect(readHeaders(required(exchange?.ours))?.acknowledgements[0]?.final).toBe(true);
          }
          expect(before?.ours?.action).toBe(version.actions.closeSequenceResponse);
          expect(terminate?.ours?.action).toBe(version.actions.terminateSequenceResponse);
          expect(addressingOf(required(terminate?.ours))?.relatesTo).toBe(
            addressingOf(required(terminate?.request.message))?.messageId,
          );
        } else if (offered === undefined) {
          expect(before?.ours?.action).toBe(version.actions.sequenceAcknowledgement);
          expect(terminate?.ours, 'TerminateSequence of a one-way session gets an empty 202').toBeUndefined();
        } else {
          expect(before?.ours?.action).toBe(version.actions.lastMessage);
          expect(readHeaders(required(before?.ours))?.sequence?.last).toBe(true);
          expect(terminate?.ours?.action).toBe(version.actions.terminateSequence);
          expect(readAboutSequence(version, required(terminate?.ours), 'TerminateSequence').id).toBe(offered.id);
          expect(readHeaders(required(terminate?.ours))?.acknowledgements).toHaveLength(1);
        }
      });

      test('the same acknowledgements, reply numbers and end as Metro gave', async () => {
        for (const { ours, response, number } of await replayToAcceptor(name)) {
          if (response === undefined) continue;
          const fault = (of: Message | undefined) => (of === undefined ? undefined : faultOf(of)?.code);
          expect(fault(ours), `exchange ${number}`).toBe(fault(response.message));
          const metro = said(response.message, new Map()) as { action?: string };
          const mine = said(ours, new Map()) as { action?: string };
          // Metro uses the wrong one of the two fault actions of WS-Addressing.
          if (fault(ours) !== undefined) mine.action = metro.action ?? '';
          expect(mine, `exchange ${number}`).toEqual(metro);
        }
      });
    });

    test('2. a repeated CreateSequence gets the same identifier', async () => {
      const [create] = recorded('wcf-metro-rm11');
      const end = acceptorEnd({ clock: new VirtualClock(), random: seededRandom(2) }, echo);
      const request = required(create?.request.message);
      const first = readCreateSequenceResponse(reliable200702, required(await end.ask(request)));
      const second = readCreateSequenceResponse(reliable200702, required(await end.ask(request)));
      expect(second).toEqual(first);
    });

    test('5. a dropped response: the same reply number and the same acknowledgement again', async () => {
      for (const name of ['wcf-metro-drop-response-rm10', 'wcf-metro-drop-response-rm11']) {
        const played = await replayToAcceptor(name);
        const second = played.filter(({ request }) => readHeaders(required(request.message))?.sequence?.number === 2);
        expect(second.length).toBeGreaterThan(1);
        expect(said(second[1]?.ours, new Map())).toEqual(said(second[0]?.ours, new Map()));
        expect(required(second[1]?.ours).body.toString()).toBe(required(second[0]?.ours).body.toString());
      }
    });

    test('5. one-way: duplicates after a lost answer are acknowledged, where Metro let WCF fail', async () => {
      const name = 'wcf-metro-drop-response-oneway-rm11';
      const exchanges = recorded(name).slice(0, 7);
      const version = versionIn(exchanges);
      const created = readCreateSequenceResponse(version, required(exchanges[0]?.response?.message));
      const end = acceptorEnd(
        { clock: new VirtualClock(), newIdentifier: (use) => (use === 'sequence' ? created.id : 'urn:uuid:other') },
        echo,
      );
      for (const { request } of exchanges) {
        const asked = required(request.message);
        const ours = await end.ask(asked);
        const sequence = readHeaders(asked)?.sequence;
        if (sequence !== undefined) {
          const [acknowledgement] = readHeaders(required(ours))?.acknowledgements ?? [];
          expect(highest(acknowledgement?.ranges ?? [])).toBe(sequence.number);
        } else if (faultOf(asked) !== undefined) {
          expect(ours, '7. a posted fault ends the session and gets an empty 202').toBeUndefined();
        }
      }
    });

    test('7. a posted SequenceTerminated ends the session: what comes after is of an unknown sequence', async () => {
      const exchanges = recorded('wcf-metro-drop-response-oneway-rm11');
      const created = readCreateSequenceResponse(reliable200702, required(exchanges[0]?.response?.message));
      const offer = readCreateSequence(reliable200702, required(exchanges[0]?.request.message)).offer;
      const end = acceptorEnd(
        { clock: new VirtualClock(), newIdentifier: (use) => (use === 'sequence' ? created.id : 'urn:uuid:other') },
        echo,
      );
      const message2 = required(exchanges[2]?.request.message);
      const posted = required(exchanges[6]?.request.message);
      for (const exchange of exchanges.slice(0, 3)) await end.ask(required(exchange.request.message));
      expect(readReliableFault(posted)?.fault).toMatchObject({ name: 'SequenceTerminated', code: 'receiver' });
      expect([created.id, offer?.id]).toContain(readReliableFault(posted)?.fault.identifier);
      expect(await end.ask(posted)).toBeUndefined();
      const answer = required(await end.ask(message2));
      expect(readReliableFault(answer)?.fault).toMatchObject({
        name: 'UnknownSequence',
        code: 'sender',
        identifier: created.id,
      });
    });
  },
);

/** Plays a capture against an initiator that is to say the same as the WCF client said. */
async function replayToInitiator(name: string): Promise<readonly { readonly wcf: Message; readonly ours: Message }[]> {
  const exchanges = recorded(name);
  const version = versionIn(exchanges);
  const create = required(exchanges[0]?.request.message);
  const offer = readCreateSequence(version, create).offer;
  const protocolIds = exchanges
    .map(({ request }) => required(request.message))
    .filter(({ action }) => action.startsWith(version.namespace))
    .flatMap((of) => addressingOf(of)?.messageId ?? []);
  const clock = new VirtualClock();
  const to = new URL(addressingOf(create)?.to ?? '');
  const options: ReliableSessionOptions = {
    version,
    oneWay: offer === undefined,
    ordered: !name.includes('unordered'),
    clock,
    random: seededRandom(3),
    to,
    newIdentifier: (use) => (use === 'offer' ? (offer?.id ?? '') : (protocolIds.shift() ?? 'urn:uuid:too-many')),
  };
  const played: { readonly wcf: Message; readonly ours: Message }[] = [];
  const left = [...exchanges];
  const channel = initiatorEnd(options, async (request) => {
    const exchange = left.shift();
    if (exchange === undefined) throw new Error('more was sent than the WCF client sent');
    played.push({ wcf: required(exchange.request.message), ours: request });
    if (exchange.response === undefined) throw new ChannelError('CHANNEL_LOST', 'dropped', { transient: true });
    return exchange.response.message;
  });
  const numbers = new Set<unknown>();
  const calls = exchanges
    .map(({ request }) => required(request.message))
    .filter((of) => {
      const sequence = readHeaders(of)?.sequence;
      const isFirst = sequence !== undefined && !sequence.last && !numbers.has(sequence.number);
      numbers.add(sequence?.number);
      return isFirst;
    });
  const work = (async () => {
    for (const call of calls) {
      const wantsReply = addressingOf(call)?.messageId !== undefined;
      const reply = await channel.send(delivery(withoutReliableHeaders(call)).with(expectsReply, wantsReply));
      expect(reply !== undefined).toBe(wantsReply);
      if (reply !== undefined) expect(readHeaders(reply.message), 'RM headers were consumed').toBeUndefined();
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
  for (let turn = 0; turn < 200 && result === undefined; turn += 1) await clock.advance(500);
  expect(result).toBe('done');
  expect(left, 'everything that the WCF client sent was sent').toHaveLength(0);
  return played;
}

describe.skipIf(!hasCaptures)(
  `recorded answers of Metro against a surewire initiator ${hasCaptures ? '' : withoutData}`,
  () => {
    test.each([...cleanCaptures, ...disturbed])(
      '%s: it says what the WCF client said, and accepts every answer',
      async (name) => {
        for (const { wcf, ours } of await replayToInitiator(name)) {
          expect(said(ours, new Map())).toEqual(said(wcf, new Map()));
          expect(addressingOf(ours)).toEqual(addressingOf(wcf));
          const blocks = (of: Message) => of.headers.map(({ local, mustUnderstand }) => `${local} ${mustUnderstand}`);
          expect(blocks(ours), 'the same header blocks in the same order').toEqual(blocks(wcf));
        }
      },
    );

    test.each([...cleanCaptures, ...disturbed])(
      '%s: the bodies about sequences are those of the WCF client',
      async (name) => {
        const version = name.includes('rm10') ? reliable200502 : reliable200702;
        for (const { wcf, ours } of await replayToInitiator(name)) {
          if (!wcf.action.startsWith(version.namespace)) continue;
          const shape = (of: Message) => JSON.stringify(outline(required(of)));
          expect(shape(ours)).toBe(shape(wcf));
        }
      },
    );
  },
);

function outline(of: Message): unknown {
  const element = payload(of);
  return element === undefined ? null : describeElement(element);
}

function describeElement(element: import('../../src/xml/document.ts').XmlElement): unknown {
  return element.children.length === 0
    ? [element.namespace, element.local, element.text]
    : [element.namespace, element.local, element.children.map(describeElement)];
}
