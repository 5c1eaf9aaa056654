/** URLs as addresses: checked, and without what must not be shown. */
import { TransportError } from './errors.ts';

/** An address for messages and events: no user, password, query or fragment, any of which may hold a secret. */
export function placeOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** The host as sockets want it: an IPv6 address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' || url.protocol === 'wss:' ? 443 : 80;
}

/**
 * The URL itself, when HTTP can go there.
 *
 * @throws TransportError `TRANSPORT_ADDRESS`
 */
export function httpUrl(url: URL): URL {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TransportError(
      'TRANSPORT_ADDRESS',
      `The HTTP transport cannot use an address that begins with "${url.protocol}". Use http: or https:.`,
    );
  }
  return withoutCredentials(url);
}

/**
 * The URL itself, when a WebSocket can go there (RFC 6455 section 3).
 *
 * @throws TransportError `TRANSPORT_ADDRESS`
 */
export function webSocketUrl(url: URL): URL {
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new TransportError(
      'TRANSPORT_ADDRESS',
      `The WebSocket transport cannot use an address that begins with "${url.protocol}". Use ws: or wss:.`,
    );
  }
  return withoutCredentials(url);
}

function withoutCredentials(url: URL): URL {
  if (url.username === '' && url.password === '') return url;
  throw new TransportError(
    'TRANSPORT_ADDRESS',
    `The address ${placeOf(url)} holds a user or a password. Take them out; credentials belong into the security of the binding.`,
  );
}
