/**
 * The RM Destination (RMD): accepts each number once, holds what came too early, hands messages up in order where asked,
 * and remembers what it acknowledges. A pure reducer after the state table of WS-RM 1.1, appendix D.2; its state is a JSON
 * value.
 *
 * `received` is what acknowledgements say; `delivered` is what the application has finished with. A number that is in the
 * first and not in the second is owed to the application: after a crash it is handed over again.
 */
import { type Instant, later } from '../base/clock.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import type { ReliableFaultName } from './faults.ts';
import { add, count, equal, highest, includes, none, prefix, type Ranges } from './ranges.ts';
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
  /** The greatest number that is accepted. */
  readonly lastNumber: number;
}

interface Held {
  readonly number: number;
  readonly bytes: number;
  /** It was handed up, and is not to be again (at most once). */
  readonly begun?: true;
}

interface Receipt {
  readonly id: string;
  readonly received: Ranges;
  readonly delivered: Ranges;
  /** Accepted and not finished, ascending. */
  readonly held: readonly Held[];
  /** The last number, once the source has named it. */
  readonly last: number | null;
  readonly heard: Instant;
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

type DestinationEnd = 'completed' | 'inactive' | 'expired' | 'faulted';

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

type DestinationStep = Step<DestinationState, DestinationEffect>;

export function newDestination(id: string, now: Instant, expires: Instant | undefined): DestinationState {
  return {
    phase: 'created',
    id,
    received: none,
    delivered: none,
    held: [],
    last: null,
    heard: now,
    expires: expires ?? null,
  };
}

/** One step of the destination. */
export function destination(
  state: DestinationState,
  event: DestinationEvent,
  assurance: DeliveryAssurance,
): DestinationStep {
  const step = reduced(state, event, assurance);
  return assurance.repeats === 'at-most-once' ? begun(step) : step;
}

/** What is handed up is marked before that, in the same commit: not even a crash brings it back. */
function begun([state, effects]: DestinationStep): DestinationStep {
  const numbers = effects.flatMap((effect) => (effect.effect === 'deliver' ? [effect.number] : []));
  if (numbers.length === 0) return [state, effects];
  const held = state.held.map((one) => (numbers.includes(one.number) ? { ...one, begun: true as const } : one));
  return [{ ...state, held }, effects];
}

function reduced(state: DestinationState, event: DestinationEvent, assurance: DeliveryAssurance): DestinationStep {
  switch (event.kind) {
    case 'message':
      return message(state, event, assurance);
    case 'delivered':
      return delivered(state, event, assurance);
    case 'heard':
      return [heard(state, event.now), []];
    case 'close':
      return close(state, event, assurance);
    case 'terminate':
      return terminate(state, event, assurance);
    case 'fault':
      return state.phase === 'ended' || state.phase === 'terminated' ? [state, []] : over(state, 'faulted', assurance);
    case 'resumed':
      return resumed(state, event, assurance);
    case 'elapsed':
      return elapsed(state, event, assurance);
    default:
      return event satisfies never;
  }
}

/** When the next `elapsed` event is wanted. */
export function destinationDue(state: DestinationState, assurance: DeliveryAssurance): Instant | undefined {
  if (state.phase !== 'created' && state.phase !== 'closed') return undefined;
  const silent = later(state.heard, assurance.inactivityTimeout);
  return state.expires !== null && state.expires < silent ? state.expires : silent;
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

function message(
  state: DestinationState,
  event: Extract<DestinationEvent, { readonly kind: 'message' }>,
  assurance: DeliveryAssurance,
): DestinationStep {
  const { number } = event;
  if (state.phase === 'ended' || state.phase === 'terminated') {
    return [state, [unknownSequence]];
  }
  if (isRepetition(state, event, assurance)) {
    return [
      heard(state, event.now),
      [
        { effect: 'duplicate', number },
        { effect: 'deliver', number },
      ],
    ];
  }
  if (includes(state.received, number)) return [heard(state, event.now), [{ effect: 'duplicate', number }]];
  if (state.phase === 'closed') {
    return [
      heard(state, event.now),
      [{ effect: 'fault', fault: 'SequenceClosed', text: 'The sequence is closed and takes no new messages.' }],
    ];
  }
  if (number > assurance.lastNumber) {
    const text = `Message number ${number} is beyond ${assurance.lastNumber}, the greatest that is accepted.`;
    return [heard(state, event.now), [{ effect: 'fault', fault: 'MessageNumberRollover', text }]];
  }
  if (state.last !== null && number > state.last) {
    const text = `Message ${number} comes after message ${state.last}, which was marked as the last.`;
    return [heard(state, event.now), [{ effect: 'fault', fault: 'LastMessageNumberExceeded', text }]];
  }
  if (event.last && number < highest(state.received)) {
    const text = `Message ${number} is marked as the last, but message ${highest(state.received)} was received before.`;
    return [heard(state, event.now), [{ effect: 'fault', fault: 'LastMessageNumberExceeded', text }]];
  }
  const received = add(state.received, number);
  const why = obstacle(state, event, received, assurance);
  if (why === 'bytes' && assurance.incomplete === 'DiscardEntireSequence') {
    const text = `The sequence has more than ${assurance.heldBytes} octets, which is the most that is held until it is whole.`;
    const [ended, effects] = over(heard(state, event.now), 'faulted', assurance);
    return [ended, [{ effect: 'fault', fault: 'SequenceTerminated', text }, ...effects]];
  }
  if (why !== undefined) return [heard(state, event.now), [{ effect: 'drop', number, why }]];
  const next: DestinationState = {
    ...state,
    heard: event.now,
    received,
    held: inserted(state.held, { number, bytes: event.bytes }),
    last: event.last ? number : state.last,
  };
  const now = !assurance.ordered || prefix(state.delivered) === number - 1;
  const effects: DestinationEffect[] = [{ effect: 'accept', number }];
  return [
    next,
    now && assurance.incomplete !== 'DiscardEntireSequence' ? [...effects, { effect: 'deliver', number }] : effects,
  ];
}

/** Why a new message cannot be taken now; dropping costs the source one more transmission and us nothing. */
function obstacle(
  state: Receipt,
  event: { readonly number: number; readonly bytes: number },
  received: Ranges,
  assurance: DeliveryAssurance,
): 'window' | 'bytes' | 'ranges' | undefined {
  const bytes = state.held.reduce((sum, held) => sum + held.bytes, 0);
  if (assurance.incomplete === 'DiscardEntireSequence') {
    if (event.number > prefix(state.received) + assurance.window) return 'window';
    if (state.held.length > 0 && bytes + event.bytes > assurance.heldBytes) return 'bytes';
    return received.length > assurance.maxRanges ? 'ranges' : undefined;
  }
  const base = prefix(assurance.ordered && assurance.overtaking !== true ? state.delivered : state.received);
  if (event.number > base + assurance.window || state.held.length >= assurance.window) return 'window';
  // The next message in turn is always let in, whatever its size: its limit is the transport's.
  if (state.held.length > 0 && event.number !== base + 1 && bytes + event.bytes > assurance.heldBytes) return 'bytes';
  return received.length > assurance.maxRanges ? 'ranges' : undefined;
}

function delivered(
  state: DestinationState,
  event: { readonly now: Instant; readonly number: number },
  assurance: DeliveryAssurance,
): DestinationStep {
  const { number } = event;
  if (!includes(state.received, number) || includes(state.delivered, number)) return [state, []];
  const next: DestinationState = {
    ...state,
    delivered: add(state.delivered, number),
    held: state.held.filter((held) => held.number !== number),
  };
  const following = next.held[0];
  const effects: readonly DestinationEffect[] =
    assurance.ordered && following?.number === prefix(next.delivered) + 1
      ? [{ effect: 'deliver', number: following.number }]
      : afterGap(next, assurance);
  if (next.phase !== 'terminated' || next.held.length > 0) return [next, effects];
  return end(next, next.reason);
}

/** In order, what stands behind a gap is handed up too once nothing can fill it any more (NoDiscard). */
function afterGap(state: DestinationState, assurance: DeliveryAssurance): readonly DestinationEffect[] {
  const [first] = state.held;
  const isDue = assurance.ordered && assurance.incomplete === 'NoDiscard' && state.phase !== 'created';
  return isDue && first !== undefined ? [{ effect: 'deliver', number: first.number }] : [];
}

/** At least once: a copy of what is finished is handed up again, in order only while nothing later was. */
function isRepetition(
  state: DestinationState,
  { number, isAnswered }: Extract<DestinationEvent, { readonly kind: 'message' }>,
  assurance: DeliveryAssurance,
): boolean {
  if (assurance.repeats !== 'at-least-once' || state.phase !== 'created' || isAnswered === true) return false;
  if (!includes(state.delivered, number)) return false;
  return !assurance.ordered || (number === highest(state.delivered) && !isWorking(state, assurance));
}

/** Taken up again: what had been handed up at most once is over, done or not. */
function resumed(
  state: DestinationState,
  event: { readonly now: Instant },
  assurance: DeliveryAssurance,
): DestinationStep {
  const lost = state.held.filter((held) => held.begun === true);
  const left: DestinationState = {
    ...state,
    heard: event.now,
    delivered: lost.reduce((set, { number }) => add(set, number), state.delivered),
    held: state.held.filter((held) => !lost.includes(held)),
  };
  if (left.phase === 'terminated' && left.held.length === 0) return end(left, left.reason);
  return [left, deliverable(left, assurance)];
}

/** What may be handed up now, from nothing: after a restart. */
function deliverable(state: DestinationState, assurance: DeliveryAssurance): readonly DestinationEffect[] {
  if (state.phase === 'ended') return [];
  // What is held after the end is what is to be handed up: the rest was discarded then.
  if (assurance.incomplete === 'DiscardEntireSequence' && state.phase === 'created') return [];
  const first = assurance.ordered ? nextUp(state, assurance) : 0;
  return state.held
    .filter(({ number }) => !assurance.ordered || number === first)
    .map(({ number }) => ({ effect: 'deliver', number }));
}

/** The number that is handed up next, in order. */
function nextUp(state: DestinationState, assurance: DeliveryAssurance): number {
  const [behind] = afterGap(state, assurance);
  return behind?.effect === 'deliver' ? behind.number : prefix(state.delivered) + 1;
}

/** Everything up to the last number has come. */
function isComplete(state: DestinationState): boolean {
  return prefix(state.received) === (state.last ?? highest(state.received));
}

function close(
  state: DestinationState,
  event: { readonly now: Instant; readonly last: number | undefined },
  assurance: DeliveryAssurance,
): DestinationStep {
  if (isKilled(state)) return [state, [unknownSequence]];
  if (contradicts(state, event.last)) return contradiction(state, assurance);
  // A repeated CloseSequence gets the same answer.
  if (state.phase !== 'created') return [heard(state, event.now), [{ effect: 'closed' }]];
  const last = event.last ?? state.last ?? highest(state.received);
  const closed: DestinationState = { ...state, phase: 'closed', heard: event.now, last };
  const [next, effects] = withoutGapped(closed, true, isComplete(closed), assurance);
  return [next, [...effects, { effect: 'closed' }]];
}

function terminate(
  state: DestinationState,
  event: { readonly now: Instant; readonly last: number | undefined },
  assurance: DeliveryAssurance,
): DestinationStep {
  if (isKilled(state)) return [state, [unknownSequence]];
  if (contradicts(state, event.last)) return contradiction(state, assurance);
  if (state.phase === 'ended' || state.phase === 'terminated') return [state, [{ effect: 'terminated' }]];
  const last = event.last ?? state.last ?? highest(state.received);
  const [next, effects] = over({ ...heard(state, event.now), last }, 'completed', assurance);
  return [next, [{ effect: 'terminated' }, ...effects]];
}

const unknownSequence: DestinationEffect = Object.freeze({
  effect: 'fault',
  fault: 'UnknownSequence',
  text: 'The sequence was terminated.',
});

/** True when the sequence ended in another way than by its source's TerminateSequence. */
function isKilled(state: DestinationState): boolean {
  return (state.phase === 'ended' || state.phase === 'terminated') && state.reason !== 'completed';
}

/** LastMsgNumber below what was received, or other than the one named before. */
function contradicts(state: DestinationState, last: number | undefined): boolean {
  if (last === undefined) return false;
  return last < highest(state.received) || (state.last !== null && state.last !== last);
}

function contradiction(state: DestinationState, assurance: DeliveryAssurance): DestinationStep {
  const text = 'LastMsgNumber contradicts the messages that were received or what was said before.';
  const fault: DestinationEffect = { effect: 'fault', fault: 'SequenceTerminated', text };
  if (state.phase === 'ended' || state.phase === 'terminated') return [state, [fault]];
  const [next, effects] = over(state, 'faulted', assurance);
  return [next, [fault, ...effects]];
}

/** The peer is done with: what can still be handed up is, then the end. */
function over(
  state: Extract<DestinationState, { readonly phase: 'created' | 'closed' }>,
  reason: DestinationEnd,
  assurance: DeliveryAssurance,
): DestinationStep {
  const terminated: DestinationState = { ...state, phase: 'terminated', reason };
  const isWhole = reason === 'completed' && isComplete(terminated);
  const [next, discarded] = withoutGapped(terminated, state.phase === 'created', isWhole, assurance);
  if (next.held.length > 0) return [next, discarded];
  const [ended, effects] = end(next, reason);
  return [ended, [...discarded, ...effects]];
}

/**
 * The set of what was received is final. In order, nothing behind the first gap can be handed up (DiscardFollowingFirstGap),
 * unless everything is to be (NoDiscard); DiscardEntireSequence hands up everything now, or nothing at all.
 */
function withoutGapped(
  state: DestinationState,
  wasOpen: boolean,
  isWhole: boolean,
  assurance: DeliveryAssurance,
): readonly [DestinationState, readonly DestinationEffect[]] {
  if (assurance.incomplete === 'DiscardEntireSequence') {
    if (!wasOpen || state.held.length === 0) return [state, []];
    if (isWhole) return [state, deliverable(state, assurance)];
    return [{ ...state, held: [] }, [{ effect: 'discard', numbers: state.held.map(({ number }) => number) }]];
  }
  if (!assurance.ordered) return [state, []];
  if (assurance.incomplete === 'NoDiscard') {
    const isBusy = !wasOpen || state.held[0]?.number === prefix(state.delivered) + 1;
    return [state, isBusy ? [] : afterGap(state, assurance)];
  }
  const reachable = prefix(state.received);
  const numbers = state.held.filter(({ number }) => number > reachable).map(({ number }) => number);
  if (numbers.length === 0) return [state, []];
  const held = state.held.filter(({ number }) => number <= reachable);
  return [{ ...state, held }, [{ effect: 'discard', numbers }]];
}

function elapsed(
  state: DestinationState,
  event: { readonly now: Instant },
  assurance: DeliveryAssurance,
): DestinationStep {
  if (state.phase !== 'created' && state.phase !== 'closed') return [state, []];
  const due = destinationDue(state, assurance);
  if (due === undefined || event.now < due) return [state, []];
  if (state.expires !== null && event.now >= state.expires) return over(state, 'expired', assurance);
  // While the application is at work the silence is ours.
  return isWorking(state, assurance) ? [heard(state, event.now), []] : over(state, 'inactive', assurance);
}

/** True when the application has been handed something that it has not finished. */
function isWorking(state: DestinationState, assurance: DeliveryAssurance): boolean {
  if (assurance.incomplete === 'DiscardEntireSequence' && state.phase === 'created') return false;
  if (afterGap(state, assurance).length > 0) return true;
  const first = state.held[0];
  return first !== undefined && (!assurance.ordered || first.number === prefix(state.delivered) + 1);
}

function end(state: DestinationState, reason: DestinationEnd): DestinationStep {
  return [{ ...state, phase: 'ended', reason }, [{ effect: 'ended', reason }]];
}

function heard<State extends DestinationState>(state: State, now: Instant): State {
  return { ...state, heard: now };
}

function inserted(held: readonly Held[], one: Held): readonly Held[] {
  const last = held.at(-1);
  if (last === undefined || last.number < one.number) return [...held, one];
  return [...held, one].sort((left, right) => left.number - right.number);
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
