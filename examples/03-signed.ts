/**
 * Message security: both ends sign with X.509 certificates, verification returns evidence, and a message that was changed
 * on the way never reaches the service. Over plain HTTP here, to show that signatures do not depend on TLS.
 *
 *     node examples/03-signed.ts
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
  evidence,
  exchange,
  host,
  httpTransport,
  integer,
  record,
  requestReply,
  type SecurityPolicy,
  security,
  signingKey,
  type Trust,
  text,
  trustChain,
  trustPeers,
  x509Signed,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);

/** What is required of whatever arrives is stated before anything does; the wire can only satisfy it. */
async function policy(name: string, trust: Trust): Promise<SecurityPolicy> {
  const key = signingKey({
    privateKey: await file(`ec/${name}.key.pem`),
    certificate: await file(`ec/${name}.chain.pem`),
  });
  return x509Signed({ key, trust });
}

const orders = contract({
  name: 'Orders',
  namespace: 'urn:example:orders',
  operations: {
    place: requestReply({ request: record({ sku: text, quantity: integer }), reply: record({ number: integer }) }),
  },
});
const signedBy = async (name: string, trust: Trust) =>
  binding([exchange({ addressing: addressing200508 }), security(await policy(name, trust))], httpTransport());

// The service believes whoever the authority stands behind, the client only this one service.
const clients = trustChain({ anchors: await file('trust.pem'), intermediates: await file('ec/intermediate.cert.pem') });
const theService = trustPeers(await file('ec/service-signing.cert.pem'));

const service = dispatcher(orders, {
  place({ sku, quantity }, { delivery }) {
    const found = delivery.get(evidence);
    console.log(`${quantity} × ${sku}, ordered and signed by ${found?.signer?.name}`);
    console.log(`signed parts: ${[...(found?.signed ?? [])].map((part) => part.replace(/^.*}/, '')).join(', ')}`);
    return { number: 1001 };
  },
});
await using hosted = await host([
  { binding: await signedBy('service-signing', clients), url: new URL('http://127.0.0.1:0/orders'), receive: service },
]);

await using calls = client(orders, connect(await signedBy('client-signing', theService), hosted.url));
const { number } = await calls.place({ sku: 'A-1', quantity: 2 });
console.log(`confirmed, with a signature too: order ${number}`);
