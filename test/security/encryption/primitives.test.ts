/** The operations under XML Encryption against the vectors of Wycheproof and of their RFCs. */
import {
  createDecipheriv,
  createECDH,
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { base64, concat } from '../../../src/base/bytes.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { deriveKey, sharedSecret } from '../../../src/security/encryption/agreement.ts';
import {
  aes128Cbc,
  aes128Gcm,
  aes192Cbc,
  aes192Gcm,
  aes256Cbc,
  aes256Gcm,
  ecdhEs,
  hmacSha256,
  kwAes128,
  kwAes192,
  kwAes256,
  mgf1Sha1,
  oaepSha1,
  rsaOaep,
  unsafeKwTripleDes,
  unsafeRsa15,
  x25519,
} from '../../../src/security/encryption/algorithms.ts';
import { decipher } from '../../../src/security/encryption/ciphers.ts';
import { joinBitStrings } from '../../../src/security/encryption/derivations.ts';
import { dsig11 } from '../../../src/security/encryption/names.ts';
import type { OaepParameters } from '../../../src/security/encryption/oaep.ts';
import { publicKeyIn } from '../../../src/security/encryption/points.ts';
import { receiveKey, rejectionSecret } from '../../../src/security/encryption/rsa.ts';
import { unwrapKey, wrapKey } from '../../../src/security/encryption/wraps.ts';
import { scan } from '../../../src/xml/scan.ts';
import { folder } from './vectors.ts';

const wycheproof = join(folder, 'crypto-primitives/wycheproof');
const there = existsSync(wycheproof);
if (!there) console.info(`Wycheproof vectors skipped: ${wycheproof} is absent`);

type Field = 'key' | 'iv' | 'msg' | 'ct' | 'tag' | 'aad' | 'label' | 'public' | 'private' | 'shared';

interface Case extends Readonly<Partial<Record<Field, string>>> {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface Group {
  readonly tests: readonly Case[];
  readonly privateKeyPem?: string;
  readonly sha?: string;
  readonly mgfSha?: string;
}

function groups(name: string): readonly Group[] {
  if (!there) return [];
  const { testGroups } = JSON.parse(readFileSync(join(wycheproof, `${name}.json`), 'utf8'));
  return testGroups as readonly Group[];
}

const hex = (of: Case, field: Field): Buffer => Buffer.from(of[field] ?? '', 'hex');
const label = (one: Case): string => `#${one.tcId} ${one.comment} [${one.flags}]`;

describe.skipIf(!there)('content ciphers (XML Encryption 1.1 section 5.2)', () => {
  test('AES-GCM: every vector of a 96-bit IV, a 128-bit tag and no additional data', () => {
    const rows = new Map([aes128Gcm, aes192Gcm, aes256Gcm].map((row) => [row.keyLength, row]));
    let run = 0;
    for (const one of groups('aes_gcm_test').flatMap(({ tests }) => tests)) {
      const row = rows.get(hex(one, 'key').length);
      const expressible = hex(one, 'iv').length === 12 && hex(one, 'tag').length === 16 && one.aad === '';
      if (row === undefined || !expressible) continue;
      const octets = concat([hex(one, 'iv'), hex(one, 'ct'), hex(one, 'tag')]);
      const found = decipher(row, createSecretKey(hex(one, 'key')), octets);
      expect(found.sound, label(one)).toBe(one.result === 'valid');
      expect(Buffer.from(found.octets).equals(found.sound ? hex(one, 'msg') : Buffer.alloc(0)), label(one)).toBe(true);
      run++;
    }
    expect(run).toBeGreaterThan(60);
  });

  test('AES-CBC: the last octet says how much padding there is, and nothing else is looked at', () => {
    const rows = new Map([aes128Cbc, aes192Cbc, aes256Cbc].map((row) => [row.keyLength, row]));
    for (const one of groups('aes_cbc_pkcs5_test').flatMap(({ tests }) => tests)) {
      const row = rows.get(hex(one, 'key').length);
      if (row === undefined) throw new Error('a key of another length');
      const found = decipher(row, createSecretKey(hex(one, 'key')), concat([hex(one, 'iv'), hex(one, 'ct')]));
      if (one.result === 'valid') {
        expect(found.sound && Buffer.from(found.octets).equals(hex(one, 'msg')), label(one)).toBe(true);
        continue;
      }
      const raw = createDecipheriv(row.name, hex(one, 'key'), hex(one, 'iv')).setAutoPadding(false);
      const last = hex(one, 'ct').length % 16 === 0 ? raw.update(hex(one, 'ct')).at(-1) : undefined;
      expect(found.sound, label(one)).toBe(last !== undefined && last >= 1 && last <= 16);
    }
  });
});

describe.skipIf(!there)('key wrap (section 5.7, RFC 3394; attack E5)', () => {
  test('AES-KW: every vector, also those that the platform takes though they are too short', () => {
    const rows = new Map([kwAes128, kwAes192, kwAes256].map((row) => [row.keyLength, row]));
    for (const one of groups('aes_wrap_test').flatMap(({ tests }) => tests)) {
      const row = rows.get(hex(one, 'key').length);
      if (row === undefined) throw new Error('a key of another length');
      const key = unwrapKey(row, createSecretKey(hex(one, 'key')), hex(one, 'ct'), hex(one, 'msg').length);
      const expected = one.result === 'valid' ? hex(one, 'msg') : undefined;
      expect(key && Buffer.from(key).toString('hex'), label(one)).toBe(expected?.toString('hex'));
      for (const length of [8, 16, 24, 32]) {
        const wrong =
          length === expected?.length
            ? undefined
            : unwrapKey(row, createSecretKey(hex(one, 'key')), hex(one, 'ct'), length);
        expect(wrong, label(one)).toBeUndefined();
      }
    }
  });

  test('triple DES: what is wrapped is unwrapped, and one bit changed is not', () => {
    const by = createSecretKey(Buffer.alloc(24, 'three keys of eight'));
    const key = Buffer.alloc(24, 7);
    const wrapped = wrapKey(unsafeKwTripleDes, by, key, seededRandom(3));
    expect(wrapped).toHaveLength(40);
    expect(unwrapKey(unsafeKwTripleDes, by, wrapped, 24)).toEqual(key);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = wrapped.map((octet, index) => (index === at ? octet ^ 1 : octet));
      expect(unwrapKey(unsafeKwTripleDes, by, changed, 24)).toBeUndefined();
    }
  });
});

describe.skipIf(!there)('key transport (section 5.5; attacks E1 and E3)', () => {
  const hashes: ReadonlyMap<string | undefined, string> = new Map([
    ['SHA-1', 'sha1'],
    ['SHA-256', 'sha256'],
    ['SHA-512', 'sha512'],
  ]);
  test.each([
    'rsa_oaep_2048_sha1_mgf1sha1_test',
    'rsa_oaep_2048_sha256_mgf1sha1_test',
    'rsa_oaep_2048_sha256_mgf1sha256_test',
    'rsa_oaep_2048_sha512_mgf1sha1_test',
  ])('%s: the key where it is right, another key where it is not', (name) => {
    for (const group of groups(name)) {
      const key = createPrivateKey(group.privateKeyPem ?? '');
      const secret = rejectionSecret(key);
      for (const one of group.tests) {
        const parameters: OaepParameters = {
          digest: { uri: '', hash: hashes.get(group.sha) ?? '' },
          mask: { uri: '', hash: hashes.get(group.mgfSha) ?? '' },
          label: hex(one, 'label'),
        };
        const receive = (length: number) => receiveKey(rsaOaep, parameters, key, secret, hex(one, 'ct'), length);
        expectKey(one, receive);
      }
    }
  });

  test('RSA-1.5: the key where it is right, another key where it is not', () => {
    for (const group of groups('rsa_pkcs1_2048_test')) {
      const key = createPrivateKey(group.privateKeyPem ?? '');
      const secret = rejectionSecret(key);
      const parameters: OaepParameters = { digest: oaepSha1, mask: mgf1Sha1, label: new Uint8Array() };
      for (const one of group.tests) {
        expectKey(one, (length) => receiveKey(unsafeRsa15, parameters, key, secret, hex(one, 'ct'), length));
      }
    }
  });

  /** Lengths of keys, and the length that the vector has. */
  function expectKey(one: Case, receive: (length: number) => Uint8Array): void {
    const message = hex(one, 'msg');
    for (const length of new Set([16, 24, 32, message.length || 16])) {
      const key = Buffer.from(receive(length));
      expect(key, label(one)).toHaveLength(length);
      expect(Buffer.from(receive(length)).equals(key), `${label(one)}: twice the same`).toBe(true);
      if (one.result === 'valid' && length === message.length) expect(key.equals(message), label(one)).toBe(true);
      else if (length > 4) expect(message.subarray(-length).equals(key), label(one)).toBe(false);
    }
  }
});

describe.skipIf(!there)('key agreement (section 5.6; attack K8)', () => {
  test('two keys on two curves agree on nothing', () => {
    const one = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(() => sharedSecret(ecdhEs, one, publicKey)).toThrow(/on two curves/);
    expect(() => sharedSecret(x25519, privateKey, publicKey)).toThrow(/on no curve/);
  });

  test('ECDH on P-256: no secret with a point that is not on the curve of the key', () => {
    const taken = { valid: 0, invalid: 0, acceptable: 0 };
    for (const group of groups('ecdh_secp256r1_test')) {
      for (const one of group.tests) {
        let secret: Uint8Array | undefined;
        try {
          secret = sharedSecret(ecdhEs, privateKey(hex(one, 'private')), held(hex(one, 'public')));
        } catch (thrown) {
          expect(thrown, label(one)).toMatchObject({ code: expect.stringMatching(/SECURITY_(KEY|MALFORMED)/) });
        }
        if (secret !== undefined) {
          expect(Buffer.from(secret).toString('hex'), label(one)).toBe(one.shared);
          taken[one.result]++;
        }
        expect(secret !== undefined || one.result !== 'valid', label(one)).toBe(true);
      }
    }
    expect(taken.valid).toBeGreaterThan(300);
    expect(taken.invalid).toBe(0);
  });

  function held(der: Buffer): KeyObject {
    const value = `<d:DEREncodedKeyValue>${base64(der)}</d:DEREncodedKeyValue>`;
    const key = publicKeyIn(scan(Buffer.from(`<k xmlns:d="${dsig11}">${value}</k>`)).root);
    if (key === undefined) throw new Error('There is no key.');
    return key;
  }

  function privateKey(scalar: Buffer): KeyObject {
    const pair = createECDH('prime256v1');
    const d = scalar.subarray(-32);
    pair.setPrivateKey(d);
    const point = pair.getPublicKey();
    const part = (octets: Buffer) => octets.toString('base64url');
    const jwk = { kty: 'EC', crv: 'P-256', x: part(point.subarray(1, 33)), y: part(point.subarray(33)) };
    return createPrivateKey({ key: { ...jwk, d: part(Buffer.alloc(32).fill(d, 32 - d.length)) }, format: 'jwk' });
  }
});

describe('derivation (section 5.4.1)', () => {
  test('HKDF is that of RFC 5869, appendix A.1', () => {
    const key = deriveKey(
      {
        method: 'hkdf',
        hash: hmacSha256,
        salt: Buffer.from('000102030405060708090a0b0c', 'hex'),
        info: Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'),
      },
      Buffer.alloc(22, 0x0b),
      42,
    );
    expect(Buffer.from(key).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  test('bit strings are joined without their padding', () => {
    expect(Buffer.from(joinBitStrings(['00123456', '', '00ab'])).toString('hex')).toBe('123456ab');
    // 11011 and 101: five bits and three.
    expect(Buffer.from(joinBitStrings(['03d8', '05a0'])).toString('hex')).toBe('dd');
    expect(Buffer.from(joinBitStrings(['0000', '00'])).toString('hex')).toBe('00');
    for (const wrong of [['03d8'], ['0'], ['08ff'], ['zz'], ['03']]) {
      expect(() => joinBitStrings(wrong)).toThrow(expect.objectContaining({ code: 'SECURITY_MALFORMED' }));
    }
    expect(() => joinBitStrings([`00${'aa'.repeat(513)}`])).toThrow(
      expect.objectContaining({ code: 'SECURITY_LIMIT' }),
    );
  });
});
