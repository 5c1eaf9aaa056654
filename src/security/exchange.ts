/**
 * What a reply has in common with its request: the secret that protects both (WSS 1.1 section 7.7, EncryptedKeySHA1), the
 * signatures that the reply confirms (section 8.5), and the certificate that the reply is encrypted for. It lives as
 * long as the exchange and is never stored.
 */
import type { KeyObject } from 'node:crypto';
import type { XmlElement } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import type { Certificate } from './certificates.ts';
import type { ContextName } from './tokens/context.ts';

/** The secret in an EncryptedKey. */
export interface SharedSecret {
  readonly key: KeyObject;
  /** SHA-1 of the encrypted octets: what names the secret in the reply. A hint, never a proof. */
  readonly identifier: Uint8Array;
}

/** A key of a security context (WS-SecureConversation), which both ends have. */
export interface ContextSecret extends ContextName {
  readonly key: KeyObject;
  /** Namespace of WS-SecureConversation. */
  readonly namespace: string;
  /** The token as its issuer wrote it, and its wsu:Id; it goes with every message to the issuer. */
  readonly token: { readonly fragment: XmlFragment; readonly id: string } | undefined;
}

/** Where an end finds its security contexts. */
export interface ContextSource {
  /** Namespace of WS-SecureConversation: tokens of the other are refused. */
  readonly namespace: string;
  /**
   * @param token as it stands in the message, where it does
   * @throws SecurityError `SECURITY_CONTEXT` when there is no such context
   */
  find(name: ContextName, token: XmlElement | undefined): ContextSecret;
}

/** A key derived of a user's password. */
export interface PasswordKey {
  readonly user: string;
  readonly key: KeyObject;
  /** wsu:Id of the UsernameToken in the request: what names the key in the reply. */
  readonly id: string;
}

export interface Exchange {
  /** SignatureValues of the request, in the order of its signatures. */
  readonly values: readonly Uint8Array[];
  readonly secret: SharedSecret | undefined;
  /** At the acceptor: who signed the request. At the initiator: whom the secret was encrypted for. */
  readonly certificate: Certificate | undefined;
  /** The security context that signs, or signed: itself, or an endorsement. */
  readonly context?: ContextSecret | undefined;
  /**
   * Whether this end has sent what has that SignatureValue: where both ends send unasked under one secret, what one of them said must
   * not come back to it as a word of the other (attack R7).
   */
  readonly isOwn?: ((signature: Uint8Array) => boolean) | undefined;
  /** What signed the request, where that was a password; its reply is signed with the same key. */
  readonly password?: PasswordKey | undefined;
}

/** What a request shares with its reply before anything was secured. */
export const nothingShared: Pick<Exchange, 'values' | 'secret' | 'certificate'> = Object.freeze({
  values: [],
  secret: undefined,
  certificate: undefined,
});
