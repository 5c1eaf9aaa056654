/**
 * The symmetric binding of WSS 1.1: the initiator makes a secret, encrypts it for the service's certificate, and signs and
 * encrypts under it; the service answers under the same secret, which nobody else can know. Who the initiator is, an
 * endorsing signature or a UsernameToken says, or nobody does. WCF's MutualCertificate (WSS 1.1), UserNameForCertificate and
 * AnonymousForCertificate.
 */
import type { AlgorithmSuite } from '../algorithm-suites.ts';
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import { conversationNamespaces } from '../names.ts';
import { frozenPolicy } from '../policy.ts';
import type {
  DerivedKeys,
  InboundPolicy,
  OutboundPolicy,
  ProtectionOrder,
  Readers,
  SecretSignature,
  SecurityPolicy,
} from '../protection.ts';
import type { PasswordSource, UsernameCredentials } from '../tokens/username.ts';
import type { TokenReference } from '../tokens/x509.ts';
import {
  certificateSignature,
  decryptionKeys,
  type EncryptedOptions,
  encryptionProduction,
  encryptionRequirement,
  endorsementRequirement,
  type PeerOptions,
  peerOf,
  signatureRequirement,
  suiteOf,
  trustOf,
  weakIn,
} from './common.ts';

export interface ForCertificateOptions extends EncryptedOptions {
  /** Default `sign-encrypt`. */
  readonly order?: ProtectionOrder;
  /**
   * Whether keys for one purpose each are derived of the secret (WCF's RequireDerivedKeys). Default true. What is received may do
   * either.
   */
  readonly derivedKeys?: boolean;
  /** Namespace of WS-SecureConversation in what is sent; both are accepted. Default that of 1.3. */
  readonly derivedKeysVersion?: string;
  /** Whether replies confirm the signatures of their requests, and have to. */
  readonly confirmSignatures?: boolean;
}

export interface AnonymousForCertificateOptions extends ForCertificateOptions, Pick<PeerOptions, 'peer'> {
  /** At the acceptor: the key of the service. */
  readonly key?: SigningKey;
}

/**
 * Nobody says who the initiator is; only the service can read requests and write replies. The initiator gives `peer`, the
 * service's certificate; the acceptor gives `key`.
 *
 * @throws SecurityError `SECURITY_POLICY`
 * @example anonymousForCertificate({ peer: readFileSync('service.pem') })
 */
export function anonymousForCertificate(options: AnonymousForCertificateOptions): SecurityPolicy {
  return symmetric('anonymousForCertificate', { confirmSignatures: true, ...options }, {});
}

export interface UserNameForCertificateOptions extends AnonymousForCertificateOptions {
  /** At the initiator: who it is. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** At the acceptor: who may come in. */
  readonly passwords?: PasswordSource;
}

/**
 * A signed and encrypted UsernameToken says who the initiator is. The initiator gives `peer` and `username`, the acceptor `key`
 * and `passwords`.
 *
 * @throws SecurityError `SECURITY_POLICY`
 */
export function userNameForCertificate(options: UserNameForCertificateOptions): SecurityPolicy {
  if (options.username === undefined && options.passwords === undefined) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'userNameForCertificate needs a username (client) or passwords (service).',
    );
  }
  return symmetric('userNameForCertificate', options, {
    inbound: { username: options.passwords },
    outbound: { username: options.username },
  });
}

export interface MutualCertificateOptions extends ForCertificateOptions, PeerOptions {
  /** At the initiator, what endorses; at the acceptor, what opens. */
  readonly key: SigningKey;
  /** How the initiator's certificate is named. Default `direct`: it is in the message. */
  readonly reference?: TokenReference;
}

/**
 * Mutual certificates in WSS 1.1: the initiator's certificate endorses the signature under the secret. Both ends give `key` and
 * `peer`; an acceptor of many initiators gives `trust` instead of `peer`.
 *
 * @throws SecurityError `SECURITY_POLICY`
 * @example mutualCertificate({ key, peer: readFileSync('service.pem') })
 */
export function mutualCertificate(options: MutualCertificateOptions): SecurityPolicy {
  const suite = suiteOf(options);
  const trust = trustOf(options);
  return symmetric(
    'mutualCertificate',
    { confirmSignatures: true, ...options },
    {
      inbound: { endorsement: endorsementRequirement(suite, options, trust, options.key) },
      outbound: { endorsement: certificateSignature(suite, options.key, options.reference) },
    },
  );
}

/** What says who the initiator is. */
interface Who {
  readonly inbound?: Partial<InboundPolicy>;
  readonly outbound?: Partial<OutboundPolicy>;
}

/** The symmetric binding under the name of a preset. */
export function symmetric(name: string, options: AnonymousForCertificateOptions, who: Who): SecurityPolicy {
  const { key, order = 'sign-encrypt', confirmSignatures = false } = options;
  const peer = peerOf(options);
  if (peer === undefined && key === undefined) {
    throw new SecurityError(
      'SECURITY_POLICY',
      `${name} needs the certificate of the service (client) or its key (service).`,
    );
  }
  const encryptSignature = options.encryptSignature ?? order === 'sign-encrypt';
  const hasUser = who.inbound?.username !== undefined || who.outbound?.username !== undefined;
  if (order === 'encrypt-sign' && (encryptSignature || hasUser)) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'What is signed after encryption is the ciphertext: signatures and UsernameTokens are not encrypted then.',
    );
  }
  const suite = suiteOf(options);
  const keys = key === undefined && options.decryption === undefined ? [] : decryptionKeys(options, key);
  const signature = signatureRequirement(options, { kind: 'secret' });
  const signed = secretSignature(suite);
  const encryption = { order, signature: encryptSignature };
  const derived = derivedKeysOf(options, suite);
  const production = (readers: Readers) => encryptionProduction(options, { ...encryption, readers, derived });
  return frozenPolicy(name, options, weakIn(suite), {
    inbound: {
      signature,
      encryption: encryptionRequirement(options, { kind: 'transported', keys }, { ...encryption, username: true }),
      ...who.inbound,
    },
    outbound: {
      signature: signed,
      encryption: production({ kind: 'certificates', certificates: peer === undefined ? [] : [peer] }),
      ...who.outbound,
    },
    reply: {
      inbound: {
        signature,
        encryption: encryptionRequirement(options, { kind: 'request' }, { ...encryption, username: false }),
        confirmation: confirmSignatures,
      },
      outbound: { signature: signed, encryption: production({ kind: 'request' }), confirmation: confirmSignatures },
    },
  });
}

export function secretSignature(suite: AlgorithmSuite): SecretSignature {
  return Object.freeze({ kind: 'secret', algorithm: suite.symmetricSignature, digest: suite.digest });
}

export function derivedKeysOf(options: ForCertificateOptions, suite: AlgorithmSuite): DerivedKeys | undefined {
  if (options.derivedKeys === false) return undefined;
  const version = options.derivedKeysVersion ?? conversationNamespaces[1] ?? '';
  if (!conversationNamespaces.includes(version)) {
    throw new SecurityError('SECURITY_POLICY', `"${version}" is no version of WS-SecureConversation.`);
  }
  return Object.freeze({ version, signature: suite.signatureKey });
}
