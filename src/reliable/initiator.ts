/**
 * The driver of one session at the initiator: turns what happens into events for the reducers and their effects into
 * messages, one step at a time, in this order: *append to the store, perform, tell*.
 *
 * Below is a request-reply channel: each transmission is an exchange of its own, and its answer brings the reply, the
 * acknowledgement or a fault (WCF's ReliableRequestSessionChannel). An empty answer means: not taken, come again.
 */

import type { Timer } from '../base/clock.ts';
import { asError, SurewireError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { abortable, deadline, wait } from '../base/signals.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import { expectsReply } from '../channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { anonymous, identityOf } from '../security/evidence.ts';
import { addressingOf } from '../soap/addressing.ts';
import { FaultError, faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { readCreateSequenceResponse } from './bodies.ts';
import { type About, Composer, type Template } from './composer.ts';
import {
  type DestinationEvent,
  type DestinationState,
  destination,
  newDestination,
  sameReceipt,
} from './destination.ts';
import { type Outcome, ReliableError, type ReliableErrorCode } from './errors.ts';
import { type ReliableFault, readReliableFault } from './faults.ts';
import { type ReliableHeaders, readHeaders, withoutReliableHeaders } from './headers.ts';
import { position } from './position.ts';
import { type InitiatorRecord, initiatorRecord, readInitiatorRecord, templateOf } from './record.ts';
import { Journal, newStatistics, publish, type SessionView, type Statistics, storeFailed } from './session.ts';
import { assuranceOf, type Settings, transmissionOf } from './settings.ts';
import {
  type EndReason,
  noSource,
  outcomeOf,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  source,
  sourceDue,
  sourceId,
  submitted,
  type Transmission,
  unsettled,
} from './source.ts';

type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;

interface Waiting {
  readonly resolve: (reply: Delivery | undefined) => void;
  readonly reject: (reason: Error) => void;
}

/** How long the last word to the peer may keep the channel below from being let go, in milliseconds. */
const lastWordPatience = 2_000;

export class Initiator implements Channel, SessionView {
  readonly side = 'initiator';
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly statistics: Statistics = newStatistics();
  readonly #settings: Settings;
  readonly #policy: Transmission;
  readonly #inner: ChannelFactory;
  readonly #inUse: Set<string>;
  readonly #serial = new Serial();
  readonly #end = new AbortController();
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #messages = new Map<number, Delivery>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #answers = new Map<number, Delivery>();
  readonly #room: (() => void)[] = [];
  #below: Channel;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #journal: Journal;
  #compose: Composer | undefined;
  #source: SourceState = noSource;
  #replies: DestinationState | undefined;
  #record: InitiatorRecord | undefined;
  #id = '';
  #timer: Timer | undefined;
  #trouble: Error | undefined;
  #lastWord: Promise<unknown> = Promise.resolve();
  #suspended = false;
  #resumed = false;

  constructor(settings: Settings, inner: ChannelFactory, below: Channel, inUse: Set<string>) {
    this.#settings = settings;
    this.#policy = transmissionOf(settings, settings.version, 'timer');
    this.#inner = inner;
    this.#below = below;
    this.#inUse = inUse;
    this.#journal = new Journal(undefined, '');
    this.closed = this.#closed.promise;
    this.#opened.promise.catch(() => undefined);
    this.send = (trip) => this.#send(trip);
  }

  get id(): string {
    return this.#id;
  }
  get version(): Settings['version'] {
    return this.#settings.version;
  }
  get peer(): string {
    return this.#record?.peer ?? anonymous;
  }
  get label(): string | undefined {
    return this.#settings.label;
  }
  get resumed(): boolean {
    return this.#resumed;
  }
  get submitted(): number {
    return submitted(this.#source);
  }

  outcome(number: number): Outcome {
    return outcomeOf(this.#source, number);
  }

  async open(signal?: AbortSignal): Promise<void> {
    if (this.#settings.to === undefined && this.#opening === undefined) {
      // Where to, and in which SOAP version, only the first message will tell.
      await this.#below.open(signal);
      return;
    }
    const { soap, addressing, to } = this.#settings;
    await this.#start({ soap, wsa: addressing, to: to?.href }, signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#trouble = reason;
    this.#post({ kind: 'abort', reason: { code: 'RELIABLE_ABORTED', text: reason.message }, tell: true });
  }

  async suspend(): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#source.phase === 'ended') return;
      this.#suspended = true;
      await this.#over({ code: 'RELIABLE_ABORTED', text: 'The session was suspended; open it again to go on.' });
    });
  }

  /** What comes up unasked: acknowledgements and faults about the sequence. */
  readonly receive: Carry = async (trip) => {
    if (this.#compose !== undefined) await this.#hear({ kind: 'unasked' }, trip);
    return undefined;
  };

  async #send(trip: Delivery): Promise<Delivery | undefined> {
    const { message } = trip;
    const addressing = addressingOf(message);
    await this.#start(
      { soap: message.version, wsa: addressing?.version ?? this.#settings.addressing, to: addressing?.to },
      trip.signal,
    );
    while (unsettled(this.#source) >= this.#settings.maxUnsettled) {
      await abortable(new Promise<void>((resolve) => this.#room.push(resolve)), trip.signal);
    }
    trip.signal.throwIfAborted();
    const settled = Promise.withResolvers<Delivery | undefined>();
    settled.promise.catch(() => undefined);
    await this.#serial.run(() => this.#submit(trip, settled));
    return abortable(settled.promise, trip.signal);
  }

  async #submit(trip: Delivery, waiting: Waiting): Promise<void> {
    const expects = trip.get(expectsReply) && !this.#settings.oneWay ? 'reply' : 'acknowledgement';
    await this.#advance({ source: [{ kind: 'submit', expects }] }, { trip, waiting });
  }

  #start(template: Template, signal: AbortSignal | undefined): Promise<void> {
    this.#opening ??= this.#create(template);
    return signal === undefined ? this.#opening : abortable(this.#opening, signal);
  }

  async #create(template: Template): Promise<void> {
    const { clock, openTimeout } = this.#settings;
    const limit = deadline(clock, openTimeout, undefined, () => this.#openTimedOut());
    try {
      await this.#below.open(limit.signal);
      await this.#serial.run(() => this.#begin(template));
      await abortable(this.#opened.promise, limit.signal);
    } catch (thrown) {
      const error = asError(thrown);
      if (this.#source.phase !== 'ended') {
        this.#trouble ??= error;
        const code: ReliableErrorCode = error instanceof ReliableError ? error.code : 'RELIABLE_FAILED';
        await this.#serial.run(() => this.#advance({ source: [abortion(code, error.message, false)] }));
      }
      throw error;
    } finally {
      limit.clear();
    }
    await this.#settings.onSession?.(this);
  }

  /** Takes up the session of the store, or makes a new one. */
  async #begin(template: Template): Promise<void> {
    const { store, label, newIdentifier, oneWay, version } = this.#settings;
    const found = await this.#unfinished(template);
    if (found !== undefined) {
      this.#resumed = true;
      this.#record = found.record;
      this.#source = found.record.source;
      this.#replies = found.record.replies ?? undefined;
      this.#id = sourceId(this.#source) ?? '';
      this.#compose = new Composer(this.#settings, templateOf(found.record) ?? template, found.record);
      if (this.#id !== '') this.#opened.resolve();
      publish(() => ({ event: 'session.resumed', session: this.#id, submitted: this.submitted }));
      await this.#advance({ source: [{ kind: 'resumed' }] });
      return;
    }
    const createId = newIdentifier('message');
    const offer = oneWay ? undefined : newIdentifier('offer');
    this.#record = initiatorRecord({ version, template, label, createId, offer });
    this.#journal = new Journal(label === undefined ? undefined : store, `initiator ${createId}`);
    this.#claim(this.#journal.key);
    this.#compose = new Composer(this.#settings, template, this.#record);
    await this.#advance({ source: [{ kind: 'open' }] });
  }

  async #unfinished(
    template: Template,
  ): Promise<{ readonly record: InitiatorRecord; readonly session: string } | undefined> {
    const { store, label } = this.#settings;
    if (store === undefined || label === undefined) return undefined;
    const all = await store.sessions().catch((thrown: unknown) => Promise.reject(storeFailed(thrown)));
    for (const { session, state } of all) {
      const record = readInitiatorRecord(state);
      if (record === undefined || record.label !== label || record.to !== (template.to ?? null)) continue;
      if (record.version !== this.#settings.version.name || record.source.phase === 'ended') continue;
      this.#claim(session);
      this.#journal = new Journal(store, session);
      return { record, session };
    }
    return undefined;
  }

  #claim(key: string): void {
    if (this.#settings.label === undefined) return;
    if (this.#inUse.has(key)) {
      const text = `The session "${this.#settings.label}" is open already. Close it first, or use another label.`;
      throw new ReliableError('RELIABLE_IN_USE', text);
    }
    this.#inUse.add(key);
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    if (this.#opening === undefined) {
      this.#opening = Promise.reject(new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
      this.#opening.catch(() => undefined);
      await this.#below.close(signal);
      this.#closed.resolve(undefined);
      return;
    }
    await this.#opening.catch(() => undefined);
    if (this.#source.phase === 'ended' || this.#suspended) return;
    const { clock, closeTimeout } = this.#settings;
    const text = `The session could not be ended in good order within ${closeTimeout} ms.`;
    const limit = deadline(clock, closeTimeout, signal, () => new ReliableError('RELIABLE_CLOSE_TIMEOUT', text));
    try {
      this.#post({ kind: 'close' });
      const reason = await abortable(this.closed, limit.signal);
      if (reason !== undefined) throw reason;
    } catch (thrown) {
      const error = asError(thrown);
      const code = error instanceof ReliableError ? error.code : 'RELIABLE_ABORTED';
      // Every message is settled by then; a peer that does not answer TerminateSequence spoils nothing.
      const settled = this.#phase === 'terminating';
      const event = settled ? ({ kind: 'terminate-answered' } as const) : abortion(code, error.message, true);
      await this.#serial.run(() => this.#advance({ source: [event] }));
      if (settled && (await this.closed) === undefined) return;
      throw error;
    } finally {
      limit.clear();
    }
  }

  /** Posts an event of the outside world. */
  #post(event: Bare<SourceEvent>): void {
    void this.#serial.run(() => this.#advance({ source: [event] }));
  }

  /** One step: reduce, append, perform, tell. Runs in the mailbox. */
  async #advance(
    given: { readonly source: readonly Bare<SourceEvent>[]; readonly reply?: Bare<DestinationEvent> },
    submission?: { readonly trip: Delivery; readonly waiting: Waiting },
  ): Promise<void> {
    if (this.#suspended) {
      submission?.waiting.reject(new ReliableError('RELIABLE_CLOSED', 'The session is suspended.'));
      return;
    }
    const { clock, random } = this.#settings;
    const when = { now: clock.now(), jitter: random.fraction() };
    let next = this.#source;
    const effects: SourceEffect[] = [];
    for (const event of given.source) {
      const [state, more] = source(next, { ...event, ...when } as SourceEvent, this.#policy);
      next = state;
      effects.push(...more);
    }
    let replies = this.#replies;
    if (given.reply !== undefined && replies !== undefined) {
      [replies] = destination(replies, { ...given.reply, now: when.now } as DestinationEvent, this.#assurance);
      if (given.reply.kind === 'message') {
        const { number } = given.reply;
        [replies] = destination(replies, { kind: 'delivered', number, now: when.now }, this.#assurance);
      }
    }
    const numbered = effects.find((effect) => effect.effect === 'numbered');
    try {
      await this.#append(next, replies, effects, numbered === undefined ? undefined : submission?.trip);
    } catch (thrown) {
      const error = asError(thrown);
      submission?.waiting.reject(error);
      this.#trouble = error;
      await this.#over({ code: 'RELIABLE_STORE', text: error.message });
      return;
    }
    this.#source = next;
    this.#replies = replies;
    if (numbered !== undefined && submission !== undefined) {
      this.#messages.set(numbered.number, submission.trip);
      this.#waiting.set(numbered.number, submission.waiting);
    }
    for (const effect of effects) {
      if (effect.effect === 'rejected') submission?.waiting.reject(new ReliableError(effect.code, effect.text));
      else await this.#perform(effect);
    }
    if (unsettled(next) < this.#settings.maxUnsettled) for (const wake of this.#room.splice(0)) wake();
    this.#rearm();
  }

  /** Makes durable what the state says more than before. Attempts and times are not worth a write. */
  async #append(
    next: SourceState,
    replies: DestinationState | undefined,
    effects: readonly SourceEffect[],
    trip: Delivery | undefined,
  ): Promise<void> {
    if (!this.#journal.isDurable || this.#record === undefined) return;
    if (next.phase === 'ended') {
      if (this.#source.phase !== 'ended') await this.#journal.commit({ end: true });
      return;
    }
    const grown =
      !sameKnowledge(this.#source, next) ||
      (replies !== undefined && (this.#replies === undefined || !sameReceipt(this.#replies, replies)));
    if (!grown) return;
    this.#record = { ...this.#record, source: next, replies: replies ?? null };
    await this.#journal.commit({
      state: this.#record,
      put: effects.flatMap((effect) =>
        effect.effect === 'numbered' && trip !== undefined
          ? [{ direction: 'out' as const, number: effect.number, octets: this.#journal.octets(trip.message) }]
          : [],
      ),
      drop: effects.flatMap((effect) =>
        effect.effect === 'settled' ? [{ direction: 'out' as const, number: effect.number }] : [],
      ),
    });
  }

  async #perform(effect: Exclude<SourceEffect, { readonly effect: 'rejected' }>): Promise<void> {
    switch (effect.effect) {
      case 'numbered':
        return;
      case 'create':
      case 'poll':
      case 'close':
      case 'terminate':
        void this.#exchange(effect.effect === 'create' ? { kind: 'create' } : { kind: effect.effect }, () =>
          this.#composed().control(effect, this.#id, this.#replies),
        );
        return;
      case 'opened':
        this.#id = effect.id;
        publish(() => ({ event: 'sequence.created', session: effect.id, side: this.side, version: this.version.name }));
        this.#opened.resolve();
        return;
      case 'transmit':
        this.#transmit(effect);
        return;
      case 'settled':
        this.#settle(effect.number, effect.outcome);
        return;
      case 'fault': {
        publish(() => ({ event: 'sequence.faulted', session: this.#id, fault: effect.fault, reason: effect.text }));
        const message = () => this.#composed().fault(effect, this.#id, this.#replies);
        this.#lastWord = this.#exchange({ kind: 'fault' }, message);
        if (effect.fault === 'InvalidAcknowledgement') {
          this.#post(abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false));
        }
        return;
      }
      case 'ended':
        return this.#over(effect.reason);
      default:
        return effect satisfies never;
    }
  }

  #transmit(effect: Extract<SourceEffect, { readonly effect: 'transmit' }>): void {
    const { number, attempt, last } = effect;
    this.statistics[attempt === 1 ? 'sent' : 'resent'] += 1;
    publish(() => ({ event: attempt === 1 ? 'message.sent' : 'message.resent', session: this.#id, number, attempt }));
    const about: About = { kind: 'message', number, last };
    void this.#exchange(about, async () => {
      const compose = this.#composed();
      if (last) return compose.lastMessage(this.#id, number, this.#replies);
      const trip = this.#messages.get(number) ?? delivery(await this.#journal.message('out', number));
      this.#messages.set(number, trip);
      return trip.carrying(compose.sequenced(trip.message, this.#id, number, this.#replies));
    });
  }

  #settle(number: number, outcome: Outcome): void {
    this.#messages.delete(number);
    if (outcome !== 'acknowledged') return;
    this.statistics.acknowledged += 1;
    publish(() => ({ event: 'message.acknowledged', session: this.#id, number }));
    this.#waiting.get(number)?.resolve(this.#answers.get(number));
    this.#waiting.delete(number);
    this.#answers.delete(number);
  }

  /** One exchange with the peer, beside the mailbox; what comes of it is posted. */
  async #exchange(about: About, compose: () => Delivery | Promise<Delivery>): Promise<void> {
    let answer: Delivery | undefined;
    try {
      const trip = (await compose()).under(this.#end.signal);
      answer = await (await this.#way()).send(trip);
    } catch (thrown) {
      await this.#troubled(about, asError(thrown));
      return;
    }
    if (answer === undefined) this.#unanswered(about);
    else await this.#hear(about, answer);
  }

  /** The channel below; made again when it was lost. */
  async #way(): Promise<Channel> {
    const lost = await Promise.race([this.#below.closed.then(() => true), Promise.resolve(false)]);
    if (lost && !this.#end.signal.aborted) {
      this.#below = this.#inner((trip) => this.receive(trip));
      await this.#below.open(this.#end.signal);
    }
    return this.#below;
  }

  async #troubled(about: About, error: Error): Promise<void> {
    if (this.#end.signal.aborted || about.kind === 'fault') return;
    this.#trouble = error;
    if (error instanceof SurewireError && error.transient) this.#refused(about);
    else this.#post(abortion('RELIABLE_FAILED', error.message, false));
  }

  /** An empty answer: not taken (a message), or to be asked again when its time comes. */
  #unanswered(about: About): void {
    const { terminateSequenceResponse } = this.version.actions;
    // 2005/02: TerminateSequence is one-way, so that an empty answer says that it came.
    if (about.kind === 'terminate' && terminateSequenceResponse === undefined)
      this.#post({ kind: 'terminate-answered' });
    else this.#refused(about);
  }

  #refused(about: About): void {
    if (about.kind === 'message') this.#post({ kind: 'refused', number: about.number });
  }

  /** Reads an answer; what is not the peer's, or cannot be read, counts as lost. */
  async #hear(about: About, answer: Delivery): Promise<void> {
    if (this.#end.signal.aborted || about.kind === 'fault') return;
    const { message } = answer;
    try {
      this.#requirePeer(about, answer);
      const headers = readHeaders(message);
      if (headers !== undefined && headers.version !== this.version) {
        throw new ReliableError('RELIABLE_MALFORMED', `The answer speaks WS-RM ${headers.version.name}.`);
      }
      const found = readReliableFault(message);
      await this.#serial.run(() =>
        found === undefined ? this.#answered(about, answer, headers) : this.#faulted(about, found.fault, headers),
      );
    } catch (thrown) {
      const error = asError(thrown);
      publish(() => ({ event: 'answer.ignored', session: this.#id, reason: error.message }));
      this.#trouble = error;
      if (about.kind === 'create') this.#post(abortion('RELIABLE_REFUSED', error.message, false));
      else this.#refused(about);
    }
  }

  /** Answers come from whoever answered CreateSequence, and to what was asked (attacks M4, M5, R8). */
  #requirePeer(about: About, answer: Delivery): void {
    const identity = identityOf(answer);
    const known = this.#record?.peer;
    if (known !== undefined && known !== null && known !== identity) {
      throw new ReliableError('RELIABLE_MALFORMED', 'The answer does not come from whoever created the sequence.');
    }
    if (about.kind !== 'message' || about.last) return;
    const request = this.#messages.get(about.number)?.message;
    const asked = request === undefined ? undefined : addressingOf(request)?.messageId;
    const relatesTo = addressingOf(answer.message)?.relatesTo;
    const isReply = readHeaders(answer.message)?.sequence !== undefined;
    if (isReply && asked !== undefined && relatesTo !== undefined && relatesTo !== asked) {
      throw new ReliableError('RELIABLE_MALFORMED', 'The reply relates to another message.');
    }
  }

  async #answered(about: About, answer: Delivery, headers: ReliableHeaders | undefined): Promise<void> {
    const { message } = answer;
    const events: Bare<SourceEvent>[] = this.#acknowledgements(headers);
    if (about.kind === 'create') return this.#created(answer);
    if (events.length === 0) events.push({ kind: 'heard' });
    if (about.kind === 'message') {
      const reply = this.#replyEvent(headers);
      const { actions } = this.version;
      const isProtocol = message.action === actions.sequenceAcknowledgement || message.action === actions.lastMessage;
      const fault = faultOf(message);
      if (about.last) return this.#advance({ source: [...events, { kind: 'close-answered' }], ...reply.given });
      if (isProtocol) return this.#advance({ source: events, ...reply.given });
      if (fault !== undefined && reply.given.reply === undefined) {
        const trouble = new FaultError(fault, { transient: fault.code === 'receiver' });
        if (!this.#isReply(about.number, message, fault.subcode?.namespace)) {
          return this.#troubled(about, trouble);
        }
      }
      if (reply.isNew) {
        const trip = answer.carrying(withoutReliableHeaders(message));
        this.#answers.set(about.number, headers?.sequence === undefined ? trip : positioned(trip, headers));
      }
      await this.#advance({ source: [...events, { kind: 'replied', number: about.number }], ...reply.given });
      this.#answers.delete(about.number);
      return;
    }
    const fault = faultOf(message);
    if (fault !== undefined) {
      return this.#troubled(about, new FaultError(fault, { transient: fault.code === 'receiver' }));
    }
    if (about.kind === 'close') events.push({ kind: 'close-answered' });
    if (about.kind === 'terminate') events.push({ kind: 'terminate-answered' });
    await this.#advance({ source: events });
  }

  /**
   * Whether a fault outside of the reply sequence is the application's answer (gSOAP sends its faults so): it says which
   * request it answers. A security fault never is: repeating the message would only repeat it.
   */
  #isReply(number: number, message: Message, subcode: string | undefined): boolean {
    if (subcode?.includes('wssecurity-secext') === true) return false;
    const request = this.#messages.get(number)?.message;
    const asked = request === undefined ? undefined : addressingOf(request)?.messageId;
    return asked !== undefined && addressingOf(message)?.relatesTo === asked;
  }

  #replyEvent(headers: ReliableHeaders | undefined): {
    readonly isNew: boolean;
    readonly given: { readonly reply?: Bare<DestinationEvent> };
  } {
    const block = headers?.sequence;
    if (block === undefined || this.#replies === undefined) return { isNew: true, given: {} };
    if (block.id !== this.#replies.id || block.number === 'beyond') {
      throw new ReliableError('RELIABLE_MALFORMED', 'The reply came on a sequence that was not offered.');
    }
    const event = { kind: 'message', number: block.number, bytes: 0, last: block.last } as const;
    const now = this.#settings.clock.now();
    const [, effects] = destination(this.#replies, { ...event, now }, this.#assurance);
    const isNew = effects.some(({ effect }) => effect === 'accept');
    const isKnown = effects.some(({ effect }) => effect === 'duplicate');
    if (isKnown) this.statistics.duplicates += 1;
    if (!isNew && !isKnown) throw new ReliableError('RELIABLE_MALFORMED', 'The reply cannot be taken now.');
    if (isNew) this.statistics.delivered += 1;
    return { isNew, given: { reply: event } };
  }

  get #phase(): SourceState['phase'] {
    return this.#source.phase;
  }

  get #assurance(): ReturnType<typeof assuranceOf> {
    // Replies are handed to whoever waits for them: there is no order to keep, only duplicates to know.
    return { ...assuranceOf(this.#settings), ordered: false, window: this.#settings.maxUnsettled };
  }

  #acknowledgements(headers: ReliableHeaders | undefined): Bare<SourceEvent>[] {
    return (headers?.acknowledgements ?? [])
      .filter(({ id }) => id === this.#id)
      .map(({ ranges, nacks, final, bufferRemaining }) => ({
        kind: 'acknowledgement',
        ranges,
        nacks,
        final,
        bufferRemaining: this.#settings.flowControlEnabled ? bufferRemaining : undefined,
      }));
  }

  async #created(answer: Delivery): Promise<void> {
    const { message } = answer;
    const fault = faultOf(message);
    if (fault !== undefined) {
      this.#trouble = new FaultError(fault);
      const code = fault.code === 'receiver' ? 'RELIABLE_TOO_BUSY' : 'RELIABLE_REFUSED';
      return this.#advance({ source: [abortion(code, `The peer refused the session: ${fault.reason}`, false)] });
    }
    if (message.action !== this.version.actions.createSequenceResponse) {
      throw new ReliableError('RELIABLE_REFUSED', `CreateSequence was answered with "${message.action}".`);
    }
    const relatesTo = addressingOf(message)?.relatesTo;
    if (relatesTo !== undefined && relatesTo !== this.#record?.createId) {
      throw new ReliableError('RELIABLE_REFUSED', 'The CreateSequenceResponse relates to another message.');
    }
    const response = readCreateSequenceResponse(this.version, message);
    if (this.#record?.offer === null && response.accept !== undefined) {
      throw new ReliableError('RELIABLE_REFUSED', 'The peer accepts a sequence that was not offered.');
    }
    if (this.#source.phase !== 'creating' || this.#record === undefined) return;
    this.#record = { ...this.#record, peer: identityOf(answer) };
    if (this.#record.offer !== null && response.accept !== undefined) {
      this.#replies = newDestination(this.#record.offer, this.#settings.clock.now(), undefined);
    }
    await this.#advance({ source: [{ kind: 'created', id: response.id }] });
  }

  async #faulted(about: About, fault: ReliableFault, headers: ReliableHeaders | undefined): Promise<void> {
    const { identifier, name } = fault;
    if (identifier !== undefined && identifier !== this.#id && identifier !== this.#record?.offer) {
      throw new ReliableError('RELIABLE_MALFORMED', 'The fault is about another sequence.');
    }
    publish(() => ({ event: 'fault.received', session: this.#id, fault: name, reason: fault.reason }));
    const events = this.#acknowledgements(headers);
    const ending = (code: ReliableErrorCode) => {
      this.#trouble = undefined;
      return this.#advance({ source: [...events, abortion(code, `The peer says: ${fault.reason}`, false)] });
    };
    switch (name) {
      case 'SequenceTerminated':
      case 'UnknownSequence':
        if (this.#source.phase === 'terminating') return this.#advance({ source: [{ kind: 'terminate-answered' }] });
        return ending(name === 'UnknownSequence' ? 'RELIABLE_UNKNOWN_SEQUENCE' : 'RELIABLE_TERMINATED');
      case 'SequenceClosed':
        return this.#advance({ source: [...events, { kind: 'closed-by-peer' }] });
      case 'MessageNumberRollover': {
        const refused: Bare<SourceEvent>[] =
          about.kind === 'message' ? [{ kind: 'refused', number: about.number }] : [];
        return this.#advance({ source: [...events, { kind: 'rollover' }, ...refused] });
      }
      case 'InvalidAcknowledgement':
        return ending('RELIABLE_INVALID_ACKNOWLEDGEMENT');
      case 'LastMessageNumberExceeded':
        return ending('RELIABLE_LAST_EXCEEDED');
      case 'CreateSequenceRefused':
        return ending(fault.connectionLimit === true ? 'RELIABLE_TOO_BUSY' : 'RELIABLE_REFUSED');
      case 'WsrmRequired':
        return ending('RELIABLE_REQUIRED');
      default:
        return name satisfies never;
    }
  }

  #composed(): Composer {
    if (this.#compose === undefined) throw new ReliableError('RELIABLE_CLOSED', 'The session was not opened.');
    return this.#compose;
  }

  #openTimedOut(): ReliableError {
    const text = `No sequence was created within ${this.#settings.openTimeout} ms.`;
    return new ReliableError('RELIABLE_OPEN_TIMEOUT', text, { transient: true, cause: this.#trouble });
  }

  #rearm(): void {
    this.#timer?.cancel();
    const due = this.#suspended ? undefined : sourceDue(this.#source, this.#policy);
    this.#timer = due === undefined ? undefined : this.#settings.clock.at(due, () => this.#post({ kind: 'elapsed' }));
  }

  /** Lets go of everything and tells all who wait. */
  async #over(reason: EndReason): Promise<void> {
    this.#timer?.cancel();
    const error = this.#errorFor(reason);
    publish(() => ({ event: 'sequence.terminated', session: this.#id, side: this.side, reason: reason.code }));
    if (this.#source.phase !== 'ended' && !this.#suspended) this.#suspended = true;
    const gone = error ?? new ReliableError('RELIABLE_CLOSED', 'The session is closed.');
    for (const waiting of this.#waiting.values()) waiting.reject(gone);
    this.#waiting.clear();
    this.#messages.clear();
    for (const wake of this.#room.splice(0)) wake();
    this.#opened.reject(gone);
    this.#inUse.delete(this.#journal.key);
    void this.#letGo(error);
  }

  async #letGo(error: Error | undefined): Promise<void> {
    await Promise.race([this.#lastWord, wait(this.#settings.clock, lastWordPatience)]);
    this.#end.abort(error ?? new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
    if (error === undefined) await this.#below.close().catch(() => undefined);
    else this.#below.abort(error);
    this.#closed.resolve(error);
  }

  #errorFor(reason: EndReason): ReliableError | undefined {
    if (reason.code === 'completed') return undefined;
    const outcomes = new Map<number, Outcome>();
    for (const number of this.#waiting.keys()) outcomes.set(number, outcomeOf(this.#source, number));
    const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
    return new ReliableError(reason.code, reason.text, { outcomes, transient, cause: this.#trouble });
  }
}

function abortion(code: ReliableErrorCode, text: string, tell: boolean): Bare<SourceEvent> {
  return { kind: 'abort', reason: { code, text }, tell };
}

function positioned(trip: Delivery, headers: ReliableHeaders): Delivery {
  const block = headers.sequence;
  if (block === undefined || block.number === 'beyond') return trip;
  return trip.with(position, { sequence: block.id, number: block.number });
}

/** True when the two states would be worth the same to a process that takes the session up. */
function sameKnowledge(one: SourceState, other: SourceState): boolean {
  if (one.phase !== other.phase) return false;
  if (one.phase === 'none' || other.phase === 'none' || one.phase === 'ended' || other.phase === 'ended') return true;
  const before = one.phase === 'creating' ? one.queue : one.ledger;
  const after = other.phase === 'creating' ? other.queue : other.ledger;
  return (
    before.next === after.next &&
    before.sent === after.sent &&
    before.acknowledged === after.acknowledged &&
    before.awaiting === after.awaiting
  );
}
