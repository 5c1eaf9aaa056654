/**
 * From a message as it arrived to what may go upward: the message rebuilt from what was verified, and the evidence. The
 * order is that of cheap refusal: shape, time, keys, decryption, trust, SignatureValue, digests, coverage, password, replay.
 * What is verified is compared with what is handed on by node identity, never by name (invariants I1 and I2).
 */
import type { Instant } from '../base/clock.ts';
import type { Peer } from '../channel/transport.ts';
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { requiredAssertion, senderProof } from './assertions.ts';
import { admittedJwt } from './bearer.ts';
import { requireConfirmed } from './confirmation.ts';
import { covered, type Encrypted, partOf, unsigned } from './coverage.ts';
import { acceptedEncryption } from './encryption/algorithms.ts';
import { SecurityError } from './errors.ts';
import type { Evidence, Part, Signer } from './evidence.ts';
import type { ContextSource, Exchange } from './exchange.ts';
import { readSecurityHeader, refuseEncryption, type SecurityHeader } from './header.ts';
import { requireStrictLayout } from './layout.ts';
import { type KeyRequirement, MessageKeys } from './message-keys.ts';
import { namingOf } from './naming.ts';
import { type Opened, Opening, type Readable } from './opening.ts';
import { idsOf } from './profile.ts';
import type { EncryptionRequirement, InboundPolicy } from './protection.ts';
import { type Proof, prove, signersOf } from './prove.ts';
import type { ReplayCache } from './replay.ts';
import { type Lifetime, readTimestamp, staleAt } from './timestamp.ts';
import { isJwtToken } from './tokens/jwt.ts';
import { admitAssertion } from './tokens/saml-validate.ts';
import { authenticate, readUsernameToken, userSigner } from './tokens/username.ts';

export interface Circumstances {
  readonly now: Instant;
  readonly replay: ReplayCache;
  /** What the transport knows of the other end. */
  readonly peer: Peer | undefined;
  /** What the request has left that this is the reply to. */
  readonly exchange?: Exchange | undefined;
  /** The security contexts of this end, where the policy lets messages be under one. */
  readonly contexts?: ContextSource | undefined;
}

/** A message of which every remaining part was verified. */
export interface Examined {
  readonly message: Message;
  readonly evidence: Evidence;
  /** For the reply, where this is a request. */
  readonly exchange: Exchange;
  /** Whether a reference in the message names the token that signed it. */
  readonly naming: (reference: XmlElement) => boolean;
}

/**
 * Examines a message as a policy requires.
 *
 * @returns the message with what is proven, without its Security header
 * @throws SecurityError any code of the room but `SECURITY_POLICY` and `SECURITY_UNSECURED_FAULT`; XmlError
 *   `XML_DUPLICATE_ID`
 */
export async function examine(message: Message, policy: InboundPolicy, around: Circumstances): Promise<Examined> {
  const { now, replay, peer, exchange } = around;
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
  if (policy.encryption === undefined) {
    refuseEncryption(message);
    refuseProtections(header, policy);
    refuseUnexpected(header, policy);
  }
  const lifetime = freshTimestamp(header, policy, now);
  if (policy.layout === 'strict') requireStrictLayout(header, idsOf(header));
  const { readable, proof, encrypted } = await opened({ message, header }, policy, policy.encryption, around);
  refuseUnexpected(readable.header, policy);
  const main = proof?.main;
  const rebuilt =
    main === undefined || policy.signature === undefined
      ? unsigned(message, header)
      : covered(readable, policy.signature, main, proof?.endorsing ?? [], encrypted);
  if (policy.confirmation) requireConfirmed(readable.header.confirmations, exchange?.values ?? []);
  const asked = authenticated(readable.header, policy, around, encrypted);
  const user = asked instanceof Promise ? await asked : asked;
  const { saml } = policy;
  const alone = proof === undefined && saml !== undefined;
  const token = alone ? await requiredAssertion(header, saml, now) : proof?.token;
  const until = staleAt(lifetime, policy.freshness);
  // Under TLS a context signs nothing but the Timestamp, and two of WCF's messages of one millisecond are signed alike.
  const isTimestampOnly = main === undefined && policy.context !== undefined;
  for (const key of isTimestampOnly ? [] : (proof?.keys ?? [])) {
    const pending = remember(replay, key, until, now);
    if (pending !== undefined) await pending;
  }
  if (token !== undefined) {
    const shown = senderProof(proof ?? { main: undefined, endorsing: [] }, token, peer?.secure === true, encrypted);
    await admitAssertion(token, shown, replay, now);
  }
  const jwt = policy.jwt && (await admittedJwt(readable.header, policy.jwt, isHiddenIn(around, encrypted), around));
  if (user?.nonce !== undefined) await remember(replay, user.nonce.key, user.nonce.until, now);
  const signers = proof === undefined ? noSigners : signersOf(proof, exchange);
  return {
    message: rebuilt,
    evidence: Object.freeze({
      signer: signers[0],
      signers,
      user: user?.signer ?? passwordUser(proof) ?? token?.subject ?? jwt?.subject,
      claims: token?.claims ?? jwt?.claims,
      until: endOf(proof, token?.until, jwt?.until),
      signed: signedParts(proof),
      encrypted: encryptedParts(encrypted),
      algorithms: usedAlgorithms(proof),
      ...lifetime,
    }),
    exchange: exchangeOf(proof),
    naming: namingOf(readable.header, proof),
  };
}

const noSigners: readonly Signer[] = Object.freeze([]);

/** When the first of the tokens, and of the certificates that signed, ends. */
function endOf(proof: Proof | undefined, ...tokens: readonly (Instant | undefined)[]): Instant | undefined {
  let end: Instant | undefined;
  const ends = (at: Instant | undefined) => {
    if (at !== undefined && (end === undefined || at < end)) end = at;
  };
  for (const at of tokens) ends(at);
  for (const { by } of proof?.all ?? []) if (by.kind === 'certificate') ends(by.certificate.notAfter);
  return end;
}

function signedParts(proof: Proof | undefined): ReadonlySet<Part> {
  const parts = new Set<Part>();
  for (const { verified } of proof?.main === undefined ? (proof?.endorsing ?? []) : [proof.main]) {
    for (const element of verified.covered.keys()) parts.add(partOf(element));
  }
  return parts;
}

function usedAlgorithms(proof: Proof | undefined): readonly string[] {
  const [only, second] = proof?.all ?? [];
  if (proof === undefined || only === undefined) return [];
  if (second === undefined) return only.verified.algorithms;
  return [...new Set(proof.all.flatMap(({ verified }) => verified.algorithms))];
}

/** By name; what was signed as ciphertext goes by the name of what it turned out to be, or stands in. */
function encryptedParts(encrypted: Encrypted | undefined): ReadonlySet<Part> {
  const names = new Set<Part>();
  const revealed = [...(encrypted?.revealed ?? [])];
  for (const place of encrypted?.opened.places ?? []) {
    const around = revealed.find(([signed]) => signed.contains(place));
    names.add(partOf(around?.[1].element ?? place));
  }
  return names;
}

function exchangeOf(proof: Proof | undefined): Exchange {
  const by = proof?.main?.by;
  const key = proof?.all.map((one) => one.by).find(({ kind }) => kind === 'password');
  return {
    values: (proof?.all ?? []).map(({ read }) => read.value),
    secret: by?.kind === 'secret' ? by.secret : undefined,
    certificate: by?.kind === 'certificate' ? by.certificate : undefined,
    context: proof?.context,
    password: key?.kind === 'password' ? key.password : undefined,
  };
}

interface Seen {
  readonly readable: Readable;
  readonly proof: Proof | undefined;
  readonly encrypted: Encrypted | undefined;
}

/** Decryption and signatures, in the order of the policy; a decryption that failed is not told before signatures were verified. */
async function opened(
  arrived: Readable,
  policy: InboundPolicy,
  requirement: EncryptionRequirement | undefined,
  { now, exchange, contexts }: Circumstances,
): Promise<Seen> {
  if (requirement === undefined) {
    const keys = policy.context && (await contextKeys(arrived.header, contexts));
    const proof = signs(policy) ? await prove(arrived.message, arrived.header, policy, keys, exchange, now) : undefined;
    return { readable: arrived, proof, encrypted: undefined };
  }
  // What is there at once is not waited for, here and below.
  const made = Opening.of(arrived, requirement, exchange, contexts);
  const opening = made instanceof Promise ? await made : made;
  let readable: Readable | undefined;
  let proof: Proof;
  try {
    const read = opening.readable();
    readable = read instanceof Promise ? await read : read;
    proof = await prove(readable.message, readable.header, policy, opening.keys, exchange, now);
  } catch (thrown) {
    opening.conclude(readable);
    throw thrown;
  }
  const result: Opened = opening.conclude(readable);
  const shown = opening.reveal(proof.main?.verified.covered ?? new Map<XmlElement, never>());
  const revealed = shown instanceof Promise ? await shown : shown;
  const by = proof.main?.by;
  if (by?.kind === 'secret' || by?.kind === 'context') opening.keys.requireOnly(by);
  const proven = new Set(proof.all.map(({ read }) => read.element));
  if (proof.token?.signed === true) proven.add(proof.token.assertion.element);
  return { readable, proof, encrypted: { opened: result, requirement, revealed, proven } };
}

/** The keys of a message that nothing is encrypted in. */
async function contextKeys(header: SecurityHeader, contexts: ContextSource | undefined): Promise<MessageKeys> {
  const keys = new MessageKeys(header, idsOf(header), nothingEncrypted, undefined, contexts);
  const pending = keys.derive();
  if (pending !== undefined) await pending;
  return keys;
}

const nothingEncrypted: KeyRequirement = Object.freeze({
  accepted: acceptedEncryption(),
  origin: Object.freeze({ kind: 'context' }),
  secretLength: 0,
});

function signs({ signature, endorsement, context }: InboundPolicy): boolean {
  return signature !== undefined || endorsement !== undefined || context !== undefined;
}

/** Keys, lists and confirmations where nothing is encrypted: refused before anything is computed. */
function refuseProtections(header: SecurityHeader, policy: InboundPolicy): void {
  const { encryptedKeys, referenceLists, encryptedData, derivedKeyTokens } = header;
  const derived = policy.context === undefined ? derivedKeyTokens : [];
  const [found] = [...encryptedKeys, ...referenceLists, ...encryptedData, ...derived];
  if (found !== undefined) {
    throw new SecurityError(
      'SECURITY_UNSUPPORTED',
      `The message has a ${found.local} that this policy has no use for.`,
    );
  }
}

/** What nobody asked for is not ignored: a receiver processes the header completely or faults. */
function refuseUnexpected(header: SecurityHeader, policy: InboundPolicy): void {
  if (!policy.confirmation && header.confirmations.length > 0) {
    throw new SecurityError(
      'SECURITY_UNSUPPORTED',
      'The message confirms signatures, and this policy does not ask for it.',
    );
  }
  const jwts = header.binaryTokens.filter(isJwtToken).length;
  if (!signs(policy) && header.signatures.length + header.binaryTokens.length - jwts > 0) {
    throw new SecurityError(
      'SECURITY_UNSUPPORTED',
      'The message is signed, and this policy has nothing to verify it with.',
    );
  }
  const isUnderContext = policy.context !== undefined || policy.encryption?.origin.kind === 'context';
  if (!isUnderContext && header.contextTokens.length > 0) {
    throw new SecurityError('SECURITY_UNSUPPORTED', 'The policy has no use for the security context of the message.');
  }
  const [token] = [...header.assertions, ...header.references];
  if (policy.saml === undefined && token !== undefined) {
    throw new SecurityError('SECURITY_UNSUPPORTED', `The policy does not ask for the ${token.local} of the message.`);
  }
  if (policy.jwt === undefined && jwts > 0) {
    throw new SecurityError('SECURITY_UNSUPPORTED', 'The policy does not ask for the JSON Web Token of the message.');
  }
  const asksUser = policy.username !== undefined || asksPassword(policy);
  if (header.usernameTokens.length !== (asksUser ? 1 : 0)) {
    throw !asksUser
      ? new SecurityError('SECURITY_UNSUPPORTED', 'The message has a UsernameToken that this policy does not ask for.')
      : new SecurityError('SECURITY_CREDENTIALS', 'The message does not have exactly one UsernameToken.');
  }
}

/** Whether a key has to be derived of the password of a UsernameToken in the message. */
function asksPassword({ signature, endorsement }: InboundPolicy): boolean {
  return [signature?.signer, endorsement?.signer].some(
    (signer) => signer?.kind === 'password' && signer.passwords !== undefined,
  );
}

function passwordUser(proof: Proof | undefined): Signer | undefined {
  const by = proof?.all.map((one) => one.by).find(({ kind }) => kind === 'password');
  return by?.kind === 'password' ? userSigner(by.password.user) : undefined;
}

/** Whether nobody on the way could read an element: TLS, or encryption, which a signature covers wherever it is taken. */
function isHiddenIn({ peer }: Circumstances, encrypted: Encrypted | undefined): (element: XmlElement) => boolean {
  return (element) => peer?.secure === true || encrypted?.opened.places.has(element) === true;
}

function freshTimestamp(header: SecurityHeader, policy: InboundPolicy, now: Instant): Lifetime {
  if (header.timestamp === undefined) {
    throw new SecurityError('SECURITY_TIMESTAMP_MISSING', 'The Security header has no Timestamp.');
  }
  return readTimestamp(header.timestamp, now, policy.freshness);
}

interface AuthenticatedUser {
  readonly signer: Signer;
  readonly nonce: { readonly key: string; readonly until: Instant } | undefined;
}

function authenticated(
  header: SecurityHeader,
  policy: InboundPolicy,
  around: Circumstances,
  encrypted: Encrypted | undefined,
): Promise<AuthenticatedUser> | undefined {
  const [token] = header.usernameTokens;
  if (token === undefined || policy.username === undefined) return undefined;
  return authenticatedBy(token, policy.username, policy, around, encrypted);
}

async function authenticatedBy(
  token: XmlElement,
  username: NonNullable<InboundPolicy['username']>,
  policy: InboundPolicy,
  around: Circumstances,
  encrypted: Encrypted | undefined,
): Promise<AuthenticatedUser> {
  const claim = readUsernameToken(token);
  if (claim.form === 'text' && !isHiddenIn(around, encrypted)(token) && !policy.textWithoutTls) {
    throw new SecurityError('SECURITY_TRANSPORT', 'A password came as text, neither encrypted nor through TLS.');
  }
  const nonce = await authenticate(claim, username, around.now, policy.freshness);
  return { signer: userSigner(claim.user), nonce };
}

function remember(replay: ReplayCache, key: string, until: Instant, now: Instant): Promise<void> | undefined {
  const answer = replay.remember(key, until, now);
  if (typeof answer !== 'boolean') return Promise.resolve(answer).then(requireNew);
  requireNew(answer);
  return undefined;
}

function requireNew(isNew: boolean): void {
  if (!isNew) throw new SecurityError('SECURITY_REPLAY', 'A message like this was received before.');
}
