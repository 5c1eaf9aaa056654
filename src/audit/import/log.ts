/**
 * Text logs with envelopes in them: CXF's logging (both generations), Metro's HTTP dump, and whatever else writes a message between
 * other lines. Envelopes are found by their tags; what stands in front of each says what it was. Messages that were written
 * prettily are other octets than those that were signed, and do not verify.
 */
import type { MessagePiece, Piece } from './piece.ts';

/** How one stack announces a message. */
interface Dialect {
  /** In front of the envelope. */
  readonly heading: RegExp;
  readonly direction: (heading: RegExpExecArray) => MessagePiece['direction'];
  readonly leg: (heading: RegExpExecArray, preamble: string) => MessagePiece['leg'];
  /** What request and reply have in common. */
  readonly exchange: RegExp | undefined;
}

const dialects: readonly Dialect[] = [
  // CXF 3.2 and later: REQ_OUT, RESP_IN, …
  {
    heading: /\b(REQ|RESP|FAULT)_(IN|OUT)\b/g,
    direction: ([, , way]) => (way === 'OUT' ? 'out' : 'in'),
    leg: ([, kind]) => (kind === 'REQ' ? 'request' : 'reply'),
    exchange: /ExchangeId: *(\S+)/,
  },
  // CXF before that: Inbound Message, Outbound Message.
  {
    heading: /\b(Inbound|Outbound) (?:Fault )?Message\b/g,
    direction: ([, way]) => (way === 'Outbound' ? 'out' : 'in'),
    leg: (_, preamble) =>
      /Response-Code:/.test(preamble) ? 'reply' : /Http-Method:/.test(preamble) ? 'request' : undefined,
    exchange: /\bID: *(\d+)/,
  },
  // Metro (com.sun.xml.ws.transport.http.…dump=true).
  {
    heading: /---\[(HTTP )?(request|response)[^\]]*\]---/gi,
    direction: () => undefined,
    leg: ([, , kind]) => (kind?.toLowerCase() === 'request' ? 'request' : 'reply'),
    exchange: undefined,
  },
];

/** Characters in front of an envelope that are looked at. */
const preambleLength = 8_192;

export function* logPieces(file: string, text: string): Generator<Piece, void, undefined> {
  const opening = /<(?:([A-Za-z_][\w.-]*):)?Envelope[\s>]/g;
  let behind = 0;
  let line = 1;
  for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
    const start = match.index;
    for (let at = text.indexOf('\n', behind); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) line++;
    const closing = `</${match[1] === undefined ? '' : `${match[1]}:`}Envelope>`;
    const end = text.indexOf(closing, start);
    const preamble = text.slice(Math.max(behind, start - preambleLength), start);
    if (end < 0) {
      yield { kind: 'broken', file, line, reason: 'A message is cut: its Envelope has no end.' };
      return;
    }
    const octets = text.slice(start, end + closing.length);
    yield {
      kind: 'message',
      file,
      line,
      octets: Buffer.from(octets),
      ...announced(preamble),
      transport: { name: 'http' },
    };
    for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) line++;
    behind = end + closing.length;
    opening.lastIndex = behind;
  }
}

function announced(preamble: string): Pick<MessagePiece, 'direction' | 'leg' | 'exchange' | 'at'> {
  const at = timeIn(preamble);
  for (const dialect of dialects) {
    const heading = [...preamble.matchAll(dialect.heading)].at(-1) as RegExpExecArray | undefined;
    if (heading === undefined) continue;
    const after = preamble.slice(heading.index);
    return {
      direction: dialect.direction(heading),
      leg: dialect.leg(heading, after),
      exchange: dialect.exchange?.exec(after)?.[1],
      at,
    };
  }
  return { at };
}

/** The last time that says in which zone it is. */
function timeIn(preamble: string): string | undefined {
  const found = [...preamble.matchAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)/g)].at(
    -1,
  )?.[0];
  const time = found === undefined ? Number.NaN : Date.parse(found.replace(',', '.'));
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
