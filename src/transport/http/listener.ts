/** A port of our own: a `node:http` or `node:https` server with every limit set, and an end that loses nothing. */
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { diagnostics } from '../../base/diagnostics.ts';
import { asError } from '../../base/errors.ts';
import { never } from '../../base/signals.ts';
import type { Channel, ChannelFactory } from '../../channel/channel.ts';
import type { Listener, Publication } from '../../channel/transport.ts';
import { hostOf, httpUrl, placeOf, portOf } from '../address.ts';
import { TransportError } from '../errors.ts';
import { printable } from '../text.ts';
import { made, onRefusedHandshake, serverTls, type TlsOptions } from '../tls.ts';
import { Endpoint } from './endpoint.ts';
import { closeTop, Entrance } from './entrance.ts';
import type { ListenerSettings } from './settings.ts';

const publish = diagnostics('transport');

/** How often Node looks for requests that took too long, in milliseconds. */
const LONGEST_CHECK_INTERVAL = 5_000;

/**
 * Opens the top channel, then the port.
 *
 * @param at `localhost` stands for 127.0.0.1; other names are bound as the system resolves them
 * @throws TransportError `TRANSPORT_ADDRESS`, `TRANSPORT_KEY`, `TRANSPORT_PORT_BUSY`, `TRANSPORT_PORT_DENIED`
 */
export async function listener(
  at: URL,
  accept: (session: ChannelFactory) => Channel,
  settings: ListenerSettings,
  tls: TlsOptions | undefined,
  publication?: Publication,
): Promise<Listener> {
  const url = new URL(httpUrl(at));
  const entrance = new Entrance();
  const endpoint = new Endpoint(entrance, settings, url.pathname);
  const server = serverFor(url, settings, tls);
  server.on('request', (request, response) => endpoint.handle(request, response));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const top = accept(entrance.session);
  await top.open();
  try {
    await bound(server, url);
    url.port = String((server.address() as AddressInfo).port);
    endpoint.publish(publication?.(new URL(url)));
  } catch (error) {
    server.close();
    top.abort(asError(error));
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = async (signal: AbortSignal): Promise<void> => {
    const ended = unlisten(server);
    await endpoint.stop(signal);
    for (const socket of sockets) socket.destroy();
    await ended;
    await closeTop(top, signal);
  };
  return {
    url,
    close: (signal = never) => {
      closing ??= close(signal);
      return closing;
    },
  };
}

/**
 * Takes no connection any more, and lets those that are there be: `close` of an HTTP server cuts off every answer that is written and
 * not yet taken by its client.
 *
 * @returns settles when no connection is left
 */
async function unlisten(server: Server): Promise<void> {
  await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  // Nobody is left to be cut off; this ends its looking for requests that take too long.
  server.close();
}

export function serverFor(url: URL, settings: ListenerSettings, tls: TlsOptions | undefined): Server {
  const { headersTimeout, requestTimeout, idleTimeout, handshakeTimeout } = settings;
  const limits = {
    headersTimeout: Math.min(headersTimeout, requestTimeout),
    requestTimeout,
    keepAliveTimeout: idleTimeout,
    connectionsCheckingInterval: Math.min(LONGEST_CHECK_INTERVAL, headersTimeout, requestTimeout),
    noDelay: true,
    // Whatever flag Node was started with: two readings of one request are how requests are smuggled (attack D20).
    insecureHTTPParser: false,
  };
  const server = url.protocol === 'https:' ? secureServer(limits, tls, handshakeTimeout) : createServer(limits);
  server.maxConnections = settings.maxConnections;
  return server;
}

function secureServer(limits: object, tls: TlsOptions | undefined, handshakeTimeout: number): Server {
  const server = made(() => createSecureServer({ ...limits, ...serverTls(tls, handshakeTimeout) }));
  onRefusedHandshake(server, (error, address) => publish(() => ({ event: 'handshake.refused', error, address })));
  return server;
}

export function bound(server: Server, url: URL): Promise<void> {
  const host = hostOf(url) === 'localhost' ? '127.0.0.1' : hostOf(url);
  const port = portOf(url);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(error, url, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => publish(() => ({ event: 'listener.failed', error })));
      resolve();
    });
  });
}

function portError(error: NodeJS.ErrnoException, url: URL, port: number): TransportError {
  const options = { cause: error };
  switch (error.code) {
    case 'EADDRINUSE':
      return new TransportError(
        'TRANSPORT_PORT_BUSY',
        `Somebody listens at ${placeOf(url)} already. End that process, or choose another port (0 takes any free one).`,
        { ...options, transient: true },
      );
    case 'EACCES':
    case 'EPERM':
      return new TransportError(
        'TRANSPORT_PORT_DENIED',
        `This process may not listen on port ${port}. Choose a port above 1023, or give it the right (CAP_NET_BIND_SERVICE).`,
        options,
      );
    default:
      return new TransportError(
        'TRANSPORT_ADDRESS',
        `It is not possible to listen at ${placeOf(url)} (${error.code ?? printable(error.message)}). Use an address of this machine, or 0.0.0.0 or [::] for all.`,
        options,
      );
  }
}
