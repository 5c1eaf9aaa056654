import { readFile } from 'node:fs/promises';
import * as surewire from '../src/index.ts';
import { integer, record, text } from '../src/index.ts';

// The contract that both ends share.
const orders = surewire.contract({
  name: 'Orders',
  namespace: 'urn:example:orders',
  operations: {
    place: surewire.requestReply({
      request: record({ sku: text, quantity: integer }),
      reply: record({ number: integer }),
    }),
  },
});

// The layers, outermost first: a reliable session above X.509 signatures above HTTPS.
const { folder } = await surewire.developmentPki({ folder: 'certs-dev/generated' });
const pem = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const ca = await pem('trust.pem');
async function layers(signer: string, trust: surewire.Trust, tls: surewire.TlsOptions) {
  const key = surewire.signingKey({
    privateKey: await pem(`ec/${signer}.key.pem`),
    certificate: await pem(`ec/${signer}.chain.pem`),
  });
  const elements = [
    surewire.exchange({ addressing: surewire.addressing200508 }),
    surewire.reliableSession({ ordered: true }), // store: surewire.sqlite('sessions.db') survives a crash
    surewire.security(surewire.x509Signed({ key, trust })),
  ];
  return surewire.binding(elements, surewire.httpTransport({ tls }));
}

// The service believes every client that the authority stands behind …
const clients = surewire.trustChain({ anchors: ca, intermediates: await pem('ec/intermediate.cert.pem') });
const tls = { cert: await pem('ec/server.chain.pem'), key: await pem('ec/server.key.pem') };
const service = surewire.dispatcher(orders, {
  place({ sku, quantity }, { delivery }) {
    console.log(`${quantity} × ${sku}, signed by ${delivery.get(surewire.evidence)?.signer?.name}`);
    return { number: 1001 };
  },
});
await using hosted = await surewire.host([
  {
    binding: await layers('service-signing', clients, tls),
    url: new URL('https://127.0.0.1:0/orders'),
    receive: service,
  },
]);

// … and the client only this one service. Closing ends the session in good order: last acknowledgement, TerminateSequence.
const theService = surewire.trustPeers(await pem('ec/service-signing.cert.pem'));
const channel = surewire.connect(await layers('client-signing', theService, { ca }), hosted.url);
await using client = surewire.client(orders, channel);
const { number } = await client.place({ sku: 'A-1', quantity: 2 });
console.log(`order ${number} confirmed`);
