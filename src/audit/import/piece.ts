/** What importers find in foreign files: messages with what was written around them, made into the records of a transcript. */
import { asError } from '../../base/errors.ts';
import { dropOldest } from '../../base/oldest.ts';
import { readEnvelope } from '../../soap/envelope.ts';
import { scan } from '../../xml/scan.ts';
import { factsOf } from '../transcript/facts.ts';
import type { ReadLine } from '../transcript/lines.ts';
import { type MessageRecord, type TransportFacts, transcriptFormat } from '../transcript/record.ts';
import { strike } from '../transcript/strike.ts';

/** One message, or what cannot be read as one. */
export type Piece = MessagePiece | BrokenPiece;

export interface MessagePiece extends Place {
  readonly kind: 'message';
  /** Empty where an exchange brought no message. */
  readonly octets: Uint8Array;
  /** Undefined where the file does not say; then addressing does. */
  readonly leg?: 'request' | 'reply' | undefined;
  readonly direction?: MessageRecord['direction'] | undefined;
  /** What a request and its reply have in common in this file. */
  readonly exchange?: string | undefined;
  /** ISO 8601; absent where the file does not say, or not in which zone. */
  readonly at?: string | undefined;
  readonly transport: TransportFacts;
  readonly contentType?: string | undefined;
}

interface BrokenPiece extends Place {
  readonly kind: 'broken';
  readonly reason: string;
}

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface SourceOptions {
  /**
   * `struck` (default): passwords and secrets are struck out, as they are in every transcript. `kept`: for whoever verifies in memory
   * and shows nothing.
   */
  readonly secrets?: 'struck' | 'kept';
}

/** The records of what was imported, with a header in front. */
export async function* recordsOf(
  format: string,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  { secrets = 'struck' }: SourceOptions,
): AsyncGenerator<ReadLine, void, undefined> {
  const pairing = new Pairing();
  let n = 1;
  let isFirst = true;
  for await (const piece of pieces) {
    const { file, line } = piece;
    if (isFirst) yield { file, line: 0, record: { ...header, imported: format }, trouble: undefined };
    isFirst = false;
    if (piece.kind === 'broken') {
      yield { file, line, record: undefined, trouble: { kind: 'foreign', reason: piece.reason } };
      continue;
    }
    const at = piece.at ?? '';
    if (piece.octets.length === 0) {
      const of = pairing.last(piece);
      if (of !== undefined) yield { file, line, record: { n: ++n, at, kind: 'empty', of }, trouble: undefined };
      continue;
    }
    const record = messageOf(piece, ++n, at, secrets, pairing);
    yield { file, line, record, trouble: undefined };
  }
}

const header = {
  n: 1,
  at: '',
  kind: 'transcript',
  format: transcriptFormat,
  recorder: 'import',
  part: 1,
  payloads: 'kept',
} as const;

function messageOf(
  piece: MessagePiece,
  n: number,
  at: string,
  secrets: 'struck' | 'kept',
  pairing: Pairing,
): MessageRecord {
  const { direction = 'seen', transport, contentType } = piece;
  const read = factsIn(piece.octets);
  const paired = pairing.pair(piece, n, read.facts);
  const about = {
    n,
    at,
    kind: 'message',
    end: 'import',
    direction,
    ...paired,
    transport,
    contentType,
    ...read,
  } as const;
  const cleaned = secrets === 'kept' ? ({ kind: 'clean', octets: piece.octets } as const) : strike(piece.octets);
  if (cleaned.kind === 'unreadable') {
    return { ...about, octets: 0, payload: { form: 'withheld', reason: cleaned.reason } };
  }
  const base64 = Buffer.from(cleaned.octets).toString('base64');
  const struck = cleaned.kind === 'struck' ? { struck: cleaned.names } : {};
  return { ...about, octets: cleaned.octets.length, ...struck, payload: { form: 'kept', base64 } };
}

function factsIn(octets: Uint8Array): Pick<MessageRecord, 'facts' | 'unreadable'> {
  try {
    return { facts: factsOf(readEnvelope(scan(octets))) };
  } catch (thrown) {
    return { unreadable: asError(thrown).message };
  }
}

/** Requests that wait for a reply, of those that are remembered. */
const remembered = 20_000;

/** Finds out what is a reply to what: as the file says, else as addressing says, else to the last that waits. */
class Pairing {
  readonly #byName = new Map<string, number>();
  readonly #byMessage = new Map<string, number>();
  readonly #numbers = new Map<number, number>();
  readonly #open: number[] = [];
  #exchanges = 0;

  pair(piece: MessagePiece, n: number, facts: MessageRecord['facts']): Pick<MessageRecord, 'leg' | 'exchange'> {
    const related = facts?.relatesTo === undefined ? undefined : this.#byMessage.get(facts.relatesTo);
    const named = piece.exchange === undefined ? undefined : this.#byName.get(piece.exchange);
    const isReply = piece.leg === 'reply' || (piece.leg === undefined && (related ?? named) !== undefined);
    if (!isReply) return { leg: 'request', exchange: this.#ask(piece, n, facts) };
    const found = named ?? related ?? this.#open.at(-1);
    const exchange = found ?? ++this.#exchanges;
    this.#answered(exchange);
    return { leg: 'reply', exchange };
  }

  /** `n` of the request that a piece without a message belongs to. */
  last({ exchange }: MessagePiece): number | undefined {
    const found = (exchange === undefined ? undefined : this.#byName.get(exchange)) ?? this.#open.at(-1);
    if (found !== undefined) this.#answered(found);
    return found === undefined ? undefined : this.#numbers.get(found);
  }

  #ask({ exchange }: MessagePiece, n: number, facts: MessageRecord['facts']): number {
    const number = ++this.#exchanges;
    if (exchange !== undefined) this.#byName.set(exchange, number);
    if (facts?.messageId !== undefined) this.#byMessage.set(facts.messageId, number);
    this.#numbers.set(number, n);
    this.#open.push(number);
    dropOldest(this.#byName, remembered);
    dropOldest(this.#byMessage, remembered);
    dropOldest(this.#numbers, remembered);
    if (this.#open.length > remembered) this.#open.shift();
    return number;
  }

  #answered(exchange: number): void {
    const at = this.#open.lastIndexOf(exchange);
    if (at >= 0) this.#open.splice(at, 1);
  }
}
