/** Connections over two (WCF's composite duplex, of wsDualHttp): reliable sessions both ways, over HTTP and under every weather. */
import { afterEach, describe, expect, test } from 'vitest';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { addressing200508, addressingOf } from '../../src/soap/addressing.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12, soapVersions } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { transportContract, withExchange } from '../contracts/transport.ts';
import { obey, weather } from '../reliable/duplex/obey.ts';
import { DuplexWorld } from '../reliable/duplex/world.ts';

const callbackAddress = new URL('http://client.example:0/callback');
const over = ({ network, clock }: DuplexWorld) =>
  compositeDuplex(loopback({ network }), { clock, callbackAddress, replyHosts: ['client.example'] });

transportContract('two connections over a loopback', ({ maxBytes }) => ({
  transport: withExchange(compositeDuplex(loopback({ maxBytes }), { callbackAddress, replyHosts: ['client.example'] })),
  at: new URL('http://service.example:0/soap'),
  peer: { secure: false },
  isDuplex: true,
  isUnseen: true,
}));

describe.each(reliableVersions)('WS-RM $name over two connections', (version) => {
  test('requests, replies, calls back with and without reply, and a good end', async () => {
    const world = new DuplexWorld(1, { version, over });
    const asked: string[] = [];
    world.network.script(({ message: carried }) => {
      const replyTo = carried && addressingOf(carried)?.replyTo?.address;
      if (replyTo !== undefined) asked.push(replyTo);
      return undefined;
    });
    const listener = await world.until(world.listen());
    const channel = world.connect();
    expect(await world.until(world.say(channel, 'one'))).toBe('re: one');
    expect(await world.until(world.say(channel, 'call two'))).toBe('re: call two');
    expect(await world.until(world.say(channel, 'tell three'))).toBe('re: tell three');
    expect(await world.until(world.say(channel, 'four', false))).toBeUndefined();
    expect(world.served).toEqual(['one', 'call two', 'tell three', 'four']);
    expect(world.called).toEqual(['back: call two', 'back: tell three']);
    expect(world.answers).toEqual(['re: back: call two']);
    await world.until(channel.close());
    expect(await channel.closed).toBeUndefined();
    await world.until(listener.close());
    const own = asked.filter((address) => address !== addressing200508.anonymous);
    expect(new Set(own).size, 'one address, where the client listens').toBe(1);
    expect(own[0]).toMatch(/^http:\/\/client\.example:\d+\/callback$/);
  });

  test.each(soapVersions)('SOAP $name: 15 schedules of loss, repetition, delay and breaks', async (soap) => {
    for (let seed = 1; seed <= 15; seed += 1) {
      const options = { version, soap, network: weather(seed), healsAfter: 30_000, over };
      await obey(seed, options).catch((cause: unknown) => {
        throw new Error(`seed ${seed}`, { cause });
      });
    }
  });
});

describe('over HTTP', () => {
  const open: (Channel | Listener)[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close(AbortSignal.timeout(1_000)).catch(() => undefined)));
  });

  const saying = (text: string): Message =>
    message({
      version: soap12,
      action: 'urn:dual:say',
      body: new XmlWriter().element('urn:dual', 'said', text).finish(),
    });
  const textOf = (of: Message | undefined) => of && payload(of)?.text;

  test.each(reliableVersions)('WS-RM $name: both ends call, each on its own connection', async (version) => {
    const elements = () => [exchange({ addressing: addressing200508 }), reliableSession({ version })];
    const service = binding(elements(), compositeDuplex(httpTransport(), { replyHosts: ['127.0.0.1'] }));
    const listener = await listen(service, new URL('http://127.0.0.1:0/dual'), async (trip) => {
      const back = await callbackChannel(trip).send(delivery(saying(`who says ${textOf(trip.message)}?`)));
      return trip.carrying(saying(`${textOf(back?.message)} says ${textOf(trip.message)}`));
    });
    const here = new URL('http://127.0.0.1:0/callback');
    const client = binding(elements(), compositeDuplex(httpTransport(), { callbackAddress: here }));
    const channel = connect(client, listener.url, async (trip) => {
      return trip.carrying(saying(textOf(trip.message) === 'who says hello?' ? 'the client' : 'nobody'));
    });
    open.push(channel, listener);
    const reply = await channel.send(delivery(saying('hello')));
    expect(textOf(reply?.message)).toBe('the client says hello');
    await channel.close();
    expect(await channel.closed).toBeUndefined();
  });

  test('without an address of its own a client says what is missing', async () => {
    const client = binding([exchange({ addressing: addressing200508 })], compositeDuplex(httpTransport()));
    const channel = connect(client, new URL('http://127.0.0.1:9/dual'));
    await expect(channel.open()).rejects.toMatchObject({ code: 'CONNECTION_SETTING' });
  });

  test('a client that can be answered on the same connection is, by the same listener', async () => {
    const service = binding([exchange({ addressing: addressing200508 })], compositeDuplex(httpTransport()));
    const listener = await listen(service, new URL('http://127.0.0.1:0/dual'), async (trip) =>
      trip.carrying(saying('yes')),
    );
    const plain = binding([exchange({ addressing: addressing200508 })], httpTransport());
    const channel = connect(plain, listener.url);
    open.push(channel, listener);
    expect(textOf((await channel.send(delivery(saying('hello'))))?.message)).toBe('yes');
    await channel.send(delivery(saying('hello')).with(expectsReply, false));
  });
});
