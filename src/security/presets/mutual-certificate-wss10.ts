/**
 * Both ends sign with their certificate and encrypt for the other's: WS-SecurityPolicy AsymmetricBinding, WCF's
 * MutualCertificate with WSS 1.0.
 */
import { type CertificateSource, certificates } from '../certificates.ts';
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import { frozenPolicy, reflected } from '../policy.ts';
import type { InboundPolicy, OutboundPolicy, ProtectionOrder, Readers, SecurityPolicy } from '../protection.ts';
import type { PasswordSource, UsernameCredentials } from '../tokens/username.ts';
import { isIncluded, type TokenReference } from '../tokens/x509.ts';
import {
  certificateSignature,
  decryptionKeys,
  type EncryptedOptions,
  encryptionProduction,
  encryptionRequirement,
  type PeerOptions,
  peerOf,
  signatureRequirement,
  suiteOf,
  trustOf,
  weakIn,
} from './common.ts';

export interface MutualCertificateWss10Options extends EncryptedOptions, PeerOptions {
  /** The key that signs what is sent and opens what comes in. */
  readonly key: SigningKey;
  /** Default `sign-encrypt`. */
  readonly order?: ProtectionOrder;
  /** Others who are to read what is sent, each with an EncryptedKey of its own; many peers cannot skip such a key. */
  readonly alsoFor?: CertificateSource;
  /** How this end's certificate is named. Default `direct`: it is in the message. */
  readonly reference?: TokenReference;
  /** How it is named in replies. Default as `reference`. */
  readonly replyReference?: TokenReference;
  /** Signs the certificate's token as well, and requires that (ProtectTokens). Default false. */
  readonly protectTokens?: boolean;
  /** Whether replies confirm the signatures of their requests, and have to (WSS 1.1). Default false. */
  readonly confirmSignatures?: boolean;
  /** At the initiator: a UsernameToken, signed and encrypted. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** At the acceptor: requires a UsernameToken, signed and encrypted. */
  readonly passwords?: PasswordSource;
}

/**
 * Mutual certificates in WSS 1.0. Body encrypted; Body, Timestamp, addressing and reliable messaging signed. An acceptor that
 * gives `trust` instead of `peer` answers each initiator under the certificate that signed the request.
 *
 * @throws SecurityError `SECURITY_POLICY` for options that contradict one another or leave something open
 * @example mutualCertificateWss10({ key, peer: readFileSync('service.pem') })
 */
export function mutualCertificateWss10(options: MutualCertificateWss10Options): SecurityPolicy {
  return asymmetric('mutualCertificateWss10', options, 'any');
}

/**
 * The asymmetric binding under the name of a preset.
 *
 * @param answers whom replies are encrypted for: the peer that is known, or always whoever signed the request
 */
export function asymmetric(
  name: string,
  options: MutualCertificateWss10Options,
  transport: InboundPolicy['transport'],
  answers: 'peer' | 'requester' = 'peer',
): SecurityPolicy {
  const { key, order = 'sign-encrypt', encryptSignature = false, protectTokens = false } = options;
  const { confirmSignatures = false, reference = 'direct', replyReference = reference } = options;
  if (
    order === 'encrypt-sign' &&
    (encryptSignature || options.username !== undefined || options.passwords !== undefined)
  ) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'What is signed after encryption is the ciphertext: signatures and UsernameTokens are not encrypted then.',
    );
  }
  if (protectTokens && !(isIncluded(reference) && isIncluded(replyReference))) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'Only a token that is in the message can be signed: use `direct`, `path` or `pkcs7`.',
    );
  }
  const suite = suiteOf(options);
  const peer = peerOf(options);
  const signer = { kind: 'certificate', trust: trustOf(options), notFrom: reflected(options, key) } as const;
  const origin = { kind: 'transported', keys: decryptionKeys(options, key) } as const;
  const encryption = { order, signature: encryptSignature };
  const inbound: Partial<InboundPolicy> = {
    transport,
    signature: signatureRequirement(options, signer, protectTokens),
    encryption: encryptionRequirement(options, origin, { ...encryption, username: true }),
  };
  const outbound = (readers: Readers, named: TokenReference): Partial<OutboundPolicy> => ({
    signature: certificateSignature(suite, key, named, protectTokens),
    encryption: encryptionProduction(options, { ...encryption, readers, derived: undefined }),
  });
  const others = options.alsoFor === undefined ? [] : certificates(options.alsoFor);
  if (others.length > 0 && (order === 'encrypt-sign' || peer === undefined)) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'Several readers need `peer`, and a message that is signed before it is encrypted.',
    );
  }
  const known: Readers = {
    kind: 'certificates',
    certificates: Object.freeze(peer === undefined ? [] : [peer, ...others]),
  };
  return frozenPolicy(name, options, weakIn(suite), {
    inbound: { ...inbound, username: options.passwords },
    outbound: { ...outbound(known, reference), username: options.username },
    reply: {
      inbound: { ...inbound, confirmation: confirmSignatures },
      outbound: {
        ...outbound(peer === undefined || answers === 'requester' ? { kind: 'requester' } : known, replyReference),
        confirmation: confirmSignatures,
      },
    },
  });
}
