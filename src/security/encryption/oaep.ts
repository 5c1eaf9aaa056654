/**
 * EME-OAEP (RFC 8017 section 7.1) with the digest and the mask chosen apart, which the platform does not offer: XML
 * Encryption's rsa-oaep-mgf1p with SHA-256 has MGF1 over SHA-1 all the same. Decoding works over the raw RSA block, knows
 * how long the key has to be, and neither branches on nor indexes by anything secret (attack E3, Manger).
 */
import { concat } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import { digest } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import type { HashRow } from './algorithms.ts';

export interface OaepParameters {
  readonly digest: HashRow;
  readonly mask: HashRow;
  /** What xenc:OAEPparams carries; empty where there is none. */
  readonly label: Uint8Array;
}

/** What a padding gave: octets of the length asked for, and 0 only when they are right. */
export interface Opened {
  readonly octets: Uint8Array;
  readonly bad: number;
}

/**
 * @param size octets of the modulus
 * @param random for the seed
 * @throws SecurityError `SECURITY_KEY` when the modulus is too small for key and digest
 */
export function sealOaep(key: Uint8Array, size: number, parameters: OaepParameters, random: Random): Uint8Array {
  const label = digest(parameters.digest, parameters.label);
  const seed = random.bytes(label.length);
  const padding = size - key.length - 2 * label.length - 2;
  if (padding < 0) {
    throw new SecurityError('SECURITY_KEY', `An RSA key of ${size * 8} bits is too small for this digest.`);
  }
  const block = concat([label, new Uint8Array(padding), Uint8Array.of(1), key]);
  const masked = exclusiveOr(block, mgf1(parameters.mask, seed, block.length));
  return concat([Uint8Array.of(0), exclusiveOr(seed, mgf1(parameters.mask, masked, seed.length)), masked]);
}

/**
 * @param block what the raw RSA operation gave, as long as the modulus
 * @param length octets that the key has to have
 */
export function openOaep(block: Uint8Array, length: number, parameters: OaepParameters): Opened {
  const label = digest(parameters.digest, parameters.label);
  const separator = block.length - 1 - label.length - length - 1;
  if (separator < label.length) return { octets: new Uint8Array(length), bad: 1 };
  const masked = block.subarray(1 + label.length);
  const seed = exclusiveOr(block.subarray(1, 1 + label.length), mgf1(parameters.mask, masked, label.length));
  const data = exclusiveOr(masked, mgf1(parameters.mask, seed, masked.length));
  let bad = block[0] ?? 1;
  for (const octet of exclusiveOr(data.subarray(0, label.length), label)) bad |= octet;
  for (const octet of data.subarray(label.length, separator)) bad |= octet;
  bad |= (data[separator] ?? 0) ^ 1;
  return { octets: data.subarray(separator + 1), bad };
}

function mgf1(mask: HashRow, seed: Uint8Array, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const counter = Buffer.alloc(4);
  for (let made = 0, count = 0; made < length; count++) {
    counter.writeUInt32BE(count);
    const part = digest(mask, concat([seed, counter]));
    parts.push(part);
    made += part.length;
  }
  return concat(parts).subarray(0, length);
}

function exclusiveOr(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((octet, index) => octet ^ (other[index] ?? 0));
}
