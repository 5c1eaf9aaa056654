/**
 * The connection of a duplex initiator: made again when it breaks, at once and then less and less often. The session goes on
 * over the new one (WCF reopens the connection and asks for an acknowledgement on it).
 */
import { asError, isRefusal, SurewireError } from '../../base/errors.ts';
import { wait } from '../../base/signals.ts';
import type { Channel, ChannelFactory, Template } from '../../channel/channel.ts';
import { type Carry, type ContextKey, type Delivery, initial } from '../../channel/delivery.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { ReliableError } from '../errors.ts';
import { publish } from '../events.ts';
import type { Settings } from '../settings.ts';
import { backOff } from '../transmission.ts';

/** The longest wait between two attempts to connect, in milliseconds. */
const longestWait = 30_000;

export interface LineInit {
  readonly settings: Settings;
  readonly inner: ChannelFactory;
  readonly below: Channel;
  readonly receive: Carry;
  /** Identifier of the session, for diagnostics. */
  readonly session: () => string;
  /** There is a connection; `isFirst` for the first. */
  readonly onUp: (isFirst: boolean) => void;
  /** There is none, and trying again cannot mend that. */
  readonly onGone: (reason: Error) => void;
}

export class Line {
  readonly #init: LineInit;
  readonly #end = new AbortController();
  #below: Channel;
  #isUp = false;
  /** Attempts since the peer was last heard. */
  #attempts = 0;
  #started = false;
  #trouble: Error | undefined;

  constructor(init: LineInit) {
    this.#init = init;
    this.#below = init.below;
  }

  /** Where this end is reached over the connection of the moment. */
  get replyTo(): string | undefined {
    return this.#below.replyTo;
  }

  /** The reference to the token that secures whatever goes over the connection, where there is one. */
  async token(like: Template, signal: AbortSignal): Promise<XmlFragment | undefined> {
    return this.#below.token?.(like, signal);
  }

  /** What the layers below have to offer. */
  readonly offers = <T>(of: ContextKey<T>): T => (this.#below.offers ?? initial)(of);

  /** What went wrong last. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  /** Connects, and stays connected until `close` or `abort`. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#keep();
  }

  /** The peer was heard: the next loss is a new one. */
  heard(): void {
    this.#attempts = 0;
  }

  /** @throws ReliableError `RELIABLE_FAILED` (transient) while there is no connection, and what the channel below says */
  async post(trip: Delivery): Promise<unknown> {
    if (!this.#isUp) {
      throw new ReliableError('RELIABLE_FAILED', 'There is no connection just now.', { transient: true });
    }
    return this.#below.send(trip);
  }

  async close(signal?: AbortSignal): Promise<void> {
    this.#stop();
    await this.#below.close(signal);
  }

  abort(reason: Error): void {
    this.#stop();
    this.#below.abort(reason);
  }

  #stop(): void {
    this.#isUp = false;
    this.#end.abort(new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
  }

  async #keep(): Promise<void> {
    const { settings, inner, receive, onUp, onGone } = this.#init;
    const { clock, random, retryFloor, retryCeiling } = settings;
    let isFirst = true;
    for (let isFresh = true; !this.#end.signal.aborted; isFresh = false) {
      try {
        if (this.#attempts > (isFirst ? 0 : 1)) {
          const ceiling = Math.min(retryCeiling, longestWait);
          const pause = backOff(retryFloor, Math.min(this.#attempts, 20), random.fraction(), ceiling);
          // As a connection would, the hope of one keeps a process alive whose session is open.
          await wait(clock, pause, this.#end.signal, true);
        }
        this.#attempts += 1;
        if (!isFresh) this.#below = inner(receive);
        await this.#below.open(this.#end.signal);
        if (this.#end.signal.aborted) return;
        this.#isUp = true;
        onUp(isFirst);
        isFirst = false;
        const reason = await this.#below.closed;
        this.#isUp = false;
        if (reason !== undefined) this.#tell(reason);
      } catch (thrown) {
        if (this.#end.signal.aborted) return;
        const error = asError(thrown);
        this.#tell(error);
        this.#below.abort(error);
        const isFinal = isRefusal(error) && (isFirst || !error.transient);
        if (isFinal) return onGone(error);
      }
    }
  }

  #tell(error: Error): void {
    this.#trouble = error;
    const { message: reason } = error;
    const code = error instanceof SurewireError ? error.code : error.name;
    const session = this.#init.session();
    publish(() => ({
      event: 'exchange.failed',
      side: 'initiator',
      session,
      about: 'connection',
      number: null,
      code,
      reason,
      isFinal: false,
    }));
  }
}
