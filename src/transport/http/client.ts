/** The initiator channel of HTTP: every send is one POST, and the answer of the POST is its value. */
import { Alarm } from '../../base/alarm.ts';
import { type Instant, later } from '../../base/clock.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import { never } from '../../base/signals.ts';
import { Watch } from '../../base/watch.ts';
import type { Channel, ChannelFactory } from '../../channel/channel.ts';
import { type Delivery, delivery as newDelivery } from '../../channel/delivery.ts';
import { peer } from '../../channel/transport.ts';
import { type Encoded, encode } from '../../soap/codec.ts';
import { placeOf } from '../address.ts';
import { TransportError } from '../errors.ts';
import { refusal } from '../proxy.ts';
import { messageOf } from './answer.ts';
import { eventLoop } from './event-loop.ts';
import { type Answer, Exchange } from './exchange.ts';
import type { Pool, Pools } from './pool.ts';
import type { ClientSettings } from './settings.ts';

const publish = diagnostics('transport');

/** A factory of channels to `to`. HTTP has no back channel: the up-arrow it is given never hears anything. */
export function initiator(to: URL, pools: Pools, settings: ClientSettings): ChannelFactory {
  return () => new HttpChannel(to, pools, settings);
}

class HttpChannel implements Channel {
  readonly side = 'initiator';
  readonly turn = eventLoop;
  readonly closed: Promise<Error | undefined>;
  readonly #place: string;
  readonly #path: string;
  readonly #proxyHeaders: Readonly<Record<string, string>> | undefined;
  readonly #settings: ClientSettings;
  readonly #pool: Pool;
  readonly #release: () => Promise<void>;
  readonly #settle: (reason: Error | undefined) => void;
  /** Exchanges without an answer. */
  readonly #underway = new Watch<Exchange>();
  readonly #alarm: Alarm;
  #lastHeaders: (Omit<Encoded, 'body'> & { readonly all: Readonly<Record<string, string>> }) | undefined;
  #phase: 'open' | 'closing' | 'closed' = 'open';

  constructor(to: URL, pools: Pools, settings: ClientSettings) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    const { pool, release } = pools.take(to);
    const forwarded = settings.proxy !== undefined && to.protocol === 'http:';
    const authorization = forwarded ? settings.proxy?.authorization : undefined;
    this.closed = promise;
    this.#settle = resolve;
    this.#place = placeOf(to);
    this.#path = forwarded ? `${placeOf(to)}${to.search}` : `${to.pathname}${to.search}`;
    this.#proxyHeaders = authorization === undefined ? undefined : { 'proxy-authorization': authorization };
    this.#settings = settings;
    this.#alarm = new Alarm(settings.clock, () => this.#ring());
    this.#pool = pool;
    this.#release = release;
  }

  /** Connects nothing: a connection is made when the first message needs it. */
  async open(): Promise<void> {
    if (this.#phase !== 'open') throw this.#isClosed();
  }

  readonly send = (delivery: Delivery): Promise<Delivery | undefined> => {
    try {
      return this.#post(delivery);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };

  /** Without an async function: one promise more is what a message waits for, not three. */
  #post({ message, signal }: Delivery): Promise<Delivery | undefined> {
    if (this.#phase !== 'open') throw this.#isClosed();
    signal.throwIfAborted();
    const encoded = encode(message);
    const question = { path: this.#path, headers: this.#headersOf(encoded), body: encoded.body };
    const exchange = new Exchange(question, this.#place, this.#settings.maxReceivedMessageSize);
    const { length: octets } = encoded.body;
    publish(() => ({ event: 'request.sent', place: this.#place, action: message.action, octets }));
    const failed = (error: unknown): never => {
      publish(() => ({ event: 'request.failed', place: this.#place, action: message.action, error }));
      throw error;
    };
    this.#enter(exchange, signal);
    this.#pool.run(exchange);
    return exchange.answer.then(
      (answer) => {
        this.#leave(exchange, signal);
        try {
          return this.#replyIn(answer, signal);
        } catch (error) {
          return failed(error);
        }
      },
      (error: unknown) => {
        this.#leave(exchange, signal);
        return failed(error);
      },
    );
  }

  #replyIn(answer: Answer, signal: AbortSignal): Delivery | undefined {
    const { status } = answer;
    publish(() => ({ event: 'response.received', place: this.#place, status, octets: answer.body.length }));
    if (status === 407 && this.#settings.proxy !== undefined) throw refusal(this.#settings.proxy, 407);
    const reply = messageOf(answer, this.#place, this.#settings.quotas);
    return reply === undefined ? undefined : newDelivery(reply, signal).with(peer, answer.peer);
  }

  /** The same object for messages of one kind, as nearly all are. */
  #headersOf({ contentType, headers }: Encoded): Readonly<Record<string, string>> {
    const last = this.#lastHeaders;
    if (last?.contentType === contentType && last.headers === headers) return last.all;
    const all = { 'content-type': contentType, 'accept-encoding': 'identity', ...headers, ...this.#proxyHeaders };
    this.#lastHeaders = { contentType, headers, all };
    return all;
  }

  /** Lets what is under way finish; when `signal` fires, gives it up. */
  async close(signal: AbortSignal = never): Promise<void> {
    if (this.#phase === 'open') {
      this.#phase = 'closing';
      const onAbort = () => this.#giveUp(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.allSettled([...this.#underway.all()].map((exchange) => exchange.answer));
      signal.removeEventListener('abort', onAbort);
      await this.#end(undefined);
    }
    await this.closed;
  }

  abort(reason: Error): void {
    if (this.#phase === 'closed') return;
    this.#giveUp(reason);
    void this.#end(reason);
  }

  #enter(exchange: Exchange, signal: AbortSignal): void {
    const { clock, sendTimeout } = this.#settings;
    exchange.due = later(clock.now(), sendTimeout);
    // All may take as long: the first of them is due first.
    if (this.#underway.size === 0) this.#alarm.set(exchange.due);
    this.#underway.add(signal, exchange);
  }

  #leave(exchange: Exchange, signal: AbortSignal): void {
    this.#underway.remove(signal, exchange);
    if (this.#underway.size === 0) this.#alarm.cancel();
  }

  /** The time of the oldest exchange may be over. */
  #ring(): void {
    const now = this.#settings.clock.now();
    let next: Instant | undefined;
    for (const exchange of this.#underway.all()) {
      if (exchange.due <= now) exchange.giveUp(this.#late());
      else if (next === undefined || exchange.due < next) next = exchange.due;
    }
    this.#alarm.set(next);
  }

  #giveUp(reason: unknown): void {
    for (const exchange of [...this.#underway.all()]) exchange.giveUp(reason);
  }

  async #end(reason: Error | undefined): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#alarm.cancel();
    this.#underway.end();
    await this.#release();
    this.#settle(reason);
  }

  #late(): TransportError {
    return new TransportError(
      'TRANSPORT_TIMEOUT',
      `No complete answer of ${this.#place} within ${this.#settings.sendTimeout} ms. The service may have got the message; send it again only if that does no harm, or raise sendTimeout.`,
      { transient: true },
    );
  }

  #isClosed(): TransportError {
    return new TransportError('TRANSPORT_CLOSED', `The channel to ${this.#place} was closed. Make another.`);
  }
}
