/**
 * A duplex session, the same at both ends: each sends on one sequence and receives on the other (WCF's
 * ReliableDuplexSessionChannel). It is put together of who listens, speaks, hands up and admits, with one driver between them.
 *
 * Messages go one way at a time over whatever connection there is; acknowledgements wait for a message to ride on, at most
 * for the acknowledgement interval, and go at once when they are asked for, for a duplicate, and when the window is full.
 */
import type { SurewireError } from '../../base/errors.ts';
import type { Side } from '../../channel/channel.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { bufferRemaining, type DestinationState } from '../destination-state.ts';
import { type Outcome, ReliableError, type ReliableErrorCode } from '../errors.ts';
import { publish } from '../events.ts';
import { abortion, type Bare } from '../interpret.ts';
import { outcomeUnder } from '../outcomes.ts';
import { declined } from '../partings.ts';
import { newStatistics, type SessionView, type Statistics } from '../session.ts';
import { type EndReason, type SourceEvent, type SourceState, sourceId, submitted } from '../source-state.ts';
import { Acknowledging } from './acknowledging.ts';
import { Admission } from './admission.ts';
import { Driver } from './driver.ts';
import { Ear } from './ear.ts';
import { Ending } from './ending.ts';
import type { DuplexInit, DuplexState } from './ends.ts';
import type { Hearing } from './hearing.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { SequencePair } from './pair.ts';
import { type Terms, termsOf } from './terms.ts';
import { Voice } from './voice.ts';
import { Waits } from './waits.ts';
import { DuplexWording } from './wording.ts';

export class DuplexSession implements SessionView {
  readonly statistics: Statistics = newStatistics();
  readonly resumed: boolean;
  readonly peerName: () => string;
  readonly #init: DuplexInit;
  readonly #terms: Terms;
  readonly #pair: SequencePair;
  readonly #opened = Promise.withResolvers<void>();
  readonly #inbox: Inbox;
  readonly #voice: Voice;
  readonly #waits: Waits;
  readonly #ending: Ending;
  readonly #driver: Driver;
  readonly #admission: Admission;
  readonly #ear: Ear;
  #declined: SurewireError | undefined;

  constructor(init: DuplexInit, { resumed, peer }: { readonly resumed: boolean; readonly peer: () => string }) {
    const { settings, version } = init;
    const { statistics } = this;
    this.#init = init;
    this.resumed = resumed;
    this.peerName = peer;
    this.#opened.promise.catch(() => undefined);
    const terms = termsOf(init);
    const { assurance } = terms;
    const pair = new SequencePair(init.side, init.state);
    const wording = new DuplexWording({ settings, version, template: init.template, assurance });
    const outbox = new Outbox({ keep: init.keep, statistics, pair });
    const acknowledging = new Acknowledging({
      settings,
      assurance,
      wording,
      pair,
      alone: () => this.#acknowledgeNow(),
      missing: (numbers) => this.#voice.missing(numbers),
    });
    const ending = new Ending({
      init,
      pair,
      outbox,
      waits: () => this.#waits,
      label: () => this.label,
      outcome: (number) => this.outcome(number),
      run: (given) => this.#driver.run(given),
      unopened: (error) => this.#opened.reject(error),
      quiet: () => {
        this.#waits.stop();
        acknowledging.stop();
        this.#inbox.stop();
      },
    });
    const inbox = new Inbox({
      init,
      pair,
      finish: (number, reply, isMark) => this.#admission.finished(number, reply, isMark),
      failed: (thrown) => ending.fail(thrown),
      room: () => (pair.receipt === undefined ? 1 : bufferRemaining(pair.receipt, assurance)),
    });
    const voice = new Voice({
      init,
      wording,
      acknowledging,
      outbox,
      statistics,
      pair,
      end: ending.signal,
      denied: (error, proven) => {
        ending.troubled(error);
        this.#driver.run({ source: [{ kind: 'denied', proven }] });
      },
      declined: (error) => this.declined(error),
    });
    const elapsed = [{ kind: 'elapsed' as const }];
    const waits = new Waits({
      settings,
      terms,
      pair,
      isStopped: () => ending.isStopped,
      end: ending.signal,
      elapsed: () => this.#driver.run({ source: elapsed, receipt: elapsed }),
      acknowledge: (asks) => voice.acknowledge(asks),
    });
    const opened = () => this.#opened.resolve();
    const driver = new Driver({ init, terms, pair, voice, outbox, inbox, waits, ending, peer, opened });
    this.#terms = terms;
    this.#pair = pair;
    this.#inbox = inbox;
    this.#voice = voice;
    this.#waits = waits;
    this.#ending = ending;
    this.#driver = driver;
    this.#admission = new Admission({ init, pair, outbox, acknowledging, driver, ending, statistics });
    this.#ear = new Ear({
      init,
      wording,
      acknowledging,
      statistics,
      pair,
      step: (given, beside) => driver.step(given, beside),
      acknowledge: () => this.#acknowledgeNow(),
      troubled: (trouble) => ending.troubled(trouble),
    });
  }

  get side(): Side {
    return this.#init.side;
  }
  get version(): DuplexInit['version'] {
    return this.#init.version;
  }
  get id(): string {
    return this.#pair.id;
  }
  /** Identifier of the sequence that the acceptor sends on. */
  get offer(): string | undefined {
    return this.#pair.offer;
  }
  get peer(): string {
    return this.peerName();
  }
  get label(): string | undefined {
    return this.#init.side === 'initiator' ? this.#init.settings.label : undefined;
  }
  get submitted(): number {
    return submitted(this.#pair.source);
  }
  get phase(): SourceState['phase'] {
    return this.#pair.source.phase;
  }
  get state(): DuplexState {
    return this.#pair.state;
  }
  get receipt(): DestinationState | undefined {
    return this.#pair.receipt;
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
    return outcomeUnder(this.#pair.source, number, this.#init.behaviour?.());
  }

  /** True when the session outlives its troubles in the store: what goes wrong at this end is never told to the peer. */
  get isKept(): boolean {
    const { phase } = this;
    return this.#terms.policy.givesUp === 'suspend' && phase !== 'none' && phase !== 'creating' && phase !== 'ended';
  }

  /** Posts events of the outside world. */
  post(...events: readonly Bare<SourceEvent>[]): void {
    this.#driver.run({ source: events });
  }

  /** Gives the session up: the peer is told, and handlers that still run are left to themselves. */
  abort(code: ReliableErrorCode, reason: Error): void {
    this.#ending.troubled(reason);
    this.#ending.abandon();
    this.post(abortion(code, reason.message, true));
  }

  /** Creates the sequence, or takes up what the store kept. */
  async start(kind: 'open' | 'resumed' | 'accepted'): Promise<void> {
    const driver = this.#driver;
    await driver.enter(async () => {
      if (kind === 'open') await driver.step({ source: [{ kind: 'open' }] });
      else if (kind === 'resumed') {
        publish(() => ({ event: 'session.resumed', ...this.#pair.tell.of, submitted: this.submitted }));
        if (sourceId(this.#pair.source) !== undefined || this.phase === 'ended') this.#opened.resolve();
        await driver.step({ source: [{ kind: 'resumed' }], receipt: [{ kind: 'resumed' }] });
        if (this.side === 'initiator') this.#waits.greet();
      } else {
        await this.#init.keep.save(this.state, {});
        this.#waits.rearm();
      }
    });
  }

  /** The peer has accepted the offer `receipt` and named the sequence to send on. */
  async created(named: { readonly id: string; readonly life?: number }, receipt: DestinationState): Promise<void> {
    const driver = this.#driver;
    await driver.enter(async () => {
      if (this.phase !== 'creating') return;
      this.#pair.created(named.id, receipt);
      await driver.step({ source: [{ kind: 'created', ...named }] });
    });
  }

  /** The sequence cannot be asked for, or is refused in words that nobody proved: the source says whether it is asked for again. */
  declined(error: SurewireError): void {
    // Copies that waited for one answer of the layers below were refused once.
    if (error === this.#declined) return;
    this.#declined = error;
    const driver = this.#driver;
    this.#ending.troubled(error);
    driver.attempt(async () => {
      if (this.phase === 'creating') await driver.step({ source: [declined(error)] });
    });
  }

  /** Settles when `trip` is acknowledged. */
  send(trip: Delivery): Promise<undefined> {
    return this.#admission.send(trip);
  }

  /** Settles when everything that was sent so far has its number. */
  numbered(): Promise<void> {
    return this.#admission.numbered();
  }

  /** Nothing is under way up any more. */
  async idle(): Promise<void> {
    await this.#inbox.idle();
    await this.#driver.idle();
  }

  async suspend(
    why: ReliableError = new ReliableError('RELIABLE_SUSPENDED', 'The session was suspended; open it again to go on.'),
  ): Promise<void> {
    this.#ending.halt(why);
    await this.#driver.idle();
  }

  /** There is another connection: the peer is to learn of it, and what was under way is sent again. */
  reconnected(): void {
    const driver = this.#driver;
    driver.attempt(async () => {
      if (this.#ending.isStopped) return;
      await driver.step({ source: [{ kind: 'resumed' }] });
      this.#waits.greet();
    });
  }

  /**
   * What the peer of this session says. The caller has made sure that it is the peer.
   *
   * @returns what is to be said in answer, on the connection that it came over
   * @throws ReliableError with the fault to answer
   */
  async hear(trip: Delivery, heard: Hearing): Promise<Delivery | undefined> {
    return this.#driver.enter(() => {
      if (this.#ending.isStopped) return undefined;
      this.#waits.heard();
      return this.#ear.hear(trip, heard);
    });
  }

  /** Why the session ended; `undefined` when it did in good order. */
  errorOf(reason: EndReason): ReliableError | undefined {
    return this.#ending.errorOf(reason);
  }

  #acknowledgeNow(): void {
    if (this.receipt === undefined || this.#ending.isStopped) return;
    this.#voice.acknowledge();
  }
}
