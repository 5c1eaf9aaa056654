/**
 * A session at the acceptor, as its client and its application ask it: what comes of each message, and of what is asked about the
 * sequence. What is done then is in `accepted-steps.ts`.
 *
 * Requests ride on HTTP-like exchanges. One that came too early is parked until its turn, a repeated one waits beside the
 * first for the same reply, and a reply is kept and given again until the client has acknowledged it (WCF's
 * ReliableReplySessionChannel). An empty answer (`undefined`) means: not taken, come again.
 */

import { after } from '../base/after.ts';
import { asError } from '../base/errors.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { turn } from '../channel/turn.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { AcceptedSteps } from './accepted-steps.ts';
import { Coalesced, Coalescing } from './coalescing.ts';
import type { DestinationEffect, DestinationEvent } from './destination-state.ts';
import type { Outcome, ReliableError } from './errors.ts';
import { type DropReason, publish } from './events.ts';
import { type Acknowledgement, type SequenceBlock, withoutReliableHeaders } from './headers.ts';
import type { Bare } from './interpret.ts';
import { includes } from './ranges.ts';
import type { AcceptorRecord, Answer } from './record.ts';
import { refused, unknownSequence } from './responses.ts';
import type { Journal, SessionView, Statistics } from './session.ts';
import type { Settings } from './settings.ts';
import { outcomeOf, unsettled } from './source-state.ts';
import type { ReliableVersion } from './versions/version.ts';

/** What is to become of an exchange once its step is done. */
type Verdict =
  | { readonly answer: 'empty' | 'accepted' | 'acknowledgement' | 'wait' }
  | { readonly error: ReliableError }
  | { readonly again: Answer };

/** What an exchange brings back, now or later. */
export type Answered = Promise<Delivery | undefined> | Coalesced | Delivery | undefined;

/** The same for whoever has to wait anyway. */
export function settling(answered: Answered): Promise<Delivery | undefined> | Delivery | undefined {
  return answered instanceof Coalesced ? answered.answer : answered;
}

export interface AcceptedInit {
  readonly settings: Settings;
  readonly version: ReliableVersion;
  readonly record: AcceptorRecord;
  readonly journal: Journal;
  readonly resumed: boolean;
  readonly receive: Carry;
  /** Fires when the acceptor is torn down. */
  readonly signal: AbortSignal;
  /** Called once when the session is over for the peer and for the application. */
  readonly onEnded: (session: Accepted) => void;
}

export class Accepted implements SessionView {
  readonly side = 'acceptor';
  readonly version: ReliableVersion;
  readonly resumed: boolean;
  readonly statistics: Statistics;
  readonly #settings: Settings;
  readonly #journal: Journal;
  readonly #steps: AcceptedSteps;
  #coalescing: Coalescing | undefined;

  constructor(init: AcceptedInit) {
    this.version = init.version;
    this.resumed = init.resumed;
    this.#settings = init.settings;
    this.#journal = init.journal;
    // Not by way of `init`, which may hold the CreateSequence: an idle session would keep all of it.
    const { onEnded } = init;
    this.#steps = new AcceptedSteps({ ...init, onEnded: () => onEnded(this) });
    this.statistics = this.#steps.statistics;
  }

  get id(): string {
    return this.#steps.receipt.id;
  }
  get peer(): string {
    return this.#steps.fixed.identity;
  }
  get label(): string | undefined {
    return this.#steps.fixed.label ?? undefined;
  }
  get submitted(): number {
    return this.#steps.submitted;
  }
  /** Identifier of the sequence that the client offered. */
  get offer(): string | undefined {
    return this.#steps.offer;
  }
  get createId(): string | undefined {
    return this.#steps.fixed.createId ?? undefined;
  }
  get isOver(): boolean {
    return this.#steps.isOver;
  }

  outcome(number: number): Outcome {
    const { source: replies } = this.#steps.replying;
    return replies === null ? 'failed' : outcomeOf(replies, number);
  }

  suspend(): Promise<void> {
    return this.#steps.suspend();
  }
  idle(): Promise<void> {
    return this.#steps.idle();
  }
  begin(): Promise<void> {
    return this.#steps.begin();
  }
  resume(): Promise<void> {
    return this.#steps.resume();
  }

  /** The answer to CreateSequence, the same for each copy of it. */
  createResponse(request: Message): Message {
    return this.#steps.wording.created(request, this.#steps.record);
  }

  /**
   * A message with a number. What it acknowledges on the reply sequence is learned in the same step.
   *
   * @param isAsked the message asks for an acknowledgement
   * @throws ReliableError with the fault to answer
   */
  sequenced(
    trip: Delivery,
    block: SequenceBlock,
    acknowledgement: Acknowledgement | undefined,
    isAsked: boolean,
  ): Answered {
    const verdict = this.#steps.serial.enter(() => this.#arrive(trip, block, acknowledgement));
    if (!(verdict instanceof Promise)) return this.#sentence(trip, block, verdict, isAsked);
    return verdict.then((known) => settling(this.#sentence(trip, block, known, isAsked)));
  }

  /** What the exchange of a numbered message brings back. */
  #sentence(trip: Delivery, block: SequenceBlock, verdict: Verdict, isAsked: boolean): Answered {
    if ('error' in verdict) throw verdict.error;
    if ('again' in verdict) return this.#again(trip, verdict.again);
    switch (verdict.answer) {
      case 'empty':
        return undefined;
      case 'accepted': {
        const turned = trip.get(turn);
        // A client that offered a sequence may wait for the answer to each of its messages (WCF's request channel does).
        if (turned === undefined || isAsked || this.offer !== undefined) return this.#acknowledged(trip);
        this.#coalescing ??= new Coalescing((last) => this.#acknowledged(last));
        return this.#coalescing.answer(trip, turned);
      }
      case 'acknowledgement':
        return this.#acknowledged(trip);
      case 'wait':
        return this.#steps.parking.wait(block.number === 'beyond' ? 0 : block.number, trip.signal);
      default:
        return verdict.answer satisfies never;
    }
  }

  #acknowledged(trip: Delivery): Delivery {
    return trip.carrying(this.#steps.wording.acknowledged(trip.message, this.#steps.receipt));
  }

  /**
   * An acknowledgement of replies.
   *
   * @throws ReliableError with the fault to answer
   */
  async acknowledge(acknowledgement: Acknowledgement): Promise<void> {
    await this.#steps.serial.run(async () => {
      const error = await this.#steps.learn(acknowledgement);
      if (error !== undefined) throw error;
    });
  }

  /** A message that only asks for an acknowledgement. */
  async ackRequested(request: Message): Promise<Message> {
    await this.#steps.serial.run(() => this.#steps.advance({ kind: 'heard', now: this.#steps.now }));
    if (this.isOver) throw unknownSequence(this.id);
    return this.#steps.wording.asked(request, this.#steps.receipt);
  }

  /** @throws ReliableError with the fault to answer */
  async close(request: Message, last: number | undefined): Promise<Message> {
    await this.#ending({ kind: 'close', last });
    return this.#steps.wording.closed(request, this.#steps.receipt);
  }

  /**
   * @returns `undefined` where nothing is to be answered (2005/02, one-way)
   * @throws ReliableError with the fault to answer
   */
  async terminate(request: Message, last: number | undefined): Promise<Message | undefined> {
    await this.#ending({ kind: 'terminate', last });
    return this.#steps.wording.terminated(request, this.#steps.receipt);
  }

  /** True while the sequence takes nothing new and is not over yet. */
  get isClosed(): boolean {
    return this.#steps.receipt.phase === 'closed';
  }

  /** What goes with a fault about a closed sequence, be it the one that ends it: the final acknowledgement (1.1, 3.5). */
  finalAcknowledgement(request: Message): readonly HeaderBlock[] {
    return this.#steps.wording.acknowledgement(request.version, this.#steps.receipt);
  }

  /** The client gave the session up. */
  async faulted(): Promise<void> {
    await this.#steps.serial.run(() => this.#steps.advance({ kind: 'fault', now: this.#steps.now }));
  }

  async #ending(event: Bare<Extract<DestinationEvent, { readonly kind: 'close' | 'terminate' }>>): Promise<void> {
    const effects = await this.#steps.serial.run(() => this.#steps.advance({ ...event, now: this.#steps.now }));
    const fault = effects.find((effect) => effect.effect === 'fault');
    if (fault !== undefined) throw this.#refused(fault);
  }

  /** The step of a numbered message. Runs in the mailbox. */
  #arrive(
    trip: Delivery,
    block: SequenceBlock,
    acknowledgement: Acknowledgement | undefined,
  ): Verdict | Promise<Verdict> {
    if (this.#steps.isStopped) return { answer: 'empty' };
    if (acknowledgement === undefined) return this.#take(trip, block);
    const refusal = this.#steps.learn(acknowledgement);
    return after(refusal, (error) => (error === undefined ? this.#take(trip, block) : { error }));
  }

  #take(trip: Delivery, block: SequenceBlock): Verdict | Promise<Verdict> {
    const { receipt, now } = this.#steps;
    const { source: replies } = this.#steps.replying;
    if (block.number === 'beyond') {
      const reason = 'The message number is beyond 9223372036854775807.';
      return { error: refused({ name: 'MessageNumberRollover', code: 'sender', reason, identifier: this.id }) };
    }
    const { number, last } = block;
    const crowded = replies !== null && unsettled(replies) >= this.#settings.maxTransferWindowSize;
    if (crowded && !includes(receipt.received, number)) return this.#drop(number, 'replies');
    const kept = trip.carrying(withoutReliableHeaders(trip.message));
    const octets = this.#journal.octets(kept.message);
    const bytes = trip.message.source?.length ?? octets.length;
    const answersLater = this.#steps.finishing.answersLater(trip.message, last);
    const isAnswered = this.#steps.parking.has(number) || answersLater;
    const event = isAnswered
      ? ({ kind: 'message', now, number, bytes, last, isAnswered } as const)
      : ({ kind: 'message', now, number, bytes, last } as const);
    const accepted = () => {
      this.#steps.held.set(number, kept);
      if (answersLater) this.#steps.parking.open(number);
    };
    const change = this.#journal.isDurable ? { put: [{ direction: 'in' as const, number, octets }] } : undefined;
    const advanced = this.#steps.advance(event, change, accepted);
    if (!(advanced instanceof Promise)) return this.#judged(number, advanced);
    return advanced.then(
      (effects) => this.#judged(number, effects),
      (thrown: unknown) => {
        // Not in the store, so not accepted: the client will come again.
        publish(() => ({ event: 'store.failed', ...this.#steps.tell.of, number, reason: asError(thrown).message }));
        return { answer: 'empty' };
      },
    );
  }

  #judged(number: number, effects: readonly DestinationEffect[]): Verdict {
    for (const effect of effects) {
      switch (effect.effect) {
        case 'accept':
          publish(() => ({ event: 'message.accepted', ...this.#steps.tell.requests, number }));
          return { answer: this.#steps.parking.has(number) ? 'wait' : 'accepted' };
        case 'duplicate':
          return this.#repeated(number);
        case 'drop':
          return this.#drop(number, effect.why);
        case 'fault':
          return { error: this.#refused(effect) };
        default:
      }
    }
    return { answer: 'empty' };
  }

  #repeated(number: number): Verdict {
    this.statistics.duplicates += 1;
    publish(() => ({ event: 'duplicate.dropped', ...this.#steps.tell.requests, number }));
    const again = this.#steps.replying.answers.find(({ request }) => request === number);
    if (again !== undefined) return { again };
    return { answer: this.#steps.parking.has(number) ? 'wait' : 'acknowledgement' };
  }

  #drop(number: number, reason: DropReason): Verdict {
    this.statistics.dropped += 1;
    publish(() => ({ event: 'message.dropped', ...this.#steps.tell.requests, number, reason }));
    return { answer: 'empty' };
  }

  /** A kept reply once more, with its number and with what was acknowledged when the request came. */
  async #again(trip: Delivery, answer: Answer): Promise<Delivery | undefined> {
    const kept = this.#steps.replies.get(answer.reply) ?? (await this.#journal.message('out', answer.reply));
    this.#steps.replies.set(answer.reply, kept);
    this.statistics.resent += 1;
    const { reply: number } = answer;
    publish(() => ({ event: 'message.resent', ...this.#steps.tell.replies, number, attempt: 2, cause: 'asked' }));
    return trip.carrying(this.#steps.wording.numbered(kept, answer, this.#steps.receipt));
  }

  #refused(effect: Extract<DestinationEffect, { readonly effect: 'fault' }>): ReliableError {
    return refused({ name: effect.fault, code: 'sender', reason: effect.text, identifier: this.id });
  }
}
