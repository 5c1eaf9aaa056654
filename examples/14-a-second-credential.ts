/**
 * A security context that learns of somebody else: a till shows its certificate when it opens, and stands for a machine; then a cashier
 * signs in at it, with a password, in the middle of the reliable session. The context is amended (WS-SecureConversation, section 4): it is
 * still the till's, the session goes on, and the service sees who stands at it. No other stack is known to speak this.
 *
 *     node examples/14-a-second-credential.ts
 */
import { readFile } from 'node:fs/promises';
import {
  addressing200508,
  amendContext,
  binding,
  certificateOverTransport,
  client,
  connect,
  contract,
  developmentPki,
  dispatcher,
  evidence,
  exchange,
  host,
  httpTransport,
  identityOf,
  integer,
  OperationFault,
  record,
  reliableSession,
  requestReply,
  SurewireError,
  secureConversation,
  signingKey,
  text,
  trustPeers,
  usernameOverTransport,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const ca = await file('trust.pem');

const sales = contract({
  name: 'Sales',
  namespace: 'urn:example:sales',
  operations: {
    price: requestReply({ request: record({ sku: text }), reply: record({ cents: integer }) }),
    sell: requestReply({
      request: record({ sku: text }),
      reply: record({ receipt: integer }),
      faults: { NobodyIsSignedIn: record({ advice: text }) },
    }),
  },
});

// The service: a context is a till's, by certificate, and may be amended by a cashier, with a password.
const cashiers = new Map([['carol', 'correct horse']]);
const conversation = secureConversation({
  bootstrap: certificateOverTransport({ trust: trustPeers(await file('rsa/client-signing.cert.pem')) }),
  amendment: usernameOverTransport({ passwords: { password: (user) => cashiers.get(user) } }),
});
const owners = new Set<string>();
let receipt = 500;
const service = dispatcher(sales, {
  price: () => ({ cents: 250 }),
  sell({ sku }, { delivery }) {
    owners.add(identityOf(delivery));
    const [cashier] = delivery.get(evidence)?.added ?? [];
    if (cashier?.user === undefined) throw new OperationFault('NobodyIsSignedIn', { advice: 'Sign in at the till.' });
    console.log(`${sku}: sold by ${cashier.user.name}`);
    return { receipt: ++receipt };
  },
});
const layers = (secured: typeof conversation, tls: Parameters<typeof httpTransport>[0]) =>
  binding([exchange({ addressing: addressing200508 }), reliableSession(), secured], httpTransport(tls));
const tls = { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') };
const url = new URL('https://127.0.0.1:0/sales');
await using hosted = await host([{ binding: layers(conversation, { tls }), url, receive: service }]);

// The till.
const key = signingKey({
  privateKey: await file('rsa/client-signing.key.pem'),
  certificate: await file('rsa/client-signing.chain.pem'),
});
const own = secureConversation({ bootstrap: certificateOverTransport({ key }) });
const channel = connect(layers(own, { tls: { ca } }), hosted.url);
await using till = client(sales, channel);
const { cents } = await till.price({ sku: 'A-1' });
console.log(`A-1 is ${cents} cents, for any till`);

const sell = async (): Promise<void> => {
  try {
    console.log(`receipt ${(await till.sell({ sku: 'A-1' })).receipt}`);
  } catch (error) {
    if (error instanceof OperationFault) console.log(`not sold: ${error.fault}`);
  }
};
const signIn = async (user: string, password: string): Promise<void> => {
  try {
    await amendContext(channel, usernameOverTransport({ username: { user, password, form: 'text' } }));
    console.log(`${user} has signed in`);
  } catch (error) {
    if (error instanceof SurewireError) console.log(`${user} has not signed in: ${error.code}`);
  }
};
await sell();
await signIn('carol', 'guessed');
await sell();
await signIn('carol', 'correct horse');
await sell();
console.log(`whose sequence it was, all along: ${owners.size} till`);
