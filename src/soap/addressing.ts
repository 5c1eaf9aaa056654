/**
 * WS-Addressing in a message: read, written, answered (WS-Addressing 1.0 Core and SOAP Binding; 2004/08 submission).
 *
 * Only header blocks for this node count, at most one of each kind, of one version. The order and the mustUnderstand
 * attributes that are written are those of WCF.
 */
import { asError } from '../base/errors.ts';
import type { XmlElement } from '../xml/document.ts';
import { childrenOf, simpleText } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { addressingFault } from './addressing-faults.ts';
import {
  type AddressingHeader,
  type AddressingProblem,
  type AddressingVersion,
  addressing200508,
  addressingVersionOf,
  addressingVersions,
} from './addressing-versions.ts';
import { findHeaders, header, isForThisNode, soapPrefix } from './envelope.ts';
import { type QualifiedName, SoapError } from './errors.ts';
import type { HeaderBlock, Message } from './message.ts';

export {
  type AddressingVersion,
  addressing200408,
  addressing200508,
  addressingVersions,
} from './addressing-versions.ts';

export interface EndpointReference {
  readonly address: string;
  /** Reference parameters, and in 2004/08 reference properties: header blocks of every message to this endpoint. */
  readonly parameters: readonly XmlFragment[];
}

/** The message addressing properties. */
export interface Addressing {
  readonly version: AddressingVersion;
  readonly action: string;
  readonly to?: string | undefined;
  /** Reference parameters of the endpoint that `to` belongs to. */
  readonly parameters?: readonly XmlFragment[] | undefined;
  readonly messageId?: string | undefined;
  /** Identifier of the message that this one answers. */
  readonly relatesTo?: string | undefined;
  readonly from?: EndpointReference | undefined;
  readonly replyTo?: EndpointReference | undefined;
  readonly faultTo?: EndpointReference | undefined;
}

/** How many reference parameters an endpoint reference may have, and how many octets together (attack A3). */
export const parameterLimits: { readonly count: number; readonly octets: number } = { count: 32, octets: 16_384 };

/** The prefix of the addressing namespace in everything that is written here, as WCF has it. */
const prefix = 'a';

const known = new WeakMap<Message, Addressing | undefined>();

/**
 * The message addressing properties of a message, read once.
 *
 * @returns `undefined` when the message has none
 * @throws SoapError `SOAP_ADDRESSING` with the WS-Addressing fault to send: two versions, a property twice, no Action,
 *   a malformed endpoint reference
 */
export function addressingOf(message: Message): Addressing | undefined {
  if (!known.has(message)) known.set(message, read(message));
  return known.get(message);
}

/**
 * The same message with these addressing properties instead of its own; its `action` is theirs.
 *
 * @throws SoapError `SOAP_ADDRESSING` without an action, or for a reference parameter that would be a header block of
 *   the protocol itself
 */
export function withAddressing(message: Message, addressing: Addressing): Message {
  const { version } = addressing;
  if (addressing.action === '') {
    throw new SoapError('SOAP_ADDRESSING', 'A message with WS-Addressing needs an action: give the message one.');
  }
  const blocks: HeaderBlock[] = [];
  // The name is known: asking the fragment for it would scan what has just been written.
  const block = (local: AddressingHeader, mustUnderstand: boolean, writer: XmlWriter) => {
    const { namespace } = version;
    blocks.push({ namespace, local, mustUnderstand, role: undefined, fragment: writer.finish() });
  };
  const text = (local: AddressingHeader, value: string | undefined, mustUnderstand = false) => {
    if (value === undefined) return;
    const writer = new XmlWriter().start(version.namespace, local, prefix);
    if (mustUnderstand) writer.attribute(message.version.namespace, 'mustUnderstand', '1', soapPrefix);
    block(local, mustUnderstand, writer.text(value).end());
  };
  const reference = (local: AddressingHeader, value: EndpointReference | undefined) => {
    if (value === undefined) return;
    const writer = new XmlWriter();
    writeEndpointReference(writer, version.namespace, local, version, value, prefix);
    block(local, false, writer);
  };
  text('Action', addressing.action, true);
  text('MessageID', addressing.messageId);
  text('RelatesTo', addressing.relatesTo);
  reference('From', addressing.from);
  reference('ReplyTo', addressing.replyTo);
  reference('FaultTo', addressing.faultTo);
  text('To', addressing.to, true);
  for (const parameter of addressing.parameters ?? []) blocks.push(parameterBlock(message, version, parameter));

  const isOurs = (block: HeaderBlock) => addressingVersionOf(block) !== undefined || isParameter(block);
  const at = Math.max(0, message.headers.findIndex(isOurs));
  const headers = message.headers.filter((block) => !isOurs(block));
  headers.splice(Math.min(at, headers.length), 0, ...blocks);
  const addressed = { ...message, action: addressing.action, headers };
  known.set(addressed, addressing);
  return addressed;
}

/** True when an answer to `reference` goes back on the same exchange; so does one to a reference that is not there. */
export function isAnonymous(version: AddressingVersion, reference: EndpointReference | undefined): boolean {
  return reference === undefined || reference.address === version.anonymous;
}

/** True when no answer is wanted. */
export function isNone(version: AddressingVersion, reference: EndpointReference | undefined): boolean {
  return reference !== undefined && version.none !== undefined && reference.address === version.none;
}

/** The reference that means: answer on the same exchange. */
export function anonymousReference(version: AddressingVersion): EndpointReference {
  return { address: version.anonymous, parameters: [] };
}

/**
 * Reads an endpoint reference, whatever its element is called (wsa:ReplyTo, wsrm:AcksTo, …).
 *
 * @throws SoapError `SOAP_ADDRESSING` when it has no address, two, a malformed one, or too many reference parameters
 */
export function readEndpointReference(element: XmlElement): EndpointReference {
  const addresses = addressingVersions.flatMap((row) =>
    childrenOf(element, row.namespace, 'Address').map((address) => ({ row, address })),
  );
  const [found, another] = addresses;
  if (found === undefined) {
    const version = addressingVersions.find((row) => row.namespace === element.namespace) ?? addressing200508;
    throw invalid(version, `The endpoint reference ${element.local} has no Address.`, 'MissingAddressInEPR', element);
  }
  const { row: version } = found;
  const home = addressingVersions.find((row) => row.namespace === element.namespace);
  if (home !== undefined && home !== version) {
    throw invalid(home, `${element.local} mixes two versions of WS-Addressing.`, 'InvalidEPR', element);
  }
  if (another !== undefined) {
    throw invalid(version, `The endpoint reference ${element.local} has two addresses.`, 'InvalidEPR', element);
  }
  const parameters = version.parameterElements
    .flatMap((local) => childrenOf(element, version.namespace, local))
    .flatMap((list) => list.children);
  const octets = parameters.reduce((sum, parameter) => sum + parameter.end - parameter.start, 0);
  if (parameters.length > parameterLimits.count || octets > parameterLimits.octets) {
    throw invalid(version, `The endpoint reference ${element.local} has too many parameters.`, 'InvalidEPR', element);
  }
  const reserved = parameters.find(isReserved);
  if (reserved !== undefined) throw invalid(version, reservedReason(reserved), 'InvalidEPR', element);
  return {
    address: uriText(version, found.address, 'InvalidAddress'),
    parameters: parameters.map((parameter) => XmlFragment.of(parameter)),
  };
}

/** Writes an endpoint reference as the element `{namespace}local`. */
export function writeEndpointReference(
  writer: XmlWriter,
  namespace: string,
  local: string,
  version: AddressingVersion,
  reference: EndpointReference,
  elementPrefix?: string,
): void {
  writer.start(namespace, local, elementPrefix).element(version.namespace, 'Address', reference.address, prefix);
  if (reference.parameters.length > 0) {
    writer.start(version.namespace, 'ReferenceParameters', prefix);
    for (const parameter of reference.parameters) writer.fragment(parameter);
    writer.end();
  }
  writer.end();
}

/** Addressing of the answer to `request`: to its ReplyTo, related to its MessageID. */
export function replyAddressing(request: Addressing, action: string, messageId?: string): Addressing {
  return answer(request, request.replyTo, action, messageId);
}

/** Addressing of a fault in answer to `request`: to its FaultTo, else to its ReplyTo. */
export function faultAddressing(request: Addressing, action: string, messageId?: string): Addressing {
  return answer(request, request.faultTo ?? request.replyTo, action, messageId);
}

/**
 * What can be known of how to answer a message whose addressing may itself be at fault: the version and, when there is
 * exactly one, the MessageID.
 */
export function answerable(message: Message): Addressing | undefined {
  try {
    return addressingOf(message);
  } catch (error) {
    if (!(error instanceof SoapError)) throw error;
    const version = message.headers.map(addressingVersionOf).find((row) => row !== undefined) ?? addressing200508;
    const [id, another] = findHeaders(message, version.namespace, 'MessageID');
    const messageId = another === undefined ? id?.fragment.element.text.trim() : undefined;
    return { version, action: '', messageId: messageId === '' ? undefined : messageId };
  }
}

function answer(
  request: Addressing,
  target: EndpointReference | undefined,
  action: string,
  messageId: string | undefined,
): Addressing {
  const { version } = request;
  const anonymous = isAnonymous(version, target);
  return {
    version,
    action,
    to: anonymous && !version.writesAnonymousTo ? undefined : (target?.address ?? version.anonymous),
    parameters: target?.parameters,
    messageId,
    relatesTo: request.messageId,
  };
}

function read(message: Message): Addressing | undefined {
  const blocks = message.headers.filter(
    (block) => addressingVersionOf(block) !== undefined && isForThisNode(message.version, block) && !isParameter(block),
  );
  const version = addressingVersions.find((row) => blocks.some((block) => block.namespace === row.namespace));
  if (version === undefined) return undefined;
  const foreign = blocks.find((block) => block.namespace !== version.namespace);
  if (foreign !== undefined) {
    throw refused(
      addressingFault(addressing200508, 'invalidHeader', 'The message mixes two versions of WS-Addressing.'),
    );
  }
  const one = (local: AddressingHeader): XmlElement | undefined => {
    const [first, second] = blocks.filter((block) => block.local === local);
    if (second !== undefined) throw twice(version, local);
    return first?.fragment.element;
  };
  const text = (local: AddressingHeader): string | undefined => {
    const element = one(local);
    return element === undefined ? undefined : uriText(version, element, undefined);
  };
  const reference = (local: AddressingHeader): EndpointReference | undefined => {
    const element = one(local);
    return element === undefined ? undefined : readEndpointReference(element);
  };
  const action = text('Action');
  if (action === undefined) {
    throw refused(addressingFault(version, 'headerRequired', 'The message has no wsa:Action.', { header: 'Action' }));
  }
  return {
    version,
    action,
    to: text('To'),
    parameters: message.headers.filter(isParameter).map((block) => block.fragment),
    messageId: text('MessageID'),
    relatesTo: relatesTo(version, blocks),
    from: reference('From'),
    replyTo: reference('ReplyTo'),
    faultTo: reference('FaultTo'),
  };
}

/** The message that this one answers; relationships of other types are none of our business. */
function relatesTo(version: AddressingVersion, blocks: readonly HeaderBlock[]): string | undefined {
  const replies = blocks
    .filter((block) => block.local === 'RelatesTo')
    .map((block) => block.fragment.element)
    .filter((element) => isReply(version, element));
  const [first, second] = replies;
  if (second !== undefined) throw twice(version, 'RelatesTo');
  return first === undefined ? undefined : uriText(version, first, undefined);
}

function isReply(version: AddressingVersion, element: XmlElement): boolean {
  const type = element.attribute('RelationshipType')?.trim();
  if (type === undefined) return true;
  const { form, value } = version.reply;
  switch (form) {
    case 'iri':
      return type === value;
    case 'qname': {
      const [local = '', typePrefix = ''] = type.split(':').reverse();
      return local === value && element.namespaceOf(typePrefix) === version.namespace;
    }
    default:
      return form satisfies never;
  }
}

/** A header block that is a reference parameter of our own endpoint reference (WS-Addressing 1.0 SOAP binding 3.3). */
function isParameter(block: HeaderBlock): boolean {
  const marked = block.fragment.attribute('IsReferenceParameter', addressing200508.namespace)?.trim();
  return marked === 'true' || marked === '1';
}

function parameterBlock(message: Message, version: AddressingVersion, parameter: XmlFragment): HeaderBlock {
  if (isReserved(parameter)) throw new SoapError('SOAP_ADDRESSING', reservedReason(parameter));
  const marked = version.marksParameters
    ? parameter.withAttribute(version.namespace, 'IsReferenceParameter', 'true', prefix)
    : parameter;
  return header(message.version, marked);
}

/** What a peer may not have us write as a header block by naming it a reference parameter (attack A3). */
function isReserved({ namespace }: QualifiedName): boolean {
  return namespace === '' || protocolNamespaces.some((start) => namespace.startsWith(start));
}

function reservedReason({ namespace, local }: QualifiedName): string {
  return `The reference parameter {${namespace}}${local} would become a header block of the protocol itself.`;
}

/** SOAP, addressing, reliable messaging, MakeConnection, security, trust, conversations, XML Signature, XML Encryption. */
const protocolNamespaces: readonly string[] = [
  'http://schemas.xmlsoap.org/soap/',
  'http://www.w3.org/2003/05/soap-envelope',
  'http://schemas.xmlsoap.org/ws/',
  'http://www.w3.org/2005/08/addressing',
  'http://docs.oasis-open.org/ws-rx/',
  'http://docs.oasis-open.org/ws-sx/',
  'http://docs.oasis-open.org/wss/',
  'http://schemas.microsoft.com/ws/2006/05/',
  'http://www.w3.org/2000/09/xmldsig#',
  'http://www.w3.org/2001/04/xmlenc#',
];

/** The text of an element that holds an IRI: something, without white space inside. */
function uriText(version: AddressingVersion, element: XmlElement, problem: AddressingProblem | undefined): string {
  let text: string;
  try {
    text = simpleText(element);
  } catch (error) {
    throw invalid(
      version,
      `wsa:${element.local} holds elements where an IRI belongs.`,
      problem,
      element,
      asError(error),
    );
  }
  if (text === '' || /\s/.test(text)) {
    throw invalid(version, `wsa:${element.local} does not hold an IRI.`, problem, element);
  }
  return text;
}

function twice(version: AddressingVersion, local: AddressingHeader): SoapError {
  const reason = `The message has more than one wsa:${local}.`;
  return refused(addressingFault(version, 'invalidHeader', reason, { problem: 'InvalidCardinality', header: local }));
}

function invalid(
  version: AddressingVersion,
  reason: string,
  problem: AddressingProblem | undefined,
  element: XmlElement,
  cause?: Error,
): SoapError {
  return refused(addressingFault(version, 'invalidHeader', reason, { problem, header: element.local }), cause);
}

function refused(fault: ReturnType<typeof addressingFault>, cause?: Error): SoapError {
  return new SoapError('SOAP_ADDRESSING', fault.reason, { fault, cause });
}
