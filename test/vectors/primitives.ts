/** The operations under XML Signature and XML Encryption against Wycheproof, and the derivations of WS-Security and WS-SecureConversation. */
import {
  createDecipheriv,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { base64, concat } from '../../src/base/bytes.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { passwordDigestOf, verifyOctets } from '../../src/security/crypto.ts';
import { deriveKey } from '../../src/security/derived-keys.ts';
import { sharedSecret } from '../../src/security/encryption/agreement.ts';
import {
  aes128Cbc,
  aes128Gcm,
  aes192Cbc,
  aes192Gcm,
  aes256Cbc,
  aes256Gcm,
  ecdhEs,
  kwAes128,
  kwAes192,
  kwAes256,
  mgf1Sha1,
  oaepSha1,
  rsaOaep,
  unsafeRsa15,
} from '../../src/security/encryption/algorithms.ts';
import { decipher } from '../../src/security/encryption/ciphers.ts';
import { dsig11 } from '../../src/security/encryption/names.ts';
import type { OaepParameters } from '../../src/security/encryption/oaep.ts';
import { publicKeyIn } from '../../src/security/encryption/points.ts';
import { receiveKey, rejectionSecret } from '../../src/security/encryption/rsa.ts';
import { unwrapKey } from '../../src/security/encryption/wraps.ts';
import {
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  hmacSha256,
  hmacSha384,
  hmacSha512,
  rsaPssSha256,
  rsaSha256,
  rsaSha384,
  rsaSha512,
  type SignatureAlgorithm,
  unsafeHmacSha1,
} from '../../src/security/suites.ts';
import { scan } from '../../src/xml/scan.ts';
import { vectorOctets } from './manifest.ts';
import { type Judge, pass, refusedBy, wrong } from './result.ts';

type Field = 'key' | 'iv' | 'msg' | 'ct' | 'tag' | 'aad' | 'label' | 'public' | 'private' | 'shared' | 'sig';

interface Vector extends Readonly<Partial<Record<Field, string>>> {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

interface Group {
  readonly tests: readonly Vector[];
  readonly privateKeyPem?: string;
  readonly publicKeyPem?: string;
  readonly keySize?: number;
  readonly tagSize?: number;
  readonly sha?: string;
  readonly mgfSha?: string;
}

/** `undefined`: it is as it should be; `outside`: XML has no way to say this; otherwise what is wrong. */
type Check = (one: Vector, group: Group) => string | undefined;
const outside = 'outside';

const hex = (of: Vector, field: Field): Buffer => Buffer.from(of[field] ?? '', 'hex');
const agree = (found: boolean, one: Vector): string | undefined =>
  found === (one.result === 'valid') || one.result === 'acceptable' ? undefined : `${one.result}, and was ${found}`;

const gcm = new Map([aes128Gcm, aes192Gcm, aes256Gcm].map((row) => [row.keyLength, row]));
const cbc = new Map([aes128Cbc, aes192Cbc, aes256Cbc].map((row) => [row.keyLength, row]));
const wraps = new Map([kwAes128, kwAes192, kwAes256].map((row) => [row.keyLength, row]));

const aesGcm: Check = (one) => {
  const row = gcm.get(hex(one, 'key').length);
  if (row === undefined || hex(one, 'iv').length !== 12 || hex(one, 'tag').length !== 16 || one.aad !== '')
    return outside;
  const octets = concat([hex(one, 'iv'), hex(one, 'ct'), hex(one, 'tag')]);
  const found = decipher(row, createSecretKey(hex(one, 'key')), octets);
  const expected = found.sound ? hex(one, 'msg') : Buffer.alloc(0);
  return Buffer.from(found.octets).equals(expected) ? agree(found.sound, one) : 'another plaintext';
};

/** The last octet says how much padding there is (XML Encryption 1.1 section 5.2), and nothing else is looked at. */
const aesCbc: Check = (one) => {
  const row = cbc.get(hex(one, 'key').length);
  if (row === undefined) return outside;
  const found = decipher(row, createSecretKey(hex(one, 'key')), concat([hex(one, 'iv'), hex(one, 'ct')]));
  if (one.result === 'valid') {
    return found.sound && Buffer.from(found.octets).equals(hex(one, 'msg')) ? undefined : 'another plaintext';
  }
  const raw = createDecipheriv(row.name, hex(one, 'key'), hex(one, 'iv')).setAutoPadding(false);
  const last = hex(one, 'ct').length % 16 === 0 ? raw.update(hex(one, 'ct')).at(-1) : undefined;
  return found.sound === (last !== undefined && last >= 1 && last <= 16) ? undefined : 'padding read otherwise';
};

/** Every vector, also those that the platform takes though they are too short (attack E5), and at no other length. */
const aesWrap: Check = (one) => {
  const row = wraps.get(hex(one, 'key').length);
  if (row === undefined) return outside;
  const key = createSecretKey(hex(one, 'key'));
  const opened = (length: number): string | undefined => {
    const octets = unwrapKey(row, key, hex(one, 'ct'), length);
    return octets && Buffer.from(octets).toString('hex');
  };
  const expected = one.result === 'valid' ? hex(one, 'msg') : undefined;
  if (opened(hex(one, 'msg').length) !== expected?.toString('hex')) return 'another key';
  const others = [8, 16, 24, 32].filter((length) => length !== expected?.length);
  return others.every((length) => opened(length) === undefined) ? undefined : 'a key of another length';
};

const hashes: ReadonlyMap<string | undefined, string> = new Map([
  ['SHA-1', 'sha1'],
  ['SHA-256', 'sha256'],
  ['SHA-512', 'sha512'],
]);

/** The key where it is right, and always the same other key where it is not (attacks E1 and E3). */
const transport =
  (padding: 'oaep' | 'pkcs1'): Check =>
  (one, group) => {
    const key = privateKeyOf(group);
    const secret = rejectionSecret(key);
    const parameters: OaepParameters =
      padding === 'pkcs1'
        ? { digest: oaepSha1, mask: mgf1Sha1, label: new Uint8Array() }
        : {
            digest: { uri: '', hash: hashes.get(group.sha) ?? '' },
            mask: { uri: '', hash: hashes.get(group.mgfSha) ?? '' },
            label: hex(one, 'label'),
          };
    const row = padding === 'oaep' ? rsaOaep : unsafeRsa15;
    const message = hex(one, 'msg');
    for (const length of new Set([16, 24, 32, message.length || 16])) {
      const found = Buffer.from(receiveKey(row, parameters, key, secret, hex(one, 'ct'), length));
      const again = Buffer.from(receiveKey(row, parameters, key, secret, hex(one, 'ct'), length));
      if (found.length !== length || !found.equals(again)) return 'not always the same key';
      if (one.result === 'valid' && length === message.length) {
        if (!found.equals(message)) return 'another key';
      } else if (length > 4 && message.subarray(-length).equals(found)) return 'a key though it is wrong';
    }
    return undefined;
  };

const privateKeys = new Map<string, KeyObject>();
function privateKeyOf({ privateKeyPem = '' }: Group): KeyObject {
  const known = privateKeys.get(privateKeyPem) ?? createPrivateKey(privateKeyPem);
  privateKeys.set(privateKeyPem, known);
  return known;
}

/** No secret with a point that is not on the curve of the key (attack K8). */
const ecdh: Check = (one) => {
  let secret: Uint8Array | undefined;
  try {
    const value = `<d:DEREncodedKeyValue>${base64(hex(one, 'public'))}</d:DEREncodedKeyValue>`;
    const held = publicKeyIn(scan(Buffer.from(`<k xmlns:d="${dsig11}">${value}</k>`)).root);
    if (held === undefined) return 'no key';
    secret = sharedSecret(ecdhEs, onP256(hex(one, 'private')), held);
  } catch (thrown) {
    if (!(thrown instanceof SurewireError) || !/SECURITY_(KEY|MALFORMED)/.test(thrown.code)) throw thrown;
  }
  if (secret === undefined) return one.result === 'valid' ? 'no secret' : undefined;
  if (one.result === 'invalid') return 'a secret though it is invalid';
  return Buffer.from(secret).toString('hex') === one.shared ? undefined : 'another secret';
};

function onP256(scalar: Buffer): KeyObject {
  const pair = createECDH('prime256v1');
  const d = scalar.subarray(-32);
  pair.setPrivateKey(d);
  const point = pair.getPublicKey();
  const part = (octets: Buffer) => octets.toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: part(point.subarray(1, 33)), y: part(point.subarray(33)) };
  return createPrivateKey({ key: { ...jwk, d: part(Buffer.alloc(32).fill(d, 32 - d.length)) }, format: 'jwk' });
}

const publicKeys = new Map<string, KeyObject>();
const signature =
  (row: SignatureAlgorithm): Check =>
  (one, { publicKeyPem = '' }) => {
    const key = publicKeys.get(publicKeyPem) ?? createPublicKey(publicKeyPem);
    publicKeys.set(publicKeyPem, key);
    return agree(verifyOctets(row, key, hex(one, 'msg'), hex(one, 'sig')), one);
  };

/** Truncated ones cannot be said (attack K3). */
const mac =
  (row: SignatureAlgorithm, length: number): Check =>
  (one, { tagSize }) => {
    if (tagSize !== length) {
      const taken = verifyOctets(row, createSecretKey(hex(one, 'key')), hex(one, 'msg'), hex(one, 'tag'));
      return taken ? 'truncated, and taken' : outside;
    }
    return agree(verifyOctets(row, createSecretKey(hex(one, 'key')), hex(one, 'msg'), hex(one, 'tag')), one);
  };

const checks: ReadonlyMap<string, Check> = new Map([
  ['aes_gcm_test', aesGcm],
  ['aes_cbc_pkcs5_test', aesCbc],
  ['aes_wrap_test', aesWrap],
  ['rsa_pkcs1_2048_test', transport('pkcs1')],
  ['rsa_oaep_2048_sha1_mgf1sha1_test', transport('oaep')],
  ['rsa_oaep_2048_sha256_mgf1sha1_test', transport('oaep')],
  ['rsa_oaep_2048_sha256_mgf1sha256_test', transport('oaep')],
  ['rsa_oaep_2048_sha512_mgf1sha1_test', transport('oaep')],
  ['ecdh_secp256r1_test', ecdh],
  ['rsa_signature_2048_sha256_test', signature(rsaSha256)],
  ['rsa_signature_2048_sha384_test', signature(rsaSha384)],
  ['rsa_signature_2048_sha512_test', signature(rsaSha512)],
  ['rsa_pss_2048_sha256_mgf1_32_test', signature(rsaPssSha256)],
  ['ecdsa_secp256r1_sha256_p1363_test', signature(ecdsaSha256)],
  ['ecdsa_secp384r1_sha384_p1363_test', signature(ecdsaSha384)],
  ['ecdsa_secp521r1_sha512_p1363_test', signature(ecdsaSha512)],
  ['hmac_sha1_test', mac(unsafeHmacSha1, 160)],
  ['hmac_sha256_test', mac(hmacSha256, 256)],
  ['hmac_sha384_test', mac(hmacSha384, 384)],
  ['hmac_sha512_test', mac(hmacSha512, 512)],
]);

export const judgePrimitive: Judge = (one) => {
  const name = one.id.replace(/^wycheproof\./, '');
  if (name.startsWith('pbkdf2')) return refusedBy('PBKDF2 has no row: the sender would choose our work (E14)');
  const check = checks.get(name);
  if (check === undefined) return wrong('there is no check for this file');
  const { testGroups } = JSON.parse(Buffer.from(vectorOctets(one)).toString()) as { readonly testGroups: Group[] };
  let run = 0;
  let beyond = 0;
  let weak = 0;
  for (const group of testGroups) {
    for (const vector of group.tests) {
      let found: string | undefined;
      try {
        found = check(vector, group);
      } catch (thrown) {
        // RSA exponents other than 65537 and secrets under 128 bits (attack K6).
        if (!(thrown instanceof SurewireError) || thrown.code !== 'SECURITY_KEY') throw thrown;
        weak++;
        continue;
      }
      if (found === outside) beyond++;
      else if (found !== undefined) return wrong(`#${vector.tcId} ${vector.comment} [${vector.flags}]: ${found}`);
      else run++;
    }
  }
  const others = [
    ...(beyond === 0 ? [] : [`${beyond} cannot be said in XML`]),
    ...(weak === 0 ? [] : [`${weak} under keys too weak`]),
  ];
  return run === 0 ? wrong('nothing was run') : pass([`${run} agree`, ...others].join(', '));
};

interface Derivations {
  readonly psha1: readonly (Published & {
    readonly secretB64: string;
    readonly nonceHex: string;
    readonly derivedB64: string;
  })[];
  readonly psha1FromMessages: readonly (Published & {
    readonly secretHex: string;
    readonly nonceB64: string;
    readonly derivedHex: string;
  })[];
  readonly passwordDigest: readonly {
    readonly password?: string;
    readonly nonce?: string;
    readonly created: string;
    readonly digest?: string;
    readonly nonceB64?: string;
    readonly digestB64?: string;
  }[];
  readonly usernameTokenDerivedKey: readonly unknown[];
  readonly encryptedKeySHA1: readonly unknown[];
  readonly rfc3394: readonly { readonly kek: string; readonly data: string; readonly ct: string }[];
}

interface Published {
  readonly label: string;
  readonly offset: number;
  readonly length: number;
}

/** P_SHA-1 of WS-SecureConversation, password digests, and RFC 3394; what needs a password of octets is in username tests. */
export const judgeDerivations: Judge = (one) => {
  const all = JSON.parse(Buffer.from(vectorOctets(one)).toString()) as Derivations;
  const keys = [
    ...all.psha1.map((each) => ({
      ...each,
      secret: Buffer.from(each.secretB64, 'base64'),
      nonce: Buffer.from(each.nonceHex, 'hex'),
      expected: Buffer.from(each.derivedB64, 'base64'),
    })),
    ...all.psha1FromMessages.map((each) => ({
      ...each,
      secret: Buffer.from(each.secretHex, 'hex'),
      nonce: Buffer.from(each.nonceB64, 'base64'),
      expected: Buffer.from(each.derivedHex, 'hex'),
    })),
  ];
  const derived = keys.filter((each) => Buffer.from(deriveKey(each.secret, each)).equals(each.expected)).length;
  const digests = all.passwordDigest.filter(({ nonce, nonceB64, created, password, digest, digestB64 }) => {
    const octets = Buffer.from(nonce ?? nonceB64 ?? '', 'base64');
    // One has the digest of a password in its place, as octets.
    const found =
      password === undefined
        ? createHash('sha1').update(
            concat([octets, Buffer.from(created), createHash('sha1').update('password').digest()]),
          )
        : undefined;
    const value = found?.digest() ?? passwordDigestOf(octets, created, password ?? '');
    return base64(value) === (digest ?? digestB64);
  }).length;
  const unwrapped = all.rfc3394.filter(({ kek, data, ct }) => {
    const row = wraps.get(kek.length / 2);
    const found =
      row && unwrapKey(row, createSecretKey(Buffer.from(kek, 'hex')), Buffer.from(ct, 'hex'), data.length / 2);
    return found !== undefined && Buffer.from(found).toString('hex').toUpperCase() === data.toUpperCase();
  }).length;
  const complete = derived === keys.length && digests === all.passwordDigest.length && unwrapped === all.rfc3394.length;
  const said = `${derived} of ${keys.length} derived keys, ${digests} of ${all.passwordDigest.length} digests, ${unwrapped} of ${all.rfc3394.length} wraps`;
  return complete
    ? pass(`${said}; ${all.encryptedKeySHA1.length} names of keys whose messages are not here`)
    : wrong(said);
};
