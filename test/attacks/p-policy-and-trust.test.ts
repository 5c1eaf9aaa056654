/**
 * P2 to P13 of docs/ATTACKS.md on messages that CXF and Metro have secured: less than the policy asks for, in requests and in answers, and
 * requests for security contexts that would fill a service. What a token service is asked for is in trust.test.ts: no peer of ours has one.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import type { Exchange } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { timestampOnly } from '../../src/security/policy.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope, payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { idle, read } from '../security/rig.ts';
import { createdAt, mutual, required } from '../vectors/replayed.ts';
import { Letter } from './letter.ts';
import {
  answerOf,
  contexts,
  cxf,
  cxfContext,
  metro,
  metroContext,
  recordingOf,
  requestOf,
  sessions,
} from './peer-stage.ts';

/** What the request has left: these peers confirm no signatures. */
const nothing: Exchange = { values: [], secret: undefined, certificate: undefined, context: undefined };

const version = conversation200512;

describe('less than the policy', () => {
  test.each([
    [metro.name, 'cxf'],
    [cxf.name, 'metro'],
  ] as const)('P2 %s: good under its own policy, refused under that of %s', async (name, other) => {
    const of = recordingOf(name);
    const octets = requestOf(name, 2);
    const clock = new VirtualClock(required(createdAt(read(octets))));
    await new Guard(await mutual(of, 'service'), { clock }).examineRequest(delivery(read(octets)));
    const otherwise = new Guard(await mutual({ ...of, peer: other }, 'service'), { clock });
    const refused = otherwise.examineRequest(delivery(read(octets)));
    await expect(refused).rejects.toMatchObject({ code: 'SECURITY_DECRYPTION', cause: { code: 'SECURITY_ALGORITHM' } });
  });

  const answers = ['metro-server-sign-encrypt-rm11', 'cxf-server-sign-encrypt-rm11'];
  const taken: readonly (readonly [name: string, code: string, change: (letter: Letter) => Letter])[] = [
    ['its Security header', 'SECURITY_MISSING', (letter) => letter.without(letter.security)],
    ['its signature', 'SECURITY_UNSIGNED', (letter) => letter.without(letter.signature)],
    ['its Timestamp', 'SECURITY_TIMESTAMP_MISSING', (letter) => letter.without(letter.one('Timestamp'))],
  ];
  test.each(answers.flatMap((name) => taken.map(([what, code, change]) => [name, what, code, change] as const)))(
    'P4 %s: the client does not take an answer without %s',
    async (name, _, code, change) => {
      const octets = answerOf(name, 2);
      const clock = new VirtualClock(required(createdAt(read(octets))));
      const guard = new Guard(await mutual(recordingOf(name), 'client'), { clock });
      const examined = (text: string) => guard.examineReply(delivery(read(text)), nothing);
      await expect(examined(change(new Letter(octets)).text)).rejects.toMatchObject({ code, transient: true });
      expect((await examined(octets)).delivery.message.action).toContain('echoResponse');
    },
  );

  test.each(answers)(
    'P4 %s: the client does not take an answer whose Body is in the clear, though it is what was signed',
    async (name) => {
      const octets = answerOf(name, 2);
      const clock = new VirtualClock(required(createdAt(read(octets))));
      const examined = async (text: string) =>
        new Guard(await mutual(recordingOf(name), 'client'), { clock }).examineReply(delivery(read(text)), nothing);
      const { message } = (await examined(octets)).delivery;
      const letter = new Letter(octets);
      const clear = letter.with(letter.one('EncryptedData'), XmlFragment.of(required(payload(message))).toString());
      const refused = examined(clear.without(clear.one('EncryptedKey')).text);
      await expect(refused).rejects.toMatchObject({ code: 'SECURITY_UNENCRYPTED', transient: true });
    },
  );

  test.each(answers)('P5 %s: an unsecured fault in its place is a hint, and no more', async (name) => {
    const octets = answerOf(name, 2);
    const clock = new VirtualClock(required(createdAt(read(octets))));
    const guard = new Guard(await mutual(recordingOf(name), 'client'), { clock });
    const letter = new Letter(octets);
    const bare = letter.without(letter.security);
    const forged = bare.with(
      bare.body,
      '<s:Body xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>' +
        '<s:Reason><s:Text xml:lang="en">give up</s:Text></s:Reason></s:Fault></s:Body>',
    );
    const hint = guard.examineReply(delivery(read(forged.text)), nothing);
    await expect(hint).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT', transient: true });
    await guard.examineReply(delivery(read(octets)), nothing);
  });

  test.each(sessions)('P13 $name: what came without TLS where the policy has it', async ({ name, scene }) => {
    const { valid, clock } = await scene();
    const guard = new Guard(timestampOnly(), { clock });
    const refused = guard.examineRequest(delivery(read(valid)));
    await expect(refused, name).rejects.toMatchObject({ code: 'SECURITY_TRANSPORT' });
  });
});

describe('requests for security contexts', () => {
  /** A service that issues contexts to whoever the recordings are of. */
  async function issuer() {
    const of = recordingOf(metroContext.name);
    const keys = contexts.flatMap(({ name }) => recordingOf(name).keys);
    const clock = new VirtualClock(required(createdAt(read(requestOf(cxfContext.name, 1)))));
    const bootstrap = await mutual({ ...of, keys }, 'service');
    let up: Carry = async () => undefined;
    const element = secureConversation({ bootstrap, clock, random: seededRandom(8), limits: { pending: 1 } });
    layered([exchange({ addressing: addressing200508 }), element], (receive) => {
      up = receive;
      return idle('acceptor', async () => undefined);
    })(async () => undefined);
    return async (text: string) => {
      const answer = required(await up(delivery(read(text))));
      const { message } = answer;
      return { octets: new TextDecoder().decode(encodeEnvelope(message)), fault: faultOf(message)?.subcode?.local };
    };
  }
  const [one, other] = [requestOf(cxfContext.name, 1), requestOf(metroContext.name, 1)];

  test('P10 CXF has asked for a context and not used it, Metro asks for another: there is room for one', async () => {
    const ask = await issuer();
    expect((await ask(one)).octets).toContain('EncryptedData');
    const full = await ask(other);
    expect(full.octets).not.toContain('RequestedSecurityToken');
    expect((await (await issuer())(other)).octets).toContain('EncryptedData');
  });

  test.each([one, other])('P10 a request that nobody signed takes no place (%#)', async (octets) => {
    const ask = await issuer();
    const letter = new Letter(octets);
    expect((await ask(letter.without(letter.signature).text)).fault).toBe('InvalidSecurity');
    expect((await ask(octets)).octets).toContain('EncryptedData');
  });

  test.each(contexts)('P12 $name: a negotiation has one leg, whatever its request brings', async ({ name }) => {
    const octets = requestOf(name, 1);
    const clock = new VirtualClock(required(createdAt(read(octets))));
    const guard = new Guard(await mutual(recordingOf(name), 'service'), { clock });
    const asked = await guard.examineRequest(delivery(read(octets)));
    const request = XmlFragment.of(required(payload(asked.delivery.message))).toString();
    const kind = (text: string) => readRequest(version, XmlFragment.parse(text).element, () => undefined).kind;
    const leg = `<t:BinaryExchange xmlns:t="${version.trust}" ValueType="urn:spnego">AAAA</t:BinaryExchange>`;
    expect(kind(request.replace(/<\/([\w:]*RequestSecurityToken)>$/, `${leg}</$1>`))).toBe('issue');
    const instead = request.replace(/<(\w+:)?Entropy[ >].*<\/(\w+:)?Entropy>/s, leg);
    expect(instead).not.toBe(request);
    expect(() => kind(instead)).toThrow(expect.objectContaining({ code: 'CONVERSATION_UNSUPPORTED' }));
  });
});
