import { generateKeyPairSync, KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { certificate, certificates } from '../../src/security/certificates.ts';
import { signingKey } from '../../src/security/keys.ts';
import { timestampOnly, unsafeKeepUnsigned, usernameOverTransport } from '../../src/security/policy.ts';
import { type Issued, issue } from './pki.ts';
import { policyOf } from './rig.ts';

let own: Issued;
let root: Issued;
beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  own = await issue({ name: 'own' }, root);
});

const pemOf = (one: Issued): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(one.certificate.der).toString('base64')}\n-----END CERTIFICATE-----\n`;
const privatePem = (one: Issued): string =>
  KeyObject.from(one.pair.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;

test('a key from PEM, with its chain', () => {
  const key = signingKey({ privateKey: privatePem(own), certificate: pemOf(own) + pemOf(root) });
  expect(key.chain.map((one) => one.subject)).toEqual(['CN=own', 'CN=root']);
});

test('a key from encrypted PEM and from DER', () => {
  const object = KeyObject.from(own.pair.privateKey);
  const pem = object.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }) as string;
  expect(signingKey({ privateKey: pem, passphrase: 'secret', certificate: own.certificate }).certificate).toBe(
    own.certificate,
  );
  const der = new Uint8Array(object.export({ type: 'pkcs8', format: 'der' }));
  expect(signingKey({ privateKey: der, certificate: own.certificate }).certificate).toBe(own.certificate);
  expect(() => signingKey({ privateKey: pem, passphrase: 'wrong', certificate: own.certificate })).toThrow(
    expect.objectContaining({ code: 'SECURITY_KEY' }),
  );
});

test("a key that is not the certificate's, or too weak, or of no known kind, is found when it is loaded", () => {
  const wrong = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('rsa', { modulusLength: 1024 }),
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  ];
  for (const { privateKey, publicKey } of wrong) {
    expect(() => signingKey({ privateKey, certificate: own.certificate })).toThrow(
      expect.objectContaining({ code: 'SECURITY_KEY' }),
    );
    expect(() => signingKey({ privateKey: publicKey, certificate: own.certificate })).toThrow(
      expect.objectContaining({ code: 'SECURITY_KEY' }),
    );
  }
});

test('secrets are not printed: keys, passwords, policies', () => {
  const key = own.key();
  const secret = Buffer.from(KeyObject.from(own.pair.privateKey).export({ type: 'pkcs8', format: 'der' }))
    .toString('base64')
    .slice(40, 80);
  const policy = usernameOverTransport({ username: { user: 'alice', password: 'top secret', form: 'text' } });
  const signed = policyOf(own, root, { username: { user: 'alice', password: 'top secret', form: 'text' } });
  for (const shown of [key, policy, signed].flatMap((one) => [inspect(one, { depth: 9 }), JSON.stringify(one)])) {
    expect(shown).not.toContain('top secret');
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain('PrivateKeyObject');
  }
});

test('policies are frozen, and say what is unsafe about them', () => {
  const policy = policyOf(own, root, { unsafe: [unsafeKeepUnsigned] });
  expect([policy, policy.inbound, policy.outbound, policy.inbound.signature].every(Object.isFrozen)).toBe(true);
  expect(policy.unsafe).toEqual(['unsafeKeepUnsigned']);
  expect(timestampOnly().unsafe).toEqual([]);
  expect(() => usernameOverTransport({})).toThrow(expect.objectContaining({ code: 'SECURITY_POLICY' }));
  expect(() => timestampOnly({ lifetime: Number.POSITIVE_INFINITY })).toThrow(
    expect.objectContaining({ code: 'SECURITY_POLICY' }),
  );
  expect(() => timestampOnly({ freshness: { skew: -1 } })).toThrow(
    expect.objectContaining({ code: 'SECURITY_POLICY' }),
  );
});

test('the same octets are the same certificate; others are refused', () => {
  expect(certificate(new Uint8Array(own.certificate.der))).toBe(own.certificate);
  expect(certificates([pemOf(own), root.certificate.der])).toEqual([own.certificate, root.certificate]);
  expect(own.certificate.keyIdentifier()).toHaveLength(20);
  for (const source of ['-----BEGIN X-----', new Uint8Array(3)]) {
    expect(() => certificates(source)).toThrow(expect.objectContaining({ code: 'SECURITY_CERTIFICATE_MALFORMED' }));
  }
});
