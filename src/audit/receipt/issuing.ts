/**
 * Receipts on the wire. At the service, an element around the reliable session sees what security let in, and when an
 * acknowledgement covers a sequence that its source has ended, the answer bears a header with the receipt, which security signs like
 * any other; who does not know it ignores it. At the client, the same place takes the header out and hands the receipt on.
 */
import { type Clock, systemClock } from '../../base/clock.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import type { BindingElement } from '../../channel/channel.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { transform } from '../../channel/transform.ts';
import { readAboutSequence, readCreateSequenceResponse } from '../../reliable/bodies.ts';
import { readHeaders } from '../../reliable/headers.ts';
import { includes, type Ranges } from '../../reliable/ranges.ts';
import { reliableVersions } from '../../reliable/versions/table.ts';
import { evidence } from '../../security/evidence.ts';
import type { SigningKey } from '../../security/keys.ts';
import { header, payload, withHeaders, withoutHeaders } from '../../soap/envelope.ts';
import type { Message } from '../../soap/message.ts';
import { XmlWriter } from '../../xml/write.ts';
import { bodyDigest } from '../body.ts';
import { AuditError } from '../errors.ts';
import { mostNumbers, type ReceiptClaims, writeReceipt } from './receipt.ts';

/** Namespace of the header. */
const namespace = 'urn:surewire:receipt';

export interface IssuingOptions {
  /** Signs the receipts; that of the service, so that its identity is the one that acknowledged. */
  readonly key: SigningKey;
  readonly clock?: Clock;
  /** Adds a time stamp (RFC 3161) over the signature of a receipt: the token, DER. */
  readonly timestamp?: (receipt: string) => Promise<Uint8Array>;
  /** Bodies that are remembered for receipts to come, all sequences together; default a million. */
  readonly maxBodies?: number;
}

export interface CollectingOptions {
  /**
   * Stores a receipt. Rejecting it makes the exchange fail, so that the answer, and the receipt with it, is asked for again.
   *
   * @param timestamp the time stamp, DER, where there is one
   */
  readonly received: (receipt: string, timestamp: Uint8Array | undefined) => void | Promise<void>;
}

const publish = diagnostics('audit');

/** Sequences that are remembered; the oldest is forgotten, and gets no receipt. */
export const mostSequences = 10_000;
/** Bodies that are remembered where the options do not say. */
export const mostBodies = 1_000_000;

/** What a service knows of one sequence. */
interface Known {
  /** Empty where two messages came under one number: which of them was taken is not known here. */
  readonly bodies: Map<number, string>;
  readonly source: string | undefined;
  last: number | undefined;
  /** Made once: an answer that is sent again bears the same. */
  issued: Promise<readonly Issued[]> | undefined;
}

interface Issued {
  readonly jws: string;
  readonly timestamp: Uint8Array | undefined;
}

/**
 * The element of a reliable session, at a service, which gives receipts for what it took.
 *
 * @example binding([exchange({ addressing }), issuing(reliableSession(), { key }), security(policy)], transport)
 * @throws AuditError `AUDIT_OPTIONS`
 */
export function issuing(session: BindingElement, options: IssuingOptions): BindingElement {
  const { key, clock = systemClock, timestamp, maxBodies = mostBodies } = options;
  if (!(Number.isFinite(maxBodies) && maxBodies > 0))
    throw new AuditError('AUDIT_OPTIONS', `maxBodies is ${maxBodies}.`);
  const sequences = new Map<string, Known>();
  let remembered = 0;

  /** A sequence belongs to whoever secured its CreateSequence; nobody else's messages count. */
  const created = (by: Delivery, answer: Message): void => {
    const content = payload(answer);
    const version = reliableVersions.find((one) => one.namespace === content?.namespace);
    if (version === undefined || content?.local !== 'CreateSequenceResponse') return;
    const id = quietly(() => readCreateSequenceResponse(version, answer).id);
    if (id === undefined || sequences.has(id)) return;
    const source = by.get(evidence)?.signer?.identity;
    sequences.set(id, { bodies: new Map(), source, last: undefined, issued: undefined });
    const [oldest] = sequences.entries();
    if (sequences.size <= mostSequences || oldest === undefined) return;
    remembered -= oldest[1].bodies.size;
    sequences.delete(oldest[0]);
  };

  const heard = (arrived: Delivery): void => {
    const { message } = arrived;
    const identity = arrived.get(evidence)?.signer?.identity;
    const block = quietly(() => readHeaders(message))?.sequence;
    const known = block && sequences.get(block.id);
    if (known !== undefined && known.source === identity && block !== undefined && block.number !== 'beyond') {
      const body = Buffer.from(bodyDigest(message), 'hex').toString('base64url');
      const before = known.bodies.get(block.number);
      if (before !== undefined && before !== body) known.bodies.set(block.number, '');
      else if (before === undefined && known.issued === undefined && remembered < maxBodies) {
        known.bodies.set(block.number, body);
        remembered++;
      }
      if (block.last) known.last = block.number;
    }
    const ended = endIn(message);
    const closed = ended && sequences.get(ended.id);
    if (closed?.source === identity && closed !== undefined)
      closed.last ??= ended?.last ?? Math.max(0, ...closed.bodies.keys());
  };

  const receiptsFor = (answer: Message): Promise<readonly Issued[]> | undefined => {
    for (const { id, ranges } of quietly(() => readHeaders(answer))?.acknowledgements ?? []) {
      const known = sequences.get(id);
      if (known?.last === undefined || !covers(ranges, known.last)) continue;
      known.issued ??= issue(id, known);
      return known.issued;
    }
    return undefined;
  };

  const issue = async (sequence: string, known: Known): Promise<readonly Issued[]> => {
    const all = [...known.bodies].filter(([, body]) => body !== '').sort(([one], [other]) => one - other);
    const made: Issued[] = [];
    for (let at = 0; at < all.length; at += mostNumbers) {
      const some = all.slice(at, at + mostNumbers);
      const claims: ReceiptClaims = {
        sequence,
        source: known.source,
        numbers: rangesOf(some.map(([number]) => number)),
        bodies: some.map(([, body]) => body),
        final: at + mostNumbers >= all.length,
        issued: clock.now(),
      };
      const jws = await writeReceipt(claims, key);
      made.push({ jws, timestamp: await timestamp?.(jws) });
    }
    remembered -= known.bodies.size;
    known.bodies.clear();
    publish(() => ({ event: 'receipt.issued', sequence, receipts: made.length }));
    return made;
  };

  const below = transform({
    name: 'receipts',
    place: 'session',
    down: (next) => async (outgoing) => next(outgoing),
    up: (next) => async (incoming) => {
      heard(incoming);
      const answer = await next(incoming);
      if (answer === undefined) return undefined;
      created(incoming, answer.message);
      try {
        const receipts = (await receiptsFor(answer.message)) ?? [];
        return receipts.length === 0 ? answer : answer.carrying(bearing(answer.message, receipts));
      } catch (error) {
        // What was taken was taken; only the proof of it is missing, and the next answer may bear it.
        for (const known of sequences.values()) if (known.bodies.size > 0) known.issued = undefined;
        publish(() => ({ event: 'receipt.failed', error }));
        return answer;
      }
    },
  });
  return { ...session, wrap: (inner) => session.wrap(below.wrap(inner)) };
}

/**
 * The element of a reliable session, at a client, which takes receipts for what it sent.
 *
 * @example collecting(reliableSession({ oneWay: true }), { received: (receipt) => appendFile('receipts.jsonl', `${receipt}\n`) })
 */
export function collecting(session: BindingElement, { received }: CollectingOptions): BindingElement {
  const below = transform({
    name: 'receipts',
    place: 'session',
    down: (next) => async (outgoing) => {
      const reply = await next(outgoing);
      if (reply === undefined) return undefined;
      const blocks = reply.message.headers.filter((one) => one.namespace === namespace && one.local === 'Receipt');
      if (blocks.length === 0) return reply;
      for (const { fragment } of blocks.slice(0, 256)) {
        const token = fragment.element.attribute('TimeStampToken');
        const timestamp = token === undefined ? undefined : Buffer.from(token, 'base64');
        await received(fragment.element.text.trim(), timestamp);
      }
      return reply.carrying(withoutHeaders(reply.message, (block) => block.namespace === namespace));
    },
    up: (next) => async (incoming) => next(incoming),
  });
  return { ...session, wrap: (inner) => session.wrap(below.wrap(inner)) };
}

function bearing(message: Message, receipts: readonly Issued[]): Message {
  const blocks = receipts.map(({ jws, timestamp }) => {
    const writer = new XmlWriter().start(namespace, 'Receipt', 'sw');
    if (timestamp !== undefined) writer.attribute('', 'TimeStampToken', Buffer.from(timestamp).toString('base64'));
    return header(message.version, writer.text(jws).end().finish());
  });
  return withHeaders(message, blocks);
}

/** Close and terminate: how many messages there are. */
function endIn(message: Message): { readonly id: string; readonly last: number | undefined } | undefined {
  const content = payload(message);
  if (content === undefined || !['CloseSequence', 'TerminateSequence'].includes(content.local)) return undefined;
  const version = reliableVersions.find((one) => one.namespace === content.namespace);
  return version && quietly(() => ({ last: undefined, ...readAboutSequence(version, message, content.local) }));
}

function covers(ranges: Ranges, last: number): boolean {
  return last > 0 && includes(ranges, last) && ranges[0]?.lower === 1 && ranges[0].upper >= last;
}

function rangesOf(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/** What cannot be read is refused by the session, not here. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
