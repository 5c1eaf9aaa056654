/**
 * The driver of one session at the acceptor: accepts, acknowledges, hands up and answers, one step at a time, in this
 * order: *append to the store, perform, tell*. What was acknowledged is in the store; what was not finished when the process
 * died is handed up again.
 *
 * Requests ride on HTTP-like exchanges. One that came too early is parked until its turn, a repeated one waits beside the
 * first for the same reply, and a reply is kept and given again until the client has acknowledged it (WCF's
 * ReliableReplySessionChannel). An empty answer (`undefined`) means: not taken, come again.
 */

import { after } from '../base/after.ts';
import { Alarm } from '../base/alarm.ts';
import { later } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { wait } from '../base/signals.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { session } from '../channel/session.ts';
import { addressingOf, isNone } from '../soap/addressing.ts';
import { faultFor, faultReply } from '../soap/fault.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import { answered, learned } from './answers.ts';
import { destination } from './destination.ts';
import {
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
  sameReceipt,
} from './destination-state.ts';
import type { Outcome, ReliableError } from './errors.ts';
import { type DropReason, publish } from './events.ts';
import { type Acknowledgement, type SequenceBlock, withoutReliableHeaders } from './headers.ts';
import type { Transmission, When } from './ledger.ts';
import { Narration } from './narration.ts';
import { withOrigin } from './origin.ts';
import { Parking } from './parking.ts';
import { position } from './position.ts';
import { includes, type Ranges } from './ranges.ts';
import type { AcceptorRecord, Answer } from './record.ts';
import { refused, unknownSequence } from './responses.ts';
import { type Journal, newStatistics, type SessionView, type Statistics } from './session.ts';
import { assuranceOf, type Settings, transmissionOf } from './settings.ts';
import { outcomeOf, submitted, unsettled } from './source-state.ts';
import type { SessionChange } from './store.ts';
import { UpwardSession } from './upward.ts';
import type { ReliableVersion } from './versions/version.ts';
import { watchDestination, watchSource } from './watch.ts';
import { Wording } from './wording.ts';

type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;

/** What is to become of an exchange once its step is done. */
type Verdict =
  | { readonly answer: 'empty' | 'acknowledgement' | 'wait' }
  | { readonly error: ReliableError }
  | { readonly again: Answer };

/** What an exchange brings back, now or later. */
export type Answered = Promise<Delivery | undefined> | Delivery | undefined;

/** How long to wait for a store that failed before trying it again, in milliseconds. */
const storePatience = 1_000;

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
  readonly statistics: Statistics = newStatistics();
  readonly #settings: Settings;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #wording: Wording;
  readonly #journal: Journal;
  readonly #receive: Carry;
  readonly #signal: AbortSignal;
  readonly #onEnded: (session: Accepted) => void;
  readonly #tell = new Narration('acceptor', () => this);
  readonly #serial = new Serial();
  readonly #held = new Map<number, Delivery>();
  readonly #snapshots = new Map<number, Ranges>();
  readonly #parking = new Parking();
  readonly #replies = new Map<number, Message>();
  readonly #running = new Set<Promise<void>>();
  readonly #upward: UpwardSession;
  #record: AcceptorRecord;
  readonly #timer: Alarm;
  #stopped = false;

  constructor(init: AcceptedInit) {
    this.version = init.version;
    this.resumed = init.resumed;
    this.#settings = init.settings;
    this.#timer = new Alarm(init.settings.clock, () => this.#elapse());
    this.#policy = transmissionOf(init.settings, init.version, 'reply');
    this.#assurance = assuranceOf(init.settings);
    this.#record = init.record;
    this.#wording = new Wording(init.settings, init.version, this.#assurance, this.offer);
    this.#journal = init.journal;
    this.#receive = init.receive;
    this.#signal = init.signal;
    this.#onEnded = init.onEnded;
    this.#upward = new UpwardSession(init.record, init.resumed);
  }

  get id(): string {
    return this.#record.receipt.id;
  }
  get peer(): string {
    return this.#record.identity;
  }
  get label(): string | undefined {
    return this.#record.label ?? undefined;
  }
  get submitted(): number {
    return this.#record.source === null ? 0 : submitted(this.#record.source);
  }
  /** Identifier of the sequence that the client offered. */
  get offer(): string | undefined {
    const { source: replies } = this.#record;
    return replies !== null && 'id' in replies ? replies.id : undefined;
  }
  get createId(): string | undefined {
    return this.#record.createId ?? undefined;
  }
  get isOver(): boolean {
    return this.#record.receipt.phase === 'ended';
  }

  outcome(number: number): Outcome {
    return this.#record.source === null ? 'failed' : outcomeOf(this.#record.source, number);
  }

  async suspend(): Promise<void> {
    this.#stopped = true;
    this.#timer.cancel();
    this.#upward.end(undefined);
    await this.#serial.idle();
    this.#parking.clear();
  }

  /** Settles when the application has finished with everything that it was handed. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#serial.idle();
  }

  /** Makes a new session durable. */
  async begin(): Promise<void> {
    await this.#journal.commit({ state: this.#record });
    publish(() => {
      const { version, peer, offer = null } = this;
      return { event: 'sequence.created', ...this.#tell.of, version: version.name, peer, offer };
    });
    this.#rearm();
  }

  /** Takes up what the store kept: hands up again what was not finished. */
  async resume(): Promise<void> {
    publish(() => ({ event: 'session.resumed', ...this.#tell.of, submitted: this.submitted }));
    // Until its reply is there a repeated request has to wait: a WCF client takes a bare acknowledgement for the answer.
    const { held } = this.#record.receipt;
    for (const { number, begun } of held) if (begun !== true) this.#parking.open(number);
    const drop = held.flatMap(({ number, begun }) => (begun === true ? [{ direction: 'in' as const, number }] : []));
    await this.#serial.run(() => this.#advance({ kind: 'resumed' }, { drop }));
  }

  /** The answer to CreateSequence, the same for each copy of it. */
  createResponse(request: Message): Message {
    return this.#wording.created(request, this.#record);
  }

  /**
   * A message with a number. What it acknowledges on the reply sequence is learned in the same step.
   *
   * @throws ReliableError with the fault to answer
   */
  sequenced(trip: Delivery, block: SequenceBlock, acknowledgement: Acknowledgement | undefined): Answered {
    const verdict = this.#serial.enter(() => this.#arrive(trip, block, acknowledgement));
    return after(verdict, (known) => this.#sentence(trip, block, known));
  }

  /** What the exchange of a numbered message brings back. */
  #sentence(trip: Delivery, block: SequenceBlock, verdict: Verdict): Answered {
    if ('error' in verdict) throw verdict.error;
    if ('again' in verdict) return this.#again(trip, verdict.again);
    switch (verdict.answer) {
      case 'empty':
        return undefined;
      case 'acknowledgement':
        return trip.carrying(this.#wording.acknowledged(trip.message, this.#record.receipt));
      case 'wait':
        return this.#parking.wait(block.number === 'beyond' ? 0 : block.number, trip.signal);
      default:
        return verdict.answer satisfies never;
    }
  }

  /**
   * An acknowledgement of replies.
   *
   * @throws ReliableError with the fault to answer
   */
  async acknowledge(acknowledgement: Acknowledgement): Promise<void> {
    await this.#serial.run(async () => {
      const error = await this.#learn(acknowledgement);
      if (error !== undefined) throw error;
    });
  }

  /** A message that only asks for an acknowledgement. */
  async ackRequested(request: Message): Promise<Message> {
    await this.#serial.run(() => this.#advance({ kind: 'heard' }));
    if (this.isOver) throw unknownSequence(this.id);
    return this.#wording.asked(request, this.#record.receipt);
  }

  /** @throws ReliableError with the fault to answer */
  async close(request: Message, last: number | undefined): Promise<Message> {
    await this.#ending({ kind: 'close', last });
    return this.#wording.closed(request, this.#record.receipt);
  }

  /**
   * @returns `undefined` where nothing is to be answered (2005/02, one-way)
   * @throws ReliableError with the fault to answer
   */
  async terminate(request: Message, last: number | undefined): Promise<Message | undefined> {
    await this.#ending({ kind: 'terminate', last });
    return this.#wording.terminated(request, this.#record.receipt);
  }

  /** True while the sequence takes nothing new and is not over yet. */
  get isClosed(): boolean {
    return this.#record.receipt.phase === 'closed';
  }

  /** What goes with a fault about a closed sequence, be it the one that ends it: the final acknowledgement (1.1, 3.5). */
  finalAcknowledgement(request: Message): readonly HeaderBlock[] {
    return this.#wording.acknowledgement(request.version, this.#record.receipt);
  }

  /** The client gave the session up. */
  async faulted(): Promise<void> {
    await this.#serial.run(() => this.#advance({ kind: 'fault' }));
  }

  async #ending(event: Bare<Extract<DestinationEvent, { readonly kind: 'close' | 'terminate' }>>): Promise<void> {
    const effects = await this.#serial.run(() => this.#advance(event));
    const fault = effects.find((effect) => effect.effect === 'fault');
    if (fault !== undefined) throw this.#refused(fault);
  }

  /** The step of a numbered message. Runs in the mailbox. */
  #arrive(
    trip: Delivery,
    block: SequenceBlock,
    acknowledgement: Acknowledgement | undefined,
  ): Verdict | Promise<Verdict> {
    if (this.#stopped) return { answer: 'empty' };
    const refusal = acknowledgement === undefined ? undefined : this.#learn(acknowledgement);
    return after(refusal, (error) => (error === undefined ? this.#take(trip, block) : { error }));
  }

  #take(trip: Delivery, block: SequenceBlock): Verdict | Promise<Verdict> {
    const { receipt, source: replies } = this.#record;
    if (block.number === 'beyond') {
      const reason = 'The message number is beyond 9223372036854775807.';
      return { error: refused({ name: 'MessageNumberRollover', code: 'sender', reason, identifier: this.id }) };
    }
    const { number, last } = block;
    const crowded = replies !== null && unsettled(replies) >= this.#settings.maxTransferWindowSize;
    if (crowded && !includes(receipt.received, number)) return this.#drop(number, 'replies');
    const kept = trip.carrying(withoutReliableHeaders(trip.message));
    const octets = this.#journal.octets(kept.message);
    const bytes = trip.message.source?.bytes.length ?? octets.length;
    const answersLater = this.#answersLater(trip.message);
    const isAnswered = this.#parking.has(number) || answersLater;
    const event = { kind: 'message', number, bytes, last, ...(isAnswered ? { isAnswered } : {}) } as const;
    const accepted = () => {
      this.#held.set(number, kept);
      if (answersLater) this.#parking.open(number);
    };
    const advanced = this.#advance(event, { put: [{ direction: 'in', number, octets }] }, accepted);
    if (!(advanced instanceof Promise)) return this.#judged(number, advanced);
    return advanced.then(
      (effects) => this.#judged(number, effects),
      (thrown: unknown) => {
        // Not in the store, so not accepted: the client will come again.
        publish(() => ({ event: 'store.failed', ...this.#tell.of, number, reason: asError(thrown).message }));
        return { answer: 'empty' };
      },
    );
  }

  #judged(number: number, effects: readonly DestinationEffect[]): Verdict {
    for (const effect of effects) {
      switch (effect.effect) {
        case 'accept':
          publish(() => ({ event: 'message.accepted', ...this.#tell.requests, number }));
          return { answer: this.#parking.has(number) ? 'wait' : 'acknowledgement' };
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
    publish(() => ({ event: 'duplicate.dropped', ...this.#tell.requests, number }));
    const again = this.#record.answers.find(({ request }) => request === number);
    if (again !== undefined) return { again };
    return { answer: this.#parking.has(number) ? 'wait' : 'acknowledgement' };
  }

  #drop(number: number, reason: DropReason): Verdict {
    this.statistics.dropped += 1;
    publish(() => ({ event: 'message.dropped', ...this.#tell.requests, number, reason }));
    return { answer: 'empty' };
  }

  /** True when the exchange waits for the application: the request can be answered. */
  #answersLater(request: Message): boolean {
    if (request.action === this.version.actions.lastMessage) return this.offer !== undefined;
    // What is handed up when the sequence is whole is answered too late for anybody.
    if (this.#assurance.incomplete === 'DiscardEntireSequence') return false;
    const asked = addressingOf(request);
    return asked?.messageId !== undefined && !isNone(asked.version, asked.replyTo);
  }

  /** Learns what the client has of the replies; what it has is forgotten. Runs in the mailbox. */
  #learn(acknowledgement: Acknowledgement): Promise<ReliableError | undefined> | ReliableError | undefined {
    const found = learned(this.#record, acknowledgement, this.#now, this.#policy);
    if ('error' in found) return found.error;
    this.#tell.heardOfReplies(acknowledgement);
    if (found.settled.length === 0) return undefined;
    const record = { ...this.#record, ...found.record };
    const drop = found.settled.map((number) => ({ direction: 'out' as const, number }));
    const committed = this.isOver ? undefined : this.#journal.commit({ state: record, drop });
    return after(committed, () => {
      this.#watch(record);
      this.#record = record;
      for (const number of found.settled) {
        this.#replies.delete(number);
        this.statistics.acknowledged += 1;
        publish(() => ({ event: 'message.acknowledged', ...this.#tell.replies, number }));
      }
      return undefined;
    });
  }

  get #now(): When {
    return { now: this.#settings.clock.now(), jitter: this.#settings.random.fraction() };
  }

  /**
   * One step: reduce, append, perform. Runs in the mailbox.
   *
   * @param change what else is to be committed when the message is accepted
   * @param accepted called after the commit, before anything is handed up
   */
  #advance(
    given: Bare<DestinationEvent>,
    change: Omit<SessionChange, 'session' | 'state'> = {},
    accepted: () => void = () => undefined,
    replies: Pick<AcceptorRecord, 'source' | 'answers'> = this.#record,
  ): Promise<readonly DestinationEffect[]> | readonly DestinationEffect[] {
    if (this.#stopped) return [];
    const event = { ...given, now: this.#settings.clock.now() } as DestinationEvent;
    const before = this.#record.receipt;
    const [receipt, effects] = destination(before, event, this.#assurance);
    const record = { ...this.#record, receipt, source: replies.source, answers: replies.answers };
    return after(this.#append(before, record, change), () => {
      this.#watch(record);
      this.#record = record;
      if (given.kind === 'message' && effects.some(({ effect }) => effect === 'accept' || effect === 'deliver'))
        accepted();
      for (const effect of effects) this.#perform(effect);
      this.#rearm();
      return effects;
    });
  }

  /** Makes a step durable, where it is worth a write. */
  #append(
    before: DestinationState,
    record: AcceptorRecord,
    change: Omit<SessionChange, 'session' | 'state'>,
  ): Promise<void> | undefined {
    if (!this.#journal.isDurable) return undefined;
    const isOver = record.receipt.phase === 'ended' && before.phase !== 'ended';
    if (isOver) return this.#journal.commit({ end: true });
    return sameReceipt(before, record.receipt) ? undefined : this.#journal.commit({ state: record, ...change });
  }

  #watch(next: AcceptorRecord): void {
    const { receipt, source: replies } = this.#record;
    watchDestination(this.#tell.of, receipt, next.receipt);
    if (replies !== null && next.source !== null) watchSource(this.#tell.of, replies, next.source);
  }

  #perform(effect: DestinationEffect): void {
    switch (effect.effect) {
      case 'deliver': {
        // Not when it came: acknowledgements of parked requests would take back what earlier replies have said.
        this.#snapshots.set(effect.number, this.#record.receipt.received);
        const running = this.#deliver(effect.number).finally(() => this.#running.delete(running));
        this.#running.add(running);
        return;
      }
      case 'discard':
        publish(() => ({ event: 'messages.discarded', ...this.#tell.requests, numbers: effect.numbers }));
        for (const number of effect.numbers) this.#release(number, undefined);
        return;
      case 'closed':
        publish(() => ({ event: 'sequence.closed', ...this.#tell.requests }));
        return;
      case 'fault': {
        const { fault, text: reason } = effect;
        publish(() => ({ event: 'sequence.faulted', ...this.#tell.of, by: 'here', fault, reason }));
        return;
      }
      case 'ended':
        this.#timer.cancel();
        publish(() => {
          const { reason } = effect;
          return { event: 'sequence.terminated', ...this.#tell.of, reason, text: `the sequence is over: ${reason}` };
        });
        this.#parking.clear();
        this.#held.clear();
        this.#replies.clear();
        this.#upward.end(effect.reason);
        this.#onEnded(this);
        return;
      case 'accept':
      case 'duplicate':
      case 'drop':
      case 'terminated':
        return;
      default:
        effect satisfies never;
    }
  }

  /** Hands a message up, beside the mailbox, and keeps the reply. */
  async #deliver(number: number): Promise<void> {
    const { clock } = this.#settings;
    let done: { readonly trip: Delivery; readonly reply: Delivery | undefined } | undefined;
    while (!this.#signal.aborted && !this.#stopped) {
      try {
        if (done === undefined) {
          const trip = this.#held.get(number) ?? (await this.#stored(number));
          done = { trip, reply: await this.#handle(trip, number) };
          if (this.#signal.aborted) return;
        }
        const { trip, reply } = done;
        await this.#serial.enter(() => this.#finish(number, trip, reply));
        return;
      } catch (thrown) {
        // Only the store can fail here. Until it works again the message counts as not finished.
        publish(() => ({ event: 'store.failed', ...this.#tell.of, number, reason: asError(thrown).message }));
        await wait(clock, storePatience, this.#signal).catch(() => undefined);
      }
    }
  }

  async #stored(number: number): Promise<Delivery> {
    return withOrigin(delivery(await this.#journal.message('in', number), this.#signal), this.#record.origin);
  }

  async #handle(trip: Delivery, number: number): Promise<Delivery | undefined> {
    const { lastMessage } = this.version.actions;
    if (lastMessage !== undefined && trip.message.action === lastMessage) {
      // Our own last message answers it, on the reply sequence.
      return this.offer === undefined ? undefined : trip.carrying(this.#wording.lastMessage(trip.message, lastMessage));
    }
    const at = { sequence: this.id, number };
    const up = trip.with(position, at).with(session, this.#upward).under(this.#signal);
    try {
      return await this.#receive(up);
    } catch (thrown) {
      publish(() => ({ event: 'handler.failed', ...this.#tell.requests, number, reason: asError(thrown).message }));
      return trip.carrying(faultReply(trip.message, faultFor(thrown)));
    }
  }

  /** Marks a message finished and gives its reply a number, in one commit. Runs in the mailbox. */
  #finish(number: number, trip: Delivery, reply: Delivery | undefined): Promise<void> | void {
    const drop = [{ direction: 'in' as const, number }];
    const last = trip.message.action === this.version.actions.lastMessage;
    if (reply === undefined || !this.#answersLater(trip.message)) {
      return after(this.#advance({ kind: 'delivered', number }, { drop }), () => {
        // Nobody waits for it when the exchange was answered on arrival.
        const isAwaited = this.#parking.has(number);
        const message = isAwaited ? this.#wording.acknowledged(trip.message, this.#record.receipt) : undefined;
        this.#finished(number, message === undefined ? undefined : trip.carrying(message), last);
      });
    }
    const acknowledged = this.#snapshots.get(number) ?? this.#record.receipt.received;
    const { maxTransferWindowSize } = this.#settings;
    const made = answered(this.#record, number, acknowledged, this.#now, this.#policy, maxTransferWindowSize);
    const { answer, forgotten } = made;
    const put = [{ direction: 'out' as const, number: answer.reply, octets: this.#journal.octets(reply.message) }];
    const without = [...drop, ...forgotten.map((old) => ({ direction: 'out' as const, number: old }))];
    this.#replies.set(answer.reply, reply.message);
    return after(this.#advance({ kind: 'delivered', number }, { drop: without, put }, undefined, made.record), () => {
      for (const old of forgotten) this.#replies.delete(old);
      if (this.offer !== undefined) {
        this.statistics.sent += 1;
        publish(() => ({ event: 'message.sent', ...this.#tell.replies, number: answer.reply, attempt: 1 }));
      }
      this.#finished(number, reply.carrying(this.#wording.numbered(reply.message, answer, this.#record.receipt)), last);
    });
  }

  #finished(number: number, answer: Delivery | undefined, last: boolean): void {
    if (!last) {
      this.statistics.delivered += 1;
      publish(() => ({ event: 'message.delivered', ...this.#tell.requests, number }));
    }
    this.#release(number, answer);
  }

  #release(number: number, answer: Delivery | undefined): void {
    this.#held.delete(number);
    this.#snapshots.delete(number);
    this.#parking.settle(number, answer);
  }

  /** A kept reply once more, with its number and with what was acknowledged when the request came. */
  async #again(trip: Delivery, answer: Answer): Promise<Delivery | undefined> {
    const kept = this.#replies.get(answer.reply) ?? (await this.#journal.message('out', answer.reply));
    this.#replies.set(answer.reply, kept);
    this.statistics.resent += 1;
    const { reply: number } = answer;
    publish(() => ({ event: 'message.resent', ...this.#tell.replies, number, attempt: 2, cause: 'asked' }));
    return trip.carrying(this.#wording.numbered(kept, answer, this.#record.receipt));
  }

  #refused(effect: Extract<DestinationEffect, { readonly effect: 'fault' }>): ReliableError {
    return refused({ name: effect.fault, code: 'sender', reason: effect.text, identifier: this.id });
  }

  #rearm(): void {
    this.#timer.set(this.#stopped ? undefined : destinationDue(this.#record.receipt, this.#assurance));
  }

  #elapse(): void {
    this.#serial
      .run(() => this.#advance({ kind: 'elapsed' }))
      .catch((thrown: unknown) => {
        publish(() => ({ event: 'store.failed', ...this.#tell.of, number: null, reason: asError(thrown).message }));
        const { clock } = this.#settings;
        if (!this.#stopped) this.#timer.set(later(clock.now(), storePatience));
      });
  }
}
