/**
 * The RM Source (RMS): numbers messages, sends them within a window, sends again what is not acknowledged, and ends the
 * sequence in good order. A pure reducer after the state table of WS-RM 1.1, appendix D.1: it knows no clock, socket, store
 * or chance; the time and a random fraction come with each event. Its state is a JSON value, which is what a store keeps.
 *
 * Acknowledgements only ever add knowledge: a late one that says less changes nothing, one that names what was never sent
 * is answered with InvalidAcknowledgement and changes nothing either.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import type { Outcome, ReliableErrorCode } from './errors.ts';
import { add, covers, highest, includes, none, type Ranges, remove, union } from './ranges.ts';
import {
  backOff,
  firstRoundTrip,
  grown,
  measured,
  openWindow,
  patience,
  type RoundTrip,
  shrunk,
  type Window,
} from './transmission.ts';

/** A reducer's answer: the new state, and what is to be done, in this order. */
export type Step<State, Effect> = readonly [state: State, effects: readonly Effect[]];

/** How the source sends. Times in milliseconds. */
export interface Transmission {
  /** `timer`: sends and repeats by itself. `reply`: sends only when asked (replies that ride on HTTP responses). */
  readonly drive: 'timer' | 'reply';
  readonly shutdown: 'close' | 'last-message';
  /** The most messages under way at once. */
  readonly window: number;
  /** How often one message is sent again before the session is given up. */
  readonly maxRetryCount: number;
  /** What is granted above the mean round trip before sending again. */
  readonly retryFloor: number;
  /** The longest wait between two transmissions of one message. */
  readonly retryCeiling: number;
  /** How long to wait for the first answer of all, before any round trip was measured. */
  readonly firstPatience: number;
  readonly inactivityTimeout: number;
  /** The greatest number a message may get. */
  readonly lastNumber: number;
}

/** A message that was sent and is not settled. */
export interface Flight {
  readonly number: number;
  /** How often it was sent. */
  readonly attempts: number;
  /** When it was sent last. */
  readonly last: Instant;
  /** When it is to be sent again. */
  readonly due: Instant;
  /** The peer (or the way to it) refused the last copy: worth another try as soon as anything gets through. */
  readonly refused: boolean;
}

/** Everything the source knows of its messages. */
export interface Ledger {
  /** The number that the next message gets. */
  readonly next: number;
  /** The highest number that was ever sent; those up to `next` wait for room in the window. */
  readonly sent: number;
  /** Sent and not settled, ascending. */
  readonly flights: readonly Flight[];
  readonly acknowledged: Ranges;
  /** Messages that are settled only by their own reply, which has not come. */
  readonly awaiting: Ranges;
  readonly roundTrip: RoundTrip;
  readonly window: Window;
  /** The highest number sent when the window last shrank: losses up to here belong to the same mishap. */
  readonly recovered: number;
  /** How many more messages the peer has room for, where it says so. */
  readonly room: number | null;
  /** When the peer was last heard. */
  readonly heard: Instant;
  /** How often the peer was asked for a sign of life since. */
  readonly polls: number;
}

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

interface Known {
  readonly id: string;
  readonly ledger: Ledger;
}

export type SourceState =
  | { readonly phase: 'none' }
  | ({ readonly phase: 'creating'; readonly first: Instant; readonly queue: Ledger } & Repeated)
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

interface When {
  readonly now: Instant;
  /** A random number in [0, 1). */
  readonly jitter: number;
}

export type SourceEvent = When &
  (
    | { readonly kind: 'open' }
    | { readonly kind: 'created'; readonly id: string }
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
    /** The last copy was not taken: an empty answer, or the way was broken. */
    | { readonly kind: 'refused'; readonly number: number }
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
  | { readonly effect: 'transmit'; readonly number: number; readonly attempt: number; readonly last: boolean }
  | { readonly effect: 'settled'; readonly number: number; readonly outcome: Outcome }
  /** Ask for an acknowledgement, as a sign of life. */
  | { readonly effect: 'poll' }
  | { readonly effect: 'close'; readonly last: number; readonly attempt: number }
  | { readonly effect: 'terminate'; readonly last: number; readonly attempt: number }
  | { readonly effect: 'fault'; readonly fault: 'SequenceTerminated' | 'InvalidAcknowledgement'; readonly text: string }
  | { readonly effect: 'ended'; readonly reason: EndReason };

type SourceStep = Step<SourceState, SourceEffect>;

export const completed: EndReason = Object.freeze({
  code: 'completed',
  text: 'the sequence was terminated in good order',
});

/** A time that never comes, as a JSON value. */
const NEVER = instant(Number.MAX_SAFE_INTEGER);

/** Where every sequence starts that this end creates. */
export const noSource: SourceState = Object.freeze({ phase: 'none' });

/** A sequence that the peer offered, ready to be sent on. */
export function offeredSource(id: string, now: Instant, policy: Transmission): SourceState {
  return { phase: 'created', id, ledger: blank(now, policy) };
}

/**
 * One step of the source.
 *
 * @param policy settings that do not change during the life of the sequence
 */
export function source(state: SourceState, event: SourceEvent, policy: Transmission): SourceStep {
  switch (event.kind) {
    case 'open': {
      if (state.phase !== 'none') return [state, []];
      const due = later(event.now, backOff(policy.firstPatience, 1, event.jitter, policy.retryCeiling));
      return [
        { phase: 'creating', first: event.now, attempts: 1, due, queue: blank(event.now, policy) },
        [{ effect: 'create', attempt: 1 }],
      ];
    }
    case 'created':
      return created(state, event, policy);
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
      return [
        withLedger(state, (ledger) => ({
          ...ledger,
          flights: ledger.flights.map((flight) =>
            flight.number === event.number ? { ...flight, refused: true } : flight,
          ),
        })),
        [],
      ];
    case 'heard':
      return [withLedger(state, (ledger) => ({ ...ledger, heard: event.now, polls: 0 })), []];
    case 'close':
      return close(state, event, policy);
    case 'close-answered':
      return state.phase === 'closing' ? terminate(state, event, policy, completed) : [state, []];
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

/** When the next `elapsed` event is wanted; `undefined` when nothing waits for time to pass. */
export function sourceDue(state: SourceState, policy: Transmission): Instant | undefined {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return undefined;
    case 'creating':
    case 'terminating':
      return state.due;
    case 'closing':
      return earliest([state.due, deadline(state.ledger, policy)]);
    case 'created':
    case 'rollover':
    case 'draining': {
      if (policy.drive === 'reply') return undefined;
      const { ledger } = state;
      const repeats = ledger.flights.slice(0, ledger.window.size).map((flight) => flight.due);
      return earliest([...repeats, pollDue(ledger, policy), deadline(ledger, policy)]);
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
      return number < next && state.phase !== 'terminating' ? 'pending' : 'failed';
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
  return ledger === undefined || state.phase === 'terminating'
    ? 0
    : ledger.flights.length + ledger.next - 1 - ledger.sent;
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

function blank(now: Instant, policy: Transmission): Ledger {
  return {
    next: 1,
    sent: 0,
    flights: [],
    acknowledged: none,
    awaiting: none,
    roundTrip: firstRoundTrip(policy.firstPatience),
    window: openWindow(policy.window),
    recovered: 0,
    room: null,
    heard: now,
    polls: 0,
  };
}

function created(state: SourceState, event: When & { readonly id: string }, policy: Transmission): SourceStep {
  // A second CreateSequenceResponse, the answer to a repeated request, is a duplicate.
  if (state.phase !== 'creating') return [state, []];
  const roundTrip = firstRoundTrip(event.now - state.first);
  const ledger = { ...state.queue, roundTrip, heard: event.now };
  return pump({ phase: 'created', id: event.id, ledger }, event, policy, [{ effect: 'opened', id: event.id }]);
}

function submit(
  state: SourceState,
  event: When & { readonly expects: 'acknowledgement' | 'reply' },
  policy: Transmission,
): SourceStep {
  if (state.phase !== 'created' && state.phase !== 'creating') {
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
    return [state, [{ effect: 'fault', fault: 'InvalidAcknowledgement', text: refusal }]];
  }
  const [next, effects] = changed(state, event, policy, (before) => ({
    ...before,
    acknowledged: union(before.acknowledged, event.ranges),
    room: event.bufferRemaining ?? before.room,
    flights: event.nacks.length === 0 ? before.flights : hastened(before, event),
  }));
  if (!event.final || next.phase === 'terminating' || next.phase === 'ended') return [next, effects];
  const [after, more] =
    next.phase === 'closing' ? terminate(next, event, policy, completed) : closedByPeer(next, event, policy, true);
  return [after, [...effects, ...more]];
}

/** Why an acknowledgement cannot be true; `undefined` when it can. */
function objection(ledger: Ledger, event: { readonly ranges: Ranges; readonly final: boolean }): string | undefined {
  if (highest(event.ranges) > ledger.sent) {
    return `The acknowledgement names message ${highest(event.ranges)}; the last one sent is ${ledger.sent}.`;
  }
  if (event.final && !covers(event.ranges, ledger.acknowledged)) {
    return 'The final acknowledgement takes back messages that were acknowledged before.';
  }
  return undefined;
}

/** Nack: what the peer misses is due at once, but not more often than once a round trip. */
function hastened(ledger: Ledger, event: When & { readonly nacks: readonly number[] }): readonly Flight[] {
  const missing = new Set(event.nacks);
  return ledger.flights.map((flight) =>
    missing.has(flight.number) && event.now - flight.last >= ledger.roundTrip.mean
      ? { ...flight, due: event.now }
      : flight,
  );
}

/** Applies new knowledge, settles what it settles, sends what there is room for, and goes on closing when all is settled. */
function changed(state: SourceState, event: When, policy: Transmission, learn: (ledger: Ledger) => Ledger): SourceStep {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return [state, []];
  const [ledger, effects] = settle({ ...learn(state.ledger), heard: event.now, polls: 0 }, event, policy);
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

function settle(ledger: Ledger, event: When, policy: Transmission): readonly [Ledger, readonly SourceEffect[]] {
  const done = ledger.flights.filter(
    (flight) => includes(ledger.acknowledged, flight.number) && !includes(ledger.awaiting, flight.number),
  );
  if (done.length === 0) return [ledger, []];
  const settledNow = new Set(done.map((flight) => flight.number));
  const headMoved = settledNow.has(ledger.flights[0]?.number ?? 0);
  const left = ledger.flights.filter((flight) => !settledNow.has(flight.number));
  return [
    {
      ...ledger,
      roundTrip: done.reduce((trip, flight) => measured(trip, event.now - flight.last), ledger.roundTrip),
      window: grown(ledger.window, done.length, policy.window),
      // A receiver that takes only the next number refused these; now their turn may have come.
      flights: headMoved
        ? left.map((flight) =>
            flight.refused ? { ...flight, due: earlier(flight.due, event.now), refused: false } : flight,
          )
        : left,
    },
    done.map(({ number }) => ({ effect: 'settled', number, outcome: 'acknowledged' })),
  ];
}

/** Sends what is due and what the window has room for. */
function pump(
  state: Extract<SourceState, { readonly phase: 'created' | 'rollover' | 'draining' }>,
  event: When,
  policy: Transmission,
  before: readonly SourceEffect[],
): SourceStep {
  const effects: SourceEffect[] = [...before];
  const given = state.ledger;
  const head = given.flights[0];
  const window = head !== undefined && head.due <= event.now ? afterLoss(given, head) : given.window;
  const base = patience(given.roundTrip, policy.retryFloor);
  const sending = (number: number, attempt: number): Flight => {
    effects.push({ effect: 'transmit', number, attempt, last: false });
    const wait = backOff(base, attempt, event.jitter, policy.retryCeiling);
    const due = policy.drive === 'reply' ? NEVER : later(event.now, wait);
    return { number, attempts: attempt, last: event.now, due, refused: false };
  };
  const flights: Flight[] = [];
  for (const [at, flight] of given.flights.entries()) {
    const again = at < window.size && flight.due <= event.now;
    if (again && flight.attempts > policy.maxRetryCount) {
      const text = `Message ${flight.number} was sent ${flight.attempts} times and not acknowledged. Check that the peer is reachable; raise maxRetryCount for a worse network.`;
      return prepended(abort(state, { reason: { code: 'RELIABLE_RETRIES_EXHAUSTED', text }, tell: true }), before);
    }
    flights.push(again ? sending(flight.number, flight.attempts + 1) : flight);
  }
  const room =
    policy.drive === 'reply' ? Number.POSITIVE_INFINITY : Math.min(window.size, Math.max(1, given.room ?? window.size));
  let { sent } = given;
  while (flights.length < room && sent < given.next - 1) {
    sent += 1;
    flights.push(sending(sent, 1));
  }
  const recovered = window === given.window ? given.recovered : Math.max(given.recovered, given.sent);
  const ledger: Ledger = { ...given, flights, sent, window, recovered };
  if (state.phase === 'draining' && flights.length === 0 && sent === ledger.next - 1) {
    return prepended(startClosing({ ...state, ledger }, event, policy), effects);
  }
  return [{ ...state, ledger }, effects];
}

/** The oldest message under way was not settled in time. Losses of one mishap shrink the window once. */
function afterLoss(ledger: Ledger, head: Flight): Window {
  if (head.number > ledger.recovered) return shrunk(ledger.window);
  return head.attempts > 1 && ledger.window.size > 1 ? { ...ledger.window, size: 1 } : ledger.window;
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

function startClosing(
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
  const number = ledger.next;
  const numbered = { ...ledger, next: number + 1, sent: number };
  return [
    { phase: 'closing', id, ledger: numbered, attempts: 1, due },
    [{ effect: 'transmit', number, attempt: 1, last: true }],
  ];
}

function terminate(
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
function closedByPeer(state: SourceState, event: When, policy: Transmission, final = false): SourceStep {
  switch (state.phase) {
    case 'created':
    case 'rollover':
    case 'draining': {
      const lost = unsettled(state) > 0;
      const reason: EndReason =
        lost || state.phase !== 'draining'
          ? {
              code: 'RELIABLE_SEQUENCE_CLOSED',
              text: 'The peer closed the sequence; see the outcomes for what it had accepted.',
            }
          : completed;
      const effects = leftovers(state.ledger, final ? 'failed' : 'unknown');
      return prepended(
        terminate({ ...state, ledger: { ...state.ledger, flights: [] } }, event, policy, reason),
        effects,
      );
    }
    case 'closing':
      return terminate(state, event, policy, completed);
    case 'none':
    case 'creating':
    case 'terminating':
    case 'ended':
      return [state, []];
    default:
      return state satisfies never;
  }
}

function abort(state: SourceState, event: { readonly reason: EndReason; readonly tell: boolean }): SourceStep {
  if (state.phase === 'ended') return [state, []];
  const known = sourceId(state) !== undefined;
  const fault: SourceEffect[] =
    event.tell && known ? [{ effect: 'fault', fault: 'SequenceTerminated', text: event.reason.text }] : [];
  return prepended(end(state, event.reason), fault);
}

function end(state: SourceState, reason: EndReason): SourceStep {
  const ledger = ledgerOf(state);
  const finished = state.phase === 'terminating' || ledger === undefined;
  const sent = finished ? [] : ledger.flights.filter(({ number }) => !includes(ledger.acknowledged, number));
  return [
    {
      phase: 'ended',
      reason,
      next: ledger?.next ?? 1,
      acknowledged: ledger?.acknowledged ?? none,
      unknown: sent.reduce((set, { number }) => add(set, number), none),
    },
    [...(finished ? [] : leftovers(ledger, 'unknown')), { effect: 'ended', reason }],
  ];
}

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

function resumed(state: SourceState, event: When, policy: Transmission): SourceStep {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return [state, []];
    case 'creating':
      return elapsed({ ...state, attempts: 0, due: event.now }, event, policy);
    case 'closing':
    case 'terminating':
      return elapsed(
        { ...state, attempts: 0, due: event.now, ledger: { ...state.ledger, heard: event.now } },
        event,
        policy,
      );
    case 'created':
    case 'rollover':
    case 'draining': {
      const { ledger } = state;
      const flights = ledger.flights.map((flight) => ({ ...flight, attempts: 1, due: event.now, last: event.now }));
      const fresh = { ...ledger, heard: event.now, polls: 0, recovered: ledger.sent };
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
  switch (state.phase) {
    case 'none':
    case 'ended':
      return [state, []];
    case 'creating': {
      if (event.now < state.due) return [state, []];
      const attempt = state.attempts + 1;
      const due = later(event.now, backOff(policy.firstPatience, attempt, event.jitter, policy.retryCeiling));
      return [{ ...state, attempts: attempt, due }, [{ effect: 'create', attempt }]];
    }
    case 'created':
    case 'rollover':
    case 'draining': {
      if (policy.drive === 'reply') return [state, []];
      if (event.now >= deadline(state.ledger, policy)) return inactive(state, policy);
      const poll = event.now >= pollDue(state.ledger, policy);
      const ledger = poll ? { ...state.ledger, polls: state.ledger.polls + 1 } : state.ledger;
      return pump({ ...state, ledger }, event, policy, poll ? [{ effect: 'poll' }] : []);
    }
    case 'closing': {
      if (event.now >= deadline(state.ledger, policy)) return inactive(state, policy);
      if (event.now < state.due) return [state, []];
      const attempt = state.attempts + 1;
      if (attempt > policy.maxRetryCount + 1) {
        const text = 'Every message arrived, but the peer did not confirm that the sequence is closed.';
        return abort(state, { reason: { code: 'RELIABLE_RETRIES_EXHAUSTED', text }, tell: true });
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

function inactive(state: SourceState, policy: Transmission): SourceStep {
  const text = `Nothing was heard of the peer for ${policy.inactivityTimeout} ms.`;
  return abort(state, { reason: { code: 'RELIABLE_INACTIVE', text }, tell: true });
}

/** When the session is given up unless the peer is heard. */
function deadline(ledger: Ledger, policy: Transmission): Instant {
  return later(ledger.heard, policy.inactivityTimeout);
}

/** When an idle peer is to be asked for a sign of life: after half the timeout, then ever so often until it is over. */
function pollDue(ledger: Ledger, policy: Transmission): Instant {
  if (ledger.flights.length > 0) return NEVER;
  const half = policy.inactivityTimeout / 2;
  return later(ledger.heard, half + (ledger.polls * half) / policy.maxRetryCount);
}

function repeatDue(ledger: Ledger, attempt: number, event: When, policy: Transmission): Instant {
  const base = patience(ledger.roundTrip, policy.retryFloor);
  return later(event.now, backOff(base, attempt, event.jitter, policy.retryCeiling));
}

function withLedger(state: SourceState, change: (ledger: Ledger) => Ledger): SourceState {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return state;
  return { ...state, ledger: change(state.ledger) };
}

function prepended([state, effects]: SourceStep, before: readonly SourceEffect[]): SourceStep {
  return [state, [...before, ...effects]];
}

function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}

function earliest(instants: readonly Instant[]): Instant | undefined {
  return instants.length === 0 ? undefined : instants.reduce(earlier);
}
