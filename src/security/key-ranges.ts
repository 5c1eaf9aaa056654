/**
 * How long keys have to be (WS-SecurityPolicy 1.3 section 6.1, minimum and maximum key lengths of an algorithm suite), held against
 * every key that a message is verified or opened with. The length of a key on a curve is that of its curve, which the rows of
 * signatures and agreements list.
 */
import type { KeyObject } from 'node:crypto';
import { keyBits } from './crypto.ts';
import { SecurityError } from './errors.ts';

/** Bits. */
export interface KeyRange {
  readonly least: number;
  readonly most: number;
}

export interface KeyRanges {
  /** Modulus of RSA keys: certificates, keys of assertions, keys by value. */
  readonly rsa: KeyRange;
  /** Secrets that come from elsewhere: EncryptedKeys, issued tokens, contexts. */
  readonly symmetric: KeyRange;
  /** Keys derived of a secret that sign. */
  readonly derived: KeyRange;
}

/** Where no suite says more: what RSA may not fall below, and what nobody has to compute with. */
export const rsaRange: KeyRange = Object.freeze({ least: 2_048, most: 8_192 });

/** For policies without a suite. */
export const modernKeys: KeyRanges = Object.freeze({
  rsa: rsaRange,
  symmetric: Object.freeze({ least: 128, most: 512 }),
  derived: Object.freeze({ least: 128, most: 512 }),
});

/**
 * Holds a key to the range of its kind.
 *
 * @throws SecurityError `SECURITY_KEY`
 */
export function requireKeyWithin(ranges: KeyRanges, key: KeyObject, isDerived: boolean = false): void {
  const isSecret = key.type === 'secret';
  const bits = keyBits(key);
  if (bits === undefined) return;
  const { least, most } = isSecret ? (isDerived ? ranges.derived : ranges.symmetric) : ranges.rsa;
  if (bits >= least && bits <= most) return;
  throw new SecurityError(
    'SECURITY_KEY',
    `A key of ${bits} bits is outside the ${least} to ${most} bits that the policy takes.`,
  );
}
