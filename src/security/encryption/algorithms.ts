/**
 * The algorithms of XML Encryption 1.1 (section 5) as rows, and the set of them that a policy accepts. What a message names
 * is only looked up in that set (attack K4): an algorithm that nobody listed is unknown, and unknown means refused.
 *
 * Two rules are the caller's, because only the caller knows which key serves which set (attack K5): one RSA key is never
 * used with two paddings, and one symmetric key never with CBC and GCM. And CBC has no integrity of its own: it belongs
 * into a set only where a verified signature covers the ciphertext or the plaintext (attacks E2, E11).
 */
import { SecurityError, untrusted } from '../errors.ts';
import { xenc } from '../names.ts';
import { byUri, type DigestAlgorithm, modernDigests } from '../suites.ts';
import { dsigMore, xenc11 } from './names.ts';

/** How content is encrypted (section 5.2). */
export interface ContentCipher {
  readonly uri: string;
  readonly mode: 'cbc' | 'gcm';
  /** The name in OpenSSL. */
  readonly name: string;
  /** Octets. */
  readonly keyLength: number;
  /** Octets of the initialization vector; with CBC, also of a block. */
  readonly vectorLength: number;
}

/** How a key travels to an RSA key (section 5.5). */
export interface KeyTransport {
  readonly uri: string;
  readonly padding: 'oaep' | 'pkcs1';
  /** Whether the message chooses the mask generation function, or it is MGF1 with SHA-1. */
  readonly choosesMask: boolean;
}

/** How a key travels under a symmetric key (section 5.7). */
export interface KeyWrap {
  readonly uri: string;
  readonly family: 'aes' | 'tripledes';
  /** The name in OpenSSL of what wraps, or of the cipher that the wrap is built from. */
  readonly name: string;
  /** Octets of the wrapping key. */
  readonly keyLength: number;
}

/** How two keys agree on a secret (section 5.6; RFC 9231 for X25519 and X448). */
export interface KeyAgreement {
  readonly uri: string;
  /** Names of the curves, as `KeyObject` has them. */
  readonly curves: readonly string[];
}

/** How a key is made of a shared secret (section 5.4; RFC 9231 for HKDF). */
export interface KeyDerivation {
  readonly uri: string;
  readonly method: 'concat' | 'hkdf';
}

/** MGF1 with a hash, or HMAC with a hash: a URI that stands for a hash. */
export interface HashRow {
  readonly uri: string;
  readonly hash: string;
}

export const aes128Gcm: ContentCipher = content(`${xenc11}aes128-gcm`, 'gcm', 'aes-128-gcm', 16, 12);
export const aes192Gcm: ContentCipher = content(`${xenc11}aes192-gcm`, 'gcm', 'aes-192-gcm', 24, 12);
export const aes256Gcm: ContentCipher = content(`${xenc11}aes256-gcm`, 'gcm', 'aes-256-gcm', 32, 12);
export const aes128Cbc: ContentCipher = content(`${xenc}aes128-cbc`, 'cbc', 'aes-128-cbc', 16, 16);
export const aes192Cbc: ContentCipher = content(`${xenc}aes192-cbc`, 'cbc', 'aes-192-cbc', 24, 16);
export const aes256Cbc: ContentCipher = content(`${xenc}aes256-cbc`, 'cbc', 'aes-256-cbc', 32, 16);
/** Blocks of 64 bits collide after some gigabytes under one key. For peers that have nothing else. */
export const unsafeTripleDesCbc: ContentCipher = content(`${xenc}tripledes-cbc`, 'cbc', 'des-ede3-cbc', 24, 8);

/** The OAEP digest is chosen by ds:DigestMethod; MGF1 is always over SHA-1 (section 5.5.2). */
export const rsaOaepMgf1p: KeyTransport = Object.freeze({
  uri: `${xenc}rsa-oaep-mgf1p`,
  padding: 'oaep',
  choosesMask: false,
});
/** Digest and mask are chosen apart. */
export const rsaOaep: KeyTransport = Object.freeze({ uri: `${xenc11}rsa-oaep`, padding: 'oaep', choosesMask: true });
/** Whoever can ask often enough whether a padding was right can decrypt (attack E1). For peers that have nothing else. */
export const unsafeRsa15: KeyTransport = Object.freeze({ uri: `${xenc}rsa-1_5`, padding: 'pkcs1', choosesMask: false });

export const kwAes128: KeyWrap = wrap(`${xenc}kw-aes128`, 'aes', 'id-aes128-wrap', 16);
export const kwAes192: KeyWrap = wrap(`${xenc}kw-aes192`, 'aes', 'id-aes192-wrap', 24);
export const kwAes256: KeyWrap = wrap(`${xenc}kw-aes256`, 'aes', 'id-aes256-wrap', 32);
/** For peers that have nothing else. */
export const unsafeKwTripleDes: KeyWrap = wrap(`${xenc}kw-tripledes`, 'tripledes', 'des-ede3-cbc', 24);

export const ecdhEs: KeyAgreement = Object.freeze({
  uri: `${xenc11}ECDH-ES`,
  curves: Object.freeze(['prime256v1', 'secp384r1', 'secp521r1']),
});
export const x25519: KeyAgreement = Object.freeze({ uri: `${dsigMore}x25519`, curves: Object.freeze(['x25519']) });
export const x448: KeyAgreement = Object.freeze({ uri: `${dsigMore}x448`, curves: Object.freeze(['x448']) });

export const concatKdf: KeyDerivation = Object.freeze({ uri: `${xenc11}ConcatKDF`, method: 'concat' });
export const hkdf: KeyDerivation = Object.freeze({ uri: `${dsigMore}hkdf`, method: 'hkdf' });

/**
 * SHA-1 as the digest of OAEP, which is what peers use when they name none. Neither OAEP nor MGF1 asks for a hash without
 * collisions, so this row is not the `unsafeSha1` of signatures, though it has the same URI.
 */
export const oaepSha1: DigestAlgorithm = hashRow('http://www.w3.org/2000/09/xmldsig#sha1', 'sha1');

export const mgf1Sha1: HashRow = hashRow(`${xenc11}mgf1sha1`, 'sha1');
export const mgf1Sha256: HashRow = hashRow(`${xenc11}mgf1sha256`, 'sha256');
export const mgf1Sha384: HashRow = hashRow(`${xenc11}mgf1sha384`, 'sha384');
export const mgf1Sha512: HashRow = hashRow(`${xenc11}mgf1sha512`, 'sha512');

const more = 'http://www.w3.org/2001/04/xmldsig-more#';
export const hmacSha256: HashRow = hashRow(`${more}hmac-sha256`, 'sha256');
export const hmacSha384: HashRow = hashRow(`${more}hmac-sha384`, 'sha384');
export const hmacSha512: HashRow = hashRow(`${more}hmac-sha512`, 'sha512');

/** What a policy says of encryption. */
export interface EncryptionRows {
  readonly content: readonly ContentCipher[];
  readonly transports: readonly KeyTransport[];
  readonly wraps: readonly KeyWrap[];
  readonly agreements: readonly KeyAgreement[];
  readonly derivations: readonly KeyDerivation[];
  /** Digests of OAEP. */
  readonly oaepDigests: readonly DigestAlgorithm[];
  /** Masks of OAEP; MGF1 with SHA-1 is what a message means that names none, so it has to be here for those. */
  readonly masks: readonly HashRow[];
  /** Hashes of ConcatKDF. */
  readonly derivationDigests: readonly DigestAlgorithm[];
  /** HMACs of HKDF. */
  readonly pseudoRandom: readonly HashRow[];
}

/** The rows of a policy by URI: the only place where what a message names is looked up. */
export interface AcceptedEncryption {
  readonly content: ReadonlyMap<string, ContentCipher>;
  readonly transports: ReadonlyMap<string, KeyTransport>;
  readonly wraps: ReadonlyMap<string, KeyWrap>;
  readonly agreements: ReadonlyMap<string, KeyAgreement>;
  readonly derivations: ReadonlyMap<string, KeyDerivation>;
  readonly oaepDigests: ReadonlyMap<string, DigestAlgorithm>;
  readonly masks: ReadonlyMap<string, HashRow>;
  readonly derivationDigests: ReadonlyMap<string, DigestAlgorithm>;
  readonly pseudoRandom: ReadonlyMap<string, HashRow>;
}

/** What a policy accepts when it does not say: everything that is sound by itself. */
export const modernEncryption: EncryptionRows = Object.freeze({
  content: Object.freeze([aes128Gcm, aes192Gcm, aes256Gcm]),
  transports: Object.freeze([rsaOaepMgf1p, rsaOaep]),
  wraps: Object.freeze([kwAes128, kwAes192, kwAes256]),
  agreements: Object.freeze([ecdhEs, x25519, x448]),
  derivations: Object.freeze([concatKdf, hkdf]),
  oaepDigests: Object.freeze([oaepSha1, ...modernDigests]),
  masks: Object.freeze([mgf1Sha1, mgf1Sha256, mgf1Sha384, mgf1Sha512]),
  derivationDigests: modernDigests,
  pseudoRandom: Object.freeze([hmacSha256, hmacSha384, hmacSha512]),
});

/**
 * The set that a policy accepts.
 *
 * @param rows what differs from `modernEncryption`; a list that is given replaces the list there
 */
export function acceptedEncryption(rows: Partial<EncryptionRows> = {}): AcceptedEncryption {
  const all = { ...modernEncryption, ...rows };
  return Object.freeze({
    content: byUri(all.content),
    transports: byUri(all.transports),
    wraps: byUri(all.wraps),
    agreements: byUri(all.agreements),
    derivations: byUri(all.derivations),
    oaepDigests: byUri(all.oaepDigests),
    masks: byUri(all.masks),
    derivationDigests: byUri(all.derivationDigests),
    pseudoRandom: byUri(all.pseudoRandom),
  });
}

/** @throws SecurityError `SECURITY_ALGORITHM` when the set has no row of this name */
export function rowOf<Row>(uri: string, rows: ReadonlyMap<string, Row>): Row {
  const row = rows.get(uri);
  if (row === undefined)
    throw new SecurityError('SECURITY_ALGORITHM', `The policy does not accept "${untrusted(uri)}".`);
  return row;
}

function content(
  uri: string,
  mode: ContentCipher['mode'],
  name: string,
  keyLength: number,
  vectorLength: number,
): ContentCipher {
  return Object.freeze({ uri, mode, name, keyLength, vectorLength });
}

function wrap(uri: string, family: KeyWrap['family'], name: string, keyLength: number): KeyWrap {
  return Object.freeze({ uri, family, name, keyLength });
}

function hashRow(uri: string, hash: string): HashRow {
  return Object.freeze({ uri, hash });
}
