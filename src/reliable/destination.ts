/**
 * The RM Destination (RMD): accepts each number once, holds what came too early, hands messages up in order where asked,
 * and remembers what it acknowledges. A pure reducer after the state table of WS-RM 1.1, appendix D.2; its state is a JSON
 * value.
 *
 * `received` is what acknowledgements say; `delivered` is what the application has finished with. A number that is in the
 * first and not in the second is owed to the application: after a crash it is handed over again.
 */
import type { Instant } from '../base/clock.ts';
import { afterGap, close, deliverable, end, isWorking, over, terminate, unknownSequence } from './destination-end.ts';
import {
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  type DestinationStep,
  destinationDue,
  type Held,
  heard,
  type Receipt,
  silentAt,
} from './destination-state.ts';
import { add, highest, includes, prefix, type Ranges } from './ranges.ts';

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
    busy: event.now,
    received,
    held: inserted(state.held, { number, bytes: event.bytes }),
    last: event.last ? number : state.last,
  };
  const now = !assurance.ordered || prefix(state.delivered) === number - 1;
  const accept: DestinationEffect = { effect: 'accept', number };
  const isDue = now && assurance.incomplete !== 'DiscardEntireSequence';
  return [next, isDue ? [accept, { effect: 'deliver', number }] : [accept]];
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
    busy: event.now,
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
    busy: event.now,
    delivered: lost.reduce((set, { number }) => add(set, number), state.delivered),
    held: state.held.filter((held) => !lost.includes(held)),
  };
  if (left.phase === 'terminated' && left.held.length === 0) return end(left, left.reason);
  return [left, deliverable(left, assurance)];
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
  const isSilent = event.now >= silentAt(state, assurance);
  if (!isWorking(state, assurance)) return over(state, isSilent ? 'inactive' : 'idle', assurance);
  // While the application is at work the silence is ours.
  return [{ ...(isSilent ? heard(state, event.now) : state), busy: event.now }, []];
}

function inserted(held: readonly Held[], one: Held): readonly Held[] {
  const last = held.at(-1);
  if (last === undefined || last.number < one.number) return [...held, one];
  return [...held, one].sort((left, right) => left.number - right.number);
}
