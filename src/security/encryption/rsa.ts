/**
 * Key transport over RSA (XML Encryption 1.1 section 5.5). The private operation is the raw one; a padding that is wrong
 * does not fail: it gives another key, always the same for the same octets, and the message then fails as any message
 * with another key does (implicit rejection; attacks E1 and E3). Nothing below tells which of the two happened.
 */
import { constants, hkdfSync, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import { concat, utf8 } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { smallestRsa } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import type { KeyTransport } from './algorithms.ts';
import { type OaepParameters, type Opened, openOaep, sealOaep } from './oaep.ts';

const padding = constants.RSA_NO_PADDING;

/**
 * @param parameters of OAEP; not used by RSA-1.5
 * @throws SecurityError `SECURITY_KEY` when `to` is no RSA key, is weaker than 2048 bits, or too small
 */
export function transportKey(
  row: KeyTransport,
  parameters: OaepParameters,
  to: KeyObject,
  key: Uint8Array,
  random: Random,
): Uint8Array {
  const size = modulusOctets(to, smallestRsa);
  const block = row.padding === 'oaep' ? sealOaep(key, size, parameters, random) : sealPkcs1(key, size, random);
  return publicEncrypt({ key: to, padding }, block);
}

/**
 * @param secret of the private key, for the key that takes the place of one that is not there
 * @param length octets that the key has to have
 * @returns `length` octets, always
 */
export function receiveKey(
  row: KeyTransport,
  parameters: OaepParameters,
  key: KeyObject,
  secret: Uint8Array,
  octets: Uint8Array,
  length: number,
): Uint8Array {
  const instead = new Uint8Array(hkdfSync('sha256', secret, octets, rejection, length));
  const block = rawPrivate(key, octets);
  const opened = row.padding === 'oaep' ? openOaep(block, length, parameters) : openPkcs1(block, length);
  return choose(opened, instead);
}

/** What `receiveKey` needs besides the key: bound to it, so that every process that holds the key does the same. */
export function rejectionSecret(key: KeyObject): Uint8Array {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  return new Uint8Array(hkdfSync('sha256', der, '', rejection, 32));
}

const rejection = utf8('XML Encryption key transport, implicit rejection');

/**
 * @param least bits
 * @throws SecurityError `SECURITY_KEY`
 */
export function modulusOctets(key: KeyObject, least: number): number {
  const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (bits < least) throw new SecurityError('SECURITY_KEY', 'The key is no RSA key, or a weak one.');
  return Math.ceil(bits / 8);
}

/** Octets of another length, or not below the modulus, were made by nobody: their block is one that no padding fits. */
function rawPrivate(key: KeyObject, octets: Uint8Array): Uint8Array {
  const size = modulusOctets(key, 0);
  try {
    if (octets.length === size) return privateDecrypt({ key, padding }, octets);
  } catch {
    // Not below the modulus, which whoever sent it knows.
  }
  return new Uint8Array(size);
}

/** EME-PKCS1-v1_5 (RFC 8017 section 7.2.1): 0 ‖ 2 ‖ eight or more octets that are not 0 ‖ 0 ‖ key. */
function sealPkcs1(key: Uint8Array, size: number, random: Random): Uint8Array {
  const fill = random.bytes(size - key.length - 3).map((octet) => octet || 0xa5);
  return concat([Uint8Array.of(0, 2), fill, Uint8Array.of(0), key]);
}

function openPkcs1(block: Uint8Array, length: number): Opened {
  const separator = block.length - length - 1;
  if (separator < 10) return { octets: new Uint8Array(length), bad: 1 };
  let bad = (block[0] ?? 1) | ((block[1] ?? 0) ^ 2) | (block[separator] ?? 1);
  // An octet minus one has a sign exactly when the octet is 0.
  for (const octet of block.subarray(2, separator)) bad |= (octet - 1) >>> 31;
  return { octets: block.subarray(separator + 1), bad };
}

/** The octets where they are right, else the others; without a branch. */
function choose({ octets, bad }: Opened, instead: Uint8Array): Uint8Array {
  const reject = (bad | -bad) >> 31;
  return octets.map((octet, index) => (octet & ~reject) | ((instead[index] ?? 0) & reject));
}
