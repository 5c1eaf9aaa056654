/**
 * A duplex contract over WebSocket: the service calls its client back, and when the connection is cut in the middle the
 * reliable session goes on over a new one, in both directions, without a loss and without a copy.
 *
 *     node examples/08-duplex-websocket.ts
 */
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import {
  addressing200508,
  binding,
  callbackClient,
  client,
  connect,
  contract,
  dispatcher,
  exchange,
  host,
  integer,
  oneWay,
  record,
  reliableSession,
  requestReply,
  text,
  webSocketTransport,
} from '../src/index.ts';

const namespace = 'urn:example:auction';

// What the service offers, and what it expects of whoever calls it.
const auction = contract({
  name: 'Auction',
  namespace,
  session: 'required',
  operations: {
    bid: requestReply({ request: record({ item: text, amount: integer }), reply: record({ highest: integer }) }),
  },
});
const bidder = contract({
  name: 'Bidder',
  namespace,
  operations: {
    news: oneWay({ request: record({ text }) }),
    confirm: requestReply({ request: record({ amount: integer }), reply: record({ yes: text }) }),
  },
});

const via = binding([exchange({ addressing: addressing200508 }), reliableSession()], webSocketTransport());

let highest = 0;
const service = dispatcher(auction, {
  async bid({ item, amount }, call) {
    const back = callbackClient(bidder, call);
    await back.news({ text: `${item}: ${amount} is bid` });
    // The service asks its caller, and waits for the answer, before it answers itself.
    const { yes } = await back.confirm({ amount });
    if (yes === 'yes') highest = Math.max(highest, amount);
    return { highest };
  },
});
await using hosted = await host([{ binding: via, url: new URL('ws://127.0.0.1:0/auction'), receive: service }]);

// Between the two stands a network on which connections die.
const connections: Socket[] = [];
const relay = createServer((near) => {
  const far = dial(Number(hosted.url.port), '127.0.0.1');
  connections.push(near);
  for (const socket of [near, far]) socket.on('error', () => undefined);
  near.pipe(far).pipe(near);
  near.on('close', () => far.destroy());
  far.on('close', () => near.destroy());
});
await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
const { port } = relay.address() as AddressInfo;

const heard: string[] = [];
const own = dispatcher(bidder, {
  news({ text: said }) {
    heard.push(said);
    // While the service waits for our confirmation, the connection dies.
    if (heard.length === 2) connections.at(-1)?.destroy();
  },
  confirm: ({ amount }) => ({ yes: amount < 500 ? 'yes' : 'no' }),
});
const calls = client(auction, connect(via, new URL(`ws://127.0.0.1:${port}/auction`), own));
for (const amount of [100, 200, 900]) {
  const reply = await calls.bid({ item: 'a vase', amount });
  console.log(`bid ${amount}, highest is ${reply.highest}`);
}
await calls.close();
console.log(`heard: ${heard.join('; ')}`);
console.log(`connections: ${connections.length}`);
relay.close();
