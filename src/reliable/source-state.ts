/**
 * The state of an RM Source, what can happen to it and what it can want done; and what can be read off a state. The rules are
 * in `source.ts`.
 */
import type { Instant } from '../base/clock.ts';
import { pollDue, resendDue } from './dispatch.ts';
import type { Outcome, ReliableErrorCode } from './errors.ts';
import { blank, deadline, earlier, type Ledger, type Transmission, type When } from './ledger.ts';
import { includes, type Ranges } from './ranges.ts';

/** A reducer's answer: the new state, and what is to be done, in this order. */
export type Step<State, Effect> = readonly [state: State, effects: readonly Effect[]];

/** Why a sequence ended; `completed` is the good end. */
export interface EndReason {
  readonly code: 'completed' | ReliableErrorCode;
  readonly text: string;
}

/** A request that is repeated until answered. */
interface Repeated {
  readonly attempts: number;
  readonly due: Instant;
}

/** A sequence that exists. */
interface Known {
  readonly id: string;
  readonly ledger: Ledger;
}

export type SourceState =
  | { readonly phase: 'none' }
  | ({
      readonly phase: 'creating';
      readonly first: Instant;
      readonly queue: Ledger;
      /** It was declined once, in words that prove nothing. */
      readonly doubted?: true;
    } & Repeated)
  | ({ readonly phase: 'created' } & Known)
  /** Numbers are used up: repeats what is under way, takes nothing new. */
  | ({ readonly phase: 'rollover' } & Known)
  /** Asked to close: waits until everything is settled. */
  | ({ readonly phase: 'draining' } & Known)
  /** CloseSequence or LastMessage is under way. */
  | ({ readonly phase: 'closing' } & Known & Repeated)
  /** TerminateSequence is under way. */
  | ({ readonly phase: 'terminating'; readonly reason: EndReason } & Known & Repeated)
  | {
      readonly phase: 'ended';
      readonly reason: EndReason;
      readonly next: number;
      readonly acknowledged: Ranges;
      /** Sent, and nobody knows whether they arrived. */
      readonly unknown: Ranges;
    };

export type SourceEvent = When &
  (
    | { readonly kind: 'open' }
    /** `life`: for how long it is granted, in milliseconds, where that was asked for. */
    | { readonly kind: 'created'; readonly id: string; readonly life?: number }
    /**
     * CreateSequence was refused in words that prove nothing; `again`: a new copy of it may do better. An intermediary that
     * repeats a request makes a peer refuse the second copy as replayed, and whichever answer comes first is heard alone.
     */
    | { readonly kind: 'declined'; readonly reason: EndReason; readonly again: boolean }
    /** The application hands over a message. */
    | { readonly kind: 'submit'; readonly expects: 'acknowledgement' | 'reply' }
    | {
        readonly kind: 'acknowledgement';
        readonly ranges: Ranges;
        readonly nacks: readonly number[];
        readonly final: boolean;
        readonly bufferRemaining: number | undefined;
      }
    /** The reply to this very message has come. */
    | { readonly kind: 'replied'; readonly number: number }
    /** The last copy was not taken: the answer was empty, or the way was broken. */
    | { readonly kind: 'refused'; readonly number: number; readonly empty: boolean }
    /** The password that messages bring was refused; `proven`: by the service itself (TLS). */
    | { readonly kind: 'denied'; readonly proven: boolean }
    /** The question what it has was answered with nothing: the peer lives, and does not say. */
    | { readonly kind: 'poll-emptied' }
    /** Something valid was heard that says nothing about messages. */
    | { readonly kind: 'heard' }
    | { readonly kind: 'close' }
    | { readonly kind: 'close-answered' }
    | { readonly kind: 'terminate-answered' }
    /** The peer closed the sequence by itself. */
    | { readonly kind: 'closed-by-peer' }
    | { readonly kind: 'rollover' }
    /** Ends now; `tell`: the peer is told with SequenceTerminated. */
    | { readonly kind: 'abort'; readonly reason: EndReason; readonly tell: boolean }
    /** Taken up again from a store. */
    | { readonly kind: 'resumed' }
    | { readonly kind: 'elapsed' }
  );

export type SourceEffect =
  | { readonly effect: 'create'; readonly attempt: number }
  | { readonly effect: 'opened'; readonly id: string }
  | { readonly effect: 'numbered'; readonly number: number }
  | { readonly effect: 'rejected'; readonly code: ReliableErrorCode; readonly text: string }
  | {
      readonly effect: 'transmit';
      readonly number: number;
      readonly attempt: number;
      readonly last: boolean;
      /** With AckRequested. */
      readonly asks?: true;
    }
  | { readonly effect: 'settled'; readonly number: number; readonly outcome: Outcome }
  /** Ask for an acknowledgement, as a sign of life. */
  | { readonly effect: 'poll' }
  | { readonly effect: 'close'; readonly last: number; readonly attempt: number }
  | { readonly effect: 'terminate'; readonly last: number; readonly attempt: number }
  | {
      readonly effect: 'fault';
      readonly fault: 'SequenceTerminated' | 'InvalidAcknowledgement';
      readonly text: string;
      /** The acknowledgement that cannot be true. */
      readonly refused?: { readonly ranges: Ranges; readonly final: boolean };
    }
  /** Given up in this process; nothing is told to the peer, and the state stays as it is, to be taken up again. */
  | { readonly effect: 'suspended'; readonly reason: EndReason }
  | { readonly effect: 'ended'; readonly reason: EndReason };

/** One step of a source. */
export type SourceStep = Step<SourceState, SourceEffect>;

/** The good end. */
export const completed: EndReason = Object.freeze({
  code: 'completed',
  text: 'the sequence was terminated in good order',
});

/** Where every sequence starts that this end creates. */
export const noSource: SourceState = Object.freeze({ phase: 'none' });

/** A sequence that the peer offered, ready to be sent on. */
export function offeredSource(id: string, now: Instant, policy: Transmission): SourceState {
  return { phase: 'created', id, ledger: blank(now, policy) };
}

/** When the next `elapsed` event is wanted; `undefined` when nothing waits for time to pass. */
export function sourceDue(state: SourceState, policy: Transmission): Instant | undefined {
  const due = dueInPhase(state, policy);
  const expires = ledgerOf(state)?.expires;
  return due === undefined || expires === undefined ? due : earlier(due, expires);
}

function dueInPhase(state: SourceState, policy: Transmission): Instant | undefined {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return undefined;
    case 'creating':
    case 'terminating':
      return state.due;
    case 'closing':
      return earlier(state.due, deadline(state.ledger, policy));
    case 'created':
    case 'rollover':
    case 'draining': {
      if (policy.drive === 'reply') return undefined;
      const { ledger } = state;
      if (ledger.quiet !== undefined) return earlier(ledger.quiet, deadline(ledger, policy));
      return earlier(earlier(pollDue(ledger, policy), deadline(ledger, policy)), resendDue(ledger));
    }
    default:
      return state satisfies never;
  }
}

/** What is known of message `number`. */
export function outcomeOf(state: SourceState, number: number): Outcome {
  switch (state.phase) {
    case 'none':
      return 'failed';
    case 'creating':
      return number < state.queue.next ? 'pending' : 'failed';
    case 'ended':
      if (includes(state.acknowledged, number)) return 'acknowledged';
      return includes(state.unknown, number) ? 'unknown' : 'failed';
    case 'created':
    case 'rollover':
    case 'draining':
    case 'closing':
    case 'terminating': {
      const { acknowledged, awaiting, next } = state.ledger;
      if (includes(acknowledged, number) && !includes(awaiting, number)) return 'acknowledged';
      const isOpen = state.phase !== 'terminating' || state.ledger.flights.some((flight) => flight.number === number);
      return number < next && isOpen ? 'pending' : 'failed';
    }
    default:
      return state satisfies never;
  }
}

/** How many numbers were given so far. */
export function submitted(state: SourceState): number {
  return (ledgerOf(state)?.next ?? (state.phase === 'ended' ? state.next : 1)) - 1;
}

/** How many messages are neither settled nor given up. */
export function unsettled(state: SourceState): number {
  const ledger = ledgerOf(state);
  return ledger === undefined ? 0 : ledger.flights.length + ledger.next - 1 - ledger.sent;
}

/** The ledger in the phases that have one. */
export function ledgerOf(state: SourceState): Ledger | undefined {
  if (state.phase === 'none' || state.phase === 'ended') return undefined;
  return state.phase === 'creating' ? state.queue : state.ledger;
}

/** The sequence's identifier, once it is known and until it has ended. */
export function sourceId(state: SourceState): string | undefined {
  return state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended' ? undefined : state.id;
}

/** True when the two would be worth the same to a process that takes the session up: attempts and times are not. */
export function sameSending(one: SourceState, other: SourceState): boolean {
  if (one.phase !== other.phase) return false;
  const before = ledgerOf(one);
  const after = ledgerOf(other);
  if (before === undefined || after === undefined) return before === after;
  return (
    before.next === after.next &&
    before.sent === after.sent &&
    before.acknowledged === after.acknowledged &&
    before.awaiting === after.awaiting
  );
}
