/**
 * A key derived of a password says who the initiator is, and no password travels (UsernameToken Profile 1.1 section 4): over HTTPS it
 * endorses the Timestamp, in the symmetric binding of the service's certificate the message signature, and where a peer has nothing
 * else it signs whole messages. Whoever sees such a signature can try passwords at leisure (attack E15), so it has to be hidden: by
 * TLS, or encrypted for the service. `unsafePasswordKeys` gives that up.
 */
import type { AlgorithmSuite } from '../algorithm-suites.ts';
import { SecurityError } from '../errors.ts';
import { type CommonOptions, frozenPolicy, unsafePasswordKeys } from '../policy.ts';
import type { EndorsementRequirement, PasswordSignature, RequiredSigner, SecurityPolicy } from '../protection.ts';
import { byUri } from '../suites.ts';
import type { PasswordCredentials, PasswordSource } from '../tokens/username.ts';
import { usernameKeyLimits } from '../tokens/username-key.ts';
import { type EncryptedOptions, signatureRequirement, suiteOf, weakIn } from './common.ts';
import { type AnonymousForCertificateOptions, symmetric } from './for-certificate.ts';

export interface UsernameKeyOptions {
  /** At the initiator: who it is. A function is asked anew for every message, so that a password may change. */
  readonly username?: PasswordCredentials | (() => PasswordCredentials);
  /** At the acceptor: the passwords; they have to be known, a source that only checks them derives no key. */
  readonly passwords?: PasswordSource;
  /** How often the hash is computed for what is sent: 1,000 (default) to 20,000. Each makes guessing, and every message, dearer. */
  readonly rounds?: number;
}

export interface UsernameKeyOverTransportOptions
  extends CommonOptions,
    UsernameKeyOptions,
    Pick<EncryptedOptions, 'suite'> {}

/**
 * A key derived of the user's password endorses the Timestamp (and wsa:To) of each request, over HTTPS; replies have a Timestamp.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither `username` nor `passwords` is given, or the latter only checks
 */
export function usernameKeyOverTransport(options: UsernameKeyOverTransportOptions): SecurityPolicy {
  const name = 'usernameKeyOverTransport';
  const { signer, production, suite } = partsOf(name, options);
  return frozenPolicy(name, options, weakIn(suite), {
    inbound: { transport: 'tls', endorsement: signer && endorsement(suite, signer) },
    outbound: { endorsement: production },
    reply: { inbound: { transport: 'tls' } },
  });
}

export interface UsernameKeyForCertificateOptions extends AnonymousForCertificateOptions, UsernameKeyOptions {}

/**
 * A key derived of the user's password endorses the signature under the secret that is encrypted for the service's certificate. The
 * UsernameToken and both signatures are encrypted. The initiator gives `peer` and `username`, the acceptor `key` and `passwords`.
 *
 * @throws SecurityError `SECURITY_POLICY`, also where signatures are not encrypted and `unsafePasswordKeys` is not given
 */
export function usernameKeyForCertificate(options: UsernameKeyForCertificateOptions): SecurityPolicy {
  const name = 'usernameKeyForCertificate';
  const { signer, production, suite } = partsOf(name, options);
  const isHidden = options.encryptSignature ?? true;
  if (options.order === 'encrypt-sign' || !isHidden) requireUnsafe(name, options);
  return symmetric(name, options, {
    inbound: { endorsement: signer && endorsement(suite, signer) },
    outbound: { endorsement: production },
  });
}

export interface UsernameKeySignedOptions
  extends CommonOptions,
    UsernameKeyOptions,
    Pick<EncryptedOptions, 'suite' | 'addressing'> {}

/**
 * Both ends sign whole messages with a key derived of the user's password: Body, Timestamp, addressing and reliable messaging; a reply
 * with the key of its request. Nothing is encrypted; over HTTPS, unless `unsafePasswordKeys` is given.
 *
 * @throws SecurityError `SECURITY_POLICY` when neither `username` nor `passwords` is given, or the latter only checks
 */
export function usernameKeySigned(options: UsernameKeySignedOptions): SecurityPolicy {
  const name = 'usernameKeySigned';
  const { signer, production, suite } = partsOf(name, options);
  const transport = options.unsafe?.includes(unsafePasswordKeys) ? 'any' : 'tls';
  const answer: RequiredSigner = Object.freeze({ kind: 'password', passwords: undefined });
  const reply: PasswordSignature = Object.freeze({ ...productionOf(suite, options), credentials: undefined });
  return frozenPolicy(name, options, weakIn(suite), {
    inbound: { transport, signature: signer && signatureRequirement(options, signer) },
    outbound: { signature: production },
    reply: { inbound: { transport, signature: signatureRequirement(options, answer) }, outbound: { signature: reply } },
  });
}

type PasswordSigner = Extract<RequiredSigner, { kind: 'password' }>;

function partsOf(
  name: string,
  options: UsernameKeyOptions & Pick<EncryptedOptions, 'suite'>,
): {
  readonly suite: AlgorithmSuite;
  readonly signer: PasswordSigner | undefined;
  readonly production: PasswordSignature | undefined;
} {
  const { username, passwords } = options;
  if (username === undefined && passwords === undefined) {
    throw new SecurityError('SECURITY_POLICY', `${name} needs a username (client) or passwords (service).`);
  }
  if (passwords !== undefined && 'check' in passwords) {
    throw new SecurityError(
      'SECURITY_POLICY',
      `${name} derives keys of passwords: a source that only checks them knows none.`,
    );
  }
  const suite = suiteOf(options);
  return {
    suite,
    signer: passwords && Object.freeze({ kind: 'password', passwords }),
    production: username && secretive(productionOf(suite, options), username),
  };
}

function productionOf(suite: AlgorithmSuite, { rounds = usernameKeyLimits.leastRounds }: UsernameKeyOptions) {
  const { leastRounds, mostRounds } = usernameKeyLimits;
  if (!Number.isInteger(rounds) || rounds < leastRounds || rounds > mostRounds) {
    throw new SecurityError('SECURITY_POLICY', `The rounds of a key are ${leastRounds} to ${mostRounds}.`);
  }
  return { kind: 'password', algorithm: suite.symmetricSignature, digest: suite.digest, rounds } as const;
}

/** Credentials stay out of what `inspect` and JSON show of a policy. */
function secretive(
  production: Omit<PasswordSignature, 'credentials'>,
  credentials: PasswordSignature['credentials'],
): PasswordSignature {
  const made = { ...production, credentials };
  return Object.freeze(Object.defineProperty(made, 'credentials', { get: () => credentials, enumerable: false }));
}

function endorsement({ keys, accepted }: AlgorithmSuite, signer: PasswordSigner): EndorsementRequirement {
  const rows = { signatures: byUri(accepted.macs), digests: byUri(accepted.digests) };
  // Peers sign the Timestamp alone; a service that is sent the key's token can derive the key itself, whatever it covers.
  return Object.freeze({ ...rows, keys, to: false, signer });
}

function requireUnsafe(name: string, { unsafe }: CommonOptions): void {
  if (unsafe?.includes(unsafePasswordKeys)) return;
  throw new SecurityError(
    'SECURITY_POLICY',
    `${name} shows a signature under a password where signatures are not encrypted: that needs unsafePasswordKeys.`,
  );
}
