/** SOAP over WebSocket: the handshake, hostile peers, silence, and a client that nobody here wrote (Node's own). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { later, VirtualClock } from '../../src/base/clock.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { decode } from '../../src/soap/codec.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import type { WebSocketTransportOptions } from '../../src/transport/websocket/settings.ts';
import { webSocketTransport } from '../../src/transport/websocket/transport.ts';
import { afterwards, channelOf, codeOf, echo, foreign, raw, request } from './rig.ts';

const via = (options: WebSocketTransportOptions = {}) =>
  binding([exchange({ addressing: addressing200508 })], webSocketTransport(options));

async function serve(receive: Carry = echo, options: WebSocketTransportOptions = {}): Promise<Listener> {
  const listener = await listen(via(options), new URL('ws://127.0.0.1:0/soap'), receive);
  afterwards(() => listener.close(AbortSignal.abort(new Error('the test is over'))));
  return listener;
}

const envelope = (text: string, more = '') =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>` +
  `<a:Action>urn:test/Say</a:Action><a:MessageID>urn:uuid:1</a:MessageID><a:To>urn:x</a:To></s:Header>` +
  `<s:Body><say xmlns="urn:test">${text}</say>${more}</s:Body></s:Envelope>`;

/** A client by \`ws\` with everything under the test's control. */
function hostile(to: URL, options: object = {}, protocols: string[] = ['soap']): Ws {
  const socket = new Ws(to, protocols, { perMessageDeflate: false, ...options });
  socket.on('error', () => undefined);
  afterwards(() => socket.terminate());
  return socket;
}

const opened = (socket: Ws) => new Promise((resolve) => socket.once('open', resolve));
const closed = (socket: Ws) => new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
const status = (socket: Ws) =>
  new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => resolve(101));
  });

describe('the handshake (RFC 6455 section 4; NetHttp of WCF)', () => {
  test('agrees on the sub-protocol soap and announces the content type', async () => {
    const heads: unknown[] = [];
    const server = createServer();
    server.on('upgrade', (incoming, socket) => {
      heads.push([incoming.headers['sec-websocket-protocol'], incoming.headers['soap-content-type']]);
      socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => new Promise((resolve) => server.close(resolve)));
    const to = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/soap`;
    const channel = channelOf(webSocketTransport({ version: soap11 }), to);
    await expect(channel.open()).rejects.toMatchObject({ code: 'TRANSPORT_STATUS', status: 503, transient: true });
    expect(heads).toEqual([['soap', 'text/xml; charset=utf-8']]);
  });

  test.each([
    ['another path', { path: '/other' }, ['soap'], 404],
    ['no sub-protocol', {}, [], 400],
    ['another sub-protocol', {}, ['mqtt'], 400],
    ['another encoding', { headers: { 'soap-content-type': 'application/soap+msbin1' } }, ['soap'], 415],
    ['a page of another origin', { headers: { Origin: 'https://evil.example' } }, ['soap'], 403],
    ['a known origin', { headers: { Origin: 'https://app.example' } }, ['soap'], 101],
    ['another host (DNS rebinding)', { headers: { Host: 'evil.example' } }, ['soap'], 403],
    ['all as it should be', {}, ['soap', 'other'], 101],
  ])('%s', async (_, { path, ...options }: { path?: string; headers?: object }, protocols, expected) => {
    const listener = await serve(echo, { listener: { origins: ['https://app.example'], hosts: ['127.0.0.1:1'] } });
    const to = new URL(path ?? '/soap', listener.url);
    const given = { headers: { Host: '127.0.0.1:1', ...options.headers } };
    expect(await status(hostile(to, given, protocols))).toBe(expected);
  });

  test('a server without the sub-protocol is not spoken to', async () => {
    const to = (await foreign((_, response) => response.end())).replace('http', 'ws');
    expect(await codeOf(channelOf(webSocketTransport(), to).open())).toBe('TRANSPORT_STATUS');
  });

  test('a plain HTTP request is told what is spoken here', async () => {
    const { url } = await serve();
    expect(await raw(url, 'GET /soap HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain(
      '426 Upgrade Required',
    );
  });

  test('a client that takes its time over the handshake is let go', async () => {
    const { url } = await serve(echo, { listener: { headersTimeout: 100 } });
    expect(await raw(url, 'GET /soap HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n')).toContain('408');
  });

  test('a server that takes its time is given up', async () => {
    const clock = new VirtualClock();
    const server = createServer();
    server.on('upgrade', (_, socket) => afterwards(() => socket.destroy()));
    const waiting = new Promise((resolve) => server.once('upgrade', resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => new Promise((resolve) => server.close(resolve)));
    const to = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/soap`;
    const opening = channelOf(webSocketTransport({ clock, client: { openTimeout: 5_000 } }), to).open();
    opening.catch(() => undefined);
    await waiting;
    await clock.advance(5_000);
    await expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
  });

  test('whoever gives up waiting for the connection does not spoil it for others', async () => {
    const { url } = await serve();
    const channel = connect(via(), url);
    afterwards(() => channel.abort(new Error('the test is over')));
    const impatient = new AbortController();
    const opening = channel.open(impatient.signal);
    impatient.abort(new Error('too slow'));
    await expect(opening).rejects.toThrow('too slow');
    expect((await channel.send(request('hello')))?.message.action).toBe('urn:test/Say');
  });

  test('no more connections than allowed', async () => {
    const { url } = await serve(echo, { listener: { maxConnections: 2 } });
    const [one, two] = [hostile(url), hostile(url)];
    await Promise.all([opened(one), opened(two)]);
    // The third is refused by the server of Node at once, or by the endpoint with 503.
    const third = hostile(url);
    const refused = await Promise.race([status(third), closed(third)]);
    expect(refused).not.toBe(101);
  });

  test.each(['http://127.0.0.1:1/soap', 'ws://user:secret@127.0.0.1:1/soap'])('%s is no address', (to) => {
    expect(() => webSocketTransport().connect(new URL(to))).toThrowError(
      expect.objectContaining({ code: 'TRANSPORT_ADDRESS' }),
    );
  });
});

describe('hostile peers', () => {
  test('a message larger than allowed costs the connection, whether whole or in pieces, and no memory', async () => {
    let heard = 0;
    const { url } = await serve(
      async () => {
        heard += 1;
        return undefined;
      },
      { maxReceivedMessageSize: 10_000 },
    );
    const whole = hostile(url);
    await opened(whole);
    whole.send('x'.repeat(10_001));
    expect(await closed(whole)).toBe(1009);
    const pieces = hostile(url);
    await opened(pieces);
    const over = closed(pieces);
    for (let piece = 0; piece < 12; piece += 1) pieces.send('x'.repeat(1_000), { fin: false });
    expect(await over).toBe(1009);
    // A frame whose head promises 2^40 octets is refused by its head.
    const promise = hostile(url);
    await opened(promise);
    const end = closed(promise);
    (promise as unknown as { _socket: { write(octets: Buffer): void } })._socket.write(
      Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    );
    expect([1006, 1009]).toContain(await end);
    expect(heard).toBe(0);
  });

  test('a flood of empty fragments is cut off', async () => {
    const { url } = await serve();
    const socket = hostile(url);
    await opened(socket);
    const over = closed(socket);
    for (let piece = 0; piece < 3_000; piece += 1) socket.send('', { fin: false });
    expect([1006, 1008, 1009]).toContain(await over);
  });

  test('a flood of pings is cut off', async () => {
    const { url } = await serve(echo, { maxPings: 50 });
    const socket = hostile(url);
    await opened(socket);
    const over = closed(socket);
    for (let ping = 0; ping < 200; ping += 1) socket.ping('x', true, () => undefined);
    expect(await over).toBe(1008);
  });

  test('what is no envelope is told so once, and let go', async () => {
    const { url } = await serve();
    for (const garbage of ['<html>', '{"not":"soap"}', '<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>']) {
      const socket = hostile(url);
      const heard: Buffer[] = [];
      socket.on('message', (data: Buffer) => heard.push(data));
      await opened(socket);
      socket.send(garbage);
      expect(await closed(socket)).toBe(1007);
      expect(heard).toHaveLength(1);
      const fault = faultOf(decode(heard[0] ?? Buffer.alloc(0), 'application/soap+xml'));
      expect(fault?.code).toBe('sender');
    }
  });

  test('a message of another SOAP version than announced goes no further', async () => {
    let heard = 0;
    const { url } = await serve(async () => {
      heard += 1;
      return undefined;
    });
    const socket = hostile(url, { headers: { 'soap-content-type': 'text/xml; charset=utf-8' } });
    await opened(socket);
    socket.send(envelope('x'));
    expect(await closed(socket)).toBe(1007);
    expect(heard).toBe(0);
  });

  test('no more messages of one connection are read than are served', async () => {
    let underWay = 0;
    let most = 0;
    let served = 0;
    const release = Promise.withResolvers<void>();
    const { url } = await serve(
      async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await release.promise;
        underWay -= 1;
        served += 1;
        return undefined;
      },
      { maxMessagesUnderWay: 4 },
    );
    const channel = connect(via(), url);
    afterwards(() => channel.abort(new Error('the test is over')));
    const large = 'x'.repeat(200_000);
    for (let at = 0; at < 50; at += 1) channel.send(request(large).with(expectsReply, false)).catch(() => undefined);
    await expect.poll(() => most).toBeGreaterThanOrEqual(4);
    // A frame that came in one piece with the fourth may have been read already.
    expect(most).toBeLessThan(10);
    release.resolve();
    await expect.poll(() => served).toBe(50);
  });

  test('a peer that has died is noticed', async () => {
    const clock = new VirtualClock();
    const sockets: { destroy(): void }[] = [];
    // It shakes hands and never says anything again, not even pong.
    const server = createServer();
    const { createHash } = await import('node:crypto');
    server.on('upgrade', (incoming, socket) => {
      sockets.push(socket);
      const key = `${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: soap\r\n\r\n`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    const to = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/soap`;
    const channel = channelOf(webSocketTransport({ clock, pingInterval: 10_000 }), to);
    await channel.open();
    await clock.advance(10_000);
    await clock.advance(10_000);
    expect(await channel.closed).toMatchObject({ code: 'TRANSPORT_TIMEOUT', transient: true });
  });
});

describe('receiveTimeout (the ReceiveTimeout of WCF)', () => {
  test('a connection on which nothing is asked for too long ends, and the client hears of it', async () => {
    const clock = new VirtualClock();
    const listener = await serve(echo, { clock, receiveTimeout: 60_000, pingInterval: 1_000_000 });
    const channel = connect(via(), listener.url);
    for (let count = 0; count < 2; count += 1) {
      expect(payload((await channel.send(request('hello')))?.message as never)?.text).toBe('hello');
      // The service has finished when its answer is written, and waits for the next message then.
      await expect.poll(() => clock.next).toBe(later(clock.now(), 60_000));
      await clock.advance(59_999);
    }
    expect(await Promise.race([channel.closed, 'open'])).toBe('open');
    await clock.advance(1);
    expect(await channel.closed).toMatchObject({ code: 'TRANSPORT_BROKEN', transient: true });
  });

  test('a service at work is not idle, and a client waits for as long as it takes', async () => {
    const clock = new VirtualClock();
    const slow: Carry = async (trip) => {
      await wait(clock, 100_000);
      return trip;
    };
    const listener = await serve(slow, { clock, receiveTimeout: 60_000, pingInterval: 1_000_000 });
    const own = new VirtualClock();
    const channel = connect(via({ clock: own, receiveTimeout: 1_000, pingInterval: 1_000_000 }), listener.url);
    const asked = channel.send(request('hello'));
    while (clock.next === undefined || clock.next - clock.now() !== 100_000) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await own.advance(50_000);
    await clock.advance(100_000);
    expect(payload((await asked)?.message as never)?.text).toBe('hello');
    await channel.close();
  });
});

describe('mounted', () => {
  test('beside the routes of an existing server', async () => {
    const server = createServer((_, response) => response.end('a page'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    afterwards(() => new Promise((resolve) => server.close(resolve)));
    const port = (server.address() as AddressInfo).port;
    const url = new URL(`ws://127.0.0.1:${port}/soap`);
    const listener = await listen(via({ listener: { server } }), url, echo);
    const channel = connect(via(), url);
    const reply = await channel.send(request('hello'));
    expect(reply && payload(reply.message)?.text).toBe('hello');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('a page');
    await channel.close();
    await listener.close();
  });
});

describe("Node's own WebSocket client", () => {
  test.each(['text', 'binary'])('asks in %s frames and is answered, and hears what is said unasked', async (kind) => {
    const listener = await serve(async (trip) => trip);
    const socket = new WebSocket(listener.url, 'soap');
    socket.binaryType = 'arraybuffer';
    afterwards(() => socket.close());
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    expect(socket.protocol).toBe('soap');
    const answer = new Promise<ArrayBuffer>((resolve) => {
      socket.addEventListener('message', ({ data }) => resolve(data as ArrayBuffer), { once: true });
    });
    socket.send(kind === 'text' ? envelope('grüße') : new TextEncoder().encode(envelope('grüße')));
    const reply = decode(new Uint8Array(await answer), 'application/soap+xml; charset=utf-8');
    expect(payload(reply)?.text).toBe('grüße');
    expect(reply.version).toBe(soap12);
    const end = new Promise<{ code: number }>((resolve) => socket.addEventListener('close', resolve));
    await listener.close();
    expect((await end).code).toBe(1000);
  });

  test('is called by a service while it waits for its answer', async () => {
    const listener = await serve(async (trip) => {
      const { callbackChannel } = await import('../../src/channel/callback.ts');
      await callbackChannel(trip).send(delivery(request('news').message).with(expectsReply, false));
      return trip;
    });
    const socket = new WebSocket(listener.url, 'soap');
    socket.binaryType = 'arraybuffer';
    afterwards(() => socket.close());
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    const texts: (string | undefined)[] = [];
    socket.addEventListener('message', ({ data }) => {
      texts.push(payload(decode(new Uint8Array(data as ArrayBuffer), 'application/soap+xml'))?.text);
    });
    socket.send(envelope('hello'));
    await expect.poll(() => texts).toEqual(['news', 'hello']);
  });
});
