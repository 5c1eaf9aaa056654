/**
 * A reliable session: every order arrives exactly once and in the order in which it was placed, through a network that
 * loses, repeats and reorders messages. The application code is the same as in 01-echo.
 *
 *     node examples/04-reliable.ts
 */
import {
  addressing200508,
  binding,
  client,
  connect,
  contract,
  dispatcher,
  exchange,
  host,
  integer,
  loopback,
  Network,
  position,
  record,
  reliableSession,
  requestReply,
  type SessionView,
  seededRandom,
} from '../src/index.ts';

const counter = contract({
  name: 'Counter',
  namespace: 'urn:example:counter',
  operations: { add: requestReply({ request: record({ amount: integer }), reply: record({ total: integer }) }) },
});

// One in four requests is lost, and one in four replies; some arrive twice, some late. The seed makes it repeatable.
const network = new Network({
  random: seededRandom(4),
  loseRequest: 0.25,
  loseReply: 0.25,
  duplicate: 0.1,
  reorder: 0.2,
  reorderBy: 20,
  patience: 100,
});

let session: SessionView | undefined;
const reliable = reliableSession({
  retryFloor: 50,
  firstPatience: 50,
  retryCeiling: 200,
  maxRetryCount: 50,
  onSession: (opened) => {
    if (opened.side === 'initiator') session = opened;
  },
});
const via = binding([exchange({ addressing: addressing200508 }), reliable], loopback({ network }));

let total = 0;
const seen: number[] = [];
const service = dispatcher(counter, {
  add({ amount }, { delivery }) {
    seen.push(delivery.get(position)?.number ?? 0);
    total += amount;
    return { total };
  },
});
const address = new URL('http://counter.example/');
await using _hosted = await host([{ binding: via, url: address, receive: service }]);

const calls = client(counter, connect(via, address));
const totals = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((amount) => calls.add({ amount })));
await calls.close();

console.log(`totals: ${totals.map((reply) => reply.total).join(' ')}`);
console.log(`the service saw messages ${seen.join(' ')}`);
const { lostRequests, lostReplies, duplicated } = network.counts;
console.log(`the network lost ${lostRequests} requests and ${lostReplies} replies and repeated ${duplicated} requests`);
console.log(`the session sent ${session?.statistics.resent} messages again`);
