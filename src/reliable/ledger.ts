/**
 * What a source knows of its messages: which are given a number, sent, acknowledged, answered; and what can be read off that. An
 * immutable JSON value; what it learns is in `learning.ts`, what is to be sent now in `dispatch.ts`, and the phases of the
 * sequence are in `source.ts`.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import { includes, none, type Ranges } from './ranges.ts';
import { backOff, firstRoundTrip, openWindow, patience, type RoundTrip, type Window } from './transmission.ts';

/** How the source sends. Times in milliseconds. */
export interface Transmission {
  /** `timer`: sends and repeats by itself. `reply`: sends only when asked (replies that ride on HTTP responses). */
  readonly drive: 'timer' | 'reply';
  readonly shutdown: 'close' | 'last-message';
  /** When retries or the patience with a silent peer run out: the peer is told that the sequence ends, or nothing is. */
  readonly givesUp: 'fault' | 'suspend';
  /**
   * `at-once`: the answer to a message acknowledges it (HTTP). `delayed`: acknowledgements come when they come, and are asked
   * for when the window is full and before closing (WCF's duplex and one-way-over-duplex channels).
   */
  readonly acknowledgements: 'at-once' | 'delayed';
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
  /** How many of these copies count for nothing: a peer that is well had no room for them. */
  readonly excused: number;
  /** When it was sent last. */
  readonly last: Instant;
  /** When it is to be sent again. */
  readonly due: Instant;
  /** The peer (or the way to it) refused the last copy: worth another try as soon as anything gets through. */
  readonly refused: boolean;
  /** Nothing before it was under way when the last copy was sent: a receiver that keeps order had no reason to drop it. */
  readonly alone: boolean;
  /** How many such copies were answered with nothing: refused, or taken by a peer that does not say so. */
  readonly silences: number;
  /** Taken without a word (see `hushed`): out of the window and not sent again, but settled by an acknowledgement only. */
  readonly taken: boolean;
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
  /** When the sequence is over (Expires), where its source has asked for that. */
  readonly expires?: Instant;
  /** When the peer was last heard. */
  readonly heard: Instant;
  /** How often the peer was asked for a sign of life since. */
  readonly polls: number;
  /** When it was asked last. */
  readonly asked: Instant;
  /** The peer has acknowledged something, be it nothing: what it drops, it will not acknowledge. */
  readonly told: boolean;
  /** Asked what it has, the peer answered with nothing, and has acknowledged nothing since. */
  readonly mute: boolean;
  /**
   * The peer has acknowledged what it had answered with nothing: one answer brings the acknowledgement for others. While such an
   * answer is awaited, an empty one says nothing.
   */
  readonly coalesces: boolean;
  /** How often in a row the password that messages bring was refused, each time after a pause; absent where it was not. */
  readonly denials?: number;
  /** Nothing is said before this: the password was refused. */
  readonly quiet?: Instant;
}

/** When something happens, and a random number in [0, 1). */
export interface When {
  readonly now: Instant;
  /** A random number in [0, 1). */
  readonly jitter: number;
}

/** A time that never comes, as a JSON value. */
export const NEVER: Instant = instant(Number.MAX_SAFE_INTEGER);

/** Nothing numbered yet. */
export function blank(now: Instant, policy: Transmission): Ledger {
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
    asked: now,
    told: false,
    mute: false,
    coalesces: false,
  };
}

/** The answer to one of these is awaited that may acknowledge others as well. */
export function isPromised(ledger: Ledger, flights: readonly Flight[]): boolean {
  return flights.some(({ refused, taken, number }) => !refused && !taken && !includes(ledger.awaiting, number));
}

/** True when asking the peer what it has would be too early. */
export function isAnnounced(ledger: Ledger): boolean {
  return ledger.coalesces && isPromised(ledger, ledger.flights);
}

/** The peer has said that it has no room: what it refused waits until it has some. */
export function isHeldBack(ledger: Ledger, flight: Flight): boolean {
  return ledger.room === 0 && flight.refused;
}

/** Nothing can go out or come back before the peer has room: it is to be asked for that. */
export function isStarved(ledger: Ledger): boolean {
  if (ledger.room !== 0 || (ledger.flights.length === 0 && ledger.sent === ledger.next - 1)) return false;
  return ledger.flights.every((flight) => flight.taken || flight.refused);
}

/** The password was refused a short while ago. */
export function isQuiet({ quiet }: Ledger, now: Instant): boolean {
  return quiet !== undefined && now < quiet;
}

/**
 * Nothing is known against the password any more: what was said with it has been taken. Where both ends speak unasked only an
 * acknowledgement of more says so.
 */
export function pardoned(ledger: Ledger): Ledger {
  if (ledger.denials === undefined) return ledger;
  const { quiet, denials, ...rest } = ledger;
  return rest;
}

/** What is under way, as far as is known. */
export function open(ledger: Ledger): readonly Flight[] {
  return ledger.flights.some(isTaken) ? ledger.flights.filter((flight) => !flight.taken) : ledger.flights;
}

function isTaken(flight: Flight): boolean {
  return flight.taken;
}

/** The oldest under way. */
export function oldest(ledger: Ledger): Flight | undefined {
  for (const flight of ledger.flights) if (!flight.taken) return flight;
  return undefined;
}

/** When the session is given up unless the peer is heard. */
export function deadline(ledger: Ledger, policy: Transmission): Instant {
  return later(ledger.heard, policy.inactivityTimeout);
}

/** When a request that is repeated until answered is due again. */
export function repeatDue(ledger: Ledger, attempt: number, event: When, policy: Transmission): Instant {
  const base = patience(ledger.roundTrip, policy.retryFloor);
  return later(event.now, backOff(base, attempt, event.jitter, policy.retryCeiling));
}

export function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}
