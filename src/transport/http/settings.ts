/** The options of the HTTP transport and their defaults, all finite. Times are in milliseconds, sizes in octets. */
import { type Clock, systemClock } from '../../base/clock.ts';
import type { decode } from '../../soap/codec.ts';
import { soapVersions } from '../../soap/version.ts';
import { type ProxyOptions, proxyOf } from '../proxy.ts';
import type { TlsOptions } from '../tls.ts';

/** The limits of the XML reader. */
export type Quotas = NonNullable<Parameters<typeof decode>[3]>;

export interface HttpClientOptions {
  /** Connections to one origin at most; further messages wait in line. Default 8. */
  readonly connections?: number;
  /** To make a connection: name, TCP, proxy, TLS. Default 60 000, as in WCF. */
  readonly openTimeout?: number;
  /** For a whole exchange, from `send` to the last octet of the answer, waiting in line included. Default 60 000, as in WCF. */
  readonly sendTimeout?: number;
  /** Without the head of the answer after the request went out. Default 60 000. */
  readonly headersTimeout?: number;
  /** Between two pieces of an answer. Counted in steps of about a second. Default 30 000. */
  readonly bodyTimeout?: number;
  /** How long an unused connection is kept; the server's Keep-Alive header can only shorten it. Default 10 000. */
  readonly idleTimeout?: number;
  /** A proxy for everything that this transport sends. Default: none; the environment is not asked. */
  readonly proxy?: ProxyOptions;
}

/** The limits of an endpoint, on a port of its own or mounted. */
export interface HttpEndpointOptions {
  /** Messages under way at a time; further ones are answered with status 503. Default 200. */
  readonly maxConcurrentCalls?: number;
  /** How long a client may take nothing of a response that waits for it. Default 60 000, as in WCF. */
  readonly sendTimeout?: number;
}

export interface HttpListenerOptions extends HttpEndpointOptions {
  /** Connections at a time; further ones are closed at once. Default 1 000. */
  readonly maxConnections?: number;
  /** For the head of a request. Default 20 000. */
  readonly headersTimeout?: number;
  /** For a whole request to arrive. Default 120 000. */
  readonly requestTimeout?: number;
  /** How long a connection may stay open unused. Default 65 000. */
  readonly idleTimeout?: number;
  /** For a TLS handshake. Default 20 000. */
  readonly handshakeTimeout?: number;
}

export interface HttpMessageOptions {
  /** The largest message that is read, in octets, at both ends (WCF: maxReceivedMessageSize). Default 10 485 760. */
  readonly maxReceivedMessageSize?: number;
  /** Further limits of the XML reader (WCF: readerQuotas); `bytes` is always `maxReceivedMessageSize`. */
  readonly readerQuotas?: Quotas;
}

export interface HttpTransportOptions extends HttpMessageOptions {
  /** Who we are and whom we trust, for https at either end. */
  readonly tls?: TlsOptions;
  readonly client?: HttpClientOptions;
  readonly listener?: HttpListenerOptions;
  /** What the client's time limits count in. Default: the machine's clock. */
  readonly clock?: Clock;
}

/** The media types of a SOAP envelope in text. */
export const soapMediaTypes: ReadonlySet<string> = new Set(soapVersions.map((version) => version.mediaType));

const MAX_RECEIVED_MESSAGE_SIZE = 10 * 1024 * 1024;

export interface MessageSettings {
  readonly maxReceivedMessageSize: number;
  readonly quotas: Quotas;
}

export interface ClientSettings extends Required<Omit<HttpClientOptions, 'proxy'>>, MessageSettings {
  readonly proxy: ReturnType<typeof proxyOf> | undefined;
  readonly clock: Clock;
}

export type EndpointSettings = Required<HttpEndpointOptions> & MessageSettings;

export type ListenerSettings = Required<HttpListenerOptions> & EndpointSettings;

export function messageSettings(options: HttpMessageOptions): MessageSettings {
  const maxReceivedMessageSize = options.maxReceivedMessageSize ?? MAX_RECEIVED_MESSAGE_SIZE;
  return { maxReceivedMessageSize, quotas: Object.freeze({ ...options.readerQuotas, bytes: maxReceivedMessageSize }) };
}

/** @throws TransportError `TRANSPORT_PROXY`, `TRANSPORT_KEY` for proxy options that cannot be used */
export function clientSettings(options: HttpTransportOptions): ClientSettings {
  const given = options.client ?? {};
  return {
    ...messageSettings(options),
    connections: given.connections ?? 8,
    openTimeout: given.openTimeout ?? 60_000,
    sendTimeout: given.sendTimeout ?? 60_000,
    headersTimeout: given.headersTimeout ?? 60_000,
    bodyTimeout: given.bodyTimeout ?? 30_000,
    idleTimeout: given.idleTimeout ?? 10_000,
    proxy: given.proxy === undefined ? undefined : proxyOf(given.proxy),
    clock: options.clock ?? systemClock,
  };
}

export function endpointSettings(messages: HttpMessageOptions, given: HttpEndpointOptions): EndpointSettings {
  return {
    ...messageSettings(messages),
    maxConcurrentCalls: given.maxConcurrentCalls ?? 200,
    sendTimeout: given.sendTimeout ?? 60_000,
  };
}

export function listenerSettings(options: HttpTransportOptions): ListenerSettings {
  const given = options.listener ?? {};
  return {
    ...endpointSettings(options, given),
    maxConnections: given.maxConnections ?? 1_000,
    headersTimeout: given.headersTimeout ?? 20_000,
    requestTimeout: given.requestTimeout ?? 120_000,
    idleTimeout: given.idleTimeout ?? 65_000,
    handshakeTimeout: given.handshakeTimeout ?? 20_000,
  };
}
