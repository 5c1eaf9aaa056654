/**
 * What WCF and Metro said under security contexts, replayed from both sides through the conversation itself, with the recorded clock,
 * identifiers and entropy: our issuer makes the context that theirs made, every request is verified and decrypted under it, and
 * so is every answer at the other end. A key, token or octet that differed would fail a signature.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { base64, equalBytes } from '../../src/base/bytes.ts';
import { type Clock, type Instant, instant, systemClock } from '../../src/base/clock.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { ConversationAcceptor } from '../../src/conversation/acceptor.ts';
import { Issuer } from '../../src/conversation/issuer.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { readCancelled, readIssued } from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { versionOfAction } from '../../src/conversation/versions/table.ts';
import { type AlgorithmSuite, algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { evidence } from '../../src/security/evidence.ts';
import type { Exchange } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { type SigningKey, signingKey } from '../../src/security/keys.ts';
import { unsafeUnsignedTo, usernameOverTransport } from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { hasCaptures, recorded, withoutData } from '../reliable/recorded.ts';
import { expectTheSame, type Played, required } from '../reliable/replay.ts';

const folder = join(import.meta.dirname, '../../../shared/captures');
if (!hasCaptures) console.info(`secure conversation captures ${withoutData}`);
const captures = hasCaptures ? readdirSync(folder).filter((name) => /-sc-/.test(name)) : [];

const material = (name: string) => ({
  privateKey: new Uint8Array(readFileSync(join(folder, 'pki', `${name}.key.pem`))),
  certificate: new Uint8Array(readFileSync(join(folder, 'pki', `${name}.cert.pem`))),
});

interface Ends {
  readonly client: SecurityPolicy;
  readonly service: SecurityPolicy;
  /** Who the request for the context proves to be there. */
  readonly who: RegExp | undefined;
}

const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
const username = { user: 'alice', password: 'secret', form: 'text' } as const;

/** The bootstrap policies of a capture, by what its name says. */
function endsOf(name: string, alice: SigningKey, bob: SigningKey, suite: AlgorithmSuite): Ends {
  const confirmSignatures = name.includes('sigconf');
  const [a, b] = [alice.certificate, bob.certificate];
  const rows: readonly (readonly [RegExp, () => Ends])[] = [
    [
      /user-tls|drop-request-sc/,
      () => ({
        client: usernameOverTransport({ username }),
        service: usernameOverTransport({ passwords }),
        who: /^alice$/,
      }),
    ],
    [
      /cert-tls/,
      () => ({
        client: certificateOverTransport({ key: alice, suite }),
        // Metro signs the Timestamp alone.
        service: certificateOverTransport({ trust: trustPeers(a), suite, unsafe: [unsafeUnsignedTo] }),
        who: /alice/,
      }),
    ],
    [
      /mutual10/,
      () => ({
        client: mutualCertificateWss10({ key: alice, peer: b, suite }),
        service: mutualCertificateWss10({ key: bob, peer: a, suite }),
        who: /alice/,
      }),
    ],
    [
      /mutual11/,
      () => ({
        client: mutualCertificate({ key: alice, peer: b, suite, confirmSignatures }),
        service: mutualCertificate({ key: bob, peer: a, suite, confirmSignatures }),
        who: /alice/,
      }),
    ],
    [
      /anon11/,
      () => ({
        client: anonymousForCertificate({ peer: b, suite, confirmSignatures }),
        service: anonymousForCertificate({ key: bob, suite, confirmSignatures }),
        who: undefined,
      }),
    ],
    [
      /user11/,
      () => ({
        client: userNameForCertificate({ peer: b, username, suite }),
        service: userNameForCertificate({ key: bob, passwords, suite }),
        who: /^alice$/,
      }),
    ],
  ];
  const ends = rows.find(([pattern]) => pattern.test(name))?.[1]();
  if (ends === undefined) throw new Error(`No policy for ${name}.`);
  return ends;
}

/** The first octets of each length are given, as the recorded issuer drew them; the rest is chance. */
function scripted(given: readonly Uint8Array[]): Random {
  const left = [...given];
  const rest = seededRandom(5);
  return {
    fraction: rest.fraction,
    bytes: (length) => {
      const at = left.findIndex((octets) => octets.length === length);
      return at < 0 ? rest.bytes(length) : Uint8Array.from(left.splice(at, 1)[0] ?? []);
    },
  };
}

function madeAt(message: Message): Instant {
  const created = readSecurityHeader(message)?.timestamp?.children[0];
  return created === undefined ? instant(0) : readTime(created);
}

function body(message: Message): XmlElement {
  const content = payload(message);
  if (content === undefined) throw new Error('The Body is empty.');
  return content;
}

/** Text of the descendants with this name, in document order. */
function texts(of: XmlElement, local: string): readonly string[] {
  const own = of.local === local ? [of.text.trim()] : [];
  return [...own, ...of.children.flatMap((child) => texts(child, local))];
}

describe.skipIf(!hasCaptures)('secure conversation, replayed', () => {
  test('over TLS and at message level, by WCF and by Metro', () => {
    expect(captures.filter((name) => name.startsWith('wcf-'))).toHaveLength(8);
    expect(captures.filter((name) => name.startsWith('metro-'))).toHaveLength(16);
  });

  test.each(captures)('%s', async (name) => {
    const alice = signingKey(material('alice'));
    const bob = signingKey(material('bob'));
    const suite = algorithmSuite(name.includes('sha256') ? 'Basic256Sha256' : 'Basic256', {
      unsafe: [unsafeSuiteSha1],
      // Metro changes the digest only, WCF the signature as well.
      ...(name.startsWith('wcf-') ? {} : { reading: 'as-written' as const }),
    });
    const ends = endsOf(name, alice, bob, suite);
    const secure = name.includes('tls') || name.startsWith('wcf-');
    const exchanges = recorded(name);
    const [first] = exchanges;
    const version = versionOfAction(first?.request.message?.action ?? '');
    if (version === undefined || first?.request.message === undefined) throw new Error('Nothing was opened.');
    let now = madeAt(first.request.message);
    const clock: Clock = { now: () => now, at: systemClock.at };
    const replay = { remember: () => true };
    const arriving = (message: Message): Delivery => {
      now = madeAt(message);
      return delivery(message).with(peer, { secure });
    };
    const common = {
      version,
      suite,
      clock,
      replay,
      confirmSignatures: name.includes('sigconf'),
      encryptSignature: !name.includes('mutual10'),
    };

    // The bootstrap exchange, read at both ends: what each of them drew.
    const serving = settingsOf({ ...common, bootstrap: ends.service });
    const asking = settingsOf({ ...common, bootstrap: ends.client });
    const asked = await new Guard(ends.service, serving).examineRequest(arriving(first.request.message));
    const request = readRequest(version, body(asked.delivery.message), () => undefined);
    if (request.kind !== 'issue' || first.response?.message === undefined) throw new Error('No context was issued.');
    const left = { ...asked.exchange, certificate: bob.certificate };
    const told = await new Guard(ends.client, asking).examineReply(arriving(first.response.message), left);
    const issued = readIssued(version, body(told.delivery.message));
    const secret = computedKey(request.entropy, issued.entropy, issued.keySize ?? request.keySize);

    // Our issuer, where theirs was: the same identifier, entropy and time make the same token and the same secret.
    const random = scripted([uuidOctets(issued.identifier), issued.entropy]);
    const settings = settingsOf({ ...common, bootstrap: ends.service, random });
    const issuer = new Issuer(settings);
    const heard: Delivery[] = [];
    const acceptor = new ConversationAcceptor(settings, issuer, async (trip) => {
      heard.push(trip);
      return undefined;
    });
    const opened = await acceptor.receive(arriving(first.request.message));
    if (opened === undefined) throw new Error('The request was not answered.');
    const context = issuer.find({ identifier: issued.identifier, instance: undefined });
    expect(equalBytes(context.key.export(), secret)).toBe(true);

    // Our answer says what theirs said.
    const ours = secure ? body(opened.message) : undefined;
    if (ours !== undefined) {
      for (const local of ['TokenType', 'Identifier', 'BinarySecret', 'ComputedKey']) {
        expect(texts(ours, local), local).toEqual(texts(body(told.delivery.message), local));
      }
      expect(texts(ours, 'BinarySecret')).toEqual([base64(issued.entropy)]);
    }

    // Every request at our acceptor, every answer at our initiator.
    const token = { fragment: issued.token, id: issued.id };
    const contexts = { namespace: version.namespace, find: () => ({ ...context, token }) };
    const guardsOf = (at: typeof asking, service: boolean) => ({
      message: new Guard(at.session, at, service ? issuer : contexts),
      cancel: new Guard(at.cancellation, at, service ? issuer : contexts),
    });
    const [atService, atClient] = [guardsOf(serving, true), guardsOf(asking, false)];
    let messages = 0;
    let answers = 0;
    const played: Played[] = [];
    for (const exchange of exchanges.slice(1)) {
      if (exchange.request.message === undefined) continue;
      const isCancel = exchange.request.message.action === version.actions.cancel;
      const kind = isCancel ? 'cancel' : 'message';
      const before = heard.length;
      if (readSecurityHeader(exchange.request.message)?.confirmations.length !== 0) {
        // Metro confirms signatures of an answer in its request to cancel. Nobody asked for that, and nobody can.
        expect([name, isCancel]).toEqual(['metro-sc-mutual11-sigconf', true]);
        const refusal = expect.objectContaining({ code: 'SECURITY_UNSUPPORTED' });
        await expect(atService[kind].examineRequest(arriving(exchange.request.message))).rejects.toThrow(refusal);
        continue;
      }
      const examined = await atService[kind].examineRequest(arriving(exchange.request.message));
      const answered = await acceptor.receive(arriving(exchange.request.message));
      if (isCancel) {
        expect(answered === undefined ? undefined : faultOf(answered.message)).toBeUndefined();
        expect(() => issuer.find(context)).toThrow(expect.objectContaining({ code: 'SECURITY_CONTEXT' }));
      } else {
        expect(heard.length).toBe(before + 1);
        messages++;
      }
      const reply = exchange.response?.message;
      if (!isCancel) played.push(openedBy(heard.at(-1), name.includes('drop-request') && reply === undefined));
      if (reply === undefined) continue;
      const mine: Exchange = { ...examined.exchange, certificate: bob.certificate };
      const received = await atClient[kind].examineReply(arriving(reply), mine);
      const fault = faultOf(received.delivery.message);
      // Metro knows no HMAC with SHA-256, which is what WCF signs with under this suite.
      if (fault !== undefined && isCancel) expect(name).toBe('wcf-metro-sc-user-tls-rm11-sha256');
      else if (isCancel) readCancelled(version, body(received.delivery.message));
      expect(received.delivery.message.body.toString()).not.toContain('EncryptedData');
      if (!isCancel) played.push({ ...required(played.pop()), response: received.delivery.message });
      if (!secure) expect(received.exchange.context?.identifier).toBe(issued.identifier);
      answers++;
    }
    expect(messages).toBeGreaterThan(0);
    expect(answers).toBeGreaterThan(1);
    for (const trip of heard) {
      const found = trip.get(evidence);
      expect(found?.context?.identifier).toBe(issued.identifier);
      if (ends.who !== undefined) expect(found?.user?.name ?? found?.signers[1]?.name).toMatch(ends.who);
    }
    // Metro ended the session that WCF had opened under SHA-256.
    if (!/rm1/.test(name) || name.includes('sha256')) return;
    const client = name.startsWith('wcf-') ? 'WCF' : 'Metro';
    await expectTheSame(played, { ordered: name.includes('inorder') || client === 'WCF', client });
  });
});

/** A request as it came out of security, with what was proved of it. */
function openedBy(trip: Delivery | undefined, isLost: boolean): Played {
  const { message } = required(trip);
  const proved = required(trip).get(evidence);
  return { request: message, response: undefined, isLost, mark: (again) => again.with(evidence, proved) };
}

/** The octets of `urn:uuid:…`, as `uuidUrn` draws them. */
function uuidOctets(identifier: string): Uint8Array {
  return Uint8Array.from(Buffer.from(identifier.replace(/^urn:uuid:|-/g, ''), 'hex'));
}
