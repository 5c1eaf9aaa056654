/**
 * The same over HTTPS with certificates at both ends: the client proves who it is in the TLS handshake (mutual TLS).
 *
 *     node examples/02-https.ts
 */
import { readFile } from 'node:fs/promises';
import {
  addressing200508,
  binding,
  client,
  connect,
  contract,
  developmentPki,
  dispatcher,
  exchange,
  host,
  httpTransport,
  nothing,
  peer,
  record,
  requestReply,
  TransportError,
  text,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const ca = await file('trust.pem');

const door = contract({
  name: 'Door',
  namespace: 'urn:example:door',
  operations: { knock: requestReply({ request: nothing, reply: record({ welcome: text }) }) },
});
const elements = [exchange({ addressing: addressing200508 })];

// The service asks every client for a certificate that `ca` stands behind.
const server = { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') };
const guarded = binding(elements, httpTransport({ tls: { ...server, ca, clientCertificate: 'require' } }));
const service = dispatcher(door, {
  knock: (_, { delivery }) => ({ welcome: `certificate ${delivery.get(peer)?.fingerprint?.slice(0, 16)}…` }),
});
await using hosted = await host([{ binding: guarded, url: new URL('https://127.0.0.1:0/door'), receive: service }]);

const alice = { cert: await file('rsa/alice.chain.pem'), key: await file('rsa/alice.key.pem') };
await using known = client(door, connect(binding(elements, httpTransport({ tls: { ...alice, ca } })), hosted.url));
const { welcome } = await known.knock(undefined);
console.log(`alice is let in: ${welcome}`);

// Without a certificate nobody gets as far as sending a message.
await using stranger = client(door, connect(binding(elements, httpTransport({ tls: { ca } })), hosted.url));
try {
  await stranger.knock(undefined);
} catch (error) {
  if (error instanceof TransportError) console.log(`a stranger is not: ${error.message}`);
}
