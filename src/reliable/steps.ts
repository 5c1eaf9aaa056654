/**
 * The steps of one session at the initiator: what happens becomes events for the reducers, and their effects become messages, one
 * step at a time, in this order: *append to the store, perform, tell*. How a message goes and what its answer means is in
 * `exchanges.ts`.
 */
import { Alarm } from '../base/alarm.ts';
import { asError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { wait } from '../base/signals.ts';
import type { Template } from '../channel/channel.ts';
import type { Delivery } from '../channel/delivery.ts';
import { anonymous, identityOf } from '../security/evidence.ts';
import { destination } from './destination.ts';
import { type DeliveryAssurance, type DestinationState, newDestination } from './destination-state.ts';
import { type Outcome, ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { type Created, type Driver, Exchanges, type Given } from './exchanges.ts';
import { abortion, type Bare } from './interpret.ts';
import { Keeper, type Knowledge } from './keeper.ts';
import type { Transmission } from './ledger.ts';
import { Narration } from './narration.ts';
import { Outbox, type Submission } from './outbox.ts';
import { outcomeUnder } from './outcomes.ts';
import {
  type Circumstances,
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
import { watchSource } from './watch.ts';
import type { Way } from './way.ts';

/** What whatever is left over hears of a good end; one for all, because an error takes longer to make than a message. */
const overAndDone = new ReliableError('RELIABLE_CLOSED', 'The session is closed.');

const none: readonly SourceEffect[] = Object.freeze([]);

export class Steps implements Driver {
  readonly statistics: Statistics = newStatistics();
  /** The mailbox: what steps do, they do there. */
  readonly serial: Serial = new Serial();
  /** Settles when the session is over or stands still. */
  readonly closed: Promise<Error | undefined>;
  /** Settles when the sequence is there. */
  readonly opened: Promise<void>;
  /** What the last exchange came to, until one comes to something better. */
  trouble: Error | undefined;
  /** What goes to the peer, and what comes of it. */
  readonly exchanges: Exchanges;
  readonly #settings: Settings;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #way: Way;
  readonly #keeper: Keeper;
  readonly #onRoom: () => void;
  readonly #tell = new Narration('initiator', () => ({ id: this.#id, offer: this.#keeper.record?.offer ?? undefined }));
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #outbox = new Outbox();
  readonly #timer: Alarm;
  #source: SourceState = noSource;
  #replies: DestinationState | undefined;
  #id = '';
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
    this.exchanges = new Exchanges({
      settings,
      way,
      keeper: this.#keeper,
      outbox: this.#outbox,
      tell: this.#tell,
      driver: this,
    });
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
  get replies(): DestinationState | undefined {
    return this.#replies;
  }
  get submitted(): number {
    return submitted(this.#source);
  }
  /** Why the session stands still while the store keeps it. */
  get standstill(): ReliableError | undefined {
    return this.#standstill;
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
    this.exchanges.begin(templateOf(record) ?? template, record);
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
      else if (effect.effect === 'transmit') this.exchanges.transmit(effect, given.source.at(-1)?.kind ?? 'elapsed');
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
      case 'poll':
      case 'close':
      case 'terminate':
        this.exchanges.control(effect);
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
        this.exchanges.fault(effect);
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

  #settle(number: number, outcome: Outcome): void {
    if (outcome !== 'acknowledged') {
      publish(() => ({ event: 'message.failed', ...this.#tell.requests, number, outcome }));
    } else {
      this.statistics.acknowledged += 1;
      publish(() => ({ event: 'message.acknowledged', ...this.#tell.requests, number }));
    }
    this.#outbox.settle(number, outcome);
  }

  /** Sending again cannot mend what an exchange came to: the session stands still where the store keeps it, and else ends. */
  failed(error: Error): void {
    if (this.isKept) {
      const kept = this.#suspended(`Sending again cannot mend this: ${error.message}`);
      void this.serial.run(() => this.halt(kept));
    } else this.post(abortion('RELIABLE_FAILED', error.message, false));
  }

  /** The peer created the sequence: whoever answered so is the peer from now on. Runs in the mailbox. */
  created(said: Created, answer: Delivery): Promise<void> | undefined {
    const offer = this.#keeper.record?.offer;
    if (this.#source.phase !== 'creating') return undefined;
    this.#keeper.bind(identityOf(answer), said.behaviour);
    if (said.accepted && typeof offer === 'string') {
      this.#replies = newDestination(offer, this.#settings.clock.now(), undefined);
    }
    return this.advance({ source: [{ kind: 'created', id: said.id, ...lifeOf(this.#settings, said.life) }] });
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
    await Promise.race([this.exchanges.lastWord, wait(this.#settings.clock, leavePatience)]);
    this.exchanges.end(error ?? overAndDone);
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
