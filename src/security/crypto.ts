/**
 * The only file that calls the raw operations of `node:crypto`. Everything else in the room says what it wants; here it
 * is done, with one-shot calls on `KeyObject`s that were made once.
 */
import { createHash, hash, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { concat, utf8, view } from '../base/bytes.ts';
import { SecurityError } from './errors.ts';
import type { DigestAlgorithm, SignatureAlgorithm } from './suites.ts';

export function digest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array): Uint8Array {
  return hash(algorithm.hash, octets, 'buffer');
}

/** The digest as lower-case hex, for keys of caches and fingerprints. */
export function hexDigest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array): string {
  return hash(algorithm.hash, octets, 'hex');
}

/** The digest as base64, as ds:DigestValue carries it. */
export function base64Digest(algorithm: Pick<DigestAlgorithm, 'hash'>, octets: Uint8Array): string {
  return hash(algorithm.hash, octets, 'base64');
}

/** SHA-1 of one text in several pieces, as UsernameToken Profile 1.0 prescribes for its password digest. */
export function passwordDigestOf(nonce: Uint8Array, created: string, password: string): Uint8Array {
  return createHash('sha1')
    .update(concat([nonce, utf8(created), utf8(password)]))
    .digest();
}

/**
 * Signs `octets`. ECDSA gives r‖s of fixed length, as XML Signature wants it.
 *
 * @throws SecurityError `SECURITY_KEY` when the key is not of the algorithm's family or is too weak
 */
export function signOctets(algorithm: SignatureAlgorithm, key: KeyObject, octets: Uint8Array): Uint8Array {
  requireFit(algorithm, key, smallestRsa);
  return sign(algorithm.hash, octets, algorithm.family === 'ecdsa' ? { key, dsaEncoding: 'ieee-p1363' } : key);
}

/**
 * @param least smallest RSA modulus that is taken, in bits
 * @returns whether `signature` is the key's signature of `octets`; never throws on what a sender wrote
 * @throws SecurityError `SECURITY_KEY` when the key is not of the algorithm's family or is too weak
 */
export function verifyOctets(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  octets: Uint8Array,
  signature: Uint8Array,
  least: number = smallestRsa,
): boolean {
  const strength = requireFit(algorithm, key, least);
  if (signature.length !== strength.signatureLength) return false;
  return verify(
    algorithm.hash,
    octets,
    algorithm.family === 'ecdsa' ? { key, dsaEncoding: 'ieee-p1363' } : key,
    signature,
  );
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
/** Octets of r‖s for each curve that is taken. */
const curves: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 64],
  ['secp384r1', 96],
  ['secp521r1', 132],
]);

interface Strength {
  readonly family: 'rsa' | 'ecdsa' | 'other';
  readonly bits: number;
  readonly exponent: bigint;
  readonly signatureLength: number;
}
/** Reading the details of a key costs more than looking them up. */
const strengths = new WeakMap<KeyObject, Strength>();

function strengthOf(key: KeyObject): Strength {
  const known = strengths.get(key);
  if (known !== undefined) return known;
  const details = key.asymmetricKeyDetails;
  let found: Strength = { family: 'other', bits: 0, exponent: 0n, signatureLength: 0 };
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    found = { family: 'rsa', bits, exponent: details?.publicExponent ?? 0n, signatureLength: Math.ceil(bits / 8) };
  } else if (key.asymmetricKeyType === 'ec') {
    const signatureLength = curves.get(details?.namedCurve ?? '');
    if (signatureLength !== undefined)
      found = { family: 'ecdsa', bits: signatureLength * 4, exponent: 0n, signatureLength };
  }
  strengths.set(key, found);
  return found;
}

function requireFit(algorithm: SignatureAlgorithm, key: KeyObject, least: number): Strength {
  const strength = strengthOf(key);
  if (strength.family !== algorithm.family) {
    throw new SecurityError('SECURITY_KEY', `The key does not fit the algorithm ${algorithm.uri}.`);
  }
  if (strength.family === 'rsa' && (strength.bits < least || strength.exponent !== publicExponent)) {
    throw new SecurityError(
      'SECURITY_KEY',
      `An RSA key of ${strength.bits} bits with exponent ${strength.exponent} is too weak.`,
    );
  }
  return strength;
}
