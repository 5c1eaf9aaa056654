/** Messages that are signed and encrypted, end to end under each preset: what arrives, what is proven, what the wire shows. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  algorithmSuite,
  unsafeSuiteRsa15,
  unsafeSuiteSha1,
  unsafeSuiteTripleDes,
} from '../../src/security/algorithm-suites.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { conversationNamespaces, x509v3 } from '../../src/security/names.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { digikoppelingSigned, digikoppelingSignedEncrypted } from '../../src/security/presets/digikoppeling.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { trustChain } from '../../src/security/trust.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { type Issued, issue } from './pki.ts';
import { order, type Pki, pki, read } from './rig.ts';
import { talk } from './talk.ts';

let all: Pki;
let bob: Issued;
beforeAll(async () => {
  all = await pki();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
});

type Ends = readonly [client: SecurityPolicy, service: SecurityPolicy];
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
const username = { user: 'alice', password: 'secret', form: 'text' } as const;
const to = '{http://www.w3.org/2005/08/addressing}To' as const;
const any = () => trustChain({ anchors: all.root.certificate });

const wss10 = (more: Partial<Parameters<typeof mutualCertificateWss10>[0]> = {}): Ends => [
  mutualCertificateWss10({ key: all.client.key(), peer: bob.certificate, ...more }),
  mutualCertificateWss10({ key: bob.key(), peer: all.client.certificate, ...more }),
];
const wss11 = (more: Partial<Parameters<typeof mutualCertificate>[0]> = {}): Ends => [
  mutualCertificate({ key: all.client.key(), peer: bob.certificate, ...more }),
  mutualCertificate({ key: bob.key(), peer: all.client.certificate, ...more }),
];
const anonymous = (more: Partial<Parameters<typeof anonymousForCertificate>[0]> = {}): Ends => [
  anonymousForCertificate({ peer: bob.certificate, ...more }),
  anonymousForCertificate({ key: bob.key(), ...more }),
];
const user = (more: Partial<Parameters<typeof userNameForCertificate>[0]> = {}): Ends => [
  userNameForCertificate({ peer: bob.certificate, username, ...more }),
  userNameForCertificate({ key: bob.key(), passwords, ...more }),
];
const suite = (name: string) =>
  algorithmSuite(name, { unsafe: [unsafeSuiteSha1, unsafeSuiteRsa15, unsafeSuiteTripleDes] });

const cases: readonly (readonly [name: string, ends: () => Ends])[] = [
  ['WSS 1.0: two certificates and go', () => wss10()],
  ['WSS 1.0, encrypt before sign', () => wss10({ order: 'encrypt-sign' })],
  ['WSS 1.0, encrypted signature', () => wss10({ encryptSignature: true })],
  ['WSS 1.0, an encrypted header', () => wss10({ encryptHeaders: [to] })],
  ['WSS 1.0, an encrypted header, encrypt before sign', () => wss10({ encryptHeaders: [to], order: 'encrypt-sign' })],
  ['WSS 1.0, token protection', () => wss10({ protectTokens: true })],
  ['WSS 1.0, signature confirmation', () => wss10({ confirmSignatures: true })],
  [
    'WSS 1.0, confirmation encrypted with the signature',
    () => wss10({ confirmSignatures: true, encryptSignature: true }),
  ],
  ['WSS 1.0, strict layout', () => wss10({ layout: 'strict', encryptSignature: true })],
  ['WSS 1.0, strict layout, encrypt before sign', () => wss10({ layout: 'strict', order: 'encrypt-sign' })],
  [
    'WSS 1.0, a UsernameToken',
    () => [
      mutualCertificateWss10({ key: all.client.key(), peer: bob.certificate, username }),
      mutualCertificateWss10({ key: bob.key(), peer: all.client.certificate, passwords }),
    ],
  ],
  ...['thumbprint', 'key-identifier', 'issuer-serial'].map(
    (form) =>
      [
        `WSS 1.0, references by ${form}`,
        () =>
          wss10({
            recipientReference: form as 'thumbprint',
            reference: form as 'thumbprint',
          }),
      ] as const,
  ),
  ...['Basic256', 'Basic128Rsa15', 'TripleDes', 'Basic256Sha256', 'Aes128GcmSha256', 'Aes256GcmSha512'].flatMap(
    (name) => [
      [`WSS 1.0, ${name}`, () => wss10({ suite: suite(name) })] as const,
      [`WSS 1.1, ${name}`, () => wss11({ suite: suite(name) })] as const,
    ],
  ),
  [
    'WSS 1.0, keys on curves',
    () => [
      mutualCertificateWss10({ key: all.client.key(), peer: all.service.certificate }),
      mutualCertificateWss10({ key: all.service.key(), peer: all.client.certificate }),
    ],
  ],
  [
    'WSS 1.0, a service that trusts a chain answers whoever asked',
    () => [wss10()[0], mutualCertificateWss10({ key: bob.key(), trust: any() })],
  ],
  ['WSS 1.1: two certificates and go', () => wss11()],
  ['WSS 1.1, encrypt before sign', () => wss11({ order: 'encrypt-sign' })],
  ['WSS 1.1, no derived keys', () => wss11({ derivedKeys: false })],
  ['WSS 1.1, derived keys of 2005/02', () => wss11({ derivedKeysVersion: conversationNamespaces[0] ?? '' })],
  ['WSS 1.1, encrypt before sign, no derived keys', () => wss11({ order: 'encrypt-sign', derivedKeys: false })],
  ['WSS 1.1, an encrypted header', () => wss11({ encryptHeaders: [to] })],
  ['WSS 1.1, strict layout', () => wss11({ layout: 'strict' })],
  ['WSS 1.1, strict layout, encrypt before sign', () => wss11({ layout: 'strict', order: 'encrypt-sign' })],
  ['WSS 1.1, no confirmation', () => wss11({ confirmSignatures: false })],
  ['WSS 1.1, signature in the clear', () => wss11({ encryptSignature: false })],
  [
    'WSS 1.1, keys on curves',
    () => [
      mutualCertificate({ key: all.client.key(), peer: all.service.certificate }),
      mutualCertificate({ key: all.service.key(), trust: any() }),
    ],
  ],
  ['anonymous', () => anonymous()],
  ['anonymous, no derived keys', () => anonymous({ derivedKeys: false })],
  ['a user name', () => user()],
  ['a user name, no derived keys', () => user({ derivedKeys: false, confirmSignatures: true })],
];

describe.each(cases)('%s', (name, ends) => {
  test.each([soap11, soap12])('SOAP $name: request and reply', async (version) => {
    const [client, service] = ends();
    const between = talk(client, service);
    const reply = await between.ask(order(version, 'for his eyes only'));
    const [heard] = between.heard;
    expect(heard?.message.body.toString()).toContain('for his eyes only');
    expect(reply?.message.body.toString()).toContain('the answer');
    expect(heard?.message.action).toBe('urn:orders/place');
    expect(heard?.message.headers.map(({ local }) => local).toSorted()).toEqual(
      ['Sequence', 'AckRequested', 'SequenceAcknowledgement', 'Action', 'To', 'MessageID', 'ReplyTo'].toSorted(),
    );
    for (const octets of between.wire) expect(octets).not.toMatch(/eyes only|the answer|secret/);
    const body = `{${version.namespace}}Body`;
    for (const found of [heard?.get(evidence), reply?.get(evidence)]) {
      expect([...(found?.signed ?? [])]).toContain(body);
      expect([...(found?.encrypted ?? [])]).toContain(body);
    }
    if (name.includes('encrypted header')) {
      expect(between.wire[0]).not.toContain('https://service.example/soap');
      expect([...(heard?.get(evidence)?.encrypted ?? [])]).toContain(to);
    }
    expect(heard && identityOf(heard)).toBe(
      name.startsWith('anonymous')
        ? 'anonymous'
        : name.startsWith('a user')
          ? 'username:alice'
          : `x509:${all.client.certificate.keyFingerprint}`,
    );
    expect(reply?.get(evidence)?.signer?.name).toBe(name.includes('curves') ? 'CN=service' : 'CN=bob');
  });

  test('everything is canonical as it is written', async () => {
    const [client, service] = ends();
    const between = talk(client, service);
    await between.ask();
    expect(between.wire).toHaveLength(2);
    for (const octets of between.wire) {
      for (const { fragment } of read(octets).headers) {
        const { element } = fragment;
        const written = octets.slice(octets.indexOf('<s:Header>') + 10, octets.indexOf('</s:Header>'));
        const standing = Buffer.from(canonicalize(element, exclusive)).toString();
        expect(written).toContain(element.local === 'Security' ? standing.slice(0, 20) : standing);
      }
      const security = /<wsse:Security .*<\/wsse:Security>/s.exec(octets)?.[0] ?? '';
      const { root } = scan(Buffer.from(security.replace('<wsse:Security ', `<wsse:Security `)));
      expect(Buffer.from(canonicalize(root, exclusive)).toString()).toBe(security);
    }
  });
});

test('several recipients: each opens its own EncryptedKey, and leaves that of the other alone', async () => {
  const carol = await issue({ name: 'carol', kind: 'rsa' }, all.root);
  const client = mutualCertificateWss10({ key: all.client.key(), peer: bob.certificate, alsoFor: carol.certificate });
  for (const reader of [bob, carol]) {
    const between = talk(client, mutualCertificateWss10({ key: reader.key(), trust: any() }));
    await between.ask().catch(() => undefined);
    expect(between.wire[0]?.match(/<xenc:EncryptedKey /g)).toHaveLength(2);
    expect(between.heard[0]?.message.body.toString()).toContain('two of them');
  }
});

test('a known certificate may stand whole in a key identifier, as gSOAP and WSS4J name readers', async () => {
  const whole = Buffer.from(bob.certificate.der).toString('base64');
  const identifier = `<wsse:KeyIdentifier ValueType="${x509v3}">${whole}</wsse:KeyIdentifier>`;
  const request = (octets: string): string => {
    const changed = octets.replace(/<wsse:KeyIdentifier [^>]*#ThumbprintSHA1">[^<]*<\/wsse:KeyIdentifier>/, identifier);
    expect(changed).not.toBe(octets);
    return changed;
  };
  const between = talk(...wss10({ recipientReference: 'thumbprint' }), { request });
  expect((await between.ask())?.message.body.toString()).toContain('the answer');
  expect(between.heard).toHaveLength(1);
});

test('a policy leaves nothing open', () => {
  const key = all.client.key();
  const peer = bob.certificate;
  const wrong = [
    () => mutualCertificateWss10({ key }),
    () => mutualCertificateWss10({ key, peer, order: 'encrypt-sign', encryptSignature: true }),
    () => mutualCertificateWss10({ key, peer, order: 'encrypt-sign', username }),
    () => mutualCertificateWss10({ key, peer, order: 'encrypt-sign', alsoFor: peer }),
    () => mutualCertificateWss10({ key, peer, protectTokens: true, reference: 'thumbprint' }),
    () => mutualCertificateWss10({ key: all.service.key(), peer, suite: suite('Basic256') }),
    () => mutualCertificate({ key }),
    () => mutualCertificate({ key, peer, derivedKeysVersion: 'urn:other' }),
    () => anonymousForCertificate({}),
    () => userNameForCertificate({ peer }),
    () => userNameForCertificate({ peer, username, order: 'encrypt-sign' }),
    () => certificateOverTransport({}),
  ];
  for (const one of wrong) expect(one).toThrow(expect.objectContaining({ code: 'SECURITY_POLICY' }));
  expect(mutualCertificateWss10({ key, peer, suite: suite('Basic128Rsa15') }).unsafe).toEqual([
    'unsafeSuiteSha1',
    'unsafeSuiteRsa15',
  ]);
});

test('an end without the certificate of the other cannot ask, and what answers nobody has no key', async () => {
  const service = mutualCertificateWss10({ key: bob.key(), trust: any() });
  await expect(talk(service, wss10()[1]).ask()).rejects.toMatchObject({ code: 'SECURITY_POLICY' });
  const anonymousService = anonymous()[1];
  await expect(talk(anonymousService, anonymousService).ask()).rejects.toMatchObject({ code: 'SECURITY_POLICY' });
});

describe('Digikoppeling WUS', () => {
  test.each([
    ['2W-be-S', digikoppelingSigned],
    ['2W-be-SE', digikoppelingSignedEncrypted],
  ] as const)('%s: WB004 to WB014', async (name, preset) => {
    const client = preset({ key: all.client.key(), peer: bob.certificate });
    const service = preset({ key: bob.key(), trust: any() });
    const between = talk(client, service, {}, { secure: true });
    const reply = await between.ask();
    const [request = '', answer = ''] = between.wire;
    for (const octets of between.wire) {
      expect(octets).toMatch(/<wsse:BinarySecurityToken .*<ds:Signature .*<wsse:Reference URI="#/s);
      expect(octets.includes('<xenc:EncryptedData')).toBe(name === '2W-be-SE');
    }
    expect(answer).toContain('<wsse11:SignatureConfirmation');
    expect(request).toContain('urn:orders/place');
    expect(reply?.get(evidence)?.signer?.name).toBe('CN=bob');
    expect([...(reply?.get(evidence)?.signed ?? [])].map((part) => part.replace(/.*}/, ''))).toEqual(
      expect.arrayContaining(['Body', 'Timestamp', 'Action', 'To', 'MessageID', 'SignatureConfirmation']),
    );
    await expect(talk(client, service).ask()).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    expect(() => preset({ key: bob.key(), trust: any(), suite: suite('Basic256Sha256') })).toThrow(/Digikoppeling/);
  });
});

test('over TLS a certificate endorses the Timestamp', async () => {
  const between = talk(
    certificateOverTransport({ key: all.client.key() }),
    certificateOverTransport({ trust: any() }),
    {},
    { secure: true },
  );
  const reply = await between.ask();
  expect(between.heard[0] && identityOf(between.heard[0])).toBe(`x509:${all.client.certificate.keyFingerprint}`);
  expect([...(between.heard[0]?.get(evidence)?.signed ?? [])]).toEqual([
    '{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Timestamp',
    to,
  ]);
  expect(reply?.message.body.toString()).toContain('the answer');
  expect(reply?.get(evidence)?.signers).toEqual([]);
});
