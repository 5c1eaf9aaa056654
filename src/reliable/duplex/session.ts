/**
 * The driver of a duplex session, the same at both ends: each sends on one sequence and receives on the other (WCF's
 * ReliableDuplexSessionChannel). One step at a time, in this order: *append to the store, perform, tell*.
 *
 * Messages go one way at a time over whatever connection there is; acknowledgements wait for a message to ride on, at most
 * for the acknowledgement interval, and go at once when they are asked for, for a duplicate, and when the window is full.
 */
import { later, type Timer } from '../../base/clock.ts';
import { asError, type SurewireError } from '../../base/errors.ts';
import { Serial } from '../../base/serial.ts';
import { abortable } from '../../base/signals.ts';
import type { Side } from '../../channel/channel.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { destination } from '../destination.ts';
import {
  bufferRemaining,
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEnd,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
} from '../destination-state.ts';
import { type Outcome, ReliableError } from '../errors.ts';
import { publish } from '../events.ts';
import { abortion, type Bare } from '../interpret.ts';
import type { Transmission } from '../ledger.ts';
import { Narration } from '../narration.ts';
import { onOutcome, outcomeUnder } from '../outcomes.ts';
import { declined } from '../partings.ts';
import { newStatistics, type SessionView, type Statistics } from '../session.ts';
import { assuranceOf, transmissionOf } from '../settings.ts';
import { source } from '../source.ts';
import {
  type EndReason,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  sourceId,
  submitted,
  unsettled,
} from '../source-state.ts';
import { backOff } from '../transmission.ts';
import { watchDestination, watchSource } from '../watch.ts';
import { Acknowledging } from './acknowledging.ts';
import { type Beside, type Given, storedMessages } from './change.ts';
import { Ear } from './ear.ts';
import type { DuplexInit, DuplexState, DuplexWaiting } from './ends.ts';
import type { Hearing } from './hearing.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { Voice } from './voice.ts';
import { DuplexWording } from './wording.ts';

/** The longest wait between two greetings over a connection on which nothing was heard, in milliseconds. */
const longestSilence = 30_000;

const sourceEnds: Readonly<Record<Exclude<DestinationEnd, 'completed'>, EndReason>> = {
  inactive: { code: 'RELIABLE_INACTIVE', text: 'Nothing was heard of the peer for too long.' },
  idle: { code: 'RELIABLE_INACTIVE', text: "No message of the peer's application came for too long." },
  expired: { code: 'RELIABLE_EXPIRED', text: 'The life that was granted to the sequence is over.' },
  faulted: { code: 'RELIABLE_TERMINATED', text: 'The session was given up.' },
};

export class DuplexSession implements SessionView {
  readonly statistics: Statistics = newStatistics();
  readonly resumed: boolean;
  readonly peerName: () => string;
  readonly #init: DuplexInit;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #wording: DuplexWording;
  readonly #tell: Narration;
  readonly #serial = new Serial();
  readonly #admission = new Serial();
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #acknowledging: Acknowledging;
  readonly #voice: Voice;
  readonly #ear: Ear;
  readonly #end = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  #source: SourceState;
  #receipt: DestinationState | undefined;
  #id: string;
  #offer: string | undefined;
  #timer: Timer | undefined;
  /** The next word to a peer that says nothing, or the last wait for one of its. */
  #greeting: Timer | undefined;
  /** The end of the wait for an answer that is not foreseen. */
  #parting: Timer | undefined;
  #stopped = false;
  /** Why it stands still. */
  #halted: ReliableError | undefined;
  #trouble: Error | undefined;

  constructor(init: DuplexInit, { resumed, peer }: { readonly resumed: boolean; readonly peer: () => string }) {
    const { settings, version } = init;
    this.#init = init;
    this.resumed = resumed;
    this.peerName = peer;
    const transmission = transmissionOf(settings, version, 'timer');
    const givesUp = init.side === 'initiator' ? transmission.givesUp : 'fault';
    this.#policy = { ...transmission, givesUp, acknowledgements: 'delayed' };
    // Only whoever serves may say how long it waits to be asked something.
    const { receiveTimeout } = init.side === 'acceptor' ? settings : { receiveTimeout: Number.POSITIVE_INFINITY };
    const assurance = { ...assuranceOf(settings), receiveTimeout, overtaking: true };
    // What stands still when nothing is heard is this end's source, with everything.
    this.#assurance = givesUp === 'fault' ? assurance : { ...assurance, inactivityTimeout: Number.POSITIVE_INFINITY };
    this.#wording = new DuplexWording({ settings, version, template: init.template, assurance: this.#assurance });
    this.#source = init.state.source;
    this.#receipt = init.state.receipt;
    const sends = sourceId(this.#source);
    this.#id = (init.side === 'initiator' ? sends : this.#receipt?.id) ?? '';
    this.#offer = init.side === 'initiator' ? this.#receipt?.id : sends;
    this.#tell = new Narration(init.side, () => ({ id: this.#id, offer: this.#offer }));
    this.#opened.promise.catch(() => undefined);
    this.#outbox = new Outbox({ keep: init.keep, statistics: this.statistics, mine: () => this.#mine });
    this.#inbox = new Inbox({
      init,
      theirs: () => this.#theirs,
      finish: (number, reply, isMark) => this.#finished(number, reply, isMark),
      failed: (thrown) => this.#fail(thrown),
      receipt: () => this.#receipt,
      room: () => (this.#receipt === undefined ? 1 : bufferRemaining(this.#receipt, this.#assurance)),
    });
    this.#acknowledging = new Acknowledging({
      settings,
      assurance: this.#assurance,
      wording: this.#wording,
      receipt: () => this.#receipt,
      theirs: () => this.#theirs,
      alone: () => this.#acknowledgeNow(),
      missing: (numbers) => this.#voice.missing(numbers),
    });
    this.#voice = new Voice({
      init,
      wording: this.#wording,
      acknowledging: () => this.#acknowledging,
      outbox: this.#outbox,
      statistics: this.statistics,
      tell: this.#tell,
      mine: () => this.#mine,
      theirs: () => this.#theirs,
      ids: () => this.#ids,
      end: this.#end.signal,
      declined: (error) => this.declined(error),
    });
    this.#ear = new Ear({
      init,
      wording: this.#wording,
      acknowledging: this.#acknowledging,
      statistics: this.statistics,
      tell: this.#tell,
      theirs: () => this.#theirs,
      ids: () => this.#ids,
      state: () => this.state,
      submitted: () => this.submitted,
      step: (given, beside) => this.#step(given, beside),
      acknowledge: () => this.#acknowledgeNow(),
      troubled: (trouble) => {
        this.#trouble = trouble;
      },
    });
  }

  get side(): Side {
    return this.#init.side;
  }
  get version(): DuplexInit['version'] {
    return this.#init.version;
  }
  get id(): string {
    return this.#id;
  }
  /** Identifier of the sequence that the acceptor sends on. */
  get offer(): string | undefined {
    return this.#offer;
  }
  get peer(): string {
    return this.peerName();
  }
  get label(): string | undefined {
    return this.#init.side === 'initiator' ? this.#init.settings.label : undefined;
  }
  get submitted(): number {
    return submitted(this.#source);
  }
  get phase(): SourceState['phase'] {
    return this.#source.phase;
  }
  get state(): DuplexState {
    return { source: this.#source, receipt: this.#receipt };
  }
  /** Settles when there is a sequence to send on; rejects when there will be none. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }
  /** Settles when the last thing to be said to the peer is on its way, or cannot be. */
  get lastWord(): Promise<unknown> {
    return this.#voice.lastWord;
  }

  outcome(number: number): Outcome {
    return outcomeUnder(this.#source, number, this.#init.behaviour?.());
  }

  /** True when the session outlives its troubles in the store: what goes wrong at this end is never told to the peer. */
  get isKept(): boolean {
    const { phase } = this.#source;
    return this.#policy.givesUp === 'suspend' && phase !== 'none' && phase !== 'creating' && phase !== 'ended';
  }

  /** Posts events of the outside world. */
  post(...events: readonly Bare<SourceEvent>[]): void {
    this.#run({ source: events });
  }

  /** Creates the sequence, or takes up what the store kept. */
  async start(kind: 'open' | 'resumed' | 'accepted'): Promise<void> {
    await this.#serial.run(async () => {
      if (kind === 'open') await this.#step({ source: [{ kind: 'open' }] });
      else if (kind === 'resumed') {
        publish(() => ({ event: 'session.resumed', ...this.#tell.of, submitted: this.submitted }));
        if (sourceId(this.#source) !== undefined || this.#source.phase === 'ended') this.#opened.resolve();
        await this.#step({ source: [{ kind: 'resumed' }], receipt: [{ kind: 'resumed' }] });
        if (this.side === 'initiator') this.#greet(1);
      } else {
        await this.#init.keep.save(this.state, {});
        this.#rearm();
      }
    });
  }

  /** The peer has accepted the offer `receipt` and named the sequence to send on. */
  async created(named: { readonly id: string; readonly life?: number }, receipt: DestinationState): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#source.phase !== 'creating') return;
      this.#receipt = receipt;
      this.#id = named.id;
      this.#offer = receipt.id;
      await this.#step({ source: [{ kind: 'created', ...named }] });
    });
  }

  /** Settles when `trip` is acknowledged. */
  async send(trip: Delivery): Promise<undefined> {
    const settled = Promise.withResolvers<undefined>();
    settled.promise.catch(() => undefined);
    const waiting = { resolve: settled.resolve, reject: settled.reject, hear: trip.get(onOutcome) };
    // One after the other, so that numbers follow the order of the calls even when a call waits for room.
    const admitted = this.#admission.run(() => this.#submit(trip, waiting, trip.signal));
    await abortable(admitted, trip.signal);
    return abortable(settled.promise, trip.signal);
  }

  /** Settles when everything that was sent so far has its number. */
  numbered(): Promise<void> {
    return this.#admission.idle();
  }

  /** Nothing is under way up any more. */
  async idle(): Promise<void> {
    await this.#inbox.idle();
    await this.#serial.idle();
  }

  async suspend(
    why: ReliableError = new ReliableError('RELIABLE_SUSPENDED', 'The session was suspended; open it again to go on.'),
  ): Promise<void> {
    this.#halt(why);
    await this.#serial.idle();
  }

  /** There is another connection: the peer is to learn of it, and what was under way is sent again. */
  reconnected(): void {
    this.#serial
      .run(async () => {
        if (this.#stopped) return;
        await this.#step({ source: [{ kind: 'resumed' }] });
        this.#greet(1);
      })
      .catch((thrown: unknown) => this.#fail(thrown));
  }

  /** Until anything is heard over the new connection, the acceptor may not know that there is one to send on. */
  #greet(attempt: number): void {
    this.#greeting?.cancel();
    if (this.#receipt === undefined || this.#stopped || this.#end.signal.aborted) return;
    const { phase } = this.#source;
    const live = phase === 'created' || phase === 'rollover' || phase === 'draining';
    const asks = live ? sourceId(this.#source) : undefined;
    this.#voice.acknowledge(asks);
    if (this.side === 'acceptor') return;
    const { clock, random, retryFloor } = this.#init.settings;
    const pause = backOff(2 * retryFloor, attempt, random.fraction(), longestSilence);
    this.#greeting = clock.at(later(clock.now(), pause), () => this.#greet(attempt + 1));
  }

  /**
   * What the peer of this session says. The caller has made sure that it is the peer.
   *
   * @returns what is to be said in answer, on the connection that it came over
   * @throws ReliableError with the fault to answer
   */
  async hear(trip: Delivery, heard: Hearing): Promise<Delivery | undefined> {
    return this.#serial.run(() => {
      if (this.#stopped) return undefined;
      this.#greeting?.cancel();
      return this.#ear.hear(trip, heard);
    });
  }

  get receipt(): DestinationState | undefined {
    return this.#receipt;
  }

  get #ids(): { readonly sends: string; readonly receives: string | undefined } {
    const isInitiator = this.side === 'initiator';
    return { sends: (isInitiator ? this.#id : this.#offer) ?? '', receives: isInitiator ? this.#offer : this.#id };
  }

  /** The sequence that this end receives on. */
  get #theirs(): Narration['requests'] {
    return this.side === 'initiator' ? this.#tell.replies : this.#tell.requests;
  }

  /** The sequence that this end sends on. */
  get #mine(): Narration['requests'] {
    return this.side === 'initiator' ? this.#tell.requests : this.#tell.replies;
  }

  async #submit(trip: Delivery, waiting: DuplexWaiting, signal: AbortSignal): Promise<void> {
    await this.#roomy(signal);
    await this.#serial.run(async () => {
      try {
        await this.#step(
          { source: [{ kind: 'submit', expects: 'acknowledgement' }] },
          { submission: { trip, waiting } },
        );
      } catch (thrown) {
        waiting.reject(asError(thrown));
      }
    });
  }

  async #roomy(signal: AbortSignal): Promise<void> {
    while (!this.#stopped && unsettled(this.#source) >= this.#init.settings.maxUnsettled) {
      await this.#outbox.room(signal);
    }
    signal.throwIfAborted();
  }

  #run(given: Given): void {
    this.#serial.run(() => this.#step(given)).catch((thrown: unknown) => this.#fail(thrown));
  }

  /** One step: reduce, append, perform. Runs in the mailbox. */
  async #step(given: Given, { submission, arrival }: Beside = {}): Promise<readonly DestinationEffect[]> {
    if (this.#stopped) {
      submission?.waiting?.reject(this.#halted ?? this.#gone);
      return [];
    }
    const { clock, random } = this.#init.settings;
    const when = { now: clock.now(), jitter: random.fraction() };
    const before = this.state;
    let next = before.source;
    const sending: SourceEffect[] = [];
    for (const event of given.source ?? []) {
      const [state, effects] = source(next, { ...event, ...when } as SourceEvent, this.#policy);
      next = state;
      sending.push(...effects);
    }
    let { receipt } = before;
    const receiving: DestinationEffect[] = [];
    for (const event of receipt === undefined ? [] : (given.receipt ?? [])) {
      if (receipt === undefined) break;
      const [state, effects] = destination(receipt, { ...event, now: when.now } as DestinationEvent, this.#assurance);
      receipt = state;
      receiving.push(...effects);
    }
    const changed = storedMessages(this.#init.keep, { given, sending, receiving, beside: { submission, arrival } });
    await this.#init.keep.save({ source: next, receipt }, changed);
    this.#source = next;
    this.#receipt = receipt;
    for (const effect of sending) this.#sent(effect, given.source?.at(-1)?.kind ?? 'elapsed', submission);
    if (arrival !== undefined && receiving.some(({ effect }) => effect === 'accept' || effect === 'deliver')) {
      this.#inbox.keep(arrival.number, arrival.trip);
    }
    for (const effect of receiving) this.#received(effect);
    this.#inbox.handUpAnswers(receipt);
    watchSource(this.#tell.of, before.source, next);
    if (before.receipt !== undefined && receipt !== undefined) watchDestination(this.#tell.of, before.receipt, receipt);
    if (unsettled(next) < this.#init.settings.maxUnsettled) this.#outbox.wake();
    this.#rearm();
    this.#conclude();
    return receiving;
  }

  #sent(effect: SourceEffect, after: SourceEvent['kind'], submission: Beside['submission']): void {
    switch (effect.effect) {
      case 'numbered':
        if (submission !== undefined) this.#outbox.numbered(effect.number, submission.trip, submission.waiting);
        return;
      case 'rejected':
        submission?.waiting?.reject(new ReliableError(effect.code, effect.text));
        return;
      case 'opened':
        publish(() => {
          const { version, peer, offer = null } = this;
          return { event: 'sequence.created', ...this.#tell.of, version: version.name, peer, offer };
        });
        this.#opened.resolve();
        return;
      case 'settled':
        this.#outbox.settle(effect.number, effect.outcome);
        return;
      case 'create':
      case 'transmit':
      case 'poll':
      case 'close':
      case 'terminate':
        this.#voice.say(effect, after);
        return;
      case 'fault':
        this.#voice.say(effect, after);
        if (effect.fault === 'InvalidAcknowledgement') {
          this.post(abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false));
        }
        return;
      case 'suspended': {
        const text = `${effect.reason.text} The store keeps the session: connect again under the label "${this.label}" to go on.`;
        const outcomes = this.#outcomes;
        this.#halt(new ReliableError('RELIABLE_SUSPENDED', text, { outcomes, transient: true, cause: this.#trouble }));
        return;
      }
      case 'ended':
        if (effect.reason.code !== 'completed') this.#giveUp(this.#errorFor(effect.reason));
        return;
      default:
        effect satisfies never;
    }
  }

  #received(effect: DestinationEffect): void {
    switch (effect.effect) {
      case 'deliver':
        this.#inbox.handUp(effect.number);
        return;
      case 'discard':
        publish(() => ({ event: 'messages.discarded', ...this.#theirs, numbers: effect.numbers }));
        this.#inbox.drop(effect.numbers);
        return;
      case 'closed':
        publish(() => ({ event: 'sequence.closed', ...this.#theirs }));
        return;
      case 'ended':
        this.#inbox.drop();
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

  #acknowledgeNow(): void {
    if (this.#receipt === undefined || this.#stopped) return;
    this.#voice.acknowledge();
  }

  /** The application has finished with message `number`. */
  async #finished(number: number, reply: Delivery | undefined, isMark: boolean): Promise<void> {
    if (this.#init.signal.aborted || this.#stopped) return;
    const receipt = [{ kind: 'delivered' as const, number }];
    if (reply === undefined) await this.#serial.run(() => this.#step({ receipt }));
    else {
      await this.#roomy(this.#end.signal).catch(() => undefined);
      const submission = { trip: reply, waiting: undefined };
      // In one step: a message is finished when its reply is kept.
      const source = [{ kind: 'submit' as const, expects: 'acknowledgement' as const }];
      await this.#serial.run(() => this.#step({ source, receipt }, { submission }));
    }
    if (!isMark) {
      this.statistics.delivered += 1;
      publish(() => ({ event: 'message.delivered', ...this.#theirs, number }));
    }
    this.#acknowledging.freed();
  }

  #rearm(): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    const sending = sourceDue(this.#source, this.#policy);
    const receiving = this.#receipt === undefined ? undefined : destinationDue(this.#receipt, this.#assurance);
    const dues = [sending, receiving].filter((one) => one !== undefined).filter(Number.isFinite);
    const due = dues.sort((one, other) => one - other)[0];
    const elapsed = [{ kind: 'elapsed' as const }];
    this.#timer =
      due === undefined
        ? undefined
        : this.#init.settings.clock.at(due, () => this.#run({ source: elapsed, receipt: elapsed }));
  }

  /** The sequence cannot be asked for, and asking again cannot mend that. */
  declined(error: SurewireError): void {
    this.#trouble = error;
    this.#serial
      .run(async () => {
        if (this.#source.phase === 'creating') await this.#step({ source: [declined(error)] });
      })
      .catch((thrown: unknown) => this.#fail(thrown));
  }

  /** One sequence has ended: what that means for the other, and for the session. */
  #conclude(): void {
    const { source: sending, receipt } = this.state;
    if (sending.phase === 'ended') {
      if (receipt === undefined || receipt.phase === 'ended') this.#over(sending.reason);
      else if (sending.reason.code !== 'completed') this.#run({ receipt: [{ kind: 'fault' }] });
      else if (this.side === 'initiator') this.#awaitFarewell(sending.reason);
      return;
    }
    const { terminateSequenceResponse } = this.#init.version.actions;
    if (sending.phase === 'terminating' && this.side === 'initiator' && terminateSequenceResponse === undefined) {
      this.#awaitSilence();
    }
    if (receipt?.phase !== 'ended') return;
    if (receipt.reason !== 'completed') {
      const { code, text } = sourceEnds[receipt.reason];
      this.post(abortion(code === 'completed' ? 'RELIABLE_FAILED' : code, text, receipt.reason !== 'faulted'));
    } else if (this.side === 'acceptor' && (sending.phase === 'created' || sending.phase === 'rollover')) {
      this.post({ kind: 'close' });
    }
  }

  /** 2005/02 has no answer to TerminateSequence: the peer may say nothing more. */
  #awaitSilence(): void {
    const { clock, farewellTimeout } = this.#init.settings;
    const over = () => this.post({ kind: 'terminate-answered' });
    this.#parting ??= clock.at(later(clock.now(), farewellTimeout), over);
  }

  /** The peer has a sequence to end as well; some never do. */
  #awaitFarewell(reason: EndReason): void {
    const { clock, farewellTimeout } = this.#init.settings;
    this.#greeting?.cancel();
    this.#greeting = clock.at(later(clock.now(), farewellTimeout), () => this.#over(reason));
  }

  #over(reason: EndReason): void {
    if (this.#end.signal.aborted) return;
    const { receipt } = this;
    const isBad = reason.code === 'completed' && receipt?.phase === 'ended' && receipt.reason !== 'completed';
    const why = isBad ? sourceEnds[receipt.reason] : reason;
    publish(() => ({ event: 'sequence.terminated', ...this.#tell.of, reason: why.code, text: why.text }));
    this.#giveUp(this.#errorFor(why));
    this.#timer?.cancel();
    this.#greeting?.cancel();
    this.#parting?.cancel();
    this.#acknowledging.stop();
    this.#inbox.stop();
    this.#end.abort(this.#gone);
    this.#init.onEnded(why);
  }

  /** Why the session ended; `undefined` when it did in good order. */
  errorOf(reason: EndReason): ReliableError | undefined {
    return reason.code === 'completed' ? undefined : this.#errorFor(reason);
  }

  #errorFor(reason: EndReason): ReliableError {
    if (reason.code === 'completed') return this.#gone;
    const outcomes = this.#outcomes;
    const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
    return new ReliableError(reason.code, reason.text, { outcomes, transient, cause: this.#trouble });
  }

  /** What is known of the messages for which somebody waits. */
  get #outcomes(): ReadonlyMap<number, Outcome> {
    return new Map(this.#outbox.awaited.map((number) => [number, this.outcome(number)]));
  }

  get #gone(): ReliableError {
    return new ReliableError('RELIABLE_CLOSED', 'The session is closed.');
  }

  #giveUp(error: Error): void {
    this.#outbox.giveUp(error, (number) => this.outcome(number));
    this.#opened.reject(error);
  }

  #halt(error: ReliableError): void {
    if (this.#stopped || this.#end.signal.aborted) return;
    this.#stopped = true;
    this.#halted = error;
    this.#timer?.cancel();
    this.#greeting?.cancel();
    this.#parting?.cancel();
    this.#acknowledging.stop();
    this.#inbox.stop();
    publish(() => ({ event: 'session.suspended', ...this.#tell.of, code: error.code, reason: error.message }));
    this.#giveUp(error);
    this.#end.abort(error);
    this.#init.onHalted?.(error);
  }

  /** The store failed: this process cannot go on with the session. To an acceptor the peer comes again. */
  #fail(thrown: unknown): void {
    const error = asError(thrown);
    if (this.#stopped || this.#end.signal.aborted) return;
    publish(() => ({ event: 'store.failed', ...this.#tell.of, number: null, reason: error.message }));
    if (this.side === 'acceptor') return;
    this.#halt(new ReliableError('RELIABLE_STORE', error.message, { transient: true, cause: error }));
  }
}
