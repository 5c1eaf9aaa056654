/**
 * What a policy consists of: what is required of a message before it is received, and what is done to one before it is sent.
 * Presets (`policy.ts`, `presets/`) make these values; nothing here has a default, so that nothing is left open.
 */

import type { KeyObject } from 'node:crypto';
import type { XmlFragment } from '../xml/fragment.ts';
import type { AlgorithmSuite } from './algorithm-suites.ts';
import type { Certificate } from './certificates.ts';
import type { AcceptedEncryption } from './encryption/algorithms.ts';
import type { Part } from './evidence.ts';
import type { KeyRanges } from './key-ranges.ts';
import type { DecryptionKey, SigningKey } from './keys.ts';
import type { DigestAlgorithm, SignatureAlgorithm } from './suites.ts';
import type { Freshness } from './timestamp.ts';
import type { JwtRequirement } from './tokens/jwt.ts';
import type { SamlRequirement } from './tokens/saml-conditions.ts';
import type { PasswordCredentials, PasswordSource, UsernameCredentials } from './tokens/username.ts';
import type { OutsideReference, TokenReference } from './tokens/x509.ts';
import type { Trust } from './trust.ts';

/** Whose signature it has to be. */
export type RequiredSigner =
  | {
      readonly kind: 'certificate';
      readonly trust: Trust;
      /** `keyFingerprint` of the key that this end signs with itself, whose messages are refused. */
      readonly notFrom: string | undefined;
    }
  /** Whoever knows the secret of the EncryptedKey: in a request anybody, in its reply only the one it was encrypted for. */
  | { readonly kind: 'secret' }
  /** Whoever holds the key that the assertion's issuer has put into it (holder-of-key). */
  | { readonly kind: 'assertion' }
  /**
   * Whoever knows the password of the user whose UsernameToken the key is derived of; without `passwords`, in a reply, with the
   * key of the request.
   */
  | { readonly kind: 'password'; readonly passwords: PasswordSource | undefined };

export interface AcceptedSignatures {
  readonly signatures: ReadonlyMap<string, SignatureAlgorithm>;
  readonly digests: ReadonlyMap<string, DigestAlgorithm>;
}

/** What is required of any signature of a message. */
export interface SignedUnder extends AcceptedSignatures {
  /** How long the key has to be. */
  readonly keys: KeyRanges;
}

/** What is required of the message signature: the one that covers the Body. */
export interface SignatureRequirement extends SignedUnder {
  readonly signer: Exclude<RequiredSigner, { kind: 'assertion' }>;
  /** Namespaces whose header blocks, where present, have to be signed: addressing and reliable messaging. */
  readonly presentImpliesSigned: ReadonlySet<string>;
  /** Whether there has to be a (signed) wsa:Action. */
  readonly action: boolean;
  /** What becomes of other header blocks that are not signed. */
  readonly unsigned: 'remove' | 'keep';
  /** Whether the BinarySecurityToken that the signature names has to be signed as well (WS-SecurityPolicy ProtectTokens). */
  readonly token: boolean;
  /** Whether every token whose key endorses it has to be signed as well (SignedEndorsingSupportingTokens), and every assertion. */
  readonly endorsers: boolean;
}

/** What is required of a second signature: over the message signature or, where there is none, over the Timestamp. */
export interface EndorsementRequirement extends SignedUnder {
  readonly signer: Exclude<RequiredSigner, { kind: 'secret' }>;
  /** Over TLS: whether there has to be a wsa:To under the same signature, which says for whom it was made. */
  readonly to: boolean;
}

/** Where the key of encrypted parts (and, in the symmetric binding, of the message signature) comes from. */
export type SecretOrigin =
  /** An EncryptedKey of the message, for one of these keys. */
  | { readonly kind: 'transported'; readonly keys: readonly DecryptionKey[] }
  /** The EncryptedKey of the request that this is the reply to. */
  | { readonly kind: 'request' }
  /** A security context that both ends have. */
  | { readonly kind: 'context' };

/** `sign-encrypt`: signatures are over plaintext. `encrypt-sign`: over what was encrypted. */
export type ProtectionOrder = 'sign-encrypt' | 'encrypt-sign';

export interface EncryptionRequirement {
  readonly accepted: AcceptedEncryption;
  readonly origin: SecretOrigin;
  /** Octets of the secret in an EncryptedKey that signs or is derived of. */
  readonly secretLength: number;
  readonly order: ProtectionOrder;
  /** Whether all content of the Body has to be encrypted. */
  readonly body: boolean;
  /** Namespaces of protocols that have nothing to hide: a Body of theirs may come in the clear, signed like any other. */
  readonly clear: ReadonlySet<string>;
  /** Header blocks that, where present, have to be encrypted. */
  readonly headers: ReadonlySet<Part>;
  /** Whether the message signature has to be encrypted (where the Body has to be). */
  readonly signature: boolean;
  /** Whether the UsernameToken has to be encrypted. */
  readonly username: boolean;
}

/** `strict`: every token stands before what uses it (WS-SecurityPolicy 1.3 section 6.7). */
export type Layout = 'strict' | 'lax';

export interface InboundPolicy {
  readonly transport: 'tls' | 'any';
  readonly layout: Layout;
  /** The Timestamp is always required; this is how fresh it has to be. */
  readonly freshness: Freshness;
  readonly signature: SignatureRequirement | undefined;
  readonly endorsement: EndorsementRequirement | undefined;
  readonly encryption: EncryptionRequirement | undefined;
  /** Required of a signature under a security context that endorses the message signature or, without one, the Timestamp. */
  readonly context: SignedUnder | undefined;
  readonly username: PasswordSource | undefined;
  /** Exactly one SAML assertion is required, and this of it. */
  readonly saml: SamlRequirement | undefined;
  /** Exactly one JSON Web Token is required, hidden and under the message signature where there is one, and this of it. */
  readonly jwt: JwtRequirement | undefined;
  /** Whether a password may come as text without TLS and without encryption. */
  readonly textWithoutTls: boolean;
  /** Whether a reply has to confirm the signatures of its request. */
  readonly confirmation: boolean;
}

/** A signature with the private key of a certificate. */
export interface CertificateSignature {
  readonly kind: 'certificate';
  readonly key: SigningKey;
  readonly algorithm: SignatureAlgorithm;
  readonly digest: DigestAlgorithm;
  readonly reference: TokenReference;
  /** Whether the BinarySecurityToken is signed as well. */
  readonly token: boolean;
}

/** A JSON Web Token that was issued to this end, in compact form: whoever reads it can use it, so it is always hidden. */
export interface IssuedJwt {
  readonly jwt: string;
}

/** A SAML assertion that was issued to this end, and what shows that it may use it. */
export interface IssuedAssertion {
  readonly assertion: XmlFragment;
  /** The key in a holder-of-key assertion; absent for bearer and sender-vouches. */
  readonly proof?: SigningKey | KeyObject;
  /** Whether whoever reads it can use it: it is then encrypted wherever anything is. */
  readonly bearer: boolean;
  /**
   * The SecurityTokenReference that names it, as its issuer says (RequestedAttachedReference): for a token with a key that this end cannot
   * read, such as an encrypted assertion.
   */
  readonly reference?: XmlFragment;
}

export type IssuedToken = IssuedAssertion | IssuedJwt;

/** Asked anew for every message, so that a token is renewed in time. */
export type TokenSource = () => IssuedToken | Promise<IssuedToken>;

/** A signature with the key of the issued token. */
interface IssuedSignature {
  readonly kind: 'issued';
  readonly suite: Pick<AlgorithmSuite, 'symmetricSignature' | 'asymmetricSignature' | 'digest'>;
}

/** A signature under the secret of the EncryptedKey. */
export interface SecretSignature {
  readonly kind: 'secret';
  readonly algorithm: SignatureAlgorithm;
  readonly digest: DigestAlgorithm;
}

export type SignatureProduction = CertificateSignature | SecretSignature;

/** A signature under a key derived of a password, whose UsernameToken the message brings; in a reply, under that of the request. */
export interface PasswordSignature {
  readonly kind: 'password';
  readonly algorithm: SignatureAlgorithm;
  readonly digest: DigestAlgorithm;
  /** Absent in a reply. */
  readonly credentials: PasswordCredentials | (() => PasswordCredentials) | undefined;
  /** How often the hash is computed. */
  readonly rounds: number;
}

/** Who is to read what is encrypted. */
export type Readers =
  /** These, each with an EncryptedKey of its own. */
  | { readonly kind: 'certificates'; readonly certificates: readonly Certificate[] }
  /** In a reply, whoever signed the request with a certificate. */
  | { readonly kind: 'requester' }
  /** In a reply, whoever knows the secret of the request's EncryptedKey. */
  | { readonly kind: 'request' }
  /** Whoever has the security context; its token goes with the message, or is known from it. */
  | { readonly kind: 'context'; readonly token: 'included' | 'external' };

/** Keys for one purpose each, made of the secret (WS-SecureConversation section 7). */
export interface DerivedKeys {
  /** Namespace of WS-SecureConversation. */
  readonly version: string;
  /** Octets of the key that signs. */
  readonly signature: number;
  /** By the references to a security context (section 7.3), instead of DerivedKeyTokens. */
  readonly implied?: boolean;
}

export interface EncryptionProduction {
  readonly suite: Pick<AlgorithmSuite, 'content' | 'transport' | 'oaep' | 'agreement' | 'wrap'>;
  /** How the readers' certificates are named. */
  readonly reference: OutsideReference;
  readonly readers: Readers;
  readonly derived: DerivedKeys | undefined;
  readonly order: ProtectionOrder;
  /** Whether the content of the Body is encrypted. */
  readonly body: boolean;
  /** Namespaces of protocols that have nothing to hide: what is sent of them is signed only. */
  readonly clear: ReadonlySet<string>;
  /** Header blocks that are encrypted. */
  readonly headers: ReadonlySet<Part>;
  /** Whether signatures and SignatureConfirmations are encrypted. */
  readonly signature: boolean;
}

export interface OutboundPolicy {
  /** How long a message is good for, in milliseconds. */
  readonly lifetime: number;
  /** Signs the Body, the Timestamp, every header block, the UsernameToken and confirmations. */
  readonly signature: SignatureProduction | PasswordSignature | undefined;
  /** Signs the message signature or, where there is none, the Timestamp and wsa:To. */
  readonly endorsement: CertificateSignature | IssuedSignature | PasswordSignature | undefined;
  readonly encryption: EncryptionProduction | undefined;
  /** Signs, under a security context, the message signature or, where there is none, the Timestamp. */
  readonly context: Pick<SecretSignature, 'algorithm' | 'digest'> | undefined;
  readonly username: UsernameCredentials | (() => UsernameCredentials) | undefined;
  readonly token: TokenSource | undefined;
  /** Whether the message signature covers the token of whoever endorses it as well. */
  readonly endorsers: boolean;
  /** Whether a reply confirms the signatures of its request. */
  readonly confirmation: boolean;
}

/** Both directions at one end. */
export interface Directions {
  readonly inbound: InboundPolicy;
  readonly outbound: OutboundPolicy;
}

/** The policy of an end. What stands at its top is for messages that are no reply. */
export interface SecurityPolicy extends Directions {
  readonly name: string;
  readonly reply: Directions;
  /** The unsafe options and algorithms in force, by name, to be printed when a host starts. */
  readonly unsafe: readonly string[];
}
