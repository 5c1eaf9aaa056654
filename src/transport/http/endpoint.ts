/**
 * The service side of one exchange: an HTTP request goes up as a delivery, and what comes back goes out as the response
 * (SOAP 1.2 part 2, 7.5.2; WCF's habits where the specification leaves a choice: faults go with status 500 in both
 * versions, and an empty 202 has no Content-Type).
 *
 * A client that hangs up does not cancel the work: its message was received, and a reliable session must not lose it.
 * The delivery's signal fires only when the listener is closed and its time for closing has passed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Bag } from '../../base/bag.ts';
import { utf8 } from '../../base/bytes.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import { asError, hasCode } from '../../base/errors.ts';
import { type Delivery, delivery } from '../../channel/delivery.ts';
import { type Published, peer } from '../../channel/transport.ts';
import { turn } from '../../channel/turn.ts';
import { decode, encode } from '../../soap/codec.ts';
import { message } from '../../soap/envelope.ts';
import { SoapError, type SoapErrorCode } from '../../soap/errors.ts';
import { faultFor, faultOf, faultReply, unreadableFault } from '../../soap/fault.ts';
import type { Message } from '../../soap/message.ts';
import { type SoapVersion, soap12, soapVersions } from '../../soap/version.ts';
import { TransportError, type TransportErrorCode } from '../errors.ts';
import { peerOf } from '../tls.ts';
import { mediaTypeOf } from './answer.ts';
import type { Entrance } from './entrance.ts';
import { eventLoop } from './event-loop.ts';
import { metadataPath, pathOf, tell } from './published.ts';
import { type Body, discard, readBody } from './request-body.ts';
import type { EndpointSettings } from './settings.ts';
import { type Serving, Unsent } from './unsent.ts';

const publish = diagnostics('transport');

/** A request that a body parser may have read already. */
export interface ParsedRequest extends IncomingMessage {
  readonly body?: unknown;
}

export class Endpoint {
  readonly #entrance: Entrance;
  readonly #settings: EndpointSettings;
  readonly #path: string | undefined;
  readonly #arrivals = new WeakMap<Socket, Delivery>();
  readonly #underway = new Bag<Serving>();
  readonly #unsent: Unsent;
  readonly #deadline = new AbortController();
  #stopping: (() => void) | undefined;
  #published: Published | undefined;

  /** @param path the path that alone is served; absent where a router has chosen already */
  constructor(entrance: Entrance, settings: EndpointSettings, path?: string) {
    this.#entrance = entrance;
    this.#settings = settings;
    this.#unsent = new Unsent(settings.sendTimeout, this.#underway);
    this.#path = path;
  }

  /** What is told of the endpoint from now on. */
  publish(published: Published | undefined): void {
    this.#published = published;
  }

  handle(request: ParsedRequest, response: ServerResponse): void {
    const serving: Serving = { slot: -1, response, isUnsent: false };
    let gone: (() => void) | undefined;
    this.#underway.add(serving);
    response.on('close', () => {
      this.#underway.delete(serving);
      gone?.();
      if (this.#underway.size === 0) this.#stopping?.();
    });
    if (tell(request, response, this.#published, this.#path)) return;
    const refusal = this.#refusal(request);
    if (refusal !== undefined) this.#refuse(serving, refusal);
    else gone = this.#serve(request, serving);
  }

  /** Refuses what is new; resolves when what is under way has been answered, or cut off because `signal` fired. */
  async stop(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopping = resolve;
    if (this.#underway.size === 0) resolve();
    for (const { response } of this.#underway) if (!response.headersSent) response.setHeader('Connection', 'close');
    const cut = () => {
      this.#deadline.abort(signal.reason);
      for (const { response } of this.#underway) response.destroy();
      resolve();
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    await promise;
    signal.removeEventListener('abort', cut);
  }

  /** What is wrong with the head of a request. */
  #refusal(request: IncomingMessage): Refusal | undefined {
    const { maxConcurrentCalls, maxReceivedMessageSize } = this.#settings;
    const { headers, method } = request;
    if (this.#path !== undefined && pathOf(request.url) !== this.#path && !this.#isAboutUs(request)) {
      return { status: 404, text: 'There is no SOAP endpoint at this path.' };
    }
    if (method !== 'POST') {
      return {
        status: 405,
        text: 'This is a SOAP endpoint. It answers POST requests only.',
        headers: { Allow: 'POST' },
      };
    }
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      return { status: 415, text: 'Compressed messages are not accepted.', headers: { 'Accept-Encoding': 'identity' } };
    }
    const type = headers['content-type'];
    if (type === undefined || versionOf(type) === undefined) {
      return {
        status: 415,
        code: 'SOAP_CONTENT_TYPE',
        text: `The content type must be ${soapVersions.map((row) => row.mediaType).join(' or ')}.`,
      };
    }
    if (this.#stopping !== undefined || this.#entrance.receive === undefined) {
      return { status: 503, text: 'The service is not running.', headers: { 'Retry-After': '5' } };
    }
    if (this.#underway.size > maxConcurrentCalls) {
      return { status: 503, text: 'The service is busy.', headers: { 'Retry-After': '1' } };
    }
    if (Number(headers['content-length'] ?? 0) > maxReceivedMessageSize)
      return tooLarge(request, maxReceivedMessageSize);
    return undefined;
  }

  /** @returns what to call when the client has hung up */
  #serve(request: ParsedRequest, serving: Serving): (() => void) | undefined {
    try {
      return readBody(request, this.#settings.maxReceivedMessageSize, (body) => this.#carry(request, serving, body));
    } catch (thrown) {
      this.#broken(serving, asError(thrown));
      return undefined;
    }
  }

  /** Takes what was read up, and brings back what comes of it. */
  #carry(request: ParsedRequest, serving: Serving, body: Body): void {
    try {
      const message = this.#read(request, serving, body);
      if (message === undefined) return;
      const inbound = this.#arrivalOver(request.socket).carrying(message);
      const reply = this.#isAboutUs(request) ? this.#published?.answer(inbound) : this.#receive(inbound);
      // Without an async function: it would cost as much as all else that is done here.
      if (reply === undefined) this.#answer(serving, undefined, false);
      else
        reply.then(
          (said) => this.#replied(serving, said),
          (thrown: unknown) => this.#failed(serving, message, thrown),
        );
    } catch (thrown) {
      this.#broken(serving, asError(thrown));
    }
  }

  /** The message; `undefined` when there is none, which was answered then. */
  #read(request: ParsedRequest, serving: Serving, body: Body): Message | undefined {
    const { maxReceivedMessageSize: limit, quotas } = this.#settings;
    if (body === 'gone') return undefined;
    if (body === 'oversize') {
      this.#refuse(serving, tooLarge(request, limit));
      return undefined;
    }
    const { 'content-type': type = '', soapaction } = request.headers;
    try {
      const message = decode(body, type, one(soapaction), quotas);
      publish(() => ({
        event: 'request.received',
        address: request.socket.remoteAddress,
        action: message.action,
        octets: body.length,
      }));
      return message;
    } catch (error) {
      if (hasCode(error, 'SOAP_CONTENT_TYPE')) {
        this.#refuse(serving, { status: 415, code: error.code, text: error.message });
        return undefined;
      }
      publish(() => ({
        event: 'request.unreadable',
        address: request.socket.remoteAddress,
        octets: body.length,
        error,
      }));
      const version = versionOf(type) ?? soap12;
      this.#answer(serving, faultReply(undefined, unreadableFault(error), { version }), true);
      return undefined;
    }
  }

  #replied(serving: Serving, reply: Delivery | undefined): void {
    try {
      this.#answer(serving, reply?.message, reply !== undefined && isFault(reply.message));
    } catch (thrown) {
      this.#broken(serving, asError(thrown));
    }
  }

  #failed(serving: Serving, message: Message, error: unknown): void {
    try {
      publish(() => ({ event: 'request.failed', action: message.action, error }));
      this.#answer(serving, faultOfFailure(message, error), true);
    } catch (thrown) {
      this.#broken(serving, asError(thrown));
    }
  }

  /** Whether a message asks what the endpoint is, instead of asking it something. */
  #isAboutUs(request: IncomingMessage): boolean {
    return (
      this.#published !== undefined && this.#path !== undefined && pathOf(request.url) === metadataPath(this.#path)
    );
  }

  #receive(inbound: Delivery): Promise<Delivery | undefined> {
    const receive = this.#entrance.receive;
    if (receive !== undefined) return receive(inbound);
    const text = 'The service was closed while the message arrived.';
    return Promise.reject(new TransportError('TRANSPORT_CLOSED', text, { transient: true }));
  }

  #answer(serving: Serving, message: Message | undefined, fault: boolean): void {
    const { response } = serving;
    if (response.destroyed) {
      publish(() => ({ event: 'response.lost', action: message?.action ?? '' }));
      return;
    }
    const status = message === undefined ? 202 : fault ? 500 : 200;
    const encoded = message === undefined ? undefined : encode(message);
    const octets = encoded?.body.length ?? 0;
    const head =
      encoded === undefined ? emptyHead : ['Content-Length', String(octets), 'Content-Type', encoded.contentType];
    publish(() => ({ event: 'response.sent', status, action: message?.action ?? '', octets }));
    this.#unsent.add(serving);
    response.writeHead(status, head);
    response.end(encoded?.body);
  }

  #refuse(serving: Serving, { status, code, text, headers = {}, drain }: Refusal): void {
    publish(() => ({ event: 'request.refused', status, ...(code === undefined ? {} : { code }), reason: text }));
    const { response } = serving;
    if (response.destroyed) return;
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const octets = utf8(`${text}\n`);
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.setHeader('Content-Length', octets.length);
    this.#unsent.add(serving);
    response.write(octets);
    if (drain === undefined) response.end();
    else drain(() => response.end());
  }

  /** The last resort: what failed is ours, so the client hears only that. */
  #broken(serving: Serving, error: Error): void {
    publish(() => ({ event: 'request.failed', error }));
    if (serving.response.headersSent) serving.response.destroy();
    else this.#answer(serving, faultReply(undefined, faultFor(undefined)), true);
  }

  /** What all messages of a connection have in common. */
  #arrivalOver(socket: Socket): Delivery {
    const known = this.#arrivals.get(socket);
    if (known !== undefined) return known;
    const found = delivery(nothing, this.#deadline.signal).with(turn, eventLoop).with(peer, peerOf(socket));
    this.#arrivals.set(socket, found);
    return found;
  }
}

/** Says nothing: a connection holds on to none of its messages. */
const nothing: Message = message({ version: soap12 });

const emptyHead: string[] = ['Content-Length', '0'];

interface Refusal {
  readonly status: number;
  /** For the operator, where one of our errors says the same. */
  readonly code?: SoapErrorCode | TransportErrorCode;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Swallows the rest of the request, so that the client comes to read the answer; then calls back. */
  readonly drain?: (then: () => void) => void;
}

function tooLarge(request: IncomingMessage, limit: number): Refusal {
  return {
    status: 413,
    code: 'TRANSPORT_OVERSIZE',
    text: `The message is larger than ${limit} octets: split it, or ask for a greater maxReceivedMessageSize here.`,
    headers: { Connection: 'close' },
    drain: (then) => discard(request, 2 * limit, then),
  };
}

/** What was thrown above: a fault meant for the peer, or something that is none of its business. */
function faultOfFailure(request: Message, error: unknown): Message {
  const fault = faultFor(error instanceof SoapError ? error : undefined);
  return faultReply(request, fault);
}

/** A cheap look first: few messages hold the word at all, and only those are read again. */
function isFault(message: Message): boolean {
  const { bytes } = message.body;
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('Fault') && faultOf(message) !== undefined
  );
}

function versionOf(contentType: string): SoapVersion | undefined {
  // A client says the same with every message.
  if (contentType === lastType) return lastVersion;
  const mediaType = mediaTypeOf(contentType);
  lastVersion = soapVersions.find((version) => version.mediaType === mediaType);
  lastType = contentType;
  return lastVersion;
}

let lastType = '';
let lastVersion: SoapVersion | undefined;

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
