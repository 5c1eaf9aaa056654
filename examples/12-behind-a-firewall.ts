/**
 * A client that nobody can connect to (WS-MakeConnection 1.1), under message security: what the service has to say waits until the
 * client asks for it, and only whoever has the security context of the client gets it.
 *
 *     node examples/12-behind-a-firewall.ts
 */
import { readFile } from 'node:fs/promises';
import {
  addressing200508,
  anonymousForCertificate,
  binding,
  callbackClient,
  client,
  connect,
  contract,
  developmentPki,
  dispatcher,
  exchange,
  host,
  httpTransport,
  makeConnection,
  oneWay,
  record,
  reliableSession,
  requestReply,
  type SecurityPolicy,
  secureConversation,
  signingKey,
  text,
  transform,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const key = signingKey({
  privateKey: await file('rsa/service-signing.key.pem'),
  certificate: await file('rsa/service-signing.chain.pem'),
});

const namespace = 'urn:example:printing';
const printing = contract({
  name: 'Printing',
  namespace,
  session: 'required',
  operations: { print: requestReply({ request: record({ page: text }), reply: record({ state: text }) }) },
});
const owner = contract({
  name: 'Owner',
  namespace,
  operations: {
    progress: oneWay({ request: record({ said: text }) }),
    paper: requestReply({ request: record({ size: text }), reply: record({ sheets: text }) }),
  },
});

/** Security stands below the connection: the question for what waits proves who asks. */
const wire: string[] = [];
const watching = transform({
  name: 'watching',
  place: 'security',
  down: (next) => (trip) => {
    wire.push(trip.message.action.split('/').at(-1) ?? '');
    return next(trip);
  },
});
const layers = (bootstrap: SecurityPolicy, isWatched: boolean) => {
  const below = [secureConversation({ bootstrap }), ...(isWatched ? [watching] : [])];
  const transport = makeConnection(binding(below, httpTransport()));
  return binding([exchange({ addressing: addressing200508 }), reliableSession()], transport);
};

const service = dispatcher(printing, {
  async print({ page }, call) {
    const back = callbackClient(owner, call);
    await back.progress({ said: `${page} is warming up` });
    const { sheets } = await back.paper({ size: 'A4' });
    return { state: `${page} is printed on ${sheets}` };
  },
});
await using hosted = await host([
  {
    binding: layers(anonymousForCertificate({ key }), false),
    url: new URL('http://127.0.0.1:0/printing'),
    receive: service,
  },
]);

const heard: string[] = [];
const own = dispatcher(owner, {
  progress: ({ said }) => {
    heard.push(said);
  },
  paper: ({ size }) => ({ sheets: `3 sheets of ${size}` }),
});
const there = layers(anonymousForCertificate({ peer: key.certificate }), true);
const calls = client(printing, connect(there, hosted.url, own));
console.log((await calls.print({ page: 'page 1' })).state);
await calls.close();
console.log(`heard: ${heard.join('; ')}`);
console.log(`the client begins every exchange: ${[...new Set(wire)].join(', ')}`);
