/**
 * The driver of one session at the initiator: turns what happens into events for the reducers and their effects into
 * messages, one step at a time, in this order: *append to the store, perform, tell*.
 *
 * Below is a request-reply channel: each transmission is an exchange of its own, and its answer brings the reply, the
 * acknowledgement or a fault (WCF's ReliableRequestSessionChannel). An empty answer means: not taken, come again.
 */

import { Alarm } from '../base/alarm.ts';
import { asError, SurewireError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { abortable, deadline, wait } from '../base/signals.ts';
import type { Channel, ChannelFactory, Template } from '../channel/channel.ts';
import { expectsReply } from '../channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { anonymous, identityOf } from '../security/evidence.ts';
import { addressingOf } from '../soap/addressing.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { type About, Composer } from './composer.ts';
import { destination } from './destination.ts';
import { type DeliveryAssurance, type DestinationState, newDestination } from './destination-state.ts';
import { type Outcome, ReliableError, type ReliableErrorCode } from './errors.ts';
import { publish } from './events.ts';
import { abortion, type Bare, interpret, type Reply, type Said } from './interpret.ts';
import { Keeper, type Knowledge } from './keeper.ts';
import type { Transmission } from './ledger.ts';
import { Narration } from './narration.ts';
import { type OutcomeListener, onOutcome, outcomeUnder } from './outcomes.ts';
import { templateOf } from './record.ts';
import { newStatistics, type SessionView, type Statistics } from './session.ts';
import { assuranceOf, type Settings, transmissionOf } from './settings.ts';
import { source } from './source.ts';
import {
  type EndReason,
  noSource,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  sourceId,
  submitted,
  unsettled,
} from './source-state.ts';
import { resendCause, watchSource } from './watch.ts';
import { Way } from './way.ts';

interface Waiting {
  readonly resolve: (reply: Delivery | undefined) => void;
  readonly reject: (reason: Error) => void;
  readonly hear: OutcomeListener | undefined;
}

/** What a step folds: events of the source, and with them a reply. */
interface Given {
  readonly source: readonly Bare<SourceEvent>[];
  readonly reply?: Reply['event'] | undefined;
}

/** The message that a step is to number, and who waits for it. */
interface Submission {
  readonly trip: Delivery;
  readonly waiting: Waiting;
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
  readonly #assurance: DeliveryAssurance;
  readonly #way: Way;
  readonly #keeper: Keeper;
  readonly #tell = new Narration('initiator', () => ({ id: this.#id, offer: this.#keeper.record?.offer ?? undefined }));
  readonly #serial = new Serial();
  /** Sends that have no number yet. */
  readonly #entering = new Set<Promise<void>>();
  readonly #admission = new Serial();
  readonly #end = new AbortController();
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #messages = new Map<number, Delivery>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #answers = new Map<number, Delivery>();
  readonly #room: (() => void)[] = [];
  #opening: Promise<void> | undefined;
  #isOpen = false;
  #closing: Promise<void> | undefined;
  #compose: Composer | undefined;
  #template: Template | undefined;
  #source: SourceState = noSource;
  #replies: DestinationState | undefined;
  #id = '';
  readonly #timer: Alarm;
  #trouble: Error | undefined;
  #lastWord: Promise<unknown> = Promise.resolve();
  /** Why the session stands still while the store keeps it. */
  #standstill: ReliableError | undefined;
  #resumed = false;

  constructor(settings: Settings, inner: ChannelFactory, below: Channel, inUse: Set<string>) {
    this.#settings = settings;
    this.#timer = new Alarm(settings.clock, () => this.#post({ kind: 'elapsed' }));
    this.#policy = transmissionOf(settings, settings.version, 'timer');
    this.#way = new Way(inner, below, (trip) => this.receive(trip));
    this.#keeper = new Keeper(settings, inUse);
    // Replies need no order, and any may be missing while others have come.
    const window = settings.maxUnsettled;
    this.#assurance = {
      ...assuranceOf(settings),
      ordered: false,
      repeats: 'exactly-once',
      incomplete: 'NoDiscard',
      window,
    };
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
    return this.#keeper.record?.peer ?? anonymous;
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
    return outcomeUnder(this.#source, number, this.#keeper.record?.behaviour);
  }

  async open(signal?: AbortSignal): Promise<void> {
    if (this.#settings.to === undefined && this.#opening === undefined) {
      // Where to, and in which SOAP version, only the first message will tell.
      await this.#way.open(signal);
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
    await this.#serial.run(() => {
      this.#closing ??= Promise.resolve();
      this.#halt(new ReliableError('RELIABLE_SUSPENDED', 'The session was suspended; open it again to go on.'));
    });
  }

  /** What comes up unasked: acknowledgements and faults about the sequence. */
  readonly receive: Carry = async (trip) => {
    if (this.#compose !== undefined) await this.#hear({ kind: 'unasked' }, trip);
    return undefined;
  };

  #send(trip: Delivery): Promise<Delivery | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Delivery | undefined>();
    const waiting = { resolve, reject, hear: trip.get(onOutcome) };
    if (this.#isFree && !trip.signal.aborted) {
      const submitted = this.#serial.enter(() => this.#submit(trip, waiting));
      return submitted === undefined ? abortable(promise, trip.signal) : this.#entered(submitted, promise, trip.signal);
    }
    return this.#entered(this.#enter(trip, waiting), promise, trip.signal);
  }

  /** True when a message may get its number at once: the session stands, there is room, and nobody is before it. */
  get #isFree(): boolean {
    return (
      this.#isOpen &&
      this.#entering.size === 0 &&
      this.#admission.isIdle &&
      this.#serial.isIdle &&
      unsettled(this.#source) < this.#settings.maxUnsettled
    );
  }

  async #entered(
    entering: Promise<void>,
    settled: Promise<Delivery | undefined>,
    signal: AbortSignal,
  ): Promise<Delivery | undefined> {
    settled.catch(() => undefined);
    this.#entering.add(entering);
    await entering.finally(() => this.#entering.delete(entering));
    return abortable(settled, signal);
  }

  /** Until the message has its number. */
  async #enter(trip: Delivery, waiting: Waiting): Promise<void> {
    const { message } = trip;
    const addressing = addressingOf(message);
    await this.#start(
      { soap: message.version, wsa: addressing?.version ?? this.#settings.addressing, to: addressing?.to },
      trip.signal,
    );
    // One after the other, so that numbers follow the order of the calls even when a call waits for room.
    await abortable(
      this.#admission.run(() => this.#admit(trip, waiting)),
      trip.signal,
    );
  }

  async #admit(trip: Delivery, waiting: Waiting): Promise<void> {
    while (unsettled(this.#source) >= this.#settings.maxUnsettled) {
      await abortable(new Promise<void>((resolve) => this.#room.push(resolve)), trip.signal);
    }
    trip.signal.throwIfAborted();
    await this.#serial.run(() => this.#submit(trip, waiting));
  }

  #submit(trip: Delivery, waiting: Waiting): Promise<void> | undefined {
    const expects = trip.get(expectsReply) && !this.#settings.oneWay ? 'reply' : 'acknowledgement';
    return this.#advance({ source: [{ kind: 'submit', expects }] }, { trip, waiting });
  }

  #start(template: Template, signal: AbortSignal | undefined): Promise<void> {
    this.#opening ??= this.#create(template);
    return signal === undefined ? this.#opening : abortable(this.#opening, signal);
  }

  async #create(template: Template): Promise<void> {
    const { clock, openTimeout } = this.#settings;
    const limit = deadline(clock, openTimeout, undefined, () => this.#openTimedOut());
    try {
      await this.#way.open(limit.signal);
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
    this.#isOpen = true;
  }

  /** Takes up the session of the store, or makes a new one. */
  async #begin(template: Template): Promise<void> {
    const { record, resumed } = await this.#keeper.begin(template);
    this.#template = templateOf(record) ?? template;
    this.#compose = new Composer(this.#settings, this.#template, record);
    if (!resumed) return this.#advance({ source: [{ kind: 'open' }] });
    this.#resumed = true;
    this.#source = record.source;
    this.#replies = record.replies ?? undefined;
    this.#id = sourceId(this.#source) ?? '';
    if (this.#id !== '') this.#opened.resolve();
    publish(() => ({ event: 'session.resumed', ...this.#tell.of, submitted: this.submitted }));
    await this.#advance({ source: [{ kind: 'resumed' }] });
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    if (this.#opening === undefined) {
      this.#opening = Promise.reject(new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
      this.#opening.catch(() => undefined);
      await this.#way.close(signal);
      this.#closed.resolve(undefined);
      return;
    }
    await this.#opening.catch(() => undefined);
    if (this.#standstill !== undefined) throw this.#standstill;
    if (this.#source.phase === 'ended') return;
    const { clock, closeTimeout } = this.#settings;
    const text = `The session could not be ended in good order within ${closeTimeout} ms.`;
    const limit = deadline(clock, closeTimeout, signal, () => new ReliableError('RELIABLE_CLOSE_TIMEOUT', text));
    try {
      // What was sent before belongs to the session.
      await abortable(Promise.allSettled([...this.#entering]), limit.signal);
      this.#post({ kind: 'close' });
      const reason = await abortable(this.closed, limit.signal);
      if (reason !== undefined) throw reason;
    } catch (thrown) {
      const error = asError(thrown);
      if (this.#standstill !== undefined) throw this.#standstill;
      const code = error instanceof ReliableError ? error.code : 'RELIABLE_ABORTED';
      // Every message is settled by then; a peer that does not answer TerminateSequence spoils nothing.
      const settled = this.#source.phase === 'terminating';
      if (!settled && this.#isKept) {
        const kept = new ReliableError(code, `${error.message} ${this.#advice}`, { cause: error, transient: true });
        await this.#serial.run(() => this.#halt(kept));
        throw kept;
      }
      const event = settled ? ({ kind: 'terminate-answered' } as const) : abortion(code, error.message, true);
      await this.#serial.run(() => this.#advance({ source: [event] }));
      if (settled && (await this.closed) === undefined) return;
      throw error;
    } finally {
      limit.clear();
    }
  }

  /** Posts an event of the outside world, which may count in one phase only. */
  #post(event: Bare<SourceEvent>, only?: SourceState['phase']): void {
    this.#serial
      .run(() => {
        return only === undefined || only === this.#source.phase ? this.#advance({ source: [event] }) : undefined;
      })
      .catch((thrown: unknown) => this.#halt(new ReliableError('RELIABLE_FAILED', asError(thrown).message)));
  }

  /**
   * One step: reduce, append, perform, tell. Runs in the mailbox.
   *
   * @returns `undefined` when it is done: nothing had to be waited for
   */
  #advance(given: Given, submission?: Submission): Promise<void> | undefined {
    if (this.#standstill !== undefined) {
      submission?.waiting.reject(this.#standstill);
      return undefined;
    }
    const { clock, random } = this.#settings;
    const when = { now: clock.now(), jitter: random.fraction() };
    const before = this.#source;
    let next = before;
    const effects: SourceEffect[] = [];
    for (const event of given.source) {
      const [state, more] = source(next, { ...event, ...when } as SourceEvent, this.#policy);
      next = state;
      effects.push(...more);
      if (event.kind === 'acknowledgement') this.#tell.requestsAcknowledged(event);
    }
    let replies = this.#replies;
    if (given.reply !== undefined && replies !== undefined) {
      // Replies are handed to whoever waits for them: what is accepted is delivered.
      for (const event of [given.reply, { kind: 'delivered', number: given.reply.number } as const]) {
        [replies] = destination(replies, { ...event, now: when.now }, this.#assurance);
      }
    }
    const known = { source: before, replies: this.#replies };
    const after = { source: next, replies };
    const appended = this.#keeper.append(known, after, effects, submission?.trip);
    if (appended === undefined) {
      this.#stepped(given, after, effects, submission);
      return undefined;
    }
    return appended.then(
      () => this.#stepped(given, after, effects, submission),
      (thrown: unknown) => this.#unwritten(asError(thrown), submission),
    );
  }

  #unwritten(error: Error, submission: Submission | undefined): void {
    submission?.waiting.reject(error);
    this.#trouble = error;
    publish(() => ({ event: 'store.failed', ...this.#tell.of, number: null, reason: error.message }));
    this.#halt(new ReliableError('RELIABLE_STORE', error.message, { transient: true, cause: error }));
  }

  /** The second half of a step, once the store has it. */
  #stepped(
    given: Given,
    { source: next, replies }: Knowledge,
    effects: readonly SourceEffect[],
    submission: Submission | undefined,
  ): void {
    const before = this.#source;
    this.#source = next;
    this.#replies = replies;
    watchSource(this.#tell.of, before, next);
    const numbered = submission === undefined ? undefined : effects.find((effect) => effect.effect === 'numbered');
    if (numbered !== undefined && submission !== undefined) {
      const { number } = numbered;
      this.#messages.set(number, submission.trip);
      this.#waiting.set(number, submission.waiting);
      publish(() => ({ event: 'message.submitted', ...this.#tell.requests, number }));
      submission.waiting.hear?.(number, 'pending');
    }
    for (const effect of effects) {
      if (effect.effect === 'rejected') submission?.waiting.reject(new ReliableError(effect.code, effect.text));
      else if (effect.effect === 'transmit') this.#transmit(effect, given.source.at(-1)?.kind ?? 'elapsed');
      else this.#perform(effect);
    }
    if (this.#room.length > 0 && unsettled(next) < this.#settings.maxUnsettled) {
      for (const wake of this.#room.splice(0)) wake();
    }
    this.#rearm();
  }

  #perform(effect: Exclude<SourceEffect, { readonly effect: 'rejected' | 'transmit' }>): void {
    switch (effect.effect) {
      case 'numbered':
        return;
      case 'create':
      case 'poll':
      case 'close':
      case 'terminate':
        this.#tell.control(effect);
        if (effect.effect !== 'create') this.#tell.repliesAcknowledged(this.#replies, effect.effect !== 'poll');
        void this.#exchange({ kind: effect.effect }, async () => {
          // Asked for anew with each attempt: a context that was lost meanwhile is another.
          const token = effect.effect === 'create' ? await this.#token() : undefined;
          return this.#composed().control(effect, this.#id, this.#replies, token);
        });
        return;
      case 'opened':
        this.#id = effect.id;
        publish(() => {
          const { version, peer } = this;
          const offer = this.#keeper.record?.offer ?? null;
          return { event: 'sequence.created', ...this.#tell.of, version: version.name, peer, offer };
        });
        this.#opened.resolve();
        return;
      case 'settled':
        this.#settle(effect.number, effect.outcome);
        return;
      case 'fault': {
        const { fault, text: reason } = effect;
        publish(() => ({ event: 'sequence.faulted', ...this.#tell.of, by: 'here', fault, reason }));
        // Later than what else the step brings: the peer must not have heard before this end has told.
        const message = async () => this.#composed().fault(effect, this.#id, this.#replies);
        this.#lastWord = this.#exchange({ kind: 'fault' }, message);
        if (effect.fault === 'InvalidAcknowledgement') {
          this.#post(abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false));
        }
        return;
      }
      case 'suspended':
        this.#halt(this.#suspension(`${effect.reason.text}${this.#lastTrouble(effect.reason.code)}`));
        return;
      case 'ended':
        this.#over(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }

  #transmit(effect: Extract<SourceEffect, { readonly effect: 'transmit' }>, after: SourceEvent['kind']): void {
    const { number, attempt, last, asks = false } = effect;
    this.statistics[attempt === 1 ? 'sent' : 'resent'] += 1;
    publish(() =>
      attempt === 1
        ? { event: 'message.sent', ...this.#tell.requests, number, attempt }
        : { event: 'message.resent', ...this.#tell.requests, number, attempt, cause: resendCause(after) },
    );
    if (asks) publish(() => ({ event: 'acknowledgement.requested', ...this.#tell.requests }));
    this.#tell.repliesAcknowledged(this.#replies, false);
    const about: About = { kind: 'message', number, last };
    void this.#exchange(about, () => {
      const compose = this.#composed();
      if (last) return compose.lastMessage(this.#id, number, this.#replies);
      const sequenced = (trip: Delivery) =>
        trip.carrying(compose.sequenced(trip.message, this.#id, number, this.#replies, asks));
      const trip = this.#messages.get(number);
      return trip === undefined ? this.#stored(number).then(sequenced) : sequenced(trip);
    });
  }

  async #stored(number: number): Promise<Delivery> {
    const trip = delivery(await this.#keeper.message(number));
    this.#messages.set(number, trip);
    return trip;
  }

  #settle(number: number, outcome: Outcome): void {
    this.#messages.delete(number);
    if (outcome !== 'acknowledged') {
      publish(() => ({ event: 'message.failed', ...this.#tell.requests, number, outcome }));
      return;
    }
    this.statistics.acknowledged += 1;
    publish(() => ({ event: 'message.acknowledged', ...this.#tell.requests, number }));
    const waiting = this.#waiting.get(number);
    waiting?.hear?.(number, outcome);
    waiting?.resolve(this.#answers.get(number));
    this.#waiting.delete(number);
    this.#answers.delete(number);
  }

  /** One exchange with the peer, beside the mailbox; what comes of it is posted. */
  async #exchange(about: About, compose: () => Delivery | Promise<Delivery>): Promise<void> {
    let answer: Delivery | undefined;
    try {
      const composed = compose();
      const trip = composed instanceof Promise ? await composed : composed;
      answer = await this.#way.send(trip.under(this.#end.signal));
    } catch (thrown) {
      this.#troubled(about, asError(thrown));
      return;
    }
    if (answer === undefined) this.#unanswered(about);
    else await this.#hear(about, answer);
  }

  #troubled(about: About, error: Error): void {
    if (this.#end.signal.aborted || about.kind === 'fault') return;
    this.#trouble = error;
    const known = error instanceof SurewireError ? error : undefined;
    // An answer that cannot be the peer's proves nothing once there is a session: a proxy's page, or a forgery.
    const isFinal = known?.transient !== true && (known?.refusal !== true || about.kind === 'create');
    this.#tell.trouble(about, error, isFinal);
    if (about.kind === 'create' && known?.transient === true && known.refusal) {
      this.#post(declined(known), 'creating');
    } else if (!isFinal) this.#refused(about, false);
    else if (this.#isKept) {
      const kept = this.#suspension(`Sending again cannot mend this: ${error.message}`);
      void this.#serial.run(() => this.#halt(kept));
    } else this.#post(abortion('RELIABLE_FAILED', error.message, false));
  }

  /** An empty answer. Whether that means taken or dropped, the source finds out. */
  #unanswered(about: About): void {
    this.#tell.empty(about);
    if (about.kind === 'poll') this.#post({ kind: 'poll-emptied' });
    // 2005/02: TerminateSequence is one-way; and gSOAP answers a repeated one so, of either version. It has come.
    else if (about.kind === 'terminate') this.#post({ kind: 'terminate-answered' });
    else this.#refused(about, true);
  }

  #refused(about: About, empty: boolean): void {
    if (about.kind === 'message') this.#post({ kind: 'refused', number: about.number, empty });
  }

  /** Reads an answer; what is not the peer's, or cannot be read, counts as lost. */
  #hear(about: About, answer: Delivery): Promise<void> | undefined {
    if (about.kind === 'fault') return undefined;
    const heard = this.#serial.enter(() => this.#understand(about, answer));
    return heard instanceof Promise ? heard : undefined;
  }

  #understand(about: About, answer: Delivery): Promise<void> | undefined {
    const { record } = this.#keeper;
    if (this.#end.signal.aborted || record === undefined) return undefined;
    // A late answer to a repeated CreateSequence says nothing that matters to a session that exists.
    if (about.kind === 'create' && this.#source.phase !== 'creating') return undefined;
    const request = about.kind === 'message' ? this.#messages.get(about.number)?.message : undefined;
    const said = interpret(about, answer, {
      version: this.version,
      record,
      id: this.#id,
      phase: this.#source.phase,
      messageId: request === undefined ? undefined : addressingOf(request)?.messageId,
      replies: this.#replies,
      flowControl: this.#settings.flowControlEnabled,
    });
    switch (said.kind) {
      case 'lost':
        this.#troubled(about, said.trouble);
        return undefined;
      case 'refused':
        this.#trouble = said.trouble ?? this.#trouble;
        this.#tell.faulted(said.fault);
        return this.#advance({ source: said.source });
      case 'created':
        return this.#created(said, answer);
      case 'heard':
        return this.#heard(about, said);
      default:
        return said satisfies never;
    }
  }

  #created(said: Extract<Said, { readonly kind: 'created' }>, answer: Delivery): Promise<void> | undefined {
    const offer = this.#keeper.record?.offer;
    if (this.#source.phase !== 'creating') return undefined;
    this.#keeper.bind(identityOf(answer), said.behaviour);
    if (said.accepted && typeof offer === 'string') {
      this.#replies = newDestination(offer, this.#settings.clock.now(), undefined);
    }
    return this.#advance({ source: [{ kind: 'created', id: said.id }] });
  }

  #heard(about: About, said: Extract<Said, { readonly kind: 'heard' }>): Promise<void> | undefined {
    const { reply } = said;
    this.#trouble = undefined;
    if (about.kind !== 'message' || reply === undefined) return this.#advance({ source: said.source });
    const { number } = about;
    this.statistics[reply.isNew ? 'delivered' : 'duplicates'] += 1;
    if (reply.isNew) this.#answers.set(number, reply.trip);
    const advanced = this.#advance({ source: said.source, reply: reply.event });
    if (advanced !== undefined) return advanced.then(() => void this.#answers.delete(number));
    this.#answers.delete(number);
    return undefined;
  }

  /** The reference to the token that the sequence belongs to, where the channel below secures with one. */
  async #token(): Promise<XmlFragment | undefined> {
    if (this.#template === undefined || !this.#settings.namesContext) return undefined;
    return this.#way.token(this.#template, this.#end.signal);
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
    this.#timer.set(this.#standstill !== undefined ? undefined : sourceDue(this.#source, this.#policy));
  }

  /** True when the session outlives its troubles in the store: what goes wrong at this end is never told to the peer. */
  get #isKept(): boolean {
    const { phase } = this.#source;
    return this.#policy.givesUp === 'suspend' && phase !== 'none' && phase !== 'creating' && phase !== 'ended';
  }

  get #advice(): string {
    return `The store keeps the session: connect again under the label "${this.label}" to go on.`;
  }

  #suspension(why: string): ReliableError {
    const options = { outcomes: this.#outcomes, transient: true, cause: this.#trouble };
    return new ReliableError('RELIABLE_SUSPENDED', `${why} ${this.#advice}`, options);
  }

  /** Stands still for good in this process; nothing is told to the peer, and nothing more is written to the store. */
  #halt(error: ReliableError): void {
    if (this.#standstill !== undefined || this.#source.phase === 'ended') return;
    this.#standstill = error;
    publish(() => ({ event: 'session.suspended', ...this.#tell.of, code: error.code, reason: error.message }));
    this.#leave(error);
  }

  #over(reason: EndReason): void {
    const error = this.#errorFor(reason);
    publish(() => ({ event: 'sequence.terminated', ...this.#tell.of, reason: reason.code, text: reason.text }));
    this.#leave(error);
  }

  /** Lets go of everything and tells all who wait. */
  #leave(error: ReliableError | undefined): void {
    this.#timer.cancel();
    const gone = error ?? new ReliableError('RELIABLE_CLOSED', 'The session is closed.');
    for (const [number, { reject, hear }] of this.#waiting) {
      hear?.(number, this.outcome(number));
      reject(gone);
    }
    this.#waiting.clear();
    this.#messages.clear();
    for (const wake of this.#room.splice(0)) wake();
    this.#opened.reject(gone);
    this.#keeper.release();
    void this.#letGo(error);
  }

  async #letGo(error: Error | undefined): Promise<void> {
    await Promise.race([this.#lastWord, wait(this.#settings.clock, lastWordPatience)]);
    this.#end.abort(error ?? new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
    if (error === undefined) await this.#way.close().catch(() => undefined);
    else this.#way.abort(error);
    this.#closed.resolve(error);
  }

  #errorFor(reason: EndReason): ReliableError | undefined {
    if (reason.code === 'completed') return undefined;
    const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
    const text = `${reason.text}${this.#lastTrouble(reason.code)}`;
    return new ReliableError(reason.code, text, { outcomes: this.#outcomes, transient, cause: this.#trouble });
  }

  /** What the last exchange came to, where the session was given up because nothing came of any. */
  #lastTrouble(code: EndReason['code']): string {
    const isSilence = code === 'RELIABLE_RETRIES_EXHAUSTED' || code === 'RELIABLE_INACTIVE';
    return isSilence && this.#trouble !== undefined ? ` The last trouble: ${this.#trouble.message}` : '';
  }

  /** What is known of the messages for which somebody waits. */
  get #outcomes(): ReadonlyMap<number, Outcome> {
    return new Map([...this.#waiting.keys()].map((number) => [number, this.outcome(number)]));
  }
}

/** The end of a session that was never created. Only a first answer counts so: later anybody may have forged one (M5). */
function declined(error: SurewireError): Bare<SourceEvent> {
  const advice = 'Check the certificates or credentials of both ends, whom each of them trusts, and their clocks.';
  return abortion('RELIABLE_REFUSED', `The session was not created. ${error.message} ${advice}`);
}
