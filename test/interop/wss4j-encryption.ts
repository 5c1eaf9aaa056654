/** Signatures and encryption with WSS4J under the presets with certificates: suites, references, both orders, replies. */
import { describe, expect } from 'vitest';
import {
  type AlgorithmSuite,
  algorithmSuite,
  type SuiteWeakness,
  unsafeSuiteRsa15,
  unsafeSuiteSha1,
  unsafeSuiteTripleDes,
} from '../../src/security/algorithm-suites.ts';
import {
  type MutualCertificateWss10Options,
  mutualCertificateWss10,
} from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import type { PartyName } from './parties.ts';
import { scenario } from './suite.ts';
import { answered, clear, exchanged, keyOf, order, trustOf } from './surewire-party.ts';
import { accepts, type Bench, bodyContent, everyPart, inbound, isAccepted, outbound } from './wss4j-bench.ts';
import type { Step } from './wss4j-peer.ts';

const unsafe: readonly SuiteWeakness[] = [unsafeSuiteSha1, unsafeSuiteRsa15, unsafeSuiteTripleDes];
const suites: readonly AlgorithmSuite[] = [
  ...['Basic128Sha256', 'Basic192Sha256', 'Basic256Sha256', 'Basic256', 'Basic256Sha256Rsa15', 'TripleDesSha256'],
  ...['Aes128GcmSha256', 'Aes192GcmSha384', 'Aes256GcmSha256', 'Aes256GcmSha384', 'Aes256GcmSha512'],
].map((name) => algorithmSuite(name, { unsafe }));
const modern = algorithmSuite('Aes256GcmSha256');
const timestamp: Step = { do: 'timestamp' };

/** WSS4J's signature and encryption under a suite. */
export function signs(suite: AlgorithmSuite, more: object = {}): Step {
  const algorithm = suite.asymmetricSignature.rsa?.uri;
  return { do: 'signature', alias: 'client', algorithm, digest: suite.digest.uri, parts: everyPart(), ...more };
}

function encrypts(suite: AlgorithmSuite, more: object = {}): Step {
  const { content, transport, oaep } = suite;
  return {
    ...{ do: 'encryption', alias: 'service', content: content.uri, transport: transport.uri, parts: bodyContent },
    ...(transport.padding === 'oaep' && { digest: oaep.digest.uri }),
    ...(transport.choosesMask && { mask: oaep.mask.uri }),
    ...more,
  } as Step;
}

/** What WSS4J has to be asked for: RSA-1.5, and AES-192, which its Basic Security Profile (R5620) does not have. */
const leave = ({ transport, content }: AlgorithmSuite): Readonly<Record<string, unknown>> => ({
  rsa15: transport.padding === 'pkcs1',
  relaxed: content.keyLength === 24,
});

export function encryption(bench: Bench): void {
  const { all, peer } = bench;
  const client = (more: Partial<MutualCertificateWss10Options> = {}): SecurityPolicy =>
    mutualCertificateWss10({ key: keyOf(all.of.client), peer: all.of.service.certificate, ...more });
  const service = (more: Partial<MutualCertificateWss10Options> = {}): SecurityPolicy =>
    mutualCertificateWss10({ key: keyOf(all.of.service), trust: trustOf(all), ...more });

  describe('signatures and encryption (mutual certificates, WSS 1.0)', () => {
    for (const suite of suites) {
      const title = `sign before encrypt, suite ${suite.name}${suite.weaknesses.length > 0 ? ' (unsafe)' : ''}`;
      scenario(inbound(bench, title), () =>
        accepts(bench, service({ suite }), [timestamp, signs(suite), encrypts(suite)]),
      );
      scenario(outbound(bench, title), async () => {
        const { results } = await isAccepted(bench, client({ suite }), leave(suite));
        expect(results.map(({ action }) => action)).toEqual(expect.arrayContaining([2, 4, 32]));
      });
    }
    for (const suite of [modern, algorithmSuite('Basic256Sha256')]) {
      const title = `encrypt before sign, suite ${suite.name}`;
      const order = 'encrypt-sign' as const;
      scenario(inbound(bench, title), () =>
        accepts(bench, service({ suite, order }), [timestamp, encrypts(suite), signs(suite)]),
      );
      scenario(outbound(bench, title), async () => {
        await isAccepted(bench, client({ suite, order }));
      });
    }
    const encryptSignature = true;
    scenario(inbound(bench, 'encrypted signature'), () =>
      accepts(bench, service({ encryptSignature }), [
        timestamp,
        signs(modern),
        encrypts(modern, { parts: [...bodyContent, ['Signature', 'http://www.w3.org/2000/09/xmldsig#', 'Element']] }),
      ]),
    );
    scenario(outbound(bench, 'encrypted signature'), async () => {
      await isAccepted(bench, client({ encryptSignature }));
    });
    const sequence = '{http://docs.oasis-open.org/ws-rx/wsrm/200702}Sequence' as const;
    scenario(inbound(bench, 'encrypted header'), () =>
      accepts(bench, service({ encryptHeaders: [sequence] }), [
        timestamp,
        signs(modern),
        encrypts(modern, {
          parts: [...bodyContent, ['Sequence', 'http://docs.oasis-open.org/ws-rx/wsrm/200702', 'Header']],
        }),
      ]),
    );
    scenario(outbound(bench, 'encrypted header'), async () => {
      const { envelope } = await isAccepted(bench, client({ encryptHeaders: [sequence] }));
      expect(envelope).toContain('MessageNumber>1<');
    });
    for (const [reference, theirs] of [
      ['thumbprint', 'thumbprint'],
      ['key-identifier', 'ski'],
      ['issuer-serial', 'issuer-serial'],
    ] as const) {
      const title = `recipient named by ${reference}`;
      scenario(inbound(bench, title), () =>
        accepts(bench, service(), [timestamp, signs(modern), encrypts(modern, { reference: theirs })]),
      );
      scenario(outbound(bench, title), async () => {
        await isAccepted(bench, client({ recipientReference: reference }));
      });
    }
    scenario(inbound(bench, 'recipient named by an included token'), () =>
      accepts(bench, service(), [timestamp, signs(modern), encrypts(modern, { reference: 'direct' })]),
    );
    for (const to of ['p256', 'p384', 'p521'] as readonly PartyName[]) {
      const title = `key agreement ECDH-ES with ConcatKDF on ${to.replace('p', 'P-')}`;
      const kdf = 'http://www.w3.org/2009/xmlenc11#ConcatKDF';
      scenario(inbound(bench, title), () =>
        accepts(bench, mutualCertificateWss10({ key: keyOf(all.of[to]), trust: trustOf(all) }), [
          timestamp,
          signs(modern),
          {
            ...{
              do: 'encryption',
              alias: to,
              content: modern.content.uri,
              transport: modern.wrap.uri,
              derivation: kdf,
            },
            ...{ agreement: 'http://www.w3.org/2009/xmlenc11#ECDH-ES', reference: 'thumbprint', parts: bodyContent },
          },
        ]),
      );
      scenario(outbound(bench, title), async () => {
        await isAccepted(bench, client({ peer: all.of[to].certificate }));
      });
    }
    scenario(inbound(bench, 'username, signed and encrypted'), () =>
      accepts(bench, service({ passwords: { password: (user) => (user === 'alice' ? 'correct horse' : undefined) } }), [
        timestamp,
        { do: 'username', user: 'alice', password: 'correct horse' },
        signs(modern, { parts: [...everyPart(), token] }),
        encrypts(modern, { parts: [...bodyContent, [...token, 'Element']] }),
      ]),
    );
    scenario(outbound(bench, 'username, signed and encrypted'), async () => {
      const username = { user: 'alice', password: 'correct horse', form: 'text' } as const;
      const { results } = await isAccepted(bench, client({ username }));
      expect(results.some(({ action }) => action === 1)).toBe(true);
    });
    scenario(inbound(bench, 'reply that confirms signatures'), async () => {
      const { body } = await exchanged(client({ confirmSignatures: true }), async (request) => {
        const { results } = await peer.process(request);
        const value = results.find(({ action }) => action === 2)?.value;
        const made = await peer.secure(clear(order()), [
          timestamp,
          { do: 'confirmation', value },
          signs(modern, { alias: 'service', parts: [...everyPart(), confirmation] }),
          encrypts(modern, { alias: 'client' }),
        ]);
        return made.envelope;
      });
      expect(body).toContain('A-1');
    });
    scenario(outbound(bench, 'reply that confirms signatures'), async () => {
      const made = await peer.secure(clear(order()), [timestamp, signs(modern), encrypts(modern)]);
      const reply = await answered(service({ confirmSignatures: true }), made.envelope);
      const { results } = await peer.process(reply);
      expect(results.map(({ confirms }) => confirms)).toContain(made.values[0]);
    });
  });
}

const token = [
  'UsernameToken',
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd',
] as const;
export const confirmation = [
  'SignatureConfirmation',
  'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd',
] as const;
