/** Signature algorithms in the scenarios with peers: who has the key for each, and what one needs that is weak. */

import type { X509SignedOptions } from '../../src/security/policy.ts';
import {
  type DigestAlgorithm,
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  rsaSha256,
  rsaSha384,
  rsaSha512,
  type SignatureAlgorithm,
  sha256,
  sha384,
  sha512,
  unsafeRsaSha1,
  unsafeSha1,
} from '../../src/security/suites.ts';
import type { PartyName } from './parties.ts';

type SignatureRow = readonly [name: string, row: SignatureAlgorithm, who: PartyName];

/** What every peer knows. */
export const signatureRows: readonly SignatureRow[] = [
  ['RSA-SHA256', rsaSha256, 'client'],
  ['RSA-SHA384', rsaSha384, 'client'],
  ['RSA-SHA512', rsaSha512, 'client'],
  ['RSA-SHA1 (unsafe)', unsafeRsaSha1, 'client'],
  ['ECDSA-SHA256 with P-256', ecdsaSha256, 'p256'],
  ['ECDSA-SHA384 with P-384', ecdsaSha384, 'p384'],
  ['ECDSA-SHA512 with P-521', ecdsaSha512, 'p521'],
];

/** What only some know, and curves under digests that are not theirs. */
export const furtherSignatureRows: readonly SignatureRow[] = [
  ['RSA-PSS-SHA256', rsaPssSha256, 'client'],
  ['RSA-PSS-SHA384', rsaPssSha384, 'client'],
  ['RSA-PSS-SHA512', rsaPssSha512, 'client'],
  ['Ed25519', ed25519, 'ed25519'],
  ['ECDSA-SHA512 with P-256', ecdsaSha512, 'p256'],
  ['ECDSA-SHA256 with P-521', ecdsaSha256, 'p521'],
];

export const digestRows: readonly DigestAlgorithm[] = [sha256, sha384, sha512];

/** What a policy has to say for an algorithm that it does not take by itself. */
export function unlessWeak(algorithm: SignatureAlgorithm): Partial<X509SignedOptions> {
  if (algorithm !== unsafeRsaSha1) return {};
  return { accept: { signatures: [algorithm], digests: [unsafeSha1] }, digest: unsafeSha1 };
}
