/**
 * What is required before a message is received, and what is done before one is sent: one frozen value stated up front
 * (trust rule 2). The wire only has to satisfy it; nothing that a message says changes it (attacks K4, P1).
 */
import { addressingVersions } from '../soap/addressing-versions.ts';
import { SecurityError } from './errors.ts';
import type { SigningKey } from './keys.ts';
import { reliableNamespaces } from './names.ts';
import {
  byUri,
  type DigestAlgorithm,
  isUnsafe,
  modernDigests,
  modernSignatures,
  type SignatureAlgorithm,
  sha256,
} from './suites.ts';
import { defaultFreshness, type Freshness } from './timestamp.ts';
import type { PasswordSource, UsernameCredentials } from './tokens/username.ts';
import type { TokenReference } from './tokens/x509.ts';
import type { Trust } from './trust.ts';

/** Keeps header blocks that no signature covers. Whoever reads one afterwards reads what anybody may have written. */
export const unsafeKeepUnsigned: unique symbol = Symbol('unsafeKeepUnsigned');
/** Accepts passwords and timestamps that came without TLS. Anybody on the way can read and replace them. */
export const unsafeWithoutTls: unique symbol = Symbol('unsafeWithoutTls');
/** Accepts messages signed with this end's own key. A message may then be sent back to its author as an answer. */
export const unsafeSharedKey: unique symbol = Symbol('unsafeSharedKey');
export type UnsafeOption = typeof unsafeKeepUnsigned | typeof unsafeWithoutTls | typeof unsafeSharedKey;

export interface SignatureRequirement {
  readonly signatures: ReadonlyMap<string, SignatureAlgorithm>;
  readonly digests: ReadonlyMap<string, DigestAlgorithm>;
  readonly trust: Trust;
  /** Namespaces whose header blocks, where present, have to be signed: addressing and reliable messaging. */
  readonly presentImpliesSigned: ReadonlySet<string>;
  /** Whether there has to be a (signed) wsa:Action. */
  readonly action: boolean;
  /** What becomes of other header blocks that are not signed. */
  readonly unsigned: 'remove' | 'keep';
  /** `keyFingerprint` of the key that this end signs with itself, whose messages are refused. */
  readonly notFrom: string | undefined;
}

export interface InboundPolicy {
  readonly transport: 'tls' | 'any';
  /** The Timestamp is always required; this is how fresh it has to be. */
  readonly freshness: Freshness;
  readonly signature: SignatureRequirement | undefined;
  readonly username: PasswordSource | undefined;
  /** Whether a password may come as text without TLS. */
  readonly textWithoutTls: boolean;
}

export interface SignatureProduction {
  readonly key: SigningKey;
  readonly algorithm: SignatureAlgorithm;
  readonly digest: DigestAlgorithm;
  readonly reference: TokenReference;
  /** Whether the BinarySecurityToken is signed as well. */
  readonly token: boolean;
}

export interface OutboundPolicy {
  /** How long a message is good for, in milliseconds. */
  readonly lifetime: number;
  /** Signs the Body, the Timestamp, every header block and the UsernameToken. */
  readonly signature: SignatureProduction | undefined;
  readonly username: UsernameCredentials | (() => UsernameCredentials) | undefined;
}

export interface SecurityPolicy {
  readonly name: string;
  readonly inbound: InboundPolicy;
  readonly outbound: OutboundPolicy;
  /** The unsafe options and algorithms in force, by name, to be printed when a host starts. */
  readonly unsafe: readonly string[];
}

interface CommonOptions {
  /** How fresh messages have to be. Default: lifetime 5 min, skew 5 min. */
  readonly freshness?: Partial<Freshness>;
  /** How long the messages sent are good for, in milliseconds. Default 5 min. */
  readonly lifetime?: number;
  /** What is weakened, each by its symbol. */
  readonly unsafe?: readonly UnsafeOption[];
}

export interface X509SignedOptions extends CommonOptions {
  /** The key that signs what is sent. */
  readonly key: SigningKey;
  /** Who may sign what is received. */
  readonly trust: Trust;
  /** Algorithm to sign with. Default: RSA-SHA256 or ECDSA-SHA256, as the key is. */
  readonly algorithm?: SignatureAlgorithm;
  readonly digest?: DigestAlgorithm;
  /** Algorithms that are accepted. Default: RSA and ECDSA with SHA-256, 384 and 512. */
  readonly accept?: {
    readonly signatures?: readonly SignatureAlgorithm[];
    readonly digests?: readonly DigestAlgorithm[];
  };
  /** How the certificate is named. Default `direct`: it is in the message. */
  readonly reference?: TokenReference;
  /** Whether to sign the certificate's token as well. Default false. */
  readonly signToken?: boolean;
  /** `optional` accepts messages without wsa:Action; their action is '' then, because nothing proves it. */
  readonly addressing?: 'required' | 'optional';
  /** A UsernameToken to send, inside the signature. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** Requires a UsernameToken inside the signature. */
  readonly passwords?: PasswordSource;
}

/**
 * Both ends sign with X.509 certificates: Body, Timestamp, every addressing header and every reliable-messaging header
 * (WS-SecurityPolicy AsymmetricBinding without encryption; WCF's MutualCertificate with `ProtectionLevel.Sign`).
 *
 * @throws SecurityError `SECURITY_POLICY` for limits that are not finite and positive
 */
export function x509Signed(options: X509SignedOptions): SecurityPolicy {
  const { key, trust, unsafe = [] } = options;
  const signatures = options.accept?.signatures ?? modernSignatures;
  const digests = options.accept?.digests ?? modernDigests;
  const algorithm = options.algorithm ?? key.algorithm;
  const digest = options.digest ?? sha256;
  const weak = [...signatures, ...digests, algorithm, digest].filter(isUnsafe).map((row) => row.uri);
  return policy('x509Signed', options, weak, {
    transport: 'any',
    signature: Object.freeze({
      signatures: byUri(signatures),
      digests: byUri(digests),
      trust,
      presentImpliesSigned: protectedNamespaces,
      action: options.addressing !== 'optional',
      unsigned: unsafe.includes(unsafeKeepUnsigned) ? 'keep' : 'remove',
      notFrom: unsafe.includes(unsafeSharedKey) ? undefined : key.certificate.keyFingerprint,
    }),
    username: options.passwords,
    production: Object.freeze({
      key,
      algorithm,
      digest,
      reference: options.reference ?? 'direct',
      token: options.signToken ?? false,
    }),
    credentials: options.username,
  });
}

export interface UsernameOptions extends CommonOptions {
  /** At the initiator: who it is. A function is asked anew for every message, so that a password may change. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** At the acceptor: who may come in. */
  readonly passwords?: PasswordSource;
}

/**
 * A UsernameToken and a Timestamp in each request, a Timestamp in each reply, over HTTPS (WCF's UserNameOverTransport).
 * The initiator gives `username`, the acceptor `passwords`.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither is given
 */
export function usernameOverTransport(options: UsernameOptions): SecurityPolicy {
  if (options.username === undefined && options.passwords === undefined) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'usernameOverTransport needs a username (client) or passwords (service).',
    );
  }
  return policy('usernameOverTransport', options, [], {
    transport: 'tls',
    signature: undefined,
    username: options.passwords,
    production: undefined,
    credentials: options.username,
  });
}

/** A Timestamp in both directions over HTTPS, and nothing else (WCF's CertificateOverTransport without a token). */
export function timestampOnly(options: CommonOptions = {}): SecurityPolicy {
  return policy('timestampOnly', options, [], {
    transport: 'tls',
    signature: undefined,
    username: undefined,
    production: undefined,
    credentials: undefined,
  });
}

const protectedNamespaces: ReadonlySet<string> = new Set([
  ...addressingVersions.map((version) => version.namespace),
  ...reliableNamespaces,
]);

interface Parts {
  readonly transport: InboundPolicy['transport'];
  readonly signature: SignatureRequirement | undefined;
  readonly username: PasswordSource | undefined;
  readonly production: SignatureProduction | undefined;
  readonly credentials: OutboundPolicy['username'];
}

function policy(name: string, common: CommonOptions, weak: readonly string[], parts: Parts): SecurityPolicy {
  const freshness = Object.freeze({ ...defaultFreshness, ...common.freshness });
  const lifetime = common.lifetime ?? defaultFreshness.lifetime;
  for (const [limit, value] of Object.entries({ ...freshness, 'lifetime sent': lifetime })) {
    if (!Number.isFinite(value) || value < 0 || (value === 0 && limit !== 'skew')) {
      throw new SecurityError('SECURITY_POLICY', `The limit "${limit}" is ${value}.`);
    }
  }
  const unsafe = common.unsafe ?? [];
  return Object.freeze({
    name,
    inbound: Object.freeze({
      transport: unsafe.includes(unsafeWithoutTls) ? 'any' : parts.transport,
      freshness,
      signature: parts.signature,
      username: parts.username,
      textWithoutTls: unsafe.includes(unsafeWithoutTls),
    }),
    outbound: secretive({ lifetime, signature: parts.production, username: parts.credentials }),
    unsafe: Object.freeze([...unsafe.map((option) => option.description ?? ''), ...new Set(weak)]),
  });
}

/** Credentials stay out of what `inspect` and JSON show of a policy. */
function secretive(outbound: OutboundPolicy): OutboundPolicy {
  return Object.freeze(
    Object.defineProperty({ ...outbound }, 'username', { value: outbound.username, enumerable: false }),
  );
}
