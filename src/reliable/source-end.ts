/**
 * How a sequence of the RM Source ends: closing, what is still missing after that, termination, and giving up (WS-RM 1.1,
 * 3.5 and 3.6; state table D.1). The other half of `source.ts`; nothing here sends what is not about the end.
 */

import { type Dispatch, dispatch } from './dispatch.ts';
import type { Outcome } from './errors.ts';
import { type Ledger, oldest, repeatDue, type Transmission, type When } from './ledger.ts';
import { add, includes, none } from './ranges.ts';
import {
  completed,
  type EndReason,
  ledgerOf,
  type SourceEffect,
  type SourceState,
  type SourceStep,
  sourceId,
  unsettled,
} from './source-state.ts';

export function transmission({ number, attempt, asks }: Dispatch): SourceEffect {
  return { effect: 'transmit', number, attempt, last: false, ...(asks ? { asks } : {}) };
}

export function startClosing(
  state: { readonly id: string; readonly ledger: Ledger },
  event: When,
  policy: Transmission,
): SourceStep {
  const { id, ledger } = state;
  const due = repeatDue(ledger, 1, event, policy);
  if (policy.shutdown === 'close') {
    const effect: SourceEffect = { effect: 'close', last: ledger.next - 1, attempt: 1 };
    return [{ phase: 'closing', id, ledger, attempts: 1, due }, [effect]];
  }
  // Of a peer that is silent in 2005/02 nothing is learned but from the end; gSOAP chokes on LastMessage before that.
  if (ledger.flights.length > 0) return terminate(state, event, policy, completed);
  const number = ledger.next;
  const numbered = { ...ledger, next: number + 1, sent: number };
  return [
    { phase: 'closing', id, ledger: numbered, attempts: 1, due },
    [{ effect: 'transmit', number, attempt: 1, last: true }],
  ];
}

type Closing = Extract<SourceState, { readonly phase: 'closing' }>;

/** The close was confirmed. A peer that acknowledges only now may say that something is missing: it still takes that. */
export function closeAnswered(state: Closing, event: When, policy: Transmission): SourceStep {
  return oldest(state.ledger) !== undefined
    ? supplied(state, event, policy)
    : terminate(state, event, policy, completed);
}

/** Sends what is missing after the close, one after the other, and then closes again to hear what has come. */
export function supplied(state: Closing, event: When, policy: Transmission): SourceStep {
  const flights = state.ledger.flights.map((flight) => (flight.taken ? flight : { ...flight, due: event.now }));
  const window = { ...state.ledger.window, size: 1 };
  const dispatched = dispatch({ ...state.ledger, flights, window, room: null }, event, policy);
  if ('exhausted' in dispatched) return terminate(state, event, policy, completed);
  const { ledger, sends } = dispatched;
  if (oldest(ledger) !== undefined) return [{ ...state, ledger }, sends.map(transmission)];
  const attempt = state.attempts + 1;
  if (attempt > policy.maxRetryCount + 1) return terminate({ ...state, ledger }, event, policy, completed);
  const due = repeatDue(ledger, attempt, event, policy);
  return [{ ...state, ledger, attempts: attempt, due }, [{ effect: 'close', last: ledger.next - 1, attempt }]];
}

export function terminate(
  state: { readonly id: string; readonly ledger: Ledger },
  event: When,
  policy: Transmission,
  reason: EndReason,
): SourceStep {
  const { id, ledger } = state;
  const due = repeatDue(ledger, 1, event, policy);
  return [
    { phase: 'terminating', id, ledger, attempts: 1, due, reason },
    [{ effect: 'terminate', last: ledger.next - 1, attempt: 1 }],
  ];
}

/** The destination takes nothing more: what it did not acknowledge has failed (or is unknown without a final word). */
export function closedByPeer(state: SourceState, event: When, policy: Transmission, final = false): SourceStep {
  switch (state.phase) {
    case 'created':
    case 'rollover':
    case 'draining':
    case 'closing': {
      const lost = unsettled(state) > 0;
      const asked = state.phase === 'draining' || state.phase === 'closing';
      const effects = leftovers(state.ledger, final ? 'failed' : 'unknown');
      const reason = lost || !asked ? closedEarly : completed;
      const settled = { ...state, ledger: { ...state.ledger, flights: [], sent: state.ledger.next - 1 } };
      return prepended(terminate(settled, event, policy, reason), effects);
    }
    case 'none':
    case 'creating':
    case 'terminating':
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
}

export function abort(state: SourceState, event: { readonly reason: EndReason; readonly tell: boolean }): SourceStep {
  if (state.phase === 'ended') return [state, []];
  const known = sourceId(state) !== undefined;
  const fault: SourceEffect[] =
    event.tell && known ? [{ effect: 'fault', fault: 'SequenceTerminated', text: event.reason.text }] : [];
  return prepended(end(state, event.reason), fault);
}

export function end(state: SourceState, reason: EndReason): SourceStep {
  const ledger = ledgerOf(state);
  const sent = ledger?.flights.filter(({ number }) => !includes(ledger.acknowledged, number)) ?? [];
  const why = reason.code === 'completed' && sent.length > 0 ? closedEarly : reason;
  return [
    {
      phase: 'ended',
      reason: why,
      next: ledger?.next ?? 1,
      acknowledged: ledger?.acknowledged ?? none,
      unknown: sent.reduce((set, { number }) => add(set, number), none),
    },
    [...(ledger === undefined ? [] : leftovers(ledger, 'unknown')), { effect: 'ended', reason: why }],
  ];
}

const closedEarly: EndReason = Object.freeze({
  code: 'RELIABLE_SEQUENCE_CLOSED',
  text: 'The sequence was closed before every message was acknowledged; see the outcomes for what the peer had accepted.',
});

/** What to say of each message that will never be settled; one that was acknowledged and not answered stays acknowledged. */
function leftovers(ledger: Ledger, unacknowledged: Outcome): readonly SourceEffect[] {
  const effects: SourceEffect[] = ledger.flights
    .filter(({ number }) => !includes(ledger.acknowledged, number))
    .map(({ number }) => ({ effect: 'settled', number, outcome: unacknowledged }));
  for (let number = ledger.sent + 1; number < ledger.next; number += 1) {
    effects.push({ effect: 'settled', number, outcome: 'failed' });
  }
  return effects;
}

export function inactive(state: SourceState, policy: Transmission): SourceStep {
  const text = `Nothing was heard of the peer for ${policy.inactivityTimeout} ms.`;
  return givenUp(state, { code: 'RELIABLE_INACTIVE', text }, policy);
}

/** Its life is over: the peer forgets it by itself (WS-RM 1.1, 3.4). */
export function expired(state: SourceState): SourceStep {
  if (state.phase === 'terminating') return end(state, state.reason);
  const text =
    'The life that was granted to the sequence is over. Connect again; the outcomes say what is to be sent again.';
  return abort(state, { reason: { code: 'RELIABLE_EXPIRED', text }, tell: false });
}

/** The peer cannot be reached: the sequence ends, or stands still until somebody takes it up again. */
export function givenUp(state: SourceState, reason: EndReason, policy: Transmission): SourceStep {
  return policy.givesUp === 'suspend'
    ? [state, [{ effect: 'suspended', reason }]]
    : abort(state, { reason, tell: true });
}

export function prepended([state, effects]: SourceStep, before: readonly SourceEffect[]): SourceStep {
  return [state, [...before, ...effects]];
}
