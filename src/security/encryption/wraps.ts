/**
 * Symmetric key wrap (XML Encryption 1.1 section 5.7): AES Key Wrap of RFC 3394 and the triple DES wrap of RFC 3217. Lengths are
 * checked here, because the platform takes wrapped keys that are too short (attack E5).
 */
import { createCipheriv, createDecipheriv, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { digest } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import type { KeyWrap } from './algorithms.ts';

const aesVector = Buffer.alloc(8, 0xa6);
const tripleDesVector = Buffer.from('4adda22c79e82105', 'hex');

/**
 * @throws SecurityError `SECURITY_KEY` when `by` has not the row's length, or `key` is no multiple of 8 octets (16 or more
 *   for AES)
 */
export function wrapKey(row: KeyWrap, by: KeyObject, key: Uint8Array, random: Random): Uint8Array {
  requireLength(row, by);
  if (key.length % 8 !== 0 || key.length < 16)
    throw new SecurityError('SECURITY_KEY', 'A key of this length is not wrapped.');
  if (row.family === 'aes') {
    const cipher = createCipheriv(row.name, by, aesVector);
    return Buffer.concat([cipher.update(key), cipher.final()]);
  }
  const vector = random.bytes(8);
  const inner = withTripleDes(createCipheriv(row.name, by, vector), Buffer.concat([key, checksum(key)]));
  const reversed = Buffer.concat([vector, inner]).reverse();
  return withTripleDes(createCipheriv(row.name, by, tripleDesVector), reversed);
}

/**
 * @param length octets that the key has to have
 * @returns the key; `undefined` when it was not wrapped by `by`, or has another length
 * @throws SecurityError `SECURITY_KEY` when `by` has not the row's length
 */
export function unwrapKey(row: KeyWrap, by: KeyObject, octets: Uint8Array, length: number): Uint8Array | undefined {
  requireLength(row, by);
  const more = row.family === 'aes' ? 8 : 16;
  if (octets.length < 24 || octets.length % 8 !== 0 || octets.length !== length + more) return undefined;
  if (row.family === 'aes') {
    try {
      const cipher = createDecipheriv(row.name, by, aesVector);
      return Buffer.concat([cipher.update(octets), cipher.final()]);
    } catch {
      return undefined;
    }
  }
  const reversed = withTripleDes(createDecipheriv(row.name, by, tripleDesVector), octets).reverse();
  const opened = withTripleDes(createDecipheriv(row.name, by, reversed.subarray(0, 8)), reversed.subarray(8));
  const key = opened.subarray(0, length);
  return timingSafeEqual(checksum(key), opened.subarray(length)) ? key : undefined;
}

/** The first eight octets of SHA-1, as RFC 3217 section 2 defines the checksum of a key. */
function checksum(key: Uint8Array): Uint8Array {
  return digest({ hash: 'sha1' }, key).subarray(0, 8);
}

function withTripleDes(
  cipher: ReturnType<typeof createCipheriv | typeof createDecipheriv>,
  octets: Uint8Array,
): Buffer {
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(octets), cipher.final()]);
}

function requireLength(row: KeyWrap, by: KeyObject): void {
  if (by.type !== 'secret' || by.symmetricKeySize !== row.keyLength) {
    throw new SecurityError('SECURITY_KEY', `The wrapping key does not fit ${row.uri}.`);
  }
}
