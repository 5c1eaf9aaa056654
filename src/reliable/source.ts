/**
 * The RM Source (RMS): numbers messages, sends them within a window, sends again what is not acknowledged, and ends the
 * sequence in good order. A pure reducer after the state table of WS-RM 1.1, appendix D.1: it knows no clock, socket, store
 * or chance; the time and a random fraction come with each event. Its state is a JSON value, which is what a store keeps.
 *
 * Acknowledgements only ever add knowledge: a late one that says less changes nothing, one that names what was never sent
 * is answered with InvalidAcknowledgement and changes nothing either.
 */
import { later } from '../base/clock.ts';
import { denied } from './denial.ts';
import { dispatch, pollDue } from './dispatch.ts';
import { hastened, heardBy, hushed, objection, recalled, refusedBy, roomier, settle, taken } from './learning.ts';
import {
  blank,
  deadline,
  isAnnounced,
  isQuiet,
  type Ledger,
  oldest,
  open,
  pardoned,
  repeatDue,
  type Transmission,
  type When,
} from './ledger.ts';
import { add, includes, remove, union } from './ranges.ts';
import {
  abort,
  closeAnswered,
  closedByPeer,
  end,
  expired,
  givenUp,
  inactive,
  prepended,
  startClosing,
  supplied,
  terminate,
  transmission,
} from './source-end.ts';
import { asked, declined, openingTook } from './source-opening.ts';
import {
  completed,
  ledgerOf,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  type SourceStep,
} from './source-state.ts';
import { firstRoundTrip } from './transmission.ts';

/**
 * One step of the source.
 *
 * @param policy settings that do not change during the life of the sequence
 */
export function source(state: SourceState, event: SourceEvent, policy: Transmission): SourceStep {
  switch (event.kind) {
    case 'open': {
      if (state.phase !== 'none') return [state, []];
      const { now } = event;
      return asked({ phase: 'creating', first: now, attempts: 0, due: now, queue: blank(now, policy) }, event, policy);
    }
    case 'created':
      return created(state, event, policy);
    case 'declined':
      return declined(state, event, policy);
    case 'submit':
      return submit(state, event, policy);
    case 'acknowledgement':
      return acknowledgement(state, event, policy);
    case 'replied':
      return changed(state, event, policy, (ledger) => ({
        ...ledger,
        acknowledged: event.number <= ledger.sent ? add(ledger.acknowledged, event.number) : ledger.acknowledged,
        awaiting: event.number <= ledger.sent ? remove(ledger.awaiting, event.number) : ledger.awaiting,
      }));
    case 'refused':
      return refused(state, event, policy);
    case 'denied':
      return denied(state, event, policy);
    case 'poll-emptied':
      return pollEmptied(state, event, policy);
    case 'heard':
      return [
        withLedger(state, (ledger) =>
          heardBy(policy.acknowledgements === 'at-once' ? pardoned(ledger) : ledger, event.now),
        ),
        [],
      ];
    case 'close':
      return close(state, event, policy);
    case 'close-answered':
      return state.phase === 'closing' ? closeAnswered(state, event, policy) : [state, []];
    case 'terminate-answered':
      return state.phase === 'terminating' ? end(state, state.reason) : [state, []];
    case 'closed-by-peer':
      return closedByPeer(state, event, policy);
    case 'rollover':
      return state.phase === 'created' ? [{ ...state, phase: 'rollover' }, []] : [state, []];
    case 'abort':
      return abort(state, event);
    case 'resumed':
      return resumed(state, event, policy);
    case 'elapsed':
      return elapsed(state, event, policy);
    default:
      return event satisfies never;
  }
}

function created(
  state: SourceState,
  event: When & { readonly id: string; readonly life?: number },
  policy: Transmission,
): SourceStep {
  // A second CreateSequenceResponse, the answer to a repeated request, is a duplicate.
  if (state.phase !== 'creating') return [state, []];
  const roundTrip = firstRoundTrip(openingTook(state, event.now, policy));
  const expires = event.life === undefined ? {} : { expires: later(event.now, event.life) };
  const ledger = { ...state.queue, ...expires, roundTrip, heard: event.now };
  return pump({ phase: 'created', id: event.id, ledger }, event, policy, [{ effect: 'opened', id: event.id }]);
}

function submit(
  state: SourceState,
  event: When & { readonly expects: 'acknowledgement' | 'reply' },
  policy: Transmission,
): SourceStep {
  if (state.phase !== 'created' && state.phase !== 'creating') {
    const why = state.phase === 'ended' ? state.reason : completed;
    if (why.code !== 'completed') return [state, [{ effect: 'rejected', code: why.code, text: why.text }]];
    const [code, text] =
      state.phase === 'rollover'
        ? ([
            'RELIABLE_ROLLOVER',
            'All message numbers of this sequence are used up. Close it and open another.',
          ] as const)
        : (['RELIABLE_CLOSED', 'The session is closed or being closed. Open another one.'] as const);
    return [state, [{ effect: 'rejected', code, text }]];
  }
  const before = state.phase === 'creating' ? state.queue : state.ledger;
  const number = before.next;
  const ledger: Ledger = {
    ...before,
    next: number + 1,
    awaiting: event.expects === 'reply' ? add(before.awaiting, number) : before.awaiting,
  };
  const effects: SourceEffect[] = [{ effect: 'numbered', number }];
  if (state.phase === 'creating') return [{ ...state, queue: ledger }, effects];
  const phase = number >= policy.lastNumber ? 'rollover' : 'created';
  return pump({ phase, id: state.id, ledger }, event, policy, effects);
}

function acknowledgement(
  state: SourceState,
  event: Extract<SourceEvent, { readonly kind: 'acknowledgement' }>,
  policy: Transmission,
): SourceStep {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return [state, []];
  const { ledger } = state;
  const refusal = objection(ledger, event);
  if (refusal !== undefined) {
    const refused = { ranges: event.ranges, final: event.final };
    return [state, [{ effect: 'fault', fault: 'InvalidAcknowledgement', text: refusal, refused }]];
  }
  const [next, effects] = changed(state, event, policy, (before) => {
    const flights = event.nacks.length === 0 ? before.flights : hastened(before, event);
    const acknowledged = union(before.acknowledged, event.ranges);
    const learned = { ...before, flights, acknowledged, told: true, mute: false };
    return recalled(roomier(learned, event.bufferRemaining ?? before.room, event.now), event, policy);
  });
  if (!event.final || next.phase === 'terminating' || next.phase === 'ended') return [next, effects];
  const [after, more] = closedByPeer(next, event, policy, true);
  return [after, [...effects, ...more]];
}

/**
 * A copy was not taken, or was taken without a word: gSOAP answers one-way messages with nothing, and Metro so answers
 * copies of them. Asking for the acknowledgement tells which.
 */
function refused(
  state: SourceState,
  event: Extract<SourceEvent, { readonly kind: 'refused' }>,
  policy: Transmission,
): SourceStep {
  const { number, empty } = event;
  if (state.phase === 'closing') {
    if (!empty) return [state, []];
    if (policy.shutdown === 'close') {
      // The answer to the next CloseSequence will tell whether it has come.
      return supplied(
        { ...state, ledger: taken(refusedBy(state.ledger, number, true, event, policy), event, 1) },
        event,
        policy,
      );
    }
    // LastMessage only marks the end: nothing that is not settled by now will be (gSOAP takes it without a word).
    return number === state.ledger.next - 1 ? terminate(state, event, policy, completed) : [state, []];
  }
  const next = withLedger(state, (ledger) => hushed(refusedBy(ledger, number, empty, event, policy), event));
  if (next.phase !== 'created' && next.phase !== 'rollover' && next.phase !== 'draining') return [next, []];
  const { ledger } = next;
  const asks =
    empty &&
    !ledger.mute &&
    !isAnnounced(ledger) &&
    open(ledger).some((one) => one.number === number && isOneWay(ledger, number));
  return pump(next, event, policy, asks ? [{ effect: 'poll' }] : []);
}

function isOneWay(ledger: Ledger, number: number): boolean {
  return !includes(ledger.awaiting, number);
}

/** The peer does not say what it has: what it answered with nothing, it may have taken. */
function pollEmptied(state: SourceState, event: When, policy: Transmission): SourceStep {
  // It will not say either when there is room again.
  const next = withLedger(state, (ledger) =>
    hushed({ ...roomier(ledger, null, event.now), heard: event.now, polls: 0, mute: true }, event),
  );
  return next.phase === 'created' || next.phase === 'rollover' || next.phase === 'draining'
    ? pump(next, event, policy, [])
    : [next, []];
}

/** Applies new knowledge, settles what it settles, sends what there is room for, and goes on closing when all is settled. */
function changed(state: SourceState, event: When, policy: Transmission, learn: (ledger: Ledger) => Ledger): SourceStep {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return [state, []];
  const { ledger: learned, settled } = settle(heardBy(learn(state.ledger), event.now), event, policy);
  const isTaken = settled.length > 0 || policy.acknowledgements === 'at-once';
  const ledger = isTaken ? pardoned(learned) : learned;
  const effects = settled.map((number): SourceEffect => ({ effect: 'settled', number, outcome: 'acknowledged' }));
  switch (state.phase) {
    case 'created':
    case 'rollover':
    case 'draining':
      return pump({ ...state, ledger }, event, policy, effects);
    case 'closing': {
      const closing = { ...state, ledger };
      const lastArrived = policy.shutdown === 'last-message' && includes(ledger.acknowledged, ledger.next - 1);
      if (!lastArrived) return [closing, effects];
      const [next, more] = terminate(closing, event, policy, completed);
      return [next, [...effects, ...more]];
    }
    case 'terminating':
      return [{ ...state, ledger }, effects];
    default:
      return state satisfies never;
  }
}

/** Sends what is due and what the window has room for; closes when that was asked for and nothing is left. */
function pump(
  state: Extract<SourceState, { readonly phase: 'created' | 'rollover' | 'draining' }>,
  event: When,
  policy: Transmission,
  before: readonly SourceEffect[],
): SourceStep {
  const dispatched = dispatch(state.ledger, event, policy);
  if ('exhausted' in dispatched) {
    const { number, attempts } = dispatched.exhausted;
    const text = `Message ${number} was sent ${attempts} times and not acknowledged. Check that the peer is reachable; raise maxRetryCount for a worse network.`;
    return prepended(givenUp(state, { code: 'RELIABLE_RETRIES_EXHAUSTED', text }, policy), before);
  }
  const { ledger, sends } = dispatched;
  const effects = [...before, ...sends.map(transmission)];
  return state.phase === 'draining' && isDrained(ledger) && !isQuiet(ledger, event.now)
    ? prepended(startClosing({ ...state, ledger }, event, policy), effects)
    : [{ ...state, ledger }, effects];
}

/** Nothing waits, and nothing is under way of which more could be learned before closing. */
function isDrained(ledger: Ledger): boolean {
  return ledger.sent === ledger.next - 1 && oldest(ledger) === undefined;
}

function close(state: SourceState, event: When, policy: Transmission): SourceStep {
  switch (state.phase) {
    case 'none':
    case 'creating':
      return end(state, completed);
    case 'created':
    case 'rollover':
      return pump({ ...state, phase: 'draining' }, event, policy, []);
    case 'draining':
    case 'closing':
    case 'terminating':
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
}

function resumed(state: SourceState, event: When, policy: Transmission): SourceStep {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return [state, []];
    case 'creating':
      return elapsed({ ...state, first: event.now, attempts: 0, due: event.now }, event, policy);
    case 'closing':
    case 'terminating':
      return elapsed(
        { ...state, attempts: 0, due: event.now, ledger: { ...pardoned(state.ledger), heard: event.now } },
        event,
        policy,
      );
    case 'created':
    case 'rollover':
    case 'draining': {
      const { ledger } = state;
      const again = { attempts: 1, excused: 0, due: event.now, last: event.now, silences: 0, taken: false };
      const flights = ledger.flights.map((flight) => ({ ...flight, ...again }));
      const fresh = { ...pardoned(ledger), heard: event.now, polls: 0, recovered: ledger.sent, room: null };
      return pump(
        { ...state, ledger: { ...fresh, flights: policy.drive === 'reply' ? ledger.flights : flights } },
        event,
        policy,
        [],
      );
    }
    default:
      return state satisfies never;
  }
}

function elapsed(state: SourceState, event: When, policy: Transmission): SourceStep {
  const expires = ledgerOf(state)?.expires;
  if (expires !== undefined && event.now >= expires) return expired(state);
  switch (state.phase) {
    case 'none':
    case 'ended':
      return [state, []];
    case 'creating': {
      return event.now < state.due ? [state, []] : asked(state, event, policy);
    }
    case 'created':
    case 'rollover':
    case 'draining': {
      if (policy.drive === 'reply') return [state, []];
      if (event.now >= deadline(state.ledger, policy)) return inactive(state, policy);
      const poll = !isQuiet(state.ledger, event.now) && event.now >= pollDue(state.ledger, policy);
      const ledger = poll ? { ...state.ledger, polls: state.ledger.polls + 1, asked: event.now } : state.ledger;
      return pump({ ...state, ledger }, event, policy, poll ? [{ effect: 'poll' }] : []);
    }
    case 'closing': {
      if (event.now >= deadline(state.ledger, policy)) return inactive(state, policy);
      if (event.now < state.due) return [state, []];
      const attempt = state.attempts + 1;
      if (attempt > policy.maxRetryCount + 1) {
        const text = 'The peer did not confirm that the sequence is closed; see the outcomes for what it has.';
        return givenUp(state, { code: 'RELIABLE_RETRIES_EXHAUSTED', text }, policy);
      }
      const last = state.ledger.next - 1;
      const again = { ...state, attempts: attempt, due: repeatDue(state.ledger, attempt, event, policy) };
      return policy.shutdown === 'close'
        ? [again, [{ effect: 'close', last, attempt }]]
        : [again, [{ effect: 'transmit', number: last, attempt, last: true }]];
    }
    case 'terminating': {
      if (event.now < state.due) return [state, []];
      const attempt = state.attempts + 1;
      // Everything is settled: a peer that never answers TerminateSequence costs nothing but its own memory.
      if (attempt > policy.maxRetryCount + 1) return end(state, state.reason);
      const due = repeatDue(state.ledger, attempt, event, policy);
      return [{ ...state, attempts: attempt, due }, [{ effect: 'terminate', last: state.ledger.next - 1, attempt }]];
    }
    default:
      return state satisfies never;
  }
}

function withLedger(state: SourceState, change: (ledger: Ledger) => Ledger): SourceState {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return state;
  return { ...state, ledger: change(state.ledger) };
}
