/**
 * What an answer means to the initiator that asked: a pure reading, from a message to events for the reducers. Strict about
 * whose answer it is (attacks M4, M5, M19, R8), lenient about its form: the peers differ (facts of gSOAP, Metro and WCF).
 */

import { asError } from '../base/errors.ts';
import type { Delivery } from '../channel/delivery.ts';
import { identityOf } from '../security/evidence.ts';
import { addressingOf } from '../soap/addressing.ts';
import { type Fault, FaultError, faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { type IncompleteSequenceBehavior, readCreateSequenceResponse, readExpires } from './bodies.ts';
import type { About } from './composer.ts';
import type { DestinationEvent, DestinationState } from './destination-state.ts';
import { ReliableError, type ReliableErrorCode } from './errors.ts';
import { type ReliableFault, readReliableFault } from './faults.ts';
import { maxRangesRead, type ReliableHeaders, readHeaders, withoutReliableHeaders } from './headers.ts';
import { position } from './position.ts';
import { add, includes } from './ranges.ts';
import type { InitiatorRecord } from './record.ts';
import type { SourceEvent, SourceState } from './source-state.ts';
import type { ReliableVersion } from './versions/version.ts';

/** An event without the time, which the driver adds. */
export type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;

export interface Known {
  readonly version: ReliableVersion;
  readonly record: InitiatorRecord;
  /** Identifier of the sequence; '' before there is one. */
  readonly id: string;
  readonly phase: SourceState['phase'];
  /** MessageID of the message that was asked, when it has one. */
  readonly messageId: string | undefined;
  readonly replies: DestinationState | undefined;
  readonly flowControl: boolean;
}

export interface Reply {
  /** False for a copy of one that came before. */
  readonly isNew: boolean;
  /** For the application: without the blocks of WS-RM. */
  readonly trip: Delivery;
  /** Absent for a reply outside of the reply sequence. */
  readonly event: Bare<Extract<DestinationEvent, { readonly kind: 'message' }>> | undefined;
}

export type Said =
  | {
      readonly kind: 'created';
      readonly id: string;
      readonly accepted: boolean;
      readonly behaviour: IncompleteSequenceBehavior | undefined;
      /** The life that is granted, in milliseconds; absent where the peer says nothing of it that can be read. */
      readonly life: number | undefined;
    }
  | { readonly kind: 'heard'; readonly source: readonly Bare<SourceEvent>[]; readonly reply?: Reply }
  /** A fault of WS-RM, or a refusal to create the sequence. */
  | {
      readonly kind: 'refused';
      readonly source: readonly Bare<SourceEvent>[];
      readonly trouble?: Error;
      /** What the peer said, where it said it in the words of WS-RM. */
      readonly fault?: ReliableFault;
    }
  /** As if it had not come; the trouble tells whether it is worth coming again. */
  | { readonly kind: 'lost'; readonly trouble: Error };

/** What `answer` means to an initiator that knows `known` and asked `about`. Never throws. */
export function interpret(about: About, answer: Delivery, known: Known): Said {
  try {
    requirePeer(answer, known.record.peer);
    const headers = readHeaders(answer.message);
    if (headers !== undefined && headers.version !== known.version) {
      throw unusable(`The answer speaks WS-RM ${headers.version.name}.`);
    }
    const found = readReliableFault(answer.message);
    if (found !== undefined) return faulted(about, found.fault, headers, known);
    const fault = faultOf(answer.message);
    switch (about.kind) {
      case 'create':
        return created(answer.message, fault, known);
      case 'message':
        return about.last
          ? lastAnswered(answer, headers, known)
          : answered(answer, headers, fault, about.number, known);
      case 'close':
      case 'terminate':
      case 'poll':
      case 'fault':
      case 'unasked': {
        if (fault !== undefined) return { kind: 'lost', trouble: troubleOf(fault) };
        const events = acknowledgements(headers, known);
        if (about.kind === 'close') events.push({ kind: 'close-answered' });
        if (about.kind === 'terminate') events.push({ kind: 'terminate-answered' });
        return { kind: 'heard', source: events };
      }
      default:
        return about satisfies never;
    }
  } catch (thrown) {
    const trouble = asError(thrown);
    if (about.kind !== 'create') return { kind: 'lost', trouble: again(trouble) };
    return { kind: 'refused', source: [abortion('RELIABLE_REFUSED', trouble.message)], trouble };
  }
}

/** The event that ends a sequence without telling the peer. */
export function abortion(code: ReliableErrorCode, text: string, tell = false): Bare<SourceEvent> {
  return { kind: 'abort', reason: { code, text }, tell };
}

/** Answers come from whoever answered CreateSequence. */
function requirePeer(answer: Delivery, peer: string | null): void {
  if (peer !== null && peer !== identityOf(answer)) {
    throw unusable('The answer does not come from whoever created the sequence.');
  }
}

function created(message: Message, fault: Fault | undefined, known: Known): Said {
  const { actions } = known.version;
  if (fault !== undefined) {
    const code = fault.code === 'receiver' ? 'RELIABLE_TOO_BUSY' : 'RELIABLE_REFUSED';
    const source = [abortion(code, `The peer refused the session: ${fault.reason}`)];
    return { kind: 'refused', source, trouble: new FaultError(fault) };
  }
  if (message.action !== actions.createSequenceResponse) {
    throw unusable(`CreateSequence was answered with "${message.action}".`);
  }
  const relatesTo = addressingOf(message)?.relatesTo;
  if (relatesTo !== undefined && relatesTo !== known.record.createId) {
    throw unusable('The CreateSequenceResponse relates to another message.');
  }
  const { id, accept, behaviour, expires } = readCreateSequenceResponse(known.version, message);
  if (accept !== undefined && known.record.offer === null) {
    throw unusable('The peer accepts a sequence that was not offered.');
  }
  const life = expires === undefined ? undefined : readExpires(expires);
  return { kind: 'created', id, accepted: accept !== undefined, behaviour, life };
}

/** The answer to LastMessage: the peer's own, on the reply sequence, or an acknowledgement. */
function lastAnswered(answer: Delivery, headers: ReliableHeaders | undefined, known: Known): Said {
  const source = [...acknowledgements(headers, known), { kind: 'close-answered' } as const];
  return { kind: 'heard', source, ...sequencedReply(answer, headers, known) };
}

function answered(
  answer: Delivery,
  headers: ReliableHeaders | undefined,
  fault: Fault | undefined,
  number: number,
  known: Known,
): Said {
  const { actions } = known.version;
  const events = acknowledgements(headers, known);
  const { action } = answer.message;
  const isProtocol = action === actions.sequenceAcknowledgement || action === actions.lastMessage;
  if (isProtocol) return { kind: 'heard', source: events, ...sequencedReply(answer, headers, known) };
  const relatesTo = addressingOf(answer.message)?.relatesTo;
  if (known.messageId !== undefined && relatesTo !== undefined && relatesTo !== known.messageId) {
    throw unusable('The reply relates to another message.');
  }
  const sequenced = sequencedReply(answer, headers, known);
  // A copy of a reply that came before settles nothing: its request is settled, or it is not the reply to this one.
  if (sequenced.reply?.isNew === false) return { kind: 'heard', source: events, ...sequenced };
  if (sequenced.reply === undefined && fault !== undefined && !isReply(fault, relatesTo, known)) {
    return { kind: 'lost', trouble: troubleOf(fault) };
  }
  const bare: Reply = { isNew: true, trip: answer.carrying(withoutReliableHeaders(answer.message)), event: undefined };
  return { kind: 'heard', source: [...events, { kind: 'replied', number }], reply: sequenced.reply ?? bare };
}

/**
 * Whether a fault outside of the reply sequence is the application's answer (gSOAP sends its faults so): it says which
 * request it answers. A security fault never is: sending the same message again would only repeat it.
 */
function isReply(fault: Fault, relatesTo: string | undefined, known: Known): boolean {
  if (fault.subcode?.namespace.includes('wssecurity-secext') === true) return false;
  return known.messageId !== undefined && relatesTo === known.messageId;
}

function sequencedReply(
  answer: Delivery,
  headers: ReliableHeaders | undefined,
  { replies }: Known,
): { readonly reply?: Reply } {
  const block = headers?.sequence;
  if (block === undefined) return {};
  const { id, number, last } = block;
  if (replies === undefined || id !== replies.id) {
    throw unusable('The reply came on a sequence that was not offered.');
  }
  if (number === 'beyond' || number >= Number.MAX_SAFE_INTEGER) {
    throw unusable('The reply has a number beyond those that can be counted.');
  }
  const trip = answer.carrying(withoutReliableHeaders(answer.message)).with(position, { sequence: id, number });
  const isNew = !includes(replies.received, number);
  if (isNew && add(replies.received, number).length > maxRangesRead) {
    throw unusable('Too many replies are missing to remember one more.');
  }
  return { reply: { isNew, trip, event: { kind: 'message', number, bytes: 0, last } } };
}

function acknowledgements(headers: ReliableHeaders | undefined, known: Known): Bare<SourceEvent>[] {
  const events: Bare<SourceEvent>[] = [];
  for (const { id, ranges, nacks, final, bufferRemaining } of headers?.acknowledgements ?? []) {
    if (id !== known.id) continue;
    const room = known.flowControl ? bufferRemaining : undefined;
    events.push({ kind: 'acknowledgement', ranges, nacks, final, bufferRemaining: room });
  }
  // An acknowledgement is a sign of life of its own.
  return events.length === 0 ? [{ kind: 'heard' }] : events;
}

function faulted(about: About, fault: ReliableFault, headers: ReliableHeaders | undefined, known: Known): Said {
  const { identifier, name, reason } = fault;
  if (identifier !== undefined && identifier !== known.id && identifier !== known.record.offer) {
    throw unusable('The fault is about another sequence.');
  }
  const learned = acknowledgements(headers, known);
  const ending = (code: ReliableErrorCode): Said => {
    const trouble = new ReliableError(code, reason, { fault });
    return { kind: 'refused', source: [...learned, abortion(code, `The peer says: ${reason}`)], trouble, fault };
  };
  switch (name) {
    case 'SequenceTerminated':
    case 'UnknownSequence':
      // Asked to forget the sequence, the peer says that it has.
      if (known.phase === 'terminating') return { kind: 'heard', source: [{ kind: 'terminate-answered' }] };
      return ending(name === 'UnknownSequence' ? 'RELIABLE_UNKNOWN_SEQUENCE' : 'RELIABLE_TERMINATED');
    case 'SequenceClosed':
      return { kind: 'refused', source: [...learned, { kind: 'closed-by-peer' }], fault };
    case 'MessageNumberRollover': {
      const refused: Bare<SourceEvent>[] =
        about.kind === 'message' ? [{ kind: 'refused', number: about.number, empty: false }] : [];
      return { kind: 'refused', source: [...learned, { kind: 'rollover' }, ...refused], fault };
    }
    case 'InvalidAcknowledgement':
      return ending('RELIABLE_INVALID_ACKNOWLEDGEMENT');
    case 'LastMessageNumberExceeded':
      return ending('RELIABLE_LAST_EXCEEDED');
    case 'CreateSequenceRefused':
      return ending(fault.connectionLimit === true ? 'RELIABLE_TOO_BUSY' : 'RELIABLE_REFUSED');
    case 'WsrmRequired':
      return ending('RELIABLE_REQUIRED');
    default:
      return name satisfies never;
  }
}

/** A Receiver fault may pass; a Sender fault would come again. */
function troubleOf(fault: Fault): FaultError {
  return new FaultError(fault, { transient: fault.code === 'receiver' });
}

function unusable(text: string): ReliableError {
  return new ReliableError('RELIABLE_MALFORMED', text, { transient: true });
}

/** Whatever made an answer unreadable: a good one may come yet. */
function again(trouble: Error): Error {
  return trouble instanceof ReliableError && trouble.transient
    ? trouble
    : new ReliableError('RELIABLE_MALFORMED', trouble.message, { transient: true, cause: trouble });
}
