/**
 * A client that cannot be connected to, as the service sees it: a duplex channel whose messages wait until they are fetched. It
 * belongs to whoever announced its address; to everybody else it does not exist (attack M16).
 */
import { abortable, deadline } from '../base/signals.ts';
import type { Channel } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { Life } from '../channel/life.ts';
import { ConnectionError } from './errors.ts';
import { Mailbox } from './mailbox.ts';
import { Reception } from './reception.ts';
import type { MakeConnectionSettings } from './settings.ts';

export class WaitingChannel implements Channel {
  readonly side = 'acceptor';
  readonly isDuplex = true;
  readonly replyTo: string;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly life: Life = new Life();
  readonly #settings: MakeConnectionSettings;
  readonly #mailbox: Mailbox;
  readonly #reception: Reception;
  /** Whoever asked and is held until something is there. */
  #held: (() => void) | undefined;
  /** Whoever waits for everything to be fetched. */
  readonly #emptied = new Set<() => void>();
  #isParting = false;
  #closing: Promise<void> | undefined;

  constructor(address: string, settings: MakeConnectionSettings, receive: Carry) {
    this.replyTo = address;
    this.closed = this.life.closed;
    this.#settings = settings;
    this.#mailbox = new Mailbox(settings.maxWaiting);
    const { life } = this;
    const say = async (trip: Delivery) => this.#put(trip);
    this.#reception = new Reception({
      life,
      settings,
      receive,
      say,
      silent: () => this.#silent(),
      refused: () => void this.#turnedAway(),
    });
    this.send = (trip) => this.life.run(trip.signal, async () => this.#put(trip));
    void this.closed.then(() => this.#release());
  }

  get size(): number {
    return this.#mailbox.size;
  }

  async open(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.life.requireOpen();
  }

  /** What is under way is finished, and what waits is fetched, as long as the client comes. */
  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.life.abort(reason);
  }

  /** The client is there. */
  heard(): void {
    this.#reception.heard();
  }

  /** A message of the client. */
  take(trip: Delivery): Promise<void> {
    return this.#reception.take(trip);
  }

  /** The next message that waits. */
  fetch(): Delivery | undefined {
    const next = this.#mailbox.take();
    if (this.size === 0) for (const emptied of this.#emptied) emptied();
    return next;
  }

  /** Settles when there may be something to fetch, when somebody else asks, when `signal` fires, and when the channel ends. */
  async hold(signal: AbortSignal): Promise<void> {
    this.#release();
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = () => resolve();
    this.#held = settle;
    signal.addEventListener('abort', settle, { once: true });
    await promise;
    signal.removeEventListener('abort', settle);
    if (this.#held === settle) this.#held = undefined;
  }

  #release(): void {
    this.#held?.();
  }

  #put(trip: Delivery): undefined {
    this.#mailbox.put(trip);
    this.#release();
    return undefined;
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    await this.life.idle(signal);
    await this.#fetched(signal);
    await this.life.close(signal);
  }

  /** Whoever was not let in may fetch what it was told, and may come again as somebody who is. */
  async #turnedAway(): Promise<void> {
    if (this.#isParting) return;
    this.#isParting = true;
    await this.#fetched(undefined);
    this.#isParting = false;
    if (this.#reception.isStranger) await this.life.close();
  }

  /** Everything has been fetched, or there was time enough for that, or nobody can. */
  async #fetched(signal: AbortSignal | undefined): Promise<void> {
    if (this.size === 0 || !this.life.isOpen) return;
    const { clock, closeTimeout } = this.#settings;
    const late = () => new ConnectionError('CONNECTION_IDLE', 'It did not come.');
    const limit = deadline(clock, closeTimeout, signal, late);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied.add(resolve);
    await abortable(Promise.race([promise, this.closed]), limit.signal).catch(() => undefined);
    this.#emptied.delete(resolve);
    limit.clear();
  }

  #silent(): void {
    const { idleTimeout } = this.#settings;
    const text = `The client was not heard for ${idleTimeout} ms; ${this.size} messages that waited for it are gone.`;
    this.abort(new ConnectionError('CONNECTION_IDLE', text, { transient: true }));
  }
}
