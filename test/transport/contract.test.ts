/** HTTP and HTTPS keep the contract of every transport. */
import { httpTransport } from '../../src/transport/http/transport.ts';
import { transportContract } from '../contracts/transport.ts';
import { Authority } from './certificates.ts';

const authority = new Authority('Test Authority');
const server = authority.leaf();

/** The contract has sixteen messages under way at once. */
const client = { connections: 16 };

transportContract('HTTP', ({ maxBytes }) => ({
  transport: httpTransport({ maxReceivedMessageSize: maxBytes, client }),
  at: new URL('http://127.0.0.1:0/soap'),
  peer: { secure: false, address: '127.0.0.1' },
}));

transportContract('HTTPS, with certificates on both sides', ({ maxBytes }) => ({
  transport: httpTransport({
    maxReceivedMessageSize: maxBytes,
    client,
    tls: { cert: server.cert, key: server.key, ca: authority.cert, clientCertificate: 'require' },
  }),
  at: new URL('https://127.0.0.1:0/soap'),
  peer: { secure: true, address: '127.0.0.1', certificate: Buffer.from(server.der) },
}));
