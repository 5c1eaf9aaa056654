/**
 * A forward proxy: a CONNECT tunnel for https (RFC 9110 9.3.6), requests in absolute form for http (RFC 9112 3.2.2). Its
 * credentials go to the proxy only, and into no error or event.
 */
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { base64, utf8 } from '../base/bytes.ts';
import { hostOf, portOf } from './address.ts';
import { TransportError } from './errors.ts';
import { printable } from './text.ts';
import { type ClientTls, clientTls, type TlsOptions } from './tls.ts';

export interface ProxyOptions {
  /** `http://host:port` or `https://host:port`; a user and a password in it are used like those below. */
  readonly url: string | URL;
  readonly username?: string;
  readonly password?: string;
  /** TLS to an https proxy itself. */
  readonly tls?: TlsOptions;
}

export interface ForwardProxy {
  readonly host: string;
  readonly port: number;
  /** The address, without secrets. */
  readonly place: string;
  readonly tls: ClientTls | undefined;
  /** The value of Proxy-Authorization (Basic, RFC 7617). */
  readonly authorization: string | undefined;
}

/**
 * Reads the options once.
 *
 * @throws TransportError `TRANSPORT_PROXY` for an address that is none, `TRANSPORT_KEY` for its TLS options
 */
export function proxyOf(options: ProxyOptions): ForwardProxy {
  const url = parsed(options.url);
  const username = options.username ?? decodeURIComponent(url.username);
  const password = options.password ?? decodeURIComponent(url.password);
  const secure = url.protocol === 'https:';
  return {
    host: hostOf(url),
    port: portOf(url),
    place: `${url.protocol}//${url.host}`,
    tls: secure ? clientTls(options.tls) : undefined,
    authorization: username === '' && password === '' ? undefined : `Basic ${base64(utf8(`${username}:${password}`))}`,
  };
}

/**
 * Asks the proxy for a tunnel.
 *
 * @param signal gives up
 * @throws TransportError `TRANSPORT_PROXY`
 */
export function tunnel(proxy: ForwardProxy, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const options: RequestOptions = {
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: target,
    agent: false,
    signal,
    headers: {
      Host: target,
      ...(proxy.authorization === undefined ? undefined : { 'Proxy-Authorization': proxy.authorization }),
    },
  };
  return new Promise((resolve, reject) => {
    const asked =
      proxy.tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...proxy.tls(proxy.host) });
    asked.on('connect', (response, socket, head) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        socket.destroy();
        reject(refusal(proxy, status));
      } else if (head.length > 0) {
        socket.destroy();
        reject(
          new TransportError('TRANSPORT_PROXY', `The proxy ${proxy.place} put octets of its own into the tunnel.`),
        );
      } else {
        resolve(socket as Socket);
      }
    });
    asked.on('error', (error: NodeJS.ErrnoException) => reject(proxyFailure(proxy, error)));
    asked.end();
  });
}

/** Why the proxy answered `status` itself. */
export function refusal(proxy: ForwardProxy, status: number): TransportError {
  const hint =
    status === 407
      ? 'It demands a user and a password that it knows: set proxy.username and proxy.password.'
      : 'Ask its operator whether it may reach this host and port.';
  return new TransportError('TRANSPORT_PROXY', `The proxy ${proxy.place} refused with status ${status}. ${hint}`, {
    status,
    transient: status >= 502 && status <= 504,
  });
}

/** Why the proxy could not be spoken to. */
export function proxyFailure(proxy: ForwardProxy, error: NodeJS.ErrnoException): TransportError {
  if (error instanceof TransportError) return error;
  const secured = error.code !== undefined && /^(ERR_|CERT_|CRL_|UNABLE_|SELF_|DEPTH_|HPE_)/.test(error.code);
  return new TransportError(
    'TRANSPORT_PROXY',
    `The proxy ${proxy.place} cannot be used (${error.code ?? printable(error.message)}). Check proxy.url, and proxy.tls for an https proxy.`,
    { cause: error, transient: !secured },
  );
}

function parsed(text: string | URL): URL {
  const url = URL.canParse(String(text)) ? new URL(String(text)) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TransportError('TRANSPORT_PROXY', 'proxy.url is not an address like http://proxy.example:8080.');
  }
  return url;
}
