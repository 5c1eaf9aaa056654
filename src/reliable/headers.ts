/**
 * The header blocks of WS-RM: Sequence, SequenceAcknowledgement, AckRequested (WS-RM 1.1, 3.7–3.9; the same in 2005/02).
 *
 * Written as WCF writes them, in its child order, because WCF refuses any other. Read leniently: children in any order
 * (gSOAP writes Final before the ranges), Final without None, 0–0 for an empty set. What could be read in two ways is
 * refused: two Sequence blocks, blocks of two versions, two acknowledgements of one sequence (attacks M7, M23, M24).
 */
import { header, isForThisNode, soapPrefix, withoutHeaders } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlError } from '../xml/errors.ts';
import { child, childrenOf, requiredChild, simpleText } from '../xml/find.ts';
import { XmlWriter } from '../xml/write.ts';
import { ReliableError } from './errors.ts';
import { type Range, type Ranges, ranges } from './ranges.ts';
import { versionOf } from './versions/table.ts';
import { netrm, type ReliableVersion } from './versions/version.ts';

/** The prefix of RM namespaces in everything that is written here, as WCF has it. */
export const reliablePrefix = 'r';

export interface SequenceBlock {
  readonly id: string;
  /** The message number; `beyond` for one greater than 2^63−1. */
  readonly number: number | 'beyond';
  /** Marked with LastMessage (2005/02). */
  readonly last: boolean;
}

export interface Acknowledgement {
  readonly id: string;
  readonly ranges: Ranges;
  readonly nacks: readonly number[];
  readonly final: boolean;
  /** For how many more messages the destination has room; absent when it does not say. */
  readonly bufferRemaining?: number | undefined;
}

/** All that the header of one message says about sequences. */
export interface ReliableHeaders {
  readonly version: ReliableVersion;
  readonly sequence: SequenceBlock | undefined;
  /** At most one for each sequence. */
  readonly acknowledgements: readonly Acknowledgement[];
  /** Identifiers of the sequences that are to be acknowledged now. */
  readonly ackRequested: readonly string[];
  /** Local names of the UsesSequence… blocks that are there. */
  readonly uses: readonly string[];
}

/** The most ranges or nacks read from one acknowledgement, as in WCF (attack M6). */
export const maxRangesRead = 128;
const maxAcknowledgementsRead = 16;
const maxIdentifier = 2048;

export function sequenceHeader(
  version: ReliableVersion,
  soap: SoapVersion,
  block: { readonly id: string; readonly number: number; readonly last: boolean },
): HeaderBlock {
  const { namespace } = version;
  const writer = new XmlWriter()
    .start(namespace, 'Sequence', reliablePrefix)
    .attribute(soap.namespace, 'mustUnderstand', '1', soapPrefix)
    .element(namespace, 'Identifier', block.id, reliablePrefix)
    .element(namespace, 'MessageNumber', String(block.number), reliablePrefix);
  if (block.last) writer.element(namespace, 'LastMessage', undefined, reliablePrefix);
  return header(soap, writer.end().finish());
}

export function acknowledgementHeader(
  version: ReliableVersion,
  soap: SoapVersion,
  block: Acknowledgement,
): HeaderBlock {
  const writer = new XmlWriter();
  writeAcknowledgement(writer, version, block);
  return header(soap, writer.finish());
}

/** The element itself; it is the detail of an InvalidAcknowledgement fault too. */
export function writeAcknowledgement(writer: XmlWriter, version: ReliableVersion, block: Acknowledgement): void {
  const { namespace } = version;
  writer
    .start(namespace, 'SequenceAcknowledgement', reliablePrefix)
    .element(namespace, 'Identifier', block.id, reliablePrefix);
  const empty = block.ranges.length === 0;
  const written = empty && version.emptyAcknowledgement === 'zero' ? [{ lower: 0, upper: 0 }] : block.ranges;
  for (const { lower, upper } of written) {
    writer
      .start(namespace, 'AcknowledgementRange', reliablePrefix)
      .attribute('', 'Lower', String(lower))
      .attribute('', 'Upper', String(upper))
      .end();
  }
  if (empty && version.emptyAcknowledgement === 'none') writer.element(namespace, 'None', undefined, reliablePrefix);
  if (block.final && version.final) writer.element(namespace, 'Final', undefined, reliablePrefix);
  if (block.bufferRemaining !== undefined) {
    writer.element(netrm, 'BufferRemaining', String(block.bufferRemaining), 'netrm');
  }
  writer.end();
}

export function ackRequestedHeader(version: ReliableVersion, soap: SoapVersion, id: string): HeaderBlock {
  const { namespace } = version;
  const writer = new XmlWriter()
    .start(namespace, 'AckRequested', reliablePrefix)
    .element(namespace, 'Identifier', id, reliablePrefix);
  return header(soap, writer.end().finish());
}

/**
 * What the header of a message says about sequences.
 *
 * @returns `undefined` when it has no RM block for this node
 * @throws ReliableError `RELIABLE_MALFORMED`, or `RELIABLE_INVALID_ACKNOWLEDGEMENT` for two acknowledgements of one sequence
 */
export function readHeaders(message: Message): ReliableHeaders | undefined {
  let version: ReliableVersion | undefined;
  const blocks: HeaderBlock[] = [];
  for (const block of message.headers) {
    const its = versionOf(block.namespace);
    if (its === undefined || !isForThisNode(message.version, block)) continue;
    if (version !== undefined && version !== its) {
      throw malformed('The message has header blocks of two versions of WS-ReliableMessaging.');
    }
    version = its;
    blocks.push(block);
  }
  return version === undefined ? undefined : readable(() => readBlocks(version, blocks));
}

function readBlocks(version: ReliableVersion, blocks: readonly HeaderBlock[]): ReliableHeaders {
  const named = (local: string) => blocks.filter((block) => block.local === local);
  const [sequence, second] = named('Sequence');
  if (second !== undefined) throw malformed('The message has two Sequence header blocks.');
  const acknowledgements = named('SequenceAcknowledgement').map(({ fragment }) =>
    readAcknowledgement(version, fragment.element),
  );
  requireOneEach(acknowledgements);
  return {
    version,
    sequence: sequence === undefined ? undefined : readSequence(version, sequence.fragment.element),
    acknowledgements,
    ackRequested: named('AckRequested').map(({ fragment }) => readIdentifier(version, fragment.element)),
    uses: blocks.map(({ local }) => local).filter((local) => local.startsWith('UsesSequence')),
  };
}

/** The message without its RM blocks: this layer consumes its header. */
export function withoutReliableHeaders(message: Message): Message {
  return withoutHeaders(
    message,
    (block) => versionOf(block.namespace) !== undefined && isForThisNode(message.version, block),
  );
}

function requireOneEach(acknowledgements: readonly Acknowledgement[]): void {
  if (acknowledgements.length > maxAcknowledgementsRead) {
    throw malformed(`A message may carry ${maxAcknowledgementsRead} acknowledgements at most.`);
  }
  const ids = new Set(acknowledgements.map(({ id }) => id));
  const twice = acknowledgements.find(({ id }) => !ids.delete(id));
  if (twice === undefined) return;
  const reason = 'The message has two acknowledgements of one sequence; which of them counts would be a guess.';
  throw new ReliableError('RELIABLE_INVALID_ACKNOWLEDGEMENT', reason, {
    fault: { name: 'InvalidAcknowledgement', code: 'sender', reason, acknowledgement: twice },
  });
}

function readSequence(version: ReliableVersion, element: XmlElement): SequenceBlock {
  const { namespace } = version;
  const number = readNumber(simpleText(requiredChild(element, namespace, 'MessageNumber')));
  if (number === undefined || number === 0) {
    throw malformed('The MessageNumber has to be a decimal number from 1 on.');
  }
  return {
    id: readIdentifier(version, element),
    number,
    last: version.actions.lastMessage !== undefined && child(element, namespace, 'LastMessage') !== undefined,
  };
}

/** Reads the element wherever it stands: as a header block, or as the detail of a fault. */
export function readAcknowledgement(version: ReliableVersion, element: XmlElement): Acknowledgement {
  const { namespace } = version;
  const read = childrenOf(element, namespace, 'AcknowledgementRange');
  const refused = childrenOf(element, namespace, 'Nack');
  if (read.length > maxRangesRead || refused.length > maxRangesRead) {
    throw malformed(`An acknowledgement may have ${maxRangesRead} ranges at most.`);
  }
  if (refused.length > 0 && read.length > 0) throw malformed('An acknowledgement has ranges or Nacks, not both.');
  const room = childrenOf(element, netrm, 'BufferRemaining');
  if (room.length > 1) throw malformed('BufferRemaining is there twice.');
  const id = readIdentifier(version, element);
  return {
    id,
    ranges: ranges(readRanges(version, id, read)),
    nacks: refused.map((nack) => legalNumber(simpleText(nack), 'Nack')),
    final: version.final && child(element, namespace, 'Final') !== undefined,
    bufferRemaining: room[0] === undefined ? undefined : legalNumber(simpleText(room[0]), 'BufferRemaining'),
  };
}

/** @throws ReliableError `RELIABLE_INVALID_ACKNOWLEDGEMENT`, whose fault says the ranges as they were written */
function readRanges(version: ReliableVersion, id: string, elements: readonly XmlElement[]): readonly Range[] {
  const written = elements.map((element) => ({
    lower: legalNumber(element.attribute('Lower') ?? '', 'Lower'),
    upper: legalNumber(element.attribute('Upper') ?? '', 'Upper'),
  }));
  const isEmpty = ({ lower, upper }: Range) => lower === 0 && upper === 0 && version.emptyAcknowledgement === 'zero';
  const wrong = written.find((range) => !isEmpty(range) && (range.lower === 0 || range.lower > range.upper));
  if (wrong === undefined) return written.filter((range) => !isEmpty(range));
  const reason = `The acknowledgement range ${wrong.lower} to ${wrong.upper} is empty or starts at 0.`;
  const acknowledgement = { id, ranges: written, nacks: [], final: false };
  throw new ReliableError('RELIABLE_INVALID_ACKNOWLEDGEMENT', reason, {
    fault: { name: 'InvalidAcknowledgement', code: 'sender', reason, acknowledgement },
  });
}

export function readIdentifier(version: ReliableVersion, parent: XmlElement): string {
  const id = simpleText(requiredChild(parent, version.namespace, 'Identifier'));
  if (id === '' || id.length > maxIdentifier) throw malformed('The Identifier of the sequence is empty or too long.');
  return id;
}

/**
 * A message number as it stands in the text: 1 to 19 decimal digits and nothing else.
 *
 * @returns `undefined` for anything else; `beyond` for more than 2^63−1. A legal number that JavaScript cannot count to
 *   reads as 2^53−1, which is out of every window.
 */
export function readNumber(text: string): number | 'beyond' | undefined {
  if (!/^[0-9]{1,19}$/.test(text)) return /^[0-9]{20,40}$/.test(text) ? 'beyond' : undefined;
  if (BigInt(text) > 2n ** 63n - 1n) return 'beyond';
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

function legalNumber(text: string, what: string): number {
  const number = readNumber(text);
  if (number === undefined || number === 'beyond') throw malformed(`${what} is no number of at most 19 digits.`);
  return number;
}

/** Runs a reader; XML of another shape than it wants is a malformed message. */
export function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw malformed(error.message, error);
  }
}

export function malformed(reason: string, cause?: Error): ReliableError {
  return new ReliableError('RELIABLE_MALFORMED', reason, cause === undefined ? {} : { cause });
}
