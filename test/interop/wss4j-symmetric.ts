/** The symmetric binding with WSS4J: HMAC and encryption under the key of an EncryptedKey, directly and through derived keys. */
import { describe, expect } from 'vitest';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { conversationNamespaces } from '../../src/security/names.ts';
import {
  type UnsafeOption,
  unsafePasswordKeys,
  unsafeUnsignedTo,
  usernameOverTransport,
} from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  type ForCertificateOptions,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import {
  usernameKeyForCertificate,
  usernameKeyOverTransport,
  usernameKeySigned,
} from '../../src/security/presets/username-key.ts';
import { scenario } from './suite.ts';
import { answered, clear, exchanged, keyOf, order, trustOf } from './surewire-party.ts';
import { accepts, type Bench, bodyContent, everyPart, inbound, isAccepted, outbound } from './wss4j-bench.ts';
import { confirmation, signs } from './wss4j-encryption.ts';
import type { MessagePart, Step } from './wss4j-peer.ts';

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const ds = 'http://www.w3.org/2000/09/xmldsig#';
const utility = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const addressing = 'http://www.w3.org/2005/08/addressing';
const timestamp: Step = { do: 'timestamp' };
const suite = algorithmSuite('Aes256GcmSha256');
const passwords = { password: (user: string) => (user === 'alice' ? 'correct horse' : undefined) };

/** WSS4J under one secret. */
function session(more: object = {}): Step {
  return {
    ...{ do: 'session', alias: 'service', order: 'sign-encrypt', algorithm: suite.symmetricSignature.uri },
    ...{ digest: suite.digest.uri, content: suite.content.uri, transport: suite.transport.uri },
    ...{ mask: suite.oaep.mask.uri, parts: everyPart(), encrypted: bodyContent, ...more },
  } as Step;
}

/** How keys come of the secret: our options, and the oracle's number of the version. */
const ways: readonly (readonly [name: string, options: ForCertificateOptions, derived: object])[] = [
  ['directly', { derivedKeys: false }, {}],
  ['keys derived as of 2005/02', { derivedKeysVersion: conversationNamespaces[0] ?? '' }, { derived: 1 }],
  ['keys derived as of 1.3', { derivedKeysVersion: conversationNamespaces[1] ?? '' }, { derived: 2 }],
];

export function symmetric(bench: Bench): void {
  const { all, peer } = bench;
  const plain = { encryptSignature: false, confirmSignatures: false } as const;
  const certificate = all.of.service.certificate;
  const key = keyOf(all.of.service);

  describe('under the secret of an EncryptedKey (WSS 1.1)', () => {
    for (const [name, options, derived] of ways) {
      for (const order of ['sign-encrypt', 'encrypt-sign'] as const) {
        const title = `anonymous for certificate, ${order}, ${name}`;
        scenario(inbound(bench, title), () =>
          accepts(bench, anonymousForCertificate({ key, order, ...plain, ...options }), [
            timestamp,
            session({ order, ...derived }),
          ]),
        );
        scenario(outbound(bench, title), async () => {
          await isAccepted(bench, anonymousForCertificate({ peer: certificate, order, ...plain, ...options }));
        });
      }
      const title = `anonymous for certificate, encrypted signature, ${name}`;
      const encrypted = [...bodyContent, ['Signature', ds, 'Element']];
      scenario(inbound(bench, title), () =>
        accepts(bench, anonymousForCertificate({ key, ...options }), [timestamp, session({ encrypted, ...derived })]),
      );
      scenario(outbound(bench, title), async () => {
        await isAccepted(bench, anonymousForCertificate({ peer: certificate, ...options }));
      });

      const mutual = `mutual certificates (WSS 1.1), endorsing signature, ${name}`;
      scenario(inbound(bench, mutual), () =>
        accepts(bench, mutualCertificate({ key, trust: trustOf(all), ...plain, ...options }), [
          timestamp,
          session(derived),
          signs(suite, { parts: [['Signature', ds]] }),
        ]),
      );
      scenario(outbound(bench, mutual), async () => {
        const policy = mutualCertificate({ key: keyOf(all.of.client), peer: certificate, ...plain, ...options });
        const { results } = await isAccepted(bench, policy);
        expect(results.some(({ subject }) => subject === 'CN=client,O=surewire,C=CH')).toBe(true);
      });

      const user = `username for certificate, ${name}`;
      scenario(inbound(bench, user), () =>
        accepts(bench, userNameForCertificate({ key, passwords, ...plain, ...options }), [
          timestamp,
          { do: 'username', user: 'alice', password: 'correct horse' },
          session({
            parts: [...everyPart(), ['UsernameToken', wsse]],
            encrypted: [...bodyContent, ['UsernameToken', wsse, 'Element']],
            ...derived,
          }),
        ]),
      );
      scenario(outbound(bench, user), async () => {
        const username = { user: 'alice', password: 'correct horse', form: 'text' } as const;
        const policy = userNameForCertificate({ peer: certificate, username, ...plain, ...options });
        const { results } = await isAccepted(bench, policy);
        expect(results.some(({ action }) => action === 1)).toBe(true);
      });
    }

    const confirmed = { ...plain, confirmSignatures: true, derivedKeys: false } as const;
    scenario(inbound(bench, 'reply under the secret of the request, signatures confirmed'), async () => {
      const { body } = await exchanged(
        anonymousForCertificate({ peer: certificate, ...confirmed }),
        async (request) => {
          const { results, shared } = await peer.process(request);
          const value = results.find(({ action }) => action === 2)?.value;
          const parts = [...everyPart(), confirmation];
          const reply = await peer.secure(clear(order()), [
            timestamp,
            { do: 'confirmation', value },
            session({ shared, parts }),
          ]);
          return reply.envelope;
        },
      );
      expect(body).toContain('A-1');
    });
    scenario(outbound(bench, 'reply under the secret of the request, signatures confirmed'), async () => {
      const made = await peer.secure(clear(order()), [timestamp, session()]);
      const reply = await answered(anonymousForCertificate({ key, ...confirmed }), made.envelope);
      const { results, envelope } = await peer.process(reply);
      expect(results.map(({ confirms }) => confirms)).toContain(made.values[0]);
      expect(envelope).toContain('A-1');
    });
  });

  describe('over TLS', () => {
    for (const form of ['text', 'digest'] as const) {
      scenario(inbound(bench, `username, password as ${form}`), () =>
        accepts(
          bench,
          usernameOverTransport({ passwords }),
          [timestamp, { do: 'username', user: 'alice', password: 'correct horse', type: form, nonce: true }],
          order(),
          true,
        ),
      );
      scenario(outbound(bench, `username, password as ${form}`), async () => {
        const username = { user: 'alice', password: 'correct horse', form };
        const { results } = await isAccepted(bench, usernameOverTransport({ username }));
        expect(results.map(({ action }) => action)).toEqual(expect.arrayContaining([1, 32]));
      });
    }
    scenario(inbound(bench, 'certificate over transport'), () =>
      accepts(
        bench,
        certificateOverTransport({ trust: trustOf(all) }),
        [
          timestamp,
          signs(suite, {
            parts: [
              ['Timestamp', utility],
              ['To', addressing],
            ],
          }),
        ],
        order(),
        true,
      ),
    );
    scenario(inbound(bench, 'certificate over transport, Timestamp alone (unsafeUnsignedTo)'), () =>
      accepts(
        bench,
        certificateOverTransport({ trust: trustOf(all), unsafe: [unsafeUnsignedTo] }),
        [timestamp, signs(suite, { parts: [['Timestamp', utility]] })],
        order(),
        true,
      ),
    );
    scenario(outbound(bench, 'certificate over transport'), async () => {
      const { results } = await isAccepted(bench, certificateOverTransport({ key: keyOf(all.of.client) }));
      expect(results.find(({ action }) => action === 2)?.covered.join()).toContain('Timestamp');
    });
  });

  describe('under a key derived of a password (UsernameToken Profile 1.1)', () => {
    const username = { user: 'alice', password: 'correct horse' };
    const derives = { derives: true };
    /** WSConstants.UT_SIGN. */
    const underPassword = 64;
    const unsafe: readonly UnsafeOption[] = [unsafePasswordKeys];
    const derive = (parts: readonly MessagePart[]): Step =>
      ({
        ...{ do: 'session', order: 'sign', ...username, parts },
        ...{ algorithm: suite.symmetricSignature.uri, digest: suite.digest.uri },
      }) as Step;
    scenario(inbound(bench, 'key of a password endorses the Timestamp'), () =>
      accepts(
        bench,
        usernameKeyOverTransport({ passwords }),
        [timestamp, derive([['Timestamp', utility]])],
        order(),
        true,
      ),
    );
    scenario(outbound(bench, 'key of a password endorses the Timestamp'), async () => {
      const { results } = await isAccepted(bench, usernameKeyOverTransport({ username }), derives);
      expect(results.find(({ action }) => action === underPassword)?.covered.join()).toContain('Timestamp');
    });
    scenario(inbound(bench, 'key of a password signs the message'), () =>
      accepts(bench, usernameKeySigned({ passwords, unsafe }), [
        timestamp,
        derive([...everyPart(), ['UsernameToken', wsse]]),
      ]),
    );
    scenario(outbound(bench, 'key of a password signs the message'), async () => {
      const { results } = await isAccepted(bench, usernameKeySigned({ username, unsafe, rounds: 2_000 }), derives);
      expect(results.find(({ action }) => action === underPassword)?.covered.join()).toContain('Body');
    });
    scenario(outbound(bench, 'key of a password endorses, all under the service certificate'), async () => {
      const { results } = await isAccepted(bench, usernameKeyForCertificate({ username, peer: certificate }), derives);
      expect(results.map(({ action }) => action)).toEqual(expect.arrayContaining([2, underPassword]));
    });
  });
}
