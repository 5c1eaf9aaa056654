/**
 * Every schedule of a small session, one after the other: the pair of reducers, source (RMS) and destination (RMD), with a
 * network between them that loses, repeats, delays and reorders every kind of message on both legs, and with ends that die
 * at any point of a step and come back from what was durable. Breadth first, equal states merged.
 *
 * The drivers are modelled as they are: *reduce, commit, perform in order*; a commit only when what is worth keeping has
 * changed; requests are answered on their own exchange, and the exchanges of an initiator die with it.
 *
 * Time is abstracted away, so that nothing hangs on how long something takes. A timer may run out
 *  - for nothing, once nothing about its request is under way: it, or what was to answer it, was lost or refused;
 *  - out of a budget, while a copy or an answer is under way: the network is slower than the timer.
 * Timers that run out at once do what they do one after the other, so each is fired by itself. A question for an
 * acknowledgement that is under way is not asked twice. What depends on how often or how long (retries used up, inactivity,
 * expiry) is left to the tests in virtual time.
 *
 * What travels: CreateSequence and its response, messages and LastMessage, AckRequested, acknowledgements, CloseSequence and
 * TerminateSequence and their responses (or, in 2005/02, nothing), SequenceClosed and UnknownSequence. Whatever is under way may
 * arrive next, be lost or be doubled, on either leg; either end may die before or after each commit and between two effects.
 *
 * Not here, and left to the schedules in virtual time: sequences that the acceptor sends on (replies, duplex), Nacks, faults
 * about forged acknowledgements, sequences that discard everything when one message is missing, and messages in XML.
 */
import { noSource, type SourceState, submitted } from '../../src/reliable/source-state.ts';
import { DestinationEnd, type DestinationHappening } from './explorer-destination.ts';
import { SourceEnd } from './explorer-source.ts';
import {
  type Answer,
  acknowledgedBy,
  Broken,
  bit,
  type Configuration,
  Interned,
  type Item,
  inserted,
  isLimit,
  labelOf,
  maskOf,
  Numbers,
  read,
  type World,
  written,
} from './explorer-world.ts';

export interface Findings {
  readonly states: number;
  readonly steps: number;
  /** What does not hold, with the shortest way there. */
  readonly broken?: { readonly law: string; readonly schedule: readonly string[] };
}

/**
 * Goes through all states.
 *
 * @param limit throws when there are more states than this
 */
export function explore(configuration: Configuration, limit = 16_000_000): Findings {
  return new Explorer(configuration).run(limit);
}

const unknown: Answer = { is: 'fault', fault: 'UnknownSequence', said: undefined };

class Explorer {
  readonly #of: Configuration;
  readonly #items = new Interned<Item>();
  readonly #source: SourceEnd;
  readonly #destination: DestinationEnd;
  readonly #names: string[] = [];
  readonly #seen = new Map<string, number>();
  readonly #worlds: string[] = [];
  readonly #parents = new Numbers();
  /** Steps that a healed network takes, as pairs from, to. */
  readonly #calm = new Numbers();
  /** The state that is being looked at. */
  #at = 0;
  #steps = 0;
  #broken: { readonly law: string; readonly at: number } | undefined;
  /** While a schedule is told: the step to this state is looked for. */
  #wanted: { readonly key: string; label?: string } | undefined;

  constructor(configuration: Configuration) {
    this.#of = configuration;
    this.#source = new SourceEnd(configuration, this.#items);
    this.#destination = new DestinationEnd(configuration, this.#items);
  }

  run(limit: number): Findings {
    const { losses, duplicates, early, crashes } = this.#of;
    const source = this.#source.states.of(noSource);
    const destination = this.#destination.nobody;
    const ends = { source, sourceKept: source, destination, destinationKept: destination };
    const nothing = { accepted: 0, handed: 0, finished: 0, net: [] };
    this.#reach({ ...ends, ...nothing, losses, duplicates, early, crashes }, 'start', false);
    for (; this.#at < this.#worlds.length && this.#broken === undefined; this.#at += 1) {
      if (this.#worlds.length > limit) throw new Error(`There are more than ${limit} states.`);
      this.#expand(this.#world(this.#at));
    }
    if (this.#broken === undefined) this.#live();
    const found = { states: this.#worlds.length, steps: this.#steps };
    if (this.#broken === undefined) return found;
    const { law, at } = this.#broken;
    return { ...found, broken: { law, schedule: this.#schedule(at) } };
  }

  #world(index: number): World {
    return read(this.#worlds[index] ?? '');
  }

  /** The way to a state: what was done is found by doing it again. */
  #schedule(at: number): readonly string[] {
    const labels: string[] = [];
    for (let index = at; index > 0; index = this.#at) {
      this.#at = this.#parents.at(index);
      this.#wanted = { key: this.#worlds[index] ?? '' };
      this.#expand(this.#world(this.#at));
      labels.push(this.#wanted.label ?? '?');
    }
    return labels.reverse();
  }

  #reach(given: World, label: string, calm: boolean): void {
    const key = written(this.#pruned(given));
    if (this.#wanted !== undefined) {
      if (this.#wanted.key === key) this.#wanted.label ??= label;
      return;
    }
    this.#steps += 1;
    let index = this.#seen.get(key);
    if (index === undefined) {
      index = this.#worlds.push(key) - 1;
      this.#seen.set(key, index);
      this.#parents.push(this.#at);
    }
    if (!calm || index === this.#at) return;
    this.#calm.push(this.#at);
    this.#calm.push(index);
  }

  /** The same world without what cannot make a difference any more. */
  #pruned(world: World): World {
    const state = this.#source.states.at(world.source);
    const known = acknowledgedBy(state);
    const net = world.net.filter((item) => !this.#isSpent(this.#items.at(item), state, known));
    const isOver = state.phase === 'ended';
    return {
      ...world,
      net,
      sourceKept: world.crashes > 0 && !isOver ? world.sourceKept : 0,
      destinationKept: world.crashes > 0 ? world.destinationKept : 0,
      // Nothing will be sent again: what is lost now might as well come later than anybody looks.
      losses: isOver ? 0 : world.losses,
      early: isOver ? 0 : world.early,
    };
  }

  /** True for an answer that changes nothing, now or ever: phases only go on and knowledge only grows, crashes included. */
  #isSpent({ about, answer }: Item, state: SourceState, known: number): boolean {
    if (answer === undefined || state.phase === 'none' || state.phase === 'creating') return false;
    if (state.phase === 'ended') return true;
    switch (answer.is) {
      case 'created':
        return true;
      case 'broken':
      case 'empty':
        return about.kind === 'message' && !about.last && (known & bit(about.number)) !== 0;
      case 'acknowledgement': {
        const { ranges, room, final } = answer.said;
        if ((maskOf(ranges) & ~known) !== 0 || isLimit(room, this.#of.messages)) return false;
        if (about.kind === 'terminate') return false;
        if (state.phase === 'terminating') return true;
        return !final && (about.kind === 'poll' || (about.kind === 'message' && !about.last));
      }
      case 'fault':
        return false;
      default:
        return answer satisfies never;
    }
  }

  /** From every state, what a healed network does alone leads to the good end; so every fair schedule ends well. */
  #live(): void {
    const calm = this.#calm;
    const count = this.#worlds.length;
    // The steps by where they lead: those to state n stand from starts[n] to starts[n + 1].
    const starts = new Uint32Array(count + 2);
    const raise = (at: number, by: number) => {
      starts[at] = (starts[at] ?? 0) + by;
    };
    for (let at = 1; at < calm.length; at += 2) raise(calm.at(at) + 2, 1);
    for (let at = 1; at <= count; at += 1) raise(at + 1, starts[at] ?? 0);
    const before = new Uint32Array(calm.length / 2);
    for (let at = 0; at < calm.length; at += 2) {
      const slot = calm.at(at + 1) + 1;
      before[starts[slot] ?? 0] = calm.at(at);
      raise(slot, 1);
    }
    const ends = new Uint8Array(count);
    const queue: number[] = [];
    const mark = (at: number) => {
      if (ends[at] === 1) return;
      ends[at] = 1;
      queue.push(at);
    };
    for (let at = 0; at < count; at += 1) if (this.#isGood(this.#world(at))) mark(at);
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (let edge = starts[at] ?? 0; edge < (starts[at + 1] ?? 0); edge += 1) mark(before[edge] ?? 0);
    }
    const stuck = ends.indexOf(0);
    if (stuck >= 0) this.#broken = { law: 'a healed network ends the session', at: stuck };
  }

  #isGood(world: World): boolean {
    const all = 2 ** this.#of.messages - 1;
    const state = this.#source.states.at(world.source);
    return state.phase === 'ended' && state.reason.code === 'completed' && (world.finished & all) === all;
  }

  #expand(world: World): void {
    try {
      this.#application(world);
      this.#timers(world);
      this.#network(world);
      if (world.crashes === 0) return;
      this.#reach(this.#sourceDied(world), 'the source dies', false);
      this.#reach(this.#destinationDied(world), 'the destination dies', false);
    } catch (thrown) {
      if (!(thrown instanceof Broken)) throw thrown;
      this.#broken ??= { law: thrown.message, at: this.#at };
    }
  }

  #application(world: World): void {
    const state = this.#source.states.at(world.source);
    const { messages } = this.#of;
    const given = submitted(state);
    if (state.phase === 'none') this.#toSource(world, this.#source.happening([{ kind: 'open' }]), 'open', true);
    if ((state.phase === 'creating' || state.phase === 'created') && given < messages) {
      const event = { kind: 'submit', expects: 'acknowledgement' } as const;
      this.#toSource(world, this.#source.happening([event]), `submit ${given + 1}`, true);
    }
    if (state.phase === 'created' && given === messages) {
      this.#toSource(world, this.#source.happening([{ kind: 'close' }]), 'close', true);
    }
    for (let number = 1; number <= messages + 1; number += 1) {
      if ((world.handed & bit(number)) === 0) continue;
      const finished = { ...world, handed: world.handed & ~bit(number), finished: world.finished | bit(number) };
      const happening = { event: { kind: 'delivered', number }, about: undefined } as const;
      this.#toDestination(finished, happening, `the application finishes ${number}`, world);
    }
  }

  #timers(world: World): void {
    for (const { label, due, waitsFor } of this.#source.timers(world.source)) {
      const isEarly = world.net.some((item) => waitsFor(this.#items.at(item).about));
      if (isEarly && world.early === 0) continue;
      const from = { ...world, source: due, early: isEarly ? world.early - 1 : world.early };
      const elapsed = this.#source.happening([{ kind: 'elapsed' }]);
      this.#toSource(from, elapsed, `${label} runs out${isEarly ? ' early' : ''}`, !isEarly);
    }
  }

  #network(world: World): void {
    const { net } = world;
    for (const [at, name] of net.entries()) {
      if (net[at - 1] === name) continue;
      const item = this.#items.at(name);
      const called = this.#called(name, item);
      const without = { ...world, net: net.filter((_, other) => other !== at) };
      if (item.answer === undefined) this.#arrives(without, item, called);
      else {
        const happening = this.#source.meaning(world.source, name, item.about, item.answer);
        this.#toSource(without, happening, `${called} arrives`, true);
      }
      if (world.losses > 0) this.#lost({ ...without, losses: world.losses - 1 }, item, called);
      if (world.duplicates > 0 && net[at + 1] !== name) {
        const doubled = { ...world, net: inserted(net, name), duplicates: world.duplicates - 1 };
        this.#reach(doubled, `${called} is doubled`, false);
      }
    }
  }

  #lost(world: World, { about }: Item, called: string): void {
    this.#reach(world, `${called} is lost`, false);
    if (about.kind !== 'message') return;
    // Or the initiator is told, because its connection broke.
    const broken = this.#items.of({ about, answer: { is: 'broken' } });
    this.#reach(this.#with(world, broken), `the connection breaks: ${called}`, false);
  }

  #called(name: number, item: Item): string {
    const known = this.#names[name] ?? labelOf(item);
    this.#names[name] = known;
    return known;
  }

  #with(world: World, item: number): World {
    if (this.#items.at(item).about.kind === 'poll' && world.net.includes(item)) return world;
    return { ...world, net: inserted(world.net, item) };
  }

  #toSource(world: World, happening: number, label: string, calm: boolean): void {
    const step = this.#source.step(world.source, happening);
    this.#source.check(step, world.accepted);
    let next: World = { ...world, source: step.next, sourceKept: step.commits ? step.kept : world.sourceKept };
    const mayDie = world.crashes > 0 && step.before.phase !== 'ended';
    if (mayDie && step.commits)
      this.#reach(this.#sourceDied(world), `${label}; the source dies before its commit`, false);
    if (mayDie && step.effects.length > 0) {
      this.#reach(this.#sourceDied(next), `${label}; the source dies after its commit`, false);
    }
    for (const [at, item] of step.sends.entries()) {
      if (item === undefined) continue;
      next = this.#with(next, item);
      if (!mayDie || at === step.sends.length - 1) continue;
      this.#reach(this.#sourceDied(next), `${label}; the source dies after effect ${at + 1}`, false);
    }
    this.#reach(next, label, calm);
  }

  /** The process is gone, and its exchanges with it; what it had kept is taken up. */
  #sourceDied(world: World): World {
    const crashes = world.crashes - 1;
    // Its record is gone too: there is nothing to take up.
    if (this.#source.states.at(world.source).phase === 'ended') return { ...world, crashes };
    const net = world.net.filter((item) => this.#items.at(item).answer === undefined);
    const step = this.#source.step(world.sourceKept, this.#source.happening([{ kind: 'resumed' }]));
    this.#source.check(step, world.accepted);
    const sourceKept = step.commits ? step.kept : world.sourceKept;
    let next: World = { ...world, crashes, net, source: step.next, sourceKept };
    for (const item of step.sends) if (item !== undefined) next = this.#with(next, item);
    return next;
  }

  #arrives(world: World, { about, last }: Item, called: string): void {
    const label = `${called} arrives`;
    const exists = world.destination !== this.#destination.nobody;
    if (about.kind === 'create') this.#create(world, exists, label);
    else if (!exists) this.#reach(this.#with(world, this.#items.of({ about, answer: unknown })), label, true);
    else if (about.kind === 'message') {
      const event = { kind: 'message', number: about.number, bytes: 1, last: about.last } as const;
      this.#toDestination(world, { event, about }, label, world);
    } else if (about.kind === 'poll') this.#toDestination(world, { event: { kind: 'heard' }, about }, label, world);
    else this.#toDestination(world, { event: { kind: about.kind, last }, about }, label, world);
  }

  #create(world: World, exists: boolean, label: string): void {
    const answer = this.#items.of({ about: { kind: 'create' }, answer: { is: 'created' } });
    if (exists) {
      this.#reach(this.#with(world, answer), label, true);
      return;
    }
    // A late copy, when the session was ended and forgotten: it makes one that nobody uses.
    if (world.accepted !== 0) {
      this.#reach(world, label, true);
      return;
    }
    const { fresh } = this.#destination;
    const made = { ...world, destination: fresh, destinationKept: fresh };
    if (world.crashes > 0) {
      this.#reach(this.#destinationDied(world), `${label}; the destination dies before its commit`, false);
      this.#reach(this.#destinationDied(made), `${label}; the destination dies after its commit`, false);
    }
    this.#reach(this.#with(made, answer), label, true);
  }

  /** @param old the world as a process that dies before its commit leaves it */
  #toDestination(world: World, happens: DestinationHappening, label: string, old: World): void {
    const step = this.#destination.step(world.destination, this.#destination.happening(happens));
    this.#destination.check(step, world);
    let { accepted } = world;
    for (const effect of step.effects) if (effect.effect === 'accept') accepted |= bit(effect.number);
    const destinationKept = step.commits ? step.kept : world.destinationKept;
    let next: World = { ...world, accepted, destination: step.next, destinationKept };
    if (world.crashes > 0) {
      if (step.commits)
        this.#reach(this.#destinationDied(old), `${label}; the destination dies before its commit`, false);
      this.#reach(this.#destinationDied(next), `${label}; the destination dies after its commit`, false);
    }
    next = this.#destination.handUp(next, step.effects);
    if (step.answer !== undefined && 'said' in step.answer && step.answer.said !== undefined) {
      this.#destination.checkSaid(next, step.answer.said);
    }
    if (step.sends !== undefined) next = this.#with(next, step.sends);
    this.#reach(next, label, true);
  }

  /** The process is gone; what its store has is taken up and handed to the application again. */
  #destinationDied(world: World): World {
    const { destinationKept } = world;
    const crashed = { ...world, crashes: world.crashes - 1, handed: 0, destination: destinationKept };
    if (destinationKept === this.#destination.nobody) return crashed;
    const happening = this.#destination.happening({ event: { kind: 'resumed' }, about: undefined });
    const { next, effects } = this.#destination.step(destinationKept, happening);
    return this.#destination.handUp({ ...crashed, destination: next }, effects);
  }
}
