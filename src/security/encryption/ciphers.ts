/**
 * Content encryption over octets (XML Encryption 1.1 section 5.2): IV ‖ ciphertext for CBC, IV ‖ ciphertext ‖ tag for GCM.
 * What cannot be decrypted does not throw: it comes back marked, and the caller goes on with it as with anything else, so
 * that a wrong padding costs and shows what wrong XML costs and shows (attacks E2, E6).
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import type { ContentCipher } from './algorithms.ts';

export interface Deciphered {
  readonly octets: Uint8Array;
  /** False when `octets` are not what was encrypted. */
  readonly sound: boolean;
}

const tagLength = 16;
const unsound: Deciphered = { octets: new Uint8Array(), sound: false };

/**
 * @param plaintext a text stands for its UTF-8
 * @param random for the initialization vector: 96 bits for GCM, one block for CBC
 */
export function encipher(
  row: ContentCipher,
  key: KeyObject,
  plaintext: Uint8Array | string,
  random: Random,
): Uint8Array {
  const vector = random.bytes(row.vectorLength);
  switch (row.mode) {
    case 'gcm': {
      const cipher = createCipheriv(row.name as 'aes-256-gcm', key, vector, { authTagLength: tagLength });
      const octets = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
      cipher.final();
      const whole = Buffer.allocUnsafe(vector.length + octets.length + tagLength);
      whole.set(vector);
      whole.set(octets, vector.length);
      whole.set(cipher.getAuthTag(), vector.length + octets.length);
      return whole;
    }
    case 'cbc': {
      // The padding of PKCS #7 is a padding of XML Encryption too, and some peers check all of it.
      const cipher = createCipheriv(row.name, key, vector);
      const octets = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
      return Buffer.concat([vector, octets, cipher.final()]);
    }
    default:
      return row.mode satisfies never;
  }
}

/** @param key of the row's length */
export function decipher(row: ContentCipher, key: KeyObject, octets: Uint8Array): Deciphered {
  return row.mode === 'gcm' ? decipherGcm(row, key, octets) : decipherCbc(row, key, octets);
}

function decipherGcm(row: ContentCipher, key: KeyObject, octets: Uint8Array): Deciphered {
  const end = octets.length - tagLength;
  if (end < row.vectorLength) return unsound;
  const vector = octets.subarray(0, row.vectorLength);
  const cipher = createDecipheriv(row.name as 'aes-256-gcm', key, vector, { authTagLength: tagLength });
  cipher.setAuthTag(octets.subarray(end));
  const plaintext = cipher.update(octets.subarray(row.vectorLength, end));
  try {
    cipher.final();
  } catch {
    return unsound;
  }
  return { octets: plaintext, sound: true };
}

/**
 * The last octet says how many octets of padding there are, itself included, one to a block; what the others are does not
 * matter (section 5.2.1, and peers do write anything). No branch depends on it.
 */
function decipherCbc(row: ContentCipher, key: KeyObject, octets: Uint8Array): Deciphered {
  const block = row.vectorLength;
  if (octets.length < 2 * block || octets.length % block !== 0) return unsound;
  const cipher = createDecipheriv(row.name, key, octets.subarray(0, block)).setAutoPadding(false);
  const padded = Buffer.concat([cipher.update(octets.subarray(block)), cipher.final()]);
  const count = padded[padded.length - 1] ?? 0;
  // 1 when 1 ≤ count ≤ block: neither difference has its sign bit set.
  const right = 1 & ~(((count - 1) | (block - count)) >>> 31);
  return { octets: padded.subarray(0, padded.length - count * right - block * (1 - right)), sound: right === 1 };
}
