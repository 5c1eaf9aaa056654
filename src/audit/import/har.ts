/** HTTP Archives (HAR 1.2), as browsers and proxies export them. Cookies and headers are left where they are. */
import type { Piece } from './piece.ts';

interface Entry {
  readonly at: number;
  readonly piece: Piece;
}

/** @throws Error when it is no HAR */
export function* harPieces(file: string, text: string): Generator<Piece, void, undefined> {
  const entries = list(member(member(JSON.parse(text), 'log'), 'entries'));
  if (entries === undefined) throw new Error('It has no log.entries.');
  const found = entries.flatMap((entry, at) => [...piecesOf(entry, file, at + 1)]);
  // Requests may be under way together: what happened first comes first.
  for (const { piece } of found.sort((one, other) => one.at - other.at)) yield piece;
}

function* piecesOf(entry: unknown, file: string, line: number): Generator<Entry, void, undefined> {
  const [request, response] = [member(entry, 'request'), member(entry, 'response')];
  const started = Date.parse(String(member(entry, 'startedDateTime')));
  const took = Number(member(entry, 'time'));
  const url = URL.parse(String(member(request, 'url')));
  const asked = member(request, 'postData');
  const body = member(asked, 'text');
  if (member(request, 'method') !== 'POST' || url === null || typeof body !== 'string' || !body.includes('Envelope')) {
    return;
  }
  const place = `${url.origin}${url.pathname}`;
  const transport = { name: 'http', place, secure: url.protocol === 'https:' };
  const at = Number.isNaN(started) ? 0 : started;
  const common = { kind: 'message', file, line, exchange: String(line), direction: 'seen' } as const;
  yield {
    at,
    piece: {
      ...common,
      leg: 'request',
      octets: Buffer.from(body),
      at: iso(started),
      transport,
      contentType: textOf(member(asked, 'mimeType')),
    },
  };
  const content = member(response, 'content');
  const answer = member(content, 'text');
  const status = Number(member(response, 'status'));
  // A browser says 0 where no answer came.
  if (!(status > 0)) return;
  const octets = typeof answer !== 'string' ? '' : answer;
  const isBase64 = member(content, 'encoding') === 'base64';
  const ended = started + Math.max(0, took || 0);
  yield {
    at: Number.isNaN(ended) ? 0 : ended,
    piece: {
      ...common,
      leg: 'reply',
      octets: Buffer.from(octets, isBase64 ? 'base64' : 'utf8'),
      at: iso(ended),
      transport: { ...transport, status },
      contentType: textOf(member(content, 'mimeType')),
    },
  };
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Readonly<Record<string, unknown>>)[name] : undefined;
}

function list(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function iso(time: number): string | undefined {
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
