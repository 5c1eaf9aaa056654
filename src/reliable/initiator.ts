/**
 * A session at the initiator as a channel: opens and closes it, and lets messages in, in the order of the calls, as far as there is
 * room; what becomes of them is in `steps.ts`.
 *
 * Below is a request-reply channel: each transmission is an exchange of its own, and its answer brings the reply, the
 * acknowledgement or a fault (WCF's ReliableRequestSessionChannel). An empty answer means: not taken, come again.
 */
import { asError } from '../base/errors.ts';
import { Serial } from '../base/serial.ts';
import { abortable, deadline, never } from '../base/signals.ts';
import type { Channel, ChannelFactory, Template } from '../channel/channel.ts';
import { expectsReply } from '../channel/correlation.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { addressingOf } from '../soap/addressing.ts';
import { type Outcome, ReliableError, type ReliableErrorCode } from './errors.ts';
import { abortion } from './interpret.ts';
import type { Waiting } from './outbox.ts';
import { onOutcome } from './outcomes.ts';
import { adviceFor } from './partings.ts';
import type { SessionView, Statistics } from './session.ts';
import type { Settings } from './settings.ts';
import { unsettled } from './source-state.ts';
import { Steps } from './steps.ts';
import { Way } from './way.ts';

export class Initiator implements Channel, SessionView {
  readonly side = 'initiator';
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly offers: NonNullable<Channel['offers']>;
  readonly statistics: Statistics;
  readonly #settings: Settings;
  readonly #way: Way;
  readonly #steps: Steps;
  /** Sends that have no number yet. */
  readonly #entering = new Set<Promise<void>>();
  readonly #admission = new Serial();
  readonly #room: (() => void)[] = [];
  #opening: Promise<void> | undefined;
  #isOpen = false;
  /** `close` was called: what is sent now is not part of what it closes. */
  #isClosing = false;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, inner: ChannelFactory, below: Channel, inUse: Set<string>) {
    this.#settings = settings;
    this.#way = new Way(inner, below, (trip) => this.receive(trip));
    this.#steps = new Steps(settings, this.#way, inUse, () => {
      if (this.#room.length > 0) for (const wake of this.#room.splice(0)) wake();
    });
    this.statistics = this.#steps.statistics;
    this.closed = this.#steps.closed;
    this.offers = this.#way.offers;
    // What goes wrong at once rejects too.
    this.send = (trip) => {
      try {
        return this.#send(trip);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    };
  }

  get id(): string {
    return this.#steps.id;
  }
  get version(): Settings['version'] {
    return this.#settings.version;
  }
  get peer(): string {
    return this.#steps.peer;
  }
  get label(): string | undefined {
    return this.#settings.label;
  }
  get resumed(): boolean {
    return this.#steps.resumed;
  }
  get submitted(): number {
    return this.#steps.submitted;
  }

  outcome(number: number): Outcome {
    return this.#steps.outcome(number);
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
    this.#isClosing = true;
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#steps.trouble = reason;
    this.#steps.post({ kind: 'abort', reason: { code: 'RELIABLE_ABORTED', text: reason.message }, tell: true });
  }

  async suspend(): Promise<void> {
    await this.#steps.serial.run(() => {
      this.#closing ??= Promise.resolve();
      this.#steps.halt(new ReliableError('RELIABLE_SUSPENDED', 'The session was suspended; open it again to go on.'));
    });
  }

  /** What comes up unasked: acknowledgements and faults about the sequence. */
  readonly receive: Carry = async (trip) => {
    const { exchanges } = this.#steps;
    if (exchanges.isComposed) await exchanges.hear({ kind: 'unasked' }, trip);
    return undefined;
  };

  #send(trip: Delivery): Promise<Delivery | undefined> {
    if (this.#isClosing && !this.#isOver)
      throw new ReliableError('RELIABLE_CLOSED', 'The session is being closed. Open another one.');
    const { promise, resolve, reject } = Promise.withResolvers<Delivery | undefined>();
    const waiting = { resolve, reject, hear: trip.get(onOutcome) };
    if (this.#isFree && !trip.signal.aborted) {
      const submitted = this.#steps.serial.enter(() => this.#submit(trip, waiting));
      return submitted === undefined ? abortable(promise, trip.signal) : this.#entered(submitted, promise, trip.signal);
    }
    return this.#entered(this.#enter(trip, waiting), promise, trip.signal);
  }

  /** It has ended or stands still, and says so better. */
  get #isOver(): boolean {
    return this.#steps.source.phase === 'ended' || this.#steps.standstill !== undefined;
  }

  /** True when a message may get its number at once: the session stands, there is room, and nobody is before it. */
  get #isFree(): boolean {
    return (
      this.#isOpen &&
      this.#entering.size === 0 &&
      this.#admission.isIdle &&
      this.#steps.serial.isIdle &&
      unsettled(this.#steps.source) < this.#settings.maxUnsettled
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
    while (unsettled(this.#steps.source) >= this.#settings.maxUnsettled) {
      await abortable(new Promise<void>((resolve) => this.#room.push(resolve)), trip.signal);
    }
    trip.signal.throwIfAborted();
    await this.#steps.serial.run(() => this.#submit(trip, waiting));
  }

  #submit(trip: Delivery, waiting: Waiting): Promise<void> | undefined {
    const expects = trip.get(expectsReply) && !this.#settings.oneWay ? 'reply' : 'acknowledgement';
    return this.#steps.advance({ source: [{ kind: 'submit', expects }] }, { trip, waiting });
  }

  #start(template: Template, signal: AbortSignal | undefined): Promise<void> {
    this.#opening ??= this.#create(template);
    return signal === undefined ? this.#opening : abortable(this.#opening, signal);
  }

  async #create(template: Template): Promise<void> {
    const { clock, openTimeout } = this.#settings;
    const limit = deadline(clock, openTimeout, undefined, () => this.#tooLong());
    try {
      await this.#way.open(limit.signal);
      await this.#steps.serial.run(() => this.#steps.begin(template));
      await abortable(this.#steps.opened, limit.signal);
    } catch (thrown) {
      const error = asError(thrown);
      if (this.#steps.source.phase !== 'ended') {
        this.#steps.trouble ??= error;
        const code: ReliableErrorCode = error instanceof ReliableError ? error.code : 'RELIABLE_FAILED';
        await this.#steps.serial.run(() => this.#steps.advance({ source: [abortion(code, error.message, false)] }));
      }
      throw error;
    } finally {
      limit.clear();
    }
    await this.#settings.onSession?.(this);
    this.#isOpen = true;
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    if (this.#opening === undefined) {
      this.#opening = Promise.reject(new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
      this.#opening.catch(() => undefined);
      await this.#way.close(signal);
      this.#steps.unopened();
      return;
    }
    // Opening has a time limit of its own; only the caller may cut it short.
    await abortable(this.#opening, signal ?? never).catch(() => undefined);
    if (this.#steps.standstill !== undefined) throw this.#steps.standstill;
    if (this.#steps.source.phase === 'ended') return;
    const { clock, closeTimeout } = this.#settings;
    const text = `The session could not be ended in good order within ${closeTimeout} ms.`;
    const limit = deadline(clock, closeTimeout, signal, () => new ReliableError('RELIABLE_CLOSE_TIMEOUT', text));
    try {
      // What was sent before belongs to the session.
      await abortable(Promise.allSettled([...this.#entering]), limit.signal);
      this.#steps.post({ kind: 'close' });
      const reason = await abortable(this.closed, limit.signal);
      if (reason !== undefined) throw reason;
    } catch (thrown) {
      const error = asError(thrown);
      if (this.#steps.standstill !== undefined) throw this.#steps.standstill;
      const code = error instanceof ReliableError ? error.code : 'RELIABLE_ABORTED';
      // Every message is settled by then; a peer that does not answer TerminateSequence spoils nothing.
      const settled = this.#steps.source.phase === 'terminating';
      if (!settled && this.#steps.isKept) {
        const kept = new ReliableError(code, `${error.message} ${adviceFor(this.label)}`, {
          cause: error,
          transient: true,
        });
        await this.#steps.serial.run(() => this.#steps.halt(kept));
        throw kept;
      }
      const event = settled ? ({ kind: 'terminate-answered' } as const) : abortion(code, error.message, true);
      await this.#steps.serial.run(() => this.#steps.advance({ source: [event] }));
      if (settled && (await this.closed) === undefined) return;
      throw error;
    } finally {
      limit.clear();
    }
  }

  #tooLong(): ReliableError {
    const text = `No sequence was created within ${this.#settings.openTimeout} ms.`;
    return new ReliableError('RELIABLE_OPEN_TIMEOUT', text, { transient: true, cause: this.#steps.trouble });
  }
}
