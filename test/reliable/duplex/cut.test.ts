/**
 * The connection may break at any octet and the session goes on over a new one: a scripted duplex session over WebSocket, cut
 * once after so many octets, at some hundreds of places over both ways, by a TCP relay.
 */
import { expect, test } from 'vitest';
import { binding, connect, listen } from '../../../src/channel/binding.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import { exchange, expectsReply } from '../../../src/channel/correlation.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../../src/reliable/versions/version.ts';
import { addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { message } from '../../../src/soap/envelope.ts';
import { soap12 } from '../../../src/soap/version.ts';
import { webSocketTransport } from '../../../src/transport/websocket/transport.ts';
import { XmlWriter } from '../../../src/xml/write.ts';
import { type Cut, cuttingRelay, type Relay } from './relay.ts';
import { textOf } from './world.ts';

const said = (text: string) =>
  message({ version: soap12, action: 'urn:cut:say', body: new XmlWriter().element('urn:cut', 'said', text).finish() });

/** Two requests that are called back, one way and both ways, and a one-way message. */
async function scripted(version: ReliableVersion, cut: Cut | undefined): Promise<Relay> {
  const served: string[] = [];
  const called: string[] = [];
  const element = () =>
    reliableSession({ version, acknowledgementInterval: 20, retryFloor: 60, firstPatience: 60, maxRetryCount: 20 });
  const elements = () => [exchange({ addressing: addressing200508 }), element()];
  const transport = webSocketTransport({ pingInterval: 2_000, closeTimeout: 500 });
  const listener = await listen(binding(elements(), transport), new URL('ws://127.0.0.1:0/cut'), async (trip) => {
    const text = textOf(trip.message) ?? '';
    served.push(text);
    const back = callbackChannel(trip);
    if (text === 'two') await back.send(delivery(said('news')).with(expectsReply, false));
    const answer = text === 'one' ? await back.send(delivery(said('who?'))) : undefined;
    return trip.carrying(said(`${text} ${answer === undefined ? 'done' : textOf(answer.message)}`));
  });
  const relay = await cuttingRelay(listener.url, cut);
  const channel = connect(binding(elements(), transport), relay.url, async (trip) => {
    called.push(textOf(trip.message) ?? '');
    return trip.carrying(said('me'));
  });
  const ask = async (text: string) => {
    const reply = await channel.send(delivery(said(text)));
    return reply === undefined ? undefined : textOf(reply.message);
  };
  const replies = [await ask('one'), await ask('two')];
  await channel.send(delivery(said('three')).with(expectsReply, false));
  await channel.close();
  expect(replies).toEqual(['one me', 'two done']);
  expect(served).toEqual(['one', 'two', 'three']);
  expect(called).toEqual(['who?', 'news']);
  expect(await channel.closed).toBeUndefined();
  await listener.close(AbortSignal.timeout(2_000));
  await relay.close();
  return relay;
}

test.each(reliableVersions)(
  'WS-RM $name: cut at some hundreds of octets, each way',
  { timeout: 300_000 },
  async (version) => {
    const whole = await scripted(version, undefined);
    expect(whole.connections).toBe(1);
    const places: Cut[] = [];
    for (const way of ['there', 'back'] as const) {
      const step = Math.max(1, Math.floor(whole.octets[way] / 110));
      for (let after = 0; after < whole.octets[way]; after += step) places.push({ way, after });
    }
    expect(places.length).toBeGreaterThan(200);
    let reconnected = 0;
    const next = async (): Promise<void> => {
      for (let cut = places.pop(); cut !== undefined; cut = places.pop()) {
        try {
          const relay = await scripted(version, cut);
          if (relay.connections > 1) reconnected += 1;
        } catch (thrown) {
          throw new Error(`cut ${cut.way} after ${cut.after} octets`, { cause: thrown });
        }
      }
    };
    await Promise.all(Array.from({ length: 12 }, next));
    expect(reconnected).toBeGreaterThan(190);
  },
);
