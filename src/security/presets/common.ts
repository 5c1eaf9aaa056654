/**
 * What the presets with certificates and encryption have in common: options of two ends that need few words, and the rows of
 * an algorithm suite turned into requirements and productions.
 */
import { type AlgorithmSuite, algorithmSuite } from '../algorithm-suites.ts';
import { type Certificate, type CertificateSource, certificates } from '../certificates.ts';
import { SecurityError } from '../errors.ts';
import type { Part } from '../evidence.ts';
import { requireKeyWithin } from '../key-ranges.ts';
import type { DecryptionKey, SigningKey } from '../keys.ts';
import { reliableNamespaces } from '../names.ts';
import { type CommonOptions, protectedNamespaces, reflected, unsafeKeepUnsigned, unsafeUnsignedTo } from '../policy.ts';
import type {
  CertificateSignature,
  EncryptionProduction,
  EncryptionRequirement,
  EndorsementRequirement,
  ProtectionOrder,
  SecretOrigin,
  SignatureRequirement,
} from '../protection.ts';
import { byUri } from '../suites.ts';
import type { OutsideReference, TokenReference } from '../tokens/x509.ts';
import { type Trust, trustPeers } from '../trust.ts';

/** Options of every preset that encrypts. */
export interface EncryptedOptions extends CommonOptions {
  /** Algorithms, of what is sent and of what is accepted. Default `Aes256GcmSha256`; see `algorithmSuite`. */
  readonly suite?: AlgorithmSuite;
  /** Header blocks to encrypt, and to be encrypted where they are present. Default none; the Body always is. */
  readonly encryptHeaders?: readonly Part[];
  /** Whether signatures are encrypted, and have to be. */
  readonly encryptSignature?: boolean;
  /**
   * Whether what opens, acknowledges and ends a sequence is encrypted as well. Default false: it is signed, as WCF and Metro
   * send it, and has nothing to hide. What is received may do either.
   */
  readonly encryptProtocol?: boolean;
  /** How the certificates of readers are named. Default `thumbprint`. */
  readonly recipientReference?: OutsideReference;
  /** `optional` accepts messages without wsa:Action; their action is '' then, because nothing proves it. */
  readonly addressing?: 'required' | 'optional';
  /** Keys that open what comes in, where that is another than the key that signs. */
  readonly decryption?: DecryptionKey | readonly DecryptionKey[];
}

/** Who the other end is: a certificate that is pinned, or whoever is trusted. */
export interface PeerOptions {
  /** The certificate of the other end: it is encrypted for, and nobody else is believed (unless `trust` says more). */
  readonly peer?: CertificateSource;
  /** Who may sign what is received. Default: exactly `peer`. */
  readonly trust?: Trust;
}

/** @throws SecurityError `SECURITY_POLICY` */
export function suiteOf({ suite }: EncryptedOptions): AlgorithmSuite {
  return suite ?? algorithmSuite('Aes256GcmSha256');
}

/** The weaknesses of a suite, to be printed when a host starts. */
export function weakIn(suite: AlgorithmSuite): readonly string[] {
  return suite.weaknesses.map((weakness) => weakness.description ?? '');
}

/** The certificate to encrypt for: the first of `peer`. */
export function peerOf({ peer }: PeerOptions): Certificate | undefined {
  return peer === undefined ? undefined : certificates(peer)[0];
}

/**
 * Who is believed; messages may refer to the peer's certificate without including it.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither `peer` nor `trust` is given
 */
export function trustOf({ peer, trust }: PeerOptions): Trust {
  if (peer === undefined && trust === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'Give the certificate of the peer, or say whom to trust.');
  }
  if (peer === undefined || trust === undefined) return trust ?? trustPeers(peer ?? []);
  return Object.freeze({
    known: Object.freeze([...trust.known, ...certificates(peer)]),
    accept: (certificate, at, others) => trust.accept(certificate, at, others),
  } satisfies Trust);
}

/** @throws SecurityError `SECURITY_POLICY` when no key is there that decrypts, `SECURITY_KEY` when one is no key of the suite */
export function decryptionKeys(options: EncryptedOptions, key: SigningKey | undefined): readonly DecryptionKey[] {
  const { decryption } = options;
  const { keys } = suiteOf(options);
  for (const one of [decryption ?? key ?? []].flat()) requireKeyWithin(keys, one.certificate.key);
  if (decryption !== undefined) return Object.freeze([decryption].flat());
  if (key?.decrypter === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'The key only signs: give `decryption`, a key that decrypts.');
  }
  return Object.freeze([Object.freeze({ certificate: key.certificate, decrypter: key.decrypter })]);
}

export function signatureRequirement(
  options: EncryptedOptions,
  signer: SignatureRequirement['signer'],
  token: boolean = false,
): SignatureRequirement {
  const { accepted, keys } = suiteOf(options);
  return Object.freeze({
    keys,
    signatures: byUri(signer.kind === 'certificate' ? accepted.signatures : accepted.macs),
    digests: byUri(accepted.digests),
    signer: Object.freeze(signer),
    presentImpliesSigned: protectedNamespaces,
    action: options.addressing !== 'optional',
    unsigned: options.unsafe?.includes(unsafeKeepUnsigned) ? 'keep' : 'remove',
    token,
    endorsers: false,
  });
}

export function endorsementRequirement(
  suite: AlgorithmSuite,
  common: CommonOptions,
  trust: Trust,
  key: SigningKey | undefined,
): EndorsementRequirement {
  return Object.freeze({
    keys: suite.keys,
    to: !common.unsafe?.includes(unsafeUnsignedTo),
    signatures: byUri(suite.accepted.signatures),
    digests: byUri(suite.accepted.digests),
    signer: Object.freeze({ kind: 'certificate', trust, notFrom: reflected(common, key) }),
  });
}

/** Whoever holds the key of the assertion has to sign. */
export function assertionRequirement({ accepted, keys }: AlgorithmSuite): EndorsementRequirement {
  return Object.freeze({
    keys,
    // The issuer says in the assertion for whom it is.
    to: false,
    signatures: byUri([...accepted.signatures, ...accepted.macs]),
    digests: byUri(accepted.digests),
    signer: Object.freeze({ kind: 'assertion' }),
  });
}

/** @throws SecurityError `SECURITY_POLICY` when the suite has no signature for keys of this kind, `SECURITY_KEY` for their length */
export function certificateSignature(
  suite: AlgorithmSuite,
  key: SigningKey,
  reference: TokenReference = 'direct',
  token: boolean = false,
): CertificateSignature {
  requireKeyWithin(suite.keys, key.certificate.key);
  const algorithm = suite.asymmetricSignature[key.algorithm.family];
  if (algorithm === undefined) {
    throw new SecurityError(
      'SECURITY_POLICY',
      `The suite ${suite.name} does not sign with ${key.algorithm.family} keys.`,
    );
  }
  return Object.freeze({ kind: 'certificate', key, algorithm, digest: suite.digest, reference, token });
}

interface Encryption {
  readonly order: ProtectionOrder;
  readonly signature: boolean;
  readonly username: boolean;
}

export function encryptionRequirement(
  options: EncryptedOptions,
  origin: SecretOrigin,
  encryption: Encryption,
): EncryptionRequirement {
  const suite = suiteOf(options);
  return Object.freeze({
    accepted: suite.accepted.encryption,
    origin: Object.freeze(origin),
    secretLength: suite.content.keyLength,
    body: true,
    // WCF and Metro sign what opens, acknowledges and ends a sequence, and do not encrypt it.
    clear: new Set(reliableNamespaces),
    headers: new Set(options.encryptHeaders),
    ...encryption,
  });
}

export function encryptionProduction(
  options: EncryptedOptions,
  parts: Pick<EncryptionProduction, 'readers' | 'derived' | 'order' | 'signature'>,
): EncryptionProduction {
  return Object.freeze({
    suite: suiteOf(options),
    reference: options.recipientReference ?? 'thumbprint',
    body: true,
    clear: new Set(options.encryptProtocol === true ? [] : reliableNamespaces),
    headers: new Set(options.encryptHeaders),
    ...parts,
  });
}
