/**
 * Every schedule of a small session, one after the other: the pair of reducers, source (RMS) and destination (RMD), with a
 * network between them that loses, repeats, delays and reorders every kind of message on both legs, and with ends that die
 * at any point of a step and come back from what was durable. Breadth first, equal states merged.
 *
 * The drivers are modelled as they are: *reduce, commit, perform in order*; a commit only when what is worth keeping has
 * changed; requests are answered on their own exchange, and exchanges of an initiator die with it.
 *
 * Time is abstracted away, so that nothing hangs on how long something takes. A state keeps no instants and no round trips, a
 * count of attempts only as "once" or "again". A timer may fire
 *  - once nothing about its request is under way (it, or what was to answer it, was lost or refused): for nothing;
 *  - while a copy or an answer is under way (the network is slower than the timer): out of a budget.
 * Two timers that run out at once do what they do one after the other, so they are fired one by one. What depends on how
 * often or how long (retries used up, inactivity, expiry) is left to the tests in virtual time.
 */
import { type Instant, instant } from '../../src/base/clock.ts';
import {
  bufferRemaining,
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destination,
  isFinal,
  newDestination,
  sameReceipt,
} from '../../src/reliable/destination.ts';
import type { ReliableFaultName } from '../../src/reliable/faults.ts';
import type { Flight, Ledger, Transmission } from '../../src/reliable/ledger.ts';
import type { Ranges } from '../../src/reliable/ranges.ts';
import { assuranceOf, settingsOf, transmissionOf } from '../../src/reliable/settings.ts';
import { source } from '../../src/reliable/source.ts';
import {
  ledgerOf,
  noSource,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  submitted,
} from '../../src/reliable/source-state.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';

export interface Configuration {
  readonly version: ReliableVersion;
  readonly ordered: boolean;
  readonly messages: number;
  /** How many messages or answers may be lost. */
  readonly losses: number;
  /** How many may be doubled. */
  readonly duplicates: number;
  /** How often a timer may run out although nothing was lost. */
  readonly early: number;
  /** How often either end may die. */
  readonly crashes: number;
  /** The window of the destination; the source's is as large as the number of messages. */
  readonly room: number;
  /** `slow`: the source's window starts at one message, as it does; `open`: as if it had grown before. */
  readonly start: 'slow' | 'open';
}

export interface Findings {
  readonly states: number;
  readonly steps: number;
  /** What is wrong, with the shortest way there; empty when nothing is. */
  readonly violations: readonly { readonly law: string; readonly schedule: readonly string[] }[];
  /** True when there were more states than allowed: nothing was proved. */
  readonly cut: boolean;
}

const NOW = instant(1_000_000);
const LATER = instant(2_000_000);
/** As the ledger marks what is not to be sent again. */
const NEVER = instant(Number.MAX_SAFE_INTEGER);
const id = 'urn:s';

type About =
  | { readonly kind: 'create' | 'close' | 'terminate' | 'poll' }
  | { readonly kind: 'message'; readonly number: number; readonly last: boolean };

interface Said {
  readonly ranges: Ranges;
  readonly final: boolean;
  readonly room: number | undefined;
}

type Answer =
  | { readonly is: 'created' | 'empty' | 'broken' }
  | { readonly is: 'acknowledgement'; readonly said: Said }
  | { readonly is: 'fault'; readonly fault: ReliableFaultName; readonly said: Said | undefined };

/** Something under way. */
interface Item {
  readonly about: About;
  /** Absent on the way there. */
  readonly answer?: Answer;
  /** The last message's number, on close and terminate of 200702. */
  readonly last?: number;
}

/** Everything there is, as numbers: states and items are interned. Sets of message numbers are bit masks. */
interface World {
  readonly source: number;
  readonly sourceKept: number;
  /** 0: there is no session. */
  readonly destination: number;
  readonly destinationKept: number;
  readonly accepted: number;
  /** Handed to the application in this life of the process, and not finished. */
  readonly handed: number;
  readonly finished: number;
  readonly losses: number;
  readonly duplicates: number;
  readonly early: number;
  readonly crashes: number;
  /** Ascending. */
  readonly net: readonly number[];
}

interface Step<State, Effect> {
  readonly next: number;
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly commits: boolean;
}

/** How many fields a world has before its net. */
const fields = 11;

type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;

class Interned<T> {
  readonly values: T[] = [];
  readonly #ids = new Map<string, number>();

  of(value: T): number {
    const key = JSON.stringify(value);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const made = this.values.push(value) - 1;
    if (made > 0xffff) throw new Error('too many different values for a 16 bit name');
    this.#ids.set(key, made);
    return made;
  }

  at(index: number): T {
    const value = this.values[index];
    if (value === undefined) throw new Error(`nothing is named ${index}`);
    return value;
  }
}

/** Many numbers in little room. */
class Numbers {
  length = 0;
  #values = new Uint32Array(1 << 16);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const more = new Uint32Array(this.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }
}

class Broken extends Error {}

/** Explores; `limit` is the greatest number of states. */
export function explore(configuration: Configuration, limit = 20_000_000): Findings {
  return new Explorer(configuration).run(limit);
}

class Explorer {
  readonly #of: Configuration;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #sources = new Interned<SourceState>();
  readonly #destinations = new Interned<DestinationState | null>();
  readonly #items = new Interned<Item>();
  readonly #sourceSteps = new Map<string, Step<SourceState, SourceEffect>>();
  readonly #destinationSteps = new Map<string, Step<DestinationState, DestinationEffect>>();
  readonly #seen = new Map<string, number>();
  /** By number; the text holds the fields of a world and then its net. */
  readonly #worlds: string[] = [];
  readonly #parents = new Numbers();
  /** Steps that a healed network takes, as pairs from, to. */
  readonly #calm = new Numbers();
  /** Where a schedule is told: the label of the step to this state. */
  #wanted: { readonly key: string; label: string } | undefined;
  readonly #violations = new Map<string, number>();
  #at = 0;
  #steps = 0;

  constructor(configuration: Configuration) {
    this.#of = configuration;
    const { version, ordered, messages, room } = configuration;
    const settings = settingsOf({ version, ordered, maxTransferWindowSize: messages });
    this.#policy = { ...transmissionOf(settings, version, 'timer'), maxRetryCount: 1_000 };
    this.#assurance = { ...assuranceOf(settings), window: room };
  }

  run(limit: number): Findings {
    const { losses, duplicates, early, crashes } = this.#of;
    const nobody = this.#destinations.of(null);
    const start = this.#sources.of(noSource);
    this.#reach(
      {
        source: start,
        sourceKept: start,
        destination: nobody,
        destinationKept: nobody,
        accepted: 0,
        handed: 0,
        finished: 0,
        losses,
        duplicates,
        early,
        crashes,
        net: [],
      },
      'start',
      false,
    );
    for (this.#at = 0; this.#at < this.#worlds.length && this.#violations.size === 0; this.#at += 1) {
      if (this.#worlds.length > limit) return this.#findings(true);
      this.#expand(this.#world(this.#at));
    }
    if (this.#violations.size === 0) this.#live();
    return this.#findings(false);
  }

  #findings(cut: boolean): Findings {
    const violations = [...this.#violations].map(([law, at]) => ({ law, schedule: this.#schedule(at) }));
    return { states: this.#worlds.length, steps: this.#steps, violations, cut };
  }

  #world(index: number): World {
    const key = this.#worlds[index];
    if (key === undefined) throw new Error(`no state ${index}`);
    const at = (field: number) => key.charCodeAt(field);
    const net: number[] = [];
    for (let field = fields; field < key.length; field += 1) net.push(at(field));
    return {
      source: at(0),
      sourceKept: at(1),
      destination: at(2),
      destinationKept: at(3),
      accepted: at(4),
      handed: at(5),
      finished: at(6),
      losses: at(7),
      duplicates: at(8),
      early: at(9),
      crashes: at(10),
      net,
    };
  }

  /** The shortest way to a state: what was done is found by doing it again. */
  #schedule(at: number): readonly string[] {
    const labels: string[] = [];
    for (let index = at; index > 0; index = this.#at) {
      this.#at = this.#parents.at(index);
      this.#wanted = { key: this.#worlds[index] ?? '', label: '?' };
      this.#expand(this.#world(this.#at));
      labels.push(this.#wanted.label);
    }
    return labels.reverse();
  }

  #violated(law: string, at: number): void {
    if (!this.#violations.has(law)) this.#violations.set(law, at);
  }

  #reach(given: World, label: string, calm: boolean): void {
    const world = this.#pruned(given);
    const key = String.fromCharCode(
      world.source,
      world.sourceKept,
      world.destination,
      world.destinationKept,
      world.accepted,
      world.handed,
      world.finished,
      world.losses,
      world.duplicates,
      world.early,
      world.crashes,
      ...world.net,
    );
    if (this.#wanted !== undefined) {
      if (this.#wanted.key === key && this.#wanted.label === '?') this.#wanted.label = label;
      return;
    }
    this.#steps += 1;
    let index = this.#seen.get(key);
    if (index === undefined) {
      index = this.#worlds.push(key) - 1;
      this.#seen.set(key, index);
      this.#parents.push(this.#at);
    }
    if (calm && index !== this.#at) {
      this.#calm.push(this.#at);
      this.#calm.push(index);
    }
  }

  /** The same world without what cannot make a difference any more. */
  #pruned(world: World): World {
    const state = this.#sources.at(world.source);
    const known = acknowledgedBy(state);
    const net = world.net.filter((item) => !this.#isSpent(this.#items.at(item), state, known));
    const isOver = state.phase === 'ended';
    const kept = world.crashes > 0;
    return {
      ...world,
      net: net.length === world.net.length ? world.net : net,
      sourceKept: kept && !isOver ? world.sourceKept : 0,
      destinationKept: kept ? world.destinationKept : 0,
      // Nothing is sent again: what is lost now might as well arrive later, or never.
      losses: isOver ? 0 : world.losses,
      early: isOver ? 0 : world.early,
    };
  }

  /** True for an answer that changes nothing, now or ever: phases only go on and knowledge only grows, crashes included. */
  #isSpent({ about, answer }: Item, state: SourceState, known: number): boolean {
    if (answer === undefined || state.phase === 'none' || state.phase === 'creating') return false;
    const isEnding = state.phase === 'terminating';
    switch (answer.is) {
      case 'created':
        return true;
      case 'broken':
      case 'empty':
        if (state.phase === 'ended') return true;
        return about.kind === 'message' && !about.last && (known & bit(about.number)) !== 0;
      case 'acknowledgement': {
        if (state.phase === 'ended') return true;
        const isNews = (maskOf(answer.said.ranges) & ~known) !== 0;
        if (isNews || isLimit(answer.said.room, this.#of.messages)) return false;
        if (about.kind === 'terminate') return false;
        if (about.kind === 'message' && !about.last && !answer.said.final) return true;
        return isEnding || (about.kind === 'poll' && !answer.said.final);
      }
      case 'fault':
        return state.phase === 'ended';
      default:
        return answer satisfies never;
    }
  }

  /** Liveness: from every state, what a healed network does alone leads to the good end; so every fair schedule ends. */
  #live(): void {
    const calm = this.#calm;
    const count = this.#worlds.length;
    const starts = new Uint32Array(count + 2);
    const up = (list: Uint32Array, at: number, by: number) => {
      list[at] = (list[at] ?? 0) + by;
    };
    for (let at = 1; at < calm.length; at += 2) up(starts, calm.at(at) + 2, 1);
    for (let at = 1; at <= count; at += 1) up(starts, at + 1, starts[at] ?? 0);
    const before = new Uint32Array(calm.length / 2);
    for (let at = 0; at < calm.length; at += 2) {
      const slot = calm.at(at + 1) + 1;
      before[starts[slot] ?? 0] = calm.at(at);
      up(starts, slot, 1);
    }
    const ends = new Uint8Array(count);
    const queue: number[] = [];
    for (let at = 0; at < count; at += 1) {
      if (!this.#isGood(this.#world(at))) continue;
      ends[at] = 1;
      queue.push(at);
    }
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (let edge = starts[at] ?? 0; edge < (starts[at + 1] ?? 0); edge += 1) {
        const from = before[edge] ?? 0;
        if (ends[from] === 1) continue;
        ends[from] = 1;
        queue.push(from);
      }
    }
    const stuck = ends.indexOf(0);
    if (stuck >= 0) this.#violated('a healed network ends the session', stuck);
  }

  #isGood(world: World): boolean {
    const { messages } = this.#of;
    const state = this.#sources.at(world.source);
    const all = 2 ** messages - 1;
    return state.phase === 'ended' && state.reason.code === 'completed' && (world.finished & all) === all;
  }

  // ---------------------------------------------------------------------------------------------- what may happen next

  #expand(world: World): void {
    try {
      this.#application(world);
      this.#timers(world);
      this.#network(world);
      if (world.crashes > 0) {
        this.#reach(this.#sourceDied(world), 'the source dies', false);
        this.#reach(this.#destinationDied(world), 'the destination dies', false);
      }
    } catch (thrown) {
      if (!(thrown instanceof Broken)) throw thrown;
      this.#violated(thrown.message, this.#at);
    }
  }

  #application(world: World): void {
    const state = this.#sources.at(world.source);
    const { messages } = this.#of;
    if (state.phase === 'none') this.#toSource(world, [{ kind: 'open' }], 'open', true);
    if ((state.phase === 'creating' || state.phase === 'created') && submitted(state) < messages) {
      const event = { kind: 'submit', expects: 'acknowledgement' } as const;
      this.#toSource(world, [event], `submit ${submitted(state) + 1}`, true);
    }
    if (state.phase === 'created' && submitted(state) === messages) {
      this.#toSource(world, [{ kind: 'close' }], 'close', true);
    }
    for (let number = 1; number <= messages + 1; number += 1) {
      if ((world.handed & bit(number)) === 0) continue;
      const finished = { ...world, handed: world.handed & ~bit(number), finished: world.finished | bit(number) };
      this.#toDestination(finished, { kind: 'delivered', number }, `the application finishes ${number}`, true, world);
    }
  }

  #timers(world: World): void {
    const state = this.#sources.at(world.source);
    switch (state.phase) {
      case 'none':
      case 'ended':
        return;
      case 'creating':
        return this.#timer(world, { ...state, due: NOW }, 'the timer of CreateSequence', ({ kind }) => kind === 'create');
      case 'closing': {
        const last = state.ledger.next - 1;
        return this.#timer(
          world,
          { ...state, due: NOW },
          'the timer of closing',
          (about) => about.kind === 'close' || (about.kind === 'message' && about.number === last),
        );
      }
      case 'terminating':
        return this.#timer(world, { ...state, due: NOW }, 'the timer of TerminateSequence', ({ kind }) => kind === 'terminate');
      case 'created':
      case 'rollover':
      case 'draining':
        for (const { number } of state.ledger.flights) {
          const only = (other: number, due: Instant) => (other === number ? NOW : due);
          const alone = withDues(state, (flight) => only(flight.number, LATER));
          // The timer waits for it only while it is in the window.
          if ((sourceDue(alone, this.#policy) ?? LATER) > NOW) continue;
          const due = withDues(state, (flight) => only(flight.number, flight.due));
          const label = `the timer of message ${number}`;
          this.#timer(world, due, label, (about) => about.kind === 'message' && about.number === number);
        }
        return;
      default:
        state satisfies never;
    }
  }

  #timer(world: World, due: SourceState, label: string, concerns: (about: About) => boolean): void {
    const waits = world.net.some((item) => concerns(this.#items.at(item).about));
    if (waits && world.early === 0) return;
    const early = waits ? world.early - 1 : world.early;
    const from = { ...world, source: this.#sources.of(due), early };
    this.#toSource(from, [{ kind: 'elapsed' }], `${label} runs out${waits ? ' early' : ''}`, !waits);
  }

  #network(world: World): void {
    const { net } = world;
    for (let at = 0; at < net.length; at += 1) {
      const name = net[at] ?? 0;
      if (net[at - 1] === name) continue;
      const item = this.#items.at(name);
      const without = { ...world, net: net.filter((_, other) => other !== at) };
      const called = labelOf(item);
      this.#arrives(without, item, called);
      if (world.losses > 0) {
        const poorer = { ...without, losses: world.losses - 1 };
        this.#reach(poorer, `${called} is lost`, false);
        if (item.about.kind === 'message') {
          // The initiator notices: its connection is broken.
          const broken = { about: item.about, answer: { is: 'broken' } } as const;
          this.#reach({ ...poorer, net: this.#with(poorer.net, broken) }, `the connection breaks: ${called}`, false);
        }
      }
      if (world.duplicates > 0 && net[at + 1] !== name) {
        const more = { ...world, net: [...net.slice(0, at), name, ...net.slice(at)], duplicates: world.duplicates - 1 };
        this.#reach(more, `${called} is doubled`, false);
      }
    }
  }

  #arrives(world: World, item: Item, called: string): void {
    if (item.answer === undefined) this.#request(world, item, called);
    else this.#toSource(world, this.#meaning(world, item.about, item.answer), `${called} arrives`, true);
  }

  // -------------------------------------------------------------------------------------------------------- the source

  /** What an answer means, as the initiator reads it (interpret.ts). */
  #meaning(world: World, about: About, answer: Answer): readonly Bare<SourceEvent>[] {
    const { phase } = this.#sources.at(world.source);
    const isMessage = about.kind === 'message';
    switch (answer.is) {
      case 'created':
        return [{ kind: 'created', id }];
      case 'broken':
        return isMessage ? [{ kind: 'refused', number: about.number, empty: false }] : [];
      case 'empty':
        if (about.kind === 'terminate') return [{ kind: 'terminate-answered' }];
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
        const reason = { code: 'RELIABLE_TERMINATED', text: answer.fault } as const;
        return [...learned, { kind: 'abort', reason, tell: false }];
      }
      default:
        return answer satisfies never;
    }
  }

  #toSource(world: World, events: readonly Bare<SourceEvent>[], label: string, calm: boolean): void {
    const before = this.#sources.at(world.source);
    const step = this.#sourceStep(world.source, events);
    const { state, effects } = step;
    this.#checkSource(world, before, state, effects);
    const kept = step.commits ? this.#sources.of(forStore(state)) : world.sourceKept;
    let next: World = { ...world, source: step.next, sourceKept: kept };
    if (world.crashes > 0 && before.phase !== 'ended') {
      if (step.commits) this.#reach(this.#sourceDied(world), `${label}; the source dies before its commit`, false);
      if (effects.length > 0) this.#reach(this.#sourceDied(next), `${label}; the source dies after its commit`, false);
    }
    effects.forEach((effect, at) => {
      next = this.#perform(next, effect);
      if (world.crashes > 0 && at < effects.length - 1 && isSent(effect)) {
        this.#reach(this.#sourceDied(next), `${label}; the source dies after effect ${at + 1}`, false);
      }
    });
    this.#reach(next, label, calm);
  }

  #sourceStep(from: number, events: readonly Bare<SourceEvent>[]): Step<SourceState, SourceEffect> {
    const key = `${from} ${JSON.stringify(events)}`;
    const known = this.#sourceSteps.get(key);
    if (known !== undefined) return known;
    const before = this.#sources.at(from);
    let state = before;
    const effects: SourceEffect[] = [];
    for (const event of events) {
      const [next, more] = source(state, { ...event, now: NOW, jitter: 0 } as SourceEvent, this.#policy);
      state = next;
      effects.push(...more);
    }
    const canonical = timeless(this.#opened(before, state), this.#of.messages);
    const made = { next: this.#sources.of(canonical), state: canonical, effects, commits: !isSame(before, state) };
    this.#sourceSteps.set(key, made);
    return made;
  }

  /** The window as if the source had sent for a while, where that is asked for. */
  #opened(before: SourceState, state: SourceState): SourceState {
    if (this.#of.start === 'slow' || before.phase !== 'none' || state.phase !== 'creating') return state;
    return { ...state, queue: { ...state.queue, window: { ...state.queue.window, size: this.#of.messages } } };
  }

  #checkSource(world: World, before: SourceState, state: SourceState, effects: readonly SourceEffect[]): void {
    const known = acknowledgedBy(before);
    if ((acknowledgedBy(state) & known) !== known) throw new Broken('what the source knows only grows');
    for (const effect of effects) {
      switch (effect.effect) {
        case 'settled':
          if (effect.outcome !== 'acknowledged') throw new Broken(`no message is given up (${effect.number} is ${effect.outcome})`);
          if ((world.accepted & bit(effect.number)) === 0) throw new Broken('no message is settled that was not accepted');
          break;
        case 'numbered':
          if (effect.number !== submitted(before) + 1) throw new Broken('numbers follow one another');
          break;
        case 'fault':
        case 'rejected':
          throw new Broken(`an honest peer is not accused (${effect.effect}: ${effect.text})`);
        case 'ended':
          if (effect.reason.code !== 'completed') throw new Broken(`the session ends in good order (${effect.reason.text})`);
          if (state.phase !== 'ended') throw new Broken('ended is a state');
          if ((acknowledgedBy(state) & (2 ** this.#of.messages - 1)) !== 2 ** this.#of.messages - 1) {
            throw new Broken('the session ends when every message is acknowledged');
          }
          break;
        default:
      }
    }
  }

  #perform(world: World, effect: SourceEffect): World {
    const last = this.#of.version.final && 'last' in effect && typeof effect.last === 'number' ? { last: effect.last } : {};
    switch (effect.effect) {
      case 'create':
      case 'poll':
        return this.#sends(world, { about: { kind: effect.effect } });
      case 'close':
      case 'terminate':
        return this.#sends(world, { about: { kind: effect.effect }, ...last });
      case 'transmit':
        return this.#sends(world, { about: { kind: 'message', number: effect.number, last: effect.last } });
      default:
        return world;
    }
  }

  #sends(world: World, item: Item): World {
    return { ...world, net: this.#with(world.net, item) };
  }

  #with(net: readonly number[], item: Item): readonly number[] {
    return [...net, this.#items.of(item)].sort((one, other) => one - other);
  }

  /** The process is gone, and its exchanges with it; what it had kept is taken up. */
  #sourceDied(world: World): World {
    const crashes = world.crashes - 1;
    const net = world.net.filter((item) => this.#items.at(item).answer === undefined);
    // Its record is gone: there is nothing to take up.
    if (this.#sources.at(world.source).phase === 'ended') return { ...world, crashes };
    const kept = this.#sources.at(world.sourceKept);
    const step = this.#sourceStep(world.sourceKept, [{ kind: 'resumed' }]);
    this.#checkSource(world, kept, step.state, step.effects);
    let next: World = { ...world, crashes, net, source: step.next };
    if (step.commits) next = { ...next, sourceKept: this.#sources.of(forStore(step.state)) };
    for (const effect of step.effects) next = this.#perform(next, effect);
    return next;
  }

  // --------------------------------------------------------------------------------------------------- the destination

  #request(world: World, item: Item, called: string): void {
    const { about } = item;
    const label = `${called} arrives`;
    const state = this.#destinations.at(world.destination);
    if (about.kind === 'create') return this.#create(world, state, label);
    if (state === null) return this.#answer(world, about, { is: 'fault', fault: 'UnknownSequence', said: undefined }, label);
    switch (about.kind) {
      case 'message': {
        const { number, last } = about;
        return this.#toDestination(world, { kind: 'message', number, bytes: 1, last }, label, true, world, about);
      }
      case 'close':
      case 'terminate':
        return this.#toDestination(world, { kind: about.kind, last: item.last }, label, true, world, about);
      case 'poll':
        if (state.phase === 'ended') {
          return this.#answer(world, about, { is: 'fault', fault: 'UnknownSequence', said: undefined }, label);
        }
        return this.#toDestination(world, { kind: 'heard' }, label, true, world, about);
      default:
        return about satisfies never;
    }
  }

  #answer(world: World, about: About, answer: Answer, label: string): void {
    this.#reach(this.#sends(world, { about, answer }), label, true);
  }

  #create(world: World, state: DestinationState | null, label: string): void {
    if (state !== null) return this.#answer(world, { kind: 'create' }, { is: 'created' }, label);
    // A late copy, after the session was ended and forgotten: it makes one that nobody uses.
    if (world.accepted !== 0) return this.#reach(world, label, true);
    const made = this.#destinations.of(newDestination(id, NOW, undefined));
    const next = { ...world, destination: made, destinationKept: made };
    if (world.crashes > 0) {
      this.#reach(this.#destinationDied(world), `${label}; the destination dies before its commit`, false);
      this.#reach(this.#destinationDied(next), `${label}; the destination dies after its commit`, false);
    }
    this.#answer(next, { kind: 'create' }, { is: 'created' }, label);
  }

  #toDestination(
    world: World,
    event: Bare<DestinationEvent>,
    label: string,
    calm: boolean,
    /** As it was, for a process that dies before the step is durable. */
    old: World,
    about?: About,
  ): void {
    const step = this.#destinationStep(world.destination, event);
    const { effects, state } = step;
    const before = this.#destinations.at(world.destination);
    let next: World = { ...world, destination: step.next };
    if (step.commits) next = { ...next, destinationKept: state.phase === 'ended' ? this.#destinations.of(null) : step.next };
    for (const effect of effects) {
      if (effect.effect === 'accept') next = { ...next, accepted: next.accepted | bit(effect.number) };
    }
    this.#checkDestination(world, before, state, effects);
    if (world.crashes > 0) {
      const lost = { ...old, net: world.net };
      if (step.commits) this.#reach(this.#destinationDied(lost), `${label}; the destination dies before its commit`, false);
      this.#reach(this.#destinationDied(next), `${label}; the destination dies after its commit`, false);
    }
    next = this.#handUp(next, effects);
    const answer = about === undefined ? undefined : this.#answerTo(about, state, effects);
    if (about !== undefined && answer !== undefined) {
      if (answer.is === 'acknowledgement') this.#checkSaid(next, answer.said);
      if (answer.is === 'fault' && answer.said !== undefined) this.#checkSaid(next, answer.said);
      next = this.#sends(next, { about, answer });
    }
    this.#reach(next, label, calm);
  }

  #destinationStep(from: number, event: Bare<DestinationEvent>): Step<DestinationState, DestinationEffect> {
    const key = `${from} ${JSON.stringify(event)}`;
    const known = this.#destinationSteps.get(key);
    if (known !== undefined) return known;
    const before = this.#destinations.at(from);
    if (before === null) throw new Broken('only a session that exists is asked something');
    const [after, effects] = destination(before, { ...event, now: NOW } as DestinationEvent, this.#assurance);
    const state = { ...after, heard: NOW };
    const made = { next: this.#destinations.of(state), state, effects, commits: !sameReceipt(before, after) };
    this.#destinationSteps.set(key, made);
    return made;
  }

  #checkDestination(
    world: World,
    before: DestinationState | null,
    state: DestinationState,
    effects: readonly DestinationEffect[],
  ): void {
    const had = before === null ? 0 : maskOf(before.received);
    const has = maskOf(state.received);
    if ((has & had) !== had) throw new Broken('acknowledgements only grow');
    for (const effect of effects) {
      if (effect.effect === 'accept') {
        if ((world.accepted & bit(effect.number)) !== 0) throw new Broken('each message is accepted once');
        if (before !== null && isFinal(before)) throw new Broken('what is final stays as it is');
      }
      if (effect.effect === 'discard') throw new Broken('nothing that was accepted is discarded');
      if (effect.effect === 'fault' && effect.fault !== 'SequenceClosed' && effect.fault !== 'UnknownSequence') {
        throw new Broken(`an honest source is not accused (${effect.fault})`);
      }
    }
  }

  #handUp(world: World, effects: readonly DestinationEffect[]): World {
    let { handed } = world;
    for (const effect of effects) {
      if (effect.effect !== 'deliver') continue;
      const one = bit(effect.number);
      if ((world.finished & one) !== 0) throw new Broken('nothing is handed up that the application has finished');
      if ((handed & one) !== 0) throw new Broken('nothing is handed up twice');
      if ((world.accepted & one) === 0) throw new Broken('what is handed up was accepted');
      if (this.#of.ordered && (world.finished & (one - 1)) !== one - 1) throw new Broken('messages are handed up in order');
      handed |= one;
    }
    return { ...world, handed };
  }

  #checkSaid(world: World, said: Said): void {
    if ((maskOf(said.ranges) & ~world.accepted) !== 0) throw new Broken('nothing is acknowledged that was not accepted');
    if (world.crashes === 0) return;
    const kept = this.#destinations.at(world.destinationKept);
    if (kept !== null && (maskOf(said.ranges) & ~maskOf(kept.received)) !== 0) {
      throw new Broken('nothing is acknowledged that is not in the store');
    }
    if (said.final && kept !== null && !isFinal(kept)) throw new Broken('final is said only once it is in the store');
  }

  /** What the acceptor answers (accepted.ts, acceptor.ts); an application's message of a one-way session is acknowledged. */
  #answerTo(about: About, state: DestinationState, effects: readonly DestinationEffect[]): Answer {
    const room = Math.max(1, bufferRemaining(state, this.#assurance));
    const final = isFinal(state);
    const said: Said = { ranges: state.received, final: final && this.#of.version.final, room: final ? undefined : room };
    for (const effect of effects) {
      if (effect.effect === 'drop') return { is: 'empty' };
      if (effect.effect === 'fault') {
        return { is: 'fault', fault: effect.fault, said: state.phase === 'closed' ? said : undefined };
      }
    }
    // 2005/02, one-way: TerminateSequence is not answered.
    if (about.kind === 'terminate' && this.#of.version.actions.terminateSequenceResponse === undefined) return { is: 'empty' };
    return { is: 'acknowledgement', said };
  }

  #destinationDied(world: World): World {
    const crashed = { ...world, crashes: world.crashes - 1, handed: 0, destination: world.destinationKept };
    const kept = this.#destinations.at(world.destinationKept);
    if (kept === null) return crashed;
    const { next, effects } = this.#destinationStep(world.destinationKept, { kind: 'resumed' });
    return this.#handUp({ ...crashed, destination: next }, effects);
  }
}

function acknowledgement({ ranges, final, room }: Said): Bare<SourceEvent> {
  return { kind: 'acknowledgement', ranges, nacks: [], final, bufferRemaining: room };
}

/** Effects after which the world is another one. */
function isSent({ effect }: SourceEffect): boolean {
  return effect === 'transmit' || effect === 'create' || effect === 'poll' || effect === 'close' || effect === 'terminate';
}

/** True when so much room may keep the source from sending. */
function isLimit(room: number | undefined, messages: number): boolean {
  return room !== undefined && room < messages;
}

/** A state without instants, measurements and high counts. */
function timeless(state: SourceState, messages: number): SourceState {
  switch (state.phase) {
    case 'none':
    case 'ended':
      return state;
    case 'creating':
      return { ...state, first: NOW, attempts: 1, due: LATER, queue: timelessLedger(state.queue, messages) };
    case 'closing':
    case 'terminating':
      // The window is closed: what is sent now goes out one by one.
      return { ...state, attempts: 1, due: LATER, ledger: { ...timelessLedger(state.ledger, 0), window: shut, recovered: 0 } };
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
    room: isLimit(ledger.room ?? undefined, messages) ? ledger.room : null,
    flights: ledger.flights.map((flight) => ({
      ...flight,
      attempts: Math.min(2, flight.attempts),
      last: NOW,
      due: flight.due <= NOW ? NOW : flight.due === NEVER ? NEVER : LATER,
      silences: Math.min(2, flight.silences),
    })),
  };
}

function withDues<State extends { readonly ledger: Ledger }>(state: State, due: (flight: Flight) => Instant): State {
  const flights = state.ledger.flights.map((flight) => ({ ...flight, due: due(flight) }));
  return { ...state, ledger: { ...state.ledger, flights } };
}

/** What a store keeps; counts of attempts start again with the next life. */
function forStore(state: SourceState): SourceState {
  if (state.phase === 'none' || state.phase === 'creating' || state.phase === 'ended') return state;
  const flights = state.ledger.flights.map((flight) => ({ ...flight, attempts: 1, due: LATER }));
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

function acknowledgedBy(state: SourceState): number {
  if (state.phase === 'ended') return maskOf(state.acknowledged);
  return maskOf(ledgerOf(state)?.acknowledged ?? []);
}

function bit(number: number): number {
  return 1 << (number - 1);
}

function maskOf(ranges: Ranges): number {
  let mask = 0;
  for (const { lower, upper } of ranges) for (let number = lower; number <= upper; number += 1) mask |= bit(number);
  return mask;
}

function labelOf({ about, answer }: Item): string {
  const what = about.kind === 'message' ? `${about.last ? 'LastMessage' : 'message'} ${about.number}` : about.kind;
  if (answer === undefined) return what;
  const said = 'said' in answer ? answer.said : undefined;
  const has = said === undefined ? '' : ` ${said.ranges.map(({ lower, upper }) => `${lower}-${upper}`).join(',')}${said.final ? ' final' : ''}`;
  return `the answer to ${what} (${answer.is === 'fault' ? answer.fault : answer.is}${has})`;
}
