/**
 * Raw HTTP: files that hold what went over a connection, one message or several (RFC 9112), as proxies and packet tools write
 * them. A body whose head says `chunked` and that is none was put together already, which some tools do.
 */
import { gunzipSync, inflateSync } from 'node:zlib';
import { view } from '../../base/bytes.ts';
import { asError } from '../../base/errors.ts';
import type { Piece } from './piece.ts';

interface HttpMessage {
  readonly start: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Octets of a body after decompression. */
const largest = 16 * 2 ** 20;

/**
 * The messages of one file.
 *
 * @param exchange what the file's request and reply have in common, where its name says so
 */
export function* httpPieces(file: string, octets: Uint8Array, exchange?: string): Generator<Piece, void, undefined> {
  try {
    for (const message of httpMessages(octets)) yield pieceOf(message, file, exchange);
  } catch (thrown) {
    yield { kind: 'broken', file, line: 1, reason: asError(thrown).message };
  }
}

function pieceOf({ start, headers, body }: HttpMessage, file: string, exchange: string | undefined): Piece {
  const isReply = start.startsWith('HTTP/');
  const [first = '', second = ''] = start.split(' ');
  const status = isReply ? Number(second) : undefined;
  const host = headers.get('host');
  const date = headers.get('date');
  const contentType = headers.get('content-type');
  const place = isReply || host === undefined ? undefined : `${host}${pathOf(second)}`;
  if (!isReply && first !== 'POST')
    return { kind: 'broken', file, line: 1, reason: `It is a ${first.slice(0, 20)} request.` };
  if (/^multipart\//i.test(contentType ?? '')) {
    return { kind: 'broken', file, line: 1, reason: 'It has attachments (MTOM), which are not read.' };
  }
  return {
    kind: 'message',
    file,
    line: 1,
    octets: decoded(body, headers.get('content-encoding')),
    leg: isReply ? 'reply' : 'request',
    exchange,
    at: date === undefined || Number.isNaN(Date.parse(date)) ? undefined : new Date(date).toISOString(),
    transport: { name: 'http', place, status },
    contentType,
  };
}

/** What may be secret stands behind the question mark. */
function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

/** @throws Error for what is no HTTP */
function* httpMessages(octets: Uint8Array): Generator<HttpMessage, void, undefined> {
  let rest = view(octets);
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error('The head of an HTTP message has no end.');
    const [start = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    if (!/^(HTTP\/1\.[01] \d{3}|[A-Z]+ \S+ HTTP\/1\.[01]$)/.test(start)) {
      throw new Error(`"${start.slice(0, 60).replace(/\P{L}/gu, '?')}" begins no HTTP message.`);
    }
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    const [body, length] = bodyOf(headers, rest.subarray(end + 4));
    yield { start, headers, body };
    rest = rest.subarray(end + 4 + length);
  }
}

/** The body, and how many octets it takes. */
function bodyOf(headers: ReadonlyMap<string, string>, rest: Buffer): readonly [body: Buffer, length: number] {
  const isChunked =
    /chunked/i.test(headers.get('transfer-encoding') ?? '') &&
    /^[0-9a-f]+[;\r]/i.test(rest.subarray(0, 20).toString('latin1'));
  if (isChunked) return chunks(rest);
  const length = headers.get('content-length');
  if (length === undefined) return [rest, rest.length];
  if (!/^\d{1,12}$/.test(length)) throw new Error('Content-Length is no number.');
  if (Number(length) > rest.length) throw new Error(`The body is cut: ${rest.length} of ${length} octets are there.`);
  return [rest.subarray(0, Number(length)), Number(length)];
}

function chunks(rest: Buffer): readonly [body: Buffer, length: number] {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.subarray(at, line).toString('latin1'), 16);
    if (Number.isNaN(size) || line + 2 + size > rest.length) throw new Error('A chunked body is cut.');
    at = line + 2 + size + 2;
    if (size === 0) return [Buffer.concat(parts), at];
    parts.push(rest.subarray(line + 2, line + 2 + size));
  }
}

function decoded(body: Uint8Array, encoding: string | undefined): Uint8Array {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case 'identity':
      return body;
    case 'gzip':
      return gunzipSync(body, { maxOutputLength: largest });
    case 'deflate':
      return inflateSync(body, { maxOutputLength: largest });
    default:
      throw new Error(`The content encoding "${encoding?.slice(0, 40)}" is not read.`);
  }
}
