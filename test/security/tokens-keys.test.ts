/** Every source of keys: PEM, PKCS#12 of each era, JSON Web Keys, KeyObject, and a device in another process; none shows its secret. */
import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process';
import { createSecretKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { LEGACY, MODERN, writePkcs12 } from '../../src/certificates/pkcs12.ts';
import { verifyOctets } from '../../src/security/crypto.ts';
import { acceptedEncryption, mgf1Sha256, rsaOaep } from '../../src/security/encryption/algorithms.ts';
import type { Decrypter } from '../../src/security/encryption/decrypter.ts';
import { encryptKey } from '../../src/security/encryption/encrypted-key.ts';
import { readEncryptedKey } from '../../src/security/encryption/shapes.ts';
import { externalSigningKey } from '../../src/security/external-keys.ts';
import { type SigningKey, signingKey, signingKeyFromPkcs12 } from '../../src/security/keys.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { ed25519, rsaPssSha256, rsaSha256, sha256 } from '../../src/security/suites.ts';
import { trustChain } from '../../src/security/trust.ts';
import type { DeviceAnswer, DeviceRequest } from './key-device.ts';
import { type Issued, issue } from './pki.ts';
import { acceptor, policyOf, secured } from './rig.ts';

let root: Issued;
let rsa: Issued;
let ec: Issued;
beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  rsa = await issue({ name: 'rsa', kind: 'rsa' }, root);
  ec = await issue({ name: 'ec' }, root);
});

const octets = new Uint8Array(64).fill(9);
const works = async (key: SigningKey): Promise<boolean> =>
  verifyOctets(key.algorithm, key.certificate.key, octets, await key.sign(key.algorithm, octets));
/** Pieces of a private key, in every spelling that a print could have. */
function secretsOf(key: KeyObject): readonly string[] {
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>;
  const texts = ['d', 'p', 'q', 'k'].flatMap((name) => (jwk[name] === undefined ? [] : [jwk[name]]));
  return texts.flatMap((text) => {
    const raw = Buffer.from(text, 'base64url').subarray(0, 12);
    return [text.slice(0, 16), raw.toString('hex'), raw.toString('base64'), [...raw].join(', '), [...raw].join(',')];
  });
}
function showsNothing(shown: unknown, secrets: readonly string[]): void {
  const texts = [
    inspect(shown, { depth: 12, showHidden: true, getters: true }),
    JSON.stringify(shown) ?? '',
    String(shown),
    shown instanceof Error ? `${shown.stack} ${inspect(shown.cause, { depth: 12, showHidden: true })}` : '',
  ];
  for (const text of texts) for (const secret of secrets) expect(text).not.toContain(secret);
}

describe('PKCS#12', () => {
  test.each([
    ['of today', MODERN],
    ['of the triple DES era', LEGACY],
  ])('%s, RSA and EC, with its chain', async (_, era) => {
    for (const one of [rsa, ec]) {
      const privateKey = KeyObject.from(one.pair.privateKey);
      const content = { friendlyName: 'k', privateKey, certificates: [one.certificate.der, root.certificate.der] };
      const file = writePkcs12(content, 'top secret', era);
      const key = signingKeyFromPkcs12(file, 'top secret');
      expect(key.chain).toEqual([one.certificate, root.certificate]);
      expect(await works(key)).toBe(true);
      showsNothing(key, secretsOf(privateKey));
      let error: unknown;
      try {
        signingKeyFromPkcs12(file, 'wrong secret');
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'SECURITY_KEY' });
      showsNothing(error, ['wrong secret', 'top secret', ...secretsOf(privateKey)]);
    }
  });

  const openssl = spawnSync('openssl', ['version']).status === 0;
  if (!openssl) console.info('PKCS#12 of OpenSSL is not read: it is not installed');
  test.skipIf(!openssl).each([
    ['AES-256', []],
    ['triple DES and RC2-40', ['-legacy']],
    ['AES-128 with a SHA-512 checksum', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512']],
  ])('of OpenSSL, %s', async (_, options) => {
    const folder = mkdtempSync(join(tmpdir(), 'surewire-p12-'));
    try {
      for (const one of [rsa, ec]) {
        const privateKey = KeyObject.from(one.pair.privateKey);
        writeFileSync(join(folder, 'k.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
        const pem = [one, root].map(
          (each) =>
            `-----BEGIN CERTIFICATE-----\n${base64(each.certificate.der).replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
        );
        writeFileSync(join(folder, 'c.pem'), pem.join(''));
        const file = execFileSync(
          'openssl',
          [
            'pkcs12',
            '-export',
            '-inkey',
            join(folder, 'k.pem'),
            '-in',
            join(folder, 'c.pem'),
            '-passout',
            'pass:s3cret',
            ...options,
          ],
          { stdio: ['ignore', 'pipe', 'pipe'] },
        );
        const key = signingKeyFromPkcs12(new Uint8Array(file), 's3cret');
        expect(key.certificate).toBe(one.certificate);
        expect(await works(key)).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('what is none, or too large', () => {
    expect(() => signingKeyFromPkcs12(new Uint8Array(9), '')).toThrow(
      expect.objectContaining({ code: 'SECURITY_KEY' }),
    );
    expect(() => signingKeyFromPkcs12(new Uint8Array(1_048_577), '')).toThrow(
      expect.objectContaining({ code: 'SECURITY_LIMIT' }),
    );
  });
});

describe('JSON Web Keys', () => {
  test('with a certificate beside it, or in it', async () => {
    for (const one of [rsa, ec]) {
      const object = KeyObject.from(one.pair.privateKey);
      const jwk = object.export({ format: 'jwk' });
      const beside = signingKey({ privateKey: jwk, certificate: one.certificate });
      const inside = signingKey({
        privateKey: { ...jwk, x5c: [one, root].map((each) => base64(each.certificate.der)) },
      });
      expect(inside.chain).toEqual([one.certificate, root.certificate]);
      for (const key of [beside, inside]) {
        expect(await works(key)).toBe(true);
        showsNothing(key, secretsOf(object));
      }
    }
  });
  test('a public one, a secret one, one without certificate, one of another key', () => {
    const object = KeyObject.from(ec.pair.privateKey);
    const secret = createSecretKey(octets).export({ format: 'jwk' });
    const wrong = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    for (const privateKey of [ec.certificate.key.export({ format: 'jwk' }), secret, wrong]) {
      let error: unknown;
      try {
        signingKey({ privateKey, certificate: ec.certificate });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'SECURITY_KEY' });
      showsNothing(error, [...secretsOf(createSecretKey(octets)), String(wrong.d)]);
    }
    expect(() => signingKey({ privateKey: object.export({ format: 'jwk' }) })).toThrow(
      expect.objectContaining({ code: 'SECURITY_CERTIFICATE_MALFORMED' }),
    );
  });
});

test('PEM and KeyObject show nothing either, nor does a policy that holds the key', () => {
  for (const one of [rsa, ec]) {
    const object = KeyObject.from(one.pair.privateKey);
    const pem = object.export({ type: 'pkcs8', format: 'pem' }) as string;
    for (const privateKey of [object, pem]) {
      const key = signingKey({ privateKey, certificate: one.certificate });
      showsNothing(key, [...secretsOf(object), pem.slice(40, 80)]);
      showsNothing(x509Signed({ key, trust: trustChain({ anchors: root.certificate }) }), secretsOf(object));
      expect(Object.keys(key).toSorted()).toEqual(['algorithm', 'certificate', 'chain', 'decrypter']);
    }
  }
});

describe('a key in another process', () => {
  let device: ChildProcess;
  let certified: Issued;
  const waiting = new Map<number, (answer: DeviceAnswer) => void>();
  let last = 0;
  const ask = async (request: Omit<DeviceRequest, 'id'>): Promise<Uint8Array> => {
    const id = ++last;
    const answer = await new Promise<DeviceAnswer>((resolve) => {
      waiting.set(id, resolve);
      device.send({ ...request, id });
    });
    if (answer.octets === undefined) throw new Error(answer.error);
    return new Uint8Array(Buffer.from(answer.octets, 'base64'));
  };
  const signThere = (algorithm: { readonly uri: string }, input: Uint8Array) =>
    ask({ work: 'sign', algorithm: algorithm.uri, octets: base64(input) });
  const holder: Decrypter = {
    unwrap(operation) {
      if (operation.kind !== 'transport') throw new Error('only key transport');
      const { row, parameters, octets: input, length } = operation;
      const oaep = { digest: parameters.digest.uri, mask: parameters.mask.uri };
      return ask({ work: 'unwrap', algorithm: row.uri, octets: base64(input), length, oaep });
    },
  };
  beforeAll(async () => {
    device = fork(join(import.meta.dirname, 'key-device.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [{ spki }] = (await once(device, 'message')) as [{ spki: string }];
    device.on('message', (answer: DeviceAnswer) => waiting.get(answer.id)?.(answer));
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const publicKey = await crypto.subtle.importKey('spki', Buffer.from(spki, 'base64'), algorithm, true, ['verify']);
    certified = await issue({ name: 'device', publicKey }, root);
  });
  afterAll(() => {
    device.kill();
  });

  test('signs messages that are accepted', async () => {
    const key = await externalSigningKey({ certificate: certified.certificate, sign: signThere });
    expect(key.algorithm).toBe(rsaSha256);
    const policy = x509Signed({ key, trust: trustChain({ anchors: root.certificate }) });
    const end = acceptor(policyOf(ec, root));
    expect(await end.receive(await secured(policy))).toBeUndefined();
    expect(end.heard).toHaveLength(1);
    expect(verifyOctets(rsaPssSha256, certified.certificate.key, octets, await key.sign(rsaPssSha256, octets))).toBe(
      true,
    );
    await expect(key.sign(ed25519, octets)).rejects.toMatchObject({ code: 'SECURITY_KEY' });
  });

  test('opens keys that were encrypted for its certificate', async () => {
    const key = await externalSigningKey({ certificate: certified.certificate, sign: signThere, decrypter: holder });
    const secret = createSecretKey(new Uint8Array(32).fill(5));
    const publicKey = certified.certificate.key;
    const sealed = encryptKey(secret, { kind: 'transport', row: rsaOaep, publicKey, digest: sha256, mask: mgf1Sha256 });
    const read = readEncryptedKey(sealed.element, acceptedEncryption());
    if (read.method.kind !== 'transport') throw new Error('no transport');
    const opened = await key.decrypter?.unwrap({ ...read.method, octets: read.octets, length: 32 });
    expect(createSecretKey(opened ?? new Uint8Array()).equals(secret)).toBe(true);
  });

  test('is found out when it has another key, does not answer, or fails', async () => {
    const refused = (sign: Parameters<typeof externalSigningKey>[0]['sign'], certificate = certified.certificate) =>
      externalSigningKey({ certificate, sign, timeout: 50 }).catch((error: unknown) => error);
    expect(await refused(signThere, rsa.certificate)).toMatchObject({ code: 'SECURITY_KEY' });
    expect(await refused(() => new Promise(() => undefined))).toMatchObject({ code: 'SECURITY_KEY', transient: true });
    expect(await refused(async () => new Uint8Array(256))).toMatchObject({ code: 'SECURITY_KEY', transient: false });
    const busy = Object.assign(new Error('busy'), { transient: true });
    expect(await refused(() => Promise.reject(busy))).toMatchObject({
      code: 'SECURITY_KEY',
      transient: true,
      cause: busy,
    });
    const key = await externalSigningKey({ certificate: certified.certificate, sign: signThere });
    await expect(ask({ work: 'sign', algorithm: 'urn:x', octets: '' })).rejects.toThrow('unknown algorithm');
    expect(inspect(key)).toBe('ExternalKey { CN=device }');
    expect(Object.keys(key)).not.toContain('sign');
  });
});

const vectors = join(import.meta.dirname, '../../../shared/vectors');
const foreign: readonly (readonly [string, string])[] = [['xmlsec/merlin-xmlenc-five/rsapriv.p12', 'secret']];
test.skipIf(!existsSync(vectors)).each(foreign)('a PKCS#12 file of others: %s', (file, passphrase) => {
  // A key of 1024 bits is read, and then refused as too weak.
  const error = (() => {
    try {
      return signingKeyFromPkcs12(new Uint8Array(readFileSync(join(vectors, file))), passphrase);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(String(error)).toMatch(/weak/);
});
