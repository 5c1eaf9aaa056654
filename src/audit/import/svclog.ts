/**
 * Message logs of WCF (`.svclog`, written by System.ServiceModel.MessageLogging): E2ETraceEvents one after the other, each with a
 * MessageLogTraceRecord around an Envelope. Messages of the transport level are read, which are what was on the wire; those of
 * the service level only where there are no others, and then nothing of them is signed any more.
 */
import { utf8, view } from '../../base/bytes.ts';
import { asError } from '../../base/errors.ts';
import type { XmlElement } from '../../xml/document.ts';
import { XmlFragment } from '../../xml/fragment.ts';
import { scan } from '../../xml/scan.ts';
import type { Piece } from './piece.ts';

const begin = '<E2ETraceEvent';
const end = '</E2ETraceEvent>';

export function* svclogPieces(file: string, octets: Uint8Array): Generator<Piece, void, undefined> {
  const pieces = [...events(file, octets)];
  const onWire = pieces.filter(({ level }) => level !== 'service');
  const all = onWire.some(({ level }) => level === 'transport') ? onWire : pieces;
  for (const { piece } of all) yield piece;
}

interface Event {
  readonly level: 'transport' | 'service' | 'none';
  readonly piece: Piece;
}

function* events(file: string, octets: Uint8Array): Generator<Event, void, undefined> {
  const text = view(octets);
  let line = 1;
  let counted = 0;
  for (let at = text.indexOf(begin); at >= 0; ) {
    line += lineFeeds(text, counted, at);
    counted = at;
    const stop = text.indexOf(end, at);
    if (stop < 0) {
      yield { level: 'none', piece: { kind: 'broken', file, line, reason: 'The last event is cut.' } };
      return;
    }
    const next = stop + end.length;
    try {
      yield* messageIn(scan(text.subarray(at, next)).root, file, line);
    } catch (thrown) {
      yield { level: 'none', piece: { kind: 'broken', file, line, reason: asError(thrown).message } };
    }
    at = text.indexOf(begin, next);
  }
}

function lineFeeds(text: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf(0x0a, from); at >= 0 && at < to; at = text.indexOf(0x0a, at + 1)) count++;
  return count;
}

function* messageIn(event: XmlElement, file: string, line: number): Generator<Event, void, undefined> {
  const record = descendant(event, 'MessageLogTraceRecord');
  const envelope = record?.children.find(({ local }) => local === 'Envelope');
  if (record === undefined || envelope === undefined) return;
  const source = record.attribute('Source') ?? '';
  const isSent = source.endsWith('Send') || source.endsWith('SendRequest') || source.endsWith('SendReply');
  const has = (local: string) => record.children.some((one) => one.local === local);
  const time = record.attribute('Time') ?? '';
  const activity = descendant(event, 'Correlation')?.attribute('ActivityID');
  yield {
    level: source.startsWith('Transport') ? 'transport' : 'service',
    piece: {
      kind: 'message',
      file,
      line,
      octets: alone(envelope),
      direction: isSent ? 'out' : 'in',
      leg: has('HttpRequest') ? 'request' : has('HttpResponse') ? 'reply' : undefined,
      exchange: activity === undefined || /^\{0{8}-/.test(activity) ? undefined : activity,
      at: /(Z|[+-]\d\d:\d\d)$/.test(time) && !Number.isNaN(Date.parse(time)) ? new Date(time).toISOString() : undefined,
      transport: { name: 'http' },
    },
  };
}

/** As it stands in the log, where it can stand by itself; else with the prefixes that are declared around it. */
function alone(envelope: XmlElement): Uint8Array {
  const octets = envelope.document.bytes.slice(envelope.start, envelope.end);
  try {
    scan(octets);
    return octets;
  } catch {
    return utf8(XmlFragment.of(envelope).toString());
  }
}

function descendant(of: XmlElement, local: string): XmlElement | undefined {
  for (const one of of.children) {
    const found = one.local === local ? one : descendant(one, local);
    if (found !== undefined) return found;
  }
  return undefined;
}
