/**
 * The connections to one origin: kept alive, used again last-in first-out so that spare ones can time out, never more
 * than allowed; exchanges beyond that wait in line. Each connection carries one exchange at a time (no pipelining: a
 * lost connection then breaks exactly one) and remembers what TLS proved when it was made.
 */
import { Client } from 'undici';
import type { Clock } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import type { Peer } from '../../channel/transport.ts';
import { dial, type Route } from '../dial.ts';
import type { TransportError } from '../errors.ts';
import { failureOf } from '../failure.ts';
import { peerOf } from '../tls.ts';
import type { Carrier, Exchange } from './exchange.ts';

export interface PoolOptions {
  readonly connections: number;
  /** Milliseconds, like the others. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly idleTimeout: number;
}

/** One pool an origin, shared by the channels to it, closed with the last of them. */
export class Pools {
  readonly #make: (to: URL) => Pool;
  readonly #byOrigin = new Map<string, { readonly pool: Pool; users: number }>();

  constructor(make: (to: URL) => Pool) {
    this.#make = make;
  }

  /** The pool for `to`, and what gives it back. */
  take(to: URL): { readonly pool: Pool; readonly release: () => Promise<void> } {
    const { origin } = to;
    const entry = this.#byOrigin.get(origin) ?? { pool: this.#make(to), users: 0 };
    this.#byOrigin.set(origin, entry);
    entry.users += 1;
    return {
      pool: entry.pool,
      release: async () => {
        entry.users -= 1;
        if (entry.users > 0) return;
        this.#byOrigin.delete(origin);
        await entry.pool.close();
      },
    };
  }
}

export class Pool {
  readonly #origin: string;
  readonly #route: Route;
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #all: Connection[] = [];
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];

  constructor(origin: string, route: Route, options: PoolOptions, clock: Clock) {
    this.#origin = origin;
    this.#route = route;
    this.#options = options;
    this.#clock = clock;
  }

  run(exchange: Exchange): void {
    const connection = this.#idle.pop() ?? this.#another();
    if (connection === undefined) this.#waiting.push(exchange);
    else this.#start(connection, exchange);
  }

  /** Closes the connections; exchanges under way must have ended before. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((connection) => connection.client.destroy()));
  }

  #another(): Connection | undefined {
    if (this.#all.length >= this.#options.connections) return undefined;
    const connection = new Connection(this.#origin, this.#route, this.#options, this.#clock);
    this.#all.push(connection);
    return connection;
  }

  #start(connection: Connection, exchange: Exchange): void {
    // Not at once: undici may be in the middle of failing what a lost connection carried, and takes nothing new there.
    connection.carry(exchange, () => queueMicrotask(() => this.#next(connection)));
  }

  #next(connection: Connection): void {
    let next = this.#waiting.shift();
    while (next?.given) next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else this.#start(connection, next);
  }
}

class Connection implements Carrier {
  readonly client: Client;
  readonly #place: string;
  #peer: Peer | undefined;
  #answered = false;
  /** The first error of the socket: undici would report only that it was closed, and a TLS alert would be lost. */
  #broke: Error | undefined;

  constructor(origin: string, route: Route, options: PoolOptions, clock: Clock) {
    this.#place = route.place;
    this.client = new Client(origin, {
      pipelining: 1,
      headersTimeout: options.headersTimeout,
      bodyTimeout: options.bodyTimeout,
      keepAliveTimeout: options.idleTimeout,
      keepAliveMaxTimeout: options.idleTimeout,
      connect: (_, callback) => {
        this.#broke = undefined;
        dial(route, clock).then(
          (socket) => {
            this.#peer = peerOf(socket);
            this.#answered = false;
            socket.once('error', (error) => {
              this.#broke = error;
            });
            callback(null, socket);
          },
          (error: unknown) => callback(asError(error), null),
        );
      },
    });
  }

  answered(): Peer | undefined {
    this.#answered = true;
    return this.#peer;
  }

  failed(error: Error): TransportError {
    const unproven = this.#peer?.secure === true && !this.#answered;
    return failureOf(this.#broke ?? error, { place: this.#place, unproven });
  }

  carry(exchange: Exchange, leave: () => void): void {
    exchange.board(this, leave);
    const { method = 'POST', path, headers, body = null } = exchange.question;
    this.client.dispatch({ method, path, headers, body }, exchange);
  }
}
