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
import { utf8 } from '../../base/bytes.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import { asError, hasCode } from '../../base/errors.ts';
import { type Delivery, delivery } from '../../channel/delivery.ts';
import { type Peer, type Published, peer } from '../../channel/transport.ts';
import { decode, encode } from '../../soap/codec.ts';
import { SoapError, type SoapErrorCode } from '../../soap/errors.ts';
import { faultFor, faultOf, faultReply, unreadableFault } from '../../soap/fault.ts';
import type { Message } from '../../soap/message.ts';
import { type SoapVersion, soap12, soapVersions } from '../../soap/version.ts';
import { TransportError, type TransportErrorCode } from '../errors.ts';
import { peerOf } from '../tls.ts';
import { mediaTypeOf } from './answer.ts';
import type { Entrance } from './entrance.ts';
import { metadataPath, pathOf, tell } from './published.ts';
import { bodyOf, discard } from './request-body.ts';
import type { EndpointSettings } from './settings.ts';

const publish = diagnostics('transport');

/** A request that a body parser may have read already. */
export interface ParsedRequest extends IncomingMessage {
  readonly body?: unknown;
}

export class Endpoint {
  readonly #entrance: Entrance;
  readonly #settings: EndpointSettings;
  readonly #path: string | undefined;
  readonly #peers = new WeakMap<Socket, Peer>();
  readonly #underway = new Set<ServerResponse>();
  readonly #deadline = new AbortController();
  #stopping: (() => void) | undefined;
  #published: Published | undefined;

  /** @param path the path that alone is served; absent where a router has chosen already */
  constructor(entrance: Entrance, settings: EndpointSettings, path?: string) {
    this.#entrance = entrance;
    this.#settings = settings;
    this.#path = path;
  }

  /** What is told of the endpoint from now on. */
  publish(published: Published | undefined): void {
    this.#published = published;
  }

  handle(request: ParsedRequest, response: ServerResponse): void {
    this.#underway.add(response);
    response.once('close', () => {
      this.#underway.delete(response);
      if (this.#underway.size === 0) this.#stopping?.();
    });
    if (tell(request, response, this.#published, this.#path)) return;
    const refusal = this.#refusal(request);
    if (refusal !== undefined) this.#refuse(response, refusal);
    else this.#serve(request, response).catch((error) => this.#broken(response, asError(error)));
  }

  /** Refuses what is new; resolves when what is under way has been answered, or cut off because `signal` fired. */
  async stop(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopping = resolve;
    if (this.#underway.size === 0) resolve();
    for (const response of this.#underway) if (!response.headersSent) response.setHeader('Connection', 'close');
    const cut = () => {
      this.#deadline.abort(signal.reason);
      for (const response of this.#underway) response.destroy();
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

  async #serve(request: ParsedRequest, response: ServerResponse): Promise<void> {
    const { maxReceivedMessageSize: limit } = this.#settings;
    const body = await bodyOf(request, limit);
    if (body === 'gone') return;
    if (body === 'oversize') return this.#refuse(response, tooLarge(request, limit));
    const { 'content-type': type = '', soapaction } = request.headers;
    let message: Message;
    try {
      message = decode(body, type, one(soapaction), this.#settings.quotas);
    } catch (error) {
      if (hasCode(error, 'SOAP_CONTENT_TYPE'))
        return this.#refuse(response, { status: 415, code: error.code, text: error.message });
      publish(() => ({
        event: 'request.unreadable',
        address: request.socket.remoteAddress,
        octets: body.length,
        error,
      }));
      return this.#answer(
        response,
        faultReply(undefined, unreadableFault(error), { version: versionOf(type) ?? soap12 }),
        true,
      );
    }
    publish(() => ({
      event: 'request.received',
      address: request.socket.remoteAddress,
      action: message.action,
      octets: body.length,
    }));
    const inbound = delivery(message, this.#deadline.signal).with(peer, this.#peerOf(request.socket));
    let reply: Delivery | undefined;
    try {
      reply = await (this.#isAboutUs(request) ? this.#published?.answer(inbound) : this.#receive(inbound));
    } catch (error) {
      publish(() => ({ event: 'request.failed', action: message.action, error }));
      return this.#answer(response, faultOfFailure(message, error), true);
    }
    this.#answer(response, reply?.message, reply !== undefined && isFault(reply.message));
  }

  /** Whether a message asks what the endpoint is, instead of asking it something. */
  #isAboutUs(request: IncomingMessage): boolean {
    return (
      this.#published !== undefined && this.#path !== undefined && pathOf(request.url) === metadataPath(this.#path)
    );
  }

  async #receive(inbound: Delivery): Promise<Delivery | undefined> {
    const receive = this.#entrance.receive;
    if (receive !== undefined) return receive(inbound);
    throw new TransportError('TRANSPORT_CLOSED', 'The service was closed while the message arrived.', {
      transient: true,
    });
  }

  #answer(response: ServerResponse, message: Message | undefined, fault: boolean): void {
    if (response.destroyed) {
      publish(() => ({ event: 'response.lost', action: message?.action ?? '' }));
      return;
    }
    const status = message === undefined ? 202 : fault ? 500 : 200;
    const encoded = message === undefined ? undefined : encode(message);
    const octets = encoded?.body.length ?? 0;
    const head = ['Content-Length', String(octets)];
    if (encoded !== undefined) head.push('Content-Type', encoded.contentType);
    publish(() => ({ event: 'response.sent', status, action: message?.action ?? '', octets }));
    response.setTimeout(this.#settings.sendTimeout);
    response.writeHead(status, head);
    response.end(encoded?.body);
  }

  #refuse(response: ServerResponse, { status, code, text, headers = {}, drain }: Refusal): void {
    publish(() => ({ event: 'request.refused', status, ...(code === undefined ? {} : { code }), reason: text }));
    if (response.destroyed) return;
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const octets = utf8(`${text}\n`);
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.setHeader('Content-Length', octets.length);
    response.setTimeout(this.#settings.sendTimeout);
    response.write(octets);
    if (drain === undefined) response.end();
    else drain(() => response.end());
  }

  /** The last resort: what failed is ours, so the client hears only that. */
  #broken(response: ServerResponse, error: Error): void {
    publish(() => ({ event: 'request.failed', error }));
    if (response.headersSent) response.destroy();
    else this.#answer(response, faultReply(undefined, faultFor(undefined)), true);
  }

  #peerOf(socket: Socket): Peer {
    const known = this.#peers.get(socket);
    if (known !== undefined) return known;
    const found = peerOf(socket);
    this.#peers.set(socket, found);
    return found;
  }
}

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
  const mediaType = mediaTypeOf(contentType);
  return soapVersions.find((version) => version.mediaType === mediaType);
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
