/** Keys, algorithms and certificates, K1 to K12: the message does not choose whom to believe. */
import { describe, expect, test } from 'vitest';
import { base64, fromBase64 } from '../../src/base/bytes.ts';
import { rsaSha512, unsafeRsaSha1, unsafeSha1 } from '../../src/security/suites.ts';
import { issue } from '../security/pki.ts';
import { acceptor, pki as makePki, policyOf, secured } from '../security/rig.ts';
import { attacks, craft, cut, swap } from './support.ts';

const value = (valid: string) => /<ds:SignatureValue>([^<]*)/.exec(valid)?.[1] ?? '';

describe('K1 a key is not believed because it is in the message', () => {
  attacks([
    [
      'a stranger of the same name signs',
      'SECURITY_CERTIFICATE_UNTRUSTED',
      (_, { pki }) => craft({ key: pki.stranger.key() }),
    ],
    [
      'a certificate issued by an end entity',
      'SECURITY_CERTIFICATE_UNTRUSTED',
      async (_, { pki }) => craft({ key: (await issue({ name: 'child' }, pki.client)).key() }),
    ],
    [
      'a certificate that names the root as issuer, signed by another',
      'SECURITY_CERTIFICATE_UNTRUSTED',
      async () => {
        const fakeRoot = await issue({ name: 'DEV ONLY root', ca: true });
        return craft({ key: (await issue({ name: 'child' }, fakeRoot)).key() });
      },
    ],
    [
      'K9 expired',
      'SECURITY_CERTIFICATE_EXPIRED',
      async (_, { pki }) =>
        craft({ key: (await issue({ name: 'old', notAfter: new Date('2026-11-01') }, pki.root)).key() }),
    ],
    [
      'K9 not yet valid',
      'SECURITY_CERTIFICATE_NOT_YET_VALID',
      async (_, { pki }) =>
        craft({ key: (await issue({ name: 'new', notBefore: new Date('2026-12-01') }, pki.root)).key() }),
    ],
    [
      'K9 not for signatures',
      'SECURITY_CERTIFICATE_USAGE',
      async (_, { pki }) => craft({ key: (await issue({ name: 'encryptor', keyUsage: 0x20 }, pki.root)).key() }),
    ],
    [
      'K9 a critical extension nobody knows',
      'SECURITY_CERTIFICATE_USAGE',
      async (_, { pki }) => craft({ key: (await issue({ name: 'odd', criticalUnknown: true }, pki.root)).key() }),
    ],
    [
      'a KeyValue instead of a reference',
      'SECURITY_MALFORMED',
      (_, { pki }) =>
        craft({
          key: pki.stranger.key(),
          keyReference:
            '<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>',
        }),
    ],
    [
      'an X509Data with the certificate inside',
      'SECURITY_MALFORMED',
      (_, { pki }) =>
        craft({
          key: pki.stranger.key(),
          keyReference: `<ds:X509Data><ds:X509Certificate>${base64(pki.stranger.certificate.der)}</ds:X509Certificate></ds:X509Data>`,
        }),
    ],
    [
      'a KeyName',
      'SECURITY_MALFORMED',
      (_, { pki }) => craft({ key: pki.stranger.key(), keyReference: '<ds:KeyName>client</ds:KeyName>' }),
    ],
    [
      'an empty wsse:Embedded in the reference',
      'SECURITY_MALFORMED',
      (_, { pki }) =>
        craft({
          key: pki.stranger.key(),
          keyReference: '<wsse:SecurityTokenReference><wsse:Embedded/></wsse:SecurityTokenReference>',
        }),
    ],
    [
      "R7 the service's own message comes back to it",
      'SECURITY_REFLECTED',
      async (_, { pki }) => new TextDecoder().decode(await secured(policyOf(pki.service, pki.root))),
    ],
  ]);
});

describe('K2, K4 algorithms come from the policy', () => {
  const named = (uri: string) => (content: string) =>
    content.replace(/SignatureMethod Algorithm="[^"]*"/, `SignatureMethod Algorithm="${uri}"`);
  attacks([
    [
      'K2 HMAC with the public key as secret',
      'SECURITY_ALGORITHM',
      (_, { pki }) =>
        craft({ key: pki.client.key(), signedInfo: named('http://www.w3.org/2001/04/xmldsig-more#hmac-sha256') }),
    ],
    [
      'K2 an RSA key under the name of ECDSA',
      'SECURITY_KEY',
      (_, { pki }) =>
        craft({ key: pki.client.key(), signedInfo: named('http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256') }),
    ],
    [
      'K4 RSA-SHA1, rightly signed',
      'SECURITY_ALGORITHM',
      (_, { pki }) => craft({ key: pki.client.key(), algorithm: unsafeRsaSha1 }),
    ],
    [
      'K4 a SHA-1 digest',
      'SECURITY_ALGORITHM',
      (_, { pki }) =>
        craft({
          key: pki.client.key(),
          signedInfo: (content) =>
            content.replace('xmlenc#sha256', 'x').replace('http://www.w3.org/2001/04/x', unsafeSha1.uri),
        }),
    ],
    [
      'K4 DSA',
      'SECURITY_ALGORITHM',
      (_, { pki }) =>
        craft({ key: pki.client.key(), signedInfo: named('http://www.w3.org/2009/xmldsig11#dsa-sha256') }),
    ],
    [
      'K4 an algorithm nobody knows',
      'SECURITY_ALGORITHM',
      (_, { pki }) => craft({ key: pki.client.key(), signedInfo: named('urn:none') }),
    ],
    [
      'SHA-512 named, SHA-256 signed',
      'SECURITY_SIGNATURE',
      (_, { pki }) => craft({ key: pki.client.key(), signedInfo: named(rsaSha512.uri) }),
    ],
    [
      'K6 RSA of 1024 bits',
      'SECURITY_KEY',
      async (_, { pki }) => {
        const weak = await issue({ name: 'weak', kind: 'rsa', bits: 1024 }, pki.root);
        const strong = pki.client.key();
        return craft({
          key: {
            ...strong,
            certificate: weak.certificate,
            algorithm: strong.algorithm,
            sign: (a, o) => strong.sign(a, o),
          },
        });
      },
    ],
    [
      'K7 r and s are 0',
      'SECURITY_SIGNATURE',
      async (_, { pki }) =>
        craft({ key: (await issue({ name: 'ec' }, pki.root)).key(), value: () => new Uint8Array(64) }),
    ],
    [
      'K7 an ECDSA value of another length',
      'SECURITY_SIGNATURE',
      async (_, { pki }) =>
        craft({
          key: (await issue({ name: 'ec' }, pki.root)).key(),
          value: (right) => new Uint8Array([0, ...right.slice(0, 32), 0, ...right.slice(32)]),
        }),
    ],
    [
      'K7 an ECDSA value in ASN.1',
      'SECURITY_SIGNATURE',
      async (_, { pki }) =>
        craft({
          key: (await issue({ name: 'ec' }, pki.root)).key(),
          value: (right) =>
            new Uint8Array([0x30, 0x44, 0x02, 0x20, ...right.slice(0, 32), 0x02, 0x20, ...right.slice(32)]),
        }),
    ],
    [
      'the signature value of another message',
      'SECURITY_SIGNATURE',
      async (valid, { pki }) => {
        const other = new TextDecoder().decode(await secured(policyOf(pki.client, pki.root), undefined, undefined, 2));
        return swap(valid, value(valid), value(other));
      },
    ],
  ]);
});

describe('K11, K12 tokens and references', () => {
  attacks([
    [
      'two references in KeyInfo',
      'SECURITY_MALFORMED',
      (valid) => {
        const reference = cut(valid, 'wsse:SecurityTokenReference');
        return swap(valid, reference, reference + reference);
      },
    ],
    [
      'two targets in a reference',
      'SECURITY_MALFORMED',
      (valid) => {
        const reference = cut(valid, 'wsse:Reference');
        return swap(valid, reference, reference + reference);
      },
    ],
    ['no KeyInfo', 'SECURITY_MALFORMED', (valid) => swap(valid, cut(valid, 'ds:KeyInfo'), '')],
    [
      'a reference to a token in another header',
      'SECURITY_TOKEN',
      (valid) => {
        const token = cut(valid, 'wsse:BinarySecurityToken');
        return swap(
          swap(valid, token, ''),
          '</s:Header>',
          `<x:W xmlns:x="urn:x" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">${token}</x:W></s:Header>`,
        );
      },
    ],
    [
      'a reference to the Timestamp',
      'SECURITY_TOKEN',
      (valid) => {
        const id = /<wsu:Timestamp [^>]*wsu:Id="([^"]*)"/.exec(valid)?.[1] ?? '';
        return valid.replace(/<wsse:Reference URI="[^"]*"/, `<wsse:Reference URI="#${id}"`);
      },
    ],
    [
      'a reference to a URL',
      'SECURITY_TOKEN',
      (valid) => valid.replace(/<wsse:Reference URI="[^"]*"/, '<wsse:Reference URI="http://127.0.0.1/cert"'),
    ],
    [
      'a token of an unknown type',
      'SECURITY_UNSUPPORTED',
      (valid) =>
        swap(
          valid,
          'ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"',
          'ValueType="urn:mine"',
        ),
    ],
    [
      'a token of another type than the reference says',
      'SECURITY_MALFORMED',
      (valid) => swap(valid, '#X509v3"></wsse:Reference>', '#X509PKIPathv1"></wsse:Reference>'),
    ],
    [
      'K10 a thumbprint of an unknown certificate',
      'SECURITY_TOKEN',
      (_, { pki }) =>
        craft({
          key: pki.client.key(),
          keyReference: `<wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1">${base64(pki.client.certificate.thumbprint())}</wsse:KeyIdentifier></wsse:SecurityTokenReference>`,
        }),
    ],
    [
      'K10 a certificate of nobody known, whole in a key identifier',
      'SECURITY_TOKEN',
      (_, { pki }) =>
        craft({
          key: pki.client.key(),
          keyReference: `<wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3">${base64(pki.client.certificate.der)}</wsse:KeyIdentifier></wsse:SecurityTokenReference>`,
        }),
    ],
    [
      'a token that is no certificate',
      'SECURITY_CERTIFICATE_MALFORMED',
      (valid) => valid.replace(/(<wsse:BinarySecurityToken[^>]*>)[^<]*/, `$1${base64(new Uint8Array(300))}`),
    ],
    [
      'K12 a token of 20 kB',
      'SECURITY_CERTIFICATE_MALFORMED',
      (valid) =>
        valid.replace(
          /(<wsse:BinarySecurityToken[^>]*>)([^<]*)/,
          (_, tag: string, text: string) =>
            tag + base64(new Uint8Array([...(fromBase64(text) ?? []), ...new Uint8Array(20_000)])),
        ),
    ],
    [
      'octets behind the certificate',
      'SECURITY_CERTIFICATE_MALFORMED',
      (valid) =>
        valid.replace(
          /(<wsse:BinarySecurityToken[^>]*>)([^<]*)/,
          (_, tag: string, text: string) => tag + base64(new Uint8Array([...(fromBase64(text) ?? []), 0])),
        ),
    ],
  ]);
});

test('K4 SHA-1 is accepted only where a policy lists the unsafe rows, and the policy says so', async () => {
  const all = await makePki();
  const weak = policyOf(all.client, all.root, { algorithm: unsafeRsaSha1, digest: unsafeSha1, accept: {} });
  expect(weak.unsafe).toEqual([unsafeRsaSha1.uri, unsafeSha1.uri]);
  const strict = acceptor(policyOf(all.service, all.root));
  const lax = acceptor(
    policyOf(all.service, all.root, { accept: { signatures: [unsafeRsaSha1], digests: [unsafeSha1] } }),
  );
  const octets = await secured(weak);
  await strict.receive(octets);
  await lax.receive(octets);
  expect([strict.heard.length, lax.heard.length]).toEqual([0, 1]);
});
