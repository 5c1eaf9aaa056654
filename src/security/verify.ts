/**
 * From a message as it arrived to what may go upward: the message rebuilt from what was verified, and the evidence. The
 * order is that of cheap refusal: shape, time, token, trust, SignatureValue, digests, coverage, password, replay. What is
 * verified is compared with what is handed on by node identity, never by name (invariants I1 and I2).
 */
import type { Instant } from '../base/clock.ts';
import type { Peer } from '../channel/transport.ts';
import { addressingVersions } from '../soap/addressing-versions.ts';
import { isForThisNode } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { isNcName } from '../xml/characters.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { hexDigest } from './crypto.ts';
import { SecurityError } from './errors.ts';
import type { Evidence, Part, Signer } from './evidence.ts';
import { readSecurityHeader, refuseEncryption, type SecurityHeader } from './header.ts';
import type { InboundPolicy, SignatureRequirement } from './policy.ts';
import { idsOf, messageProfile } from './profile.ts';
import type { ReplayCache } from './replay.ts';
import { type Digested, readSignature, type Verified, verifySignature } from './signature.ts';
import { sha256 } from './suites.ts';
import { type Lifetime, readTimestamp, staleAt } from './timestamp.ts';
import { authenticate, readUsernameToken } from './tokens/username.ts';
import { certificateOf } from './tokens/x509.ts';

export interface Circumstances {
  readonly now: Instant;
  readonly replay: ReplayCache;
  /** What the transport knows of the other end. */
  readonly peer: Peer | undefined;
}

/** A message of which every remaining part was verified. */
export interface Examined {
  readonly message: Message;
  readonly evidence: Evidence;
}

/**
 * Examines a message as a policy requires.
 *
 * @returns the message with what is proven, without its Security header
 * @throws SecurityError any code of the room but `SECURITY_POLICY` and `SECURITY_UNSECURED_FAULT`; XmlError
 *   `XML_DUPLICATE_ID`
 */
export async function examine(message: Message, policy: InboundPolicy, around: Circumstances): Promise<Examined> {
  const { now, replay, peer } = around;
  if (policy.transport === 'tls' && peer?.secure !== true) {
    throw new SecurityError('SECURITY_TRANSPORT', 'The message came without TLS.');
  }
  const header = readSecurityHeader(message);
  if (header === undefined) throw new SecurityError('SECURITY_MISSING', 'The message has no wsse:Security header.');
  if (message.source === undefined || header.element.document !== message.source) {
    throw new SecurityError(
      'SECURITY_INTERNAL',
      'The transport handed up a message without the octets it was read from.',
    );
  }
  refuseEncryption(message);
  refuseUnexpected(header, policy);
  const lifetime = freshTimestamp(header, policy, now);
  const proof = policy.signature === undefined ? undefined : await prove(message, header, policy.signature, around);
  const rebuilt = proof === undefined ? unsigned(message, header) : covered(message, header, policy, proof);
  const user = await authenticated(header, policy, around);
  const until = staleAt(lifetime, policy.freshness);
  for (const key of proof?.keys ?? []) await remember(replay, key, until, now);
  if (user?.nonce !== undefined) await remember(replay, user.nonce.key, user.nonce.until, now);
  return {
    message: rebuilt,
    evidence: Object.freeze({
      signer: proof?.signer,
      user: user?.signer,
      signed: new Set([...(proof?.verified.covered.keys() ?? [])].map(partOf)),
      encrypted: new Set<Part>(),
      algorithms: Object.freeze(proof?.verified.algorithms ?? []),
      ...lifetime,
    }),
  };
}

/** What nobody asked for is not ignored: a receiver processes the header completely or faults. */
function refuseUnexpected(header: SecurityHeader, policy: InboundPolicy): void {
  if (policy.signature === undefined && header.signatures.length + header.binaryTokens.length > 0) {
    throw new SecurityError(
      'SECURITY_UNSUPPORTED',
      'The message is signed, and this policy has nothing to verify it with.',
    );
  }
  if (header.usernameTokens.length !== (policy.username === undefined ? 0 : 1)) {
    throw policy.username === undefined
      ? new SecurityError('SECURITY_UNSUPPORTED', 'The message has a UsernameToken that this policy does not ask for.')
      : new SecurityError('SECURITY_CREDENTIALS', 'The message does not have exactly one UsernameToken.');
  }
}

function freshTimestamp(header: SecurityHeader, policy: InboundPolicy, now: Instant): Lifetime {
  if (header.timestamp === undefined) {
    throw new SecurityError('SECURITY_TIMESTAMP_MISSING', 'The Security header has no Timestamp.');
  }
  return readTimestamp(header.timestamp, now, policy.freshness);
}

/** What the message signature proves. */
interface Proof {
  readonly signer: Signer;
  readonly verified: Verified;
  /** What to remember of each signature. */
  readonly keys: readonly string[];
}

/**
 * Verifies every signature of the header. The message signature is the one that covers the Body; there has to be exactly
 * one, so that "who signed the message" has one answer.
 */
async function prove(
  message: Message,
  header: SecurityHeader,
  requirement: SignatureRequirement,
  { now }: Circumstances,
): Promise<Proof> {
  const ids = idsOf(header);
  const profile = messageProfile(message, header, ids, requirement);
  const scope = { header, ids, known: requirement.trust.known };
  const keys: string[] = [];
  let found: Omit<Proof, 'keys'> | undefined;
  for (const element of header.signatures) {
    const read = readSignature(element, profile);
    const certificate = certificateOf(read.keyInfo, scope);
    if (certificate.keyFingerprint === requirement.notFrom) {
      throw new SecurityError('SECURITY_REFLECTED', 'The message is signed with the key of this end.');
    }
    const pending = requirement.trust.accept(certificate, now);
    if (pending !== undefined) await pending;
    const signedOctets = read.signedOctets();
    const verified = verifySignature(read, certificate.key, profile, signedOctets);
    // Neither an ECDSA signature value nor the certificate of the key has one spelling; the key and what it signs have.
    keys.push(`signature ${certificate.keyFingerprint} ${hexDigest(sha256, signedOctets)}`);
    if (!verified.covered.has(message.body.element)) continue;
    if (found !== undefined) {
      throw new SecurityError('SECURITY_UNSUPPORTED', 'Two signatures cover the Body.');
    }
    const { der, keyFingerprint, subject } = certificate;
    // Whoever holds the key, under whichever of its certificates: a renewed one goes on with its sequences, a twin is no other.
    const signer: Signer = { kind: 'x509', identity: `x509:${keyFingerprint}`, name: subject, certificate: der };
    found = { signer: Object.freeze(signer), verified };
  }
  if (found === undefined) throw new SecurityError('SECURITY_UNSIGNED', 'No signature covers the Body.');
  return { ...found, keys };
}

/** The message without the header that was consumed; what protects the rest is the transport. */
function unsigned(message: Message, header: SecurityHeader): Message {
  const headers = message.headers.filter((block) => block !== header.block);
  return { ...message, headers, source: undefined };
}

/**
 * The message made of what the signature covers: of the very octets that were digested, so that nothing else can be
 * reached from it, and nothing around the signed elements (a namespace declared there, xml:lang) gives them a meaning.
 */
function covered(message: Message, header: SecurityHeader, policy: InboundPolicy, { verified }: Proof): Message {
  const requirement = policy.signature;
  if (requirement === undefined) return message;
  for (const part of [header.timestamp, ...header.usernameTokens]) {
    if (part !== undefined && !verified.covered.has(part)) throw notSigned(part.local);
  }
  const body = verified.covered.get(message.body.element);
  if (body === undefined) throw notSigned('Body');
  const headers: HeaderBlock[] = [];
  let action = false;
  for (const block of message.headers) {
    if (block === header.block) continue;
    const digested = verified.covered.get(block.fragment.element);
    if (digested !== undefined) {
      headers.push({ ...block, fragment: fragmentOf(digested) });
      action ||= isAction(block) && isForThisNode(message.version, block);
    } else if (requirement.presentImpliesSigned.has(block.namespace)) {
      throw notSigned(block.local);
    } else if (requirement.unsigned === 'keep') {
      const { bytes, prefixes } = block.fragment;
      headers.push({ ...block, fragment: XmlFragment.written(bytes, prefixes) });
    } else if (block.mustUnderstand && isForThisNode(message.version, block)) {
      throw new SecurityError('SECURITY_NOT_UNDERSTOOD', `The header ${block.local} is mandatory and not signed.`);
    }
  }
  if (!action && requirement.action) throw notSigned('Action');
  return { ...message, headers, body: fragmentOf(body), action: action ? message.action : '', source: undefined };
}

function fragmentOf({ octets, prefixes }: Digested): XmlFragment {
  if (prefixes.length === 0) return XmlFragment.written(octets, prefixes);
  const listed = [...new Set(prefixes)].filter((prefix) => prefix === '#default' || isNcName(prefix));
  return XmlFragment.written(octets, listed.sort());
}

function isAction({ namespace, local }: HeaderBlock): boolean {
  return local === 'Action' && addressingNamespaces.has(namespace);
}

const addressingNamespaces: ReadonlySet<string> = new Set(addressingVersions.map((version) => version.namespace));

function notSigned(local: string): SecurityError {
  return new SecurityError('SECURITY_UNSIGNED', `The signature of the message does not cover ${local}.`);
}

interface AuthenticatedUser {
  readonly signer: Signer;
  readonly nonce: { readonly key: string; readonly until: Instant } | undefined;
}

async function authenticated(
  header: SecurityHeader,
  policy: InboundPolicy,
  { now, peer }: Circumstances,
): Promise<AuthenticatedUser | undefined> {
  const [token] = header.usernameTokens;
  if (token === undefined || policy.username === undefined) return undefined;
  const claim = readUsernameToken(token);
  if (claim.form === 'text' && peer?.secure !== true && !policy.textWithoutTls) {
    throw new SecurityError('SECURITY_TRANSPORT', 'A password came as text without TLS.');
  }
  const nonce = await authenticate(claim, policy.username, now, policy.freshness);
  const identity = `username:${claim.user}`;
  return { signer: Object.freeze({ kind: 'username', identity, name: claim.user }), nonce };
}

async function remember(replay: ReplayCache, key: string, until: Instant, now: Instant): Promise<void> {
  const answer = replay.remember(key, until, now);
  if (!(typeof answer === 'boolean' ? answer : await answer)) {
    throw new SecurityError('SECURITY_REPLAY', 'A message like this was received before.');
  }
}

function partOf(element: XmlElement): Part {
  return `{${element.namespace}}${element.local}`;
}
