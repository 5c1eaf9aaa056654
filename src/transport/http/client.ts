/** The initiator channel of HTTP: every send is one POST, and the answer of the POST is its value. */
import { Alarm } from '../../base/alarm.ts';
import { type Instant, later } from '../../base/clock.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import { never } from '../../base/signals.ts';
import { Watch } from '../../base/watch.ts';
import type { Channel, ChannelFactory } from '../../channel/channel.ts';
import { type Delivery, delivery as newDelivery } from '../../channel/delivery.ts';
import { peer } from '../../channel/transport.ts';
import { encode } from '../../soap/codec.ts';
import { placeOf } from '../address.ts';
import { TransportError } from '../errors.ts';
import { refusal } from '../proxy.ts';
import { messageOf } from './answer.ts';
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
  readonly closed: Promise<Error | undefined>;
  readonly #place: string;
  readonly #path: string;
  readonly #proxyHeaders: Readonly<Record<string, string>> | undefined;
  readonly #settings: ClientSettings;
  readonly #pool: Pool;
  readonly #release: () => Promise<void>;
  readonly #settle: (reason: Error | undefined) => void;
  /** Exchanges without an answer and when they are given up: the oldest first, as all may take as long. */
  readonly #underway = new Map<Exchange, Instant>();
  readonly #alarm: Alarm;
  readonly #watch = new Watch();
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

  readonly send = async (delivery: Delivery): Promise<Delivery | undefined> => {
    if (this.#phase !== 'open') throw this.#isClosed();
    const { message, signal } = delivery;
    signal.throwIfAborted();
    const { contentType, headers, body } = encode(message);
    const exchange = new Exchange(
      {
        path: this.#path,
        headers: { 'content-type': contentType, 'accept-encoding': 'identity', ...headers, ...this.#proxyHeaders },
        body,
      },
      this.#place,
      this.#settings.maxReceivedMessageSize,
    );
    publish(() => ({ event: 'request.sent', place: this.#place, action: message.action, octets: body.length }));
    try {
      const answer = await this.#perform(exchange, signal);
      publish(() => ({
        event: 'response.received',
        place: this.#place,
        status: answer.status,
        octets: answer.body.length,
      }));
      if (answer.status === 407 && this.#settings.proxy !== undefined) throw refusal(this.#settings.proxy, 407);
      const reply = messageOf(answer, this.#place, this.#settings.quotas);
      return reply === undefined ? undefined : newDelivery(reply, signal).with(peer, answer.peer);
    } catch (error) {
      publish(() => ({ event: 'request.failed', place: this.#place, action: message.action, error }));
      throw error;
    }
  };

  /** Lets what is under way finish; when `signal` fires, gives it up. */
  async close(signal: AbortSignal = never): Promise<void> {
    if (this.#phase === 'open') {
      this.#phase = 'closing';
      const onAbort = () => this.#giveUp(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.allSettled([...this.#underway.keys()].map((exchange) => exchange.answer));
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

  async #perform(exchange: Exchange, signal: AbortSignal): Promise<Answer> {
    const { clock, sendTimeout } = this.#settings;
    const due = later(clock.now(), sendTimeout);
    if (this.#underway.size === 0) this.#alarm.set(due);
    this.#underway.set(exchange, due);
    this.#watch.add(signal, exchange);
    this.#pool.run(exchange);
    try {
      return await exchange.answer;
    } finally {
      this.#underway.delete(exchange);
      if (this.#underway.size === 0) this.#alarm.cancel();
      this.#watch.remove(signal, exchange);
    }
  }

  /** The time of the oldest exchange may be over. */
  #ring(): void {
    const now = this.#settings.clock.now();
    for (const [exchange, due] of this.#underway) {
      if (due > now) {
        this.#alarm.set(due);
        return;
      }
      exchange.giveUp(this.#late());
    }
  }

  #giveUp(reason: unknown): void {
    for (const exchange of this.#underway.keys()) exchange.giveUp(reason);
  }

  async #end(reason: Error | undefined): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#alarm.cancel();
    this.#watch.end();
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
