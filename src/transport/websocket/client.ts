/** Makes one connection to a WebSocket endpoint: TCP, proxy and TLS as for HTTP, then the handshake, within one time limit. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { asError } from '../../base/errors.ts';
import { deadline } from '../../base/signals.ts';
import type { Peer } from '../../channel/transport.ts';
import { dial, type Route } from '../dial.ts';
import { TransportError } from '../errors.ts';
import { failureOf } from '../failure.ts';
import { printable } from '../text.ts';
import { peerOf } from '../tls.ts';
import type { Joined } from './connection.ts';
import { contentTypeHeader, contentTypeOf, subProtocol } from './handshake.ts';
import { maxFragments, type WebSocketSettings } from './settings.ts';

/** Statuses after which the same handshake may succeed later. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * @throws TransportError what `dial` throws, and `TRANSPORT_STATUS`, `TRANSPORT_CONTENT_TYPE`, `TRANSPORT_BROKEN`,
 * `TRANSPORT_TIMEOUT`
 */
export async function join(to: URL, route: Route, settings: WebSocketSettings, signal: AbortSignal): Promise<Joined> {
  const { clock, openTimeout, version } = settings;
  const limit = deadline(clock, openTimeout, signal, () => {
    const text = `No WebSocket connection to ${route.place} within ${openTimeout} ms. Check the address, or raise openTimeout.`;
    return new TransportError('TRANSPORT_TIMEOUT', text, { transient: true });
  });
  try {
    const tcp = await dial(route, clock);
    if (limit.signal.aborted) {
      tcp.destroy();
      throw limit.signal.reason;
    }
    const peer: Peer = peerOf(tcp);
    const socket = await shaken(to, tcp, route.place, settings, limit.signal);
    return { socket, peer, version: version === 'any' ? undefined : version };
  } finally {
    limit.clear();
  }
}

function shaken(
  to: URL,
  tcp: Socket,
  place: string,
  settings: WebSocketSettings,
  signal: AbortSignal,
): Promise<WebSocket> {
  const { version, maxReceivedMessageSize } = settings;
  const limits = { maxFragments };
  const socket = new WebSocket(to, [subProtocol], {
    ...limits,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: maxReceivedMessageSize,
    autoPong: false,
    createConnection: () => tcp,
    ...(version === 'any' ? {} : { headers: { [contentTypeHeader]: contentTypeOf(version) } }),
  });
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      signal.removeEventListener('abort', onAbort);
      socket.on('error', () => undefined);
      socket.terminate();
      tcp.destroy();
      reject(error);
    };
    const onAbort = () => refuse(asError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('unexpected-response', (_, response) => refuse(statusError(response, place)));
    socket.once('error', (error) => refuse(handshakeError(error, place)));
    socket.once('open', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      resolve(socket);
    });
  });
}

function statusError(response: IncomingMessage, place: string): TransportError {
  const status = response.statusCode ?? 0;
  return new TransportError(
    'TRANSPORT_STATUS',
    `${place} answered the WebSocket handshake with HTTP status ${status}. Check the URL, and that the service speaks SOAP over WebSocket.`,
    { status, transient: TRANSIENT.has(status) },
  );
}

function handshakeError(error: Error, place: string): TransportError {
  if (/subprotocol/i.test(error.message)) {
    const text = `${place} does not speak the sub-protocol "soap" (${printable(error.message)}). Check that the URL is that of the service.`;
    return new TransportError('TRANSPORT_CONTENT_TYPE', text, { cause: error });
  }
  return failureOf(error, { place });
}
