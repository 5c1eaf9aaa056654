/**
 * Federation: a security token service knows Alice's password and says who she is; the order service believes the token service and
 * never sees a password. The token carries a key that only Alice and the order service learn, so that nobody who merely sees the token
 * can use it (WS-Trust 1.3, SAML 2.0; WCF's ws2007FederationHttpBinding with a reliable session and a security context above).
 *
 *     node examples/10-federation.ts
 */
import { readFile } from 'node:fs/promises';
import {
  addressing200508,
  algorithmSuite,
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
  issuedTokens,
  record,
  requestReply,
  type SecurityPolicy,
  security,
  signingKey,
  text,
  tokenClient,
  tokenService,
  transportWithMessageCredential,
  trustPeers,
  usernameOverTransport,
  ws2007FederationHttp,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const keyOf = async (name: string) =>
  signingKey({ privateKey: await file(`rsa/${name}.key.pem`), certificate: await file(`rsa/${name}.chain.pem`) });
const ca = await file('trust.pem');
const tls = { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') };

const issuer = 'https://sts.example/';
const ordersAddress = 'https://orders.example/';
const suite = algorithmSuite('Basic256Sha256');

// The token service: who may ask is its binding's policy, what a token says is said here.
const stsKey = await keyOf('service-signing');
const ordersKey = await keyOf('server');
const over = (policy: SecurityPolicy, own: object) =>
  binding([exchange({ addressing: addressing200508 }), security(policy)], httpTransport({ tls: own }));
const passwords = { password: (user: string) => new Map([['alice', 'correct horse']]).get(user) };
await using tokens = await host([
  {
    binding: over(usernameOverTransport({ passwords }), tls),
    url: new URL('https://127.0.0.1:0/sts'),
    receive: tokenService({
      issuer,
      key: stsKey,
      suite,
      relyingParties: [{ address: ordersAddress, certificate: ordersKey.certificate }],
      subject({ evidence: proven }, _, { address }) {
        const name = proven?.user?.name;
        console.log(`the token service issues ${name} a token for ${address}`);
        return name === undefined ? undefined : { name, attributes: new Map([['urn:example/may', ['buy']]]) };
      },
    }),
  },
]);

// The order service: believes the tokens of this one token service that are for itself.
const orders = contract({
  name: 'Orders',
  namespace: 'urn:example:orders',
  operations: {
    place: requestReply({ request: record({ sku: text, quantity: integer }), reply: record({ number: integer }) }),
  },
});
const saml = { issuers: [{ name: issuer, trust: trustPeers(stsKey.certificate) }], audiences: [ordersAddress] };
const federated = { clientCredentialType: 'IssuedToken', algorithmSuite: 'Basic256Sha256' } as const;
let number = 1_000;
await using service = await host([
  {
    binding: ws2007FederationHttp({
      security: transportWithMessageCredential({ ...federated, saml, key: ordersKey }),
      reliableSession: true,
      tls,
    }),
    url: new URL('https://127.0.0.1:0/orders'),
    receive: dispatcher(orders, {
      place({ sku, quantity }, { delivery }) {
        const proven = delivery.get(evidence);
        const may = proven?.claims?.attributes.get('urn:example/may');
        console.log(`${quantity} × ${sku} for ${proven?.user?.name}, who may: ${may}`);
        return { number: ++number };
      },
    }),
  },
]);

// Alice: asks for a token when the first message needs one, and for another before it ends.
const asking = (user: string, password: string) =>
  tokenClient({
    channel: connect(over(usernameOverTransport({ username: { user, password, form: 'text' } }), { ca }), tokens.url),
  });
await using sts = asking('alice', 'correct horse');
const token = issuedTokens(sts, { appliesTo: ordersAddress });
const via = ws2007FederationHttp({
  security: transportWithMessageCredential({ ...federated, token }),
  reliableSession: true,
  tls: { ca },
});
await using placing = client(orders, connect(via, service.url));
await placing.place({ sku: 'A-1', quantity: 2 });
const last = await placing.place({ sku: 'B-7', quantity: 1 });
console.log(`order ${last.number}`);

// Bob has no password that the token service knows.
await using other = asking('bob', 'guessed');
await other.issue({ appliesTo: ordersAddress }).catch(() => console.log('bob is refused'));
