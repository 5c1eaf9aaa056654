/**
 * wst:RequestSecurityTokenResponse about a security context: issued, renewed, amended, cancelled; alone in 2005/02, in a collection of
 * one in 1.3. Written in the order of WCF, whose client demands both references; read by name.
 */
import type { Instant } from '../base/clock.ts';
import { wsu } from '../security/names.ts';
import { readTime, writeTime } from '../security/timestamp.ts';
import {
  type ContextName,
  type ContextToken,
  readContextReference,
  readContextToken,
  sameName,
  writeAttachedReference,
  writeContextToken,
  writeUnattachedReference,
} from '../security/tokens/context.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyChild, onlyText, requiredChild } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { ConversationError } from './errors.ts';
import { readEntropy, readNumber, writeEntropy } from './requests.ts';
import type { ConversationVersion } from './versions/version.ts';

/** A context as its issuer describes it. */
export interface IssuedContext extends ContextName {
  /** wsu:Id of the token. */
  readonly id: string;
  /** The issuer's half of the secret. */
  readonly entropy: Uint8Array;
  /** Bits. */
  readonly keySize: number;
  readonly created: Instant;
  readonly expires: Instant;
  /** What the issuer puts into the token for itself. */
  readonly cookie?: XmlFragment | undefined;
}

/** What the requester learns of its context. */
export interface ReceivedContext extends ContextName {
  /** The token as the issuer wrote it: it goes back octet for octet. */
  readonly token: XmlFragment;
  /** wsu:Id of the token. */
  readonly id: string;
  readonly entropy: Uint8Array;
  /** Bits; as asked for where the issuer does not say. */
  readonly keySize: number | undefined;
  readonly lifetime: { readonly created: Instant; readonly expires: Instant } | undefined;
}

/** @param secretId wsu:Id of the BinarySecret */
export function writeIssued(version: ConversationVersion, context: IssuedContext, secretId: string): XmlFragment {
  const { trust } = version;
  return answer(version, (writer) => {
    writeToken(writer, version, context);
    writer.start(trust, 'RequestedProofToken', 'wst').element(trust, 'ComputedKey', version.computedKey, 'wst').end();
    writeEntropy(writer, version, context.entropy, secretId);
    writer.start(trust, 'Lifetime', 'wst').element(wsu, 'Created', writeTime(context.created), 'wsu');
    writer.element(wsu, 'Expires', writeTime(context.expires), 'wsu').end();
    writer.element(trust, 'KeySize', String(context.keySize), 'wst');
  });
}

/**
 * The token of a context that was amended: its name and its key are what they were.
 *
 * @param id wsu:Id of the token
 */
export function writeAmended(version: ConversationVersion, name: ContextName, id: string): XmlFragment {
  return answer(version, (writer) => writeToken(writer, version, { ...name, id }));
}

function writeToken(
  writer: XmlWriter,
  { trust, namespace, tokenType }: ConversationVersion,
  context: Pick<IssuedContext, 'identifier' | 'instance' | 'id' | 'cookie'>,
): void {
  writer.element(trust, 'TokenType', tokenType, 'wst');
  writer.start(trust, 'RequestedSecurityToken', 'wst');
  writer.fragment(writeContextToken(namespace, context.id, context, context.cookie)).end();
  writer
    .start(trust, 'RequestedAttachedReference', 'wst')
    .fragment(writeAttachedReference(namespace, context.id))
    .end();
  writer
    .start(trust, 'RequestedUnattachedReference', 'wst')
    .fragment(writeUnattachedReference(namespace, context))
    .end();
}

export function writeCancelled(version: ConversationVersion): XmlFragment {
  return answer(version, (writer) => writer.element(version.trust, 'RequestedTokenCancelled', '', 'wst'));
}

/**
 * Reads the answer to issue or renew.
 *
 * @param element the child of the Body
 * @throws ConversationError `CONVERSATION_MALFORMED`, `CONVERSATION_UNSUPPORTED` when the key is not made by both ends;
 *   XmlError `XML_UNEXPECTED`; SecurityError `SECURITY_TIMESTAMP_INVALID`
 */
export function readIssued(version: ConversationVersion, element: XmlElement): ReceivedContext {
  const { trust } = version;
  const response = readAnswer(version, element);
  const { token, read } = requestedToken(version, response);
  const proof = onlyChild(requiredChild(response, trust, 'RequestedProofToken'));
  const entropy = readEntropy(version, response);
  if (!proof.is(trust, 'ComputedKey') || onlyText(proof).trim() !== version.computedKey || entropy === undefined) {
    throw new ConversationError(
      'CONVERSATION_UNSUPPORTED',
      'The issuer did not make the key with P_SHA1 over both entropies.',
    );
  }
  const size = child(response, trust, 'KeySize');
  const lifetime = child(response, trust, 'Lifetime');
  return {
    identifier: read.identifier,
    instance: read.instance,
    id: read.id ?? '',
    token: XmlFragment.of(token),
    entropy,
    keySize: size === undefined ? undefined : readNumber(size),
    lifetime: lifetime === undefined ? undefined : readLifetime(lifetime),
  };
}

/**
 * Reads the answer to amend.
 *
 * @returns the context that it is about
 * @throws ConversationError `CONVERSATION_MALFORMED`, `CONVERSATION_UNSUPPORTED` when it brings another key; XmlError `XML_UNEXPECTED`
 */
export function readAmended(version: ConversationVersion, element: XmlElement): ContextName {
  const response = readAnswer(version, element);
  if (child(response, version.trust, 'RequestedProofToken') !== undefined) {
    throw new ConversationError('CONVERSATION_UNSUPPORTED', 'To amend a context makes no other key, and one came.');
  }
  return requestedToken(version, response).read;
}

/** The token in an answer, held to what the answer says to call it. */
function requestedToken(version: ConversationVersion, response: XmlElement) {
  const token = onlyChild(requiredChild(response, version.trust, 'RequestedSecurityToken'));
  const read = readContextToken(version.namespace, token);
  requireReferences(version, response, read);
  return { token, read };
}

/** @throws ConversationError `CONVERSATION_MALFORMED` when the answer does not say that the token was cancelled */
export function readCancelled(version: ConversationVersion, element: XmlElement): void {
  requiredChild(readAnswer(version, element), version.trust, 'RequestedTokenCancelled');
}

/** What the issuer says to call its token has to be the token that it sent. */
function requireReferences(version: ConversationVersion, response: XmlElement, token: ContextToken): void {
  const attached = child(response, version.trust, 'RequestedAttachedReference');
  const unattached = child(response, version.trust, 'RequestedUnattachedReference');
  for (const wrapper of [attached, unattached]) {
    if (wrapper === undefined) continue;
    const target = readContextReference(version.namespace, onlyChild(wrapper));
    const own = target.kind === 'attached' ? target.id === token.id : sameName(target, token);
    if (!own)
      throw new ConversationError('CONVERSATION_MALFORMED', 'The references of the answer are to another token.');
  }
}

function readLifetime(element: XmlElement): { readonly created: Instant; readonly expires: Instant } {
  const created = readTime(requiredChild(element, wsu, 'Created'));
  const expires = readTime(requiredChild(element, wsu, 'Expires'));
  if (expires > created) return { created, expires };
  throw new ConversationError('CONVERSATION_MALFORMED', 'The context expires before it was created.');
}

function readAnswer(version: ConversationVersion, element: XmlElement): XmlElement {
  const { trust } = version;
  const response = element.is(trust, 'RequestSecurityTokenResponseCollection') ? onlyChild(element) : element;
  if (response.is(trust, 'RequestSecurityTokenResponse')) return response;
  throw new ConversationError('CONVERSATION_MALFORMED', 'A RequestSecurityTokenResponse of this version is expected.');
}

function answer(version: ConversationVersion, write: (writer: XmlWriter) => void): XmlFragment {
  const { trust, collection } = version;
  const writer = new XmlWriter();
  if (collection) writer.start(trust, 'RequestSecurityTokenResponseCollection', 'wst');
  writer.start(trust, 'RequestSecurityTokenResponse', 'wst');
  write(writer);
  writer.end();
  return (collection ? writer.end() : writer).finish();
}
