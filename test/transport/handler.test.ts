/** The handler that mounts into a server that exists already: node:http, Express, Fastify. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { binding, listen } from '../../src/channel/binding.ts';
import { peer } from '../../src/channel/transport.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { httpHandler } from '../../src/transport/http/handler.ts';
import { Authority } from './certificates.ts';
import { afterwards, channelTo, codeOf, echo, failure, foreign, foreignSecure, request, textOf } from './rig.ts';

const at = new URL('https://public.example/soap');

/** What a body parser does before the handler: reads everything. */
async function octetsOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('mounted', () => {
  test('in node:http under any path', async () => {
    const soap = httpHandler();
    const to = await foreign(soap);
    const listener = await listen(binding([], soap.transport), at, echo);
    expect(listener.url.href).toBe(at.href);
    expect(textOf(await channelTo(to).send(request('one')))).toBe('one');
    expect(textOf(await channelTo(to.replace('/soap', '/v2/orders')).send(request('two')))).toBe('two');
  });

  test('in node:https, with the client certificate that its server verified', async () => {
    const authority = new Authority('Test Authority');
    const server = authority.leaf();
    const client = authority.leaf({ name: 'client' });
    const soap = httpHandler();
    const to = await foreignSecure(
      { cert: server.cert, key: server.key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      soap,
    );
    const seen: unknown[] = [];
    await listen(binding([], soap.transport), at, async (inbound) => {
      seen.push(inbound.get(peer)?.certificate?.length);
      return undefined;
    });
    await channelTo(to, { tls: { ca: authority.cert, cert: client.cert, key: client.key } }).send(request());
    await channelTo(to, { tls: { ca: authority.cert } }).send(request());
    expect(seen).toEqual([expect.any(Number), undefined]);
  });

  test.each<[string, (octets: Buffer) => unknown]>([
    ['a Buffer (express.raw, Fastify parseAs: buffer)', (octets) => octets],
    ['a string (express.text)', (octets) => octets.toString('utf8')],
    ['a Uint8Array', (octets) => new Uint8Array(octets)],
  ])('behind a body parser that leaves %s in request.body', async (_, leave) => {
    const soap = httpHandler();
    const to = await foreign(async (incoming, response) => {
      const octets = await octetsOf(incoming);
      soap(Object.assign(incoming, { body: leave(octets) }), response);
    });
    await listen(binding([], soap.transport), at, echo);
    for (const version of [soap11, soap12]) {
      expect(textOf(await channelTo(to).send(request('grüße', undefined, version)))).toBe('grüße');
    }
  });

  test('behind a body parser that did not touch the request but left an empty object (Express 4)', async () => {
    const soap = httpHandler();
    const to = await foreign((incoming, response) => soap(Object.assign(incoming, { body: {} }), response));
    await listen(binding([], soap.transport), at, echo);
    expect(textOf(await channelTo(to).send(request('one')))).toBe('one');
  });

  test('behind a body parser that left nothing usable is a Receiver fault, not silence', async () => {
    const soap = httpHandler();
    const to = await foreign(async (incoming, response) => {
      await octetsOf(incoming);
      soap(Object.assign(incoming, { body: { parsed: 'xml' } }), response);
    });
    await listen(binding([], soap.transport), at, echo);
    const answer = await channelTo(to).send(request());
    expect(answer?.message.body.toString()).toContain('Receiver');
  });

  test('a parsed body that is too large is 413', async () => {
    const soap = httpHandler({ maxReceivedMessageSize: 1_000 });
    const to = await foreign(async (incoming, response) => {
      const body = await octetsOf(incoming);
      const { 'content-length': _, ...headers } = incoming.headers;
      soap(Object.assign(incoming, { body, headers }), response);
    });
    await listen(binding([], soap.transport), at, echo);
    expect(await failure(channelTo(to).send(request('x'.repeat(1_000))))).toMatchObject({ status: 413 });
  });
});

test('headers that middleware has set stay', async () => {
  const soap = httpHandler();
  let sent: ServerResponse | undefined;
  const to = await foreign((incoming, response) => {
    response.setHeader('X-Request-Id', '7');
    sent = response;
    soap(incoming, response);
  });
  await listen(binding([], soap.transport), at, echo);
  await channelTo(to).send(request());
  expect(sent?.getHeader('x-request-id')).toBe('7');
});

test('before somebody listens, and after the listener was closed, every request gets a transient 503', async () => {
  const soap = httpHandler();
  const to = await foreign(soap);
  expect(await failure(channelTo(to).send(request()))).toMatchObject({ status: 503, transient: true });
  const listener = await listen(binding([], soap.transport), at, echo);
  expect(textOf(await channelTo(to).send(request('one')))).toBe('one');
  await listener.close();
  expect(await failure(channelTo(to).send(request()))).toMatchObject({ status: 503, transient: true });
  await listen(binding([], soap.transport), at, echo);
  expect(textOf(await channelTo(to).send(request('two')))).toBe('two');
});

test('closing lets what is under way finish, and the server of others lives on', async () => {
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const { promise: held, resolve: go } = Promise.withResolvers<void>();
  const soap = httpHandler();
  const to = await foreign((incoming, response) => {
    if (incoming.url === '/health') response.writeHead(204).end();
    else soap(incoming, response);
  });
  const listener = await listen(binding([], soap.transport), at, async (inbound) => {
    resolve();
    await held;
    return inbound;
  });
  const outcome = channelTo(to).send(request('last'));
  await arrived;
  const closing = listener.close();
  expect(await failure(channelTo(to).send(request()))).toMatchObject({ status: 503 });
  go();
  expect(textOf(await outcome)).toBe('last');
  await closing;
  expect(await channelTo(to.replace('/soap', '/health')).send(request())).toBeUndefined();
});

test('a second listener at one handler is TRANSPORT_PORT_BUSY', async () => {
  const soap = httpHandler();
  await listen(binding([], soap.transport), at, echo);
  expect(await codeOf(listen(binding([], soap.transport), at, echo))).toBe('TRANSPORT_PORT_BUSY');
});

test('a handler only listens: connect is TRANSPORT_ADDRESS', () => {
  expect(() => httpHandler().transport.connect(at)).toThrowError(
    expect.objectContaining({ code: 'TRANSPORT_ADDRESS' }),
  );
});

test('the top channel that cannot open leaves the handler free', async () => {
  const soap = httpHandler();
  const refused = new Error('no store');
  await expect(
    soap.transport.listen(at, (session) => ({ ...session(echo), open: () => Promise.reject(refused) })),
  ).rejects.toBe(refused);
  await listen(binding([], soap.transport), at, echo);
});

test('the example of the documentation works', async () => {
  const soap = httpHandler();
  const listener = await listen(binding([], soap.transport), new URL('https://orders.example/soap'), echo);
  const server = createServer(soap);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  expect(textOf(await channelTo(`http://127.0.0.1:${port}/`).send(request('one')))).toBe('one');
  server.closeAllConnections();
  await listener.close();
});
