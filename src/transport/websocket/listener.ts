/**
 * The listening end: a port of our own, or a place in an HTTP server that exists already. Each connection that passes the
 * handshake gets a channel of its own.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { diagnostics } from '../../base/diagnostics.ts';
import { asError } from '../../base/errors.ts';
import { never } from '../../base/signals.ts';
import type { Channel, ChannelFactory } from '../../channel/channel.ts';
import type { Listener, Publication, Published } from '../../channel/transport.ts';
import { webSocketUrl } from '../address.ts';
import { bound, serverFor } from '../http/listener.ts';
import { tell } from '../http/published.ts';
import { peerOf, type TlsOptions } from '../tls.ts';
import { Connection } from './connection.ts';
import { examine, subProtocol } from './handshake.ts';
import { maxFragments, type WebSocketSettings } from './settings.ts';

const publish = diagnostics('transport');

/** @throws TransportError `TRANSPORT_ADDRESS`, `TRANSPORT_KEY`, `TRANSPORT_PORT_BUSY`, `TRANSPORT_PORT_DENIED` */
export async function webSocketListener(
  at: URL,
  accept: (session: ChannelFactory) => Channel,
  settings: WebSocketSettings,
  tls: TlsOptions | undefined,
  publication?: Publication,
): Promise<Listener> {
  const url = new URL(webSocketUrl(at));
  const endpoint = new WebSocketEndpoint(url.pathname, accept, settings);
  if (settings.server !== undefined) {
    const mounted = settings.server;
    const onUpgrade = (...given: [IncomingMessage, Duplex, Buffer]) => {
      endpoint.upgrade(...given, mounted.listenerCount('upgrade') > 1);
    };
    mounted.on('upgrade', onUpgrade);
    return once(url, async (signal) => {
      mounted.removeListener('upgrade', onUpgrade);
      await endpoint.stop(signal);
    });
  }
  const asHttp = new URL(url.href.replace(/^ws/, 'http'));
  const server: Server = serverFor(asHttp, settings.http, tls);
  let published: Published | undefined;
  server.on('request', (request, response) => {
    if (tell(request, response, published, url.pathname)) return;
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('This is a SOAP endpoint over WebSocket.\n');
  });
  server.on('upgrade', (request, socket, head) => endpoint.upgrade(request, socket, head, false));
  await bound(server, asHttp);
  url.port = String((server.address() as AddressInfo).port);
  try {
    published = publication?.(new URL(url));
  } catch (error) {
    server.close();
    throw error;
  }
  return once(url, async (signal) => {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    await endpoint.stop(signal);
    server.closeAllConnections();
    await ended;
  });
}

function once(url: URL, close: (signal: AbortSignal) => Promise<void>): Listener {
  let closing: Promise<void> | undefined;
  return {
    url,
    close: (signal = never) => {
      closing ??= close(signal);
      return closing;
    },
  };
}

class WebSocketEndpoint {
  readonly #path: string;
  readonly #accept: (session: ChannelFactory) => Channel;
  readonly #settings: WebSocketSettings;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<Connection>();
  /** The channels above, which may outlive their connection. */
  readonly #tops = new Set<Channel>();
  #isStopping = false;

  constructor(path: string, accept: (session: ChannelFactory) => Channel, settings: WebSocketSettings) {
    const limits = { maxFragments };
    this.#path = path;
    this.#accept = accept;
    this.#settings = settings;
    this.#server = new WebSocketServer({
      ...limits,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.maxReceivedMessageSize,
      autoPong: false,
      handleProtocols: () => subProtocol,
    });
  }

  /** @param isShared true when somebody else may want what goes to another path */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isShared: boolean): void {
    socket.on('error', () => undefined);
    const found = examine(request, this.#path, this.#settings);
    if ('status' in found) {
      if (isShared && found.status === 404) return;
      this.#refuse(request, socket, found.status, found.text);
      return;
    }
    if (this.#isStopping || this.#connections.size >= this.#settings.http.maxConnections) {
      this.#refuse(request, socket, 503, 'The service takes no more connections just now.');
      return;
    }
    const peer = peerOf(socket as Socket);
    this.#server.handleUpgrade(request, socket, head, (joined) => {
      // Nothing is read before somebody listens.
      joined.pause();
      joined.on('error', () => undefined);
      const { version } = found;
      this.#begin(async () => {
        joined.resume();
        return { socket: joined, peer, version };
      }).catch((thrown: unknown) => {
        publish(() => ({ event: 'connection.failed', address: peer.address, error: asError(thrown) }));
        joined.terminate();
      });
    });
  }

  /** Takes nothing new, lets what is under way finish (until `signal` fires), then ends every connection. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#connections].map((connection) => connection.idle(signal)));
    await Promise.all(
      [...this.#tops].map((top) =>
        top.close(signal).catch((thrown: unknown) => {
          top.abort(asError(thrown));
        }),
      ),
    );
    this.#server.close();
  }

  async #begin(join: ConstructorParameters<typeof Connection>[0]['join']): Promise<void> {
    const top = this.#accept((receive) => {
      const connection = new Connection({
        side: 'acceptor',
        place: this.#path,
        settings: this.#settings,
        receive,
        join,
      });
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      return connection;
    });
    this.#tops.add(top);
    void top.closed.then(() => this.#tops.delete(top));
    try {
      await top.open();
    } catch (thrown) {
      top.abort(asError(thrown));
      throw thrown;
    }
  }

  #refuse(request: IncomingMessage, socket: Duplex, status: number, text: string): void {
    publish(() => ({ event: 'request.refused', status, reason: text, address: request.socket.remoteAddress }));
    const body = `${text}\n`;
    const head = [
      `HTTP/1.1 ${status} Refused`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(status === 503 ? ['Retry-After: 5'] : []),
    ];
    // Whoever does not hang up is hung up on.
    socket.once('finish', () => socket.destroy());
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
}
