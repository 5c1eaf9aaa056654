/**
 * The smallest exchange: a contract, a service and a client, SOAP 1.2 with WS-Addressing over HTTP.
 *
 *     node examples/01-echo.ts
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
  httpTransport,
  OperationFault,
  record,
  requestReply,
  text,
} from '../src/index.ts';

// What both ends know: the operations, and the shape of what travels.
const echo = contract({
  name: 'Echo',
  namespace: 'urn:example:echo',
  operations: {
    say: requestReply({
      request: record({ text }),
      reply: record({ text }),
      faults: { Silence: record({ advice: text }) },
    }),
  },
});

const plain = binding([exchange({ addressing: addressing200508 })], httpTransport());

// The service: a function for each operation.
const service = dispatcher(echo, {
  say({ text: said }) {
    if (said === '') throw new OperationFault('Silence', { advice: 'Say something.' });
    return { text: `${said}, ${said}` };
  },
});
await using hosted = await host([{ binding: plain, url: new URL('http://127.0.0.1:0/echo'), receive: service }]);
console.log(`listening at ${hosted.url}`);

// The client: a method for each operation.
await using calls = client(echo, connect(plain, hosted.url));
const heard = await calls.say({ text: 'hello' });
console.log(`heard: ${heard.text}`);

try {
  await calls.say({ text: '' });
} catch (error) {
  if (error instanceof OperationFault) console.log(`refused: ${error.fault} ${JSON.stringify(error.detail)}`);
}
