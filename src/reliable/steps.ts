/**
 * The steps of one session at the initiator: what happens becomes events for the reducers, and their effects become messages, one
 * step at a time, in this order: *append to the store, perform, tell*.
 */
import { Alarm } from '../base/alarm.ts';
import { asError, SurewireError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { wait } from '../base/signals.ts';
import type { Template } from '../channel/channel.ts';
import { type Delivery, delivery } from '../channel/delivery.ts';
import { anonymous, identityOf } from '../security/evidence.ts';
import { addressingOf } from '../soap/addressing.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { Asking } from './asking.ts';
import { type About, Composer, type Control } from './composer.ts';
import { destination } from './destination.ts';
import { type DeliveryAssurance, type DestinationState, newDestination } from './destination-state.ts';
import { type Outcome, ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { abortion, type Bare, interpret, type Reply, type Said } from './interpret.ts';
import { Keeper, type Knowledge } from './keeper.ts';
import type { Transmission } from './ledger.ts';
import { Narration } from './narration.ts';
import { Outbox, type Submission } from './outbox.ts';
import { outcomeUnder } from './outcomes.ts';
import {
  type Circumstances,
  declined,
  errorFor,
  isTurnedDown,
  lastTrouble,
  leavePatience,
  suspension,
  takeLeave,
} from './partings.ts';
import { templateOf } from './record.ts';
import { newStatistics, type Statistics } from './session.ts';
import { assuranceOf, lifeOf, type Settings, transmissionOf } from './settings.ts';
import { Silences } from './silences.ts';
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
import type { Way } from './way.ts';

/** What a step folds: events of the source, and with them a reply. */
interface Given {
  readonly source: readonly Bare<SourceEvent>[];
  readonly reply?: Reply['event'] | undefined;
}

/** The phases in which something is asked until it is answered. */
const phases = { create: 'creating', close: 'closing', terminate: 'terminating' } as const;

/** How many times the patience with the first answer an open CreateSequence is waited for: ten seconds, as WCF has it. */
const openPatience = 5;

/** What whatever is left over hears of a good end; one for all, because an error takes longer to make than a message. */
const overAndDone = new ReliableError('RELIABLE_CLOSED', 'The session is closed.');

const none: readonly SourceEffect[] = Object.freeze([]);

export class Steps {
  readonly statistics: Statistics = newStatistics();
  /** The mailbox: what steps do, they do there. */
  readonly serial: Serial = new Serial();
  /** Settles when the session is over or stands still. */
  readonly closed: Promise<Error | undefined>;
  /** Settles when the sequence is there. */
  readonly opened: Promise<void>;
  /** What the last exchange came to, until one comes to something better. */
  trouble: Error | undefined;
  readonly #settings: Settings;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #way: Way;
  readonly #keeper: Keeper;
  readonly #onRoom: () => void;
  readonly #tell = new Narration('initiator', () => ({ id: this.#id, offer: this.#keeper.record?.offer ?? undefined }));
  readonly #end = new AbortController();
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #outbox = new Outbox();
  readonly #timer: Alarm;
  readonly #silences = new Silences((number) => {
    if (this.outcome(number) !== 'acknowledged') this.post({ kind: 'refused', number, empty: true });
  });
  readonly #asking: Readonly<Record<keyof typeof phases, Asking>>;
  #compose: Composer | undefined;
  #template: Template | undefined;
  #source: SourceState = noSource;
  #replies: DestinationState | undefined;
  #id = '';
  #lastWord: Promise<unknown> = Promise.resolve();
  #standstill: ReliableError | undefined;
  #resumed = false;
  #isWinding = false;

  /** @param onRoom called when another message may be submitted, or none will ever be taken */
  constructor(settings: Settings, way: Way, inUse: Set<string>, onRoom: () => void) {
    this.#settings = settings;
    this.#timer = new Alarm(settings.clock, () => this.post({ kind: 'elapsed' }));
    this.#policy = transmissionOf(settings, settings.version, 'timer');
    this.#way = way;
    this.#keeper = new Keeper(settings, inUse);
    this.#onRoom = onRoom;
    this.#asking = {
      create: new Asking(openPatience * settings.firstPatience),
      close: new Asking(0),
      terminate: new Asking(0),
    };
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
    this.opened = this.#opened.promise;
    this.opened.catch(() => undefined);
  }

  get id(): string {
    return this.#id;
  }
  get peer(): string {
    return this.#keeper.record?.peer ?? anonymous;
  }
  get resumed(): boolean {
    return this.#resumed;
  }
  get source(): SourceState {
    return this.#source;
  }
  get submitted(): number {
    return submitted(this.#source);
  }
  /** Why the session stands still while the store keeps it. */
  get standstill(): ReliableError | undefined {
    return this.#standstill;
  }
  /** True once it can be asked and answered. */
  get isComposed(): boolean {
    return this.#compose !== undefined;
  }
  get #circumstances(): Circumstances {
    return { outcomes: this.#outbox.outcomes((number) => this.outcome(number)), trouble: this.trouble };
  }

  outcome(number: number): Outcome {
    return outcomeUnder(this.#source, number, this.#keeper.record?.behaviour);
  }

  /** The session was closed before it was opened. */
  unopened(): void {
    this.#closed.resolve(undefined);
  }

  /** Takes up the session of the store, or makes a new one. */
  async begin(template: Template): Promise<void> {
    const { record, resumed } = await this.#keeper.begin(template);
    this.#template = templateOf(record) ?? template;
    this.#compose = new Composer(this.#settings, this.#template, record);
    if (!resumed) return this.advance({ source: [{ kind: 'open' }] });
    this.#resumed = true;
    this.#source = record.source;
    this.#replies = record.replies ?? undefined;
    this.#id = sourceId(this.#source) ?? '';
    if (this.#id !== '') this.#opened.resolve();
    publish(() => ({ event: 'session.resumed', ...this.#tell.of, submitted: this.submitted }));
    await this.advance({ source: [{ kind: 'resumed' }] });
  }

  /** Posts an event of the outside world, which may count in one phase only. */
  post(event: Bare<SourceEvent>, only?: SourceState['phase']): void {
    const broken = (thrown: unknown) => this.halt(new ReliableError('RELIABLE_FAILED', asError(thrown).message));
    try {
      const advanced = this.serial.enter(() =>
        only === undefined || only === this.#source.phase ? this.advance({ source: [event] }) : undefined,
      );
      if (advanced !== undefined) advanced.catch(broken);
    } catch (thrown) {
      broken(thrown);
    }
  }

  /**
   * One step: reduce, append, perform, tell. Runs in the mailbox.
   *
   * @returns `undefined` when it is done: nothing had to be waited for
   */
  advance(given: Given, submission?: Submission): Promise<void> | undefined {
    if (this.#standstill !== undefined) {
      submission?.waiting.reject(this.#standstill);
      return undefined;
    }
    const { clock, random } = this.#settings;
    const when = { now: clock.now(), jitter: random.fraction() };
    const before = this.#source;
    let next = before;
    let effects: readonly SourceEffect[] = none;
    for (const event of given.source) {
      const [state, more] = source(next, { ...event, ...when } as SourceEvent, this.#policy);
      next = state;
      effects = effects.length === 0 ? more : [...effects, ...more];
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
    this.trouble = error;
    publish(() => ({ event: 'store.failed', ...this.#tell.of, number: null, reason: error.message }));
    this.halt(new ReliableError('RELIABLE_STORE', error.message, { transient: true, cause: error }));
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
      publish(() => ({ event: 'message.submitted', ...this.#tell.requests, number }));
      this.#outbox.take(number, submission);
    }
    for (const effect of effects) {
      if (effect.effect === 'rejected') submission?.waiting.reject(new ReliableError(effect.code, effect.text));
      else if (effect.effect === 'transmit') this.#transmit(effect, given.source.at(-1)?.kind ?? 'elapsed');
      else this.#perform(effect);
    }
    if (unsettled(next) < this.#settings.maxUnsettled) this.#onRoom();
    this.#rearm();
  }

  #perform(effect: Exclude<SourceEffect, { readonly effect: 'rejected' | 'transmit' }>): void {
    switch (effect.effect) {
      case 'numbered':
        return;
      case 'create':
      case 'close':
      case 'terminate':
        this.#asking[effect.effect].ask(
          () => this.#settings.clock.now(),
          () => (this.#source.phase === phases[effect.effect] ? this.#control(effect) : Promise.resolve()),
        );
        return;
      case 'poll':
        void this.#control(effect);
        return;
      case 'opened':
        this.#id = effect.id;
        publish(() => {
          const { version } = this.#settings;
          const { peer } = this;
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
          this.post(abortion('RELIABLE_INVALID_ACKNOWLEDGEMENT', effect.text, false));
        }
        return;
      }
      case 'suspended':
        this.halt(this.#suspended(`${effect.reason.text}${lastTrouble(effect.reason.code, this.trouble)}`));
        return;
      case 'ended':
        this.#over(effect.reason);
        return;
      default:
        effect satisfies never;
    }
  }

  #control(effect: Control): Promise<void> {
    this.#tell.control(effect);
    if (effect.effect !== 'create') this.#tell.repliesAcknowledged(this.#replies, effect.effect !== 'poll');
    return this.#exchange({ kind: effect.effect }, async () => {
      // Asked for anew with each attempt: a context that was lost meanwhile is another.
      const token = effect.effect === 'create' ? await this.#token() : undefined;
      return this.#composed().control(effect, this.#id, this.#replies, token);
    });
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
      if (last) return this.#composed().lastMessage(this.#id, number, this.#replies);
      const trip = this.#outbox.message(number);
      if (trip !== undefined) return this.#sequenced(trip, number, asks);
      return this.#stored(number).then((stored) => this.#sequenced(stored, number, asks));
    });
  }

  #sequenced(trip: Delivery, number: number, asks: boolean): Delivery {
    const message = this.#composed().sequenced(trip.message, this.#id, number, this.#replies, asks);
    return trip.carrying(message);
  }

  async #stored(number: number): Promise<Delivery> {
    const trip = delivery(await this.#keeper.message(number));
    this.#outbox.keep(number, trip);
    return trip;
  }

  #settle(number: number, outcome: Outcome): void {
    if (outcome !== 'acknowledged') {
      publish(() => ({ event: 'message.failed', ...this.#tell.requests, number, outcome }));
    } else {
      this.statistics.acknowledged += 1;
      publish(() => ({ event: 'message.acknowledged', ...this.#tell.requests, number }));
    }
    this.#outbox.settle(number, outcome);
  }

  /** One exchange with the peer, beside the mailbox; what comes of it is posted. */
  #exchange(about: About, compose: () => Delivery | Promise<Delivery>): Promise<void> {
    let sent: Promise<Delivery | undefined>;
    try {
      const composed = compose();
      sent = composed instanceof Promise ? composed.then((trip) => this.#send(trip)) : this.#send(composed);
    } catch (thrown) {
      sent = Promise.reject(thrown);
    }
    return sent.then(
      (answer) => (answer === undefined ? this.#unanswered(about) : this.hear(about, answer)),
      (thrown: unknown) => this.#troubled(about, asError(thrown)),
    );
  }

  #send(trip: Delivery): Promise<Delivery | undefined> {
    return this.#way.send(trip.under(this.#end.signal));
  }

  #troubled(about: About, error: Error): void {
    if (this.#end.signal.aborted || about.kind === 'fault') return;
    this.trouble = error;
    const known = error instanceof SurewireError ? error : undefined;
    // An answer that cannot be the peer's proves nothing once there is a session: a proxy's page, or a forgery.
    const isFinal = known?.transient !== true && (known?.refusal !== true || about.kind === 'create');
    this.#tell.trouble(about, error, isFinal && !this.#mayBeAnswered(about));
    if (about.kind === 'create' && known?.transient === true && known.refusal) {
      this.#conclude(about, () => this.post(declined(known), 'creating'));
    } else if (!isFinal) {
      if (about.kind === 'message') this.post({ kind: 'refused', number: about.number, empty: false });
    } else this.#conclude(about, () => this.#failed(error));
  }

  #failed(error: Error): void {
    if (this.isKept) {
      const kept = this.#suspended(`Sending again cannot mend this: ${error.message}`);
      void this.serial.run(() => this.halt(kept));
    } else this.post(abortion('RELIABLE_FAILED', error.message, false));
  }

  /** An exchange came to what ends the session; of what is asked again and again, only while it is asked. */
  #conclude(about: About, ending: () => void): void {
    if (!isRepeated(about)) ending();
    else {
      this.#asking[about.kind].end(() => {
        if (this.#source.phase === phases[about.kind]) ending();
      });
    }
  }

  /** True while another exchange may bring a better answer to the same request. */
  #mayBeAnswered(about: About): boolean {
    return isRepeated(about) && this.#asking[about.kind].isShared;
  }

  /** An empty answer. Whether that means taken or dropped, the source finds out. */
  #unanswered(about: About): void {
    this.#tell.empty(about);
    if (about.kind === 'poll') this.post({ kind: 'poll-emptied' });
    // 2005/02: TerminateSequence is one-way; and gSOAP answers a repeated one so, of either version. It has come.
    else if (about.kind === 'terminate') this.post({ kind: 'terminate-answered' });
    else if (about.kind === 'message') this.#silences.add(about.number, this.#way.turn);
  }

  /** Reads an answer; what is not the peer's, or cannot be read, counts as lost. */
  hear(about: About, answer: Delivery): Promise<void> | undefined {
    if (about.kind === 'fault') return undefined;
    const heard = this.serial.enter(() => this.#understand(about, answer));
    return heard instanceof Promise ? heard : undefined;
  }

  #understand(about: About, answer: Delivery): Promise<void> | undefined {
    const { record } = this.#keeper;
    if (this.#end.signal.aborted || record === undefined) return undefined;
    // A late answer to a repeated CreateSequence says nothing that matters to a session that exists.
    if (about.kind === 'create' && this.#source.phase !== 'creating') return undefined;
    const request = about.kind === 'message' ? this.#outbox.message(about.number)?.message : undefined;
    const said = interpret(about, answer, {
      version: this.#settings.version,
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
        this.trouble = said.trouble ?? this.trouble;
        this.#tell.faulted(said.fault);
        if (!this.#mayBeAnswered(about) || !said.source.some(({ kind }) => kind === 'abort')) {
          return this.advance({ source: said.source });
        }
        this.#conclude(about, () => void this.serial.run(() => this.advance({ source: said.source })));
        return undefined;
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
    return this.advance({ source: [{ kind: 'created', id: said.id, ...lifeOf(this.#settings, said.life) }] });
  }

  #heard(about: About, said: Extract<Said, { readonly kind: 'heard' }>): Promise<void> | undefined {
    const { reply } = said;
    this.trouble = undefined;
    if (about.kind !== 'message' || reply === undefined) return this.advance({ source: said.source });
    const { number } = about;
    this.statistics[reply.isNew ? 'delivered' : 'duplicates'] += 1;
    if (reply.isNew) this.#outbox.answer(number, reply.trip);
    const advanced = this.advance({ source: said.source, reply: reply.event });
    if (advanced !== undefined) return advanced.then(() => void this.#outbox.forgetAnswer(number));
    this.#outbox.forgetAnswer(number);
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

  /** Once a turn, where there are turns: no time passes in one. */
  #rearm(): void {
    const { turn } = this.#way;
    if (turn === undefined) this.#wind();
    else if (!this.#isWinding) {
      this.#isWinding = true;
      turn.atEnd(this.#wind);
    }
  }

  readonly #wind = (): void => {
    this.#isWinding = false;
    this.#timer.set(this.#standstill !== undefined ? undefined : sourceDue(this.#source, this.#policy));
  };

  /** True when the session outlives its troubles in the store: what goes wrong at this end is never told to the peer. */
  get isKept(): boolean {
    const { phase } = this.#source;
    return this.#policy.givesUp === 'suspend' && phase !== 'none' && phase !== 'creating' && phase !== 'ended';
  }

  /** Stands still for good in this process; nothing is told to the peer, and nothing more is written to the store. */
  halt(error: ReliableError): void {
    if (this.#standstill !== undefined || this.#source.phase === 'ended') return;
    this.#standstill = error;
    publish(() => ({ event: 'session.suspended', ...this.#tell.of, code: error.code, reason: error.message }));
    this.#leave(error);
  }

  #over(reason: EndReason): void {
    const error = errorFor(reason, this.#circumstances);
    publish(() => ({ event: 'sequence.terminated', ...this.#tell.of, reason: reason.code, text: reason.text }));
    this.#leave(error);
  }

  /** Lets go of everything and tells all who wait. */
  #leave(error: ReliableError | undefined): void {
    this.#timer.cancel();
    const gone = error ?? overAndDone;
    this.#outbox.leave((number) => this.outcome(number), gone);
    this.#onRoom();
    this.#opened.reject(gone);
    this.#keeper.release();
    void this.#letGo(error);
  }

  async #letGo(error: Error | undefined): Promise<void> {
    await Promise.race([this.#lastWord, wait(this.#settings.clock, leavePatience)]);
    this.#end.abort(error ?? overAndDone);
    if (error === undefined) await this.#way.close().catch(() => undefined);
    else {
      if (isTurnedDown(error)) await takeLeave(this.#settings.clock, error, (signal) => this.#way.close(signal));
      this.#way.abort(error);
    }
    this.#closed.resolve(error);
  }

  #suspended(why: string): ReliableError {
    return suspension(why, this.#settings.label, this.#circumstances);
  }
}

function isRepeated(about: About): about is About & { readonly kind: keyof typeof phases } {
  return about.kind === 'create' || about.kind === 'close' || about.kind === 'terminate';
}
