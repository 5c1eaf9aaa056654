/**
 * Every kind of key that signs messages, certified by OpenSSL: what is signed is accepted, verified once more by OpenSSL, and refused
 * under another key or when it was changed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac, createSecretKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { signOctets, verifyOctets } from '../../src/security/crypto.ts';
import { signingKey } from '../../src/security/keys.ts';
import { x509Signed } from '../../src/security/policy.ts';
import {
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  hmacSha256,
  hmacSha384,
  hmacSha512,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  rsaSha256,
  type SignatureAlgorithm,
  unsafeHmacSha1,
} from '../../src/security/suites.ts';
import { trustChain } from '../../src/security/trust.ts';
import { receive } from '../attacks/support.ts';
import { type Issued, issue } from './pki.ts';
import { acceptor, policyOf, secured } from './rig.ts';

const there = spawnSync('openssl', ['version']).status === 0;
if (!there) console.info('kinds of keys are not checked: openssl is not installed');

let root: Issued;
let service: Issued;
let folder: string;
beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  service = await issue({ name: 'service' }, root);
  folder = mkdtempSync(join(tmpdir(), 'surewire-kinds-'));
  writeFileSync(
    join(folder, 'root.key'),
    KeyObject.from(root.pair.privateKey).export({ type: 'pkcs8', format: 'pem' }),
  );
  const pem = base64(root.certificate.der).replace(/.{64}(?!$)/g, '$&\n');
  writeFileSync(join(folder, 'root.pem'), `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const openssl = (...options: string[]): Buffer =>
  execFileSync('openssl', options, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A key of a kind and its certificate, both made by OpenSSL. */
function certified(options: readonly string[]) {
  openssl('genpkey', ...options, '-out', at('own.key'));
  openssl('req', '-new', '-key', at('own.key'), '-subj', '/CN=own', '-out', at('own.csr'));
  const issuer = ['-CA', at('root.pem'), '-CAkey', at('root.key')];
  openssl('x509', '-req', '-in', at('own.csr'), ...issuer, '-set_serial', '77', '-days', '30', '-out', at('own.pem'));
  return { privateKey: readFileSync(at('own.key'), 'utf8'), certificate: readFileSync(at('own.pem'), 'utf8') };
}

const kinds: readonly (readonly [string, readonly string[], readonly SignatureAlgorithm[]])[] = [
  ['RSA', ['-algorithm', 'RSA'], [rsaSha256, rsaPssSha256, rsaPssSha384, rsaPssSha512]],
  ['RSA for PSS only', ['-algorithm', 'RSA-PSS'], [rsaPssSha256, rsaPssSha384]],
  ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], [ecdsaSha384]],
  ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], [ecdsaSha512]],
  ['Ed25519', ['-algorithm', 'ED25519'], [ed25519]],
];

describe.skipIf(!there)('messages signed under', () => {
  for (const [name, options, algorithms] of kinds)
    test(name, async () => {
      const own = certified(options);
      const key = signingKey(own);
      // OpenSSL dates its certificates by its own clock, which is not that of the messages here.
      const trust = trustChain({ anchors: [root.certificate, key.certificate] });
      for (const algorithm of algorithms) {
        const octets = await secured(x509Signed({ key, trust, algorithm }), undefined, Date.now());
        const end = acceptor(policyOf(service, root));
        await end.clock.advance(Date.now() - end.clock.now());
        expect(await receive(end, octets), algorithm.uri).toEqual({ answer: undefined, codes: [] });
        expect(end.heard).toHaveLength(1);
        const changed = Buffer.from(octets).toString().replace('two of them', 'six of them');
        await end.receive(changed);
        expect(end.heard).toHaveLength(1);
      }
    });

  test.each([rsaPssSha256, rsaPssSha384, rsaPssSha512])(
    'OpenSSL verifies $uri, and with no other salt',
    (algorithm) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      writeFileSync(at('public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
      writeFileSync(at('private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(at('text'), 'octets');
      writeFileSync(at('signature'), signOctets(algorithm, privateKey, Buffer.from('octets')));
      openssl(
        'dgst',
        `-${algorithm.hash}`,
        '-verify',
        at('public.pem'),
        '-signature',
        at('signature'),
        '-sigopt',
        'rsa_padding_mode:pss',
        '-sigopt',
        'rsa_pss_saltlen:digest',
        at('text'),
      );
      const sign = (salt: string) =>
        openssl(
          'dgst',
          `-${algorithm.hash}`,
          '-sign',
          at('private.pem'),
          '-sigopt',
          'rsa_padding_mode:pss',
          '-sigopt',
          `rsa_pss_saltlen:${salt}`,
          at('text'),
        );
      expect(verifyOctets(algorithm, publicKey, Buffer.from('octets'), sign('digest'))).toBe(true);
      expect(verifyOctets(algorithm, publicKey, Buffer.from('octets'), sign('0'))).toBe(false);
      expect(verifyOctets(rsaSha256, publicKey, Buffer.from('octets'), sign('digest'))).toBe(false);
    },
  );

  test.each([hmacSha256, hmacSha384, hmacSha512, unsafeHmacSha1])('OpenSSL computes $uri', (algorithm) => {
    const secret = createSecretKey(Buffer.from('0123456789abcdef0123456789abcdef', 'hex'));
    writeFileSync(at('text'), 'octets');
    const theirs = openssl(
      'dgst',
      `-${algorithm.hash}`,
      '-mac',
      'HMAC',
      '-macopt',
      'hexkey:0123456789abcdef0123456789abcdef',
      '-binary',
      at('text'),
    );
    expect(Buffer.from(signOctets(algorithm, secret, Buffer.from('octets'))).equals(theirs)).toBe(true);
    expect(verifyOctets(algorithm, secret, Buffer.from('octets'), theirs)).toBe(true);
    expect(Buffer.from(signOctets(algorithm, secret, 'octets')).equals(theirs)).toBe(true);
    // K3: truncated, and extended.
    expect(verifyOctets(algorithm, secret, Buffer.from('octets'), theirs.subarray(0, 10))).toBe(false);
    expect(verifyOctets(algorithm, secret, Buffer.from('octets'), Buffer.concat([theirs, theirs]))).toBe(false);
  });
});

test('a text is signed as its UTF-8, however long it is and whatever is in it', () => {
  const secret = createSecretKey(new Uint8Array(32).fill(5));
  const texts = [0, 1, 500, 8_191, 8_192, 8_193, 20_000].flatMap((length) => {
    const text = 'a'.repeat(length);
    return [text, `${text}é`, `${text.slice(1)}\u20ac`, `${text.slice(2)}\u{1f600}`, 'é'.repeat(length)];
  });
  for (const text of texts) {
    const octets = Buffer.from(text);
    for (const algorithm of [hmacSha256, hmacSha512, unsafeHmacSha1]) {
      const expected = createHmac(algorithm.hash, secret).update(octets).digest();
      expect(Buffer.from(signOctets(algorithm, secret, text)).equals(expected)).toBe(true);
      expect(Buffer.from(signOctets(algorithm, secret, octets)).equals(expected)).toBe(true);
    }
  }
});

test('K2 a key of one kind never verifies a signature of another', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = createSecretKey(publicKey.export({ type: 'spki', format: 'der' }));
  const misfit = expect.objectContaining({ code: 'SECURITY_KEY' });
  const octets = new Uint8Array(3);
  expect(() => verifyOctets(hmacSha256, publicKey, octets, octets)).toThrow(misfit);
  expect(() => signOctets(hmacSha256, privateKey, octets)).toThrow(misfit);
  expect(() => verifyOctets(rsaSha256, secret, octets, octets)).toThrow(misfit);
  expect(() => verifyOctets(ed25519, publicKey, octets, octets)).toThrow(misfit);
  expect(() => signOctets(hmacSha256, createSecretKey(new Uint8Array(15)), octets)).toThrow(misfit);
});
