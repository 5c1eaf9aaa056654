/** The client: what each answer means (SOAP 1.2 part 2, 7.5; Basic Profile 1.1, 3.4), limits, and connections. */
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { encode } from '../../src/soap/codec.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import {
  afterwards,
  channelTo,
  codeOf,
  echo,
  events,
  failure,
  foreign,
  foreignTcp,
  message,
  request,
  serve,
  textOf,
} from './rig.ts';

function answering(
  status: number,
  headers: Record<string, string | number>,
  body: string | Uint8Array = '',
): Promise<string> {
  return foreign((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => response.writeHead(status, headers).end(body));
  });
}

const soap = 'application/soap+xml; charset=utf-8';
const reply = encode(message('well'));

describe('what an answer means', () => {
  test.each([200, 202, 400, 500])('a SOAP message with status %i is the reply', async (status) => {
    const to = await answering(status, { 'content-type': reply.contentType }, reply.body);
    expect(textOf(await channelTo(to).send(request()))).toBe('well');
  });

  test.each([soap11, soap12])('a fault of SOAP $name is a message', async (version) => {
    const fault = encode(faultReply(undefined, { code: 'sender', reason: 'no' }, { version }));
    const to = await answering(500, { 'content-type': fault.contentType }, fault.body);
    const answer = await channelTo(to).send(request());
    expect(answer && faultOf(answer.message)?.reason).toBe('no');
  });

  test.each([
    [200, { 'content-length': 0 }],
    [202, {}],
    [202, { 'content-type': 'text/plain' }], // gSOAP
    [204, {}],
  ])('an empty %i %o is no reply', async (status, headers) => {
    expect(await channelTo(await answering(status, headers)).send(request())).toBeUndefined();
  });

  test('an HTML page with status 200 is TRANSPORT_CONTENT_TYPE, and its words are shown without its markup', async () => {
    const page = '<html><script>alert("no")</script><body><h1>Log\u0007 in</h1>\n please</body></html>';
    const error = await failure(channelTo(await answering(200, { 'content-type': 'text/html' }, page)).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_CONTENT_TYPE', status: 200, transient: false, refusal: true });
    expect(error.message).toContain('"Log in please"');
    expect(error.message).not.toContain('alert');
  });

  test('an answer without a content type is TRANSPORT_CONTENT_TYPE', async () => {
    expect(await codeOf(channelTo(await answering(200, {}, reply.body)).send(request()))).toBe(
      'TRANSPORT_CONTENT_TYPE',
    );
  });

  test('a long page is cut in the message', async () => {
    const to = await answering(404, { 'content-type': 'text/plain' }, 'x'.repeat(100_000));
    const error = await failure(channelTo(to).send(request()));
    expect(error.message.length).toBeLessThan(500);
  });

  test.each(['gzip', 'deflate', 'br'])('D8 a compressed answer is refused unread: %s', async (coding) => {
    const to = await answering(200, { 'content-type': soap, 'content-encoding': coding }, reply.body);
    expect(await codeOf(channelTo(to).send(request()))).toBe('TRANSPORT_CONTENT_TYPE');
  });

  test.each([408, 425, 429, 500, 502, 503, 504])(
    'status %i without a message is a transient TRANSPORT_STATUS',
    async (status) => {
      const error = await failure(
        channelTo(await answering(status, { 'content-type': 'text/html' }, '<p>later</p>')).send(request()),
      );
      expect(error).toMatchObject({ code: 'TRANSPORT_STATUS', status, transient: true });
      expect(error.message).toContain(String(status));
    },
  );

  test.each([201, 400, 401, 403, 404, 405, 413, 415])(
    'status %i without a message is a lasting TRANSPORT_STATUS',
    async (status) => {
      const error = await failure(
        channelTo(await answering(status, { 'content-type': 'text/plain' }, 'no')).send(request()),
      );
      expect(error).toMatchObject({ code: 'TRANSPORT_STATUS', status, transient: false });
    },
  );

  test.each([301, 302, 303, 307, 308])('a redirection (%i) is not followed', async (status) => {
    let followed = 0;
    const elsewhere = await foreign((_, response) => {
      followed += 1;
      response.end();
    });
    const error = await failure(channelTo(await answering(status, { location: elsewhere })).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_STATUS', status, transient: false });
    expect(followed).toBe(0);
  });

  test.each([
    ['<p>not SOAP</p>', 'SOAP_ENVELOPE'],
    ['<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>cut of', 'XML_MALFORMED'],
    ['<!DOCTYPE x><x/>', 'XML_DTD'],
  ])('an answer that cannot be read is TRANSPORT_ANSWER, and asking again may help: %s', async (body, code) => {
    const to = await answering(200, { 'content-type': soap }, body);
    const error = await failure(channelTo(to).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_ANSWER', transient: true, cause: { code } });
  });

  test('an answer of another SOAP version stays one', async () => {
    const to = await answering(200, { 'content-type': soap }, '<Envelope xmlns="urn:soap:9"><Body/></Envelope>');
    const error = await failure(channelTo(to).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_ANSWER', transient: false, cause: { code: 'SOAP_VERSION' } });
  });
});

describe('what is sent', () => {
  test.each([soap11, soap12])(
    'SOAP $name is one POST with its content type, a length and no wish for compression',
    async (version) => {
      let seen:
        | { method: string | undefined; url: string | undefined; headers: NodeJS.Dict<string | string[]>; body: string }
        | undefined;
      const to = await foreign((incoming, response) => {
        let body = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        incoming.on('end', () => {
          seen = { method: incoming.method, url: incoming.url, headers: incoming.headers, body };
          response.writeHead(202).end();
        });
      });
      await channelTo(`${to}?tenant=7`).send(request('hi', undefined, version));
      const expected = encode(message('hi', version));
      expect(seen).toMatchObject({
        method: 'POST',
        url: '/soap?tenant=7',
        body: Buffer.from(expected.body).toString(),
      });
      expect(seen?.headers).toMatchObject({
        'content-type': expected.contentType,
        'content-length': String(expected.body.length),
        'accept-encoding': 'identity',
        host: new URL(to).host,
      });
      const { soapaction } = seen?.headers ?? {};
      expect(soapaction).toBe(version === soap11 ? '"urn:test/Say"' : undefined);
    },
  );

  test('the reply says that the connection was not secure, and where it went', async () => {
    const { url } = await serve(echo);
    const answer = await channelTo(url).send(request());
    expect(answer?.get(peer)).toEqual({ secure: false, address: '127.0.0.1' });
  });
});

describe('addresses', () => {
  test.each(['ftp://example.org/', 'ws://example.org/', 'net.tcp://example.org/'])('%s is TRANSPORT_ADDRESS', (url) => {
    expect(() => httpTransport().connect(new URL(url))).toThrowError(
      expect.objectContaining({ code: 'TRANSPORT_ADDRESS' }),
    );
  });

  test('a password in the URL is TRANSPORT_ADDRESS and is not repeated', () => {
    expect(() => httpTransport().connect(new URL('http://me:secret@example.org/soap'))).toThrowError(
      expect.objectContaining({ code: 'TRANSPORT_ADDRESS', message: expect.not.stringMatching(/secret|me:/) }),
    );
  });

  test('no error shows the query of the URL', async () => {
    const to = await answering(404, {});
    const error = await failure(channelTo(`${to}?key=secret`).send(request()));
    expect(error.message).not.toContain('secret');
  });
});

describe('connections that fail', () => {
  test('a port where nobody listens is a transient TRANSPORT_UNREACHABLE', async () => {
    const { url, close } = await serve(echo);
    await close();
    const error = await failure(channelTo(url).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_UNREACHABLE', transient: true });
    expect(error.message).toContain(url.origin);
  });

  test('a name that does not exist is a transient TRANSPORT_UNREACHABLE', async () => {
    const error = await failure(channelTo('http://nobody.invalid/soap').send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_UNREACHABLE', transient: true });
  });

  test('a connection that is reset before the answer is a transient TRANSPORT_BROKEN', async () => {
    const to = await foreignTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await failure(channelTo(to).send(request()))).toMatchObject({ code: 'TRANSPORT_BROKEN', transient: true });
  });

  test.each([
    ['a length', 'Content-Length: 100\r\n\r\n<half'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n<half'],
  ])('a connection that ends in the middle of an answer with %s is a transient TRANSPORT_BROKEN', async (_, rest) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${soap}\r\n`;
    const to = await foreignTcp((socket) => socket.once('data', () => socket.end(`${head}${rest}`)));
    expect(await failure(channelTo(to).send(request()))).toMatchObject({ code: 'TRANSPORT_BROKEN', transient: true });
  });

  test('an answer that is not HTTP is a lasting TRANSPORT_BROKEN', async () => {
    const to = await foreignTcp((socket) => socket.once('data', () => socket.end('220 mail.example ESMTP\r\n')));
    expect(await failure(channelTo(to).send(request()))).toMatchObject({ code: 'TRANSPORT_BROKEN', transient: false });
  });

  test('the channel goes on after a failure', async () => {
    let first = true;
    const to = await foreignTcp((socket) =>
      socket.once('data', () => {
        if (first) socket.resetAndDestroy();
        else socket.end('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
        first = false;
      }),
    );
    const channel = channelTo(to);
    expect(await codeOf(channel.send(request()))).toBe('TRANSPORT_BROKEN');
    expect(await channel.send(request())).toBeUndefined();
  });
});

test('a connection that cannot be made fails its own exchange, and those that wait in line try theirs', async () => {
  const proxy = await foreignTcp((socket) => socket.destroy());
  const client = { connections: 1, proxy: { url: new URL('/', proxy) } };
  const channel = channelTo('https://127.0.0.1:1/soap', { client });
  const outcomes = [1, 2, 3, 4].map(() => codeOf(channel.send(request())));
  expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 4 }, () => 'TRANSPORT_PROXY'));
});

describe('limits', () => {
  test('D7 an answer that says it is too long is TRANSPORT_OVERSIZE', async () => {
    const to = await answering(200, { 'content-type': soap }, 'x'.repeat(2_000));
    const error = await failure(channelTo(to, { maxReceivedMessageSize: 1_999 }).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_OVERSIZE', transient: false });
  });

  test('D7 an endless answer is cut off at the limit', async () => {
    let written = 0;
    const to = await foreign((incoming, response) => {
      incoming.resume();
      response.writeHead(200, { 'content-type': soap });
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000))) written += 10_000;
      };
      response.on('drain', more);
      more();
    });
    expect(await codeOf(channelTo(to, { maxReceivedMessageSize: 50_000 }).send(request()))).toBe('TRANSPORT_OVERSIZE');
    expect(written).toBeLessThan(100_000_000);
  });

  test('a message of exactly maxReceivedMessageSize passes both ways, one octet less does not', async () => {
    const size = encode(message('x'.repeat(5_000))).body.length;
    const { url } = await serve(echo, { maxReceivedMessageSize: size });
    const passing = channelTo(url, { maxReceivedMessageSize: size });
    expect(textOf(await passing.send(request('x'.repeat(5_000))))).toHaveLength(5_000);
    const tight = channelTo(url, { maxReceivedMessageSize: size - 1 });
    expect(await codeOf(tight.send(request('x'.repeat(5_000))))).toBe('TRANSPORT_OVERSIZE');
  });

  test('headers beyond 16 KiB are TRANSPORT_OVERSIZE', async () => {
    const to = await foreignTcp((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)),
    );
    expect(await codeOf(channelTo(to).send(request()))).toBe('TRANSPORT_OVERSIZE');
  });

  test('no head of an answer within headersTimeout is a transient TRANSPORT_TIMEOUT', async () => {
    const to = await foreignTcp((socket) => socket.resume());
    const error = await failure(channelTo(to, { client: { headersTimeout: 50 } }).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
  });

  test('D7 an answer that stops in the middle is TRANSPORT_TIMEOUT after bodyTimeout', async () => {
    const to = await foreignTcp((socket) =>
      socket.once('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${soap}\r\nContent-Length: 100\r\n\r\n<`),
      ),
    );
    expect(await codeOf(channelTo(to, { client: { bodyTimeout: 50 } }).send(request()))).toBe('TRANSPORT_TIMEOUT');
  });

  test('sendTimeout bounds the whole exchange, in the time of the clock', async () => {
    const clock = new VirtualClock();
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const to = await foreignTcp((socket) => socket.once('data', () => resolve()));
    const outcome = failure(channelTo(to, { clock, client: { sendTimeout: 5_000 } }).send(request()));
    await arrived;
    await clock.advance(4_999);
    expect(await Promise.race([outcome, turn('waiting')])).toBe('waiting');
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
  });

  test('openTimeout bounds the making of a connection', async () => {
    const to = (await foreignTcp((socket) => socket.resume())).replace('http:', 'https:');
    const error = await failure(channelTo(to, { client: { openTimeout: 50 } }).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
    expect(error.message).toContain('openTimeout');
  });
});

describe('giving up', () => {
  test('the signal of the delivery rejects with its reason and ends the connection', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { promise: gone, resolve: hungUp } = Promise.withResolvers<void>();
    const to = await foreignTcp((socket) => {
      socket.once('data', () => resolve());
      socket.once('close', () => hungUp());
    });
    const controller = new AbortController();
    const outcome = channelTo(to).send(request('hi', controller.signal));
    await arrived;
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    await gone;
  });

  test('a signal that has fired before sends nothing', async () => {
    let arrived = 0;
    const { url } = await serve(async (inbound) => {
      arrived += 1;
      return inbound;
    });
    const reason = new Error('enough');
    await expect(channelTo(url).send(request('hi', AbortSignal.abort(reason)))).rejects.toBe(reason);
    expect(arrived).toBe(0);
  });

  /** A server that holds its answers back, and what came to it: the octets of each request, over which connections. */
  async function holding(): Promise<{ to: string; bodies: string[]; held: ServerResponse[]; sockets: Set<unknown> }> {
    const bodies: string[] = [];
    const held: ServerResponse[] = [];
    const sockets = new Set<unknown>();
    const to = await foreign((incoming, response) => {
      let body = '';
      sockets.add(incoming.socket);
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      incoming.on('end', () => {
        bodies.push(body);
        held.push(response);
      });
    });
    return { to, bodies, held, sockets };
  }

  test('a message given up while it waits for a connection is never sent, and costs none', async () => {
    const { to, bodies, held, sockets } = await holding();
    const channel = channelTo(to, { client: { connections: 1 } });
    const controller = new AbortController();
    const first = channel.send(request('first'));
    const second = channel.send(request('second', controller.signal));
    const third = channel.send(request('third'));
    while (held.length === 0) await turn();
    controller.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    held.shift()?.writeHead(202).end();
    await first;
    while (held.length === 0) await turn();
    held.shift()?.writeHead(202).end();
    await third;
    expect(bodies.map((body) => /first|second|third/.exec(body)?.[0])).toEqual(['first', 'third']);
    expect(sockets.size).toBe(1);
  });

  test('a message given up while its connection is made is never sent', async () => {
    const { to, bodies, held } = await holding();
    const channel = channelTo(to, { client: { connections: 1 } });
    const controller = new AbortController();
    const first = channel.send(request('first', controller.signal));
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const second = channel.send(request('second'));
    while (held.length === 0) await turn();
    held.shift()?.writeHead(202).end();
    await second;
    expect(bodies.map((body) => /first|second/.exec(body)?.[0])).toEqual(['second']);
  });

  test('close lets what is under way finish and then refuses', async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { url } = await serve(async (inbound) => {
      resolve();
      await held;
      return inbound;
    });
    const channel = channelTo(url);
    const underway = channel.send(request('last'));
    await arrived;
    const closing = channel.close();
    expect(await codeOf(channel.send(request()))).toBe('TRANSPORT_CLOSED');
    go();
    expect(textOf(await underway)).toBe('last');
    await closing;
    await channel.close();
    expect(await channel.closed).toBeUndefined();
  });

  test('close gives up what is under way when its signal fires', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const to = await foreignTcp((socket) => socket.once('data', () => resolve()));
    const channel = channelTo(to);
    const underway = channel.send(request());
    await arrived;
    const reason = new Error('too slow');
    const outcome = expect(underway).rejects.toBe(reason);
    await channel.close(AbortSignal.abort(reason));
    await outcome;
  });

  test('abort ends what is under way with its reason', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const to = await foreignTcp((socket) => socket.once('data', () => resolve()));
    const channel = channelTo(to);
    const underway = channel.send(request());
    await arrived;
    const reason = new Error('power cut');
    channel.abort(reason);
    await expect(underway).rejects.toBe(reason);
    expect(await channel.closed).toBe(reason);
    expect(await codeOf(channel.send(request()))).toBe('TRANSPORT_CLOSED');
  });
});

describe('keep-alive', () => {
  async function counted(): Promise<{ to: string; sockets: () => number; held: ServerResponse[] }> {
    const sockets = new Set<unknown>();
    const held: ServerResponse[] = [];
    const to = await foreign((incoming, response) => {
      sockets.add(incoming.socket);
      incoming.resume();
      incoming.on('end', () => {
        if (incoming.url === '/hold') held.push(response);
        else response.writeHead(202).end();
      });
    });
    return { to, sockets: () => sockets.size, held };
  }

  test('messages one after another use one connection, also from another channel of the transport', async () => {
    const { to, sockets } = await counted();
    const transport = httpTransport();
    const one = transport.connect(new URL(to))(async () => undefined);
    const other = transport.connect(new URL(to))(async () => undefined);
    afterwards(() => Promise.all([one.close(), other.close()]));
    for (let sent = 0; sent < 10; sent++) await (sent % 2 === 0 ? one : other).send(delivery(message()));
    expect(sockets()).toBe(1);
    await one.close();
    await other.send(delivery(message()));
    expect(sockets()).toBe(1);
  });

  test('no more connections than allowed, and each carries one message at a time', async () => {
    const { to, sockets, held } = await counted();
    const channel = channelTo(to.replace('/soap', '/hold'), { client: { connections: 3 } });
    const sent = Array.from({ length: 9 }, () => channel.send(request()));
    for (let done = 0; done < 9; ) {
      await turn();
      expect(held.length).toBeLessThanOrEqual(3);
      const response = held.shift();
      if (response === undefined) continue;
      response.writeHead(202).end();
      done += 1;
    }
    await Promise.all(sent);
    expect(sockets()).toBe(3);
  });

  test('an unused connection is closed after idleTimeout and replaced when needed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    let connections = 0;
    const to = await foreignTcp((socket) => {
      connections += 1;
      socket.on('data', () => socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'));
      socket.once('close', () => resolve());
    });
    const channel = channelTo(to, { client: { idleTimeout: 40 } });
    await channel.send(request());
    await closed;
    await channel.send(request());
    expect(connections).toBe(2);
  });
});

test('request and response are published, without bodies', async () => {
  const seen = events();
  const { url } = await serve(echo);
  await channelTo(url).send(request('private'));
  expect(seen.map((each) => each.event)).toEqual([
    'request.sent',
    'request.received',
    'response.sent',
    'response.received',
  ]);
  expect(JSON.stringify(seen)).not.toContain('private');
  expect(seen[0]).toMatchObject({ action: 'urn:test/Say', place: `${url.origin}/soap` });
});

test('a failed request is published', async () => {
  const seen = events();
  await codeOf(channelTo(await answering(404, {})).send(request()));
  expect(seen.at(-1)).toMatchObject({ event: 'request.failed', error: { code: 'TRANSPORT_STATUS' } });
});
