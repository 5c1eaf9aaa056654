/** WebSocket keeps the contract of every transport; answers are found by what they relate to. */
import { webSocketTransport } from '../../src/transport/websocket/transport.ts';
import { transportContract, withExchange } from '../contracts/transport.ts';
import { Authority } from './certificates.ts';

const authority = new Authority('Test Authority');
const server = authority.leaf();

transportContract('WebSocket', ({ maxBytes }) => ({
  transport: withExchange(webSocketTransport({ maxReceivedMessageSize: maxBytes, version: 'any' })),
  at: new URL('ws://127.0.0.1:0/soap'),
  peer: { secure: false, address: '127.0.0.1' },
  isDuplex: true,
}));

transportContract('WebSocket over TLS, with certificates on both sides', ({ maxBytes }) => ({
  transport: withExchange(
    webSocketTransport({
      maxReceivedMessageSize: maxBytes,
      version: 'any',
      tls: { cert: server.cert, key: server.key, ca: authority.cert, clientCertificate: 'require' },
    }),
  ),
  at: new URL('wss://127.0.0.1:0/soap'),
  peer: { secure: true, address: '127.0.0.1', certificate: Buffer.from(server.der) },
  isDuplex: true,
}));
