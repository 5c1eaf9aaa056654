/** The listener: what each request is answered with (SOAP 1.2 part 2, 7.5.2; WCF's habits), limits, and a good end. */
import { type AddressInfo, connect as connectTcp, createServer, Server } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { request as send } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { binding, listen } from '../../src/channel/binding.ts';
import type { Channel, ChannelFactory } from '../../src/channel/channel.ts';
import type { Carry } from '../../src/channel/delivery.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { decode, encode } from '../../src/soap/codec.ts';
import { type Fault, FaultError, faultOf, faultReply } from '../../src/soap/fault.ts';
import { type SoapVersion, soap11, soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { afterwards, channelTo, codeOf, echo, events, failure, message, raw, request, serve, textOf } from './rig.ts';

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

async function post(
  url: URL | string,
  body: string | Uint8Array,
  headers: Record<string, string>,
  method: 'POST' | 'PUT' | 'GET' = 'POST',
): Promise<Got> {
  const answer = await send(url, { method, body: method === 'GET' ? null : Buffer.from(body), headers, reset: true });
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) };
}

async function postMessage(url: URL, version: SoapVersion = soap12, text = 'hello'): Promise<Got> {
  const encoded = encode(message(text, version));
  return post(url, encoded.body, { 'content-type': encoded.contentType, ...encoded.headers });
}

function fault(got: Got): Fault | undefined {
  return faultOf(decode(got.body, String(got.headers['content-type'])));
}

const type12 = 'application/soap+xml; charset=utf-8';
const nothing: Carry = async () => undefined;
const versions = [soap11, soap12];

describe('what a request is answered with', () => {
  test.each(versions)('a reply of SOAP $name goes with status 200 and its content type', async (version) => {
    const { url } = await serve(echo);
    const got = await postMessage(url, version);
    const expected = encode(message('hello', version));
    expect(got.status).toBe(200);
    expect(got.headers['content-type']).toBe(expected.contentType);
    expect(got.headers['content-length']).toBe(String(expected.body.length));
    expect(got.body.toString()).toBe(Buffer.from(expected.body).toString());
  });

  test('no reply is 202 without a body and without a Content-Type, on which the client of WCF would fail', async () => {
    const { url } = await serve(nothing);
    const got = await postMessage(url);
    expect(got.status).toBe(202);
    expect(got.headers).not.toHaveProperty('content-type');
    expect(got.headers['content-length']).toBe('0');
    expect(got.body).toHaveLength(0);
  });

  test.each(versions)('a reply that is a fault of SOAP $name goes with status 500', async (version) => {
    const { url } = await serve(async (inbound) =>
      inbound.carrying(faultReply(inbound.message, { code: 'sender', reason: 'no such order' })),
    );
    const got = await postMessage(url, version);
    expect(got.status).toBe(500);
    expect(fault(got)).toMatchObject({ code: 'sender', reason: 'no such order' });
  });

  test('a reply that only speaks of a Fault is none', async () => {
    const { url } = await serve(echo);
    expect((await postMessage(url, soap12, 'Fault')).status).toBe(200);
  });

  test.each(versions)('a FaultError of SOAP $name becomes its fault', async (version) => {
    const { url } = await serve(async () => {
      throw new FaultError({ code: 'sender', subcode: { namespace: 'urn:test', local: 'Sold' }, reason: 'sold out' });
    });
    const got = await postMessage(url, version);
    expect(got.status).toBe(500);
    expect(fault(got)).toMatchObject({
      code: 'sender',
      subcode: { namespace: 'urn:test', local: 'Sold' },
      reason: 'sold out',
    });
  });

  test('any other error becomes a Receiver fault that tells nothing, and is published', async () => {
    const seen = events();
    const error = new Error('the password is "swordfish"');
    const { url } = await serve(async () => {
      throw error;
    });
    const got = await postMessage(url);
    expect(got.status).toBe(500);
    expect(fault(got)).toMatchObject({ code: 'receiver' });
    expect(got.body.toString()).not.toContain('swordfish');
    expect(seen).toContainEqual(expect.objectContaining({ event: 'request.failed', error }));
  });

  test('malformed XML found by a layer above is no fault of the sender that could be told apart', async () => {
    const { url } = await serve(async () => {
      throw new XmlError('XML_MALFORMED', 'what was decrypted is not XML');
    });
    expect(fault(await postMessage(url))).toMatchObject({
      code: 'receiver',
      reason: expect.not.stringContaining('XML'),
    });
  });

  test('a reply that cannot be written becomes a Receiver fault', async () => {
    const { url } = await serve(async (inbound) => {
      const broken = Object.create(inbound.message, {
        body: {
          get: () => {
            throw new Error('no body');
          },
        },
      });
      return inbound.carrying(broken);
    });
    const got = await postMessage(url);
    expect(got.status).toBe(500);
    expect(fault(got)).toMatchObject({ code: 'receiver' });
  });

  test.each<[string, string, string, SoapVersion]>([
    ['text that is no XML', 'hello', type12, soap12],
    ['XML that ends early', '<s:Envelope', 'text/xml', soap11],
    ['another document', '<order/>', type12, soap12],
    ['nothing', '', type12, soap12],
    ['a document type declaration (attack D1)', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'text/xml', soap11],
  ])('%s is a Sender fault of the version of the content type', async (_, body, contentType, version) => {
    let arrived = 0;
    const { url } = await serve(async () => {
      arrived += 1;
      return undefined;
    });
    const got = await post(url, body, { 'content-type': contentType });
    expect(got.status).toBe(500);
    expect(got.headers['content-type']).toContain(version.mediaType);
    expect(fault(got)?.code).toMatch(/sender|versionMismatch/);
    expect(arrived).toBe(0);
  });

  test('an envelope of another version than the content type says is a VersionMismatch', async () => {
    const { url } = await serve(echo);
    const got = await post(url, encode(message('hello', soap11)).body, { 'content-type': type12 });
    expect(got.status).toBe(500);
    expect(fault(got)?.code).toBe('versionMismatch');
  });

  test.each([
    ['text/plain'],
    ['application/json'],
    ['multipart/related; type="application/xop+xml"'],
    [`${type12.split(';')[0]}; charset=latin1`],
  ])('content type %s is 415', async (contentType) => {
    const { url } = await serve(echo);
    expect((await post(url, encode(message()).body, { 'content-type': contentType })).status).toBe(415);
  });

  test('no content type is 415', async () => {
    const { url } = await serve(echo);
    expect((await post(url, encode(message()).body, {})).status).toBe(415);
  });

  test.each(['gzip', 'deflate', 'br'])('D8 a message compressed with %s is 415', async (coding) => {
    const { url } = await serve(echo);
    const got = await post(url, encode(message()).body, { 'content-type': type12, 'content-encoding': coding });
    expect(got.status).toBe(415);
  });

  test.each(['GET', 'PUT'] as const)('%s is 405, names POST and says what stands here', async (method) => {
    const { url } = await serve(echo);
    const got = await post(url, encode(message()).body, { 'content-type': type12 }, method);
    expect(got.status).toBe(405);
    expect(got.headers).toMatchObject({ allow: 'POST' });
    expect(got.body.toString()).toContain('SOAP endpoint');
  });

  test('another path is 404; a query changes nothing', async () => {
    const { url } = await serve(echo);
    for (const path of ['/', '/soap/', '/soap/more', '/Soap', '/other?/soap']) {
      expect((await postMessage(new URL(path, url))).status, path).toBe(404);
    }
    expect((await postMessage(new URL('?x=1', url))).status).toBe(200);
  });

  test('a target in absolute form (RFC 9112 3.2.2) is taken by its path', async () => {
    const { url } = await serve(nothing);
    const { body } = encode(message());
    const head = (target: string) =>
      `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await raw(url, `${head(url.href)}${Buffer.from(body)}`)).toMatch(/^HTTP\/1.1 202 /);
    expect(await raw(url, `${head(`${url.origin}/other`)}${Buffer.from(body)}`)).toMatch(/^HTTP\/1.1 404 /);
  });

  test('A1 SOAPAction is checked against the message', async () => {
    const { url } = await serve(async (inbound) => inbound.carrying(message(inbound.message.action, soap11)));
    const encoded = encode(message('hello', soap11));
    const got = await post(url, encoded.body, { 'content-type': encoded.contentType, soapaction: '"urn:test/Say"' });
    expect(got.body.toString()).toContain('urn:test/Say');
  });

  test('the delivery says who sent it', async () => {
    let seen: unknown;
    const { url } = await serve(async (inbound) => {
      seen = inbound.get(peer);
      return undefined;
    });
    await postMessage(url);
    expect(seen).toEqual({ secure: false, address: '127.0.0.1' });
  });

  test('a request in pieces is one message', async () => {
    const { url } = await serve(async (inbound) => {
      expect(textOf(inbound)).toBe('ä'.repeat(200_000));
      return undefined;
    });
    expect((await postMessage(url, soap12, 'ä'.repeat(200_000))).status).toBe(202);
  });
});

describe('limits', () => {
  test('D7 a request that says it is too long is 413', async () => {
    const { url } = await serve(nothing, { maxReceivedMessageSize: 1_000 });
    const got = await postMessage(url, soap12, 'x'.repeat(1_000));
    expect(got.status).toBe(413);
    expect(got.headers).toMatchObject({ connection: 'close' });
    expect((await postMessage(url)).status).toBe(202);
  });

  test('D7 a request without a length is 413 as soon as it is too long', async () => {
    const { url } = await serve(nothing, { maxReceivedMessageSize: 1_000 });
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await raw(url, `${head}7d0\r\n${'x'.repeat(2_000)}\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('D7 a request without an end is cut off', async () => {
    const { url } = await serve(nothing, { maxReceivedMessageSize: 1_000 });
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await raw(url, `${head}${`3e8\r\n${'x'.repeat(1_000)}\r\n`.repeat(10)}`)).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a client that reads only after it has sent all hears of it too, not of a reset', async () => {
    const { url } = await serve(nothing, { maxReceivedMessageSize: 6_000_000 });
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: 11000000\r\n\r\n`;
    const outcome = await new Promise((resolve) => {
      const socket = connectTcp(Number(url.port), '127.0.0.1').pause();
      socket.on('error', resolve);
      socket.on('data', (answer) => resolve(answer.toString().slice(0, 12)));
      socket.write(head);
      socket.write('x'.repeat(11_000_000), () => socket.resume());
      afterwards(() => socket.destroy());
    });
    expect(outcome).toBe('HTTP/1.1 413');
  });

  test('our client hears of it as a lasting TRANSPORT_STATUS', async () => {
    const { url } = await serve(nothing, { maxReceivedMessageSize: 100_000 });
    const error = await failure(channelTo(url).send(request('x'.repeat(150_000))));
    expect(error).toMatchObject({ code: 'TRANSPORT_STATUS', status: 413, transient: false });
  });

  test.each([
    ['a head', 'POST /soap HTTP/1.1\r\nHost: x\r\n'],
    ['a body', `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: 100\r\n\r\n<`],
  ])('%s that does not come to an end is 408 after its time (attack D7)', async (_, octets) => {
    const { url } = await serve(nothing, { listener: { headersTimeout: 50, requestTimeout: 50 } });
    expect(await raw(url, octets)).toMatch(/^HTTP\/1.1 408 /);
  });

  test('an unused connection is closed after idleTimeout', async () => {
    const { url } = await serve(nothing, { listener: { idleTimeout: 50 } });
    const { body } = encode(message());
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await raw(url, `${head}${Buffer.from(body)}`)).toMatch(/^HTTP\/1.1 202 /);
  });

  test('a client that takes nothing of its response keeps its place until it is cut off after sendTimeout (slow reading, attack D7)', async () => {
    const kept = await withAClientThatTakesNothing(60_000);
    expect((await postMessage(kept)).status, 'its place is still taken').toBe(503);
    const url = await withAClientThatTakesNothing(50);
    let got = await postMessage(url);
    while (got.status === 503) got = await postMessage(url);
    expect(got.status).toBe(200);
  });

  /** A service with room for one call, whose response somebody has asked for and does not read. */
  async function withAClientThatTakesNothing(sendTimeout: number): Promise<URL> {
    const large = 'x'.repeat(8_000_000);
    const { url } = await serve(
      async (inbound) => inbound.carrying(message(textOf(inbound) === 'large' ? large : 'ok')),
      { listener: { sendTimeout, maxConcurrentCalls: 1 } },
    );
    const { body } = encode(message('large'));
    const seen = events();
    const socket = connectTcp(Number(url.port), '127.0.0.1', () => {
      const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
      socket.pause().write(`${head}${Buffer.from(body)}`);
    });
    afterwards(() => socket.on('error', () => undefined).destroy());
    while (!seen.some((each) => each.event === 'response.sent')) await turn();
    return url;
  }

  test('D20 more messages at a time than allowed are 503 with Retry-After, also when pipelined', async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    let calls = 0;
    const { url } = await serve(
      async () => {
        calls += 1;
        await held;
        return undefined;
      },
      { listener: { maxConcurrentCalls: 2 } },
    );
    const { body } = encode(message());
    const head = (connection: string) =>
      `POST /soap HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n${Buffer.from(body)}`;
    const answers = raw(url, `${head('keep-alive').repeat(4)}${head('close')}`);
    while (calls < 2) await turn();
    const error = await failure(channelTo(url).send(request()));
    expect(error).toMatchObject({ code: 'TRANSPORT_STATUS', status: 503, transient: true });
    go();
    const statuses = [...(await answers).matchAll(/HTTP\/1.1 (\d+) /g)].map((match) => match[1]);
    expect(statuses).toEqual(['202', '202', '503', '503', '503']);
    expect(calls).toBe(2);
  });

  test('more connections than allowed are closed at once', async () => {
    const { url } = await serve(nothing, { listener: { maxConnections: 1 } });
    const channel = channelTo(url);
    await channel.send(request());
    expect(await codeOf(channelTo(url).send(request()))).toBe('TRANSPORT_BROKEN');
    expect(await channel.send(request())).toBeUndefined();
  });

  test('garbage is 400', async () => {
    const { url } = await serve(nothing);
    expect(await raw(url, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  test('two lengths, or a length and chunks, are 400 (request smuggling, attack D20)', async () => {
    const { url } = await serve(nothing);
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\n`;
    expect(await raw(url, `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(url, `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 400 /,
    );
  });
});

describe('opening', () => {
  test('port 0 is any free port, told in the URL with the path', async () => {
    const { url } = await serve(echo, {}, 'http', '/a/b');
    expect(Number(url.port)).toBeGreaterThan(0);
    expect(url.pathname).toBe('/a/b');
  });

  test('localhost is 127.0.0.1', async () => {
    const listener = await listen(binding([], httpTransport()), new URL('http://localhost:0/soap'), nothing);
    afterwards(() => listener.close());
    expect(listener.url.hostname).toBe('localhost');
    expect((await postMessage(new URL(listener.url.href.replace('localhost', '127.0.0.1')))).status).toBe(202);
  });

  test('a port where somebody listens is TRANSPORT_PORT_BUSY', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => server.close());
    const at = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/soap`);
    const error = await failure(listen(binding([], httpTransport()), at, nothing));
    expect(error.code).toBe('TRANSPORT_PORT_BUSY');
    expect(error.message).toContain(at.href);
  });

  test('an address of another machine is TRANSPORT_ADDRESS', async () => {
    const at = new URL('http://192.0.2.1:0/soap'); // RFC 5737: nobody's
    expect(await codeOf(listen(binding([], httpTransport()), at, nothing))).toBe('TRANSPORT_ADDRESS');
  });

  test.each(['ftp://127.0.0.1:0/', 'http://me:secret@127.0.0.1:0/'])('%s is TRANSPORT_ADDRESS', async (at) => {
    const error = await failure(listen(binding([], httpTransport()), new URL(at), nothing));
    expect(error.code).toBe('TRANSPORT_ADDRESS');
    expect(error.message).not.toContain('secret');
  });

  test('a port that the system does not give is TRANSPORT_PORT_DENIED', async () => {
    // Played, because the tests may run as a user who may listen anywhere.
    const played = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
      process.nextTick(() => this.emit('error', Object.assign(new Error('denied'), { code: 'EACCES' })));
      return this;
    });
    afterwards(() => played.mockRestore());
    const error = await failure(listen(binding([], httpTransport()), new URL('http://127.0.0.1:80/'), nothing));
    expect(error.code).toBe('TRANSPORT_PORT_DENIED');
    expect(error.message).toContain('port 80');
  });

  test('the top channel is opened before the port; one that cannot open leaves the port free', async () => {
    const refused = new Error('no store');
    const accept = (session: ChannelFactory): Channel => ({
      ...session(nothing),
      open: () => Promise.reject(refused),
    });
    await expect(httpTransport().listen(new URL('http://127.0.0.1:0/'), accept)).rejects.toBe(refused);
  });

  test('a busy port aborts the top channel that was opened', async () => {
    const { url } = await serve(nothing);
    let top: Channel | undefined;
    const accept = (session: ChannelFactory): Channel => {
      top = session(nothing);
      return top;
    };
    const error = await failure(httpTransport().listen(url, accept));
    expect(await top?.closed).toBe(error);
  });
});

describe('the acceptor channel', () => {
  async function accepted(): Promise<{ url: URL; channel: Channel; session: ChannelFactory; calls: () => number }> {
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<{ channel: Channel; session: ChannelFactory }>();
    const listener = await httpTransport().listen(new URL('http://127.0.0.1:0/soap'), (session) => {
      calls += 1;
      const channel = session(echo);
      resolve({ channel, session });
      return channel;
    });
    afterwards(() => listener.close());
    return { url: listener.url, ...(await promise), calls: () => calls };
  }

  test('is made once, for all clients', async () => {
    const { url, channel, calls } = await accepted();
    await Promise.all([postMessage(url), postMessage(url)]);
    expect(channel.side).toBe('acceptor');
    expect(calls()).toBe(1);
  });

  test('cannot send to a client that did not ask: TRANSPORT_NO_BACK_CHANNEL', async () => {
    const { channel } = await accepted();
    expect(await codeOf(channel.send(delivery(message())))).toBe('TRANSPORT_NO_BACK_CHANNEL');
  });

  test('that has ended leaves 503, until a layer above makes another', async () => {
    const { url, channel, session } = await accepted();
    const reason = new Error('lost');
    channel.abort(reason);
    expect(await channel.closed).toBe(reason);
    expect((await postMessage(url)).status).toBe(503);
    session(nothing);
    expect((await postMessage(url)).status).toBe(202);
    await channel.close();
    expect((await postMessage(url)).status, 'the old one no longer matters').toBe(202);
  });
});

describe('a client that hangs up', () => {
  test('does not cancel the work on a message that was received', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    const { promise: done, resolve: finish } = Promise.withResolvers<boolean>();
    const seen = events();
    const receive: Carry = async (inbound) => {
      if (textOf(inbound) !== 'hi') return undefined;
      resolve();
      await held;
      finish(inbound.signal.aborted);
      return inbound;
    };
    const { url } = await serve(receive, { listener: { maxConcurrentCalls: 1 } });
    const controller = new AbortController();
    const outcome = channelTo(url).send(request('hi', controller.signal));
    await arrived;
    controller.abort(new Error('gone'));
    await expect(outcome).rejects.toThrow('gone');
    // Its place is free when the service has heard of it.
    while ((await postMessage(url)).status === 503);
    go();
    expect(await done).toBe(false);
    await turn();
    expect(seen.at(-1)).toMatchObject({ event: 'response.lost' });
  });

  test('in the middle of a message: the message does not reach the service', async () => {
    let arrived = 0;
    const { url, close } = await serve(async () => {
      arrived += 1;
      return undefined;
    });
    const { body } = encode(message());
    await new Promise<void>((resolve) => {
      const socket = connectTcp(Number(url.port), '127.0.0.1', () => {
        const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
        socket.write(`${head}${Buffer.from(body).subarray(0, -1)}`, () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    await close();
    expect(arrived).toBe(0);
  });
});

describe('closing', () => {
  async function busy(): Promise<{
    readonly listener: Awaited<ReturnType<typeof serve>>;
    readonly outcome: Promise<unknown>;
    readonly go: () => void;
    readonly aborted: () => unknown;
  }> {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const listener = await serve(async (inbound) => {
      signal = inbound.signal;
      resolve();
      await held;
      return inbound;
    });
    const outcome = channelTo(listener.url)
      .send(request('last'))
      .then(textOf, (error: unknown) => error);
    await arrived;
    return { listener, outcome, go, aborted: () => signal?.aborted && signal.reason };
  }

  test('takes nothing new and lets what is under way finish', async () => {
    const { listener, outcome, go, aborted } = await busy();
    const closing = listener.close();
    expect(await codeOf(channelTo(listener.url).send(request()))).toBe('TRANSPORT_UNREACHABLE');
    go();
    expect(await outcome).toBe('last');
    await closing;
    expect(aborted()).toBe(false);
  });

  test('lets an answer that is being taken arrive whole', async () => {
    const large = 'x'.repeat(8_000_000);
    const { url, close } = await serve(async (inbound) => inbound.carrying(message(large)));
    const { body } = encode(message());
    const seen = events();
    const socket = connectTcp(Number(url.port), '127.0.0.1', () => {
      const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
      socket.pause().write(`${head}${Buffer.from(body)}`);
    });
    socket.on('error', () => undefined);
    while (!seen.some((each) => each.event === 'response.sent')) await turn();
    const closing = close();
    let octets = 0;
    for await (const chunk of socket) octets += chunk.length;
    expect(octets).toBeGreaterThan(large.length);
    await closing;
  });

  test('waits no longer for a message that does not come to an end than for any (attack D7)', async () => {
    const { url, close } = await serve(nothing, { listener: { headersTimeout: 50, requestTimeout: 50 } });
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: ${type12}\r\nContent-Length: 100\r\n\r\n`;
    const socket = connectTcp(Number(url.port), '127.0.0.1', () => socket.write(`${head}<`));
    afterwards(() => socket.destroy());
    socket.on('error', () => undefined);
    // It is under way when the service says to go on; on a machine that is slow enough, its time is over already.
    await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
    await close();
  });

  test('tells the client of the last response not to come back on this connection', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    const { url, close } = await serve(async () => {
      resolve();
      await held;
      return undefined;
    });
    const { body } = encode(message());
    const head = `POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: ${type12}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = raw(url, `${head}${Buffer.from(body)}`);
    await arrived;
    const closing = close();
    go();
    expect(await answer).toMatch(/^HTTP\/1.1 202 [\s\S]*\r\nConnection: close\r\n/);
    await closing;
  });

  test('cuts off what is under way when its signal fires, and tells the service', async () => {
    const { listener, outcome, aborted } = await busy();
    const controller = new AbortController();
    const closing = listener.close(controller.signal);
    const reason = new Error('time is up');
    controller.abort(reason);
    await closing;
    expect(await outcome).toMatchObject({ code: 'TRANSPORT_BROKEN' });
    expect(aborted()).toBe(reason);
  });

  test('ends unused connections and those that never said a word', async () => {
    const { url, close } = await serve(nothing);
    await channelTo(url).send(request());
    const silent = raw(url, '');
    await postMessage(url);
    await close();
    expect(await silent).toBe('');
  });

  test('closes the top channel after the last request', async () => {
    const order: string[] = [];
    const listener = await httpTransport().listen(new URL('http://127.0.0.1:0/soap'), (session) => {
      const channel = session(async () => {
        await turn();
        order.push('request');
        return undefined;
      });
      return {
        ...channel,
        close: async (signal) => {
          order.push('close');
          await channel.close(signal);
        },
      };
    });
    const seen = events();
    const outcome = channelTo(listener.url).send(request());
    while (!seen.some((each) => each.event === 'request.received')) await turn();
    await Promise.all([listener.close(), listener.close()]);
    await outcome;
    expect(order).toEqual(['request', 'close']);
  });

  test('an error of the top channel is the error of close, and the port is free', async () => {
    const wrong = new Error('the last acknowledgement did not come');
    const listener = await httpTransport().listen(new URL('http://127.0.0.1:0/soap'), (session) => ({
      ...session(nothing),
      close: () => Promise.reject(wrong),
    }));
    await expect(listener.close()).rejects.toBe(wrong);
    expect(await codeOf(channelTo(listener.url).send(request()))).toBe('TRANSPORT_UNREACHABLE');
  });
});
