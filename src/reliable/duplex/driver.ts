/**
 * The driver of a duplex session: one step at a time, in this order: *append to the store, perform, tell*. What both reducers ask
 * for is handed to whoever performs it.
 */
import { Serial } from '../../base/serial.ts';
import { type DestinationEffect, isTaken } from '../destination-state.ts';
import { ReliableError } from '../errors.ts';
import { publish } from '../events.ts';
import { abortion } from '../interpret.ts';
import { type SourceEffect, type SourceEvent, unsettled } from '../source-state.ts';
import { watchDestination, watchSource } from '../watch.ts';
import { type Beside, type Given, reduced, storedMessages } from './change.ts';
import type { Ending } from './ending.ts';
import type { DuplexInit } from './ends.ts';
import type { Inbox } from './inbox.ts';
import type { Outbox } from './outbox.ts';
import type { SequencePair } from './pair.ts';
import type { Terms } from './terms.ts';
import type { Voice } from './voice.ts';
import type { Waits } from './waits.ts';

interface DriverInit {
  readonly init: DuplexInit;
  readonly terms: Terms;
  readonly pair: SequencePair;
  readonly voice: Voice;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly waits: Waits;
  readonly ending: Ending;
  /** Who is at the other end. */
  readonly peer: () => string;
  /** There is a sequence to send on. */
  readonly opened: () => void;
}

export class Driver {
  readonly #my: DriverInit;
  readonly #serial = new Serial();

  constructor(my: DriverInit) {
    this.#my = my;
  }

  /** Runs `work` in the mailbox of the session, where steps may be taken. */
  enter<T>(work: () => Promise<T> | T): Promise<T> {
    return this.#serial.run(work);
  }

  /** As `enter`, for work that nobody waits for. */
  attempt(work: () => Promise<unknown>): void {
    this.#serial.run(work).catch((thrown: unknown) => this.#my.ending.fail(thrown));
  }

  /** A step of its own, for which nobody waits. */
  run(given: Given): void {
    this.attempt(() => this.step(given));
  }

  /** Settles when all that was given so far has been done. */
  idle(): Promise<void> {
    return this.#serial.idle();
  }

  /** One step: reduce, append, perform. Runs in the mailbox. */
  async step(given: Given, beside: Beside = {}): Promise<readonly DestinationEffect[]> {
    const { init, terms, pair, outbox, inbox, waits, ending } = this.#my;
    const { submission, arrival } = beside;
    if (ending.isStopped) {
      submission?.waiting?.reject(ending.refusal);
      return [];
    }
    const { clock, random, maxUnsettled } = init.settings;
    const before = pair.state;
    const { after, sending, receiving } = reduced(before, given, terms, clock.now(), random.fraction());
    await init.keep.save(after, storedMessages(init.keep, { given, sending, receiving, beside }));
    pair.become(after);
    for (const effect of sending) this.#sent(effect, given.source?.at(-1)?.kind ?? 'elapsed', submission);
    if (arrival !== undefined && receiving.some(isTaken)) {
      inbox.keep(arrival.number, arrival.trip);
    }
    for (const effect of receiving) this.#received(effect);
    inbox.handUpAnswers(after.receipt);
    watchSource(pair.tell.of, before.source, after.source);
    if (before.receipt !== undefined && after.receipt !== undefined) {
      watchDestination(pair.tell.of, before.receipt, after.receipt);
    }
    if (unsettled(after.source) < maxUnsettled) outbox.wake();
    waits.rearm();
    ending.conclude();
    return receiving;
  }

  #sent(effect: SourceEffect, after: SourceEvent['kind'], submission: Beside['submission']): void {
    const { init, pair, voice, outbox, ending, peer, opened } = this.#my;
    switch (effect.effect) {
      case 'numbered':
        if (submission !== undefined) outbox.numbered(effect.number, submission.trip, submission.waiting);
        return;
      case 'rejected':
        submission?.waiting?.reject(new ReliableError(effect.code, effect.text));
        return;
      case 'opened':
        publish(() => {
          const { offer = null } = pair;
          return { event: 'sequence.created', ...pair.tell.of, version: init.version.name, peer: peer(), offer };
        });
        opened();
        return;
      case 'settled':
        outbox.settle(effect.number, effect.outcome);
        return;
      case 'create':
      case 'transmit':
      case 'poll':
      case 'close':
      case 'terminate':
        voice.say(effect, after);
        return;
      case 'fault':
        voice.say(effect, after);
        if (effect.fault === 'InvalidAcknowledgement') {
          this.run({ source: [abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false)] });
        }
        return;
      case 'suspended':
        ending.suspended(effect.reason);
        return;
      case 'ended':
        ending.sourceEnded(effect.reason);
        if (effect.reason.code !== 'completed') this.#my.inbox.unanswered();
        return;
      default:
        effect satisfies never;
    }
  }

  #received(effect: DestinationEffect): void {
    const { pair, inbox } = this.#my;
    switch (effect.effect) {
      case 'deliver':
        inbox.handUp(effect.number);
        return;
      case 'discard':
        publish(() => ({ event: 'messages.discarded', ...pair.theirs, numbers: effect.numbers }));
        inbox.drop(effect.numbers);
        return;
      case 'closed':
        publish(() => ({ event: 'sequence.closed', ...pair.theirs }));
        return;
      case 'ended':
        inbox.drop();
        return;
      case 'accept':
      case 'duplicate':
      case 'drop':
      case 'fault':
      case 'terminated':
        return;
      default:
        effect satisfies never;
    }
  }
}
