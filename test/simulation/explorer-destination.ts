/**
 * The explorer's destination: the reducer with the driver around it (accepted.ts, acceptor.ts, registry.ts) in a one-way
 * session, where every message is answered with an acknowledgement. Each step is done once and remembered.
 */
import { instant } from '../../src/base/clock.ts';
import { destination } from '../../src/reliable/destination.ts';
import {
  bufferRemaining,
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  isFinal,
  newDestination,
  sameReceipt,
} from '../../src/reliable/destination-state.ts';
import { assuranceOf, settingsOf } from '../../src/reliable/settings.ts';
import {
  type About,
  type Answer,
  Broken,
  bit,
  type Configuration,
  Interned,
  type Item,
  maskOf,
  type Said,
  type Session,
  type World,
} from './explorer-world.ts';

const NOW = instant(1_000_000);

type Bare<Event> = Event extends unknown ? Omit<Event, 'now'> : never;

export interface DestinationHappening {
  readonly event: Bare<DestinationEvent>;
  /** The exchange that wants an answer. */
  readonly about: About | undefined;
}

export interface DestinationStep {
  readonly before: DestinationState;
  readonly next: number;
  readonly state: DestinationState;
  readonly effects: readonly DestinationEffect[];
  /** True when the driver commits before it performs; `kept` is what the store then has. */
  readonly commits: boolean;
  readonly kept: number;
  readonly answer: Answer | undefined;
  readonly sends: number | undefined;
}

export class DestinationEnd {
  readonly states: Interned<Session> = new Interned<Session>();
  /** No session. */
  readonly nobody: number = this.states.of(null);
  readonly fresh: number = this.states.of(newDestination('urn:sequence', NOW, undefined));
  readonly #of: Configuration;
  readonly #assurance: DeliveryAssurance;
  readonly #items: Interned<Item>;
  readonly #happenings = new Interned<DestinationHappening>();
  readonly #steps = new Map<number, DestinationStep>();

  constructor(configuration: Configuration, items: Interned<Item>) {
    this.#of = configuration;
    this.#items = items;
    const { ordered, room } = configuration;
    this.#assurance = { ...assuranceOf(settingsOf({ ordered })), window: room };
  }

  happening(happening: DestinationHappening): number {
    return this.#happenings.of(happening);
  }

  step(from: number, happening: number): DestinationStep {
    const key = from * 0x10000 + happening;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const before = this.states.at(from);
    if (before === null) throw new Broken('only a session that exists is asked something');
    const { event, about } = this.#happenings.at(happening);
    const [after, effects] = destination(before, { ...event, now: NOW } as DestinationEvent, this.#assurance);
    const state = { ...after, heard: NOW, busy: NOW };
    const next = this.states.of(state);
    const answer = about === undefined ? undefined : this.#answer(about, state, effects);
    const made: DestinationStep = {
      before,
      next,
      state,
      effects,
      commits: !sameReceipt(before, after),
      // What has ended is forgotten.
      kept: state.phase === 'ended' ? this.nobody : next,
      answer,
      sends: about === undefined || answer === undefined ? undefined : this.#items.of({ about, answer }),
    };
    this.#steps.set(key, made);
    return made;
  }

  #answer(about: About, state: DestinationState, effects: readonly DestinationEffect[]): Answer {
    const { version } = this.#of;
    const isClosed = isFinal(state);
    // The answer to a message never says that there is no room (wording.ts).
    const room = Math.max(about.kind === 'poll' ? 0 : 1, bufferRemaining(state, this.#assurance));
    const said: Said = {
      ranges: state.received,
      final: isClosed && version.final,
      room: isClosed ? undefined : room,
    };
    for (const effect of effects) {
      if (effect.effect === 'drop') return { is: 'empty' };
      if (effect.effect === 'fault') {
        return {
          is: 'fault',
          fault: effect.fault,
          said: state.phase === 'closed' ? said : undefined,
        };
      }
    }
    // Asked for an acknowledgement, a session that is over is unknown.
    if (about.kind === 'poll' && state.phase === 'ended') {
      return { is: 'fault', fault: 'UnknownSequence', said: undefined };
    }
    if (about.kind === 'terminate' && version.actions.terminateSequenceResponse === undefined) return { is: 'empty' };
    return { is: 'acknowledgement', said };
  }

  /** Throws when a step breaks a law. */
  check({ before, state, effects }: DestinationStep, { accepted }: World): void {
    const had = maskOf(before.received);
    if ((maskOf(state.received) & had) !== had) throw new Broken('acknowledgements only grow');
    for (const effect of effects) {
      if (effect.effect === 'accept') {
        if ((accepted & bit(effect.number)) !== 0) throw new Broken('each message is accepted once');
        if (isFinal(before)) throw new Broken('what is final stays as it is');
      }
      if (effect.effect === 'discard') throw new Broken('nothing is discarded that was accepted');
      if (effect.effect === 'fault' && effect.fault !== 'SequenceClosed' && effect.fault !== 'UnknownSequence') {
        throw new Broken(`an honest source is not accused (${effect.fault})`);
      }
    }
  }

  /** Hands to the application what a step says; throws when that breaks a law. */
  handUp(world: World, effects: readonly DestinationEffect[]): World {
    let { handed } = world;
    for (const effect of effects) {
      if (effect.effect !== 'deliver') continue;
      const one = bit(effect.number);
      if ((world.finished & one) !== 0) throw new Broken('nothing is handed up that the application has finished');
      if ((handed & one) !== 0) throw new Broken('nothing is handed up twice');
      if ((world.accepted & one) === 0) throw new Broken('what is handed up was accepted');
      const inTurn = (world.finished & (one - 1)) === one - 1;
      if (this.#of.ordered && !inTurn) throw new Broken('messages are handed up in order');
      handed |= one;
    }
    return handed === world.handed ? world : { ...world, handed };
  }

  /** Throws when an acknowledgement says more than is true, or more than a crash would leave true. */
  checkSaid(world: World, { ranges, final }: Said): void {
    const mask = maskOf(ranges);
    if ((mask & ~world.accepted) !== 0) throw new Broken('nothing is acknowledged that was not accepted');
    if (world.crashes === 0) return;
    const kept = this.states.at(world.destinationKept);
    if (kept === null) return;
    if ((mask & ~maskOf(kept.received)) !== 0) throw new Broken('nothing is acknowledged that is not in the store');
    if (final && !isFinal(kept)) throw new Broken('final is said only once it is in the store');
  }
}
