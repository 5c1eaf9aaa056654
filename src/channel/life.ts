/**
 * The life of a channel at the bottom: work under way while it is open, a good end that waits for it, a bad end that
 * does not, and `closed`, which settles once. Transports build their channels and listeners on it.
 */
import { abortable, never } from '../base/signals.ts';
import { ChannelError } from './errors.ts';

export class Life {
  /** Settles once when life has ended, with the reason when it ended badly. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly #end: (reason: Error | undefined) => void;
  readonly #cut = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Who waits for work that this life alone may cut off. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  #closing: Promise<void> | undefined;
  #ended = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    this.#end = (reason) => {
      this.#ended = true;
      resolve(reason);
    };
  }

  /** True until the first call of `close` or `abort`. */
  get isOpen(): boolean {
    return this.#closing === undefined && !this.#ended;
  }

  /** False when work was cut off, by `abort` or by the signal of `idle` or `close`. */
  get isWhole(): boolean {
    return !this.#cut.signal.aborted;
  }

  /** @throws ChannelError `CHANNEL_CLOSED`, or the reason of `abort` */
  requireOpen(): void {
    this.#cut.signal.throwIfAborted();
    if (!this.isOpen) throw new ChannelError('CHANNEL_CLOSED', 'The channel is closed. Connect again to send.');
  }

  /** Runs `work` as part of this life: ended by `signal`, by `abort`, and awaited by `close`. */
  async run<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.requireOpen();
    signal.throwIfAborted();
    const mine = signal === never ? this.#uncut(work) : this.#either(signal, work);
    this.#underWay.add(mine);
    try {
      return await mine;
    } finally {
      this.#underWay.delete(mine);
    }
  }

  #either<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#cut.signal]);
    return abortable(work(either), either);
  }

  /** As `abortable`, without a signal and a listener of its own: for each message these cost more than the rest of its way here. */
  #uncut<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#cut;
    const done = work(signal);
    if (signal.aborted) return abortable(done, signal);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      done.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  #cutOff(reason: unknown): void {
    this.#cut.abort(reason);
    for (const reject of this.#waiting) reject(this.#cut.signal.reason);
    this.#waiting.clear();
  }

  /** Waits for what is under way; cuts off what still is when `signal` fires. */
  async idle(signal: AbortSignal = never): Promise<void> {
    const cut = () => this.#cutOff(signal.reason);
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    signal.removeEventListener('abort', cut);
  }

  /** Takes nothing new, waits as `idle` does, then ends well. Idempotent: all calls wait for the same end. */
  close(signal: AbortSignal = never): Promise<void> {
    this.#closing ??= this.idle(signal).then(() => this.#end(undefined));
    return this.#closing;
  }

  /** Cuts everything off and ends with `reason`. After the end it does nothing. */
  abort(reason: Error): void {
    if (this.#ended) return;
    this.#end(reason);
    this.#cutOff(reason);
  }
}
