/**
 * Messages of a duplex session that name no address of their sender, as the one-way messages and acknowledgements of CXF's decoupled
 * endpoints: the session is found by its identifier, and what is to be said goes to where the session is reached.
 */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { binding, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { createSequence, readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { acknowledgementHeader, ackRequestedHeader, readHeaders, sequenceHeader } from '../../src/reliable/headers.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { referenceTo, withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 as wsa } from '../../src/soap/addressing-versions.ts';
import { message, payload, withHeaders } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { HeaderBlock, Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import type { XmlFragment } from '../../src/xml/fragment.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { saying } from '../reliable/ends.ts';

const to = new URL('http://service.example/dual');
const callback = 'http://client.example:8080/callback';
const none = 'http://www.w3.org/2005/08/addressing/none';
const owner = { secure: true, fingerprint: 'aa'.repeat(32), address: 'client.example' };
const stranger = { secure: true, fingerprint: 'bb'.repeat(32), address: 'stranger.example' };

/** A session of a client at the callback address, and what the service's application and the client heard. */
async function scene(version: ReliableVersion) {
  const clock = new VirtualClock();
  const net = loopback();
  const served: string[] = [];
  const answered: (string | undefined)[] = [];
  const heard: Message[] = [];
  await listen(
    binding(
      [exchange({ addressing: wsa }), reliableSession({ version, clock })],
      compositeDuplex(net, { clock, replyHosts: ['client.example:8080'], idleTimeout: 5_000 }),
    ),
    to,
    async (trip) => {
      const said = payload(trip.message)?.text ?? '';
      served.push(said);
      if (said !== 'call') return undefined;
      await callbackChannel(trip).send(delivery(saying('back')).with(expectsReply, false));
      answered.push('acknowledged');
      return undefined;
    },
  );
  await net.listen(new URL(callback), (session) =>
    session(async (trip) => {
      heard.push(trip.message);
      return undefined;
    }),
  );
  let messages = 0;
  const say = async (
    action: string,
    headers: readonly HeaderBlock[],
    { body, replyTo = none, as = owner }: { body?: XmlFragment; replyTo?: string; as?: typeof owner } = {},
  ) => {
    messages += 1;
    const bare = message({ version: soap12, ...(body !== undefined && { body }) });
    const addressed = {
      version: wsa,
      action,
      to: to.href,
      messageId: `urn:m${messages}`,
      replyTo: referenceTo(replyTo),
    };
    const channel = net.as(as).connect(to)(async () => undefined);
    const answer = await channel.send(delivery(withHeaders(withAddressing(bare, addressed), headers)));
    await clock.advance(1_000);
    return answer?.message;
  };
  const body = createSequence(version, wsa, {
    acksTo: referenceTo(callback),
    offer: { id: 'urn:offer', endpoint: referenceTo(callback) },
  });
  await say(version.actions.createSequence, [], { body, replyTo: callback });
  const [created] = heard.splice(0);
  if (created === undefined) throw new Error('there is no session');
  const { id } = readCreateSequenceResponse(version, created);
  const sequenced = (number: number, text: string, more: { as?: typeof owner; replyTo?: string } = {}) =>
    say('urn:test:say', [sequenceHeader(version, soap12, { id, number, last: false })], {
      body: new XmlWriter().element('urn:test', 'said', text).finish(),
      ...more,
    });
  return { clock, say, sequenced, served, answered, heard, id };
}

test.each(reliableVersions)(
  'WS-RM $name: a message is delivered, and acknowledged to the address of the session',
  async (version) => {
    const { sequenced, served, heard, id } = await scene(version);
    expect(await sequenced(1, 'one')).toBeUndefined();
    expect(await sequenced(2, 'two')).toBeUndefined();
    expect(served).toEqual(['one', 'two']);
    const [acknowledged] = heard.map((one) => readHeaders(one)?.acknowledgements ?? []).at(-1) ?? [];
    expect(acknowledged).toMatchObject({ id, ranges: [{ lower: 1, upper: 2 }] });
  },
);

test.each(reliableVersions)('WS-RM $name: an acknowledgement of what the service says settles it', async (version) => {
  const { say, sequenced, answered, heard } = await scene(version);
  await sequenced(1, 'call');
  expect(heard.map(({ action }) => action)).toContain('urn:test:say');
  expect(answered).toEqual([]);
  const block = { id: 'urn:offer', ranges: [{ lower: 1, upper: 1 }], nacks: [], final: false };
  const headers = [acknowledgementHeader(version, soap12, block)];
  expect(await say(version.actions.sequenceAcknowledgement, headers)).toBeUndefined();
  expect(answered).toEqual(['acknowledged']);
});

test.each(reliableVersions)('WS-RM $name: a request for an acknowledgement is answered there', async (version) => {
  const { say, sequenced, heard, id } = await scene(version);
  await sequenced(1, 'one');
  heard.splice(0);
  expect(await say(version.actions.ackRequested, [ackRequestedHeader(version, soap12, id)])).toBeUndefined();
  expect(heard.flatMap((one) => readHeaders(one)?.acknowledgements ?? [])).toMatchObject([{ id }]);
});

test.each(reliableVersions)(
  'WS-RM $name: nothing is answered to the none address, whatever is wrong',
  async (version) => {
    const { say } = await scene(version);
    expect(
      await say(version.actions.sequenceAcknowledgement, []),
      'CXF says so before it has received anything',
    ).toBeUndefined();
    const refused = await say(version.actions.sequenceAcknowledgement, [], { replyTo: wsa.anonymous });
    expect(refused && faultOf(refused)).toMatchObject({ code: 'sender' });
  },
);

test.each(reliableVersions)('WS-RM $name: a client that takes what it is told is not idle', async (version) => {
  const { clock, sequenced, heard } = await scene(version);
  for (let number = 1; number <= 5; number += 1) {
    await sequenced(number, `message ${number}`);
    await clock.advance(2_000);
  }
  const upper = heard.flatMap((one) => readHeaders(one)?.acknowledgements ?? []).at(-1)?.ranges[0]?.upper;
  expect(upper).toBe(5);
});

test.each(reliableVersions)(
  'M2 WS-RM $name: somebody else who knows the identifier says nothing in the session',
  async (version) => {
    const { say, sequenced, served, answered, heard, id } = await scene(version);
    await sequenced(1, 'call');
    heard.splice(0);
    for (const replyTo of [none, wsa.anonymous]) {
      const refused = await sequenced(2, 'forged', { as: stranger, replyTo });
      expect(refused && readReliableFault(refused)?.fault.name).toBe('UnknownSequence');
      const block = { id: 'urn:offer', ranges: [{ lower: 1, upper: 1 }], nacks: [], final: false };
      const forged = [acknowledgementHeader(version, soap12, block)];
      await say(version.actions.sequenceAcknowledgement, forged, { as: stranger, replyTo });
      await say(version.actions.ackRequested, [ackRequestedHeader(version, soap12, id)], { as: stranger, replyTo });
    }
    expect(served).toEqual(['call']);
    expect(answered).toEqual([]);
  },
);
