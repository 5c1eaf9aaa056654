/** The algorithms that verification understands: all there are. What of them is weak is told where it is met. */
import {
  aes128Cbc,
  aes192Cbc,
  aes256Cbc,
  type EncryptionRows,
  modernEncryption,
  unsafeKwTripleDes,
  unsafeRsa15,
  unsafeTripleDesCbc,
} from '../../security/encryption/algorithms.ts';
import type { AcceptedSignatures } from '../../security/protection.ts';
import {
  byUri,
  modernDigests,
  modernMacs,
  modernSignatures,
  unsafeHmacSha1,
  unsafeRsaSha1,
  unsafeSha1,
} from '../../security/suites.ts';

export const signatureRows: AcceptedSignatures = Object.freeze({
  signatures: byUri([...modernSignatures, ...modernMacs, unsafeRsaSha1, unsafeHmacSha1]),
  digests: byUri([...modernDigests, unsafeSha1]),
});

/** Nobody asks this end whether something decrypts, so what is an oracle at a service is none here. */
export const encryptionRows: Partial<EncryptionRows> = Object.freeze({
  content: [...modernEncryption.content, aes128Cbc, aes192Cbc, aes256Cbc, unsafeTripleDesCbc],
  transports: [...modernEncryption.transports, unsafeRsa15],
  wraps: [...modernEncryption.wraps, unsafeKwTripleDes],
});
