/** Attacks on sequences (facts/attacks.md section 6) against a surewire acceptor: refused, and the session unharmed. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { acknowledgementHeader, ackRequestedHeader, readHeaders, sequenceHeader } from '../../src/reliable/headers.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { header, message, payload, withHeaders } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptorEnd, saying } from '../reliable/ends.ts';
import { Client } from '../reliable/peers.ts';

async function scene(options: ReliableSessionOptions = {}) {
  const done: string[] = [];
  const clock = new VirtualClock();
  const end = acceptorEnd({ clock, random: seededRandom(9), ...options }, async (trip) => {
    const text = payload(trip.message)?.text ?? '';
    done.push(text);
    return trip.carrying(saying(`re: ${text}`, soap12, 'urn:test:reply'));
  });
  const alice = await new Client(end, reliable200702, { who: 'alice', offer: 'urn:alice:offer' }).create();
  const mallory = new Client(end, reliable200702, { who: 'mallory', offer: 'urn:alice:offer' });
  mallory.id = alice.id;
  return { alice, mallory, done, clock, end };
}

const faultNameOf = (of: Message | undefined) => (of === undefined ? 'empty' : readReliableFault(of)?.fault.name);
const numberOf = (of: Message | undefined) => (of === undefined ? undefined : readHeaders(of)?.sequence?.number);

async function expectUnharmed({ alice, done }: Awaited<ReturnType<typeof scene>>, next: number): Promise<void> {
  expect(numberOf(await alice.ask(alice.numbered(next)))).toBe(next);
  expect(done.at(-1)).toBe(`message ${next}`);
}

describe('M2, M3, M4, M5, M10 another identity', () => {
  test.each([
    ['M2 injects the next number', (mallory: Client) => mallory.numbered(2)],
    ['repeats a number to see its reply', (mallory: Client) => mallory.numbered(1)],
    ['M3 closes the sequence', (mallory: Client) => mallory.about('CloseSequence', 1)],
    ['M3 terminates it', (mallory: Client) => mallory.about('TerminateSequence', 1)],
    ['asks what was received', (mallory: Client) => mallory.ackRequested()],
  ])('%s: the same answer as for a sequence that never was, and nothing changes', async (_, attack) => {
    const all = await scene();
    await all.alice.ask(all.alice.numbered(1));
    const answer = await all.mallory.ask(attack(all.mallory));
    const { id } = all.mallory;
    all.mallory.id = 'urn:never';
    const never = await all.mallory.ask(attack(all.mallory));
    expect(faultNameOf(answer)).toBe('UnknownSequence');
    expect(answer?.body.toString().replaceAll(id, 'X')).toBe(never?.body.toString().replaceAll('urn:never', 'X'));
    expect(all.done).toEqual(['message 1']);
    await expectUnharmed(all, 2);
  });

  test('M5 posts SequenceTerminated: not answered, not believed', async () => {
    const all = await scene();
    const body = XmlFragment.parse(
      `<s:Fault xmlns:s="${soap12.namespace}" xmlns:r="${reliable200702.namespace}"><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>r:SequenceTerminated</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason><s:Detail><r:Identifier>${all.alice.id}</r:Identifier></s:Detail></s:Fault>`,
    );
    const posted = all.mallory.message(reliable200702.faultAction ?? '', { body });
    expect(await all.mallory.ask(posted)).toBeUndefined();
    await expectUnharmed(all, 1);
    expect(await all.alice.ask(posted)).toBeUndefined();
    expect(faultNameOf(await all.alice.ask(all.alice.numbered(2)))).toBe('UnknownSequence');
  });

  test('M4, M19 acknowledges the replies of another: passed over, the carrier is not harmed', async () => {
    const all = await scene();
    await all.alice.ask(all.alice.numbered(1));
    const own = await new Client(all.end, reliable200702, { who: 'mallory', offer: 'urn:mallory:offer' }).create();
    const carrier = own.numbered(1, { headers: [all.mallory.acknowledging(1)] });
    expect(numberOf(await own.ask(carrier))).toBe(1);
    // Still there: the reply was not forgotten.
    expect(numberOf(await all.alice.ask(all.alice.numbered(1)))).toBe(1);
  });

  test('M10 offers the identifier that another has offered, or that a sequence has', async () => {
    const all = await scene();
    const same = await new Client(all.end, reliable200702, { who: 'mallory', offer: 'urn:alice:offer' }).create();
    expect(same.id, 'identifiers of offers are scoped by identity').not.toBe(all.alice.id);
    const squatting = await same.ask(same.createMessage({ offer: all.alice.id }));
    expect(faultNameOf(squatting)).toBe('CreateSequenceRefused');
    await expectUnharmed(all, 1);
  });

  test('identifiers are random: 122 bits of a UUID, none alike', async () => {
    const { end } = await scene({ maxSessionsPerIdentity: 1_000 });
    const client = new Client(end, reliable200702);
    const ids = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const answer = await client.ask(client.createMessage({ offer: `urn:${at}` }));
        return readCreateSequenceResponse(reliable200702, answer ?? saying('')).id;
      }),
    );
    expect(new Set(ids).size).toBe(200);
    for (const id of ids)
      expect(id).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('M6, M7, M8 numbers', () => {
  const withNumber = (client: Client, text: string): Message => {
    const block = `<r:Sequence xmlns:r="${reliable200702.namespace}"><r:Identifier>${client.id}</r:Identifier><r:MessageNumber>${text}</r:MessageNumber></r:Sequence>`;
    const sequence = header(soap12, XmlFragment.parse(block), { mustUnderstand: true });
    return { ...client.message('urn:test:say', { headers: [sequence] }), body: saying('attack').body };
  };

  test.each(['0', '-1', '+1', '1e9', ' 1 2 ', 'x'])('MessageNumber "%s": a Sender fault', async (text) => {
    const all = await scene();
    expect(faultOf((await all.alice.ask(withNumber(all.alice, text))) ?? saying(''))?.code).toBe('sender');
    await expectUnharmed(all, 1);
  });

  test.each(['9223372036854775808', '18446744073709551616', '9'.repeat(40)])(
    'MessageNumber %s: MessageNumberRollover',
    async (text) => {
      const all = await scene();
      expect(faultNameOf(await all.alice.ask(withNumber(all.alice, text)))).toBe('MessageNumberRollover');
      await expectUnharmed(all, 1);
    },
  );

  test.each(['9007199254740992', '9223372036854775806', '100000'])(
    'MessageNumber %s: legal, out of the window, dropped and not acknowledged',
    async (text) => {
      const all = await scene();
      const answer = await all.alice.ask(withNumber(all.alice, text));
      expect(answer === undefined || faultNameOf(answer) === 'MessageNumberRollover').toBe(true);
      await expectUnharmed(all, 1);
    },
  );

  test('M6 only even numbers: no more ranges than the window lets in', async () => {
    const { alice } = await scene({ ordered: false });
    for (let number = 2; number <= 400; number += 2) void alice.ask(alice.numbered(number, { messageId: undefined }));
    const answer = await alice.ask(alice.ackRequested());
    expect(readHeaders(answer ?? saying(''))?.acknowledgements[0]?.ranges.length).toBeLessThanOrEqual(8);
  });

  test('M8 message 1 withheld, large ones behind it: held octets are bounded', async () => {
    const { alice } = await scene({ maxHeldBytes: 4_000 });
    const large = (number: number) => ({
      ...alice.numbered(number, { messageId: undefined }),
      body: saying('x'.repeat(3_000)).body,
    });
    expect(await alice.ask(large(2))).toBeDefined();
    expect(await alice.ask(large(3))).toBeUndefined();
    expect(await alice.ask(large(4))).toBeUndefined();
  });
});

describe('M9, M11, M12, M15 resources', () => {
  test('M9 a flood of CreateSequence: the quota of one identity, and others unharmed', async () => {
    const all = await scene({ maxSessionsPerIdentity: 3 });
    const flood = new Client(all.end, reliable200702, { who: 'mallory' });
    const answers: (string | undefined)[] = [];
    for (let at = 0; at < 6; at += 1)
      answers.push(faultNameOf(await flood.ask(flood.createMessage({ offer: `urn:${at}` }))));
    expect(answers).toEqual([
      undefined,
      undefined,
      undefined,
      'CreateSequenceRefused',
      'CreateSequenceRefused',
      'CreateSequenceRefused',
    ]);
    const bob = await new Client(all.end, reliable200702, { who: 'bob', offer: 'urn:bob' }).create();
    expect(numberOf(await bob.ask(bob.numbered(1)))).toBe(1);
    await expectUnharmed(all, 1);
  });

  test('ended sessions give their place back', async () => {
    const { end } = await scene({ maxSessionsPerIdentity: 1 });
    const bob = new Client(end, reliable200702, { who: 'bob' });
    for (let at = 0; at < 5; at += 1) {
      const answer = await bob.ask(bob.createMessage({ offer: `urn:${at}` }));
      bob.id = readCreateSequenceResponse(reliable200702, answer ?? saying('')).id;
      await bob.ask(bob.about('TerminateSequence'));
    }
  });

  test('M11, R9 CreateSequence replayed: no second sequence, not even after the end of the first', async () => {
    const { end } = await scene();
    const bob = new Client(end, reliable200702, { who: 'bob', offer: 'urn:bob' });
    const request = bob.createMessage({ messageId: 'urn:uuid:fixed' });
    const id = (of: Message | undefined) => readCreateSequenceResponse(reliable200702, of ?? saying('')).id;
    bob.id = id(await bob.ask(request));
    await bob.ask(bob.about('TerminateSequence'));
    expect(id(await bob.ask(request))).toBe(bob.id);
  });

  test('M12 a flood of AckRequested: one answer each, on the same exchange only', async () => {
    const all = await scene();
    const answers = await Promise.all(Array.from({ length: 50 }, () => all.alice.ask(all.alice.ackRequested())));
    expect(answers.every((answer) => answer?.action === reliable200702.actions.sequenceAcknowledgement)).toBe(true);
  });
});

describe('M20, M21, M23, M24, M31 lies and confusions', () => {
  test('an acknowledgement of replies that were never sent: InvalidAcknowledgement, the carrier is not accepted', async () => {
    const all = await scene();
    await all.alice.ask(all.alice.numbered(1));
    const lying = all.alice.numbered(2, { headers: [all.alice.acknowledging(9)] });
    expect(faultNameOf(await all.alice.ask(lying))).toBe('InvalidAcknowledgement');
    expect(all.done).toEqual(['message 1']);
    await expectUnharmed(all, 2);
  });

  test('M24 two acknowledgements of one sequence: InvalidAcknowledgement', async () => {
    const all = await scene();
    await all.alice.ask(all.alice.numbered(1));
    const twice = all.alice.numbered(2, { headers: [all.alice.acknowledging(1), all.alice.acknowledging(0)] });
    expect(faultNameOf(await all.alice.ask(twice))).toBe('InvalidAcknowledgement');
    await expectUnharmed(all, 2);
  });

  test('M23 Sequence blocks of both versions in one message: refused', async () => {
    const all = await scene();
    const other = sequenceHeader(reliable200502, soap12, { id: all.alice.id, number: 1, last: false });
    const answer = await all.alice.ask(all.alice.numbered(1, { headers: [other] }));
    expect(faultOf(answer ?? saying(''))?.code).toBe('sender');
    expect(all.done).toEqual([]);
    await expectUnharmed(all, 1);
  });

  test('a sequence of one version addressed in the other: unknown', async () => {
    const all = await scene();
    const older = new Client(all.end, reliable200502, { who: 'alice' });
    older.id = all.alice.id;
    expect(faultNameOf(await older.ask(older.numbered(1)))).toBe('UnknownSequence');
    await expectUnharmed(all, 1);
  });

  test('M31 a reply reflected as a request: its sequence is not one to send on', async () => {
    const all = await scene();
    const reply = await all.alice.ask(all.alice.numbered(1));
    const reflected = await all.alice.ask(reply ?? saying(''));
    expect(faultOf(reflected ?? saying(''))).toBeDefined();
    await expectUnharmed(all, 2);
  });

  test('M22 a number again with other content: the first counts', async () => {
    const all = await scene();
    await all.alice.ask(all.alice.numbered(1));
    await all.alice.ask({ ...all.alice.numbered(1), body: saying('something else').body });
    expect(all.done).toEqual(['message 1']);
  });

  test('garbage in headers that only ride along: refused, nothing moves', async () => {
    const all = await scene();
    const bad = XmlFragment.parse(
      `<r:SequenceAcknowledgement xmlns:r="${reliable200702.namespace}"><r:Identifier>urn:alice:offer</r:Identifier><r:AcknowledgementRange Lower="5" Upper="1"/></r:SequenceAcknowledgement>`,
    );
    const answer = await all.alice.ask(all.alice.numbered(1, { headers: [header(soap12, bad)] }));
    expect(faultOf(answer ?? saying(''))?.code).toBe('sender');
    await expectUnharmed(all, 1);
  });

  test('no fault is ever answered with a fault', async () => {
    const all = await scene();
    for (const reason of ['a', 'b']) {
      const body = XmlFragment.parse(
        `<s:Fault xmlns:s="${soap12.namespace}"><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`,
      );
      expect(await all.mallory.ask(all.mallory.message('urn:x', { body }))).toBeUndefined();
    }
    const blocks = [
      ackRequestedHeader(reliable200702, soap12, 'urn:x'),
      acknowledgementHeader(reliable200702, soap12, { id: 'urn:x', ranges: [], nacks: [], final: false }),
    ];
    expect(faultNameOf(await all.mallory.ask(withHeaders(message({ version: soap12 }), blocks)))).not.toBe('empty');
  });
});
