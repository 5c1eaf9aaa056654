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
    asked: now,
    told: false,
    mute: false,
    coalesces: false,
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
  const settled: number[] = [];
  const left: Flight[] = [];
  let { roundTrip, coalesces } = ledger;
  for (const flight of ledger.flights) {
    if (!includes(ledger.acknowledged, flight.number) || includes(ledger.awaiting, flight.number)) {
      left.push(flight);
      continue;
    }
    settled.push(flight.number);
    if (flight.refused) coalesces ||= flight.excused > 0 && !flight.taken;
    // What another answer settled has no round trip of its own to measure.
    else if (!flight.taken) roundTrip = measured(roundTrip, event.now - flight.last);
  }
  if (settled.length === 0) return { ledger, settled };
  // A receiver that takes only the next number refused these; now their turn may have come.
  const hurries = settled[0] === ledger.flights[0]?.number && left.some(({ refused }) => refused);
  // Unless one of the answers that are still to come may say that they were taken.
  const passed = coalesces && isPromised(ledger, left) ? highest(ledger.acknowledged) : Number.POSITIVE_INFINITY;
  return {
    ledger: {
      ...ledger,
      coalesces,
      roundTrip,
      window: grown(ledger.window, settled.length, policy.window),
      flights: hurries ? left.map((flight) => (flight.number < passed ? hurried(flight, event.now) : flight)) : left,
    },
    settled,
  };
}

/** The answer to one of these is awaited that may acknowledge others as well. */
function isPromised(ledger: Ledger, flights: readonly Flight[]): boolean {
  return flights.some(({ refused, taken, number }) => !refused && !taken && !includes(ledger.awaiting, number));
}

/** True when asking the peer what it has would be too early. */
export function isAnnounced(ledger: Ledger): boolean {
  return ledger.coalesces && isPromised(ledger, ledger.flights);
}

function hurried(flight: Flight, now: Instant): Flight {
  return flight.refused ? { ...flight, due: earlier(flight.due, now) } : flight;
}

/** Copies that a peer may decline before they count as lost: patience has an end too. */
const maxExcused = 64;

/**
 * A copy of message `number` did not arrive, or was answered with nothing. Where a peer acknowledges at all, nothing means
 * that its application is slow or that the message is not next in turn (WCF, surewire): no loss, and no use in hurrying. A
 * way that broke is known to have brought no answer: the next copy need not wait for the time that an answer may take.
 */
export function refusedBy(ledger: Ledger, number: number, empty: boolean, event: When, policy: Transmission): Ledger {
  const flights = ledger.flights.map((flight) => {
    if (flight.number !== number || flight.taken) return flight;
    if (!empty && policy.drive !== 'reply') {
      const soon = later(event.now, backOff(policy.retryFloor, flight.attempts, event.jitter, policy.retryCeiling));
      return { ...flight, refused: true, due: earlier(flight.due, soon) };
    }
    const excused = empty && ledger.told && !flight.refused && flight.excused < maxExcused ? 1 : 0;
    const silences = flight.silences + (empty && flight.alone ? 1 : 0);
    const due = isItsTurn(ledger, flight) ? earlier(flight.due, event.now) : flight.due;
    return { ...flight, refused: true, excused: flight.excused + excused, silences, due };
  });
  return { ...ledger, flights };
}

/**
 * What was before this request when its copy went out has been settled since: a receiver that takes only the next number had a
 * reason to drop it, and has none now. It is due once for that, because the next copy goes out alone.
 */
function isItsTurn(ledger: Ledger, flight: Flight): boolean {
  if (flight.due === NEVER || flight.alone || !includes(ledger.awaiting, flight.number)) return false;
  return open(ledger)[0]?.number === flight.number && !isAnnounced(ledger);
}

/** The peer has said that it has no room: what it refused waits until it has some. */
function isHeldBack(ledger: Ledger, flight: Flight): boolean {
  return ledger.room === 0 && flight.refused;
}

/** Nothing can go out or come back before the peer has room: it is to be asked for that. */
function isStarved(ledger: Ledger): boolean {
  if (ledger.room !== 0 || (ledger.flights.length === 0 && ledger.sent === ledger.next - 1)) return false;
  return ledger.flights.every((flight) => flight.taken || flight.refused);
}

/** What the peer has room for now; what it had none for is due again when there is some. */
export function roomier(ledger: Ledger, room: number | null, now: Instant): Ledger {
  const isFreed = ledger.room === 0 && room !== 0;
  return { ...ledger, room, flights: isFreed ? ledger.flights.map((one) => hurried(one, now)) : ledger.flights };
}

/** The peer was heard. While it has no room, it is asked less and less often. */
export function heardBy(ledger: Ledger, now: Instant): Ledger {
  return { ...ledger, heard: now, polls: isStarved(ledger) ? ledger.polls : 0 };
}

/**
 * gSOAP answers one-way messages with nothing, and so it answers the question what it has; only closing tells. To such a peer
 * a message that was answered with nothing counts as taken and makes room for the next: it would keep the window shut for
 * ever. A peer that has acknowledged anything (WCF and surewire drop with an empty answer what they have no room for) has to
 * be silent about two copies; as it answers the question, it is never mute.
 */
export function hushed(ledger: Ledger, event: When): Ledger {
  return ledger.mute ? taken(ledger, event, ledger.told ? 2 : 1) : ledger;
}

/** Lets go of the messages that expect no reply and of which so many copies were answered with nothing. */
export function taken(ledger: Ledger, event: When, silences: number): Ledger {
  const gone = open(ledger).filter((one) => one.silences >= silences && !includes(ledger.awaiting, one.number));
  if (gone.length === 0) return ledger;
  return {
    ...ledger,
    roundTrip: gone.reduce((trip, flight) => measured(trip, event.now - flight.last), ledger.roundTrip),
    // Those behind were out of order until now.
    flights: ledger.flights.map((flight) =>
      gone.includes(flight) ? { ...flight, due: NEVER, refused: false, taken: true } : hurried(flight, event.now),
    ),
  };
}

/** What was taken and is left out of an acknowledgement is missing: it is sent again, the first time at once. */
export function recalled(ledger: Ledger, event: When, policy: Transmission): Ledger {
  if (!ledger.flights.some((flight) => flight.taken && !includes(ledger.acknowledged, flight.number))) return ledger;
  const flights = ledger.flights.map((flight) => {
    if (!flight.taken || includes(ledger.acknowledged, flight.number)) return flight;
    const due = flight.attempts === 1 ? event.now : repeatDue(ledger, flight.attempts, event, policy);
    return { ...flight, due, silences: 0, taken: false };
  });
  return { ...ledger, flights };
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

/** One copy of a message that is to go out. */
export interface Dispatch {
  readonly number: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** It is to ask for an acknowledgement: nothing more can go out before one comes. */
  readonly asks: boolean;
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
  const head = oldest(given);
  const isLost = head !== undefined && head.due <= event.now && !isHeldBack(given, head) && !isDeclined(head);
  const window = isLost ? afterLoss(given, head) : given.window;
  const base = patience(given.roundTrip, policy.retryFloor);
  const room = policy.drive === 'reply' ? Number.POSITIVE_INFINITY : Math.min(window.size, given.room ?? window.size);
  const sends: Dispatch[] = [];
  let underWay = 0;
  const sending = (number: number, attempt: number, excused = 0, silences = 0): Flight => {
    const isLast = underWay + 1 >= room || number === given.next - 1;
    sends.push({ number, attempt, asks: policy.acknowledgements === 'delayed' && (isLast || attempt > 1) });
    const wait = backOff(base, attempt, event.jitter, policy.retryCeiling);
    const due = policy.drive === 'reply' ? NEVER : later(event.now, wait);
    const alone = underWay === 0;
    return { number, attempts: attempt, excused, last: event.now, due, refused: false, alone, silences, taken: false };
  };
  let { coalesces } = given;
  let flights: Flight[] | undefined;
  let at = -1;
  for (const flight of given.flights) {
    at += 1;
    if (flight.taken) continue;
    const again = underWay < window.size && flight.due <= event.now && !isHeldBack(given, flight);
    if (again && flight.attempts - flight.excused > policy.maxRetryCount) return { exhausted: flight };
    if (again) {
      // It was dropped after all.
      if (isDeclined(flight)) coalesces = false;
      flights ??= given.flights.slice();
      flights[at] = sending(flight.number, flight.attempts + 1, flight.excused, flight.silences);
    }
    underWay += 1;
  }
  let { sent } = given;
  for (; underWay < room && sent < given.next - 1; underWay += 1) {
    sent += 1;
    flights ??= given.flights.slice();
    flights.push(sending(sent, 1));
  }
  if (flights === undefined && window === given.window) return { ledger: given, sends };
  const recovered = window === given.window ? given.recovered : Math.max(given.recovered, given.sent);
  return { ledger: { ...given, flights: flights ?? given.flights, sent, window, recovered, coalesces }, sends };
}

/** When something is to be sent again: of the oldest under way that fit into the window, the first whose time comes. */
export function resendDue(ledger: Ledger): Instant {
  let due = NEVER;
  let underWay = 0;
  for (const flight of ledger.flights) {
    if (flight.taken) continue;
    underWay += 1;
    if (underWay > ledger.window.size) break;
    if (flight.due < due && !isHeldBack(ledger, flight)) due = flight.due;
  }
  return due;
}

/** The last copy was answered with nothing by a peer that acknowledges: it arrived, so the network is not to blame. */
function isDeclined(flight: Flight): boolean {
  return flight.refused && flight.excused > 0;
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

/**
 * When the peer is to be asked (AckRequested): one that has no room, less and less often; an idle one for a sign of life,
 * after half the timeout and then ever so often until it is over (WCF's keep-alive).
 */
export function pollDue(ledger: Ledger, policy: Transmission): Instant {
  const half = policy.inactivityTimeout / 2;
  const interval = half / policy.maxRetryCount;
  if (isStarved(ledger)) {
    const base = patience(ledger.roundTrip, policy.retryFloor);
    // From the last question on, be it answered or not: the wait has a ceiling, and silence must not become a storm.
    const since = instant(Math.max(ledger.asked, ledger.heard));
    return later(since, backOff(base, ledger.polls + 1, 0, interval));
  }
  if (oldest(ledger) !== undefined) return NEVER;
  return later(ledger.heard, half + ledger.polls * interval);
}

/** When a request that is repeated until answered is due again. */
export function repeatDue(ledger: Ledger, attempt: number, event: When, policy: Transmission): Instant {
  const base = patience(ledger.roundTrip, policy.retryFloor);
  return later(event.now, backOff(base, attempt, event.jitter, policy.retryCeiling));
}

export function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}
