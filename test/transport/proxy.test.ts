/** Forward proxies: CONNECT for https (RFC 9110 9.3.6), absolute form for http (RFC 9112 3.2.2). */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { httpTransport } from '../../src/transport/http/transport.ts';
import type { TlsOptions } from '../../src/transport/tls.ts';
import { Authority } from './certificates.ts';
import { afterwards, channelTo, codeOf, echo, failure, foreignTcp, request, serve, textOf } from './rig.ts';

const authority = new Authority('Test Authority');
const identity = authority.leaf();
const trusting: TlsOptions = { ca: authority.cert };

interface TestProxy {
  readonly url: string;
  /** What was asked of it: method, target, Host, Proxy-Authorization. */
  readonly asked: { method: string; target: string; host: string; authorization: string }[];
}

async function proxy(secure = false, demand?: string, status = 407): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const note = (incoming: IncomingMessage): boolean => {
    const authorization = incoming.headers['proxy-authorization'] ?? '';
    const { method = '', url: target = '', headers } = incoming;
    asked.push({ method, target, host: headers.host ?? '', authorization });
    return demand === undefined || authorization === demand;
  };
  const server = secure ? createSecureServer({ cert: identity.cert, key: identity.key }) : createServer();
  server.on('request', (incoming, response) => {
    if (!note(incoming)) return response.writeHead(status).end('denied');
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const onward = httpRequest(incoming.url ?? '', { method: incoming.method ?? '', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    return incoming.pipe(onward);
  });
  const open: Duplex[] = [];
  server.on('connect', (incoming, socket: Duplex) => {
    socket.on('error', () => undefined);
    if (!note(incoming)) return socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const to = new URL(`http://${incoming.url}`);
    const onward = connectTcp(Number(to.port), to.hostname, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    return open.push(socket, onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    for (const socket of open) socket.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `${secure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const secret = `Basic ${Buffer.from('me:pässword').toString('base64')}`;

describe.each([
  ['a plain proxy', false],
  ['a proxy behind TLS', true],
])('%s', (_, secure) => {
  const tls = secure ? { tls: trusting } : {};

  test('is asked for a tunnel to an https service, whose certificate is still checked', async () => {
    const via = await proxy(secure);
    const { url } = await serve(echo, { tls: { cert: identity.cert, key: identity.key } }, 'https');
    const client = { proxy: { url: via.url, ...tls } };
    const channel = channelTo(url, { tls: trusting, client });
    expect(textOf(await channel.send(request('one')))).toBe('one');
    expect(textOf(await channel.send(request('two')))).toBe('two');
    expect(via.asked).toEqual([{ method: 'CONNECT', target: url.host, host: url.host, authorization: '' }]);
    expect(await codeOf(channelTo(url, { client }).send(request()))).toBe('TRANSPORT_TLS_UNTRUSTED');
  });

  test('is given the whole address of an http service', async () => {
    const via = await proxy(secure);
    const { url } = await serve(echo);
    const channel = channelTo(`${url}?tenant=7`, { client: { proxy: { url: via.url, ...tls } } });
    expect(textOf(await channel.send(request('one')))).toBe('one');
    expect(via.asked).toEqual([{ method: 'POST', target: `${url}?tenant=7`, host: url.host, authorization: '' }]);
  });

  test.each(['http', 'https'] as const)('gets the credentials, and the %s service does not', async (scheme) => {
    const via = await proxy(secure, secret);
    const { url } = await serve(echo, { tls: { cert: identity.cert, key: identity.key } }, scheme);
    const withFields = { url: via.url, username: 'me', password: 'pässword', ...tls };
    const inUrl = { url: via.url.replace('://', '://me:p%C3%A4ssword@'), ...tls };
    for (const given of [withFields, inUrl]) {
      const channel = channelTo(url, { tls: trusting, client: { proxy: given } });
      expect(textOf(await channel.send(request('one')))).toBe('one');
    }
    expect(via.asked.map((each) => each.authorization)).toEqual([secret, secret]);
  });

  test.each(['http', 'https'] as const)(
    'that refuses the credentials for %s is TRANSPORT_PROXY, without them',
    async (scheme) => {
      const via = await proxy(secure, secret);
      const { url } = await serve(echo, { tls: { cert: identity.cert, key: identity.key } }, scheme);
      const given = { url: via.url, username: 'me', password: 'wrong-secret', ...tls };
      const error = await failure(channelTo(url, { tls: trusting, client: { proxy: given } }).send(request()));
      expect(error).toMatchObject({ code: 'TRANSPORT_PROXY', status: 407, transient: false });
      const everything = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
      expect(everything).not.toContain('wrong-secret');
      expect(everything).not.toContain(Buffer.from('me:wrong-secret').toString('base64'));
    },
  );
});

test.each([
  [403, false],
  [502, true],
  [504, true],
])('a tunnel refused with %i is TRANSPORT_PROXY, transient: %s', async (status, transient) => {
  const via = await proxy(false, 'never', status);
  const error = await failure(
    channelTo('https://127.0.0.1:9/', { client: { proxy: { url: via.url } } }).send(request()),
  );
  expect(error).toMatchObject({ code: 'TRANSPORT_PROXY', status, transient });
});

test.each(['http', 'https'])('a proxy that is not there is a transient TRANSPORT_PROXY (%s)', async (scheme) => {
  const { url, close } = await serve(echo);
  await close();
  const channel = channelTo(`${scheme}://127.0.0.1:9/`, { client: { proxy: { url: url.origin } } });
  expect(await failure(channel.send(request()))).toMatchObject({ code: 'TRANSPORT_PROXY', transient: true });
});

test('a proxy whose own certificate is not trusted is a lasting TRANSPORT_PROXY', async () => {
  const via = await proxy(true);
  for (const scheme of ['http', 'https']) {
    const channel = channelTo(`${scheme}://127.0.0.1:9/`, { client: { proxy: { url: via.url } } });
    expect(await failure(channel.send(request()))).toMatchObject({ code: 'TRANSPORT_PROXY', transient: false });
  }
});

test('a proxy that puts octets of its own into the tunnel is TRANSPORT_PROXY', async () => {
  const via = await foreignTcp((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nsurprise')));
  const channel = channelTo('https://127.0.0.1:9/', { client: { proxy: { url: via } } });
  expect(await codeOf(channel.send(request()))).toBe('TRANSPORT_PROXY');
});

test('a proxy that is silent is TRANSPORT_TIMEOUT after openTimeout', async () => {
  const via = await foreignTcp((socket) => socket.resume());
  const channel = channelTo('https://127.0.0.1:9/', { client: { openTimeout: 50, proxy: { url: via } } });
  const error = await failure(channel.send(request()));
  expect(error).toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
  expect(error.message).toContain('proxy');
});

test.each(['socks://127.0.0.1:1', 'proxy.example', ''])('"%s" is no address of a proxy', (url) => {
  expect(() => httpTransport({ client: { proxy: { url } } })).toThrowError(
    expect.objectContaining({ code: 'TRANSPORT_PROXY' }),
  );
});
