/**
 * What a source learns of its messages: from acknowledgements and Nacks, from replies, refusals and silence, and from what the
 * peer says of its room. Pure functions from one ledger to the next; acknowledgements only ever add knowledge.
 */
import { type Instant, later } from '../base/clock.ts';
import {
  earlier,
  type Flight,
  isAnnounced,
  isPromised,
  isStarved,
  type Ledger,
  NEVER,
  oldest,
  open,
  repeatDue,
  type Transmission,
  type When,
} from './ledger.ts';
import { covers, highest, includes, type Ranges } from './ranges.ts';
import { backOff, grown, measured } from './transmission.ts';

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
  return oldest(ledger)?.number === flight.number && !isAnnounced(ledger);
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
