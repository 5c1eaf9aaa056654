/** Connections made of exchanges keep the contract of every transport; answers are found by what they relate to. */
import { binding } from '../../src/channel/binding.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { transportContract, withExchange } from '../contracts/transport.ts';

transportContract('MakeConnection over a loopback', ({ maxBytes }) => ({
  transport: withExchange(makeConnection(binding([], loopback({ maxBytes })), { pollFloor: 1, pollCeiling: 20 })),
  at: new URL('http://service.example:0/soap'),
  peer: { secure: false },
  isDuplex: true,
  isUnseen: true,
}));

transportContract('MakeConnection over HTTP', ({ maxBytes }) => ({
  transport: withExchange(
    makeConnection(binding([], httpTransport({ maxReceivedMessageSize: maxBytes })), { pollFloor: 1, pollCeiling: 20 }),
  ),
  at: new URL('http://127.0.0.1:0/soap'),
  peer: { secure: false, address: '127.0.0.1' },
  isDuplex: true,
  isUnseen: true,
}));
