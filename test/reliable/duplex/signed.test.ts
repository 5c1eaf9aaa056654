/**
 * A duplex session under message security: each transmission is signed anew, whichever way it goes, the connection may break
 * under any message, and whoever signs with another certificate, or repeats what was signed, gets nothing of the session.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { binding, connect, listen } from '../../../src/channel/binding.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import { exchange } from '../../../src/channel/correlation.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { loopback } from '../../../src/channel/loopback.ts';
import { Network, on } from '../../../src/channel/network.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import { readHeaders } from '../../../src/reliable/headers.ts';
import { security } from '../../../src/security/element.ts';
import { addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { decode } from '../../../src/soap/codec.ts';
import { message } from '../../../src/soap/envelope.ts';
import { faultOf } from '../../../src/soap/fault.ts';
import type { Message } from '../../../src/soap/message.ts';
import { soap12 } from '../../../src/soap/version.ts';
import { pki, policyOf, start } from '../../security/rig.ts';
import { cryptoAtRest } from '../../simulation/crypto-at-work.ts';

const address = new URL('http://service.example/box');
const said = (action: string) => message({ version: soap12, action });

async function signed(own: 'client' | 'service', network: Network, clock: VirtualClock) {
  const { root, ...all } = await pki();
  const elements = [
    exchange({ addressing: addressing200508, to: address }),
    reliableSession({ clock, random: seededRandom(5) }),
    security(policyOf(all[own], root), { clock }),
  ];
  return { elements, network };
}

async function scene(network: Network, clock: VirtualClock) {
  const transport = loopback({ network, duplex: true });
  const here = await signed('service', network, clock);
  const there = await signed('client', network, clock);
  const served: string[] = [];
  const called: string[] = [];
  await listen(binding(here.elements, transport), address, async (trip) => {
    served.push(trip.message.action);
    const back = await callbackChannel(trip).send(delivery(said('urn:back')));
    return trip.carrying(said(`urn:re:${back?.message.action}`));
  });
  const channel = connect(binding(there.elements, transport), address, async (trip) => {
    called.push(trip.message.action);
    return trip.carrying(said('urn:me'));
  });
  /** Lets time pass until the work is done. */
  const until = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    for (let step = 0; !done && step < 4_000; step += 1) {
      await cryptoAtRest();
      await clock.advance(50);
    }
    return work;
  };
  return { transport, channel, served, called, until };
}

describe('a signed duplex session', () => {
  test('goes on over new connections, both ways', async () => {
    for (const cut of [2, 4, 5, 7, 9]) {
      const clock = new VirtualClock(start);
      const network = new Network({ clock });
      for (const way of ['request', 'reply'] as const) network.script(on(way, [cut], 'break'));
      const { channel, served, called, until } = await scene(network, clock);
      const reply = await until(channel.send(delivery(said('urn:ask'))));
      expect(reply?.message.action).toBe('urn:re:urn:me');
      await until(channel.close());
      expect([served, called], `cut under message ${cut}`).toEqual([['urn:ask'], ['urn:back']]);
      expect(await channel.closed).toBeUndefined();
    }
  });

  test('what was signed and is repeated on another connection does not take the session there', async () => {
    const clock = new VirtualClock(start);
    const network = new Network({ clock });
    const captured: Uint8Array[] = [];
    network.script((leg) => {
      if (leg.way === 'request') captured.push(leg.octets);
      return undefined;
    });
    const { transport, channel, served, called, until } = await scene(network, clock);
    await until(channel.send(delivery(said('urn:ask'))));
    const heard: Message[] = [];
    const evil = transport.connect(address)(async (trip) => {
      heard.push(trip.message);
      return undefined;
    });
    for (const octets of captured.splice(0)) {
      await evil.send(delivery(decode(octets, 'application/soap+xml')));
      await until(new Promise((resolve) => setImmediate(resolve)));
    }
    await until(channel.send(delivery(said('urn:ask'))));
    expect([served, called]).toEqual([
      ['urn:ask', 'urn:ask'],
      ['urn:back', 'urn:back'],
    ]);
    // The one public failure, to whoever repeats it there; nothing of the session.
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.every((one) => faultOf(one) !== undefined && readHeaders(one) === undefined)).toBe(true);
    await until(channel.close());
    expect(await channel.closed).toBeUndefined();
  });
});
