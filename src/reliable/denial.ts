/**
 * What a source does when the password that each of its messages brings is refused in the middle of its sequence, as when it was changed:
 * it says nothing for a while, so that whoever counts wrong passwords does not lock the user out. Words that anybody may have said
 * end nothing (attack M5); what the service has said twice ends the sequence.
 */
import { later } from '../base/clock.ts';
import { pauseAfterDenial } from '../soap/denial.ts';
import { earlier, isQuiet, type Ledger, type Transmission, type When } from './ledger.ts';
import { abort, end } from './source-end.ts';
import type { EndReason, SourceState, SourceStep } from './source-state.ts';

const denial: EndReason = Object.freeze({
  code: 'RELIABLE_DENIED',
  text: 'The service takes the password no more: it has refused it twice. Connect again with the one that is good now.',
});

/** The password was refused. What else was said before that was heard says no more than the first. */
export function denied(
  state: SourceState,
  event: When & { readonly proven: boolean },
  policy: Transmission,
): SourceStep {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return [state, []];
  const { ledger } = state;
  if (isQuiet(ledger, event.now)) return [state, []];
  const denials = (ledger.denials ?? 0) + 1;
  if (event.proven && denials > 1) {
    // Everything is settled.
    if (state.phase === 'terminating') return end(state, state.reason);
    return policy.givesUp === 'suspend'
      ? [state, [{ effect: 'suspended', reason: denial }]]
      : abort(state, { reason: denial, tell: false });
  }
  const quiet = later(event.now, pauseAfterDenial(denials, event.jitter));
  const learned: Ledger = { ...ledger, denials, quiet };
  if (state.phase === 'closing' || state.phase === 'terminating') {
    const due = earlier(state.due, quiet) === quiet ? state.due : quiet;
    return [{ ...state, ledger: learned, due }, []];
  }
  return [{ ...state, ledger: learned }, []];
}
