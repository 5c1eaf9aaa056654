/**
 * The state of an RM Destination, what can happen to it and what it can want done; and what can be read off a state. The rules
 * are in `destination.ts` and `destination-end.ts`.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import type { ReliableFaultName } from './faults.ts';
import { count, equal, none, prefix, type Ranges } from './ranges.ts';
import type { Step } from './source-state.ts';

/** What the destination promises, and its limits. Times in milliseconds. */
export interface DeliveryAssurance {
  /** Messages are handed up in the order of their numbers, the next one after the one before is finished. */
  readonly ordered: boolean;
  /**
   * How often the application may see a message (WS-RM Policy 1.1, DeliveryAssurance). `exactly-once`: once, and again only
   * when the process died before it had finished. `at-most-once`: never again, come what may. `at-least-once`: again whenever
   * its source sends it again.
   */
  readonly repeats: 'exactly-once' | 'at-most-once' | 'at-least-once';
  /** What becomes of messages behind a gap when the sequence ends with one; `DiscardEntireSequence` hands up only whole ones. */
  readonly incomplete: IncompleteSequenceBehavior;
  /** How far ahead of the first missing (unordered) or unfinished (ordered) message a number may be. */
  readonly window: number;
  /**
   * True where messages may be finished out of turn (duplex: the answer that a handler waits for overtakes the message that it
   * handles): the window then begins at the first missing message in any case.
   */
  readonly overtaking?: boolean;
  /** The most octets held for messages that are accepted and not finished. */
  readonly heldBytes: number;
  /** The most ranges that an acknowledgement may need. */
  readonly maxRanges: number;
  readonly inactivityTimeout: number;
  /** How long the next message of the application may take; what only keeps the session alive does not count. */
  readonly receiveTimeout: number;
  /** The greatest number that is accepted. */
  readonly lastNumber: number;
}

export interface Held {
  readonly number: number;
  readonly bytes: number;
  /** It was handed up, and is not to be again (at most once). */
  readonly begun?: true;
}

export interface Receipt {
  readonly id: string;
  readonly received: Ranges;
  readonly delivered: Ranges;
  /** Accepted and not finished, ascending. */
  readonly held: readonly Held[];
  /** The last number, once the source has named it. */
  readonly last: number | null;
  readonly heard: Instant;
  /** When the application's last message came or was finished with. */
  readonly busy: Instant;
  readonly expires: Instant | null;
}

export type DestinationState =
  | ({ readonly phase: 'created' } & Receipt)
  /** Takes nothing new; the acknowledgement is final. */
  | ({ readonly phase: 'closed' } & Receipt)
  /** Over for the peer; what was accepted in order and is owed to the application is still handed up. */
  | ({ readonly phase: 'terminated'; readonly reason: DestinationEnd } & Receipt)
  /** Over, and why. What it had accepted is still said to a source that asks again. */
  | ({ readonly phase: 'ended'; readonly reason: DestinationEnd } & Receipt);

export type DestinationEnd = 'completed' | 'inactive' | 'idle' | 'expired' | 'faulted';

export type DestinationEvent = { readonly now: Instant } & (
  | {
      readonly kind: 'message';
      readonly number: number;
      readonly bytes: number;
      /** Marked as the last one (2005/02). */
      readonly last: boolean;
      /** A copy of it is at work, or its reply is kept: a repetition gets that. */
      readonly isAnswered?: true;
    }
  /** The application has finished with a message. */
  | { readonly kind: 'delivered'; readonly number: number }
  /** Any other sign of life that names the sequence. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'close'; readonly last: number | undefined }
  | { readonly kind: 'terminate'; readonly last: number | undefined }
  /** The peer ended the sequence with a fault, or this end does. */
  | { readonly kind: 'fault' }
  /** Taken up again from a store. */
  | { readonly kind: 'resumed' }
  | { readonly kind: 'elapsed' }
);

export type DestinationEffect =
  /** New: keep it. */
  | { readonly effect: 'accept'; readonly number: number }
  /** Hand it up now. */
  | { readonly effect: 'deliver'; readonly number: number }
  /** Seen before: answer as before. */
  | { readonly effect: 'duplicate'; readonly number: number }
  /** Not taken; the source will send it again. */
  | { readonly effect: 'drop'; readonly number: number; readonly why: 'window' | 'bytes' | 'ranges' }
  | { readonly effect: 'fault'; readonly fault: ReliableFaultName; readonly text: string }
  | { readonly effect: 'closed' }
  | { readonly effect: 'terminated' }
  /** Accepted, and will never be handed up: they stood behind a gap that will not be filled. */
  | { readonly effect: 'discard'; readonly numbers: readonly number[] }
  | { readonly effect: 'ended'; readonly reason: DestinationEnd };

/** Whether a message that came is new, and to be kept. */
export function isTaken({ effect }: DestinationEffect): boolean {
  return effect === 'accept' || effect === 'deliver';
}

export type DestinationStep = Step<DestinationState, DestinationEffect>;

export function newDestination(id: string, now: Instant, expires: Instant | undefined): DestinationState {
  return {
    phase: 'created',
    id,
    received: none,
    delivered: none,
    held: [],
    last: null,
    heard: now,
    busy: now,
    expires: expires ?? null,
  };
}

/** When the next `elapsed` event is wanted. */
export function destinationDue(state: DestinationState, assurance: DeliveryAssurance): Instant | undefined {
  if (state.phase !== 'created' && state.phase !== 'closed') return undefined;
  const over = Math.min(silentAt(state, assurance), idleAt(state, assurance));
  return instant(state.expires === null ? over : Math.min(over, state.expires));
}

/** When the session is given up unless the peer is heard. */
export function silentAt(state: DestinationState, assurance: DeliveryAssurance): Instant {
  return later(state.heard, assurance.inactivityTimeout);
}

/** When it is given up unless the application has something to say; a sequence that is closed has said everything. */
function idleAt(state: DestinationState, assurance: DeliveryAssurance): Instant {
  return state.phase === 'created' ? later(state.busy, assurance.receiveTimeout) : instant(Number.POSITIVE_INFINITY);
}

/** True once the accepted set can never change again: the acknowledgement is `Final`. */
export function isFinal(state: DestinationState): boolean {
  return state.phase !== 'created';
}

/** For how many more messages there is room. */
export function bufferRemaining(state: DestinationState, assurance: DeliveryAssurance): number {
  if (assurance.incomplete === 'DiscardEntireSequence') {
    const first = prefix(state.received);
    return Math.max(0, assurance.window - state.held.filter(({ number }) => number > first).length);
  }
  return Math.max(0, assurance.window - state.held.length);
}

export function heard<State extends DestinationState>(state: State, now: Instant): State {
  return { ...state, heard: now };
}

/** How many accepted messages the application has not finished with. */
export function owed(state: DestinationState): number {
  return count(state.received) - count(state.delivered);
}

/** True when the two states would be stored alike, the time of the last sign of life aside. */
export function sameReceipt(one: DestinationState, other: DestinationState): boolean {
  return (
    one.phase === other.phase &&
    one.last === other.last &&
    equal(one.received, other.received) &&
    equal(one.delivered, other.delivered) &&
    begunOf(one) === begunOf(other)
  );
}

function begunOf(state: DestinationState): number {
  return state.held.reduce((sum, held) => (held.begun === true ? sum + 1 : sum), 0);
}
