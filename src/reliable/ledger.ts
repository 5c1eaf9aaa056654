/**
 * What a source knows of its messages: which are given a number, sent, acknowledged, answered; and, from that and the time,
 * what is to be sent now. Pure functions over an immutable JSON value; the phases of the sequence are in `source.ts`.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import { covers, highest, includes, none, type Ranges } from './ranges.ts';
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
  /** How many copies were answered with nothing: refused, or taken by a peer that does not say so. */
  readonly silences: number;
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

/** When something happens, and a random number in [0, 1). */
export interface When {
  readonly now: Instant;
  /** A random number in [0, 1). */
  readonly jitter: number;
}

/** A time that never comes, as a JSON value. */
const NEVER = instant(Number.MAX_SAFE_INTEGER);

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
  };
}

/** Why an acknowledgement cannot be true; `undefined` when it can. */
export function objection(
  ledger: Ledger,
  event: { readonly ranges: Ranges; readonly final: boolean },
): string | undefined {
  if (highest(event.ranges) > ledger.sent) {
    return `The acknowledgement names message ${highest(event.ranges)}; the last one sent is ${ledger.sent}.`;
  }
  if (event.final && !covers(event.ranges, ledger.acknowledged)) {
    return 'The final acknowledgement takes back messages that were acknowledged before.';
  }
  return undefined;
}

/** Nack: what the peer misses is due at once, but not more often than once a round trip. */
export function hastened(ledger: Ledger, event: When & { readonly nacks: readonly number[] }): readonly Flight[] {
  const missing = new Set(event.nacks);
  return ledger.flights.map((flight) =>
    missing.has(flight.number) && event.now - flight.last >= ledger.roundTrip.mean
      ? { ...flight, due: event.now }
      : flight,
  );
}

/** Lets go of what is settled: acknowledged, and answered where an answer is awaited. */
export function settle(
  ledger: Ledger,
  event: When,
  policy: Transmission,
): { readonly ledger: Ledger; readonly settled: readonly number[] } {
  const done = ledger.flights.filter(
    (flight) => includes(ledger.acknowledged, flight.number) && !includes(ledger.awaiting, flight.number),
  );
  if (done.length === 0) return { ledger, settled: [] };
  const settled = done.map(({ number }) => number);
  const headMoved = settled.includes(ledger.flights[0]?.number ?? 0);
  const left = ledger.flights.filter((flight) => !done.includes(flight));
  return {
    ledger: {
      ...ledger,
      roundTrip: done.reduce((trip, flight) => measured(trip, event.now - flight.last), ledger.roundTrip),
      window: grown(ledger.window, done.length, policy.window),
      // A receiver that takes only the next number refused these; now their turn may have come.
      flights: headMoved ? left.map((flight) => (flight.refused ? hurried(flight, event.now) : flight)) : left,
    },
    settled,
  };
}

function hurried(flight: Flight, now: Instant): Flight {
  return { ...flight, due: earlier(flight.due, now), refused: false };
}

/** One copy of a message that is to go out. */
export interface Dispatch {
  readonly number: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/**
 * What is due and what the window has room for.
 *
 * @returns the message that was sent as often as allowed, instead, when there is one
 */
export function dispatch(
  given: Ledger,
  event: When,
  policy: Transmission,
): { readonly ledger: Ledger; readonly sends: readonly Dispatch[] } | { readonly exhausted: Flight } {
  const head = given.flights.find((flight) => !isQuiet(given, flight));
  const window = head !== undefined && head.due <= event.now ? afterLoss(given, head) : given.window;
  const base = patience(given.roundTrip, policy.retryFloor);
  const sends: Dispatch[] = [];
  const sending = (number: number, attempt: number, silences = 0): Flight => {
    sends.push({ number, attempt });
    const wait = backOff(base, attempt, event.jitter, policy.retryCeiling);
    const due = policy.drive === 'reply' ? NEVER : later(event.now, wait);
    return { number, attempts: attempt, last: event.now, due, refused: false, silences };
  };
  const again = new Set(repeatable(given, window).filter(({ due }) => due <= event.now));
  const flights: Flight[] = [];
  for (const flight of given.flights) {
    if (again.has(flight) && flight.attempts > policy.maxRetryCount) return { exhausted: flight };
    flights.push(again.has(flight) ? sending(flight.number, flight.attempts + 1, flight.silences) : flight);
  }
  const room =
    policy.drive === 'reply' ? Number.POSITIVE_INFINITY : Math.min(window.size, Math.max(1, given.room ?? window.size));
  let { sent } = given;
  let busy = flights.length - given.flights.filter((flight) => isQuiet(given, flight)).length;
  while (busy < room && sent < given.next - 1) {
    sent += 1;
    busy += 1;
    flights.push(sending(sent, 1));
  }
  const recovered = window === given.window ? given.recovered : Math.max(given.recovered, given.sent);
  return { ledger: { ...given, flights, sent, window, recovered }, sends };
}

/**
 * A one-way message of which two copies were answered with nothing. A peer that never says what it has would keep the window
 * shut for ever, so such a message makes room for the next; it is still sent again, and closing tells what became of it.
 */
function isQuiet(ledger: Ledger, { number, silences }: Flight): boolean {
  return silences > 1 && !includes(ledger.awaiting, number);
}

/** True when nothing more can be learned of what is under way, except by closing. */
export function isSilent(ledger: Ledger): boolean {
  return ledger.flights.every((flight) => isQuiet(ledger, flight));
}

/** What may be sent again when its time has come: the oldest that fit into the window. */
export function repeatable(ledger: Ledger, window: Window = ledger.window): readonly Flight[] {
  let place = 0;
  return ledger.flights.filter((flight) => {
    if (isQuiet(ledger, flight)) return true;
    place += 1;
    return place <= window.size;
  });
}

/** The oldest message under way was not settled in time. Losses of one mishap shrink the window once. */
function afterLoss(ledger: Ledger, head: Flight): Window {
  if (head.number > ledger.recovered) return shrunk(ledger.window);
  return head.attempts > 1 && ledger.window.size > 1 ? { ...ledger.window, size: 1 } : ledger.window;
}

/** When the session is given up unless the peer is heard. */
export function deadline(ledger: Ledger, policy: Transmission): Instant {
  return later(ledger.heard, policy.inactivityTimeout);
}

/** When an idle peer is to be asked for a sign of life: after half the timeout, then ever so often until it is over. */
export function pollDue(ledger: Ledger, policy: Transmission): Instant {
  if (ledger.flights.length > 0) return NEVER;
  const half = policy.inactivityTimeout / 2;
  return later(ledger.heard, half + (ledger.polls * half) / policy.maxRetryCount);
}

/** When a request that is repeated until answered is due again. */
export function repeatDue(ledger: Ledger, attempt: number, event: When, policy: Transmission): Instant {
  const base = patience(ledger.roundTrip, policy.retryFloor);
  return later(event.now, backOff(base, attempt, event.jitter, policy.retryCeiling));
}

export function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}
