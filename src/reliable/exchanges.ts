/**
 * The exchanges of one session at the initiator, beside the mailbox of its driver: composes and sends what goes to the peer, and
 * makes events for the driver of what comes of it, be that an answer, an empty one or a failure.
 */
import { asError, SurewireError } from '../base/errors.ts';
import type { Serial } from '../base/serial.ts';
import type { Template } from '../channel/channel.ts';
import { type Delivery, delivery } from '../channel/delivery.ts';
import { addressingOf } from '../soap/addressing.ts';
import { denialOf } from '../soap/denial.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { Asking } from './asking.ts';
import { type About, Composer, type Control } from './composer.ts';
import type { DestinationState } from './destination-state.ts';
import { type Outcome, ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { type Bare, interpret, type Reply, type Said } from './interpret.ts';
import type { Keeper } from './keeper.ts';
import type { Narration } from './narration.ts';
import type { Outbox } from './outbox.ts';
import { declined } from './partings.ts';
import type { InitiatorRecord } from './record.ts';
import type { Statistics } from './session.ts';
import type { Settings } from './settings.ts';
import { Silences } from './silences.ts';
import type { SourceEffect, SourceEvent, SourceState } from './source-state.ts';
import { resendCause } from './watch.ts';
import type { Way } from './way.ts';

/** What a step folds: events of the source, and with them a reply. */
export interface Given {
  readonly source: readonly Bare<SourceEvent>[];
  readonly reply?: Reply['event'] | undefined;
}

/** The answer that created the sequence. */
export type Created = Extract<Said, { readonly kind: 'created' }>;

/** What the exchanges know of their session, and what they bring about in it. */
export interface Driver {
  readonly id: string;
  readonly source: SourceState;
  /** What came on the sequence for replies, where there is one. */
  readonly replies: DestinationState | undefined;
  readonly statistics: Statistics;
  /** The mailbox: answers are understood there. */
  readonly serial: Serial;
  /** What the last exchange came to, until one comes to something better. */
  trouble: Error | undefined;
  outcome(number: number): Outcome;
  /** Posts an event, which may count in one phase only. */
  post(event: Bare<SourceEvent>, only?: SourceState['phase']): void;
  /** One step, in the mailbox. */
  advance(given: Given): Promise<void> | undefined;
  /** The peer created the sequence; in the mailbox. */
  created(said: Created, answer: Delivery): Promise<void> | undefined;
  /** An exchange came to what sending again cannot mend. */
  failed(error: Error): void;
}

interface ExchangesInit {
  readonly settings: Settings;
  readonly way: Way;
  readonly keeper: Keeper;
  readonly outbox: Outbox;
  readonly tell: Narration;
  readonly driver: Driver;
}

/** The phases in which something is asked until it is answered. */
const phases = { create: 'creating', close: 'closing', terminate: 'terminating' } as const;

/** How many times the patience with the first answer an open CreateSequence is waited for: ten seconds, as WCF has it. */
const openPatience = 5;

export class Exchanges {
  readonly #settings: Settings;
  readonly #way: Way;
  readonly #keeper: Keeper;
  readonly #outbox: Outbox;
  readonly #tell: Narration;
  readonly #driver: Driver;
  readonly #end = new AbortController();
  readonly #silences = new Silences((number) => {
    if (this.#driver.outcome(number) !== 'acknowledged') this.#driver.post({ kind: 'refused', number, empty: true });
  });
  readonly #asking: Readonly<Record<keyof typeof phases, Asking>>;
  #compose: Composer | undefined;
  #template: Template | undefined;
  #lastWord: Promise<unknown> = Promise.resolve();

  constructor(init: ExchangesInit) {
    this.#settings = init.settings;
    this.#way = init.way;
    this.#keeper = init.keeper;
    this.#outbox = init.outbox;
    this.#tell = init.tell;
    this.#driver = init.driver;
    this.#asking = {
      create: new Asking(openPatience * init.settings.firstPatience),
      close: new Asking(0),
      terminate: new Asking(0),
    };
  }

  /** True once it can be asked and answered. */
  get isComposed(): boolean {
    return this.#compose !== undefined;
  }

  /** Settles when the fault that was sent last, if any, has come to something. */
  get lastWord(): Promise<unknown> {
    return this.#lastWord;
  }

  /** From now on messages can be composed. */
  begin(template: Template, record: InitiatorRecord): void {
    this.#template = template;
    this.#compose = new Composer(this.#settings, template, record);
  }

  /** Gives up what is open; whatever still comes of it counts no more. */
  end(reason: Error): void {
    this.#end.abort(reason);
  }

  /** Sends a protocol message; what is asked until it is answered, only while its phase lasts. */
  control(effect: Control): void {
    if (effect.effect === 'poll') void this.#control(effect);
    else {
      this.#asking[effect.effect].ask(
        () => this.#settings.clock.now(),
        () => (this.#driver.source.phase === phases[effect.effect] ? this.#control(effect) : Promise.resolve()),
      );
    }
  }

  #control(effect: Control): Promise<void> {
    const { replies } = this.#driver;
    this.#tell.control(effect);
    if (effect.effect !== 'create') this.#tell.repliesAcknowledged(replies, effect.effect !== 'poll');
    return this.#exchange({ kind: effect.effect }, async () => {
      // Asked for anew with each attempt: a context that was lost meanwhile is another.
      const token = effect.effect === 'create' ? await this.#token() : undefined;
      return this.#composed().control(effect, this.#driver.id, this.#driver.replies, token);
    });
  }

  /** Tells the peer what it did wrong. */
  fault(effect: Extract<SourceEffect, { readonly effect: 'fault' }>): void {
    // Later than what else the step brings: the peer must not have heard before this end has told.
    const message = async () => this.#composed().fault(effect, this.#driver.id, this.#driver.replies);
    this.#lastWord = this.#exchange({ kind: 'fault' }, message);
  }

  /**
   * Sends a message, for the first time or again.
   *
   * @param after what brought the step that sends it
   */
  transmit(effect: Extract<SourceEffect, { readonly effect: 'transmit' }>, after: SourceEvent['kind']): void {
    const { number, attempt, last, asks = false } = effect;
    this.#driver.statistics[attempt === 1 ? 'sent' : 'resent'] += 1;
    publish(() =>
      attempt === 1
        ? { event: 'message.sent', ...this.#tell.requests, number, attempt }
        : { event: 'message.resent', ...this.#tell.requests, number, attempt, cause: resendCause(after) },
    );
    if (asks) publish(() => ({ event: 'acknowledgement.requested', ...this.#tell.requests }));
    this.#tell.repliesAcknowledged(this.#driver.replies, false);
    const about: About = { kind: 'message', number, last };
    void this.#exchange(about, () => {
      if (last) return this.#composed().lastMessage(this.#driver.id, number, this.#driver.replies);
      const trip = this.#outbox.message(number);
      if (trip !== undefined) return this.#sequenced(trip, number, asks);
      return this.#stored(number).then((stored) => this.#sequenced(stored, number, asks));
    });
  }

  #sequenced(trip: Delivery, number: number, asks: boolean): Delivery {
    const { id, replies } = this.#driver;
    return trip.carrying(this.#composed().sequenced(trip.message, id, number, replies, asks));
  }

  async #stored(number: number): Promise<Delivery> {
    const trip = delivery(await this.#keeper.message(number));
    this.#outbox.keep(number, trip);
    return trip;
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
    this.#driver.trouble = error;
    const known = error instanceof SurewireError ? error : undefined;
    // An answer that cannot be the peer's proves nothing once there is a session: a proxy's page, or a forgery.
    const isFinal = known?.transient !== true && (known?.refusal !== true || about.kind === 'create');
    this.#tell.trouble(about, error, isFinal && !this.#mayBeAnswered(about));
    if (about.kind === 'create' && known?.transient === true && known.refusal) {
      this.#conclude(about, () => this.#driver.post(declined(known), 'creating'));
    } else if (!isFinal) {
      const denial = denialOf(error);
      if (denial !== undefined) this.#driver.post({ kind: 'denied', proven: denial === 'proven' });
      else if (about.kind === 'message') this.#driver.post({ kind: 'refused', number: about.number, empty: false });
    } else this.#conclude(about, () => this.#driver.failed(error));
  }

  /** An exchange came to what ends the session; of what is asked again and again, only while it is asked. */
  #conclude(about: About, ending: () => void): void {
    if (!isRepeated(about)) ending();
    else {
      this.#asking[about.kind].end(() => {
        if (this.#driver.source.phase === phases[about.kind]) ending();
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
    if (about.kind === 'poll') this.#driver.post({ kind: 'poll-emptied' });
    // 2005/02: TerminateSequence is one-way; and gSOAP answers a repeated one so, of either version. It has come.
    else if (about.kind === 'terminate') this.#driver.post({ kind: 'terminate-answered' });
    else if (about.kind === 'message') this.#silences.add(about.number, this.#way.turn);
  }

  /** Reads an answer; what is not the peer's, or cannot be read, counts as lost. */
  hear(about: About, answer: Delivery): Promise<void> | undefined {
    if (about.kind === 'fault') return undefined;
    const heard = this.#driver.serial.enter(() => this.#understand(about, answer));
    return heard instanceof Promise ? heard : undefined;
  }

  #understand(about: About, answer: Delivery): Promise<void> | undefined {
    const { record } = this.#keeper;
    const { id, source, replies } = this.#driver;
    const { phase } = source;
    if (this.#end.signal.aborted || record === undefined) return undefined;
    // A late answer to a repeated CreateSequence says nothing that matters to a session that exists.
    if (about.kind === 'create' && phase !== 'creating') return undefined;
    const request = about.kind === 'message' ? this.#outbox.message(about.number)?.message : undefined;
    const said = interpret(about, answer, {
      version: this.#settings.version,
      record,
      id,
      phase,
      messageId: request === undefined ? undefined : addressingOf(request)?.messageId,
      replies,
      flowControl: this.#settings.flowControlEnabled,
    });
    switch (said.kind) {
      case 'lost':
        this.#troubled(about, said.trouble);
        return undefined;
      case 'refused':
        this.#driver.trouble = said.trouble ?? this.#driver.trouble;
        this.#tell.faulted(said.fault);
        if (!this.#mayBeAnswered(about) || !said.source.some(({ kind }) => kind === 'abort')) {
          return this.#driver.advance({ source: said.source });
        }
        this.#conclude(about, () => void this.#driver.serial.run(() => this.#driver.advance({ source: said.source })));
        return undefined;
      case 'created':
        return this.#driver.created(said, answer);
      case 'heard':
        return this.#heard(about, said);
      default:
        return said satisfies never;
    }
  }

  #heard(about: About, said: Extract<Said, { readonly kind: 'heard' }>): Promise<void> | undefined {
    const { reply } = said;
    this.#driver.trouble = undefined;
    if (about.kind !== 'message' || reply === undefined) return this.#driver.advance({ source: said.source });
    const { number } = about;
    this.#driver.statistics[reply.isNew ? 'delivered' : 'duplicates'] += 1;
    if (reply.isNew) this.#outbox.answer(number, reply.trip);
    const advanced = this.#driver.advance({ source: said.source, reply: reply.event });
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
}

function isRepeated(about: About): about is About & { readonly kind: keyof typeof phases } {
  return about.kind === 'create' || about.kind === 'close' || about.kind === 'terminate';
}
