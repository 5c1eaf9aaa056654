/** The acceptor: what it answers to every message of a client, in both versions and both SOAP versions. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Carry, Delivery } from '../../src/channel/delivery.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { readHeaders, sequenceHeader } from '../../src/reliable/headers.ts';
import { position } from '../../src/reliable/position.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { addressing200508, addressingOf, withAddressing } from '../../src/soap/addressing.ts';
import { header, payload, withHeaders } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptorEnd, saying } from './ends.ts';
import { Client } from './peers.ts';
import { committing } from './stores.ts';

interface World {
  readonly clock: VirtualClock;
  readonly done: string[];
  readonly client: Client;
  readonly views: SessionView[];
  /** Handlers wait for it, when it is there. */
  gate: Promise<void> | undefined;
}

async function world(
  options: ReliableSessionOptions = {},
  init: { version?: ReliableVersion; soap?: SoapVersion; offer?: string | undefined; receive?: Carry } = {},
): Promise<World> {
  const clock = new VirtualClock();
  const done: string[] = [];
  const views: SessionView[] = [];
  const receive: Carry = async (trip) => {
    await made.gate;
    const text = payload(trip.message)?.text ?? '';
    done.push(text);
    return trip.carrying(saying(`re: ${text}`, trip.message.version, 'urn:test:reply'));
  };
  const end = acceptorEnd(
    { clock, random: seededRandom(5), onSession: (view) => void views.push(view), ...options },
    init.receive ?? receive,
  );
  const version = init.version ?? reliable200702;
  const offer = 'offer' in init ? init.offer : 'urn:offer';
  const client = new Client(end, version, { ...(offer === undefined ? {} : { offer }), soap: init.soap ?? soap12 });
  const made: World = { clock, done, client, views, gate: undefined };
  await client.create();
  return made;
}

const isLast = (of: Message | undefined) => of !== undefined && readHeaders(of)?.sequence?.last === true;
const upperOf = (of: Message | undefined) =>
  of === undefined ? undefined : readHeaders(of)?.acknowledgements[0]?.ranges;
const numberOf = (of: Message | undefined) => (of === undefined ? undefined : readHeaders(of)?.sequence?.number);
const faultNameOf = (of: Message | undefined) => (of === undefined ? undefined : readReliableFault(of)?.fault.name);
const textOf = (of: Message | undefined) => (of === undefined ? undefined : payload(of)?.text);
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe.each(reliableVersions.flatMap((version) => soapVersions.map((soap) => ({ version, soap }))))(
  'a session in $version.name over SOAP $soap.name',
  ({ version, soap }) => {
    test('request-reply, from CreateSequence to the end', async () => {
      const { client, done, views } = await world({}, { version, soap });
      const reply = await client.ask(client.numbered(1));
      expect([textOf(reply), numberOf(reply), upperOf(reply)]).toEqual(['re: message 1', 1, [{ lower: 1, upper: 1 }]]);
      if (version === reliable200702) {
        const closed = await client.ask(client.about('CloseSequence', 1, [client.acknowledging(1, { final: true })]));
        expect(closed?.action).toBe(version.actions.closeSequenceResponse);
        expect(readHeaders(closed ?? saying(''))?.acknowledgements[0]?.final).toBe(true);
      } else {
        const last = await client.ask(
          client.numbered(2, { last: true, headers: [client.acknowledging(1)], messageId: undefined }),
        );
        expect([last?.action, numberOf(last)]).toEqual([version.actions.lastMessage, 2]);
      }
      const over = await client.ask(client.about('TerminateSequence', version.final ? 1 : undefined));
      expect(over?.action).toBe(version.actions.terminateSequenceResponse ?? version.actions.terminateSequence);
      expect(done).toEqual(['message 1']);
      expect(views[0]?.statistics).toMatchObject({ delivered: 1, sent: version.final ? 1 : 2, duplicates: 0 });
    });

    test('a duplicate of an unacknowledged reply: the same number, the acknowledgement of then', async () => {
      const { client, done } = await world({}, { version, soap });
      const first = await client.ask(client.numbered(1));
      await client.ask(client.numbered(2));
      const again = await client.ask(client.numbered(1));
      expect([numberOf(again), upperOf(again), textOf(again)]).toEqual([
        numberOf(first),
        upperOf(first),
        textOf(first),
      ]);
      const acknowledged = await client.ask(client.numbered(1, { headers: [client.acknowledging(2)] }));
      expect([acknowledged?.action, upperOf(acknowledged)]).toEqual([
        version.actions.sequenceAcknowledgement,
        [{ lower: 1, upper: 2 }],
      ]);
      expect(done).toEqual(['message 1', 'message 2']);
    });

    test('a fault of the application travels as a numbered reply', async () => {
      const { client } = await world(
        {},
        { version, soap, receive: () => Promise.reject(new Error('a secret detail')) },
      );
      const reply = await client.ask(client.numbered(1));
      expect(numberOf(reply)).toBe(1);
      expect(faultOf(reply ?? saying(''))?.code).toBe('receiver');
      expect(reply?.body.toString()).not.toContain('secret');
      expect(numberOf(await client.ask(client.numbered(2)))).toBe(2);
    });

    test('AckRequested is answered', async () => {
      const { client } = await world({}, { version, soap });
      await client.ask(client.numbered(1));
      const answer = await client.ask(client.ackRequested());
      expect([answer?.action, upperOf(answer)]).toEqual([
        version.actions.sequenceAcknowledgement,
        [{ lower: 1, upper: 1 }],
      ]);
    });

    test('an unknown sequence: UnknownSequence, Sender, with the identifier, under the right action', async () => {
      const { client } = await world({}, { version, soap });
      for (const of of [
        client.numbered(1, { id: 'urn:nobody' }),
        client.ackRequested('urn:nobody'),
        client.about('TerminateSequence', undefined, [], 'urn:nobody'),
      ]) {
        const answer = await client.ask(of);
        expect(answer?.action).toBe(version.faultAction ?? addressing200508.soapFaultAction);
        expect(readReliableFault(answer ?? saying(''))?.fault).toMatchObject({
          name: 'UnknownSequence',
          code: 'sender',
          identifier: 'urn:nobody',
        });
        expect(addressingOf(answer ?? saying(''))?.relatesTo).toBe(addressingOf(of)?.messageId);
      }
    });
  },
);

describe('order and parking', () => {
  test('a request that came too early waits for its turn; a copy of it waits beside it; all get their replies', async () => {
    const { client, done } = await world();
    const third = client.ask(client.numbered(3));
    const second = client.ask(client.numbered(2));
    const copy = client.ask(client.numbered(3));
    await settled();
    expect(done).toEqual([]);
    const first = await client.ask(client.numbered(1));
    expect(done[0]).toBe('message 1');
    expect(textOf(first)).toBe('re: message 1');
    expect([textOf(await second), textOf(await third), textOf(await copy)]).toEqual([
      're: message 2',
      're: message 3',
      're: message 3',
    ]);
    expect(numberOf(await third)).toBe(numberOf(await copy));
    expect(upperOf(await third), 'a parked request takes nothing back').toEqual([{ lower: 1, upper: 3 }]);
    expect(done).toEqual(['message 1', 'message 2', 'message 3']);
  });

  test('the next message is handed up when the one before is finished', async () => {
    const made = await world({}, { offer: undefined });
    let open: () => void = () => undefined;
    made.gate = new Promise((resolve) => {
      open = resolve;
    });
    const oneWay = (number: number) => made.client.ask(made.client.numbered(number, { messageId: undefined }));
    const answers = [await oneWay(1), await oneWay(2)];
    expect(answers.map(upperOf)).toEqual([[{ lower: 1, upper: 1 }], [{ lower: 1, upper: 2 }]]);
    expect(made.done).toEqual([]);
    open();
    await settled();
    expect(made.done).toEqual(['message 1', 'message 2']);
  });

  test.each(reliableVersions.flatMap((version) => [true, false].map((ordered) => ({ version, ordered }))))(
    '10. a client that opens with a window of one ($version.name, ordered: $ordered): nothing waits for what it has not sent yet',
    async ({ version, ordered }) => {
      const { client, clock, done } = await world({ ordered }, { version });
      const before = clock.now();
      for (let number = 1; number <= 12; number += 1) {
        const headers = number === 1 ? [] : [client.acknowledging(number - 1)];
        const answer = await client.ask(client.numbered(number, { headers }));
        expect(numberOf(answer)).toBe(number);
        expect(upperOf(answer)).toEqual([{ lower: 1, upper: number }]);
        expect(done).toHaveLength(number);
      }
      expect(clock.now()).toBe(before);
    },
  );

  test('too many copies of a waiting request: the oldest is let go empty', async () => {
    const { client } = await world();
    const copies = Array.from({ length: 6 }, () => client.ask(client.numbered(2)));
    await settled();
    await client.ask(client.numbered(1));
    const answers = await Promise.all(copies);
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(2);
  });

  test('more than a window of unacknowledged replies: nothing new is taken until they are acknowledged', async () => {
    const { client } = await world({ maxTransferWindowSize: 2 });
    await client.ask(client.numbered(1));
    await client.ask(client.numbered(2));
    expect(await client.ask(client.numbered(3))).toBeUndefined();
    expect(numberOf(await client.ask(client.numbered(3, { headers: [client.acknowledging(2)] })))).toBe(3);
  });

  test('a one-way message in a session with replies: acknowledged at once, and no reply number is used', async () => {
    const { client } = await world();
    const one = await client.ask(client.numbered(1, { messageId: undefined }));
    expect([one?.action, numberOf(one)]).toEqual([reliable200702.actions.sequenceAcknowledgement, undefined]);
    expect(numberOf(await client.ask(client.numbered(2)))).toBe(1);
  });

  test('what is handed up says where it stands, and has no header of WS-RM left', async () => {
    const trips: Delivery[] = [];
    const { client } = await world(
      {},
      {
        receive: async (trip) => {
          trips.push(trip);
          return undefined;
        },
      },
    );
    await client.ask(client.numbered(1));
    expect(trips[0]?.get(position)).toEqual({ sequence: client.id, number: 1 });
    expect(readHeaders(trips[0]?.message ?? saying(''))).toBeUndefined();
  });
});

describe('the end of a session', () => {
  test('after CloseSequence: new numbers get SequenceClosed with the final acknowledgement, old ones their reply', async () => {
    const { client } = await world();
    await client.ask(client.numbered(1));
    await client.ask(client.about('CloseSequence', 1));
    const answer = await client.ask(client.numbered(2));
    expect(faultNameOf(answer)).toBe('SequenceClosed');
    expect(readHeaders(answer ?? saying(''))?.acknowledgements[0]).toMatchObject({
      final: true,
      ranges: [{ lower: 1, upper: 1 }],
    });
    expect(numberOf(await client.ask(client.numbered(1)))).toBe(1);
  });

  test('late copies of CloseSequence and TerminateSequence get their answers; later the sequence is unknown', async () => {
    const { client, clock } = await world({ remember: 30_000 });
    await client.ask(client.numbered(1));
    await client.ask(client.about('CloseSequence', 1));
    await client.ask(client.about('TerminateSequence', 1));
    for (const local of ['CloseSequence', 'TerminateSequence'] as const) {
      const answer = await client.ask(client.about(local, 1));
      expect(answer?.action).toBe(`${reliable200702.namespace}/${local}Response`);
      expect(readHeaders(answer ?? saying(''))?.acknowledgements[0]).toMatchObject({
        final: true,
        ranges: [{ lower: 1, upper: 1 }],
      });
    }
    expect(faultNameOf(await client.ask(client.numbered(1)))).toBe('UnknownSequence');
    await clock.advance(31_000);
    expect(faultNameOf(await client.ask(client.about('TerminateSequence', 1)))).toBe('UnknownSequence');
  });

  test('inactivity ends it, and nobody is told until they ask', async () => {
    const { client, clock } = await world({ inactivityTimeout: 10_000 });
    await clock.advance(11_000);
    expect(faultNameOf(await client.ask(client.numbered(1)))).toBe('UnknownSequence');
  });

  test('Expires is granted up to the limit, said back, and kept', async () => {
    const { client, clock } = await world({ maxExpires: 60_000, inactivityTimeout: 3_600_000 });
    const short = await client.ask(client.createMessage({ expires: 'PT30S', offer: 'urn:short' }));
    expect(readCreateSequenceResponse(reliable200702, short ?? saying('')).expires).toBe('PT30S');
    const long = await client.ask(client.createMessage({ expires: 'P1Y', offer: 'urn:long' }));
    const { id, expires } = readCreateSequenceResponse(reliable200702, long ?? saying(''));
    expect(expires).toBe('PT60S');
    await clock.advance(61_000);
    expect(faultNameOf(await client.ask(client.numbered(1, { id })))).toBe('UnknownSequence');
  });

  test('LastMsgNumber that contradicts: SequenceTerminated', async () => {
    const { client } = await world();
    await client.ask(client.numbered(1));
    await client.ask(client.numbered(2));
    expect(faultNameOf(await client.ask(client.about('CloseSequence', 1)))).toBe('SequenceTerminated');
  });

  test('2005/02: TerminateSequence of a one-way session gets an empty answer', async () => {
    const { client } = await world({}, { version: reliable200502, offer: undefined });
    await client.ask(client.numbered(1, { messageId: undefined }));
    expect(await client.ask(client.about('TerminateSequence'))).toBeUndefined();
  });

  test('closing the endpoint: what is at work is finished, new sessions are refused', async () => {
    const made = await world({}, { offer: undefined });
    let open: () => void = () => undefined;
    made.gate = new Promise((resolve) => {
      open = resolve;
    });
    await made.client.ask(made.client.numbered(1, { messageId: undefined }));
    const closing = made.client.end.channel.close();
    const refused = await made.client.ask(made.client.createMessage({ offer: 'urn:late' }));
    expect(faultOf(refused ?? saying(''))?.subcode?.local).toBe('EndpointUnavailable');
    open();
    await closing;
    expect(made.done).toEqual(['message 1']);
  });
});

describe('CreateSequence', () => {
  test('without MessageID, as gSOAP sends it: answered, relating to nothing', async () => {
    const { client } = await world();
    const answer = await client.ask(client.createMessage({ messageId: undefined, offer: 'urn:other' }));
    expect(answer?.action).toBe(reliable200702.actions.createSequenceResponse);
    expect(addressingOf(answer ?? saying(''))?.relatesTo).toBeUndefined();
  });

  test('M11 repeated with the same MessageID, or the same offer: the same sequence', async () => {
    const { client, views } = await world({}, { offer: undefined });
    const request = client.createMessage({ messageId: 'urn:uuid:same' });
    const ids = await Promise.all([client.ask(request), client.ask(request)]);
    const [one, other] = ids.map((of) => readCreateSequenceResponse(reliable200702, of ?? saying('')).id);
    expect(one).toBe(other);
    expect(views).toHaveLength(2);
  });

  test.each([
    ['M15 AcksTo elsewhere', { acksTo: 'http://victim.example/' }, 'sender'],
    ['M27 a negative Expires', { expires: '-PT1S' }, 'sender'],
    ['Expires that is no duration', { expires: 'tomorrow' }, 'sender'],
  ] as const)('%s: CreateSequenceRefused', async (_, more, code) => {
    const { client } = await world();
    const answer = await client.ask(client.createMessage({ offer: 'urn:new', ...more }));
    expect(readReliableFault(answer ?? saying(''))?.fault).toMatchObject({ name: 'CreateSequenceRefused', code });
  });

  test('UsesSequenceSTR without a token is refused, UsesSequenceSSL taken where TLS has shown a certificate', async () => {
    for (const [local, fault] of [
      ['UsesSequenceSTR', 'CreateSequenceRefused'],
      ['UsesSequenceSSL', undefined],
    ] as const) {
      const { client } = await world();
      const block = header(soap12, XmlFragment.parse(`<r:${local} xmlns:r="${reliable200702.namespace}"/>`), {
        mustUnderstand: true,
      });
      const answer = await client.ask(withHeaders(client.createMessage({ offer: 'urn:new' }), [block]));
      expect(faultNameOf(answer), local).toBe(fault);
    }
  });

  test('an empty body, or another one: CreateSequenceRefused', async () => {
    const { client } = await world();
    const { createSequence } = reliable200702.actions;
    expect(faultNameOf(await client.ask(client.message(createSequence)))).toBe('CreateSequenceRefused');
    expect(
      faultNameOf(await client.ask(client.message(createSequence, { body: XmlFragment.parse('<x xmlns="urn:x"/>') }))),
    ).toBe('CreateSequenceRefused');
  });

  test('a mandatory header that nobody understands: MustUnderstand', async () => {
    const { client } = await world();
    const block = header(soap12, XmlFragment.parse('<x:Odd xmlns:x="urn:odd"/>'), { mustUnderstand: true });
    const answer = await client.ask(withHeaders(client.createMessage({ offer: 'urn:new' }), [block]));
    expect(faultOf(answer ?? saying(''))?.code).toBe('mustUnderstand');
  });

  test('too many sessions wait for the application: ConnectionLimitReached', async () => {
    let admit: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const end = acceptorEnd(
      { clock: new VirtualClock(), maxPendingChannels: 2, onSession: () => gate },
      async () => undefined,
    );
    const client = new Client(end, reliable200702);
    const waiting = [1, 2].map((at) => client.ask(client.createMessage({ offer: `urn:${at}` })));
    await settled();
    const refused = await client.ask(client.createMessage({ offer: 'urn:3' }));
    expect(readReliableFault(refused ?? saying(''))?.fault).toMatchObject({
      name: 'CreateSequenceRefused',
      code: 'receiver',
      connectionLimit: true,
    });
    admit();
    for (const answer of await Promise.all(waiting))
      expect(answer?.action).toBe(reliable200702.actions.createSequenceResponse);
    expect((await client.ask(client.createMessage({ offer: 'urn:4' })))?.action).toBe(
      reliable200702.actions.createSequenceResponse,
    );
  });
});

describe('messages that are not of WS-RM', () => {
  test('WsrmRequired where 200702 is asked for; the famous sentence where only 2005/02 is spoken', async () => {
    const plain = (client: Client) => client.ask({ ...client.message('urn:test:say'), body: saying('one').body });
    const newer = await plain((await world()).client);
    expect(faultNameOf(newer)).toBe('WsrmRequired');
    expect(newer?.action).toBe(reliable200702.faultAction);
    const older = await plain((await world({ versions: [reliable200502] }, { version: reliable200502 })).client);
    expect(faultOf(older ?? saying(''))).toMatchObject({
      subcode: { local: 'ActionNotSupported' },
      reason: 'Only WS-ReliableMessaging February 2005 messages are processed by this endpoint.',
    });
  });

  test('a version that is not spoken here', async () => {
    const end = acceptorEnd({ clock: new VirtualClock(), versions: [reliable200502] }, async () => undefined);
    const client = new Client(end, reliable200702);
    expect(faultOf((await client.ask(client.createMessage({}))) ?? saying(''))?.subcode?.local).toBe(
      'ActionNotSupported',
    );
  });
});

describe('a client that offered no sequence and awaits replies', () => {
  test.each(reliableVersions)('$name: the reply comes without a number, with the acknowledgement', async (version) => {
    const { client, views } = await world({}, { version, offer: undefined });
    const request = client.numbered(1);
    const reply = await client.ask(request);
    expect([textOf(reply), numberOf(reply), upperOf(reply)]).toEqual([
      're: message 1',
      undefined,
      [{ lower: 1, upper: 1 }],
    ]);
    expect(addressingOf(reply ?? saying(''))?.relatesTo).toBe(addressingOf(request)?.messageId);
    expect(views[0]?.submitted).toBe(0);
  });

  test('a repeated request gets the same reply and is executed once; so with a copy that waits', async () => {
    const made = await world({}, { offer: undefined });
    const { client, done } = made;
    await client.ask(client.numbered(1));
    expect(textOf(await client.ask(client.numbered(1)))).toBe('re: message 1');
    let open: () => void = () => undefined;
    made.gate = new Promise((resolve) => {
      open = resolve;
    });
    const both = [client.ask(client.numbered(2)), client.ask(client.numbered(2))];
    await settled();
    open();
    expect((await Promise.all(both)).map(textOf)).toEqual(['re: message 2', 're: message 2']);
    expect(done).toEqual(['message 1', 'message 2']);
  });

  test('a window of replies is kept, in memory and in the store; after that a copy is only acknowledged', async () => {
    const store = memory();
    const { client, done } = await world({ store, maxTransferWindowSize: 2 }, { offer: undefined });
    for (const number of [1, 2, 3]) await client.ask(client.numbered(number));
    expect((await client.ask(client.numbered(1)))?.action).toBe(reliable200702.actions.sequenceAcknowledgement);
    const again = [await client.ask(client.numbered(2)), await client.ask(client.numbered(3))];
    expect(again.map(textOf)).toEqual(['re: message 2', 're: message 3']);
    const key = (await store.sessions())[0]?.session ?? '';
    expect((await Array.fromAsync(store.messages(key))).map(({ direction, number }) => [direction, number])).toEqual([
      ['out', 2],
      ['out', 3],
    ]);
    expect(done).toHaveLength(3);
    await client.ask(client.about('TerminateSequence', 3));
    expect(await store.sessions()).toEqual([]);
  });

  test('after a restart the reply is given again', async () => {
    const store = memory();
    const first = await world({ store }, { offer: undefined });
    await first.client.ask(first.client.numbered(1));
    first.client.end.channel.abort(new Error('killed'));
    const end = acceptorEnd({ clock: first.clock, store }, async () => expect.fail('executed twice'));
    await end.channel.open();
    const client = new Client(end, reliable200702);
    client.id = first.client.id;
    const again = await client.ask(client.numbered(1));
    expect([textOf(again), upperOf(again)]).toEqual(['re: message 1', [{ lower: 1, upper: 1 }]]);
  });

  test('ReplyTo none: nothing is awaited, so the acknowledgement comes at once', async () => {
    const made = await world({}, { offer: undefined });
    made.gate = new Promise(() => undefined);
    const request = made.client.numbered(1);
    const given = addressingOf(request);
    if (given === undefined) throw new Error('no addressing');
    const none = { address: given.version.none ?? '', parameters: [] };
    const answer = await made.client.ask(withAddressing(request, { ...given, replyTo: none }));
    expect(answer?.action).toBe(reliable200702.actions.sequenceAcknowledgement);
  });
});

describe('sessions in a store', () => {
  test('after a restart: what was not finished is handed up again with its sender, and unacknowledged replies are back', async () => {
    const store = memory();
    const clock = new VirtualClock();
    const never = new Promise<undefined>(() => undefined);
    const first = acceptorEnd({ clock, store }, async (trip) =>
      textOf(trip.message) === 'message 2' ? never : trip.carrying(saying('re: one', soap12, 'urn:test:reply')),
    );
    const client = await new Client(first, reliable200702, { offer: 'urn:offer' }).create();
    await client.ask(client.numbered(1));
    void client.ask(client.numbered(2));
    void client.ask(client.numbered(3));
    await settled();
    first.channel.abort(new Error('killed'));

    const seen: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const second = acceptorEnd({ clock, store }, async (trip) => {
      await gate;
      seen.push(`${textOf(trip.message)} from ${identityOf(trip)} ${trip.get(position)?.number}`);
      expect(trip.get(evidence)).toBeUndefined();
      return trip.carrying(saying('re: again', soap12, 'urn:test:reply'));
    });
    await second.channel.open();
    const repeated = new Client(second, reliable200702, { offer: 'urn:offer' });
    repeated.id = client.id;
    const waiting = repeated.ask(repeated.numbered(2));
    await settled();
    open();
    while (seen.length < 2) await settled();
    expect(seen).toEqual(['message 2 from tls:alice 2', 'message 3 from tls:alice 3']);
    const later = new Client(second, reliable200702, { offer: 'urn:offer' });
    later.id = client.id;
    expect(textOf(await waiting), 'a copy that came before the reply was made waits for it').toBe('re: again');
    const again = await later.ask(later.numbered(1));
    expect([textOf(again), numberOf(again)]).toEqual(['re: one', 1]);
    expect(textOf(await later.ask(later.numbered(3)))).toBe('re: again');
    await later.ask(later.about('TerminateSequence', 3));
    expect(await store.sessions()).toEqual([]);
  });

  test('what is being stored while its session is suspended is handled by whoever takes it up, and by nobody else', async () => {
    const good = memory();
    let gate: Promise<void> | undefined;
    const store = committing(good, async (change) => {
      await good.commit(change);
      await gate;
    });
    const { client, done, views } = await world({ store });
    const stored = Promise.withResolvers<void>();
    gate = stored.promise;
    const asking = client.ask(client.numbered(1));
    await settled();
    const suspended = views[0]?.suspend();
    stored.resolve();
    await suspended;
    expect([textOf(await asking), done]).toEqual([undefined, []]);
    const second = acceptorEnd({ clock: new VirtualClock(), store: good }, async (trip) => {
      done.push(`second: ${textOf(trip.message)}`);
      return undefined;
    });
    await second.channel.open();
    await settled();
    expect(done).toEqual(['second: message 1']);
  });

  test('what cannot be stored is not accepted: an empty answer, and the session goes on', async () => {
    const good = memory();
    let broken = false;
    const store = committing(good, (change) =>
      broken ? Promise.reject(new Error('the disk is full')) : good.commit(change),
    );
    const { client, done } = await world({ store });
    broken = true;
    expect(await client.ask(client.numbered(1))).toBeUndefined();
    expect(done).toEqual([]);
    broken = false;
    expect(textOf(await client.ask(client.numbered(1)))).toBe('re: message 1');
  });
});

test('a store that fails when the application is done: tried again, and the application is not asked twice', async () => {
  const good = memory();
  let broken = false;
  const store = committing(good, (change) =>
    broken ? Promise.reject(new Error('the disk is full')) : good.commit(change),
  );
  const made = await world({ store });
  let open: () => void = () => undefined;
  made.gate = new Promise((resolve) => {
    open = resolve;
  });
  const asking = made.client.ask(made.client.numbered(1));
  await settled();
  broken = true;
  open();
  await made.clock.advance(5_000);
  broken = false;
  await made.clock.advance(5_000);
  expect(textOf(await asking)).toBe('re: message 1');
  expect(made.done).toEqual(['message 1']);
});

test('SOAP 1.1 clients get SOAP 1.1', async () => {
  const { client } = await world({}, { soap: soap11 });
  expect((await client.ask(client.numbered(1)))?.version).toBe(soap11);
});

describe('2005/02: an application marks its own last message (B1203; facts 4.5.4 d)', () => {
  /** Message `number` of the application, marked as the last. */
  const marked = (client: Client, number: number, messageId?: string) => {
    const block = sequenceHeader(client.version, client.soap, { id: client.id, number, last: true });
    const of = client.message('urn:test:say', { headers: [block], messageId });
    return { ...of, body: saying(`message ${number}`, client.soap).body };
  };
  const older = { version: reliable200502 };

  test('its reply is marked too, also when it is given again; the one before is not', async () => {
    const { client } = await world({}, older);
    const before = await client.ask(client.numbered(1));
    const request = marked(client, 2, 'urn:uuid:marked');
    const reply = await client.ask(request);
    const again = await client.ask(request);
    for (const one of [reply, again]) {
      expect([textOf(one), numberOf(one), isLast(one)]).toEqual(['re: message 2', 2, true]);
    }
    expect([numberOf(before), isLast(before)]).toEqual([1, false]);
  });

  test('a one-way one is answered with the empty LastMessage on the reply sequence, once it is handled', async () => {
    const made = await world({}, older);
    const gate = Promise.withResolvers<void>();
    made.gate = gate.promise;
    const asked = made.client.ask(marked(made.client, 1));
    await settled();
    gate.resolve();
    const answer = await asked;
    expect(answer?.action).toBe(reliable200502.actions.lastMessage);
    expect([numberOf(answer), isLast(answer), upperOf(answer)]).toEqual([1, true, [{ lower: 1, upper: 1 }]]);
    expect(made.done).toEqual(['message 1']);
  });

  test('without a reply sequence it is acknowledged like any', async () => {
    const { client } = await world({}, { ...older, offer: undefined });
    const answer = await client.ask(marked(client, 1));
    expect(answer?.action).toBe(reliable200502.actions.sequenceAcknowledgement);
  });

  test('while another request is still to be answered no reply is the last', async () => {
    const gate = Promise.withResolvers<void>();
    const { client } = await world(
      { ordered: false },
      {
        ...older,
        receive: async (trip) => {
          if (payload(trip.message)?.text === 'message 1') await gate.promise;
          return trip.carrying(saying('re', trip.message.version));
        },
      },
    );
    const first = client.ask(client.numbered(1));
    const second = await client.ask(marked(client, 2, 'urn:uuid:marked'));
    expect([numberOf(second), isLast(second)]).toEqual([1, false]);
    gate.resolve();
    expect([numberOf(await first), isLast(await first)]).toEqual([2, false]);
  });
});
