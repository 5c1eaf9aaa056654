/**
 * Every signature of a Security header, verified: trust before SignatureValue before digests. One of them is the message
 * signature, the one that covers the Body; others endorse it (WS-SecurityPolicy 1.3 section 8.3), or, where TLS protects
 * the message, the Timestamp. Roles are read from what was verified, by node identity, never from names or order.
 */

import type { KeyObject } from 'node:crypto';
import { after } from '../base/after.ts';
import { base64, equalBytes } from '../base/bytes.ts';
import type { Instant } from '../base/clock.ts';
import { addressingVersionOf } from '../soap/addressing-versions.ts';
import { isForThisNode } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { requiredAssertion } from './assertions.ts';
import type { Certificate } from './certificates.ts';
import { hexDigest, secretFingerprint } from './crypto.ts';
import { SecurityError } from './errors.ts';
import type { Signer } from './evidence.ts';
import type { ContextSecret, Exchange, PasswordKey } from './exchange.ts';
import type { SecurityHeader } from './header.ts';
import { type KeyRanges, requireKeyWithin } from './key-ranges.ts';
import type { MessageKeys, SigningSecret } from './message-keys.ts';
import { wsu } from './names.ts';
import { idsOf, messageProfile } from './profile.ts';
import type { AcceptedSignatures, InboundPolicy, RequiredSigner } from './protection.ts';
import {
  type ReadSignature,
  readSignature,
  type SignatureProfile,
  type Verified,
  verifySignature,
} from './signature.ts';
import { sha256 } from './suites.ts';
import { referenceIn } from './tokens/reference.ts';
import type { SamlToken } from './tokens/saml-validate.ts';
import { type PasswordSource, userSigner } from './tokens/username.ts';
import { derivedUsernameKey, readDerivingToken } from './tokens/username-key.ts';
import { foundCertificate } from './tokens/x509.ts';

export interface ProvenSignature {
  readonly read: ReadSignature;
  readonly verified: Verified;
  readonly by:
    | { readonly kind: 'certificate'; readonly certificate: Certificate }
    | SigningSecret
    /** The key of the assertion; its fingerprint, unless it is a secret. */
    | { readonly kind: 'assertion'; readonly key: KeyObject; readonly fingerprint: string | undefined }
    | { readonly kind: 'password'; readonly password: PasswordKey };
}

/** What the signatures of a message prove. */
export interface Proof {
  /** The one that covers the Body; absent where the policy leaves that to TLS. */
  readonly main: ProvenSignature | undefined;
  readonly endorsing: readonly ProvenSignature[];
  /** The security context that signed the message, or endorsed it. */
  readonly context: ContextSecret | undefined;
  /** In the order of the header. */
  readonly all: readonly ProvenSignature[];
  /** What to remember of each signature. */
  readonly keys: readonly string[];
  /** The assertion that the policy requires; it speaks for nobody yet. */
  readonly token: SamlToken | undefined;
}

/** @throws SecurityError any code about signatures, keys and certificates */
export async function prove(
  message: Message,
  header: SecurityHeader,
  policy: InboundPolicy,
  keys: MessageKeys | undefined,
  exchange: Exchange | undefined,
  now: Instant,
): Promise<Proof> {
  const ids = idsOf(header);
  const profile = messageProfile(message, header, ids, rowsOf(policy), knownTo(policy));
  const body = message.body.element;
  const token = policy.saml === undefined ? undefined : await requiredAssertion(header, policy.saml, now);
  const all: ProvenSignature[] = [];
  const remembered: string[] = [];
  let mains = 0;
  for (const element of header.signatures) {
    const read = readSignature(element, profile);
    const isMain = read.references.some(({ uri }) => uri !== undefined && ids.get(uri.slice(1)) === body);
    // Before the work of verifying it: a large Body would be digested once for each.
    if (isMain && ++mains > 1) throw twoMains();
    const byContext = policy.context !== undefined && !isMain && keys?.namesContext(read.keyInfo) === true;
    const other = (isMain ? policy.signature : policy.endorsement) ?? policy.signature;
    const accepted = byContext ? policy.context : other;
    if (accepted === undefined) throw notExpected();
    if (!accepted.signatures.has(read.algorithm.uri)) {
      throw new SecurityError('SECURITY_ALGORITHM', `A signature with ${read.algorithm.uri} has no place here.`);
    }
    const signer = (byContext ? undefined : other?.signer) ?? underContext;
    const asked: Asked = { read, profile, header, ids, ranges: accepted.keys, remembered };
    const proven = bySigner(asked, signer, keys, exchange, token, now);
    all.push(proven instanceof Promise ? await proven : proven);
  }
  return { ...roles(all, message, header, policy), all, keys: remembered, token };
}

function twoMains(): SecurityError {
  return new SecurityError('SECURITY_UNSUPPORTED', 'Two signatures cover the Body.');
}

/** The rows of both requirements; which signature may use which is checked for each. */
function rowsOf({ signature, endorsement, context }: InboundPolicy): AcceptedSignatures {
  const [only, ...more] = [signature, endorsement, context].filter((one) => one !== undefined);
  if (only === undefined) throw notExpected();
  if (more.length === 0) return only;
  return {
    signatures: new Map([only, ...more].flatMap(({ signatures }) => [...signatures])),
    digests: new Map([only, ...more].flatMap(({ digests }) => [...digests])),
  };
}

const underContext: RequiredSigner = Object.freeze({ kind: 'secret' });

/** A signature that is to be proven, and where its key may stand. */
interface Asked {
  readonly read: ReadSignature;
  readonly profile: SignatureProfile;
  readonly header: SecurityHeader;
  readonly ids: ReadonlyMap<string, XmlElement>;
  readonly ranges: KeyRanges;
  /** What to remember of it is added here. */
  readonly remembered: string[];
}

function bySigner(
  asked: Asked,
  signer: RequiredSigner,
  keys: MessageKeys | undefined,
  exchange: Exchange | undefined,
  token: SamlToken | undefined,
  now: Instant,
): ProvenSignature | Promise<ProvenSignature> {
  switch (signer.kind) {
    case 'certificate':
      return byCertificate(asked, signer, now);
    case 'secret':
      return bySecret(asked, keys, exchange);
    case 'assertion':
      return byAssertion(asked, token);
    case 'password':
      return byPassword(asked, signer, exchange);
    default:
      return signer satisfies never;
  }
}

/** The signature under a key that may sign. */
function signed({ read, profile, remembered }: Asked, key: KeyObject, holder: string): Verified {
  const signedOctets = read.signedOctets();
  const verified = verifySignature(read, key, profile, signedOctets);
  // Neither an ECDSA signature value nor the certificate of the key has one spelling; the key and what it signs have. So has
  // the value that a secret gives what it signs.
  const what = read.algorithm.family === 'hmac' ? base64(read.value) : hexDigest(sha256, signedOctets);
  remembered.push(`${holder} ${what}`);
  return verified;
}

async function byCertificate(
  asked: Asked,
  { trust, notFrom }: Extract<RequiredSigner, { kind: 'certificate' }>,
  now: Instant,
): Promise<ProvenSignature> {
  const { read, header, ids } = asked;
  const { certificate, others } = foundCertificate(referenceIn(read.keyInfo), { header, ids, known: trust.known });
  if (certificate.keyFingerprint === notFrom) {
    throw new SecurityError('SECURITY_REFLECTED', 'The message is signed with the key of this end.');
  }
  const pending = trust.accept(certificate, now, others);
  if (pending !== undefined) await pending;
  requireKeyWithin(asked.ranges, certificate.key);
  const verified = signed(asked, certificate.key, `signature ${certificate.keyFingerprint}`);
  return { read, verified, by: { kind: 'certificate', certificate } };
}

function bySecret(
  asked: Asked,
  keys: MessageKeys | undefined,
  exchange: Exchange | undefined,
): ProvenSignature | Promise<ProvenSignature> {
  if (keys === undefined) throw notExpected();
  const { read } = asked;
  return after(keys.signing(read.keyInfo), ({ key, of }) => {
    requireKeyWithin(asked.ranges, key, key !== of.secret.key);
    const verified = signed(asked, key, `secret ${secretFingerprint(of.secret.key)}`);
    requireUnlikeRequest(read, exchange);
    return { read, verified, by: of };
  });
}

/** Under one secret both ends sign alike: what this end sent must not come back to it. */
function requireUnlikeRequest({ value }: ReadSignature, exchange: Exchange | undefined): void {
  if (exchange?.values.some((one) => equalBytes(one, value)) === true) {
    throw new SecurityError('SECURITY_REFLECTED', 'The reply is signed as its request was.');
  }
  if (exchange?.isOwn?.(value) === true) {
    throw new SecurityError('SECURITY_REFLECTED', 'The message is one that this end has sent.');
  }
}

/** With the key that the issuer put into the assertion, whose own signature is verified already. */
function byAssertion(asked: Asked, token: SamlToken | undefined): ProvenSignature {
  const { read, ids } = asked;
  const held = token?.confirmations.find((one) => one.method === 'holder-of-key');
  const { target } = referenceIn(read.keyInfo);
  const isIt =
    token !== undefined &&
    ((target.kind === 'assertion' && target.id === token.assertion.id) ||
      (target.kind === 'local' && ids.get(target.id) === token.assertion.element));
  if (held?.method !== 'holder-of-key' || !isIt) {
    throw new SecurityError('SECURITY_TOKEN', 'The signature does not name an assertion with a key.');
  }
  const holder = held.fingerprint ?? secretFingerprint(held.key);
  requireKeyWithin(asked.ranges, held.key);
  const verified = signed(asked, held.key, `assertion ${holder}`);
  return { read, verified, by: { kind: 'assertion', key: held.key, fingerprint: held.fingerprint } };
}

/** With a key derived of a password, which always has 160 bits: that of the UsernameToken in a request, which its reply is signed with as well. */
async function byPassword(
  asked: Asked,
  { passwords }: Extract<RequiredSigner, { kind: 'password' }>,
  exchange: Exchange | undefined,
): Promise<ProvenSignature> {
  const { read, header, ids } = asked;
  const { target } = referenceIn(read.keyInfo);
  const found = passwords === undefined ? exchange?.password : await passwordKeyOf(header.usernameTokens[0], passwords);
  const named =
    target.kind === 'local' &&
    (passwords === undefined ? target.id === found?.id : ids.get(target.id) === header.usernameTokens[0]);
  if (found === undefined || !named) {
    throw new SecurityError(
      'SECURITY_TOKEN',
      'The signature does not name the UsernameToken that its key is derived of.',
    );
  }
  const verified = signed(asked, found.key, `password ${secretFingerprint(found.key)}`);
  requireUnlikeRequest(read, exchange);
  return { read, verified, by: { kind: 'password', password: found } };
}

async function passwordKeyOf(
  token: XmlElement | undefined,
  passwords: PasswordSource,
): Promise<PasswordKey | undefined> {
  if (token === undefined) return undefined;
  const claim = readDerivingToken(token);
  return {
    user: claim.user,
    key: await derivedUsernameKey(claim, passwords, 'mac'),
    id: token.attribute('Id', wsu) ?? '',
  };
}

/** Certificates that messages may refer to without including them. */
function knownTo({ signature, endorsement }: InboundPolicy): readonly Certificate[] {
  const signers = [signature?.signer, endorsement?.signer];
  return signers.flatMap((signer) => (signer?.kind === 'certificate' ? signer.trust.known : []));
}

function roles(
  all: readonly ProvenSignature[],
  message: Message,
  header: SecurityHeader,
  policy: InboundPolicy,
): Pick<Proof, 'main' | 'endorsing' | 'context'> {
  const covering = (element: XmlElement | undefined) =>
    all.filter(({ verified }) => element !== undefined && verified.covered.has(element));
  const [main] = policy.signature === undefined ? [] : covering(message.body.element);
  if (policy.signature !== undefined && main === undefined) {
    throw new SecurityError('SECURITY_UNSIGNED', 'No signature covers the Body.');
  }
  const own = main?.by.kind === 'context' ? main.by.secret : undefined;
  if (policy.endorsement === undefined && policy.context === undefined) return { main, endorsing: [], context: own };
  const endorsed = main === undefined ? header.timestamp : main.read.element;
  const others = covering(endorsed).filter((one) => one !== main);
  const contexts = others.flatMap(({ by }) => (by.kind === 'context' ? [by.secret] : []));
  const endorsing = others.filter(({ by }) => by.kind !== 'context');
  if (
    (policy.endorsement !== undefined && endorsing.length === 0) ||
    contexts.length !== (policy.context === undefined ? 0 : 1) ||
    (main === undefined && others.length < all.length)
  ) {
    const what = main === undefined ? 'the Timestamp' : 'the signature of the message';
    throw new SecurityError('SECURITY_UNSIGNED', `There is a signature too few, or one that does not cover ${what}.`);
  }
  if (main === undefined && policy.endorsement?.to === true) requireTo(message, endorsing);
  return { main, endorsing, context: own ?? contexts[0] };
}

/** Over TLS a signature over the Timestamp is good anywhere; wsa:To says where (WS-SecurityPolicy, WCF's CertificateOverTransport). */
function requireTo(message: Message, endorsing: readonly ProvenSignature[]): void {
  const [to, second] = message.headers.filter((block) => isTo(block) && isForThisNode(message.version, block));
  const element = to?.fragment.element;
  if (element !== undefined && second === undefined && endorsing.every(({ verified }) => verified.covered.has(element)))
    return;
  throw new SecurityError(
    'SECURITY_UNSIGNED',
    'The signature of the Timestamp does not cover wsa:To: it may have been made for another service.',
  );
}

function isTo(block: HeaderBlock): boolean {
  return block.local === 'To' && addressingVersionOf(block) !== undefined;
}

/** Everybody who is proven, the signer of the Body first; by secret, whoever the secret was encrypted for. */
export function signersOf({ main, endorsing }: Proof, exchange: Exchange | undefined): readonly Signer[] {
  const signers: Signer[] = [];
  for (const one of main === undefined ? endorsing : [main, ...endorsing]) {
    const { by } = one;
    if (by.kind === 'password') signers.push(userSigner(by.password.user));
    const certificate =
      by.kind === 'certificate' ? by.certificate : by.kind === 'secret' ? exchange?.certificate : undefined;
    if (certificate !== undefined) signers.push(signerOf(certificate));
  }
  return Object.freeze(signers);
}

/** Whoever holds the key, under whichever of its certificates: a renewed one goes on with its sequences, a twin is no other. */
function signerOf({ der, keyFingerprint, subject }: Certificate): Signer {
  return Object.freeze({ kind: 'x509', identity: `x509:${keyFingerprint}`, name: subject, certificate: der });
}

function notExpected(): SecurityError {
  return new SecurityError(
    'SECURITY_UNSUPPORTED',
    'The message is signed, and this policy has nothing to verify it with.',
  );
}
