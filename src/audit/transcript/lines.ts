/**
 * Reads transcripts: line by line, so that a large one needs no more memory than its longest line, and as far as there is
 * something to read. What is wrong with a line is told beside the record, never thrown away.
 */
import { createReadStream } from 'node:fs';
import { asError } from '../../base/errors.ts';
import { AuditError } from '../errors.ts';
import { chainStart, claimedChain, holds } from './chain.ts';
import { longestLine, partsOf } from './parts.ts';
import { type HeaderRecord, type TranscriptRecord, transcriptFormat } from './record.ts';

/** What was found wrong while a transcript was read. */
export type LineTrouble =
  /** The line is no record: a crash cut it, or somebody wrote something else. */
  | { readonly kind: 'torn'; readonly text: string }
  /** The line was changed, or one before it was taken out or put in. */
  | { readonly kind: 'chain' }
  /** The numbers of records do not follow one another. */
  | { readonly kind: 'order'; readonly expected: number }
  /** A line longer than is read. */
  | { readonly kind: 'long' }
  /** A piece of a foreign file that cannot be read. */
  | { readonly kind: 'foreign'; readonly reason: string };

/** One line of a transcript. */
export interface ReadLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly record: TranscriptRecord | undefined;
  readonly trouble: LineTrouble | undefined;
}

/**
 * Reads the lines of one transcript, its parts in their order.
 *
 * @param files parts, oldest first
 * @throws AuditError `AUDIT_FILE` when a file cannot be read, `AUDIT_FOREIGN` when the first line of the first is no header
 */
export async function* readTranscript(files: readonly string[]): AsyncGenerator<ReadLine, void, undefined> {
  let chain: string = chainStart;
  let n = 0;
  let isFirst = true;
  for (const file of files) {
    let line = 0;
    for await (const text of linesOf(file)) {
      line++;
      if (text === undefined) {
        yield { file, line, record: undefined, trouble: { kind: 'long' } };
        continue;
      }
      if (text === '') continue;
      const record = recordIn(text);
      if (isFirst) {
        if (record?.kind !== 'transcript') throw notOne(file);
        // Older parts may be in an archive: then the chain is believed from here on.
        chain = record.follows ?? chainStart;
        n = record.n - 1;
        isFirst = false;
      }
      const claimed = claimedChain(text);
      if (record === undefined || claimed === undefined) {
        yield { file, line, record: undefined, trouble: { kind: 'torn', text: text.slice(0, 200) } };
        continue;
      }
      const trouble: LineTrouble | undefined = !holds(chain, text, claimed)
        ? { kind: 'chain' }
        : record.n === n + 1
          ? undefined
          : { kind: 'order', expected: n + 1 };
      chain = claimed;
      n = record.n;
      yield { file, line, record, trouble };
    }
  }
  if (isFirst) throw notOne(files[0] ?? '');
}

/** The files of a transcript: its full parts, oldest first, then `file` itself. */
export async function transcriptFiles(file: string): Promise<readonly string[]> {
  return [...(await partsOf(file)), file];
}

/** True when the file begins as transcripts do. */
export async function isTranscript(file: string): Promise<boolean> {
  for await (const text of linesOf(file)) return text !== undefined && recordIn(text)?.kind === 'transcript';
  return false;
}

/** Lines without their ends; `undefined` for one that is too long. */
async function* linesOf(file: string): AsyncGenerator<string | undefined, void, undefined> {
  let waiting: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
        const rest = chunk.subarray(from, end);
        from = end + 1;
        yield length + rest.length > longestLine ? undefined : textOf(waiting, rest);
        waiting = [];
        length = 0;
      }
      const rest = chunk.subarray(from);
      length += rest.length;
      if (length <= longestLine && rest.length > 0) waiting.push(rest);
    }
  } catch (thrown) {
    const cause = asError(thrown);
    throw new AuditError(
      'AUDIT_FILE',
      `${file} cannot be read (${cause.message}). Check the name and who may read it.`,
      {
        cause,
      },
    );
  }
  if (length > 0) yield length > longestLine ? undefined : textOf(waiting, Buffer.alloc(0));
}

const LINE_FEED = 0x0a;

function textOf(parts: readonly Buffer[], last: Buffer): string {
  return (parts.length === 0 ? last : Buffer.concat([...parts, last])).toString('utf8');
}

/** The members that every kind of record has to have, and of which type. */
const shapes: ReadonlyMap<unknown, Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>> = new Map([
  ['transcript', { format: 'string', recorder: 'string', part: 'number', payloads: 'string' }],
  [
    'message',
    {
      end: 'string',
      direction: 'string',
      leg: 'string',
      exchange: 'number',
      transport: 'object',
      octets: 'number',
      payload: 'object',
    },
  ],
  ['evidence', { of: 'number', accepted: 'boolean' }],
  ['empty', { of: 'number' }],
  ['failed', { of: 'number' }],
  ['end', { reason: 'string' }],
] as const);

function recordIn(text: string): TranscriptRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  const { kind, n, at } = members;
  const shape = shapes.get(kind);
  if (shape === undefined || !Number.isSafeInteger(n) || typeof at !== 'string') return undefined;
  const fits = Object.entries(shape).every(([name, type]) => typeof members[name] === type && members[name] !== null);
  if (!fits || !fitsPayload(members)) return undefined;
  const record = value as TranscriptRecord;
  return isOther(record) ? undefined : record;
}

function isOther(record: TranscriptRecord): record is HeaderRecord {
  return record.kind === 'transcript' && record.format !== transcriptFormat;
}

/** What a payload of each form has to have. */
const payloadMembers: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['kept', ['text', 'base64']],
  ['encrypted', ['jwe']],
  ['digested', ['sha256']],
  ['withheld', ['reason']],
]);

function fitsPayload({ kind, payload }: Readonly<Record<string, unknown>>): boolean {
  if (kind !== 'message') return true;
  const members = payload as Readonly<Record<string, unknown>>;
  const { form } = members;
  return payloadMembers.get(form)?.some((name) => typeof members[name] === 'string') === true;
}

function notOne(file: string): AuditError {
  return new AuditError('AUDIT_FOREIGN', `${file} does not begin as a transcript does. See docs/TRANSCRIPT.md.`);
}
