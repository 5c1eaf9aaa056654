/**
 * The steps of one session at the acceptor: accepts, hands up and learns what arrived, one step at a time, in this order: *append to the
 * store, perform, tell*. What was acknowledged is in the store; what was not finished when the process died is handed up again.
 */
import { after } from '../base/after.ts';
import { Alarm } from '../base/alarm.ts';
import { ByNumber } from '../base/by-number.ts';
import { type Instant, later } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { session } from '../channel/session.ts';
import type { Message } from '../soap/message.ts';
import { learned, type Replies } from './answers.ts';
import { destination } from './destination.ts';
import {
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
  isTaken,
  sameReceipt,
} from './destination-state.ts';
import type { ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { Finishing } from './finishing.ts';
import { Handing, storePatience } from './handing.ts';
import type { Acknowledgement } from './headers.ts';
import type { Transmission, When } from './ledger.ts';
import { Narration } from './narration.ts';
import { withOrigin } from './origin.ts';
import { Parking } from './parking.ts';
import { position } from './position.ts';
import { type AcceptorRecord, recordWith } from './record.ts';
import { type Journal, newStatistics, type Statistics } from './session.ts';
import { assuranceOf, type Settings, transmissionOf } from './settings.ts';
import { submitted } from './source-state.ts';
import type { SessionChange } from './store.ts';
import { UpwardSession } from './upward.ts';
import type { ReliableVersion } from './versions/version.ts';
import { watchDestination, watchSource } from './watch.ts';
import { Wording } from './wording.ts';

const nothing: Omit<SessionChange, 'session' | 'state'> = Object.freeze({});

interface AcceptedStepsInit {
  readonly settings: Settings;
  readonly version: ReliableVersion;
  readonly record: AcceptorRecord;
  readonly journal: Journal;
  readonly resumed: boolean;
  readonly receive: Carry;
  /** Fires when the acceptor is torn down. */
  readonly signal: AbortSignal;
  /** Called once when the session is over for the peer and for the application. */
  readonly onEnded: () => void;
}

export class AcceptedSteps {
  readonly version: ReliableVersion;
  readonly statistics: Statistics = newStatistics();
  /** The mailbox: what steps do, they do there. */
  readonly serial: Serial = new Serial();
  readonly tell: Narration = new Narration('acceptor', () => this);
  readonly wording: Wording;
  /** Exchanges that wait for the application. */
  readonly parking: Parking = new Parking();
  /** Messages that are accepted and not finished, and replies that are not acknowledged, as far as they are in memory. */
  readonly held: ByNumber<Delivery> = new ByNumber();
  readonly replies: ByNumber<Message> = new ByNumber();
  /** What becomes of a message when the application has finished with it. */
  readonly finishing: Finishing;
  readonly #settings: Settings;
  readonly #policy: Transmission;
  readonly #assurance: DeliveryAssurance;
  readonly #journal: Journal;
  readonly #receive: Carry;
  readonly #signal: AbortSignal;
  readonly #onEnded: () => void;
  readonly #handing: Handing;
  readonly #upward: UpwardSession;
  /** As it began; what has changed since is beside it, and put together with it for a store only: that costs what a step does. */
  readonly #record: AcceptorRecord;
  #receipt: DestinationState;
  #replies: Replies;
  readonly #timer: Alarm;
  #stopped = false;

  constructor(init: AcceptedStepsInit) {
    this.version = init.version;
    this.#settings = init.settings;
    this.#timer = new Alarm(init.settings.clock, () => this.#elapse());
    this.#policy = transmissionOf(init.settings, init.version, 'reply');
    this.#assurance = assuranceOf(init.settings);
    this.#record = init.record;
    this.#receipt = init.record.receipt;
    this.#replies = init.record;
    this.wording = new Wording(init.settings, init.version, this.#assurance, this.offer);
    this.#journal = init.journal;
    this.#receive = init.receive;
    this.#signal = init.signal;
    this.#onEnded = init.onEnded;
    this.#upward = new UpwardSession(init.record, init.resumed);
    this.finishing = new Finishing(this, {
      settings: init.settings,
      policy: this.#policy,
      journal: init.journal,
      incomplete: this.#assurance.incomplete,
    });
    this.#handing = new Handing({
      clock: init.settings.clock,
      tell: this.tell,
      signal: init.signal,
      isStopped: () => this.#stopped,
      held: (number) => this.held.get(number),
      stored: (number) => this.#stored(number),
      handle: (trip, number) => this.#handle(trip, number),
      finish: (number, trip, reply) => this.serial.enter(() => this.finishing.finish(number, trip, reply)),
    });
  }

  get id(): string {
    return this.#receipt.id;
  }
  /** What a store keeps of it. */
  get record(): AcceptorRecord {
    return recordWith(this.#record, this.#receipt, this.#replies);
  }
  /** What never changes of it. */
  get fixed(): Pick<AcceptorRecord, 'identity' | 'label' | 'createId'> {
    return this.#record;
  }
  get receipt(): DestinationState {
    return this.#receipt;
  }
  get replying(): Replies {
    return this.#replies;
  }
  /** Identifier of the sequence that the client offered. */
  get offer(): string | undefined {
    const { source: replies } = this.#replies;
    return replies !== null && 'id' in replies ? replies.id : undefined;
  }
  get submitted(): number {
    return this.#replies.source === null ? 0 : submitted(this.#replies.source);
  }
  get isOver(): boolean {
    return this.#receipt.phase === 'ended';
  }
  /** True once this process has let go of it. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  async suspend(): Promise<void> {
    this.#stopped = true;
    this.#timer.cancel();
    this.#upward.end(undefined);
    await this.serial.idle();
    this.parking.clear();
  }

  /** Settles when the application has finished with everything that it was handed. */
  async idle(): Promise<void> {
    await this.#handing.idle();
    await this.serial.idle();
  }

  /** Makes a new session durable. */
  async begin(): Promise<void> {
    await this.#journal.commit({ state: this.record });
    publish(() => {
      const { version, offer = null } = this;
      const { identity: peer } = this.#record;
      return { event: 'sequence.created', ...this.tell.of, version: version.name, peer, offer };
    });
    this.#rearm();
  }

  /** Takes up what the store kept: hands up again what was not finished. */
  async resume(): Promise<void> {
    publish(() => ({ event: 'session.resumed', ...this.tell.of, submitted: this.submitted }));
    // Until its reply is there a repeated request has to wait: a WCF client takes a bare acknowledgement for the answer.
    const { held } = this.#receipt;
    for (const { number, begun } of held) if (begun !== true) this.parking.open(number);
    const drop = held.flatMap(({ number, begun }) => (begun === true ? [{ direction: 'in' as const, number }] : []));
    await this.serial.run(() => this.advance({ kind: 'resumed', now: this.now }, { drop }));
  }

  /** Learns what the client has of the replies; what it has is forgotten. Runs in the mailbox. */
  learn(acknowledgement: Acknowledgement): Promise<ReliableError | undefined> | ReliableError | undefined {
    const found = learned(this.#replies, acknowledgement, this.when, this.#policy);
    if ('error' in found) return found.error;
    this.tell.heardOfReplies(acknowledgement);
    if (found.settled.length === 0) return undefined;
    const drop = found.settled.map((number) => ({ direction: 'out' as const, number }));
    const state = recordWith(this.#record, this.#receipt, found.record);
    const committed = this.isOver ? undefined : this.#journal.commit({ state, drop });
    return after(committed, () => {
      this.#watch(this.#receipt, found.record);
      this.#replies = found.record;
      for (const number of found.settled) {
        this.replies.delete(number);
        this.statistics.acknowledged += 1;
        publish(() => ({ event: 'message.acknowledged', ...this.tell.replies, number }));
      }
      return undefined;
    });
  }

  get now(): Instant {
    return this.#settings.clock.now();
  }
  get when(): When {
    return { now: this.now, jitter: this.#settings.random.fraction() };
  }

  /**
   * One step: reduce, append, perform. Runs in the mailbox.
   *
   * @param change what else is to be committed when the message is accepted
   * @param accepted called after the commit, before anything is handed up
   */
  advance(
    event: DestinationEvent,
    change: Omit<SessionChange, 'session' | 'state'> = nothing,
    accepted?: () => void,
    replies: Replies = this.#replies,
  ): Promise<readonly DestinationEffect[]> | readonly DestinationEffect[] {
    if (this.#stopped) return [];
    const [receipt, effects] = destination(this.#receipt, event, this.#assurance);
    const appended = this.#append(receipt, replies, change);
    if (appended === undefined) return this.#stepped(receipt, replies, effects, accepted);
    return appended.then(() => this.#stepped(receipt, replies, effects, accepted));
  }

  /** The second half of a step, once the store has it. */
  #stepped(
    receipt: DestinationState,
    replies: Replies,
    effects: readonly DestinationEffect[],
    accepted: (() => void) | undefined,
  ): readonly DestinationEffect[] {
    this.#watch(receipt, replies);
    this.#receipt = receipt;
    this.#replies = replies;
    if (accepted !== undefined && effects.some(isTaken)) accepted();
    for (const effect of effects) this.#perform(effect);
    this.#rearm();
    return effects;
  }

  /** Makes a step durable, where it is worth a write. */
  #append(
    receipt: DestinationState,
    replies: Replies,
    change: Omit<SessionChange, 'session' | 'state'>,
  ): Promise<void> | undefined {
    if (!this.#journal.isDurable) return undefined;
    if (receipt.phase === 'ended' && !this.isOver) return this.#journal.commit({ end: true });
    if (sameReceipt(this.#receipt, receipt)) return undefined;
    return this.#journal.commit({ state: recordWith(this.#record, receipt, replies), ...change });
  }

  #watch(receipt: DestinationState, { source: next }: Pick<AcceptorRecord, 'source'>): void {
    const { source: replies } = this.#replies;
    if (this.#receipt.phase !== receipt.phase) watchDestination(this.tell.of, this.#receipt, receipt);
    if (replies !== next && replies !== null && next !== null) watchSource(this.tell.of, replies, next);
  }

  #perform(effect: DestinationEffect): void {
    switch (effect.effect) {
      case 'deliver': {
        this.finishing.handedUp(effect.number);
        this.#handing.up(effect.number);
        return;
      }
      case 'discard':
        publish(() => ({ event: 'messages.discarded', ...this.tell.requests, numbers: effect.numbers }));
        for (const number of effect.numbers) this.finishing.release(number, undefined);
        return;
      case 'closed':
        publish(() => ({ event: 'sequence.closed', ...this.tell.requests }));
        return;
      case 'fault': {
        const { fault, text: reason } = effect;
        publish(() => ({ event: 'sequence.faulted', ...this.tell.of, by: 'here', fault, reason }));
        return;
      }
      case 'ended':
        this.#timer.cancel();
        publish(() => {
          const { reason } = effect;
          return { event: 'sequence.terminated', ...this.tell.of, reason, text: `the sequence is over: ${reason}` };
        });
        this.parking.clear();
        this.held.clear();
        this.replies.clear();
        this.#upward.end(effect.reason);
        this.#onEnded();
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

  async #stored(number: number): Promise<Delivery> {
    return withOrigin(delivery(await this.#journal.message('in', number), this.#signal), this.#record.origin);
  }

  #handle(trip: Delivery, number: number): Promise<Delivery | undefined> | Delivery | undefined {
    if (trip.message.action === this.version.actions.lastMessage) return undefined;
    const at = { sequence: this.id, number };
    return this.#receive(trip.with(position, at).with(session, this.#upward).under(this.#signal));
  }

  #rearm(): void {
    this.#timer.set(this.#stopped ? undefined : destinationDue(this.#receipt, this.#assurance));
  }

  #elapse(): void {
    this.serial
      .run(() => this.advance({ kind: 'elapsed', now: this.now }))
      .catch((thrown: unknown) => {
        publish(() => ({ event: 'store.failed', ...this.tell.of, number: null, reason: asError(thrown).message }));
        const { clock } = this.#settings;
        if (!this.#stopped) this.#timer.set(later(clock.now(), storePatience));
      });
  }
}
