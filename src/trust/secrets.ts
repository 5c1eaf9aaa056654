/**
 * Proof keys that both ends make (WS-Trust 1.3 section 4.4): entropy and keys as wst:BinarySecret, and the key computed of two
 * entropies, which neither end can choose alone.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { base64, fromBase64 } from '../base/bytes.ts';
import { pSha1 } from '../security/crypto.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyText } from '../xml/find.ts';
import type { XmlWriter } from '../xml/write.ts';
import { TrustError } from './errors.ts';
import { trustLimits } from './limits.ts';
import type { TrustVersion } from './versions/version.ts';

/** @throws TrustError `TRUST_KEY` */
export function requireKeySize(bits: number): void {
  const { shortestKey, longestKey } = trustLimits;
  if (bits >= shortestKey && bits <= longestKey && bits % 8 === 0) return;
  throw new TrustError(
    'TRUST_KEY',
    `A proof key of ${bits} bits is not made: ask for ${shortestKey} to ${longestKey}.`,
  );
}

/**
 * P_SHA1 over the requester's entropy as secret and the issuer's as seed.
 *
 * @param bits of the key
 * @throws TrustError `TRUST_KEY` when an entropy is shorter than the key
 */
export function computedProofKey(requester: Uint8Array, issuer: Uint8Array, bits: number): KeyObject {
  for (const entropy of [requester, issuer]) requireEntropy(entropy, bits);
  return createSecretKey(pSha1(requester, issuer, bits / 8));
}

/** @throws TrustError `TRUST_KEY` when entropy is shorter than the key, or much longer */
export function requireEntropy(entropy: Uint8Array, bits: number): void {
  requireKeySize(bits);
  if (entropy.length * 8 >= bits && entropy.length <= trustLimits.entropy) return;
  throw new TrustError('TRUST_KEY', `${entropy.length} octets of entropy do not make a key of ${bits} bits.`);
}

export function writeSecret(writer: XmlWriter, { namespace }: TrustVersion, type: string, octets: Uint8Array): void {
  writer.start(namespace, 'BinarySecret', 'wst').attribute('', 'Type', type).text(base64(octets)).end();
}

/**
 * The octets of the BinarySecret in an element; `undefined` where there is none.
 *
 * @throws TrustError `TRUST_MALFORMED`
 */
export function secretIn(of: XmlElement | undefined, { namespace }: TrustVersion): Uint8Array | undefined {
  const secret = of && child(of, namespace, 'BinarySecret');
  if (secret === undefined) return undefined;
  const octets = fromBase64(onlyText(secret));
  if (octets !== undefined && octets.length > 0 && octets.length <= trustLimits.entropy) return octets;
  throw new TrustError('TRUST_MALFORMED', 'A BinarySecret holds no secret of a size that is taken.');
}
