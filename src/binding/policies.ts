/** What a described security means for the messages: the policy of its authentication mode, with the credentials put in. */
import { defined } from '../base/defined.ts';
import { asError } from '../base/errors.ts';
import {
  type AlgorithmSuite,
  algorithmSuite,
  type SuiteWeakness,
  unsafeSuiteRsa15,
  unsafeSuiteSha1,
  unsafeSuiteTripleDes,
} from '../security/algorithm-suites.ts';
import type { SigningKey } from '../security/keys.ts';
import { type CommonOptions, type UnsafeOption, usernameOverTransport, x509Signed } from '../security/policy.ts';
import { trustOf } from '../security/presets/common.ts';
import {
  anonymousForCertificate,
  type ForCertificateOptions,
  mutualCertificate,
  userNameForCertificate,
} from '../security/presets/for-certificate.ts';
import { issuedTokenForCertificate, issuedTokenOverTransport } from '../security/presets/issued-token.ts';
import { mutualCertificateWss10 } from '../security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../security/presets/over-transport.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import type { UsernameCredentials } from '../security/tokens/username.ts';
import type { Credentials } from './credentials.ts';
import type { SecurityDescription } from './description.ts';
import { BindingError, unsupported } from './errors.ts';
import { isAsymmetric } from './modes.ts';
import type { AuthenticationModeName } from './names.ts';

/** What a policy is made from. */
interface Of extends SecurityDescription {
  /** Whether messages have WS-Addressing, whose Action then has to be signed. */
  readonly addressed: boolean;
}

type Policy = (of: Of, given: Credentials) => SecurityPolicy;

const policies: Readonly<Partial<Record<AuthenticationModeName, Policy>>> = Object.freeze({
  UserNameOverTransport: (of, given) => {
    requireOne(of, given, ['username', 'passwords']);
    return usernameOverTransport({ ...common(of, given), ...users(of, given) });
  },
  CertificateOverTransport: (of, given) => {
    requireOne(of, given, ['key', 'trust']);
    const { key, trust } = given;
    const reference = of.references?.client;
    const more = defined({ key, trust, reference });
    return certificateOverTransport({ ...common(of, given), suite: suite(of, given), ...more });
  },
  IssuedTokenOverTransport: (of, given) => {
    requireOne(of, given, ['token', 'saml']);
    const { confirmation } = of;
    const { key } = given;
    const more = { suite: suite(of, given), confirmation, ...tokens(given), ...defined({ key }) };
    return issuedTokenOverTransport({ ...common(of, given), ...more });
  },
  MutualCertificate: (of, given) => (isAsymmetric(of.mode, of.versions) ? asymmetric(of, given) : mutual(of, given)),
  MutualCertificateDuplex: asymmetric,
  AnonymousForCertificate: (of, given) => {
    requireOne(of, given, ['peer', 'key']);
    return anonymousForCertificate({ ...symmetric(of, given), ...ends(given) });
  },
  UserNameForCertificate: (of, given) => {
    requireOne(of, given, ['peer', 'key']);
    requireOne(of, given, ['username', 'passwords']);
    return userNameForCertificate({ ...symmetric(of, given), ...ends(given), ...users(of, given) });
  },
  IssuedTokenForCertificate: (of, given) => {
    requireOne(of, given, ['peer', 'key']);
    requireOne(of, given, ['token', 'saml']);
    const { confirmation } = of;
    return issuedTokenForCertificate({ ...symmetric(of, given), ...ends(given), ...tokens(given), confirmation });
  },
});

/**
 * The policy of a mode that protects each message by itself.
 *
 * @param addressed whether messages have WS-Addressing
 * @throws BindingError `BINDING_UNSUPPORTED` for a mode that is not spoken, `BINDING_CREDENTIALS` for what is missing;
 *   SecurityError `SECURITY_POLICY` for a suite whose weakness was not taken by name
 */
export function policyOf(described: SecurityDescription, addressed: boolean, given: Credentials): SecurityPolicy {
  const of = { ...described, addressed };
  const make = policies[of.mode];
  if (make === undefined) {
    throw unsupported(`${of.mode} does not protect each message by itself.`);
  }
  return make(of, given);
}

/** How a security context protects messages. @throws BindingError `BINDING_RULE` */
export function contextOptions(
  of: SecurityDescription,
  given: Credentials,
): Omit<ForCertificateOptions, 'addressing' | 'derivedKeysVersion'> {
  return { ...common(of, given), ...protection(of), suite: suite(of, given), derivedKeys: of.derivedKeys };
}

function mutual(of: Of, given: Credentials): SecurityPolicy {
  const { peer, trust } = given;
  const reference = of.references?.client;
  return mutualCertificate({ ...symmetric(of, given), key: keyOf(of, given), ...defined({ peer, trust, reference }) });
}

function asymmetric(of: Of, given: Credentials): SecurityPolicy {
  const { peer, trust } = given;
  if (of.protection === 'Sign') return signedOnly(of, given);
  return mutualCertificateWss10({
    ...common(of, given),
    ...protection(of),
    addressing: of.addressed ? 'required' : 'optional',
    suite: suite(of, given),
    key: keyOf(of, given),
    ...defined({ peer, trust, reference: of.references?.client }),
    replyReference: of.references?.service ?? 'direct',
    protectTokens: of.protectTokens,
    confirmSignatures: of.confirmSignatures,
    recipientReference: of.references?.reader ?? 'key-identifier',
  });
}

/** The asymmetric binding without encryption. */
function signedOnly(of: Of, given: Credentials): SecurityPolicy {
  const { accepted, asymmetricSignature, digest } = suite(of, given);
  const key = keyOf(of, given);
  const { signatures, digests } = accepted;
  return x509Signed({
    ...common(of, given),
    key,
    trust: trustOf(defined({ peer: given.peer, trust: given.trust })),
    ...defined({ algorithm: asymmetricSignature[key.algorithm.family] }),
    digest,
    accept: { signatures, digests },
    addressing: of.addressed ? 'required' : 'optional',
    protectTokens: of.protectTokens,
  });
}

function symmetric(of: Of, given: Credentials): ForCertificateOptions {
  return {
    ...common(of, given),
    ...protection(of),
    addressing: of.addressed ? 'required' : 'optional',
    suite: suite(of, given),
    derivedKeys: of.derivedKeys,
    derivedKeysVersion: of.versions.conversation.namespace,
    confirmSignatures: of.confirmSignatures,
    ...defined({ recipientReference: of.references?.reader }),
  };
}

function protection({
  protectionOrder,
}: SecurityDescription): Pick<ForCertificateOptions, 'order' | 'encryptSignature'> {
  return {
    order: protectionOrder === 'EncryptBeforeSign' ? 'encrypt-sign' : 'sign-encrypt',
    encryptSignature: protectionOrder === 'SignBeforeEncryptAndEncryptSignature',
  };
}

function common({ layout }: SecurityDescription, { unsafe = [] }: Credentials): CommonOptions {
  return { layout: layout === 'Strict' ? 'strict' : 'lax', unsafe: unsafe.filter((one) => !isWeakness(one)) };
}

/**
 * The algorithms of a described security.
 *
 * @throws BindingError `BINDING_RULE` for a suite whose weakness was not taken by name, or that is not there
 */
function suite(of: SecurityDescription, { unsafe = [], suiteReading = 'wcf' }: Credentials): AlgorithmSuite {
  try {
    return algorithmSuite(of.suite, { unsafe: unsafe.filter(isWeakness), reading: suiteReading });
  } catch (thrown) {
    const cause = asError(thrown);
    const strong = of.suite.includes('Sha')
      ? ''
      : `, or set algorithmSuite: '${of.suite.replace('Rsa15', '')}Sha256' at both ends`;
    throw new BindingError('BINDING_RULE', `${cause.message} Name the weakness in \`unsafe\`${strong}.`, { cause });
  }
}

const weaknesses: ReadonlySet<symbol> = new Set([unsafeSuiteSha1, unsafeSuiteRsa15, unsafeSuiteTripleDes]);

function isWeakness(one: SuiteWeakness | UnsafeOption): one is SuiteWeakness {
  return weaknesses.has(one);
}

/** What stands for each credential in the words of an error. */
const words = Object.freeze({
  key: 'the private key of the service with its certificate as `key` (service)',
  peer: 'the certificate of the service as `peer` (client)',
  trust: 'whom to believe as `trust` (service)',
  username: 'a `username` (client)',
  passwords: '`passwords` (service)',
  token: 'a `token` (client)',
  saml: 'what is required of tokens as `saml` (service)',
}) satisfies Partial<Record<keyof Credentials, string>>;

/** One of these has to be there: one is the client's, the other the service's. */
function requireOne(of: SecurityDescription, given: Credentials, names: readonly (keyof typeof words)[]): void {
  if (names.some((name) => given[name] !== undefined)) return;
  const wanted = names.map((name) => words[name]).join(' or ');
  throw new BindingError('BINDING_CREDENTIALS', `${of.mode} needs ${wanted}.`);
}

function keyOf(of: SecurityDescription, given: Credentials): SigningKey {
  if (given.key === undefined || (given.peer === undefined && given.trust === undefined)) {
    throw new BindingError(
      'BINDING_CREDENTIALS',
      `${of.mode} needs our own private key with its certificate as \`key\`, and the other end's certificate as \`peer\` or whom to believe as \`trust\`.`,
    );
  }
  return given.key;
}

function users({ passwordDigest }: SecurityDescription, { username, passwords }: Credentials) {
  if (!passwordDigest || username === undefined) return defined({ username, passwords });
  const shown = typeof username === 'function' ? () => asDigest(username()) : asDigest(username);
  return defined({ username: shown, passwords });
}

/** @throws BindingError `BINDING_CREDENTIALS` for a password that would go as it is */
function asDigest(username: UsernameCredentials): UsernameCredentials {
  if (username.form === 'digest') return username;
  throw new BindingError(
    'BINDING_CREDENTIALS',
    "The service demands the password as a digest with Nonce and Created. Give `username` with form: 'digest'.",
  );
}

function tokens({ token, saml }: Credentials) {
  return defined({ token, saml });
}

function ends({ peer, key }: Credentials) {
  return defined({ peer, key });
}
