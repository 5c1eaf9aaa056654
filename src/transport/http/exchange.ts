/**
 * One POST and its answer over one connection: an undici handler that gathers the answer, holds it to its size, and can be
 * given up at any moment, also while it still waits for a connection.
 */
import type { Dispatcher } from 'undici';
import { type Instant, instant } from '../../base/clock.ts';
import type { GivenUp } from '../../base/watch.ts';
import type { Peer } from '../../channel/transport.ts';
import { TransportError } from '../errors.ts';
import { failureOf } from '../failure.ts';

export interface Question {
  /** Default POST. */
  readonly method?: 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent for GET. */
  readonly body?: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Uint8Array;
  readonly peer: Peer | undefined;
}

/** The connection an exchange runs on, as far as the exchange needs to know it. */
export interface Carrier {
  /** Tells the connection that a whole answer came over it; returns who is at its other end. */
  answered(): Peer | undefined;
  /** What `error` of undici means on this connection. */
  failed(error: Error): TransportError;
}

export class Exchange implements Dispatcher.DispatchHandler, GivenUp {
  slot = -1;
  /** When it is given up, where nothing else ends it. */
  due: Instant = instant(Number.POSITIVE_INFINITY);
  readonly question: Question;
  readonly answer: Promise<Answer>;
  readonly #place: string;
  readonly #limit: number;
  readonly #settle: { resolve(answer: Answer): void; reject(error: unknown): void };
  #carrier: Carrier | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #leave: () => void = () => undefined;
  #failure: { readonly reason: unknown } | undefined;
  #head: { status: number; contentType: string | undefined; contentEncoding: string | undefined } | undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  /**
   * @param place the address, without secrets
   * @param limit octets that the body of the answer may have
   */
  constructor(question: Question, place: string, limit: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.question = question;
    this.answer = promise;
    this.#place = place;
    this.#limit = limit;
    this.#settle = { resolve, reject };
  }

  /** True when nobody waits for the answer any more. */
  get given(): boolean {
    return this.#failure !== undefined;
  }

  /** Puts the exchange on a connection; `leave` hears when the connection is free again. */
  board(carrier: Carrier, leave: () => void): void {
    this.#carrier = carrier;
    this.#leave = leave;
  }

  /** Ends it now: the answer rejects with `reason`, and a request under way takes its connection with it. */
  giveUp(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    this.#settle.reject(reason);
    this.#controller?.abort(new Error('given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#head = {
      status,
      contentType: one(headers['content-type']),
      contentEncoding: one(headers['content-encoding']),
    };
    if (Number(one(headers['content-length']) ?? 0) > this.#limit) this.#oversize();
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#limit) this.#oversize();
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const body = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#size);
    const head = this.#head;
    if (head !== undefined) this.#settle.resolve({ ...head, body, peer: this.#carrier?.answered() });
    this.#leave();
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#failure === undefined) {
      this.#settle.reject(this.#carrier?.failed(error) ?? failureOf(error, { place: this.#place }));
    }
    this.#leave();
  }

  #oversize(): void {
    this.giveUp(
      new TransportError(
        'TRANSPORT_OVERSIZE',
        `The answer of ${this.#place} is larger than ${this.#limit} octets. Raise maxReceivedMessageSize if you trust the service.`,
        { status: this.#head?.status ?? 0 },
      ),
    );
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
