/**
 * The process with the service: reliable one-way endpoints whose application does nothing, a SOAP endpoint without
 * reliability that does nothing, and a bare HTTPS server that reads the octets and answers with an empty 202. All have one
 * key, and the sockets the same settings.
 */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { binding, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { held, type Places, processor, type ServiceQuestion, serve } from './talk.ts';

const anywhere = new URL('https://127.0.0.1:0/box');

async function start(cert: string, key: string, windows: readonly number[]): Promise<Places> {
  const transport = httpTransport({ tls: { cert, key }, listener: { idleTimeout: 120_000 } });
  const nothing = async () => undefined;
  const plain = await listen(binding([exchange({ addressing: addressing200508 })], transport), anywhere, nothing);
  const reliable: Record<number, string> = {};
  for (const window of windows) {
    const session = reliableSession({
      maxTransferWindowSize: window,
      maxSessions: 1_000_000,
      maxSessionsPerIdentity: 1_000_000,
      // What a session that ended leaves behind is not what is measured.
      remember: 0,
    });
    const via = binding([exchange({ addressing: addressing200508 }), session], transport);
    reliable[window] = (await listen(via, anywhere, nothing)).url.href;
  }
  return { bare: await bare(cert, key), plain: plain.url.href, reliable };
}

function bare(cert: string, key: string): Promise<string> {
  const options = { cert, key, minVersion: 'TLSv1.2', keepAliveTimeout: 120_000, noDelay: true } as const;
  const server = createServer(options, (request, response) => {
    request.on('data', () => undefined);
    request.on('end', () => {
      response.statusCode = 202;
      response.setHeader('Content-Length', 0);
      response.end();
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`https://127.0.0.1:${(server.address() as AddressInfo).port}/box`));
  });
}

serve(async (question: ServiceQuestion) => {
  switch (question.do) {
    case 'start':
      return start(question.cert, question.key, question.windows);
    case 'heap':
      return held();
    case 'processor':
      return processor();
    default:
      return question satisfies never;
  }
});
