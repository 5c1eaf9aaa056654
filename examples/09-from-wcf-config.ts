/**
 * The `App.config` of a .NET client, as it is: its binding with every setting, at both ends. What a configuration asks for and
 * surewire does not speak is an error that names it, and says what to use.
 *
 *     node examples/09-from-wcf-config.ts
 */
import { readFile } from 'node:fs/promises';
import {
  bindingFromWcfConfig,
  client,
  connect,
  contract,
  describeWcfConfig,
  developmentPki,
  dispatcher,
  host,
  integer,
  record,
  requestReply,
  text,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);
const config = await readFile(new URL('wcf/App.config', import.meta.url));

const { description, address } = describeWcfConfig(config, 'OrdersEndpoint');
console.log(`OrdersEndpoint is ${description.kind} at ${address}`);
const { version, ordered, inactivityTimeout } = description.reliableSession ?? {};
console.log(
  `reliable session: ${version?.name}, ${ordered ? 'in order' : 'in any order'}, ${(inactivityTimeout ?? 0) / 1_000} s`,
);

const orders = contract({
  name: 'IOrders',
  namespace: 'http://tempuri.org/',
  session: 'required',
  operations: {
    place: requestReply({ request: record({ sku: text, quantity: integer }), reply: record({ number: integer }) }),
  },
});

// No configuration holds credentials: each end adds its own.
const here = bindingFromWcfConfig(config, 'OrdersEndpoint', {
  passwords: { password: (user) => (user === 'alice' ? 'correct horse' : undefined) },
  tls: { cert: await file('rsa/server.chain.pem'), key: await file('rsa/server.key.pem') },
});
const service = dispatcher(orders, { place: ({ quantity }) => ({ number: 1000 + quantity }) });
await using hosted = await host([{ binding: here, url: new URL('https://127.0.0.1:0/soap'), receive: service }]);

const there = bindingFromWcfConfig(config, 'OrdersEndpoint', {
  username: { user: 'alice', password: 'correct horse', form: 'text' },
  tls: { ca: await file('trust.pem') },
});
await using calls = client(orders, connect(there, hosted.url));
console.log(`order ${(await calls.place({ sku: 'A-1', quantity: 2 })).number} confirmed`);

try {
  bindingFromWcfConfig(config, 'OldEndpoint');
} catch (error) {
  if (error instanceof Error) console.log(`OldEndpoint cannot be used: ${error.message}`);
}
