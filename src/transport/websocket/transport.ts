/** SOAP over WebSocket as a duplex transport: clients and listeners that share their options. */
import type { Transport } from '../../channel/transport.ts';
import { hostOf, placeOf, portOf, webSocketUrl } from '../address.ts';
import { clientTls } from '../tls.ts';
import { join } from './client.ts';
import { Connection } from './connection.ts';
import { webSocketListener } from './listener.ts';
import { type WebSocketTransportOptions, webSocketSettings } from './settings.ts';

/**
 * Makes the WebSocket transport (ws: and wss:), on which both ends send unasked, as WCF's NetHttpBinding does with
 * `WebSocketTransportUsage.Always`: sub-protocol `soap`, one envelope in a message, no compression. Keys, certificates and
 * revocation lists are read once, here or when it first listens.
 *
 * `connect(to)` throws `TRANSPORT_ADDRESS` for a URL that is not ws(s) or holds credentials. Each of its channels is one
 * connection; `open` rejects with `TRANSPORT_STATUS` (the handshake was refused), `TRANSPORT_CONTENT_TYPE` (no sub-protocol
 * `soap`), `TRANSPORT_UNREACHABLE`, `TRANSPORT_TIMEOUT`, `TRANSPORT_PROXY`, `TRANSPORT_BROKEN` and the `TRANSPORT_TLS…` codes.
 * `send` settles with nothing when the message is in the hands of the operating system. `closed` tells why the connection ended:
 * `TRANSPORT_BROKEN`, `TRANSPORT_OVERSIZE`, `TRANSPORT_TIMEOUT` (silence), `TRANSPORT_ANSWER` (no SOAP message); above it,
 * `reliableSession` goes on over another connection, and `exchange` finds the answers.
 *
 * `listen(at, accept)` calls `accept` for each connection; it rejects with `TRANSPORT_ADDRESS`, `TRANSPORT_KEY`,
 * `TRANSPORT_PORT_BUSY` or `TRANSPORT_PORT_DENIED`.
 *
 * @throws TransportError `TRANSPORT_KEY`, `TRANSPORT_PROXY` when the options cannot be used
 *
 * @example
 * const via = binding([exchange({ addressing: addressing200508 }), reliableSession()], webSocketTransport());
 * const calls = client(orders, connect(via, new URL('wss://orders.example/soap'), dispatcher(news, { changed })));
 */
export function webSocketTransport(options: WebSocketTransportOptions = {}): Transport {
  const settings = webSocketSettings(options);
  const tls = clientTls(options.tls);
  return {
    name: 'websocket',
    connect: (given) => {
      const to = new URL(webSocketUrl(given));
      const route = {
        host: hostOf(to),
        port: portOf(to),
        place: placeOf(to),
        tls: to.protocol === 'wss:' ? tls : undefined,
        proxy: settings.proxy,
        tunnels: true,
        openTimeout: settings.openTimeout,
      };
      return (receive) =>
        new Connection({
          side: 'initiator',
          place: route.place,
          settings,
          receive,
          join: (signal) => join(to, route, settings, signal),
        });
    },
    listen: (at, accept, publication) => webSocketListener(at, accept, settings, options.tls, publication),
  };
}
