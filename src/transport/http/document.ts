/** One GET: a document of somebody else's, such as a WSDL, under the same TLS, proxy and limits as everything else. */
import { later } from '../../base/clock.ts';
import { hostOf, httpUrl, placeOf, portOf } from '../address.ts';
import { TransportError } from '../errors.ts';
import { clientTls } from '../tls.ts';
import { Exchange } from './exchange.ts';
import { Pool } from './pool.ts';
import { clientSettings, type HttpTransportOptions } from './settings.ts';

/**
 * Fetches a document. Redirections are not followed: whoever answers would choose where we go.
 *
 * @param url http or https, without credentials
 * @param options `maxReceivedMessageSize` bounds the answer in octets, `client.sendTimeout` the whole exchange in milliseconds
 * @throws TransportError `TRANSPORT_ADDRESS`, `TRANSPORT_STATUS` for any status but 200, `TRANSPORT_OVERSIZE`, `TRANSPORT_TIMEOUT`,
 *   `TRANSPORT_UNREACHABLE`, `TRANSPORT_BROKEN`, `TRANSPORT_CONTENT_TYPE` for a compressed one, and the `TRANSPORT_TLS…` codes
 */
export async function fetchDocument(url: URL, options: HttpTransportOptions = {}): Promise<Uint8Array> {
  const to = new URL(httpUrl(url));
  const settings = clientSettings(options);
  const place = placeOf(to);
  const route = {
    host: hostOf(to),
    port: portOf(to),
    place: to.origin,
    tls: to.protocol === 'https:' ? clientTls(options.tls) : undefined,
    proxy: settings.proxy,
    tunnels: true,
    openTimeout: settings.openTimeout,
  };
  const pool = new Pool(to.origin, route, settings, settings.clock);
  const headers = { accept: 'text/xml, application/wsdl+xml, application/xml', 'accept-encoding': 'identity' };
  const question = { method: 'GET', path: `${to.pathname}${to.search}`, headers } as const;
  const exchange = new Exchange(question, place, settings.maxReceivedMessageSize);
  const late = (): TransportError =>
    new TransportError(
      'TRANSPORT_TIMEOUT',
      `${place} did not answer within ${settings.sendTimeout} ms. Try again later.`,
      {
        transient: true,
      },
    );
  const timer = settings.clock.at(later(settings.clock.now(), settings.sendTimeout), () => exchange.giveUp(late()));
  try {
    pool.run(exchange);
    const { status, body, contentEncoding = 'identity' } = await exchange.answer;
    if (status !== 200) {
      const why =
        status >= 300 && status < 400
          ? 'Redirections are not followed: use the address that it really has.'
          : 'Check the address.';
      throw new TransportError('TRANSPORT_STATUS', `${place} answered with HTTP status ${status}. ${why}`, { status });
    }
    if (contentEncoding.toLowerCase() !== 'identity') {
      throw new TransportError(
        'TRANSPORT_CONTENT_TYPE',
        `${place} sent a compressed document, although identity was asked for.`,
      );
    }
    return body;
  } finally {
    timer.cancel();
    await pool.close();
  }
}
