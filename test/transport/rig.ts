/** What the tests of this room share: messages, listeners and raw servers on free loopback ports, all closed at the end. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import type { TlsOptions as ServerOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { DiagnosticEvent } from '../../src/base/diagnostics.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import type { Listener, Transport } from '../../src/channel/transport.ts';
import { message as newMessage, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import { TransportError, type TransportErrorCode } from '../../src/transport/errors.ts';
import type { HttpTransportOptions } from '../../src/transport/http/settings.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

/** Runs `cleanup` after the test, last registered first. */
export function afterwards(cleanup: () => unknown): void {
  onTestFinished(async () => {
    await cleanup();
  });
}

export function message(text = 'hello', version: SoapVersion = soap12): Message {
  return newMessage({
    version,
    action: 'urn:test/Say',
    body: XmlFragment.parse(`<say xmlns="urn:test">${text}</say>`),
  });
}

export function request(text?: string, signal?: AbortSignal, version?: SoapVersion): Delivery {
  return delivery(message(text, version), signal);
}

export function textOf(of: Delivery | undefined): string | undefined {
  return of === undefined ? undefined : payload(of.message)?.text;
}

/** Replies with what it got. */
export const echo: Carry = async (inbound) => inbound;

/** A listener of ours on a free port. */
export async function serve(
  receive: Carry,
  options: HttpTransportOptions = {},
  scheme: 'http' | 'https' = 'http',
  path = '/soap',
): Promise<Listener> {
  const transport = httpTransport(options);
  const listener = await listen(binding([], transport), new URL(`${scheme}://127.0.0.1:0${path}`), receive);
  afterwards(() => listener.close(AbortSignal.abort(new Error('the test is over'))));
  return listener;
}

/** A client channel of ours. */
export function channelTo(to: URL | string, options: HttpTransportOptions = {}): Channel {
  return channelOf(httpTransport(options), to);
}

export function channelOf(transport: Transport, to: URL | string): Channel {
  const channel = connect(binding([], transport), new URL(to));
  afterwards(() => channel.abort(new Error('the test is over')));
  return channel;
}

/** Somebody else's HTTP server; returns the URL of its endpoint. */
export function foreign(listener: RequestListener): Promise<string> {
  return started(createServer(listener), 'http');
}

export function foreignSecure(
  options: ServerOptions,
  listener: RequestListener = (_, response) => response.end(),
): Promise<string> {
  const server = createSecureServer(options, listener);
  server.on('tlsClientError', () => undefined);
  return started(server, 'https');
}

/** A server that speaks whatever `handle` says. */
export function foreignTcp(handle: (socket: Socket) => void): Promise<string> {
  return started(
    createTcpServer((socket) => {
      socket.on('error', () => undefined);
      handle(socket);
    }),
    'http',
  );
}

async function started(server: Server, scheme: string): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/soap`;
}

/** The transport error of a promise that must reject with one. */
export async function failure(work: Promise<unknown>): Promise<TransportError> {
  const outcome = await work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (outcome instanceof TransportError) return outcome;
  throw new Error(`A TransportError was expected, but: ${String(outcome)}`, { cause: outcome });
}

export async function codeOf(work: Promise<unknown>): Promise<TransportErrorCode> {
  return (await failure(work)).code;
}

/** Sends octets as they are and gathers all that comes back until the server closes. */
export function raw(to: URL, octets: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port: Number(to.port) });
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    socket.write(octets);
    afterwards(() => socket.destroy());
  });
}

/** Records the events of this room for the rest of the test. */
export function events(): DiagnosticEvent[] {
  const seen: DiagnosticEvent[] = [];
  const hear = (event: unknown) => seen.push(event as DiagnosticEvent);
  subscribe('surewire:transport', hear);
  afterwards(() => unsubscribe('surewire:transport', hear));
  return seen;
}
