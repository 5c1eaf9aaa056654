/** What WCF and Metro said to each other over HTTPS: accepted where this policy is theirs, and every X.509 signature verifies. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import { type AlgorithmSuite, algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import type { Exchange } from '../../src/security/exchange.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { type SigningKey, signingKey } from '../../src/security/keys.ts';
import { encryptedKeySha1, wsse } from '../../src/security/names.ts';
import {
  type SecurityPolicy,
  timestampOnly,
  unsafeUnsignedTo,
  usernameOverTransport,
} from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { idsOf, messageProfile } from '../../src/security/profile.ts';
import { readSignature, verifySignature } from '../../src/security/signature.ts';
import { byUri, unsafeRsaSha1, unsafeSha1 } from '../../src/security/suites.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { certificateOf } from '../../src/security/tokens/x509.ts';
import { trustChain } from '../../src/security/trust.ts';
import { examine } from '../../src/security/verify.ts';
import type { Message } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { read } from './rig.ts';

const folder = join(import.meta.dirname, '../../../shared/captures');
const there = existsSync(folder);
if (!there) console.info(`captures skipped: ${folder} is absent`);

interface Captured {
  readonly name: string;
  readonly direction: string;
  readonly text: string;
}

const captured: readonly Captured[] = there
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.http'))
      .toSorted()
      .map((name) => ({ name, direction: name.includes('request') ? 'request' : 'response', text: envelope(name) }))
      .filter(({ text }) => text.includes('Security'))
  : [];

/** The XML of a recorded HTTP message; chunks are put together. */
function envelope(name: string): string {
  const octets = readFileSync(join(folder, name));
  const split = octets.indexOf('\r\n\r\n');
  const head = octets.subarray(0, split).toString('latin1');
  let rest = octets.subarray(split + 4);
  // Some recordings keep the chunks, some have put them together already.
  if (!/transfer-encoding: *chunked/i.test(head) || rest[0] === 0x3c) return rest.toString('utf8');
  const parts: Buffer[] = [];
  while (rest.length > 0) {
    const line = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.subarray(0, line).toString('latin1'), 16);
    if (!(size > 0)) break;
    parts.push(rest.subarray(line + 2, line + 2 + size));
    rest = rest.subarray(line + 4 + size);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A reference to the secret in an EncryptedKey, by its octets. */
function secretNamed(octets: Uint8Array): XmlElement {
  const sha1 = createHash('sha1').update(octets).digest('base64');
  const identifier = `<o:KeyIdentifier ValueType="${encryptedKeySha1}">${sha1}</o:KeyIdentifier>`;
  return XmlFragment.parse(`<o:SecurityTokenReference xmlns:o="${wsse}">${identifier}</o:SecurityTokenReference>`)
    .element;
}

/** The recorded clock: when the message says that it was made. */
function madeAt(message: Message): Instant {
  const created = readSecurityHeader(message)?.timestamp?.children[0];
  return created === undefined ? instant(0) : readTime(created);
}

const circumstances = (message: Message) => ({
  now: madeAt(message),
  replay: { remember: () => true },
  peer: { secure: true },
});

interface Basic {
  readonly alice: SigningKey;
  readonly bob: SigningKey;
  readonly suite: AlgorithmSuite;
  readonly confirmSignatures?: boolean;
}
type Ends = readonly [client: SecurityPolicy, service: SecurityPolicy];

function mutual10({ alice, bob, suite }: Basic): Ends {
  return [
    mutualCertificateWss10({ key: alice, peer: bob.certificate, suite }),
    mutualCertificateWss10({ key: bob, peer: alice.certificate, suite }),
  ];
}

function mutual11({ alice, bob, ...more }: Basic): Ends {
  return [
    mutualCertificate({ key: alice, peer: bob.certificate, ...more }),
    mutualCertificate({ key: bob, peer: alice.certificate, ...more }),
  ];
}

function anonymous11({ bob, suite }: Basic): Ends {
  const confirmSignatures = false;
  return [
    anonymousForCertificate({ peer: bob.certificate, suite, confirmSignatures }),
    anonymousForCertificate({ key: bob, suite, confirmSignatures }),
  ];
}

function user11({ bob, suite }: Basic): Ends {
  const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
  const username = { user: 'alice', password: 'secret', form: 'text' } as const;
  return [
    userNameForCertificate({ peer: bob.certificate, username, suite }),
    userNameForCertificate({ key: bob, passwords, suite }),
  ];
}

describe.skipIf(!there)('captures', () => {
  const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
  const policies = [
    {
      name: /(^|\/)(wcf-)?metro-user-tls(-05)?\//,
      policy: { request: usernameOverTransport({ passwords }), response: timestampOnly() },
    },
    { name: /(^|\/)metro-tls-rm1\d\//, policy: { request: timestampOnly(), response: timestampOnly() } },
  ];
  for (const { name: pattern, policy } of policies) {
    const matching = captured.filter(({ name }) => pattern.test(name));
    test(`${matching.length} messages of ${pattern.source} are accepted`, async () => {
      expect(matching.length).toBeGreaterThan(12);
      for (const { name, direction, text } of matching) {
        const message = read(text);
        const side = direction === 'request' ? policy.request : policy.response;
        const result = await examine(message, side.inbound, circumstances(message)).catch((error: unknown) => {
          throw new Error(name, { cause: error });
        });
        expect(result.message.headers.some((block) => block.local === 'Security')).toBe(false);
        expect(result.evidence.user?.name).toBe(text.includes('UsernameToken') ? 'alice' : undefined);
      }
    });
  }

  const material = (name: string) => ({
    privateKey: new Uint8Array(readFileSync(join(folder, 'pki', `${name}.key.pem`))),
    certificate: new Uint8Array(readFileSync(join(folder, 'pki', `${name}.cert.pem`))),
  });
  /** Requests and replies of runs that signed and encrypted: the reply is examined with what its request left. */
  const exchanges = [
    { name: /^metro-mutual10\//, ends: mutual10, parts: ['Body'], signers: 1 },
    {
      name: /^metro-mutual11\//,
      ends: (options: Basic) => mutual11({ ...options, confirmSignatures: false }),
      parts: ['Body', 'Signature'],
      signers: 1,
    },
    { name: /^metro-mutual11-sigconf\//, ends: mutual11, parts: ['Body', 'Signature'], signers: 1 },
    { name: /^metro-anon11\//, ends: anonymous11, parts: ['Body', 'Signature'], signers: 0 },
    { name: /^metro-user11\//, ends: user11, parts: ['Body', 'Signature', 'UsernameToken'], signers: 0 },
    ...readdirSync(folder)
      .filter((name) => /^metro-(sc-(mutual|anon|user)1|mutual11-(rm|sc))/.test(name))
      .map((name) => {
        const [ends, signers] = /mutual10/.test(name)
          ? ([mutual10, 1] as const)
          : /mutual11/.test(name)
            ? ([mutual11, 1] as const)
            : /anon11/.test(name)
              ? ([anonymous11, 0] as const)
              : ([user11, 0] as const);
        const confirmSignatures = name.includes('sigconf');
        const at = (options: Basic) => ends({ ...options, confirmSignatures });
        return { name: new RegExp(`^${name}/`), ends: at, parts: ['Body'], signers };
      }),
  ];
  for (const { name: pattern, ends, parts, signers } of exchanges) {
    // Of runs with a security context, the messages that open it; the others are secured by the context.
    const matching = captured.filter(({ name, text }) => pattern.test(name) && text.includes('EncryptedKey'));
    const suite = algorithmSuite(/sha256/.test(pattern.source) ? 'Basic256Sha256' : 'Basic256', {
      unsafe: [unsafeSuiteSha1],
      // Metro changes the digest only.
      reading: 'as-written',
    });
    test(`${matching.length} messages of ${pattern.source} verify and decrypt under the policy that is theirs`, async () => {
      expect(matching.length).toBeGreaterThan(pattern.source.includes('-sc-') ? 1 : 4);
      const alice = signingKey(material('alice'));
      const bob = signingKey(material('bob'));
      const [client, service] = ends({ alice, bob, suite });
      let exchange: Exchange | undefined;
      for (const { name, direction, text } of matching) {
        const message = read(text);
        const isRequest = direction === 'request';
        const inbound = isRequest ? service.inbound : client.reply.inbound;
        const around = {
          ...circumstances(message),
          peer: { secure: false },
          exchange: isRequest ? undefined : exchange,
        };
        const result = await examine(message, inbound, around).catch((error: unknown) => {
          throw new Error(name, { cause: error });
        });
        const named = [...result.evidence.encrypted].map((part) => part.replace(/.*}/, ''));
        // What a reliable session says between messages has nothing to hide in its Body.
        const [content] = result.message.body.element.children;
        const hides = content !== undefined && !/ws-rx|2005\/02\/rm/.test(content.namespace);
        expect(named, name).toEqual(expect.arrayContaining(!hides ? [] : isRequest ? parts : ['Body']));
        expect(
          [...result.evidence.signed].map((part) => part.replace(/.*}/, '')),
          name,
        ).toEqual(expect.arrayContaining(['Body', 'Timestamp', 'Action']));
        expect(result.message.headers.some((block) => block.local === 'Security')).toBe(false);
        expect(result.message.body.toString(), name).not.toContain('EncryptedData');
        if (isRequest) {
          // The secret that signed it is named as Metro's own replies name it (EncryptedKeySHA1), and no other is.
          const [, octets = ''] = /<(?:\w+:)?EncryptedKey.*?CipherValue>([^<]+)</s.exec(text) ?? [];
          const byKey = pattern.source.includes('mutual10') === false;
          expect(result.naming(secretNamed(Buffer.from(octets, 'base64'))), name).toBe(byKey);
          expect(result.naming(secretNamed(Buffer.from(octets))), name).toBe(false);
        }
        if (isRequest) expect(result.evidence.signers, name).toHaveLength(signers);
        else expect(result.evidence.signer?.name, name).toContain('bob');
        if (isRequest) exchange = { ...result.exchange, certificate: bob.certificate };
      }
    });
  }

  test('certificates over TLS: WCF endorses Timestamp and wsa:To, Metro the Timestamp alone, which has to be allowed', async () => {
    const suite = algorithmSuite('Basic256', { unsafe: [unsafeSuiteSha1] });
    const trust = trustChain({ anchors: certificates(new Uint8Array(readFileSync(join(folder, 'pki/ca.cert.pem')))) });
    const service = certificateOverTransport({ trust, suite });
    const lenient = certificateOverTransport({ trust, suite, unsafe: [unsafeUnsignedTo] });
    const client = certificateOverTransport({ key: signingKey(material('alice')), suite });
    const matching = captured.filter(({ name }) => /^(wcf-)?metro-cert-tls\//.test(name));
    expect(matching.length).toBeGreaterThan(9);
    for (const { name, direction, text } of matching) {
      const message = read(text);
      const isWcf = name.startsWith('wcf-');
      if (direction === 'request' && !isWcf) {
        const refused = examine(message, service.inbound, circumstances(message));
        await expect(refused, name).rejects.toMatchObject({ code: 'SECURITY_UNSIGNED' });
      }
      const inbound = direction === 'request' ? (isWcf ? service : lenient).inbound : client.reply.inbound;
      const { evidence } = await examine(message, inbound, circumstances(message)).catch((error: unknown) => {
        throw new Error(name, { cause: error });
      });
      if (direction === 'request') expect(evidence.signer?.name).toContain('alice');
    }
  });

  const signed = captured.filter(({ text }) => text.includes('#rsa-sha1"') && !/Encrypted(Data|Key)/.test(text));
  test(`${signed.length} messages with an X.509 signature verify, with the unsafe rows of SHA-1`, async () => {
    expect(signed.length).toBeGreaterThan(8);
    const trust = trustChain({ anchors: certificates(new Uint8Array(readFileSync(join(folder, 'pki/ca.cert.pem')))) });
    for (const { name, text } of signed) {
      const message = read(text);
      const header = readSecurityHeader(message);
      expect(header?.signatures, name).toHaveLength(1);
      const [element] = header?.signatures ?? [];
      if (header === undefined || element === undefined) continue;
      const profile = messageProfile(message, header, idsOf(header), {
        signatures: byUri([unsafeRsaSha1]),
        digests: byUri([unsafeSha1]),
      });
      const signature = readSignature(element, profile);
      const certificate = certificateOf(signature.keyInfo, { header, ids: idsOf(header), known: [] });
      await trust.accept(certificate, madeAt(message));
      const { covered } = verifySignature(signature, certificate.key, profile);
      expect(header.timestamp && covered.has(header.timestamp), name).toBe(true);
      expect(certificate.subject).toContain('alice');
    }
  });
});
