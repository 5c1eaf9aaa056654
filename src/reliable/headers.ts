/**
 * The header blocks of WS-RM: Sequence, SequenceAcknowledgement, AckRequested (WS-RM 1.1, 3.7–3.9; the same in 2005/02).
 *
 * Written as WCF writes them, in its child order, because WCF refuses any other. Read leniently: children in any order
 * (gSOAP writes Final before the ranges), Final without None, 0–0 for an empty set. What could be read in two ways is
 * refused: two Sequence blocks, blocks of two versions, two acknowledgements of one sequence (attacks M7, M23, M24).
 */
import { header, isForThisNode, soapPrefix, withoutHeaders } from '../soap/envelope.ts';
import { gap } from '../soap/frame.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { type SoapVersion, soap12, soapVersions } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlError } from '../xml/errors.ts';
import { child, childrenOf, requiredChild, simpleText } from '../xml/find.ts';
import { XmlWriter } from '../xml/write.ts';
import { ReliableError } from './errors.ts';
import { Frames } from './frames.ts';
import { type Range, type Ranges, ranges } from './ranges.ts';
import { reliableVersions, versionOf } from './versions/table.ts';
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
  /** What is missing. Where something is, nothing else is said: the schemas allow ranges or Nacks, not both. */
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

/** The frames of one version of WS-RM in one of SOAP. */
class Spelling {
  readonly sequence: Frames;
  readonly acknowledgement: Frames;

  constructor({ namespace }: ReliableVersion, soap: SoapVersion) {
    this.sequence = new Frames((id) => {
      const writer = new XmlWriter()
        .start(namespace, 'Sequence', reliablePrefix)
        .attribute(soap.namespace, 'mustUnderstand', '1', soapPrefix)
        .element(namespace, 'Identifier', id, reliablePrefix)
        .text(gap);
      return header(soap, writer.end().finish());
    });
    this.acknowledgement = new Frames((id) => {
      const writer = new XmlWriter()
        .start(namespace, 'SequenceAcknowledgement', reliablePrefix)
        .element(namespace, 'Identifier', id, reliablePrefix)
        .text(gap);
      return header(soap, writer.end().finish());
    });
  }
}

const spellings: ReadonlyMap<ReliableVersion, ReadonlyMap<SoapVersion, Spelling>> = new Map(
  reliableVersions.map((version) => [
    version,
    new Map(soapVersions.map((soap) => [soap, new Spelling(version, soap)])),
  ]),
);

function spellingOf(version: ReliableVersion, soap: SoapVersion): Spelling {
  return spellings.get(version)?.get(soap) ?? new Spelling(version, soap);
}

/** An element of this layer without attributes, in canonical form, where the prefix is declared. */
function spelled(local: string, text = ''): string {
  return `<${reliablePrefix}:${local}>${text}</${reliablePrefix}:${local}>`;
}

export function sequenceHeader(
  version: ReliableVersion,
  soap: SoapVersion,
  { id, number, last }: { readonly id: string; readonly number: number; readonly last: boolean },
): HeaderBlock {
  const numbered = spelled('MessageNumber', String(number));
  const filling = last ? numbered + spelled('LastMessage') : numbered;
  return spellingOf(version, soap).sequence.of(id).filled(filling);
}

export function acknowledgementHeader(
  version: ReliableVersion,
  soap: SoapVersion,
  block: Acknowledgement,
): HeaderBlock {
  return spellingOf(version, soap).acknowledgement.of(block.id).filled(acknowledged(version, block));
}

/** The element itself, which is the detail of an InvalidAcknowledgement fault too. */
export function writeAcknowledgement(writer: XmlWriter, version: ReliableVersion, block: Acknowledgement): void {
  writer.fragment(acknowledgementHeader(version, soap12, block).fragment);
}

/** What an acknowledgement says behind its Identifier. */
function acknowledged(version: ReliableVersion, block: Acknowledgement): string {
  let text = block.nacks.map((number) => spelled('Nack', String(number))).join('');
  if (block.nacks.length > 0) return text;
  const empty = block.ranges.length === 0;
  const written = empty && version.emptyAcknowledgement === 'zero' ? nothingAcknowledged : block.ranges;
  const range = `${reliablePrefix}:AcknowledgementRange`;
  for (const { lower, upper } of written) text += `<${range} Lower="${lower}" Upper="${upper}"></${range}>`;
  if (empty && version.emptyAcknowledgement === 'none') text += spelled('None');
  if (block.final && version.final) text += spelled('Final');
  if (block.bufferRemaining === undefined) return text;
  return `${text}<netrm:BufferRemaining xmlns:netrm="${netrm}">${block.bufferRemaining}</netrm:BufferRemaining>`;
}

const nothingAcknowledged: Ranges = Object.freeze([{ lower: 0, upper: 0 }]);

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
  if (version === undefined) return undefined;
  try {
    return readBlocks(version, blocks);
  } catch (error) {
    throw unreadable(error);
  }
}

function readBlocks(version: ReliableVersion, blocks: readonly HeaderBlock[]): ReliableHeaders {
  let sequence: SequenceBlock | undefined;
  const acknowledgements: Acknowledgement[] = [];
  const ackRequested: string[] = [];
  const uses: string[] = [];
  for (const { local, fragment } of blocks) {
    switch (local) {
      case 'Sequence':
        if (sequence !== undefined) throw malformed('The message has two Sequence header blocks.');
        sequence = readSequence(version, fragment.element);
        break;
      case 'SequenceAcknowledgement':
        acknowledgements.push(readAcknowledgement(version, fragment.element));
        break;
      case 'AckRequested':
        ackRequested.push(readIdentifier(version, fragment.element));
        break;
      default:
        if (local.startsWith('UsesSequence')) uses.push(local);
    }
  }
  if (acknowledgements.length > 1) requireOneEach(acknowledgements);
  return { version, sequence, acknowledgements, ackRequested, uses };
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
  // So many digits are counted exactly.
  if (text.length <= 15) return Number(text);
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
    throw unreadable(error);
  }
}

function unreadable(error: unknown): unknown {
  return error instanceof XmlError ? malformed(error.message, error) : error;
}

export function malformed(reason: string, cause?: Error): ReliableError {
  return new ReliableError('RELIABLE_MALFORMED', reason, cause === undefined ? {} : { cause });
}
