/** The options of the WebSocket transport and their defaults, all finite. Times are in milliseconds, sizes in octets. */
import type { Server } from 'node:http';
import { type Clock, systemClock } from '../../base/clock.ts';
import { type SoapVersion, soap12 } from '../../soap/version.ts';
import {
  type HttpListenerOptions,
  type HttpMessageOptions,
  type ListenerSettings,
  listenerSettings,
  type MessageSettings,
  messageSettings,
} from '../http/settings.ts';
import { type ProxyOptions, proxyOf } from '../proxy.ts';
import type { TlsOptions } from '../tls.ts';

export interface WebSocketClientOptions {
  /** To make a connection: name, TCP, proxy, TLS and the WebSocket handshake. Default 60 000, as in WCF. */
  readonly openTimeout?: number;
  /** A proxy for everything that this transport sends. Default: none; the environment is not asked. */
  readonly proxy?: ProxyOptions;
}

export interface WebSocketListenerOptions
  extends Pick<HttpListenerOptions, 'maxConnections' | 'headersTimeout' | 'handshakeTimeout'> {
  /** Origins (such as `https://app.example`) from which browsers may connect. Default: none; others than browsers name no origin. */
  readonly origins?: readonly string[];
  /** Values of the Host header that are served (`orders.example:8443`). Default: all. */
  readonly hosts?: readonly string[];
  /**
   * A `node:http(s)` server that exists already, to which the endpoint is added: it keeps its port, its TLS and its routes, and
   * `listen` takes the public URL as it is. Without it the transport opens a port of its own.
   */
  readonly server?: Server;
}

export interface WebSocketTransportOptions extends HttpMessageOptions {
  /** Who we are and whom we trust, for wss at either end. */
  readonly tls?: TlsOptions;
  /**
   * The SOAP version that a client announces (`soap-content-type`), or `any` to announce none, which WCF refuses. A listener takes
   * the version that was announced, and any where none was. Default SOAP 1.2.
   */
  readonly version?: SoapVersion | 'any';
  readonly client?: WebSocketClientOptions;
  readonly listener?: WebSocketListenerOptions;
  /** After so long without a word the other end is asked for a sign of life; after as long again it is given up. Default 30 000. */
  readonly pingInterval?: number;
  /** How long the other end may take nothing of what is sent. Default 60 000, as in WCF. */
  readonly sendTimeout?: number;
  /** How long the other end may take to confirm the end of a connection. Default 5 000. */
  readonly closeTimeout?: number;
  /**
   * How long a listener waits for the next message on a connection; then it ends it, signs of life or not (the ReceiveTimeout of
   * WCF's bindings). What is handled takes the time it takes. Default: for ever, as a reliable session above counts by itself;
   * bindings without one give theirs.
   */
  readonly receiveTimeout?: number;
  /** Messages of one connection under way up at once; then nothing more is read of it. Default 64. */
  readonly maxMessagesUnderWay?: number;
  /** Pings that are answered within one `pingInterval`; whoever sends more is cut off. Default 100. */
  readonly maxPings?: number;
  /** What time limits count in. Default: the machine's clock. */
  readonly clock?: Clock;
}

/** What a connection needs at either end. */
export interface ConnectionSettings extends MessageSettings {
  readonly pingInterval: number;
  readonly sendTimeout: number;
  readonly closeTimeout: number;
  readonly receiveTimeout: number;
  readonly maxMessagesUnderWay: number;
  readonly maxPings: number;
  readonly clock: Clock;
}

export interface WebSocketSettings extends ConnectionSettings {
  readonly version: SoapVersion | 'any';
  readonly openTimeout: number;
  readonly proxy: ReturnType<typeof proxyOf> | undefined;
  readonly origins: readonly string[];
  readonly hosts: readonly string[] | undefined;
  readonly server: Server | undefined;
  readonly http: ListenerSettings;
}

/** A message comes in so many pieces at most. */
export const maxFragments = 1_024;

/** @throws TransportError `TRANSPORT_PROXY`, `TRANSPORT_KEY` for proxy options that cannot be used */
export function webSocketSettings(options: WebSocketTransportOptions): WebSocketSettings {
  const { client = {}, listener = {} } = options;
  return {
    ...messageSettings(options),
    pingInterval: options.pingInterval ?? 30_000,
    sendTimeout: options.sendTimeout ?? 60_000,
    closeTimeout: options.closeTimeout ?? 5_000,
    receiveTimeout: options.receiveTimeout ?? Number.POSITIVE_INFINITY,
    maxMessagesUnderWay: options.maxMessagesUnderWay ?? 64,
    maxPings: options.maxPings ?? 100,
    clock: options.clock ?? systemClock,
    version: options.version ?? soap12,
    openTimeout: client.openTimeout ?? 60_000,
    proxy: client.proxy === undefined ? undefined : proxyOf(client.proxy),
    origins: listener.origins ?? [],
    hosts: listener.hosts,
    server: listener.server,
    http: listenerSettings({ listener }),
  };
}
