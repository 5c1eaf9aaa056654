/**
 * What is required before a message is received, and what is done before one is sent: one frozen value stated up front
 * (trust rule 2). The wire only has to satisfy it; nothing that a message says changes it (attacks K4, P1). Here are the
 * policies without encryption and what all presets share; those with encryption are in `presets/`.
 */
import { addressingVersions } from '../soap/addressing-versions.ts';
import { SecurityError } from './errors.ts';
import { modernKeys } from './key-ranges.ts';
import type { SigningKey } from './keys.ts';
import { reliableNamespaces } from './names.ts';
import type { Directions, InboundPolicy, Layout, OutboundPolicy, SecurityPolicy, TokenSource } from './protection.ts';
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
import type { JwtRequirement } from './tokens/jwt.ts';
import type { SamlRequirement } from './tokens/saml-conditions.ts';
import type { PasswordSource, UsernameCredentials } from './tokens/username.ts';
import type { TokenReference } from './tokens/x509.ts';
import type { Trust } from './trust.ts';

export type { SecurityPolicy } from './protection.ts';

/** Keeps header blocks that no signature covers. Whoever reads one afterwards reads what anybody may have written. */
export const unsafeKeepUnsigned: unique symbol = Symbol('unsafeKeepUnsigned');
/** Accepts passwords and timestamps that came without TLS. Anybody on the way can read and replace them. */
export const unsafeWithoutTls: unique symbol = Symbol('unsafeWithoutTls');
/** Accepts messages signed with this end's own key. A message may then be sent back to its author as an answer. */
export const unsafeSharedKey: unique symbol = Symbol('unsafeSharedKey');
/**
 * Accepts a certificate's signature over the Timestamp alone, as Metro and CXF send it. Whoever is sent such a message, or sees it
 * where TLS ends, can put it before another message to any service that trusts the same certificate.
 */
export const unsafeUnsignedTo: unique symbol = Symbol('unsafeUnsignedTo');
/** Lets signatures under a password be seen: anybody who records one message can try passwords against it, millions a second. */
export const unsafePasswordKeys: unique symbol = Symbol('unsafePasswordKeys');
export type UnsafeOption =
  | typeof unsafeKeepUnsigned
  | typeof unsafeWithoutTls
  | typeof unsafeSharedKey
  | typeof unsafeUnsignedTo
  | typeof unsafePasswordKeys;

/** What every policy takes. */
export interface CommonOptions {
  /** How fresh messages have to be. Default: lifetime 5 min, skew 5 min. */
  readonly freshness?: Partial<Freshness>;
  /** How long the messages sent are good for, in milliseconds. Default 5 min. */
  readonly lifetime?: number;
  /**
   * Whether every token of what is received has to stand before what uses it. Default `lax`; what is sent is always
   * `strict`.
   */
  readonly layout?: Layout;
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
  /** Algorithms that are accepted. Default: RSA, RSA-PSS and ECDSA with SHA-256, 384 and 512, and Ed25519. */
  readonly accept?: {
    readonly signatures?: readonly SignatureAlgorithm[];
    readonly digests?: readonly DigestAlgorithm[];
  };
  /** How the certificate is named. Default `direct`: it is in the message. */
  readonly reference?: TokenReference;
  /** Whether to sign the certificate's token as well. Default false. */
  readonly signToken?: boolean;
  /** Requires that the token of the signature is signed as well (WS-SecurityPolicy ProtectTokens). Default false. */
  readonly protectTokens?: boolean;
  /** `optional` accepts messages without wsa:Action; their action is '' then, because nothing proves it. */
  readonly addressing?: 'required' | 'optional';
  /** A UsernameToken to send, inside the signature. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** Requires a UsernameToken inside the signature. */
  readonly passwords?: PasswordSource;
  /**
   * A token to send, inside the signature: with a SAML assertion this end vouches for somebody else (sender-vouches), a JSON Web Token
   * says who it is.
   */
  readonly token?: TokenSource;
  /** Requires a SAML assertion that the signer vouches for, or holds the key of. */
  readonly saml?: SamlRequirement;
  /** Requires a JSON Web Token inside the signature; it is taken over TLS only, because nothing else hides it here. */
  readonly jwt?: JwtRequirement;
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
  return frozenPolicy('x509Signed', options, weak, {
    inbound: {
      signature: Object.freeze({
        signatures: byUri(signatures),
        digests: byUri(digests),
        keys: modernKeys,
        signer: Object.freeze({ kind: 'certificate', trust, notFrom: reflected(options, key) }),
        presentImpliesSigned: protectedNamespaces,
        action: options.addressing !== 'optional',
        unsigned: unsafe.includes(unsafeKeepUnsigned) ? 'keep' : 'remove',
        token: options.protectTokens ?? false,
        endorsers: false,
      }),
      username: options.passwords,
      saml: options.saml,
      jwt: options.jwt,
    },
    outbound: {
      signature: Object.freeze({
        kind: 'certificate',
        key,
        algorithm,
        digest,
        reference: options.reference ?? 'direct',
        token: options.signToken ?? options.protectTokens ?? false,
      }),
      username: options.username,
      token: options.token,
    },
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
  return frozenPolicy('usernameOverTransport', options, [], {
    inbound: { transport: 'tls', username: options.passwords },
    outbound: { username: options.username },
    reply: { inbound: { transport: 'tls' } },
  });
}

/** A Timestamp in both directions over HTTPS, and nothing else. */
export function timestampOnly(options: CommonOptions = {}): SecurityPolicy {
  return frozenPolicy('timestampOnly', options, [], { inbound: { transport: 'tls' } });
}

/** Namespaces whose header blocks have to be signed wherever a message signature is required. */
export const protectedNamespaces: ReadonlySet<string> = new Set([
  ...addressingVersions.map((version) => version.namespace),
  ...reliableNamespaces,
]);

/** The key whose signatures are refused, unless that was given up by name. */
export function reflected({ unsafe = [] }: CommonOptions, key: SigningKey | undefined): string | undefined {
  return unsafe.includes(unsafeSharedKey) ? undefined : key?.certificate.keyFingerprint;
}

/** What is particular to a preset; everything that is left out is not required, and not done. */
export interface Particulars {
  readonly inbound?: Partial<InboundPolicy>;
  readonly outbound?: Partial<OutboundPolicy>;
  /** Where replies differ from requests; what is left out there is not taken from the request. */
  readonly reply?: { readonly inbound?: Partial<InboundPolicy>; readonly outbound?: Partial<OutboundPolicy> };
}

/**
 * The frozen policy of a preset.
 *
 * @param weak URIs of the unsafe algorithms in force
 * @throws SecurityError `SECURITY_POLICY` for limits that are not finite and positive, and for CBC without a signature
 */
export function frozenPolicy(
  name: string,
  common: CommonOptions,
  weak: readonly string[],
  parts: Particulars,
): SecurityPolicy {
  const freshness = Object.freeze({ ...defaultFreshness, ...common.freshness });
  const lifetime = common.lifetime ?? defaultFreshness.lifetime;
  for (const [limit, value] of Object.entries({ ...freshness, 'lifetime sent': lifetime })) {
    if (!Number.isFinite(value) || value < 0 || (value === 0 && limit !== 'skew')) {
      throw new SecurityError('SECURITY_POLICY', `The limit "${limit}" is ${value}.`);
    }
  }
  const unsafe = common.unsafe ?? [];
  const withoutTls = unsafe.includes(unsafeWithoutTls);
  const directions = ({ inbound = {}, outbound = {} }: Omit<Particulars, 'reply'>): Directions => ({
    inbound: sound({
      ...nothingRequired,
      ...inbound,
      transport: withoutTls ? 'any' : (inbound.transport ?? 'any'),
      layout: common.layout ?? 'lax',
      freshness,
      textWithoutTls: withoutTls,
    }),
    outbound: secretive({ ...nothingDone, ...outbound, lifetime }),
  });
  const requests = directions(parts);
  return Object.freeze({
    name,
    ...requests,
    reply: Object.freeze(parts.reply === undefined ? requests : directions(parts.reply)),
    unsafe: Object.freeze([...unsafe.map((option) => option.description ?? ''), ...new Set(weak)]),
  });
}

const nothingRequired: Omit<InboundPolicy, 'transport' | 'layout' | 'freshness' | 'textWithoutTls'> = Object.freeze({
  signature: undefined,
  endorsement: undefined,
  encryption: undefined,
  context: undefined,
  username: undefined,
  saml: undefined,
  jwt: undefined,
  confirmation: false,
});

const nothingDone: Omit<OutboundPolicy, 'lifetime'> = Object.freeze({
  signature: undefined,
  endorsement: undefined,
  encryption: undefined,
  context: undefined,
  username: undefined,
  token: undefined,
  endorsers: false,
  confirmation: false,
});

/** Encryption without a required signature over the same part is an oracle (attacks E2, E11), also with GCM a way to swap parts. */
function sound(inbound: InboundPolicy): InboundPolicy {
  if (inbound.encryption !== undefined && inbound.signature === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'Encrypted parts are accepted only where a signature is required.');
  }
  return Object.freeze(inbound);
}

/** Credentials stay out of what `inspect` and JSON show of a policy. */
export function secretive(outbound: OutboundPolicy): OutboundPolicy {
  return Object.freeze(
    Object.defineProperty({ ...outbound }, 'username', { get: () => outbound.username, enumerable: false }),
  );
}
