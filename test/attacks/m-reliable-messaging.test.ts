/**
 * M1 to M32 of docs/ATTACKS.md on sessions of gSOAP, CXF and Metro: what somebody on the way does to a message that they have signed, what
 * another identity says of their sequence, and what they could lie about themselves. After each of them the session goes on.
 */
import { describe, expect, test } from 'vitest';
import { readExpires } from '../../src/reliable/bodies.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { required } from '../vectors/replayed.ts';
import { Letter } from './letter.ts';
import { complaint, type PeerSession, peerSession } from './peer-sessions.ts';
import { answerOf, attacked, everybody, metro, metroContext, requestOf, sessions } from './peer-stage.ts';

const rm11 = ['gsoap-client-plain-rm11', 'cxf-client-sign-encrypt-rm11', 'metro-client-conversation-rm11'];
const rm10 = ['gsoap-client-plain-rm10', 'metro-client-sign-encrypt-rm10'];
const all = [...rm11, ...rm10];
/** Metro acknowledges with every request. */
const acknowledging = [
  'metro-client-sign-encrypt-rm11',
  'metro-client-conversation-rm11',
  'metro-client-sign-encrypt-rm10',
];

/** The first message is heard, then something else is said, then the second is heard as if nothing had been. */
async function between(
  name: string,
  says: (session: PeerSession) => Promise<string | undefined>,
  expected: string | undefined,
  options: ReliableSessionOptions = {},
): Promise<void> {
  const session = await peerSession(name, options);
  for (const at of [0, 1]) expect(complaint(await session.ask(session.letter(at)))).toBeUndefined();
  const before = received(await session.state());
  expect(await says(session)).toBe(expected);
  expect(session.heard).toHaveLength(1);
  expect(received(await session.state())).toEqual(before);
  expect(complaint(await session.ask(session.letter(2)))).toBeUndefined();
  expect(session.heard.map((text) => /message \d/.exec(text)?.[0])).toEqual(['message 1', 'message 2']);
}

/** What was received of the peer in every session; what it honestly acknowledges beside a lie may count. */
function received(state: string): readonly string[] {
  return state.match(/"phase":"\w+","id":"[^"]*","received":\[.*?\],"delivered":\[.*?\],"held":\[.*?\]/g) ?? [];
}

/** A CreateSequence of its own. */
function another(create: Letter, offer: string): Letter {
  const own = create.has('MessageID') ? create.saying(create.one('MessageID'), `urn:uuid:of:${offer}`) : create;
  return own.saying(own.one('Identifier', own.one('Offer')), offer);
}

/** The second message, changed, and what is answered. */
const changed =
  (change: (letter: Letter, session: PeerSession) => Letter, who: 'peer' | 'another' = 'peer') =>
  async (session: PeerSession) =>
    complaint(await session.ask(change(session.letter(2), session), who));
const numbered = (text: string) => (letter: Letter) => letter.saying(letter.one('MessageNumber'), text);

describe('somebody on the way', () => {
  attacked('M1 the number is another', everybody, 'SECURITY_DIGEST', (letter) =>
    letter.saying(letter.one('MessageNumber'), '7'),
  );
  attacked('M1 the sequence is another', everybody, 'SECURITY_DIGEST', (letter) =>
    letter.saying(letter.one('Identifier', letter.one('Sequence')), 'urn:another'),
  );
  attacked('M1 the Body is that of the next number', [metro, metroContext], 'SECURITY_DECRYPTION', (letter) => {
    const isContext = letter.has('SecurityContextToken');
    const next = isContext
      ? requestOf('metro-client-conversation-rm11', 4)
      : requestOf('metro-client-sign-encrypt-rm11', 3);
    const other = new Letter(next);
    return letter.with(letter.body, other.of(other.body));
  });
  attacked('M4 the acknowledgement is another', [metro, metroContext], 'SECURITY_DIGEST', (letter) =>
    letter.with(
      letter.one('None'),
      '<r:AcknowledgementRange xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702" Lower="1" Upper="9"/>',
    ),
  );
  attacked('M4 an acknowledgement that nobody signed', everybody, 'SECURITY_UNSIGNED', (letter) =>
    letter.first(
      letter.header,
      '<r:SequenceAcknowledgement xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"><r:Identifier>urn:x</r:Identifier>' +
        '<r:AcknowledgementRange Lower="1" Upper="9"/></r:SequenceAcknowledgement>',
    ),
  );
  attacked('M5 the message is replaced by an unsigned SequenceTerminated', sessions, 'SECURITY_MISSING', (letter) => {
    const id = letter.one('Identifier', letter.one('Sequence')).text;
    const [s, r] = ['http://www.w3.org/2003/05/soap-envelope', 'http://docs.oasis-open.org/ws-rx/wsrm/200702'];
    return (
      `<s:Envelope xmlns:s="${s}" xmlns:r="${r}" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>` +
      `<a:Action>${r}/fault</a:Action></s:Header><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>` +
      '<s:Value>r:SequenceTerminated</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason>' +
      `<s:Detail><r:Identifier>${id}</r:Identifier></s:Detail></s:Fault></s:Body></s:Envelope>`
    );
  });
});

describe('another identity', () => {
  test.each(all)('M2 %s: sends the next number', (name) =>
    between(
      name,
      changed((letter) => letter, 'another'),
      'UnknownSequence',
    ),
  );
  test.each(rm11)('M3 %s: closes the sequence', (name) =>
    between(name, async (session) => complaint(await session.ask(session.letter(3), 'another')), 'UnknownSequence'),
  );
  test.each(['gsoap-client-plain-rm11', 'metro-client-conversation-rm11', ...rm10])('M3 %s: terminates it', (name) =>
    between(name, async (session) => complaint(await session.ask(session.letter(4), 'another')), 'UnknownSequence'),
  );
  test.each(['metro-client-sign-encrypt-rm11', 'metro-client-sign-encrypt-rm10'])(
    'M19 %s: acknowledges its replies on a message of its own',
    async (name) => {
      const session = await peerSession(name);
      for (const at of [0, 1]) await session.ask(session.letter(at));
      const created = await session.ask(another(session.letter(0), 'urn:another:offer'), 'another');
      expect(complaint(created)).toBeUndefined();
      const first = numbered('1')(session.letter(2));
      const addressed = first.saying(first.one('Identifier', first.one('Sequence')), 'urn:uuid:2');
      const carrier = addressed.without(addressed.one('AckRequested'));
      expect(complaint(await session.ask(carrier, 'another'))).toBeUndefined();
      expect(session.heard).toHaveLength(2);
      // The reply to the first message of the peer is still kept for it.
      const again = required(await session.ask(session.letter(1)));
      expect(readHeaders(again)?.sequence?.number).toBe(1);
    },
  );
  test.each(rm11)('M10 %s: offers the identifier of the sequence', (name) =>
    between(
      name,
      async (session) => complaint(await session.ask(another(session.letter(0), session.id), 'another')),
      'CreateSequenceRefused',
    ),
  );
});

describe('lies of the peer', () => {
  test.each(acknowledging)('M4 %s: acknowledges replies that were never sent', (name) =>
    between(
      name,
      changed((letter) => letter.changed(letter.one('AcknowledgementRange'), /Upper="\d+"/, 'Upper="9"')),
      'InvalidAcknowledgement',
    ),
  );
  test.each(acknowledging)('M6 %s: acknowledges in 129 ranges', (name) =>
    between(
      name,
      changed((letter) => {
        const range = letter.one('AcknowledgementRange');
        const of = (at: number) =>
          letter
            .of(range)
            .replace(/Upper="\d+"/, `Upper="${2 * at + 1}"`)
            .replace(/Lower="\d+"/, `Lower="${2 * at + 1}"`);
        return letter.with(range, Array.from({ length: 129 }, (_, at) => of(at)).join(''));
      }),
      'sender',
    ),
  );
  test.each(all.flatMap((name) => ['0', '-1', '+2', '2e0', '0x2', ''].map((text) => [name, text] as const)))(
    'M7 %s: number "%s" is none',
    (name, text) => between(name, changed(numbered(text)), 'sender'),
  );
  test.each(all)('M7 %s: a number beyond 2^63-1', (name) =>
    between(name, changed(numbered('9223372036854775808')), 'MessageNumberRollover'),
  );
  test.each(all)('M7 %s: a number far behind the window is dropped, and nothing is acknowledged', (name) =>
    between(name, changed(numbered('100000')), undefined),
  );
  test.each(all)('M8 %s: message 1 is withheld, large ones come', async (name) => {
    const session = await peerSession(name, { maxHeldBytes: 2_000 });
    await session.ask(session.letter(0));
    const second = session.letter(2);
    const before = await session.state();
    void session.ask(second.saying(second.one('text'), 'x'.repeat(3_000)));
    await session.clock.advance(1_000);
    expect(session.heard).toEqual([]);
    expect(await session.state()).toBe(before);
  });
  test.each(['gsoap-client-plain-rm11', 'cxf-client-sign-encrypt-rm11', 'metro-client-sign-encrypt-rm11'])(
    'M9 %s: creates sequences without end',
    async (name) => {
      const session = await peerSession(name, { maxSessionsPerIdentity: 3, maxPendingChannels: 10 });
      const said: (string | undefined)[] = [];
      for (let at = 0; at < 5; at += 1) {
        said.push(complaint(await session.ask(another(session.letter(0), `urn:offer:${at}`))));
      }
      expect(said).toEqual([undefined, undefined, undefined, 'CreateSequenceRefused', 'CreateSequenceRefused']);
      expect(complaint(await session.ask(session.letter(0), 'another'))).toBeUndefined();
    },
  );
  test.each(all)('M11 %s: CreateSequence twice is one sequence', async (name) => {
    const session = await peerSession(name);
    const [first, second] = [await session.ask(session.letter(0)), await session.ask(session.letter(0))];
    const idIn = (of: typeof first) => /Identifier>([^<]*)</.exec(of?.body.toString() ?? '')?.[1];
    expect([idIn(first), idIn(second)]).toEqual([session.id, session.id]);
    expect(JSON.parse(await session.state())[0]).toHaveLength(1);
  });
  test.each(acknowledging)('M12 %s: a message that asks for an acknowledgement, fifty times', async (name) => {
    const session = await peerSession(name);
    await session.ask(session.letter(0));
    const answers = await Promise.all(Array.from({ length: 50 }, () => session.ask(session.letter(1))));
    expect(session.heard).toHaveLength(1);
    expect(answers.filter((answer) => complaint(answer) !== undefined)).toEqual([]);
  });
  test.each(acknowledging)('M13 %s: asks again for a reply that was never sent, and is given none', async (name) => {
    const session = await peerSession(name);
    for (const at of [0, 1]) await session.ask(session.letter(at));
    const second = session.letter(2);
    const range = second.one('AcknowledgementRange');
    const prefix = /^<(\w+):/.exec(second.of(range))?.[1];
    const nack = second.with(range, `<${prefix}:Nack>7</${prefix}:Nack>`.repeat(128));
    const answer = required(await session.ask(nack));
    expect(complaint(answer)).toBeUndefined();
    expect(readHeaders(answer)?.sequence?.number).toBe(2);
    expect(session.heard).toHaveLength(2);
  });
  test.each(all.flatMap((name) => ['AcksTo', 'ReplyTo'].map((local) => [name, local] as const)))(
    'M15 %s: its %s is an address of the inner network',
    async (name, local) => {
      const session = await peerSession(name);
      const create = session.letter(0);
      const address = create.saying(create.one('Address', create.one(local)), 'http://169.254.169.254/latest/');
      expect(complaint(await session.ask(address))).toBeDefined();
      expect(await session.state()).toBe('[[],[]]');
      expect(complaint(await session.ask(create))).toBeUndefined();
    },
  );
  test.each(rm11)('M21 %s: goes on after it has closed the sequence', async (name) => {
    const session = await peerSession(name);
    for (const at of [0, 1, 2, 3]) await session.ask(session.letter(at));
    const third = numbered('3')(session.letter(2));
    expect(complaint(await session.ask(third))).toBe('SequenceClosed');
    expect(session.heard).toHaveLength(2);
  });
  test.each(['metro-client-sign-encrypt-rm10'])('M21 %s: goes on after its last message', async (name) => {
    const session = await peerSession(name);
    for (const at of [0, 1, 2, 3]) await session.ask(session.letter(at));
    const fourth = numbered('4')(session.letter(2));
    expect(complaint(await session.ask(fourth))).toBe('LastMessageNumberExceeded');
    expect(session.heard).toHaveLength(2);
  });
  test.each(all)('M22 %s: says something else under the same number', (name) =>
    between(
      name,
      async (session) => {
        const first = session.letter(1);
        return complaint(await session.ask(first.saying(first.one('text'), 'evil')));
      },
      undefined,
    ),
  );
  test.each(all)('M23 %s: a Sequence of the other version as well', (name) =>
    between(
      name,
      changed((letter) => {
        const one = letter.of(letter.one('Sequence'));
        const [to, from] = ['http://docs.oasis-open.org/ws-rx/wsrm/200702', 'http://schemas.xmlsoap.org/ws/2005/02/rm'];
        return letter.before(
          letter.one('Sequence'),
          one.includes(to) ? one.replaceAll(to, from) : one.replaceAll(from, to),
        );
      }),
      'sender',
    ),
  );
  test.each(acknowledging)('M24 %s: acknowledges twice', (name) =>
    between(
      name,
      changed((letter) =>
        letter.before(letter.one('SequenceAcknowledgement'), letter.of(letter.one('SequenceAcknowledgement'))),
      ),
      'InvalidAcknowledgement',
    ),
  );
  test.each(all)('M26 %s: a message that the application cannot take stops no other', async (name) => {
    const session = await peerSession(name, {}, (text) => {
      if (text.includes('message 1')) throw new Error('poison');
    });
    await session.ask(session.letter(0));
    const answer = required(await session.ask(session.letter(1)));
    expect(complaint(answer)).toBe('receiver');
    expect(readHeaders(answer)?.sequence?.number).toBe(1);
    expect(complaint(await session.ask(session.letter(2)))).toBeUndefined();
    await session.ask(session.letter(1));
    expect(session.heard).toHaveLength(2);
  });
  test.each(rm11)('M28 %s: wishes that everything is thrown away with a gap', async (name) => {
    const session = await peerSession(name);
    const create = session.letter(0);
    const prefix = /^<(\w+):/.exec(create.of(create.one('Offer')))?.[1];
    const wish = `<${prefix}:IncompleteSequenceBehavior>DiscardEntireSequence</${prefix}:IncompleteSequenceBehavior>`;
    const bare = create.has('IncompleteSequenceBehavior')
      ? create.without(create.one('IncompleteSequenceBehavior'))
      : create;
    const answer = required(await session.ask(bare.last(bare.one('Offer'), wish)));
    expect(complaint(answer)).toBeUndefined();
    expect(answer.body.toString()).toContain('>DiscardFollowingFirstGap<');
    for (const at of [1, 2]) await session.ask(session.letter(at));
    expect(session.heard).toHaveLength(2);
  });
  test.each(['metro-client-conversation-rm11'])(
    'M29 %s: binds its sequence to a context of somebody else',
    async (name) => {
      const session = await peerSession(name);
      expect(session.letter(0).has('SecurityTokenReference')).toBe(true);
      expect(complaint(await session.ask(session.letter(0), 'another'))).toBe('CreateSequenceRefused');
      expect(await session.state()).toBe('[[],[]]');
      expect(complaint(await session.ask(session.letter(0)))).toBeUndefined();
    },
  );
  test.each(rm11.flatMap((name) => ['-PT1S', 'P9999Y', 'PT1e9S', 'x'].map((text) => [name, text] as const)))(
    'M27 %s: wants a sequence for %s',
    async (name, text) => {
      const session = await peerSession(name);
      const create = session.letter(0);
      const acksTo = create.one('AcksTo');
      const prefix = /^<(\w+):/.exec(create.of(acksTo))?.[1];
      const wishing = create.has('Expires')
        ? create.saying(create.one('Expires'), text)
        : create.behind(acksTo, `<${prefix}:Expires>${text}</${prefix}:Expires>`);
      const answer = await session.ask(wishing);
      const granted = /Expires[^>]*>([^<]*)</.exec(answer?.body.toString() ?? '')?.[1];
      // The sequence that gSOAP offers has a life of its own, and the session that of the shorter one.
      const offered = /Offer>.*?Expires>([^<]*)</s.exec(wishing.text)?.[1];
      const life = Math.min(86_400_000, readExpires(offered ?? 'PT0S') ?? 0);
      if (text === 'P9999Y') expect(readExpires(granted ?? '')).toBe(life);
      else expect(complaint(answer)).toBeDefined();
    },
  );
  test.each(['metro-client-plain-rm11', 'cxf-client-plain-rm11'])(
    'M31 %s: an answer of ours comes back as a request',
    async (name) => {
      const session = await peerSession(name);
      for (const at of [0, 1]) await session.ask(session.letter(at));
      const before = await session.state();
      const answer = complaint(await session.ask(new Letter(answerOf(name, 2))));
      expect(answer).toBeDefined();
      expect(session.heard).toHaveLength(1);
      expect(await session.state()).toBe(before);
    },
  );
  test.each(all.flatMap((name) => ['__proto__', 'constructor', 'toString'].map((text) => [name, text] as const)))(
    'M32 %s: names its sequence %s',
    (name, text) =>
      between(
        name,
        changed((letter) => letter.saying(letter.one('Identifier', letter.one('Sequence')), text)),
        'UnknownSequence',
      ),
  );
});
