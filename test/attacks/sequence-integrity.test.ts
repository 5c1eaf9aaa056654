/**
 * A signed reliable session end to end, and somebody on the way: whatever steers a message or is carried by it is changed,
 * moved, duplicated, wrapped or removed after it was signed. The application hears nothing, the sequence does not move (not
 * the ranges, not the reply numbers, not an octet of the stored state), and the honest message is taken afterwards.
 */
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import type { BindingElement, Channel, Side } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { sendingThrough } from '../../src/channel/transform.ts';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { ackRequestedHeader, readHeaders } from '../../src/reliable/headers.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, timestampOnly, usernameOverTransport } from '../../src/security/policy.ts';
import { Protector } from '../../src/security/protect.ts';
import { addressing200508, addressingOf, anonymousReference, withAddressing } from '../../src/soap/addressing.ts';
import { encodeEnvelope, payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { messageOf } from '../../src/transport/http/answer.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type AcceptorEnd, saying } from '../reliable/ends.ts';
import { Client } from '../reliable/peers.ts';
import { issue } from '../security/pki.ts';
import { idle, pki, policyOf, read, start } from '../security/rig.ts';
import { cut, evil, swap } from './support.ts';

const text = (of: Uint8Array): string => new TextDecoder().decode(of);

/** A service with a session above security, as raw octets and as a signing client reach it. */
function serviceOf(policy: SecurityPolicy) {
  const clock = new VirtualClock(start);
  const store = memory();
  const heard: string[] = [];
  let up: Carry = async () => undefined;
  const session = reliableSession({ clock, random: seededRandom(11), store, flowControlEnabled: false });
  const elements = [
    exchange({ addressing: addressing200508 }),
    session,
    security(policy, { clock, random: seededRandom(12) }),
  ];
  layered(elements, (receive) => {
    up = receive;
    return idle('acceptor', async () => undefined);
  })(async (trip) => {
    const said = payload(trip.message)?.text ?? '';
    heard.push(said);
    return trip.carrying(saying(`re: ${said}`, soap12, 'urn:test:reply'));
  });
  /** What comes back for these octets; a message that cannot even be read is answered by the transport. */
  const receive = async (
    octets: string,
    from: Peer = { secure: false },
  ): Promise<string | 'unreadable' | undefined> => {
    let message: Message;
    try {
      message = read(octets);
    } catch {
      return 'unreadable';
    }
    const answer = await up(delivery(message).with(peer, from));
    return answer === undefined ? undefined : text(encodeEnvelope(answer.message));
  };
  /** All that the session knows, its stored messages with it. */
  const state = async (): Promise<string> => {
    const sessions = await store.sessions();
    const messages = await Promise.all(sessions.map(({ session: key }) => Array.fromAsync(store.messages(key))));
    return JSON.stringify([sessions, messages.flat().map((of) => ({ ...of, octets: text(of.octets) }))]);
  };
  const secure = async (of: Message, protector: Protector): Promise<string> =>
    text(encodeEnvelope(await protector.protect(of, clock.now())));
  /** A way into the service for whoever holds this policy (and comes over this connection). */
  const wayIn = (own: SecurityPolicy, seed: number, from?: Peer): AcceptorEnd & { protector: Protector } => {
    const protector = new Protector(own.outbound, seededRandom(seed));
    const ask = async (request: Message): Promise<Message | undefined> => {
      const answer = await receive(await secure(request, protector), from);
      return answer === undefined ? undefined : read(answer);
    };
    return { channel: idle('acceptor', async () => undefined), ask, protector };
  };
  return { clock, heard, receive, state, secure, wayIn };
}

const replyNumberOf = (of: Message | undefined) => (of === undefined ? undefined : readHeaders(of)?.sequence?.number);
const rangesOf = (of: Message | undefined) =>
  of === undefined ? undefined : readHeaders(of)?.acknowledgements[0]?.ranges;

/** Message `number` with every header that a message can have. */
function laden(client: Client, number: number): Message {
  const riding = [client.acknowledging(number - 1), ackRequestedHeader(client.version, soap12, client.id)];
  const numbered = client.numbered(number, { headers: riding });
  const { action = '', ...rest } = addressingOf(numbered) ?? {};
  return withAddressing(numbered, {
    ...rest,
    version: addressing200508,
    action,
    relatesTo: 'urn:uuid:something-before',
    replyTo: anonymousReference(addressing200508),
  });
}

/** Each part as the writer writes it, with something to change in it. */
const inRequests = [
  ['Sequence', 'r:Sequence', '<r:MessageNumber>2<', '<r:MessageNumber>3<'],
  ['AckRequested', 'r:AckRequested', '<r:Identifier>', '<r:Identifier>urn:other'],
  ['SequenceAcknowledgement', 'r:SequenceAcknowledgement', 'Lower="1"', 'Lower="0"'],
  ['To', 'a:To', 'service.example', 'elsewhere.example'],
  ['Action', 'a:Action', 'urn:test:say', 'urn:test:delete'],
  ['MessageID', 'a:MessageID', 'urn:uuid:', 'urn:uuid:9'],
  ['RelatesTo', 'a:RelatesTo', 'before', 'behind'],
  ['ReplyTo', 'a:ReplyTo', '/anonymous', '/none'],
  ['Body', 's:Body', 'message 2', 'message two'],
  ['Timestamp', 'wsu:Timestamp', '12:05:00', '12:09:00'],
] as const;
const inReplies = [
  ['Sequence', 'r:Sequence', '<r:MessageNumber>2<', '<r:MessageNumber>3<'],
  ['SequenceAcknowledgement', 'r:SequenceAcknowledgement', 'Upper="2"', 'Upper="9"'],
  ['Action', 'a:Action', 'urn:test:reply', 'urn:test:no'],
  ['RelatesTo', 'a:RelatesTo', 'urn:uuid:', 'urn:uuid:9'],
  ['Body', 's:Body', 're: message 2', 're: something else'],
  ['Timestamp', 'wsu:Timestamp', 'T12:0', 'T12:1'],
] as const;

type Tamper = (valid: string, name: string, from: string, to: string) => string;
const wrapper = (inside: string) => `<x:Wrapper xmlns:x="urn:x">${inside}</x:Wrapper>`;
/** In front of the Security header, that is among the header blocks. */
const amongHeaders = (valid: string, what: string) => swap(valid, '<wsse:Security ', `${what}<wsse:Security `);
const isBody = (name: string) => name === 's:Body';
const withoutId = (part: string) => part.replace(/ wsu:Id="[^"]*"/, '');
/** Takes a part away; a message without Body would be no message. */
const without = (valid: string, name: string) => swap(valid, cut(valid, name), isBody(name) ? '<s:Body></s:Body>' : '');

const ways: readonly (readonly [name: string, tamper: Tamper])[] = [
  ['changed', (valid, name, from, to) => swap(valid, cut(valid, name), swap(cut(valid, name), from, to))],
  [
    'replaced by one under no signature',
    (valid, name, from, to) => swap(valid, cut(valid, name), withoutId(swap(cut(valid, name), from, to))),
  ],
  ['removed', (valid, name) => without(valid, name)],
  [
    'moved into the Body, or the Body among the headers',
    (valid, name) =>
      isBody(name)
        ? amongHeaders(without(valid, name), cut(valid, name))
        : swap(without(valid, name), '</s:Body>', `${cut(valid, name)}</s:Body>`),
  ],
  [
    'moved to the end of the Security header',
    (valid, name) =>
      name === 'wsu:Timestamp'
        ? amongHeaders(without(valid, name), cut(valid, name))
        : swap(without(valid, name), '</wsse:Security>', `${cut(valid, name)}</wsse:Security>`),
  ],
  [
    'moved into the signature',
    (valid, name) => swap(without(valid, name), '<ds:KeyInfo>', `${cut(valid, name)}<ds:KeyInfo>`),
  ],
  ['duplicated as it is', (valid, name) => swap(valid, cut(valid, name), cut(valid, name).repeat(2))],
  [
    'duplicated with another value, behind it',
    (valid, name, from, to) => swap(valid, cut(valid, name), cut(valid, name) + evil(cut(valid, name), from, to)),
  ],
  [
    'duplicated with another value, in front of it',
    (valid, name, from, to) => swap(valid, cut(valid, name), evil(cut(valid, name), from, to) + cut(valid, name)),
  ],
  ['wrapped in an unknown header', (valid, name) => amongHeaders(without(valid, name), wrapper(cut(valid, name)))],
  [
    'wrapped in an unknown header, another in its place',
    (valid, name, from, to) =>
      amongHeaders(swap(valid, cut(valid, name), evil(cut(valid, name), from, to)), wrapper(cut(valid, name))),
  ],
];

const versions: readonly (readonly [string, ReliableVersion])[] = [
  ['2005/02', reliable200502],
  ['200702', reliable200702],
];

describe.each(versions)('WS-RM %s: a request', (_, version) => {
  async function scene() {
    const { client, service, root } = await pki();
    const all = serviceOf(policyOf(service, root));
    const end = all.wayIn(policyOf(client, root), 1);
    const honest = await new Client(end, version, { offer: 'urn:uuid:offer' }).create();
    expect(replyNumberOf(await honest.ask(laden(honest, 1)))).toBe(1);
    return { ...all, honest, protector: end.protector };
  }

  describe.each(inRequests)('whose %s', (_part, name, from, to) => {
    test.each(ways)('is %s after signing: not heard, nothing moved', async (_way, tamper) => {
      const { honest, protector, heard, receive, state, secure } = await scene();
      const valid = await secure(laden(honest, 2), protector);
      const attacked = tamper(valid, name, from, to);
      expect(attacked).not.toBe(valid);
      const before = await state();

      const answer = await receive(attacked);
      if (answer !== 'unreadable') expect(faultOf(read(answer ?? ''))?.subcode?.local).toBe('InvalidSecurity');
      expect(heard).toEqual(['message 1']);
      expect(await state()).toBe(before);
      expect(rangesOf(await honest.ask(honest.ackRequested()))).toEqual([{ lower: 1, upper: 1 }]);

      // The attack has not even used up the honest message.
      const honestly = read((await receive(valid)) ?? '');
      expect(rangesOf(honestly)).toEqual([{ lower: 1, upper: 2 }]);
      expect(replyNumberOf(honestly)).toBe(2);
      expect(heard).toEqual(['message 1', 'message 2']);
    });
  });
});

/** A client end under the same three layers whose way to the service goes through somebody. */
async function clientThrough(version: ReliableVersion, somebody: (answer: string) => string) {
  const { client, service, root } = await pki();
  const all = serviceOf(policyOf(service, root));
  const to = new URL('http://service.example/');
  let atWork = 0;
  const secured = security(policyOf(client, root), { clock: all.clock, random: seededRandom(22) });
  const counted: BindingElement = {
    ...secured,
    wrap: (inner) => (receive) => {
      const below = secured.wrap(inner)(receive);
      return sendingThrough(below, async (trip) => {
        atWork += 1;
        try {
          return await below.send(trip);
        } finally {
          atWork -= 1;
        }
      });
    },
  };
  const elements = [
    exchange({ addressing: addressing200508, to }),
    reliableSession({ version, to, clock: all.clock, random: seededRandom(21) }),
    counted,
  ];
  const send: Carry = async (trip) => {
    const answer = await all.receive(text(encodeEnvelope(trip.message)));
    if (answer === undefined) return undefined;
    const contentType = 'application/soap+xml; charset=utf-8';
    const octets = {
      status: 200,
      contentType,
      contentEncoding: undefined,
      body: utf8(somebody(answer)),
      peer: undefined,
    };
    const heard = messageOf(octets, 'the service', { bytes: 100_000 });
    return heard === undefined ? undefined : delivery(heard).with(peer, { secure: false });
  };
  const channel = layered(elements, () => endingChannel('initiator', send))(async () => undefined);
  /** Time passes while nobody computes. */
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    for (let turn = 0; !done; turn += 1) {
      if (turn > 100_000) throw new Error('the work is never done');
      if (atWork > 0) await new Promise(setImmediate);
      else await all.clock.advance(100);
    }
    return work;
  };
  return { ...all, channel, settled };
}

function endingChannel(side: Side, send: Carry): Channel {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  return { ...idle(side, send), closed: promise, close: async () => resolve(undefined), abort: resolve };
}

describe.each(versions)('WS-RM %s: a reply', (_, version) => {
  describe.each(inReplies)('whose %s', (_part, name, from, to) => {
    test.each(ways)('is %s after signing: as if it had not come', async (_way, tamper) => {
      let attacks = 0;
      const { channel, heard, settled } = await clientThrough(version, (answer) => {
        if (attacks >= 2 || !answer.includes('re: message 2')) return answer;
        attacks += 1;
        const attacked = tamper(answer, name, from, to);
        expect(attacked).not.toBe(answer);
        return attacked;
      });
      const say = async (said: string) => {
        const reply = await settled(channel.send(delivery(saying(said)).with(expectsReply, true)));
        return reply === undefined ? undefined : payload(reply.message)?.text;
      };
      expect(await say('message 1')).toBe('re: message 1');
      expect(await say('message 2')).toBe('re: message 2');
      expect(attacks).toBe(2);
      expect(await say('message 3')).toBe('re: message 3');
      expect(heard).toEqual(['message 1', 'message 2', 'message 3']);
      await settled(channel.close());
      expect(await channel.closed).toBeUndefined();
    });
  });
});

describe('a sequence belongs to whoever created it', () => {
  const attacks: readonly (readonly [name: string, attack: (other: Client) => Message, fault: string | undefined])[] = [
    ['sends the next number', (other) => other.numbered(2), 'UnknownSequence'],
    ['repeats a number to see its reply', (other) => other.numbered(1), 'UnknownSequence'],
    ['closes it', (other) => other.about('CloseSequence', 1), 'UnknownSequence'],
    ['terminates it', (other) => other.about('TerminateSequence', 1), 'UnknownSequence'],
    ['asks what was received', (other) => other.ackRequested(), 'UnknownSequence'],
    [
      'posts SequenceTerminated',
      (other) =>
        other.message(reliable200702.faultAction ?? '', {
          body: XmlFragment.parse(
            `<s:Fault xmlns:s="${soap12.namespace}" xmlns:r="${reliable200702.namespace}"><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>r:SequenceTerminated</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason><s:Detail><r:Identifier>${other.id}</r:Identifier></s:Detail></s:Fault>`,
          ),
        }),
      undefined,
    ],
  ];

  interface Identities {
    readonly service: SecurityPolicy;
    readonly alice: readonly [SecurityPolicy, Peer?];
    readonly mallory: readonly [SecurityPolicy, Peer?];
  }
  const kinds: readonly (readonly [name: string, identities: () => Promise<Identities>])[] = [
    [
      'X.509 signatures, both trusted',
      async () => {
        const { client, service, root } = await pki();
        const mallory = await issue({ name: 'mallory' }, root);
        return {
          service: policyOf(service, root),
          alice: [policyOf(client, root)],
          mallory: [policyOf(mallory, root)],
        };
      },
    ],
    [
      'UsernameTokens over TLS, both with the right password',
      async () => {
        const tls: Peer = { secure: true };
        const of = (user: string) =>
          usernameOverTransport({ username: { user, password: `${user}'s own`, form: 'text' } });
        return {
          service: usernameOverTransport({ passwords: { password: (user) => `${user}'s own` } }),
          alice: [of('alice'), tls],
          mallory: [of('mallory'), tls],
        };
      },
    ],
    [
      'TLS client certificates',
      async () => ({
        service: timestampOnly(),
        alice: [timestampOnly(), { secure: true, fingerprint: 'aa' }],
        mallory: [timestampOnly(), { secure: true, fingerprint: 'bb' }],
      }),
    ],
  ];

  describe.each(kinds)('identity by %s: another one', (_kind, identities) => {
    test.each(attacks)('%s: refused, nothing moved', async (_attack, attack, fault) => {
      const { service, alice, mallory } = await identities();
      const { wayIn, heard, state } = serviceOf(service);
      const owner = await new Client(wayIn(alice[0], 1, alice[1]), reliable200702, { offer: 'urn:uuid:o' }).create();
      await owner.ask(owner.numbered(1));
      const other = new Client(wayIn(mallory[0], 2, mallory[1]), reliable200702, { offer: 'urn:uuid:o' });
      other.id = owner.id;
      const before = await state();
      const answer = await other.ask(attack(other));
      expect(answer === undefined ? undefined : readReliableFault(answer)?.fault.name).toBe(fault);
      expect(heard).toEqual(['message 1']);
      expect(await state()).toBe(before);
      const next = await owner.ask(owner.numbered(2));
      expect(replyNumberOf(next)).toBe(2);
      expect(rangesOf(next)).toEqual([{ lower: 1, upper: 2 }]);
    });
  });
});
