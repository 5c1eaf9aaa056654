/** How an RM Source asks for its sequence: CreateSequence and its copies, a refusal, and what the answer tells of time. */
import { type Instant, later } from '../base/clock.ts';
import type { Transmission, When } from './ledger.ts';
import { end } from './source-end.ts';
import type { EndReason, SourceState, SourceStep } from './source-state.ts';
import { backOff } from './transmission.ts';

type Creating = Extract<SourceState, { readonly phase: 'creating' }>;

/**
 * The first round trip, in milliseconds: the time from the first CreateSequence to its answer, as WCF has it. Of several copies nobody
 * knows which was answered, and losses are no round trip: then it is at most the patience with the first.
 */
export function openingTook({ first, attempts }: Creating, now: Instant, { firstPatience }: Transmission): number {
  return attempts === 1 ? now - first : Math.min(now - first, firstPatience);
}

/** Nobody has proved that the peer refuses: it is believed when it is said again. */
export function declined(
  state: SourceState,
  event: When & { readonly reason: EndReason; readonly again: boolean },
  policy: Transmission,
): SourceStep {
  if (state.phase !== 'creating') return [state, []];
  return event.again && state.doubted === undefined
    ? asked({ ...state, doubted: true }, event, policy)
    : end(state, event.reason);
}

/** CreateSequence goes out, for the first time or again. */
export function asked(state: Creating, event: When, policy: Transmission): SourceStep {
  const attempts = state.attempts + 1;
  const due = later(event.now, backOff(policy.firstPatience, attempts, event.jitter, policy.retryCeiling));
  return [{ ...state, attempts, due }, [{ effect: 'create', attempt: attempts }]];
}
