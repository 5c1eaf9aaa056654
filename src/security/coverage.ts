/**
 * From what is proven to what goes upward: the message made of the octets that were digested, and nothing else (invariant
 * I1). What the policy wants signed or encrypted is compared by node identity, never by name.
 */
import { addressingVersions } from '../soap/addressing-versions.ts';
import { header as headerBlock, isForThisNode } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { isNcName } from '../xml/characters.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { SecurityError } from './errors.ts';
import { type Part, partNamed } from './evidence.ts';
import type { SecurityHeader } from './header.ts';
import { wsse } from './names.ts';
import type { Opened, Readable } from './opening.ts';
import type { EncryptionRequirement, SignatureRequirement } from './protection.ts';
import type { Proof, ProvenSignature } from './prove.ts';
import type { Digested, Verified } from './signature.ts';
import { isJwtToken } from './tokens/jwt.ts';

/** What was encrypted, and has to be. */
export interface Encrypted {
  readonly opened: Opened;
  readonly requirement: EncryptionRequirement;
  /** What was decrypted after its ciphertext was verified, by the element that was signed. */
  readonly revealed: ReadonlyMap<XmlElement, XmlFragment>;
  /** Elements that are proven without the message signature: verified signatures, the assertion that its issuer signed. */
  readonly proven: ReadonlySet<XmlElement>;
}

/** The message without the header that was consumed; what protects the rest is the transport. */
export function unsigned(message: Message, header: SecurityHeader): Message {
  const headers = message.headers.filter((block) => block !== header.block);
  return { ...message, headers, source: undefined };
}

/**
 * The message made of what the signature covers: of the very octets that were digested, so that nothing else can be
 * reached from it, and nothing around the signed elements (a namespace declared there, xml:lang) gives them a meaning.
 *
 * @throws SecurityError `SECURITY_UNSIGNED`, `SECURITY_UNENCRYPTED`, `SECURITY_NOT_UNDERSTOOD`
 */
export function covered(
  { message, header }: Readable,
  requirement: SignatureRequirement,
  main: ProvenSignature,
  endorsing: Proof['endorsing'],
  encrypted: Encrypted | undefined,
): Message {
  const { verified } = main;
  if (encrypted !== undefined) requireProven(verified, encrypted);
  requireParts(header, main);
  if (requirement.token) requireToken(header, main, verified);
  if (requirement.endorsers) requireEndorsers(header, endorsing, verified);
  if (encrypted !== undefined) requireEncrypted(message, header, main, encrypted);
  const body = verified.covered.get(message.body.element);
  if (body === undefined) throw notSigned('Body');
  const headers: HeaderBlock[] = [];
  const signed: XmlFragment[] = [];
  let action: HeaderBlock | undefined;
  for (const arrived of message.headers) {
    if (arrived === header.block) continue;
    const block = proven(message, arrived, requirement, verified, encrypted);
    if (block === undefined) continue;
    headers.push(block);
    if (!verified.covered.has(arrived.fragment.element)) continue;
    if (isSmall(block.fragment)) signed.push(block.fragment);
    if (isAction(block) && isForThisNode(message.version, block)) action = block;
  }
  if (action === undefined && requirement.action) throw notSigned('Action');
  // From none of them anything can be reached that was not signed.
  XmlFragment.together(signed);
  return {
    ...message,
    headers,
    body: encrypted?.revealed.get(message.body.element) ?? fragmentOf(body),
    action: action === undefined ? '' : message.action || action.fragment.element.text.trim(),
    source: undefined,
  };
}

/** A header block as it goes upward; `undefined` when it is left out. */
function proven(
  message: Message,
  block: HeaderBlock,
  requirement: SignatureRequirement,
  verified: Verified,
  encrypted: Encrypted | undefined,
): HeaderBlock | undefined {
  const { element } = block.fragment;
  const digested = verified.covered.get(element);
  const wasEncrypted = encrypted?.opened.places.has(element) === true;
  if (digested !== undefined) {
    const revealed = encrypted?.revealed.get(element);
    const found =
      revealed === undefined ? { ...block, fragment: fragmentOf(digested) } : headerBlock(message.version, revealed);
    // A header that was encrypted takes the place of its EncryptedHeader and starts no security processing (attack E10).
    if (found.namespace === wsse && found.local === 'Security') throw notSigned('Security');
    requireHidden(found, wasEncrypted, encrypted);
    return found;
  }
  // What is for another node is neither read nor refused here, whatever its namespace.
  const isOurs = isForThisNode(message.version, block);
  if (isOurs && requirement.presentImpliesSigned.has(block.namespace)) throw notSigned(block.local);
  if (requirement.unsigned === 'keep') {
    if (wasEncrypted) throw notSigned(block.local);
    requireHidden(block, false, encrypted);
    const { bytes, prefixes } = block.fragment;
    return { ...block, fragment: XmlFragment.written(bytes, prefixes) };
  }
  if (block.mustUnderstand && isOurs) {
    throw new SecurityError('SECURITY_NOT_UNDERSTOOD', `The header ${block.local} is mandatory and not signed.`);
  }
  return undefined;
}

/** What has to be signed wherever it is: Timestamp, UsernameToken, SignatureConfirmation, JSON Web Token. */
function requireParts(header: SecurityHeader, { verified }: ProvenSignature): void {
  const bearers = header.binaryTokens.filter(isJwtToken);
  for (const part of [header.timestamp, ...header.usernameTokens, ...header.confirmations, ...bearers]) {
    if (part !== undefined && !verified.covered.has(part)) throw notSigned(part.local);
  }
}

/** The BinarySecurityToken of a signature, or what names it in its place. */
function requireToken(header: SecurityHeader, { read, by }: ProvenSignature, verified: Verified): void {
  // A token that is not in the message is signed through a reference to it.
  if (by.kind === 'certificate' && verified.certificates.includes(by.certificate)) return;
  const reference = read.keyInfo?.children[0]?.children[0];
  const id = reference?.is(wsse, 'Reference') ? reference.attribute('URI')?.slice(1) : undefined;
  const tokens = [...verified.covered.keys()].filter((one) => header.binaryTokens.includes(one));
  if (
    id === undefined ||
    !tokens.some((one) => one.attributes.some(({ local, value }) => local === 'Id' && value === id))
  ) {
    throw notSigned('BinarySecurityToken');
  }
}

/** Nobody but whoever signed the message has put a token into it, or another signature beside a token of theirs. */
function requireEndorsers(header: SecurityHeader, endorsing: Proof['endorsing'], verified: Verified): void {
  for (const one of header.assertions) if (!verified.covered.has(one)) throw notSigned(one.local);
  for (const one of endorsing) if (one.by.kind === 'certificate') requireToken(header, one, verified);
}

/**
 * No part is decrypted that nobody signed. Left out instead, ciphertext of somebody else, set beside what a signature covers,
 * would tell by the answer whether it decrypts (attack E2); so this comes before anything that has an answer of its own.
 */
function requireProven(verified: Verified, { opened: { places }, proven }: Encrypted): void {
  const signed = [...verified.covered.keys()];
  for (const place of places) {
    if (!proven.has(place) && !signed.some((one) => one === place || one.contains(place))) throw notSigned(place.local);
  }
}

function requireEncrypted(
  message: Message,
  header: SecurityHeader,
  main: ProvenSignature,
  { opened: { body, places }, requirement }: Encrypted,
): void {
  const { children, text } = message.body.element;
  const isProtocol =
    children.length > 0 && text.trim() === '' && children.every(({ namespace }) => requirement.clear.has(namespace));
  if (requirement.body && body === 'clear' && !isProtocol) throw notEncrypted('Body');
  // What is signed of an empty Body is no secret; peers leave the signature as it is then.
  if (requirement.signature && body === 'encrypted' && !places.has(main.read.element)) {
    throw notEncrypted('Signature');
  }
  const [token] = header.usernameTokens;
  if (requirement.username && token !== undefined && !places.has(token)) throw notEncrypted('UsernameToken');
}

function requireHidden(block: HeaderBlock, wasEncrypted: boolean, encrypted: Encrypted | undefined): void {
  if (wasEncrypted || encrypted === undefined || encrypted.requirement.headers.size === 0) return;
  if (encrypted.requirement.headers.has(partNamed(block.namespace, block.local))) throw notEncrypted(block.local);
}

/** Whoever looks into one header block looks into others, unless they are large. */
function isSmall({ bytes }: XmlFragment): boolean {
  return bytes.length <= 2048;
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

export function partOf({ namespace, local }: XmlElement): Part {
  return partNamed(namespace, local);
}

function notSigned(local: string): SecurityError {
  return new SecurityError('SECURITY_UNSIGNED', `The signature of the message does not cover ${local}.`);
}

function notEncrypted(local: string): SecurityError {
  return new SecurityError('SECURITY_UNENCRYPTED', `The part ${local} came in the clear.`);
}
