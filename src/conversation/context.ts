/**
 * The life of a security context at the end that asked for it, as a pure reducer (WS-SecureConversation 1.3, sections 3 to 6, one
 * request at a time;
 * renewal as WCF's client does it: lazily, before a message that goes out when 60 % of the lifetime, or 10 hours, have passed).
 * It knows no clock, no channel and no cryptography; the driver performs the effects in the order given.
 */
import type { Instant } from '../base/clock.ts';
import { instant, later } from '../base/clock.ts';
import type { ContextName } from '../security/tokens/context.ts';

/** A key of the context with the name that it has on the wire, and for how long. */
export interface ContextKeyed extends ContextName {
  readonly created: Instant;
  readonly expires: Instant;
}

/** Why a context ended; `cancelled` is the good end. */
interface ContextEnd {
  readonly code: 'cancelled' | 'refused' | 'expired' | 'aborted';
  readonly text: string;
}

export type ContextState =
  | { readonly phase: 'none' }
  | { readonly phase: 'issuing' }
  /** `again`: it was not renewed, and is not to be before that while the key is good. */
  | { readonly phase: 'open'; readonly current: ContextKeyed; readonly again?: Instant }
  /** A renewal is under way; messages wait for it once the current key has expired. */
  | { readonly phase: 'renewing'; readonly current: ContextKeyed }
  /** Something is being added to it; messages go on, and a renewal waits. */
  | { readonly phase: 'amending'; readonly current: ContextKeyed }
  | { readonly phase: 'cancelling'; readonly current: ContextKeyed }
  | { readonly phase: 'ended'; readonly reason: ContextEnd };

export type ContextEvent = { readonly now: Instant } & (
  | { readonly kind: 'open' }
  /** The issuer's answer to issue or renew; `isAnother` where another context was asked for in place of a renewal. */
  | { readonly kind: 'issued'; readonly context: ContextKeyed; readonly isAnother?: boolean }
  /** The issuer said no, or its answer cannot be used; `pause` as below. */
  | { readonly kind: 'refused'; readonly text: string; readonly pause: number }
  /** The issuer does not know the context any more: the next message needs another. */
  | { readonly kind: 'lost' }
  /**
   * No answer came that could be believed: another request may fare better, in `pause` milliseconds at the soonest where that is not 0.
   */
  | { readonly kind: 'unanswered'; readonly pause: number }
  /** A message wants to go out. */
  | { readonly kind: 'send' }
  /** The application wants something added. */
  | { readonly kind: 'amend' }
  /** It was added, or nothing came of it: the context is what it was for this end. */
  | { readonly kind: 'amend-settled' }
  /** The peer answered RenewNeeded. */
  | { readonly kind: 'renew-needed' }
  | { readonly kind: 'close' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'abort'; readonly text: string }
);

export type ContextEffect =
  | { readonly effect: 'request'; readonly request: 'issue' | 'renew' | 'amend' | 'cancel' }
  /** The message may go out under the current key. */
  | { readonly effect: 'proceed' }
  /** It waits until the request under way has been answered. */
  | { readonly effect: 'wait' }
  | { readonly effect: 'ended'; readonly reason: ContextEnd };

/** When a key is renewed. */
export interface RenewalPolicy {
  /** Share of the lifetime after which it is renewed. WCF: 0.6. */
  readonly share: number;
  /** Longest use of one key, in milliseconds. WCF's client: 10 hours. */
  readonly longest: number;
}

export const wcfRenewal: RenewalPolicy = Object.freeze({ share: 0.6, longest: 36_000_000 });

export const noContext: ContextState = Object.freeze({ phase: 'none' });

/** From when on the next message renews the key first. */
export function renewalDue({ created, expires }: ContextKeyed, policy: RenewalPolicy): Instant {
  return later(created, Math.min((expires - created) * policy.share, policy.longest));
}

export function context(
  state: ContextState,
  event: ContextEvent,
  policy: RenewalPolicy,
): readonly [state: ContextState, effects: readonly ContextEffect[]] {
  if (state.phase === 'ended')
    return [state, event.kind === 'send' || event.kind === 'amend' ? [{ effect: 'ended', reason: state.reason }] : []];
  switch (event.kind) {
    case 'open':
      return state.phase === 'none' ? [{ phase: 'issuing' }, [{ effect: 'request', request: 'issue' }]] : [state, []];
    case 'issued':
      return issued(state, event);
    case 'refused':
      return refused(state, event);
    case 'lost':
      return isGood(state) ? [noContext, []] : [state, []];
    case 'unanswered':
      return unanswered(state, event);
    case 'send':
      return sending(state, event.now, policy);
    case 'amend':
      return amending(state, event.now, policy);
    case 'amend-settled':
      return state.phase === 'amending' ? [{ phase: 'open', current: state.current }, []] : [state, []];
    case 'renew-needed':
      return renewNeeded(state, event.now);
    case 'close':
      return closing(state, event.now);
    case 'cancelled':
      return state.phase === 'cancelling' ? ended('cancelled', 'The context was cancelled.') : [state, []];
    case 'abort':
      return ended('aborted', event.text);
    default:
      return event satisfies never;
  }
}

const wait: ContextEffect = Object.freeze({ effect: 'wait' });

type Step = readonly [ContextState, readonly ContextEffect[]];

function issued(
  state: ContextState,
  { context: fresh, isAnother = false, now }: Extract<ContextEvent, { readonly kind: 'issued' }>,
): Step {
  if (state.phase !== 'issuing' && state.phase !== 'renewing') return [state, []];
  if (fresh.expires <= now) return ended('expired', 'The context that was issued has expired already.');
  if (state.phase === 'renewing' && !isAnother) {
    const { current } = state;
    // A renewal keeps the context and names a new key; anything else is another context under this one's name.
    if (fresh.identifier !== current.identifier || fresh.instance === current.instance) {
      return refused(state, { text: 'The renewal answered with another context.', now, pause: 0 });
    }
  }
  return [{ phase: 'open', current: fresh }, []];
}

function refused(
  state: ContextState,
  event: { readonly text: string; readonly now: Instant; readonly pause: number },
): Step {
  // A renewal that failed is tried again, for as long as the key is good.
  if (state.phase === 'renewing' && event.now < state.current.expires) return [unrenewed(state.current, event), []];
  return ended('refused', event.text);
}

/**
 * What was refused is tried again in half of the time that is left: a password that is wrong by now is offered some few times, not with
 * every message.
 */
function unrenewed(
  current: ContextKeyed,
  { now, pause }: { readonly now: Instant; readonly pause: number },
): Extract<ContextState, { readonly phase: 'open' }> {
  if (pause === 0) return { phase: 'open', current };
  return { phase: 'open', current, again: later(now, Math.max(pause, (current.expires - now) / 2)) };
}

function isDue(
  { current, again }: Extract<ContextState, { readonly phase: 'open' }>,
  now: Instant,
  policy: RenewalPolicy,
) {
  return now >= current.expires || now >= dueOf(current, again, policy);
}

/** From when on the key should be renewed. */
export function dueOf(current: ContextKeyed, again: Instant | undefined, policy: RenewalPolicy): Instant {
  const due = renewalDue(current, policy);
  return again === undefined || again < due ? due : again;
}

/** Whatever this end thought, for its peer the key is over: nothing more goes out under it. */
function renewNeeded(state: ContextState, now: Instant): Step {
  if (!isGood(state)) return [state, []];
  const spent = { ...state.current, expires: instant(Math.min(state.current.expires, now)) };
  return state.phase === 'open' ? renewing(spent, []) : [{ phase: state.phase, current: spent }, []];
}

function unanswered(state: ContextState, event: { readonly now: Instant; readonly pause: number }): Step {
  if (state.phase === 'issuing') return [noContext, []];
  return [state.phase === 'renewing' ? unrenewed(state.current, event) : state, []];
}

type Good = Extract<ContextState, { readonly phase: 'open' | 'renewing' | 'amending' }>;

function isGood(state: ContextState): state is Good {
  return state.phase === 'open' || state.phase === 'renewing' || state.phase === 'amending';
}

function sending(state: Exclude<ContextState, { phase: 'ended' }>, now: Instant, policy: RenewalPolicy): Step {
  switch (state.phase) {
    case 'none':
    case 'issuing':
      return [state, [wait]];
    case 'cancelling':
      return [state, [{ effect: 'ended', reason: { code: 'cancelled', text: 'The context is being cancelled.' } }]];
    case 'renewing':
    case 'amending':
      return [state, [now < state.current.expires ? { effect: 'proceed' } : wait]];
    case 'open': {
      const { current } = state;
      if (!isDue(state, now, policy)) return [state, [{ effect: 'proceed' }]];
      return renewing(current, [now < current.expires ? { effect: 'proceed' } : wait]);
    }
    default:
      return state satisfies never;
  }
}

/** After a renewal that is due, so that none has to wait for it. */
function amending(state: Exclude<ContextState, { phase: 'ended' }>, now: Instant, policy: RenewalPolicy): Step {
  if (state.phase !== 'open') return state.phase === 'cancelling' ? sending(state, now, policy) : [state, [wait]];
  const { current } = state;
  if (isDue(state, now, policy)) return renewing(current, [wait]);
  return [{ phase: 'amending', current }, [{ effect: 'request', request: 'amend' }]];
}

function renewing(current: ContextKeyed, then: readonly ContextEffect[]): Step {
  return [{ phase: 'renewing', current }, [{ effect: 'request', request: 'renew' }, ...then]];
}

function closing(state: ContextState, now: Instant): Step {
  const current = isGood(state) ? state.current : undefined;
  if (current === undefined)
    return state.phase === 'cancelling' ? [state, []] : ended('cancelled', 'Nothing was open.');
  // Nothing under an expired key: it cannot be told any more, and the peer forgets it by itself.
  if (now >= current.expires) return ended('expired', 'The context expired before it was cancelled.');
  return [{ phase: 'cancelling', current }, [{ effect: 'request', request: 'cancel' }]];
}

function ended(code: ContextEnd['code'], text: string): Step {
  const reason = { code, text };
  return [{ phase: 'ended', reason }, [{ effect: 'ended', reason }]];
}
