/**
 * What a source is to send now, and when there will be more: what is due again, what the window and the peer have room for, and
 * when the peer is to be asked. Pure functions over the ledger, the time and a random fraction.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import {
  type Flight,
  isHeldBack,
  isQuiet,
  isStarved,
  type Ledger,
  NEVER,
  oldest,
  type Transmission,
  type When,
} from './ledger.ts';
import { backOff, patience, shrunk, type Window } from './transmission.ts';

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
  before: Ledger,
  event: When,
  policy: Transmission,
): { readonly ledger: Ledger; readonly sends: readonly Dispatch[] } | { readonly exhausted: Flight } {
  if (isQuiet(before, event.now)) return { ledger: before, sends: [] };
  const given = awake(before);
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

/** The pause after a refusal of the password is over. */
function awake(ledger: Ledger): Ledger {
  if (ledger.quiet === undefined) return ledger;
  const { quiet, ...rest } = ledger;
  return rest;
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
