/**
 * wst:RequestSecurityToken for a security context: issue, renew and cancel (WS-Trust 1.3 sections 3.1, 5 and 6, as WS-SecureConversation
 * uses them), written in WCF's child order and read by name; and amend, which no peer is known to speak, after section 4 of the
 * specification alone.
 */
import { base64, fromBase64 } from '../base/bytes.ts';
import { wsu } from '../security/names.ts';
import { type ContextName, readContextReference, writeUnattachedReference } from '../security/tokens/context.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyChild, onlyText, requiredChild } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { ConversationError } from './errors.ts';
import { requireEntropy } from './secret.ts';
import type { ConversationVersion } from './versions/version.ts';

export type ContextRequest =
  | { readonly kind: 'issue'; readonly entropy: Uint8Array; readonly keySize: number }
  | { readonly kind: 'renew'; readonly entropy: Uint8Array; readonly keySize: number; readonly target: ContextName }
  | { readonly kind: 'cancel'; readonly target: ContextName }
  /** Of the context that the request is under; what is added stands in the Security header. */
  | { readonly kind: 'amend' };

/** The key size of a request that names none, in bits (what WCF asks for). */
const defaultKeySize = 256;

/** @param secretId wsu:Id of the BinarySecret, which WCF gives one so that it may be encrypted */
export function writeRequest(version: ConversationVersion, request: ContextRequest, secretId: string): XmlFragment {
  const { trust } = version;
  const writer = new XmlWriter().start(trust, 'RequestSecurityToken', 'wst');
  if (request.kind !== 'cancel') writer.element(trust, 'TokenType', version.tokenType, 'wst');
  writer.element(trust, 'RequestType', version.requestTypes[request.kind], 'wst');
  if ('entropy' in request) {
    writeEntropy(writer, version, request.entropy, secretId);
    writer.element(trust, 'KeySize', String(request.keySize), 'wst');
  }
  if ('target' in request) {
    writer
      .start(trust, targetName(request.kind), 'wst')
      .fragment(writeUnattachedReference(version.namespace, request.target))
      .end();
  }
  return writer.end().finish();
}

/**
 * Reads a request to issue, renew or cancel.
 *
 * @param attached the context whose token stands in the message under an id, for targets that are named by it
 * @throws ConversationError `CONVERSATION_MALFORMED`, `CONVERSATION_UNSUPPORTED`, `CONVERSATION_KEY_SIZE`; XmlError `XML_UNEXPECTED`
 */
export function readRequest(
  version: ConversationVersion,
  element: XmlElement,
  attached: (id: string) => ContextName | undefined,
): Exclude<ContextRequest, { readonly kind: 'amend' }> {
  const { trust } = version;
  const type = requestTypeOf(version, element);
  const kind = (['issue', 'renew', 'cancel'] as const).find((one) => version.requestTypes[one] === type);
  if (kind === undefined) throw new ConversationError('CONVERSATION_UNSUPPORTED', 'The request is none for a context.');
  if (kind === 'cancel') return { kind, target: readTarget(version, element, kind, attached) };
  requireContextToken(version, element);
  const size = child(element, trust, 'KeySize');
  const keySize = size === undefined ? defaultKeySize : readNumber(size);
  const entropy = readEntropy(version, element);
  if (entropy === undefined) {
    throw new ConversationError(
      'CONVERSATION_UNSUPPORTED',
      'The request brings no entropy; both ends have to make the key.',
    );
  }
  requireEntropy(entropy, keySize);
  if (kind === 'issue') return { kind, entropy, keySize };
  return { kind, entropy, keySize, target: readTarget(version, element, kind, attached) };
}

/**
 * Holds a request to amend to what one is: an exchange of the issuance binding about the context that it is under. It makes no
 * key, and whatever it says of one is not looked at.
 *
 * @throws ConversationError `CONVERSATION_MALFORMED`, `CONVERSATION_UNSUPPORTED`; XmlError `XML_UNEXPECTED`
 */
export function requireAmendment(version: ConversationVersion, element: XmlElement): void {
  if (requestTypeOf(version, element) !== version.requestTypes.amend) {
    throw new ConversationError('CONVERSATION_UNSUPPORTED', 'The request to amend a context is not of the type Issue.');
  }
  requireContextToken(version, element);
}

function requestTypeOf({ trust }: ConversationVersion, element: XmlElement): string {
  if (!element.is(trust, 'RequestSecurityToken')) {
    throw new ConversationError('CONVERSATION_MALFORMED', 'A RequestSecurityToken of this version is expected.');
  }
  return onlyText(requiredChild(element, trust, 'RequestType')).trim();
}

function requireContextToken({ trust, tokenType }: ConversationVersion, element: XmlElement): void {
  const named = child(element, trust, 'TokenType');
  if (named === undefined || onlyText(named).trim() === tokenType) return;
  throw new ConversationError('CONVERSATION_UNSUPPORTED', 'Only security context tokens are issued here.');
}

export function writeEntropy(writer: XmlWriter, version: ConversationVersion, octets: Uint8Array, id: string): void {
  const { trust } = version;
  writer.start(trust, 'Entropy', 'wst').start(trust, 'BinarySecret', 'wst').attribute(wsu, 'Id', id, 'wsu');
  writer.attribute('', 'Type', version.nonce).text(base64(octets)).end().end();
}

/** The octets of wst:Entropy/wst:BinarySecret, where there is one. */
export function readEntropy(version: ConversationVersion, of: XmlElement): Uint8Array | undefined {
  const entropy = child(of, version.trust, 'Entropy');
  if (entropy === undefined) return undefined;
  const secret = onlyChild(entropy);
  const type = secret.attribute('Type');
  const octets = fromBase64(onlyText(secret));
  if (
    !secret.is(version.trust, 'BinarySecret') ||
    (type !== undefined && type !== version.nonce) ||
    octets === undefined
  ) {
    throw new ConversationError('CONVERSATION_MALFORMED', 'Entropy does not hold a BinarySecret.');
  }
  return octets;
}

/** A number of bits. */
export function readNumber(element: XmlElement): number {
  const text = onlyText(element).trim();
  if (!/^\d{1,5}$/.test(text))
    throw new ConversationError('CONVERSATION_MALFORMED', `${element.local} is not a number.`);
  return Number(text);
}

function readTarget(
  version: ConversationVersion,
  request: XmlElement,
  kind: 'renew' | 'cancel',
  attached: (id: string) => ContextName | undefined,
): ContextName {
  const target = readContextReference(
    version.namespace,
    onlyChild(requiredChild(request, version.trust, targetName(kind))),
  );
  const name = target.kind === 'attached' ? attached(target.id) : target;
  if (name !== undefined) return { identifier: name.identifier, instance: name.instance };
  throw new ConversationError('CONVERSATION_MALFORMED', 'The target of the request is not in the message.');
}

function targetName(kind: 'renew' | 'cancel'): string {
  return kind === 'renew' ? 'RenewTarget' : 'CancelTarget';
}
