/**
 * A user name and password over HTTPS with a security context and a reliable session: WCF's WS2007HttpBinding in mode
 * TransportWithMessageCredential, as most .NET services on the internet have it. The service publishes its WSDL, and a second
 * client needs nothing else.
 *
 *     node examples/07-username-over-https.ts
 */
import { readFile } from 'node:fs/promises';
import {
  type BindingOptions,
  bindingFromWsdl,
  client,
  connect,
  contract,
  developmentPki,
  dispatcher,
  evidence,
  host,
  integer,
  publish,
  record,
  requestReply,
  text,
  transportWithMessageCredential,
  ws2007Http,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const ca = await file('trust.pem');
const server = { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') };

const orders = contract({
  name: 'Orders',
  namespace: 'urn:example:orders',
  session: 'required',
  operations: {
    place: requestReply({ request: record({ sku: text, quantity: integer }), reply: record({ number: integer }) }),
  },
});

// WCF's default suite, Basic256, signs with SHA-1; this one does not.
const common = { clientCredentialType: 'UserName', algorithmSuite: 'Basic256Sha256' } as const;
const reliable: BindingOptions = { reliableSession: { ordered: true } };

const passwords = { password: (user: string) => (user === 'alice' ? 'correct horse' : undefined) };
const here = ws2007Http({
  ...reliable,
  security: transportWithMessageCredential({ ...common, passwords }),
  tls: server,
});
const service = dispatcher(orders, {
  place({ sku, quantity }, { delivery }) {
    console.log(`${quantity} × ${sku} for ${delivery.get(evidence)?.user?.name}`);
    return { number: 1001 };
  },
});
await using hosted = await host([
  {
    binding: here,
    url: new URL('https://127.0.0.1:0/orders'),
    receive: service,
    publication: publish(here, orders),
  },
]);

// A client that is told what the service wants …
const username = { user: 'alice', password: 'correct horse', form: 'text' } as const;
const there = ws2007Http({
  ...reliable,
  security: transportWithMessageCredential({ ...common, username }),
  tls: { ca },
});
await using told = client(orders, connect(there, hosted.url));
console.log(`order ${(await told.place({ sku: 'A-1', quantity: 2 })).number} confirmed`);

// … and one that reads it from the WSDL.
const found = await bindingFromWsdl(`${hosted.url}?wsdl`, 'OrdersPort', { username, tls: { ca } });
console.log(`the WSDL says: ${found.description.security?.mode} after ${found.description.security?.bootstrap?.mode}`);
await using reading = client(orders, connect(found, found.address ?? hosted.url));
console.log(`order ${(await reading.place({ sku: 'B-2', quantity: 1 })).number} confirmed`);

// A wrong password gets nobody in, and the fault does not say why.
const wrong = { ...username, password: 'guess' };
const stranger = ws2007Http({ security: transportWithMessageCredential({ ...common, username: wrong }), tls: { ca } });
await using refused = client(orders, connect(stranger, hosted.url));
await refused.place({ sku: 'C-3', quantity: 1 }).catch((error: Error) => console.log(`refused: ${error.message}`));
