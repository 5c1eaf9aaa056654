/**
 * WS-Addressing in a message: read, written, answered (WS-Addressing 1.0 Core and SOAP Binding; 2004/08 submission).
 *
 * Only header blocks for this node count, at most one of each kind, of one version. The order and the mustUnderstand
 * attributes that are written are those of WCF.
 */
import { isText } from '../xml/characters.ts';
import type { XmlElement } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { escapeText } from '../xml/output.ts';
import { XmlWriter } from '../xml/write.ts';
import { addressingError } from './addressing-faults.ts';
import {
  type AddressingHeader,
  type AddressingVersion,
  addressing200508,
  addressingVersionOf,
  isIri,
} from './addressing-versions.ts';
import {
  type EndpointReference,
  iriText,
  isAnonymous,
  isNone,
  isReserved,
  addressingPrefix as prefix,
  readEndpointReference,
  reservedReason,
  writeEndpointReference,
} from './endpoint-reference.ts';
import { findHeaders, header, isForThisNode, soapPrefix } from './envelope.ts';
import { SoapError } from './errors.ts';
import { Frame, gap } from './frame.ts';
import type { HeaderBlock, Message } from './message.ts';
import type { SoapVersion } from './version.ts';

export {
  type AddressingVersion,
  addressing200408,
  addressing200508,
  addressingVersions,
} from './addressing-versions.ts';
export {
  anonymousReference,
  type EndpointReference,
  isAnonymous,
  isNone,
  readEndpointReference,
  referenceTo,
  writeEndpointReference,
} from './endpoint-reference.ts';

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

/**
 * The message addressing properties of a message, read once.
 *
 * @returns `undefined` when the message has none
 * @throws SoapError `SOAP_ADDRESSING` with the WS-Addressing fault to send: two versions, a property twice, no Action,
 *   a malformed endpoint reference
 */
export function addressingOf(message: Message): Addressing | undefined {
  const { headers, known } = message;
  if (known !== undefined && known.headers === headers) return known.addressing;
  const addressing = read(message);
  message.known = { headers, addressing };
  return addressing;
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
  const { version: soap } = message;
  const blocks: HeaderBlock[] = [actionOrTo(soap, version, 'Action', addressing.action)];
  if (addressing.messageId !== undefined) {
    blocks.push(identifierBlock(soap, version, 'MessageID', addressing.messageId));
  }
  if (addressing.relatesTo !== undefined) {
    blocks.push(identifierBlock(soap, version, 'RelatesTo', addressing.relatesTo));
  }
  if (addressing.from !== undefined) blocks.push(endpointBlock(soap, version, 'From', addressing.from));
  if (addressing.replyTo !== undefined) blocks.push(endpointBlock(soap, version, 'ReplyTo', addressing.replyTo));
  if (addressing.faultTo !== undefined) blocks.push(endpointBlock(soap, version, 'FaultTo', addressing.faultTo));
  if (addressing.to !== undefined) blocks.push(actionOrTo(soap, version, 'To', addressing.to));
  for (const parameter of addressing.parameters ?? noParameters)
    blocks.push(parameterBlock(message, version, parameter));

  const { headers: before } = message;
  const headers: HeaderBlock[] = before.length === 0 ? blocks : [];
  let isPlaced = false;
  for (const block of before) {
    if (addressingVersionOf(block) === undefined && !isParameter(block)) {
      headers.push(block);
      continue;
    }
    if (!isPlaced) headers.push(...blocks);
    isPlaced = true;
  }
  const placed = isPlaced || headers === blocks ? headers : [...blocks, ...headers];
  return { ...message, action: addressing.action, headers: placed, known: { headers: placed, addressing } };
}

// The name is known: asking the fragment for it would scan what has just been written.
function blockOf(
  { namespace }: AddressingVersion,
  local: AddressingHeader,
  mustUnderstand: boolean,
  writer: XmlWriter,
): HeaderBlock {
  return { namespace, local, mustUnderstand, role: undefined, fragment: writer.finish() };
}

function textBlock(
  soap: SoapVersion,
  version: AddressingVersion,
  local: AddressingHeader,
  value: string,
  mustUnderstand: boolean,
): HeaderBlock {
  const writer = new XmlWriter().start(version.namespace, local, prefix);
  if (mustUnderstand) writer.attribute(soap.namespace, 'mustUnderstand', '1', soapPrefix);
  return blockOf(version, local, mustUnderstand, writer.text(value).end());
}

/** What identifies a message differs in every one of them, and the block around it in none. */
function identifierBlock(
  soap: SoapVersion,
  version: AddressingVersion,
  local: 'MessageID' | 'RelatesTo',
  value: string,
): HeaderBlock {
  // What XML cannot carry is refused where it is written.
  if (!isText(value)) return textBlock(soap, version, local, value, false);
  const frames = identifierFrames[local];
  let frame = frames.get(version);
  if (frame === undefined) {
    frame = new Frame(textBlock(soap, version, local, gap, false));
    frames.set(version, frame);
  }
  return frame.filled(escapeText(value));
}

const identifierFrames = {
  MessageID: new Map<AddressingVersion, Frame>(),
  RelatesTo: new Map<AddressingVersion, Frame>(),
};

function actionOrTo(soap: SoapVersion, version: AddressingVersion, local: 'Action' | 'To', value: string): HeaderBlock {
  return (
    lastingBlock(soap, version, local, value) ?? lasting(soap, value, textBlock(soap, version, local, value, true))
  );
}

function endpointBlock(
  soap: SoapVersion,
  version: AddressingVersion,
  local: 'From' | 'ReplyTo' | 'FaultTo',
  value: EndpointReference,
): HeaderBlock {
  const isPlain = value.parameters.length === 0;
  const known = isPlain ? lastingBlock(soap, version, local, value.address) : undefined;
  if (known !== undefined) return known;
  const writer = new XmlWriter();
  writeEndpointReference(writer, version.namespace, local, version, value, prefix);
  const block = blockOf(version, local, false, writer);
  return isPlain ? lasting(soap, value.address, block) : block;
}

/** Blocks that were written before, by their text: an end sends few actions to few places, with every message. */
const lastingBlocks = new Map<string, readonly { readonly soap: SoapVersion; readonly block: HeaderBlock }[]>();
const lastingLimit = 256;
const lastingLength = 512;

function lastingBlock(
  soap: SoapVersion,
  version: AddressingVersion,
  local: Exclude<AddressingHeader, 'MessageID' | 'RelatesTo'>,
  value: string,
): HeaderBlock | undefined {
  for (const known of lastingBlocks.get(value) ?? nothingLasts) {
    if (known.soap === soap && known.block.local === local && known.block.namespace === version.namespace) {
      return known.block;
    }
  }
  return undefined;
}

const nothingLasts: readonly never[] = Object.freeze([]);

/** Keeps a block that was just written. */
function lasting(soap: SoapVersion, value: string, block: HeaderBlock): HeaderBlock {
  if (value.length > lastingLength) return block;
  if (lastingBlocks.size >= lastingLimit) lastingBlocks.clear();
  lastingBlocks.set(value, [...(lastingBlocks.get(value) ?? nothingLasts), { soap, block }]);
  return block;
}

/** An answer need not say where it goes; what endorses a message over TLS has to cover that. */
export function addressedTo(said: Message, to: string | undefined): Message {
  const addressing = addressingOf(said);
  return addressing === undefined || addressing.to !== undefined ? said : withAddressing(said, { ...addressing, to });
}

/**
 * A message that says where its answer goes has to say what the answer relates to (WS-Addressing 1.0 Core 3.4; 2004/08, 3.1).
 *
 * @throws SoapError `SOAP_ADDRESSING` with MessageAddressingHeaderRequired
 */
export function requireMessageId({ version, replyTo, messageId }: Addressing): void {
  if (messageId !== undefined || replyTo === undefined || isNone(version, replyTo)) return;
  const reason =
    'The message asks for an answer (wsa:ReplyTo) and has no wsa:MessageID that it could relate to: send one.';
  throw addressingError(version, 'headerRequired', reason, { header: 'MessageID' });
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
    return { version, action: '', messageId: messageId !== undefined && isIri(messageId) ? messageId : undefined };
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
  let version: AddressingVersion | undefined;
  const blocks: HeaderBlock[] = [];
  let parameters: XmlFragment[] | undefined;
  for (const block of message.headers) {
    const row = addressingVersionOf(block);
    if (row === undefined) {
      if (isParameter(block)) parameters = [...(parameters ?? []), block.fragment];
      continue;
    }
    if (!isForThisNode(message.version, block)) continue;
    if (version !== undefined && version !== row) {
      throw addressingError(addressing200508, 'invalidHeader', 'The message mixes two versions of WS-Addressing.');
    }
    version = row;
    blocks.push(block);
  }
  if (version === undefined) return undefined;
  const row = version;
  const one = (local: AddressingHeader): XmlElement | undefined => {
    let found: HeaderBlock | undefined;
    for (const block of blocks) {
      if (block.local !== local) continue;
      if (found !== undefined) throw twice(row, local);
      found = block;
    }
    return found?.fragment.element;
  };
  const text = (local: AddressingHeader): string | undefined => {
    const element = one(local);
    return element === undefined ? undefined : iriText(row, element);
  };
  const reference = (local: AddressingHeader): EndpointReference | undefined => {
    const element = one(local);
    return element === undefined ? undefined : readEndpointReference(element);
  };
  const action = text('Action');
  if (action === undefined) {
    throw addressingError(version, 'headerRequired', 'The message has no wsa:Action.', { header: 'Action' });
  }
  return {
    version,
    action,
    to: text('To'),
    parameters: parameters ?? noParameters,
    messageId: text('MessageID'),
    relatesTo: relatesTo(version, blocks),
    from: reference('From'),
    replyTo: reference('ReplyTo'),
    faultTo: reference('FaultTo'),
  };
}

const noParameters: readonly XmlFragment[] = Object.freeze([]);

/** The message that this one answers; relationships of other types are none of our business. */
function relatesTo(version: AddressingVersion, blocks: readonly HeaderBlock[]): string | undefined {
  let found: XmlElement | undefined;
  for (const block of blocks) {
    if (block.local !== 'RelatesTo' || !isReply(version, block.fragment.element)) continue;
    if (found !== undefined) throw twice(version, 'RelatesTo');
    found = block.fragment.element;
  }
  return found === undefined ? undefined : iriText(version, found);
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

/**
 * A header block that is a reference parameter of our own endpoint reference (WS-Addressing 1.0 SOAP binding 3.3). The
 * mark changes nothing for a block of the protocol itself.
 */
function isParameter(block: HeaderBlock): boolean {
  if (isReserved(block)) return false;
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

function twice(version: AddressingVersion, local: AddressingHeader): SoapError {
  const reason = `The message has more than one wsa:${local}.`;
  return addressingError(version, 'invalidHeader', reason, { problem: 'InvalidCardinality', header: local });
}
