/**
 * The explorer's source: the reducer with the driver around it (initiator.ts, keeper.ts, interpret.ts), each step done once
 * and remembered. Its states keep no instants and no measurements, so that states which differ only in time are one.
 */
import { type Instant, instant } from '../../src/base/clock.ts';
import { pollDue } from '../../src/reliable/dispatch.ts';
import type { Flight, Ledger, Transmission } from '../../src/reliable/ledger.ts';
import { settingsOf, transmissionOf } from '../../src/reliable/settings.ts';
import { source } from '../../src/reliable/source.ts';
import {
  ledgerOf,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  submitted,
} from '../../src/reliable/source-state.ts';
import {
  type About,
  type Answer,
  acknowledgedBy,
  Broken,
  bit,
  type Configuration,
  Interned,
  type Item,
  isLimit,
  type Said,
} from './explorer-world.ts';

const NOW = instant(1_000_000);
const LATER = instant(2_000_000);
/** As the ledger marks what is not to be sent again. */
const NEVER = instant(Number.MAX_SAFE_INTEGER);

type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;
export type SourceHappening = readonly Bare<SourceEvent>[];

export interface SourceStep {
  readonly before: SourceState;
  readonly next: number;
  readonly state: SourceState;
  readonly effects: readonly SourceEffect[];
  /** For each effect the item that it sends, if any. */
  readonly sends: readonly (number | undefined)[];
  /** True when the driver commits before it performs; `kept` is what the store then has. */
  readonly commits: boolean;
  readonly kept: number;
}

type Sending = Extract<SourceState, { readonly phase: 'created' | 'rollover' | 'draining' }>;

/** A timer that is armed. */
interface Armed {
  readonly label: string;
  /** The source at the moment when it runs out. */
  readonly due: number;
  /** What it waits for. */
  readonly waitsFor: (about: About) => boolean;
}

export class SourceEnd {
  readonly states: Interned<SourceState> = new Interned<SourceState>();
  readonly #of: Configuration;
  readonly #policy: Transmission;
  readonly #items: Interned<Item>;
  readonly #happenings = new Interned<SourceHappening>();
  readonly #steps = new Map<number, SourceStep>();
  readonly #meanings = new Map<string, number>();
  readonly #timers: (readonly Armed[])[] = [];

  constructor(configuration: Configuration, items: Interned<Item>) {
    this.#of = configuration;
    this.#items = items;
    const { version, messages } = configuration;
    this.#policy = {
      ...transmissionOf(settingsOf({ version, maxTransferWindowSize: messages }), version, 'timer'),
      maxRetryCount: 1_000,
    };
  }

  happening(events: SourceHappening): number {
    return this.#happenings.of(events);
  }

  step(from: number, happening: number): SourceStep {
    const key = from * 0x10000 + happening;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const before = this.states.at(from);
    let state = before;
    const effects: SourceEffect[] = [];
    for (const event of this.#happenings.at(happening)) {
      const [next, more] = source(state, { ...event, now: NOW, jitter: 0 } as SourceEvent, this.#policy);
      state = next;
      effects.push(...more);
    }
    const canonical = timeless(this.#opened(before, state), this.#of.messages);
    const made: SourceStep = {
      before,
      next: this.states.of(canonical),
      state: canonical,
      effects,
      sends: effects.map((effect) => this.#sent(effect)),
      commits: !isSame(before, state),
      kept: this.states.of(forStore(canonical)),
    };
    this.#steps.set(key, made);
    return made;
  }

  /** Throws when a step breaks a law, given what the destination has accepted so far. */
  check({ before, state, effects }: SourceStep, accepted: number): void {
    const known = acknowledgedBy(before);
    const knows = acknowledgedBy(state);
    if ((knows & known) !== known) throw new Broken('what the source knows only grows');
    if ((knows & ~accepted) !== 0) throw new Broken('nothing counts as acknowledged that was not accepted');
    const all = 2 ** this.#of.messages - 1;
    for (const effect of effects) {
      switch (effect.effect) {
        case 'settled':
          if (effect.outcome !== 'acknowledged') throw new Broken(`no message is given up (here ${effect.number})`);
          if ((accepted & bit(effect.number)) === 0) throw new Broken('nothing is settled that was not accepted');
          break;
        case 'numbered':
          if (effect.number !== submitted(before) + 1) throw new Broken('numbers follow one another');
          break;
        case 'fault':
        case 'rejected':
          throw new Broken(`an honest peer is not accused (${effect.effect}: ${effect.text})`);
        case 'ended':
          if (effect.reason.code !== 'completed') throw new Broken(`the end is good (here: ${effect.reason.text})`);
          if ((knows & all) !== all) throw new Broken('the end comes when every message is acknowledged');
          break;
        default:
      }
    }
  }

  /** The timers that are armed in a state, each by itself. */
  timers(from: number): readonly Armed[] {
    const known = this.#timers[from];
    if (known !== undefined) return known;
    const made = this.#armed(this.states.at(from));
    this.#timers[from] = made;
    return made;
  }

  #armed(state: SourceState): readonly Armed[] {
    switch (state.phase) {
      case 'none':
      case 'ended':
        return [];
      case 'creating':
      case 'closing':
      case 'terminating': {
        const last = submitted(state);
        const due = this.states.of({ ...state, due: NOW });
        const waitsFor = (about: About) => {
          if (state.phase === 'creating') return about.kind === 'create';
          if (state.phase === 'terminating') return about.kind === 'terminate';
          return about.kind === 'close' || (about.kind === 'message' && about.number === last);
        };
        return [{ label: `the timer of ${state.phase}`, due, waitsFor }];
      }
      case 'created':
      case 'rollover':
      case 'draining':
        return this.#repeats(state).concat(this.#questions(state));
      default:
        return state satisfies never;
    }
  }

  /** A timer for each message that may be sent again. */
  #repeats(state: Sending): readonly Armed[] {
    return state.ledger.flights.flatMap(({ number }) => {
      const only = (other: number, due: Instant) => (other === number ? NOW : due);
      // The clock is set for those in the window.
      const alone = withDues(state, (flight) => only(flight.number, LATER));
      if ((sourceDue(alone, this.#policy) ?? LATER) > NOW) return [];
      const due = this.states.of(withDues(state, (flight) => only(flight.number, flight.due)));
      const waitsFor = (about: About) => about.kind === 'message' && about.number === number;
      return [{ label: `the timer of message ${number}`, due, waitsFor }];
    });
  }

  /** The timer of one who asks a peer without room; the question to one that is idle is left to the tests in virtual time. */
  #questions(state: Sending): readonly Armed[] {
    const isSoon = pollDue(state.ledger, this.#policy) - NOW < this.#policy.inactivityTimeout / 4;
    if (!isSoon) return [];
    const long = instant(NOW - this.#policy.inactivityTimeout / 2);
    const ledger = { ...state.ledger, heard: long, asked: long };
    const due = this.states.of(withDues({ ...state, ledger }, () => LATER));
    return [
      {
        label: 'the timer of the question for room',
        due,
        waitsFor: (about) => about.kind === 'poll',
      },
    ];
  }

  /** What an answer means to the source in its phase. */
  meaning(from: number, name: number, about: About, answer: Answer): number {
    const { phase } = this.states.at(from);
    const key = `${name} ${phase}`;
    const known = this.#meanings.get(key);
    if (known !== undefined) return known;
    const made = this.#happenings.of(meaningOf(phase, about, answer));
    this.#meanings.set(key, made);
    return made;
  }

  #sent(effect: SourceEffect): number | undefined {
    switch (effect.effect) {
      case 'create':
      case 'poll':
        return this.#items.of({ about: { kind: effect.effect } });
      case 'close':
      case 'terminate': {
        const last = this.#of.version.final ? { last: effect.last } : {};
        return this.#items.of({ about: { kind: effect.effect }, ...last });
      }
      case 'transmit':
        return this.#items.of({
          about: { kind: 'message', number: effect.number, last: effect.last },
        });
      default:
        return undefined;
    }
  }

  #opened(before: SourceState, state: SourceState): SourceState {
    if (this.#of.start === 'slow' || before.phase !== 'none' || state.phase !== 'creating') return state;
    return {
      ...state,
      queue: {
        ...state.queue,
        window: { ...state.queue.window, size: this.#of.messages },
      },
    };
  }
}

/** As the initiator reads an answer (interpret.ts). */
function meaningOf(phase: SourceState['phase'], about: About, answer: Answer): SourceHappening {
  const isMessage = about.kind === 'message';
  switch (answer.is) {
    case 'created':
      return [{ kind: 'created', id: 'urn:sequence' }];
    case 'broken':
      return isMessage ? [{ kind: 'refused', number: about.number, empty: false }] : [];
    case 'empty':
      if (about.kind === 'terminate') return [{ kind: 'terminate-answered' }];
      if (about.kind === 'poll') return [{ kind: 'poll-emptied' }];
      return isMessage ? [{ kind: 'refused', number: about.number, empty: true }] : [];
    case 'acknowledgement': {
      const events: Bare<SourceEvent>[] = [{ kind: 'heard' }, acknowledgement(answer.said)];
      if (about.kind === 'close' || (isMessage && about.last)) events.push({ kind: 'close-answered' });
      if (about.kind === 'terminate') events.push({ kind: 'terminate-answered' });
      return events;
    }
    case 'fault': {
      const learned: Bare<SourceEvent>[] = [{ kind: 'heard' }];
      if (answer.said !== undefined) learned.push(acknowledgement(answer.said));
      if (answer.fault === 'SequenceClosed') return [...learned, { kind: 'closed-by-peer' }];
      if (phase === 'terminating' && answer.fault === 'UnknownSequence') return [{ kind: 'terminate-answered' }];
      const reason = {
        code: 'RELIABLE_TERMINATED',
        text: answer.fault,
      } as const;
      return [...learned, { kind: 'abort', reason, tell: false }];
    }
    default:
      return answer satisfies never;
  }
}

function acknowledgement({ ranges, final, room }: Said): Bare<SourceEvent> {
  return {
    kind: 'acknowledgement',
    ranges,
    nacks: [],
    final,
    bufferRemaining: room,
  };
}

/** A state without instants, measurements and high counts, and without what plays no part any more. */
function timeless(state: SourceState, messages: number): SourceState {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return state;
    case 'creating':
      return {
        ...state,
        first: NOW,
        attempts: 1,
        due: LATER,
        queue: timelessLedger(state.queue, messages),
      };
    case 'closing':
    case 'terminating': {
      // Nothing new is sent, and what is sent again goes one by one: the window plays no part.
      const ledger = {
        ...timelessLedger(state.ledger, 0),
        window: shut,
        recovered: 0,
      };
      return { ...state, attempts: 1, due: LATER, ledger };
    }
    case 'created':
    case 'rollover':
    case 'draining':
      return { ...state, ledger: timelessLedger(state.ledger, messages) };
    default:
      return state satisfies never;
  }
}

const shut = { size: 1, threshold: 1, lost: 1, credit: 0 };

function timelessLedger(ledger: Ledger, messages: number): Ledger {
  return {
    ...ledger,
    roundTrip: { mean: 1, deviation: 0 },
    heard: NOW,
    polls: 0,
    asked: NOW,
    room: isLimit(ledger.room ?? undefined, messages) ? ledger.room : null,
    flights: ledger.flights.map((flight) => ({
      ...flight,
      attempts: Math.min(2, flight.attempts),
      excused: Math.min(1, flight.excused),
      last: NOW,
      due: flight.due <= NOW ? NOW : flight.due === NEVER ? NEVER : LATER,
      silences: Math.min(2, flight.silences),
    })),
  };
}

function withDues<State extends { readonly ledger: Ledger }>(state: State, due: (flight: Flight) => Instant): State {
  const flights = state.ledger.flights.map((flight) => ({
    ...flight,
    due: due(flight),
  }));
  return { ...state, ledger: { ...state.ledger, flights } };
}

/** What a store keeps; how often something was sent counts from the start in the next life. */
function forStore(state: SourceState): SourceState {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return state;
  const flights = state.ledger.flights.map((flight) => ({
    ...flight,
    attempts: 1,
    due: LATER,
  }));
  return { ...state, ledger: { ...state.ledger, flights } };
}

/** As the keeper decides what is worth a commit. */
function isSame(one: SourceState, other: SourceState): boolean {
  if (one.phase !== other.phase) return false;
  const before = ledgerOf(one);
  const after = ledgerOf(other);
  if (before === undefined || after === undefined) return before === after;
  return (
    before.next === after.next &&
    before.sent === after.sent &&
    before.acknowledged === after.acknowledged &&
    before.awaiting === after.awaiting
  );
}
