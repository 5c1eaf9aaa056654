/** Makes one connection, straight or through a proxy, with or without TLS, within a time limit. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { deadline } from '../base/signals.ts';
import { TransportError } from './errors.ts';
import { failureOf } from './failure.ts';
import { type ForwardProxy, proxyFailure, tunnel } from './proxy.ts';
import type { ClientTls } from './tls.ts';

/** How long a connection may be silent before the kernel asks whether the other end still lives. */
const PROBE_AFTER = 60_000;

export interface Route {
  readonly host: string;
  readonly port: number;
  /** The address, without secrets. */
  readonly place: string;
  /** Present for https. */
  readonly tls: ClientTls | undefined;
  readonly proxy: ForwardProxy | undefined;
  /** True where a proxy has to make a tunnel even without TLS: it forwards requests, and this is no request. */
  readonly tunnels?: boolean;
  /** Milliseconds for all of: name, TCP, proxy, TLS. */
  readonly openTimeout: number;
}

/**
 * @throws TransportError `TRANSPORT_UNREACHABLE`, `TRANSPORT_TIMEOUT`, `TRANSPORT_PROXY`, `TRANSPORT_BROKEN`,
 * `TRANSPORT_TLS…`
 */
export async function dial(route: Route, clock: Clock): Promise<Socket> {
  const limit = deadline(clock, route.openTimeout, undefined, () => {
    const via = route.proxy === undefined ? '' : ` through the proxy ${route.proxy.place}`;
    return new TransportError(
      'TRANSPORT_TIMEOUT',
      `No connection to ${route.place}${via} within ${route.openTimeout} ms. Check the address, or raise openTimeout.`,
      { transient: true },
    );
  });
  try {
    const socket = await routed(route, limit.signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, PROBE_AFTER);
    return socket;
  } catch (thrown) {
    throw limit.signal.aborted ? limit.signal.reason : failureOf(thrown, route);
  } finally {
    limit.clear();
  }
}

async function routed(route: Route, signal: AbortSignal): Promise<Socket> {
  const { host, port, tls, proxy } = route;
  if (proxy !== undefined && (tls !== undefined || route.tunnels === true)) {
    const socket = await tunnel(proxy, host, port, signal);
    if (tls === undefined) return socket;
    return ready(connectTls({ ...tls(host), socket }), 'secureConnect', signal);
  }
  if (proxy === undefined) return straight(host, port, tls, signal);
  return straight(proxy.host, proxy.port, proxy.tls, signal).catch((error) => {
    throw proxyFailure(proxy, error);
  });
}

function straight(host: string, port: number, tls: ClientTls | undefined, signal: AbortSignal): Promise<Socket> {
  if (tls === undefined) return ready(connectTcp({ host, port }), 'connect', signal);
  return ready(connectTls({ ...tls(host), host, port }), 'secureConnect', signal);
}

function ready(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.destroy(signal.reason);
    const ended = () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener(event, onReady);
    };
    const onError = (error: Error) => {
      ended();
      reject(error);
    };
    const onReady = () => {
      ended();
      resolve(socket);
    };
    socket.once('error', onError);
    socket.once(event, onReady);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
