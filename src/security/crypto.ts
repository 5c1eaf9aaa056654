/**
 * The only file that calls the raw operations of `node:crypto`. Everything else in the room says what it wants; here it
 * is done, with one-shot calls on `KeyObject`s that were made once.
 */
import {
  constants,
  createHash,
  createHmac,
  hash,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { concat, utf8, view } from '../base/bytes.ts';
import { SecurityError } from './errors.ts';
import type { DigestAlgorithm, SignatureAlgorithm, SignatureFamily } from './suites.ts';

export function digest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array): Uint8Array {
  return hash(algorithm.hash, octets, 'buffer');
}

/** The digest as lower-case hex, for keys of caches and fingerprints. */
export function hexDigest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array): string {
  return hash(algorithm.hash, octets, 'hex');
}

/** The digest as base64, as ds:DigestValue carries it; of a text, that of its UTF-8. */
export function base64Digest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array | string): string {
  return hash(algorithm.hash, octets, 'base64');
}

/** SHA-256 of the SubjectPublicKeyInfo of a public key, lower-case hex: the identity of whoever has the private one. */
export function spkiFingerprint(key: KeyObject): string {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }), 'hex');
}

/** SHA-256 of a secret, lower-case hex: under which name a cache remembers what was signed with it. */
export function secretFingerprint(secret: KeyObject): string {
  const known = fingerprints.get(secret);
  if (known !== undefined) return known;
  const fingerprint = hash('sha256', secret.export(), 'hex');
  fingerprints.set(secret, fingerprint);
  return fingerprint;
}

/** A KeyObject never changes, and what was found of it goes when it goes. */
const fingerprints = new WeakMap<KeyObject, string>();

/** SHA-1 of one text in several pieces, as UsernameToken Profile 1.0 prescribes for its password digest. */
export function passwordDigestOf(nonce: Uint8Array, created: string, password: string): Uint8Array {
  return createHash('sha1')
    .update(concat([nonce, utf8(created), utf8(password)]))
    .digest();
}

/**
 * Signs `octets`. ECDSA gives r‖s of fixed length, as XML Signature wants it; HMAC is never truncated.
 *
 * @param octets a text stands for its UTF-8
 * @param key private, or secret for HMAC
 * @throws SecurityError `SECURITY_KEY` when the key is not of the algorithm's family or is too weak
 */
export function signOctets(algorithm: SignatureAlgorithm, key: KeyObject, octets: Uint8Array | string): Uint8Array {
  requireFit(algorithm, key, smallestRsa, smallestSecret);
  if (algorithm.family === 'hmac') return hmacUnder(algorithm.hash, key, octets);
  return sign(hashOf(algorithm), typeof octets === 'string' ? utf8(octets) : octets, operation(algorithm, key));
}

/**
 * @param least smallest RSA modulus that is taken, in bits
 * @param leastSecret shortest secret that is taken, in bits
 * @returns whether `signature` is the key's signature of `octets`; never throws on what a sender wrote
 * @throws SecurityError `SECURITY_KEY` when the key is not of the algorithm's family or is too weak
 */
export function verifyOctets(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  octets: Uint8Array,
  signature: Uint8Array,
  least: number = smallestRsa,
  leastSecret: number = smallestSecret,
): boolean {
  const strength = requireFit(algorithm, key, least, leastSecret);
  if (algorithm.family === 'hmac') {
    const expected = hmacUnder(algorithm.hash, key, octets);
    return signature.length === expected.length && timingSafeEqual(expected, signature);
  }
  if (signature.length !== strength.signatureLength) return false;
  return verify(hashOf(algorithm), octets, operation(algorithm, key), signature);
}

/** Ed25519 has its hash inside. */
function hashOf(algorithm: SignatureAlgorithm): string | null {
  return algorithm.family === 'ed25519' ? null : algorithm.hash;
}

function operation({ family }: SignatureAlgorithm, key: KeyObject): KeyObject | SignKeyObjectInput {
  if (family === 'ecdsa') return { key, dsaEncoding: 'ieee-p1363' };
  if (family !== 'rsa-pss') return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/** Compares secrets in a time that does not depend on where they differ, lengths included. */
export function sameSecret(one: Uint8Array, other: Uint8Array): boolean {
  return timingSafeEqual(view(digest(forComparison, one)), view(digest(forComparison, other)));
}

const forComparison = { hash: 'sha256' } as const;

/**
 * The public exponent of RSA keys. Smaller ones have been forged for; a free one lets somebody make another key, and get
 * it certified, under which a given signature verifies (duplicate-signature key selection).
 */
const publicExponent = 65537n;
/** Smallest RSA modulus, in bits (attack K6). */
export const smallestRsa = 2048;
/** Shortest secret, in bits: that of AES-128. */
const smallestSecret = 128;
/** Shortest secret under which a token stands, in bits: that of HS256 (RFC 7518 section 3.2). */
const smallestMacKey = 256;
/** Octets of r‖s for each curve that is taken. */
const curves: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 64],
  ['secp384r1', 96],
  ['secp521r1', 132],
]);

interface Strength {
  readonly families: readonly SignatureFamily[];
  readonly bits: number;
  readonly exponent: bigint;
  readonly signatureLength: number;
}
/** Reading the details of a key costs more than looking them up. */
const strengths = new WeakMap<KeyObject, Strength>();

function strengthOf(key: KeyObject): Strength {
  const known = strengths.get(key);
  if (known !== undefined) return known;
  const found = examine(key);
  strengths.set(key, found);
  return found;
}

function examine(key: KeyObject): Strength {
  const details = key.asymmetricKeyDetails;
  const none: Strength = { families: [], bits: 0, exponent: 0n, signatureLength: 0 };
  // The kind of a key fixes what it may do: a public key is never the secret of an HMAC (attack K2).
  if (key.type === 'secret') return { ...none, families: ['hmac'], bits: 8 * (key.symmetricKeySize ?? 0) };
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss': {
      const bits = details?.modulusLength ?? 0;
      return {
        families: key.asymmetricKeyType === 'rsa' ? ['rsa', 'rsa-pss'] : ['rsa-pss'],
        bits,
        exponent: details?.publicExponent ?? 0n,
        signatureLength: Math.ceil(bits / 8),
      };
    }
    case 'ec': {
      const signatureLength = curves.get(details?.namedCurve ?? '');
      if (signatureLength === undefined) return none;
      return { ...none, families: ['ecdsa'], bits: signatureLength * 4, signatureLength };
    }
    case 'ed25519':
      return { ...none, families: ['ed25519'], bits: 256, signatureLength: 64 };
    default:
      return none;
  }
}

/** Octets of a secret; 0 for a key that is none. */
export function secretLength(key: KeyObject): number {
  return key.type === 'secret' ? strengthOf(key).bits / 8 : 0;
}

/** Bits of a secret or of a modulus; `undefined` for a key on a curve. */
export function keyBits(key: KeyObject): number | undefined {
  const { families, bits } = strengthOf(key);
  if (key.type === 'secret' || families.includes('rsa-pss')) return bits;
  return families.length > 0 ? undefined : key.asymmetricKeyDetails?.modulusLength;
}

/** The families of signatures that a key can make or verify. */
export function signatureFamilies(key: KeyObject): readonly SignatureFamily[] {
  return strengthOf(key).families;
}

/**
 * Checks a key that somebody else verifies with: strong enough, and of a kind that is known.
 *
 * @throws SecurityError `SECURITY_KEY`
 */
export function requireSignatureKey(key: KeyObject): void {
  const { families, bits, exponent } = strengthOf(key);
  const weakRsa = families.includes('rsa-pss') && (bits < smallestRsa || exponent !== publicExponent);
  const weakSecret = families.includes('hmac') && bits < smallestMacKey;
  if (families.length > 0 && !weakRsa && !weakSecret) return;
  throw new SecurityError('SECURITY_KEY', `A key of ${bits} bits is too weak, or of a kind that is not known.`);
}

function requireFit(algorithm: SignatureAlgorithm, key: KeyObject, least: number, leastSecret: number): Strength {
  const strength = strengthOf(key);
  const { family } = algorithm;
  if (!strength.families.includes(family)) {
    throw new SecurityError('SECURITY_KEY', `The key does not fit the algorithm ${algorithm.uri}.`);
  }
  if (family === 'hmac' && strength.bits < leastSecret) {
    throw new SecurityError('SECURITY_KEY', `A secret of ${strength.bits} bits is too short.`);
  }
  const isRsa = family === 'rsa' || family === 'rsa-pss';
  if (isRsa && (strength.bits < least || strength.exponent !== publicExponent)) {
    throw new SecurityError(
      'SECURITY_KEY',
      `An RSA key of ${strength.bits} bits with exponent ${strength.exponent} is too weak.`,
    );
  }
  return strength;
}

/**
 * P_SHA1 of TLS 1.0, the only key derivation of WS-Trust and WS-SecureConversation (WS-SC 1.3 section 7): SHA-1 as a
 * pseudo-random function, where nobody has to find a collision.
 *
 * @param length octets wanted, from `offset` of the endless stream
 */
export function pSha1(secret: Uint8Array, seed: Uint8Array, length: number, offset: number = 0): Uint8Array {
  const blocks: Uint8Array[] = [];
  let chained = seed;
  for (let made = 0; made < offset + length; made += 20) {
    chained = hmac('sha1', secret, chained);
    blocks.push(hmac('sha1', secret, concat([chained, seed])));
  }
  return concat(blocks).subarray(offset, offset + length);
}

function hmacUnder(name: string, key: KeyObject, octets: Uint8Array | string): Buffer {
  const secret = key.export();
  const made = hmac(name, secret, octets);
  secret.fill(0);
  return made;
}

/**
 * HMAC (RFC 2104) by one-shot hashes: in the midst of a message they cost less than a Hmac object, which has to be made and let go
 * of. What of the secret is written down on the way is wiped.
 */
function hmac(name: string, secret: Uint8Array, octets: Uint8Array | string): Buffer {
  const block = blockLengths.get(name);
  if (block === undefined || secret.length > block || octets.length > longest || !isPlaced(octets, block)) {
    return createHmac(name, secret).update(octets).digest();
  }
  padded.fill(0x36, 0, block);
  for (let at = 0; at < secret.length; at++) padded[at] = (secret[at] as number) ^ 0x36;
  // As a text of as many characters, which costs less than half of what octets cost that nobody keeps.
  const inner = hash(name, padded.subarray(0, block + octets.length), 'binary');
  for (let at = 0; at < block; at++) padded[at] = (padded[at] ?? 0) ^ (0x36 ^ 0x5c);
  padded.write(inner, block, 'binary');
  const outer = hash(name, padded.subarray(0, block + inner.length), 'buffer');
  padded.fill(0, 0, block);
  return outer;
}

/** Puts what is authenticated behind the place of the secret; false for a text that is more octets than characters. */
function isPlaced(octets: Uint8Array | string, block: number): boolean {
  // There is room for more than the text has characters, so that it shows.
  if (typeof octets === 'string') return padded.write(octets, block) === octets.length;
  padded.set(octets, block);
  return true;
}

/** Octets of a block of each hash. */
const blockLengths: ReadonlyMap<string, number> = new Map([
  ['sha1', 64],
  ['sha256', 64],
  ['sha384', 128],
  ['sha512', 128],
]);
/** Octets of what is authenticated so; a SignedInfo has two or three thousand. */
const longest = 8_192;
/** The padded secret and what follows it, for as long as one HMAC is made. */
const padded = Buffer.allocUnsafeSlow(128 + longest + 4);
