/**
 * What a reply has in common with its request: the secret that protects both (WSS 1.1 section 7.7, EncryptedKeySHA1), the
 * signatures that the reply confirms (section 8.5), and the certificate that the reply is encrypted for. It lives as
 * long as the exchange and is never stored.
 */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificates.ts';

/** The secret in an EncryptedKey. */
export interface SharedSecret {
  readonly key: KeyObject;
  /** SHA-1 of the encrypted octets: what names the secret in the reply. A hint, never a proof. */
  readonly identifier: Uint8Array;
}

export interface Exchange {
  /** SignatureValues of the request, in the order of its signatures. */
  readonly values: readonly Uint8Array[];
  readonly secret: SharedSecret | undefined;
  /** At the acceptor: who signed the request. At the initiator: whom the secret was encrypted for. */
  readonly certificate: Certificate | undefined;
}
