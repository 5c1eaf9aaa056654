/**
 * How a sequence of the RM Destination ends: closed, terminated, given up, and what becomes then of messages behind a gap
 * (WS-RM 1.1, 3.5 and 3.6, IncompleteSequenceBehavior; state table D.2). The other half of `destination.ts`.
 */
import type { Instant } from '../base/clock.ts';
import {
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEnd,
  type DestinationState,
  type DestinationStep,
  heard,
} from './destination-state.ts';
import { highest, prefix } from './ranges.ts';

/** In order, what stands behind a gap is handed up too once nothing can fill it any more (NoDiscard). */
export function afterGap(state: DestinationState, assurance: DeliveryAssurance): readonly DestinationEffect[] {
  const [first] = state.held;
  const isDue = assurance.ordered && assurance.incomplete === 'NoDiscard' && state.phase !== 'created';
  return isDue && first !== undefined ? [{ effect: 'deliver', number: first.number }] : [];
}

/** What may be handed up now, from nothing: after a restart. */
export function deliverable(state: DestinationState, assurance: DeliveryAssurance): readonly DestinationEffect[] {
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

export function close(
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

export function terminate(
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

export const unknownSequence: DestinationEffect = Object.freeze({
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
export function over(
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

/** True when the application has been handed something that it has not finished. */
export function isWorking(state: DestinationState, assurance: DeliveryAssurance): boolean {
  if (assurance.incomplete === 'DiscardEntireSequence' && state.phase === 'created') return false;
  if (afterGap(state, assurance).length > 0) return true;
  const first = state.held[0];
  return first !== undefined && (!assurance.ordered || first.number === prefix(state.delivered) + 1);
}

export function end(state: DestinationState, reason: DestinationEnd): DestinationStep {
  return [{ ...state, phase: 'ended', reason }, [{ effect: 'ended', reason }]];
}
