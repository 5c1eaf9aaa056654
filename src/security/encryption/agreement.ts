/**
 * Key agreement over named curves (XML Encryption 1.1 section 5.6.4, RFC 9231 section 2.6) and the derivation of a key from the shared
 * secret (section 5.4.1, RFC 5869). Only points that are on the curve of the private key come this far: the platform checks
 * a point when it is imported, the curve is compared here (attack K8).
 */
import { diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';
import { concat } from '../../base/bytes.ts';
import { digest } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import type { HashRow, KeyAgreement } from './algorithms.ts';

/** How a key is made of the shared secret. */
export type Derivation =
  | { readonly method: 'concat'; readonly hash: HashRow; readonly info: Uint8Array }
  | { readonly method: 'hkdf'; readonly hash: HashRow; readonly salt: Uint8Array; readonly info: Uint8Array };

/** The name of the key's curve, as the rows of `KeyAgreement` spell it. */
export function curveOf(key: KeyObject): string {
  return key.asymmetricKeyType === 'ec' ? (key.asymmetricKeyDetails?.namedCurve ?? '') : (key.asymmetricKeyType ?? '');
}

/** @throws SecurityError `SECURITY_KEY` when the key is on no curve of the row */
export function requireCurve(row: KeyAgreement, key: KeyObject): void {
  if (!row.curves.includes(curveOf(key))) {
    throw new SecurityError('SECURITY_KEY', `The key is on no curve of ${row.uri}.`);
  }
}

/**
 * The shared secret of a private key and the public key of the other side.
 *
 * @throws SecurityError `SECURITY_KEY` when the keys are not on one curve of the row, or lead nowhere (small order)
 */
export function sharedSecret(row: KeyAgreement, own: KeyObject, other: KeyObject): Uint8Array {
  requireCurve(row, own);
  if (curveOf(own) !== curveOf(other)) throw new SecurityError('SECURITY_KEY', 'The keys are on two curves.');
  try {
    return diffieHellman({ privateKey: own, publicKey: other });
  } catch (cause) {
    throw new SecurityError('SECURITY_KEY', 'The keys do not agree on a secret.', { cause });
  }
}

/** @param length octets of the key, few hundred at most */
export function deriveKey(derivation: Derivation, secret: Uint8Array, length: number): Uint8Array {
  const { hash, info } = derivation;
  if (derivation.method === 'hkdf') {
    return new Uint8Array(hkdfSync(hash.hash, secret, derivation.salt, info, length));
  }
  // NIST SP 800-56A, 5.8.1: hash(counter ‖ secret ‖ OtherInfo), counted from 1.
  const parts: Uint8Array[] = [];
  const counter = Buffer.alloc(4);
  for (let made = 0, count = 1; made < length; count++) {
    counter.writeUInt32BE(count);
    const part = digest(hash, concat([counter, secret, info]));
    parts.push(part);
    made += part.length;
  }
  return concat(parts).subarray(0, length);
}
