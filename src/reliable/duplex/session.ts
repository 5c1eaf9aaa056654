/**
 * The driver of a duplex session, the same at both ends: each sends on one sequence and receives on the other (WCF's
 * ReliableDuplexSessionChannel). One step at a time, in this order: *append to the store, perform, tell*.
 *
 * Messages go one way at a time over whatever connection there is; acknowledgements wait for a message to ride on, at most
 * for the acknowledgement interval, and go at once when they are asked for, for a duplicate, and when the window is full.
 */
import { later, type Timer } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import { Serial } from '../../base/serial.ts';
import { abortable } from '../../base/signals.ts';
import { isAnswer } from '../../channel/awaited.ts';
import type { Side } from '../../channel/channel.ts';
import { type Delivery, delivery } from '../../channel/delivery.ts';
import { session as sessionOf } from '../../channel/session.ts';
import { faultFor, faultReply } from '../../soap/fault.ts';
import {
  bufferRemaining,
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destination,
  destinationDue,
} from '../destination.ts';
import { type Outcome, ReliableError } from '../errors.ts';
import { publish } from '../events.ts';
import { type Acknowledgement, withoutReliableHeaders } from '../headers.ts';
import { abortion, type Bare } from '../interpret.ts';
import type { Transmission } from '../ledger.ts';
import { Narration } from '../narration.ts';
import { onOutcome } from '../outcomes.ts';
import { position } from '../position.ts';
import { prefix } from '../ranges.ts';
import { refused } from '../responses.ts';
import { newStatistics, type SessionView, type Statistics } from '../session.ts';
import { assuranceOf, transmissionOf } from '../settings.ts';
import { source } from '../source.ts';
import {
  type EndReason,
  outcomeOf,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  sourceId,
  submitted,
  unsettled,
} from '../source-state.ts';
import { resendCause, watchDestination, watchSource } from '../watch.ts';
import type { DuplexInit, DuplexState, DuplexWaiting } from './ends.ts';
import { faultHeard } from './fault.ts';
import type { Hearing } from './hearing.ts';
import { DuplexWording } from './wording.ts';

interface Given {
  readonly source?: readonly Bare<SourceEvent>[];
  readonly receipt?: readonly Bare<DestinationEvent>[];
}

interface Beside {
  /** The message that is submitted. */
  readonly submission?: { readonly trip: Delivery; readonly waiting: DuplexWaiting | undefined };
  /** The message that arrived. */
  readonly arrival?: { readonly number: number; readonly trip: Delivery };
}

const sourceEnds: Readonly<Record<'inactive' | 'expired' | 'faulted', EndReason>> = {
  inactive: { code: 'RELIABLE_INACTIVE', text: 'Nothing was heard of the peer for too long.' },
  expired: { code: 'RELIABLE_TERMINATED', text: 'The life that was granted to the sequence is over.' },
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
  readonly #messages = new Map<number, Delivery>();
  readonly #waiting = new Map<number, DuplexWaiting>();
  readonly #held = new Map<number, Delivery>();
  /** Numbers that were handed up, some of them answers that overtook an unfinished message. */
  readonly #begun = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  readonly #room: (() => void)[] = [];
  readonly #end = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  #source: SourceState;
  #receipt: DestinationState | undefined;
  #id: string;
  #offer: string | undefined;
  /** Accepted since this end acknowledged last. */
  #pending = 0;
  #acknowledging: Timer | undefined;
  /** The room that was told last. */
  #told: number | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  #trouble: Error | undefined;
  #lastWord: Promise<unknown> = Promise.resolve();

  constructor(init: DuplexInit, { resumed, peer }: { readonly resumed: boolean; readonly peer: () => string }) {
    const { settings, version } = init;
    this.#init = init;
    this.resumed = resumed;
    this.peerName = peer;
    this.#policy = { ...transmissionOf(settings, version, 'timer'), givesUp: 'fault', acknowledgements: 'delayed' };
    this.#assurance = { ...assuranceOf(settings), overtaking: true };
    this.#wording = new DuplexWording({ settings, version, template: init.template, assurance: this.#assurance });
    this.#source = init.state.source;
    this.#receipt = init.state.receipt;
    const sends = sourceId(this.#source);
    this.#id = (init.side === 'initiator' ? sends : this.#receipt?.id) ?? '';
    this.#offer = init.side === 'initiator' ? this.#receipt?.id : sends;
    this.#tell = new Narration(init.side, () => ({ id: this.#id, offer: this.#offer }));
    this.#opened.promise.catch(() => undefined);
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
  get label(): undefined {
    return undefined;
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
    return this.#lastWord;
  }

  outcome(number: number): Outcome {
    return outcomeOf(this.#source, number);
  }

  /** Posts events of the outside world. */
  post(...events: readonly Bare<SourceEvent>[]): void {
    this.#run({ source: events });
  }

  /** Creates the sequence, or takes up what the store kept. */
  async start(kind: 'open' | 'resumed' | 'accepted'): Promise<void> {
    await this.#serial.run(async () => {
      if (kind === 'open') await this.#step({ source: [{ kind: 'open' }] });
      else if (kind === 'resumed') await this.#step({ source: [{ kind: 'resumed' }], receipt: [{ kind: 'resumed' }] });
      else {
        await this.#init.keep.save(this.state, {});
        this.#rearm();
      }
    });
  }

  /** The peer has accepted the offer `receipt` and named the sequence to send on. */
  async created(id: string, receipt: DestinationState): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#source.phase !== 'creating') return;
      this.#receipt = receipt;
      this.#id = id;
      this.#offer = receipt.id;
      await this.#step({ source: [{ kind: 'created', id }] });
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

  /** Nothing is under way up any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#serial.idle();
  }

  async suspend(): Promise<void> {
    this.#stopped = true;
    this.#halt(new ReliableError('RELIABLE_SUSPENDED', 'The session was suspended at this end.'));
    await this.#serial.idle();
  }

  /** There is another connection: the peer is to learn of it, and what was under way is sent again. */
  reconnected(): void {
    this.#serial
      .run(async () => {
        if (this.#stopped) return;
        await this.#step({ source: [{ kind: 'resumed' }] });
        const live =
          this.#source.phase === 'created' || this.#source.phase === 'rollover' || this.#source.phase === 'draining';
        if (this.#receipt === undefined) return;
        const asks = live ? sourceId(this.#source) : undefined;
        this.#send('poll', () => this.#wording.stateOfThings(this.#acknowledgement(), asks));
      })
      .catch((thrown: unknown) => this.#fail(thrown));
  }

  /**
   * What the peer of this session says. The caller has made sure that it is the peer.
   *
   * @returns what is to be said in answer, on the connection that it came over
   * @throws ReliableError with the fault to answer
   */
  async hear(trip: Delivery, { about, headers }: Hearing): Promise<Delivery | undefined> {
    return this.#serial.run(async () => {
      if (this.#stopped) return undefined;
      const sends = sourceId(this.#source);
      const learned: Bare<SourceEvent>[] = [{ kind: 'heard' }];
      for (const block of headers?.acknowledgements ?? []) {
        if (block.id === sends && sends !== undefined) learned.push(this.#learned(block));
      }
      const asked = this.#receipt !== undefined && headers?.ackRequested.includes(this.#receipt.id) === true;
      switch (about.kind) {
        case 'message':
          return this.#arrived(trip, about.block, learned, asked);
        case 'acknowledgement':
          await this.#step({ source: learned, receipt: [{ kind: 'heard' }] });
          if (asked) this.#acknowledgeNow();
          return undefined;
        case 'close': {
          await this.#ending(learned, { kind: 'close', last: about.body.last });
          const { receipt } = this.state;
          return receipt === undefined ? undefined : trip.carrying(this.#wording.sequenceClosed(trip.message, receipt));
        }
        case 'terminate':
          return this.#terminated(trip, learned, about.body.last);
        case 'closed':
        case 'terminated': {
          if (about.body.id !== sends) return undefined;
          const answered = about.kind === 'closed' ? ('close-answered' as const) : ('terminate-answered' as const);
          await this.#step({ source: [...learned, { kind: answered }] });
          return undefined;
        }
        case 'fault':
          if (about.fault !== undefined) await this.#faulted(about.fault, learned);
          return undefined;
        case 'create':
        case 'created':
          return undefined;
        default:
          return about satisfies never;
      }
    });
  }

  #learned({ ranges, nacks, final, bufferRemaining: room }: Acknowledgement): Bare<SourceEvent> {
    const told = this.#init.settings.flowControlEnabled ? room : undefined;
    const heard = { ranges, nacks, final, bufferRemaining: told };
    if (this.side === 'initiator') this.#tell.requestsAcknowledged({ kind: 'acknowledgement', ...heard });
    else this.#tell.heardOfReplies({ id: '', ...heard });
    return { kind: 'acknowledgement', ...heard };
  }

  async #arrived(
    trip: Delivery,
    block: { readonly number: number | 'beyond'; readonly last: boolean },
    learned: readonly Bare<SourceEvent>[],
    asked: boolean,
  ): Promise<undefined> {
    const { number, last } = block;
    const identifier = this.#receipt?.id;
    if (number === 'beyond') {
      const reason = 'The message number is beyond 9223372036854775807.';
      throw refused({ name: 'MessageNumberRollover', code: 'sender', reason, identifier });
    }
    const kept = trip.carrying(withoutReliableHeaders(trip.message));
    const bytes = trip.message.source?.bytes.length ?? this.#init.keep.octets(kept.message).length;
    const event = { kind: 'message' as const, number, bytes, last };
    const effects = await this.#step({ source: learned, receipt: [event] }, { arrival: { number, trip: kept } });
    for (const effect of effects) {
      switch (effect.effect) {
        case 'accept': {
          publish(() => ({ event: 'message.accepted', ...this.#theirs, number }));
          this.#pending += 1;
          const isFull = this.#pending >= this.#init.settings.maxTransferWindowSize;
          if (asked || isFull || last) this.#acknowledgeNow();
          else this.#acknowledgeSoon();
          break;
        }
        case 'duplicate':
          this.statistics.duplicates += 1;
          publish(() => ({ event: 'duplicate.dropped', ...this.#theirs, number }));
          this.#acknowledgeNow();
          break;
        case 'drop':
          this.statistics.dropped += 1;
          publish(() => ({ event: 'message.dropped', ...this.#theirs, number, reason: effect.why }));
          if (asked) this.#acknowledgeNow();
          break;
        case 'fault':
          throw refused({ name: effect.fault, code: 'sender', reason: effect.text, identifier });
        default:
      }
    }
    return undefined;
  }

  async #ending(
    learned: readonly Bare<SourceEvent>[],
    event: Bare<Extract<DestinationEvent, { readonly kind: 'close' | 'terminate' }>>,
  ): Promise<void> {
    const effects = await this.#step({ source: learned, receipt: [event] });
    const fault = effects.find((effect) => effect.effect === 'fault');
    if (fault === undefined) return;
    throw refused({ name: fault.fault, code: 'sender', reason: fault.text, identifier: this.#receipt?.id });
  }

  async #terminated(
    trip: Delivery,
    learned: readonly Bare<SourceEvent>[],
    last: number | undefined,
  ): Promise<Delivery | undefined> {
    const isAnswered = this.version.actions.terminateSequenceResponse !== undefined;
    // 2005/02 has no answer to TerminateSequence but the peer's own, which the acceptor says last.
    const isOwn = !isAnswered && this.side === 'initiator';
    const mutual: Bare<SourceEvent>[] = isOwn ? [{ kind: 'terminate-answered' }] : [];
    await this.#ending([...learned, ...mutual], { kind: 'terminate', last });
    const { receipt } = this;
    if (receipt === undefined) return undefined;
    const response = this.#wording.sequenceTerminated(trip.message, receipt);
    if (response !== undefined) return trip.carrying(response);
    // The initiator says it again: our own, which is the last word of the session, did not arrive.
    const sends = this.side === 'acceptor' ? this.#offer : undefined;
    if (this.#source.phase !== 'ended' || sends === undefined) return undefined;
    return trip.carrying(this.#wording.terminateSequence(sends, this.submitted, undefined).message);
  }

  get receipt(): DestinationState | undefined {
    return this.#receipt;
  }

  async #faulted(
    fault: NonNullable<Extract<Hearing['about'], { readonly kind: 'fault' }>['fault']>,
    learned: readonly Bare<SourceEvent>[],
  ): Promise<void> {
    const { identifier } = fault;
    if (identifier !== undefined && identifier !== this.#id && identifier !== this.#offer) return;
    this.#tell.faulted(fault);
    const heard = faultHeard(fault, this.#source.phase);
    this.#trouble = heard.trouble ?? this.#trouble;
    await this.#step({ source: [...learned, ...heard.source], receipt: heard.isEnd ? [{ kind: 'fault' }] : [] });
  }

  /** The sequence that this end receives on. */
  get #theirs(): Narration['requests'] {
    return this.side === 'initiator' ? this.#tell.replies : this.#tell.requests;
  }

  /** The sequence that this end sends on. */
  get #mine(): Narration['requests'] {
    return this.side === 'initiator' ? this.#tell.requests : this.#tell.replies;
  }

  async #submit(trip: Delivery, waiting: DuplexWaiting | undefined, signal: AbortSignal): Promise<void> {
    while (!this.#stopped && unsettled(this.#source) >= this.#init.settings.maxUnsettled) {
      await abortable(new Promise<void>((resolve) => this.#room.push(resolve)), signal);
    }
    signal.throwIfAborted();
    await this.#serial.run(async () => {
      try {
        await this.#step(
          { source: [{ kind: 'submit', expects: 'acknowledgement' }] },
          { submission: { trip, waiting } },
        );
      } catch (thrown) {
        waiting?.reject(asError(thrown));
      }
    });
  }

  #run(given: Given): void {
    this.#serial.run(() => this.#step(given)).catch((thrown: unknown) => this.#fail(thrown));
  }

  /** One step: reduce, append, perform. Runs in the mailbox. */
  async #step(given: Given, { submission, arrival }: Beside = {}): Promise<readonly DestinationEffect[]> {
    if (this.#stopped) {
      submission?.waiting?.reject(this.#gone);
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
    await this.#init.keep.save({ source: next, receipt }, this.#change(given, sending, receiving, submission, arrival));
    this.#source = next;
    this.#receipt = receipt;
    for (const effect of sending) this.#sent(effect, given.source?.at(-1)?.kind ?? 'elapsed', submission);
    if (arrival !== undefined && receiving.some(({ effect }) => effect === 'accept' || effect === 'deliver')) {
      this.#held.set(arrival.number, arrival.trip);
    }
    for (const effect of receiving) this.#received(effect);
    this.#handUpAnswers();
    watchSource(this.#tell.of, before.source, next);
    if (before.receipt !== undefined && receipt !== undefined) watchDestination(this.#tell.of, before.receipt, receipt);
    if (unsettled(next) < this.#init.settings.maxUnsettled) for (const wake of this.#room.splice(0)) wake();
    this.#rearm();
    this.#conclude();
    return receiving;
  }

  /** What the step changes among the stored messages. */
  #change(
    given: Given,
    sending: readonly SourceEffect[],
    receiving: readonly DestinationEffect[],
    submission: Beside['submission'],
    arrival: Beside['arrival'],
  ): Parameters<DuplexInit['keep']['save']>[1] {
    const { keep } = this.#init;
    const isAccepted = receiving.some(({ effect }) => effect === 'accept');
    return {
      put: [
        ...sending.flatMap((effect) =>
          effect.effect === 'numbered' && submission !== undefined
            ? [{ direction: 'out' as const, number: effect.number, octets: keep.octets(submission.trip.message) }]
            : [],
        ),
        ...(arrival !== undefined && isAccepted
          ? [{ direction: 'in' as const, number: arrival.number, octets: keep.octets(arrival.trip.message) }]
          : []),
      ],
      drop: [
        ...sending.flatMap((effect) =>
          effect.effect === 'settled' ? [{ direction: 'out' as const, number: effect.number }] : [],
        ),
        ...(given.receipt ?? []).flatMap((event) =>
          event.kind === 'delivered' ? [{ direction: 'in' as const, number: event.number }] : [],
        ),
      ],
    };
  }

  #sent(effect: SourceEffect, after: SourceEvent['kind'], submission: Beside['submission']): void {
    const sends = sourceId(this.#source) ?? '';
    switch (effect.effect) {
      case 'numbered': {
        const { number } = effect;
        if (submission === undefined) return;
        this.#messages.set(number, submission.trip);
        if (submission.waiting !== undefined) this.#waiting.set(number, submission.waiting);
        publish(() => ({ event: 'message.submitted', ...this.#mine, number }));
        submission.waiting?.hear?.(number, 'pending');
        return;
      }
      case 'rejected':
        submission?.waiting?.reject(new ReliableError(effect.code, effect.text));
        return;
      case 'create':
        publish(() => ({ event: 'sequence.creating', ...this.#tell.of, attempt: effect.attempt }));
        this.#send('create', this.#init.create);
        return;
      case 'opened':
        publish(() => {
          const { version, peer, offer = null } = this;
          return { event: 'sequence.created', ...this.#tell.of, version: version.name, peer, offer };
        });
        this.#opened.resolve();
        return;
      case 'transmit':
        this.#transmit(effect, sends, after);
        return;
      case 'settled':
        this.#settle(effect.number, effect.outcome);
        return;
      case 'poll':
        publish(() => ({ event: 'acknowledgement.requested', ...this.#mine }));
        this.#send('poll', () => this.#wording.stateOfThings(this.#riding(), sends));
        return;
      case 'close': {
        const { last, attempt } = effect;
        publish(() => ({ event: 'sequence.closing', ...this.#mine, last, attempt }));
        this.#send('close', () => this.#wording.closeSequence(sends, last, this.#riding()));
        return;
      }
      case 'terminate': {
        const { last, attempt } = effect;
        publish(() => ({ event: 'sequence.terminating', ...this.#mine, last, attempt }));
        this.#send('terminate', () => this.#wording.terminateSequence(sends, last, this.#riding()));
        return;
      }
      case 'fault': {
        const { fault, text: reason } = effect;
        publish(() => ({ event: 'sequence.faulted', ...this.#tell.of, by: 'here', fault, reason }));
        const id = (this.side === 'initiator' ? this.#id : this.#offer) ?? '';
        const receives = this.side === 'initiator' ? this.#offer : this.#id;
        this.#send('fault', () => this.#wording.fault(effect, id, receives));
        if (fault === 'InvalidAcknowledgement') {
          this.post(abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false));
        }
        return;
      }
      case 'suspended':
        // The policy gives up with a fault.
        return;
      case 'ended':
        if (effect.reason.code !== 'completed') this.#giveUp(this.#errorFor(effect.reason));
        return;
      default:
        effect satisfies never;
    }
  }

  #transmit(
    { number, attempt, last, asks }: Extract<SourceEffect, { readonly effect: 'transmit' }>,
    id: string,
    after: SourceEvent['kind'],
  ): void {
    this.statistics[attempt === 1 ? 'sent' : 'resent'] += 1;
    publish(() =>
      attempt === 1
        ? { event: 'message.sent', ...this.#mine, number, attempt }
        : { event: 'message.resent', ...this.#mine, number, attempt, cause: resendCause(after) },
    );
    this.#send('message', () => {
      if (last) return this.#wording.lastMessage(id, number, this.#riding());
      const known = this.#messages.get(number);
      const worded = (trip: Delivery) =>
        trip.carrying(this.#wording.sequenced(trip.message, { id, number, asks: asks === true }, this.#riding()));
      if (known !== undefined) return worded(known);
      return this.#init.keep.message('out', number).then((message) => worded(delivery(message)));
    });
  }

  #settle(number: number, outcome: Outcome): void {
    this.#messages.delete(number);
    const waiting = this.#waiting.get(number);
    if (outcome !== 'acknowledged') {
      publish(() => ({ event: 'message.failed', ...this.#mine, number, outcome }));
      return;
    }
    this.statistics.acknowledged += 1;
    publish(() => ({ event: 'message.acknowledged', ...this.#mine, number }));
    waiting?.hear?.(number, outcome);
    waiting?.resolve(undefined);
    this.#waiting.delete(number);
  }

  #received(effect: DestinationEffect): void {
    switch (effect.effect) {
      case 'deliver':
        this.#deliver(effect.number);
        return;
      case 'discard':
        publish(() => ({ event: 'messages.discarded', ...this.#theirs, numbers: effect.numbers }));
        for (const number of effect.numbers) this.#held.delete(number);
        return;
      case 'closed':
        publish(() => ({ event: 'sequence.closed', ...this.#theirs }));
        return;
      case 'ended':
        this.#held.clear();
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

  /**
   * An answer is handed up as soon as everything before it has come: whoever waits for it may be the very handler that the
   * messages before it wait for (WCF: a re-entrant callback).
   */
  #handUpAnswers(): void {
    const { ordered } = this.#init.settings;
    const reachable = ordered ? prefix(this.#receipt?.received ?? []) : Number.POSITIVE_INFINITY;
    for (const [number, { message }] of this.#held) {
      if (number <= reachable && !this.#begun.has(number) && isAnswer(message)) this.#deliver(number);
    }
  }

  #deliver(number: number): void {
    if (this.#begun.has(number)) return;
    this.#begun.add(number);
    const running: Promise<void> = this.#handed(number)
      .catch((thrown: unknown) => this.#fail(thrown))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #handed(number: number): Promise<void> {
    const { keep, signal } = this.#init;
    const trip = this.#held.get(number) ?? keep.restored(await keep.message('in', number));
    const isMark = trip.message.action === this.version.actions.lastMessage;
    const reply = isMark ? undefined : await this.#handle(trip, number);
    if (signal.aborted || this.#stopped) return;
    if (reply !== undefined) await this.#submit(reply, undefined, this.#end.signal).catch(() => undefined);
    await this.#serial.run(() => this.#step({ receipt: [{ kind: 'delivered', number }] }));
    this.#held.delete(number);
    this.#begun.delete(number);
    if (!isMark) {
      this.statistics.delivered += 1;
      publish(() => ({ event: 'message.delivered', ...this.#theirs, number }));
    }
    // The peer was told that there is no room; nobody else will tell it that there is.
    if (this.#told === 0 && this.#receipt !== undefined && bufferRemaining(this.#receipt, this.#assurance) > 0) {
      this.#acknowledgeNow();
    }
  }

  async #handle(trip: Delivery, number: number): Promise<Delivery | undefined> {
    const at = trip.with(position, { sequence: this.#receipt?.id ?? '', number });
    const { upward, signal, receive } = this.#init;
    const up = (upward === undefined ? at : at.with(sessionOf, upward)).under(signal);
    try {
      return await receive(up);
    } catch (thrown) {
      publish(() => ({ event: 'handler.failed', ...this.#theirs, number, reason: asError(thrown).message }));
      return isAnswer(trip.message) ? undefined : trip.carrying(faultReply(trip.message, faultFor(thrown)));
    }
  }

  /** What a message that goes out anyway takes along. */
  #riding(): Acknowledgement | undefined {
    return this.#pending === 0 ? undefined : this.#acknowledgement();
  }

  #acknowledgement(): Acknowledgement | undefined {
    const receipt = this.#receipt;
    if (receipt === undefined) return undefined;
    this.#pending = 0;
    this.#acknowledging?.cancel();
    this.#acknowledging = undefined;
    const block = this.#wording.acknowledgement(receipt);
    this.#told = block.bufferRemaining;
    const { ranges, final, bufferRemaining: room = null } = block;
    publish(() => ({ event: 'acknowledgement.sent', ...this.#theirs, ranges, final, room }));
    return block;
  }

  #acknowledgeNow(): void {
    if (this.#receipt === undefined || this.#stopped) return;
    this.#send('acknowledgement', () => this.#wording.stateOfThings(this.#acknowledgement()));
  }

  #acknowledgeSoon(): void {
    const { clock, acknowledgementInterval } = this.#init.settings;
    this.#acknowledging ??= clock.at(later(clock.now(), acknowledgementInterval), () => {
      this.#acknowledging = undefined;
      if (this.#pending > 0) this.#acknowledgeNow();
    });
  }

  /** Puts a message on its way. Where it cannot go, nothing is said: the timers will come back to it. */
  #send(about: string, compose: () => Delivery | Promise<Delivery>): void {
    const sending = async () => {
      const trip = await compose();
      // What is said at the end has to outlive the session.
      const isWork = about === 'message' || about === 'create';
      await this.#init.post(trip.under(isWork ? this.#end.signal : this.#init.signal));
    };
    const said = sending();
    if (about === 'fault' || about === 'terminate') this.#lastWord = said.catch(() => undefined);
    said.catch((thrown: unknown) => {
      const error = asError(thrown);
      if (this.#end.signal.aborted) return;
      const { message: reason } = error;
      publish(() => ({
        event: 'exchange.failed',
        ...this.#tell.of,
        about,
        number: null,
        code: error.name,
        reason,
        isFinal: false,
      }));
    });
  }

  #rearm(): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    const sending = sourceDue(this.#source, this.#policy);
    const receiving = this.#receipt === undefined ? undefined : destinationDue(this.#receipt, this.#assurance);
    const due = [sending, receiving].filter((one) => one !== undefined).sort((one, other) => one - other)[0];
    const elapsed = [{ kind: 'elapsed' as const }];
    this.#timer =
      due === undefined
        ? undefined
        : this.#init.settings.clock.at(due, () => this.#run({ source: elapsed, receipt: elapsed }));
  }

  /** One sequence has ended: what that means for the other, and for the session. */
  #conclude(): void {
    const { source: sending, receipt } = this.state;
    if (sending.phase === 'ended') {
      if (receipt === undefined || receipt.phase === 'ended') this.#over(sending.reason);
      else if (sending.reason.code !== 'completed') this.#run({ receipt: [{ kind: 'fault' }] });
      return;
    }
    if (receipt?.phase !== 'ended') return;
    if (receipt.reason !== 'completed') {
      const { code, text } = sourceEnds[receipt.reason];
      this.post(abortion(code === 'completed' ? 'RELIABLE_FAILED' : code, text, receipt.reason !== 'faulted'));
    } else if (this.side === 'acceptor' && (sending.phase === 'created' || sending.phase === 'rollover')) {
      this.post({ kind: 'close' });
    }
  }

  #over(reason: EndReason): void {
    if (this.#end.signal.aborted) return;
    const { receipt } = this;
    const isBad = reason.code === 'completed' && receipt?.phase === 'ended' && receipt.reason !== 'completed';
    const why = isBad ? sourceEnds[receipt.reason] : reason;
    publish(() => ({ event: 'sequence.terminated', ...this.#tell.of, reason: why.code, text: why.text }));
    this.#giveUp(this.#errorFor(why));
    this.#timer?.cancel();
    this.#acknowledging?.cancel();
    this.#end.abort(this.#gone);
    this.#init.onEnded(why);
  }

  /** Why the session ended; `undefined` when it did in good order. */
  errorOf(reason: EndReason): ReliableError | undefined {
    return reason.code === 'completed' ? undefined : this.#errorFor(reason);
  }

  #errorFor(reason: EndReason): ReliableError {
    if (reason.code === 'completed') return this.#gone;
    const outcomes = new Map([...this.#waiting.keys()].map((number) => [number, this.outcome(number)]));
    const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
    return new ReliableError(reason.code, reason.text, { outcomes, transient, cause: this.#trouble });
  }

  get #gone(): ReliableError {
    return new ReliableError('RELIABLE_CLOSED', 'The session is closed.');
  }

  #giveUp(error: Error): void {
    for (const [number, { reject, hear }] of this.#waiting) {
      hear?.(number, this.outcome(number));
      reject(error);
    }
    this.#waiting.clear();
    this.#messages.clear();
    for (const wake of this.#room.splice(0)) wake();
    this.#opened.reject(error);
  }

  #halt(error: ReliableError): void {
    this.#timer?.cancel();
    this.#acknowledging?.cancel();
    publish(() => ({ event: 'session.suspended', ...this.#tell.of, code: error.code, reason: error.message }));
    this.#giveUp(error);
    this.#end.abort(error);
  }

  /** The store failed: this process cannot go on with the session, and the peer comes again. */
  #fail(thrown: unknown): void {
    const error = asError(thrown);
    if (this.#stopped || this.#end.signal.aborted) return;
    publish(() => ({ event: 'store.failed', ...this.#tell.of, number: null, reason: error.message }));
  }
}
