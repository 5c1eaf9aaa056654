/** HTTP and HTTPS as a transport: clients and listeners that share their options. */
import type { Transport } from '../../channel/transport.ts';
import { hostOf, httpUrl, portOf } from '../address.ts';
import { clientTls } from '../tls.ts';
import { initiator } from './client.ts';
import { listener } from './listener.ts';
import { Pool, Pools } from './pool.ts';
import { clientSettings, type HttpTransportOptions, listenerSettings } from './settings.ts';

/**
 * Makes the HTTP(S) transport. Keys, certificates and revocation lists are read once, here or when it first listens.
 *
 * `connect(to)` throws `TRANSPORT_ADDRESS` for a URL that is not http(s) or holds credentials. Its channels connect to
 * that URL only and follow no redirection. `send` resolves with the reply (faults too), or `undefined` for an empty
 * 200, 202 or 204, and rejects with the reason of the delivery's signal or with
 * `TRANSPORT_STATUS`, `TRANSPORT_ANSWER`, `TRANSPORT_CONTENT_TYPE`, `TRANSPORT_UNREACHABLE`, `TRANSPORT_BROKEN`, `TRANSPORT_TIMEOUT`,
 * `TRANSPORT_TLS`, `TRANSPORT_TLS_HOST`, `TRANSPORT_TLS_UNTRUSTED`, `TRANSPORT_TLS_EXPIRED`, `TRANSPORT_TLS_REVOKED`,
 * `TRANSPORT_TLS_CLIENT_CERTIFICATE`, `TRANSPORT_OVERSIZE`, `TRANSPORT_PROXY` or `TRANSPORT_CLOSED`.
 *
 * `listen(at, accept)` calls `accept` once, opens that channel, then takes requests; it rejects with `TRANSPORT_ADDRESS`,
 * `TRANSPORT_KEY`, `TRANSPORT_PORT_BUSY` or `TRANSPORT_PORT_DENIED`.
 *
 * @throws TransportError `TRANSPORT_KEY`, `TRANSPORT_PROXY` when the options cannot be used
 *
 * @example
 * const transport = httpTransport({ tls: { ca: readFileSync('authority.pem') } });
 * const channel = connect(binding([], transport), new URL('https://orders.example/soap'));
 */
export function httpTransport(options: HttpTransportOptions = {}): Transport {
  const client = clientSettings(options);
  const listening = listenerSettings(options);
  const tls = clientTls(options.tls);
  const pools = new Pools((to) => {
    const route = {
      host: hostOf(to),
      port: portOf(to),
      place: to.origin,
      tls: to.protocol === 'https:' ? tls : undefined,
      proxy: client.proxy,
      openTimeout: client.openTimeout,
    };
    return new Pool(to.origin, route, client, client.clock);
  });
  return {
    name: 'http',
    connect: (to) => initiator(new URL(httpUrl(to)), pools, client),
    listen: (at, accept, publication) => listener(at, accept, listening, options.tls, publication),
  };
}
