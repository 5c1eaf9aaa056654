/**
 * One WebSocket connection as a duplex channel (RFC 6455; WCF's NetHttp over WebSocket: one envelope a message, binary or
 * text). Both ends are the same but for how they came to be.
 */
import type { RawData, WebSocket } from 'ws';
import { Alarm } from '../../base/alarm.ts';
import { later, type Timer } from '../../base/clock.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import { asError } from '../../base/errors.ts';
import { abortable, deadline, never } from '../../base/signals.ts';
import type { Channel, Side } from '../../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../channel/delivery.ts';
import { arrive } from '../../channel/duplex.ts';
import { Life } from '../../channel/life.ts';
import { type Peer, peer } from '../../channel/transport.ts';
import { encodeEnvelope, readEnvelope } from '../../soap/envelope.ts';
import { faultReply, unreadableFault } from '../../soap/fault.ts';
import type { Message } from '../../soap/message.ts';
import type { SoapVersion } from '../../soap/version.ts';
import { scan } from '../../xml/scan.ts';
import { TransportError } from '../errors.ts';
import type { ConnectionSettings } from './settings.ts';

const publish = diagnostics('transport');

/** An open WebSocket and what is known of its other end. */
export interface Joined {
  readonly socket: WebSocket;
  readonly peer: Peer;
  /** The SOAP version that was announced; any without. */
  readonly version: SoapVersion | undefined;
}

export interface ConnectionInit {
  readonly side: Side;
  /** The address, without secrets. */
  readonly place: string;
  readonly settings: ConnectionSettings;
  readonly receive: Carry;
  /** Makes the connection, once. */
  readonly join: (signal: AbortSignal) => Promise<Joined>;
}

/** Status codes of RFC 6455 section 7.4.1. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const UNREADABLE = 1007;
const POLICY = 1008;
const TOO_BIG = 1009;

export class Connection implements Channel {
  readonly side: Side;
  readonly isDuplex = true;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly #init: ConnectionInit;
  readonly #life = new Life();
  readonly #opening = new AbortController();
  #joined: Promise<Joined> | undefined;
  #socket: WebSocket | undefined;
  #underWay = 0;
  #isSilent = false;
  #pings = 0;
  #watch: Timer | undefined;
  /** When nothing was asked for too long. */
  readonly #idle: Alarm;
  #closing: Promise<void> | undefined;
  #gone = Promise.withResolvers<void>();

  constructor(init: ConnectionInit) {
    this.side = init.side;
    this.#init = init;
    this.#idle = new Alarm(init.settings.clock, () => this.#idled());
    this.closed = this.#life.closed;
    this.send = (trip) => this.#life.run(trip.signal, () => this.#write(trip.message));
    void this.closed.then((reason) => this.#ended(reason));
  }

  async open(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#life.requireOpen();
    // Whoever gives up waiting does not take the connection from the others.
    await abortable(this.#connected(), signal ?? never);
  }

  /** Lets what is under way finish, then says good-bye and waits for the other end to say so too. */
  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#life
      .close(signal)
      .then(() => (this.#socket === undefined ? undefined : this.#gone.promise));
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }

  /** Settles when what is under way up has been answered, or was cut off by `signal`. */
  idle(signal: AbortSignal): Promise<void> {
    return this.#life.idle(signal);
  }

  #connected(): Promise<Joined> {
    this.#joined ??= this.#init.join(this.#opening.signal).then(
      (joined) => this.#begin(joined),
      (thrown: unknown) => {
        this.#joined = undefined;
        throw thrown;
      },
    );
    return this.#joined;
  }

  #begin(joined: Joined): Joined {
    const { socket, version } = joined;
    if (!this.#life.isOpen) {
      socket.terminate();
      this.#life.requireOpen();
    }
    this.#socket = socket;
    socket.on('message', (data) => this.#heard(() => void this.#take(octetsOf(data), joined, version)));
    socket.on('ping', (data) => this.#heard(() => this.#pong(data)));
    socket.on('pong', () => this.#heard(() => undefined));
    socket.on('error', (error) => this.#failed(error));
    socket.on('close', (code) => this.#left(code));
    this.#rearm();
    this.#awaitMessage();
    return joined;
  }

  #heard(then: () => void): void {
    this.#isSilent = false;
    then();
  }

  async #take(octets: Uint8Array, joined: Joined, version: SoapVersion | undefined): Promise<void> {
    const { settings, receive, place, side } = this.#init;
    let message: Message;
    try {
      message = readEnvelope(scan(octets, settings.quotas));
      if (version !== undefined && message.version !== version) {
        throw new TransportError(
          'TRANSPORT_CONTENT_TYPE',
          `A message of SOAP ${message.version.name} came; ${version.name} was agreed on.`,
        );
      }
    } catch (thrown) {
      return this.#unreadable(asError(thrown), octets.length, version);
    }
    publish(() => ({ event: 'message.received', place, side, action: message.action, octets: octets.length }));
    this.#count(1);
    const write = (answer: Message) => this.#write(answer).then(() => undefined);
    const failed = (error: Error) =>
      publish(() => ({ event: 'message.failed', place, side, action: message.action, error }));
    await arrive(delivery(message).with(peer, joined.peer), { life: this.#life, receive, write, failed });
    this.#count(-1);
  }

  /** Nothing more is read while the layers above have enough to do. */
  #count(change: 1 | -1): void {
    this.#underWay += change;
    this.#awaitMessage();
    const { maxMessagesUnderWay } = this.#init.settings;
    if (this.#underWay >= maxMessagesUnderWay) this.#socket?.pause();
    else if (this.#socket?.isPaused === true) this.#socket.resume();
  }

  /** Whoever sends what is no envelope is told so once, and let go. */
  #unreadable(error: Error, octets: number, version: SoapVersion | undefined): void {
    const { place, side } = this.#init;
    publish(() => ({ event: 'message.unreadable', place, side, octets, error }));
    if (side === 'acceptor') {
      const fault = faultReply(undefined, unreadableFault(error), version === undefined ? {} : { version });
      this.#socket?.send(encodeEnvelope(fault), () => undefined);
    }
    const text = `What came from ${place} is no SOAP message: ${error.message} Check that the peer speaks text envelopes over WebSocket.`;
    this.#end(UNREADABLE, new TransportError('TRANSPORT_ANSWER', text, { cause: error, transient: true }));
  }

  async #write(message: Message): Promise<Delivery | undefined> {
    const { socket, version } = await this.#connected();
    const { place, side, settings } = this.#init;
    if (version !== undefined && message.version !== version) {
      throw new TransportError(
        'TRANSPORT_CONTENT_TYPE',
        `The connection with ${place} was opened for SOAP ${version.name}, and this message is SOAP ${message.version.name}. Set the version of the WebSocket transport.`,
      );
    }
    const octets = encodeEnvelope(message);
    publish(() => ({ event: 'message.sent', place, side, action: message.action, octets: octets.length }));
    const { clock, sendTimeout } = settings;
    const limit = deadline(clock, sendTimeout, undefined, () => this.#stuck());
    const onLate = () => this.#life.abort(limit.signal.reason);
    limit.signal.addEventListener('abort', onLate, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.send(octets, { binary: true, fin: true }, (error) => {
          if (error === undefined || error === null) resolve();
          else reject(this.#broken(error));
        });
      });
    } finally {
      limit.clear();
    }
    return undefined;
  }

  #pong(data: Buffer): void {
    const { place, settings } = this.#init;
    this.#pings += 1;
    if (this.#pings > settings.maxPings) {
      const text = `${place} sends more pings than are answered here.`;
      this.#end(POLICY, new TransportError('TRANSPORT_BROKEN', text, { transient: true }));
    } else if (this.#socket?.readyState === 1) this.#socket.pong(data, undefined, () => undefined);
  }

  /** Asks a silent peer for a sign of life, and gives it up when there is none. */
  #rearm(): void {
    const { clock, pingInterval } = this.#init.settings;
    this.#watch?.cancel();
    if (!this.#life.isOpen) return;
    this.#watch = clock.at(later(clock.now(), pingInterval), () => {
      this.#pings = 0;
      if (this.#isSilent && this.#socket?.isPaused !== true) {
        const text = `Nothing was heard of ${this.#init.place} for ${2 * pingInterval} ms. Connect again.`;
        this.#life.abort(new TransportError('TRANSPORT_TIMEOUT', text, { transient: true }));
        return;
      }
      this.#isSilent = true;
      if (this.#socket?.readyState === 1) this.#socket.ping(undefined, undefined, () => undefined);
      this.#rearm();
    });
  }

  /** Only whoever serves may say how long it waits to be asked something. */
  #awaitMessage(): void {
    const { side, settings } = this.#init;
    const { clock, receiveTimeout } = settings;
    const waits = side === 'acceptor' && Number.isFinite(receiveTimeout) && this.#underWay === 0 && this.#life.isOpen;
    this.#idle.set(waits ? later(clock.now(), receiveTimeout) : undefined);
  }

  #idled(): void {
    const { place, settings } = this.#init;
    const text = `No message came from ${place} for ${settings.receiveTimeout} ms (receiveTimeout).`;
    this.#end(POLICY, new TransportError('TRANSPORT_TIMEOUT', text, { transient: true }));
  }

  #failed(error: Error): void {
    const isOversize = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    this.#life.abort(isOversize ? this.#oversize('A message', error) : this.#broken(error));
  }

  /** The other end has closed the connection, or it is cut. */
  #left(code: number): void {
    this.#gone.resolve();
    if (code === NORMAL || code === GOING_AWAY) void this.#life.close();
    else if (code === TOO_BIG) this.#life.abort(this.#oversize('The last message', undefined));
    else this.#life.abort(this.#broken(undefined, code));
  }

  #end(code: number, reason: TransportError): void {
    this.#socket?.close(code);
    this.#life.abort(reason);
  }

  #ended(reason: Error | undefined): void {
    const { place, side, settings } = this.#init;
    const { clock, closeTimeout } = settings;
    this.#watch?.cancel();
    this.#idle.cancel();
    this.#opening.abort(reason ?? new TransportError('TRANSPORT_CLOSED', `The channel to ${place} was closed.`));
    publish(() => ({ event: 'connection.ended', place, side, error: reason }));
    const socket = this.#socket;
    if (socket === undefined) {
      this.#gone.resolve();
      return;
    }
    // What was sent before goes out first; whoever does not confirm the end is not waited for.
    if (socket.readyState === 1 && reason === undefined) socket.close(NORMAL);
    if (socket.readyState === 1) socket.terminate();
    else if (socket.readyState !== 3) {
      const timer = clock.at(later(clock.now(), closeTimeout), () => socket.terminate());
      void this.#gone.promise.then(() => timer.cancel());
    }
  }

  #oversize(what: string, cause: Error | undefined): TransportError {
    const text = `${what} was larger than maxReceivedMessageSize allows; the connection with ${this.#init.place} ended. Split it, or raise the limit of whoever receives it.`;
    return new TransportError('TRANSPORT_OVERSIZE', text, cause === undefined ? {} : { cause });
  }

  #broken(cause: Error | undefined, code?: number): TransportError {
    const why = code === undefined ? (cause?.message ?? 'no reason') : `close code ${code}`;
    const text = `The WebSocket connection with ${this.#init.place} ended (${why}). Connect again.`;
    return new TransportError('TRANSPORT_BROKEN', text, { transient: true, ...(cause === undefined ? {} : { cause }) });
  }

  #stuck(): TransportError {
    const { place, settings } = this.#init;
    const text = `${place} took nothing of what is sent for ${settings.sendTimeout} ms.`;
    return new TransportError('TRANSPORT_TIMEOUT', text, { transient: true });
  }
}

function octetsOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
