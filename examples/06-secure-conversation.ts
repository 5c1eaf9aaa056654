/**
 * A secure conversation, as WCF's WS2007HttpBinding holds it: the password is shown once, for a security context; the context
 * signs what follows, a reliable session belongs to it, and it is cancelled at the end.
 *
 *     node examples/06-secure-conversation.ts
 */
import { readFile } from 'node:fs/promises';
import {
  addressing200508,
  type BindingElement,
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
  identityOf,
  integer,
  record,
  reliableSession,
  requestReply,
  type SecurityPolicy,
  SurewireError,
  secureConversation,
  type TlsOptions,
  transform,
  usernameOverTransport,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);

const counter = contract({
  name: 'Counter',
  namespace: 'urn:example:counter',
  operations: { add: requestReply({ request: record({ amount: integer }), reply: record({ total: integer }) }) },
});

/** Sees what goes over the wire: the last part of each action, and whether a password is in it. */
let passwords = 0;
const wire: string[] = [];
const watching = transform({
  name: 'watching',
  place: 'security',
  down: (next) => (trip) => {
    wire.push(trip.message.action.split('/').slice(-2).join('/'));
    if (trip.message.headers.some(({ fragment }) => fragment.toString().includes('UsernameToken'))) passwords++;
    return next(trip);
  },
});

const layers = (bootstrap: SecurityPolicy, tls: TlsOptions, ...below: BindingElement[]) =>
  binding(
    [exchange({ addressing: addressing200508 }), reliableSession(), secureConversation({ bootstrap }), ...below],
    httpTransport({ tls }),
  );

// The service knows a user, and never sees the password again after the context was issued.
let total = 0;
const accounts = new Map([['alice', 'correct horse']]);
const bootstrap = usernameOverTransport({ passwords: { password: (user) => accounts.get(user) } });
const service = dispatcher(counter, {
  add({ amount }, { delivery }) {
    total += amount;
    const speaker = `${delivery.get(evidence)?.user?.name}, by ${identityOf(delivery).split(':')[0]}`;
    if (total === amount) console.log(`the service hears ${speaker}`);
    return { total };
  },
});
const server = { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') };
const url = new URL('https://127.0.0.1:0/counter');
await using hosted = await host([{ binding: layers(bootstrap, server), url, receive: service }]);

const ca = await file('trust.pem');
const as = (user: string, password: string, ...below: BindingElement[]) => {
  const mine = usernameOverTransport({ username: { user, password, form: 'text' } });
  return client(counter, connect(layers(mine, { ca }, ...below), hosted.url));
};

const alice = as('alice', 'correct horse', watching);
for (const amount of [1, 2, 3, 4]) await alice.add({ amount });
await alice.close();
console.log(`total: ${total}`);
console.log(`on the wire: ${wire.join(', ')}`);
console.log(`messages with the password: ${passwords} of ${wire.length}`);

// A wrong password opens nothing.
const mallory = as('alice', 'guessed');
try {
  await mallory.add({ amount: 100 });
} catch (error) {
  if (error instanceof SurewireError) console.log(`refused: ${error.code}`);
}
