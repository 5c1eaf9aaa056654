/**
 * Connections made of exchanges under message security: below MakeConnection, so that the question for what waits is signed too, and
 * above connections over two, as WCF has it. Each transmission is signed anew, whichever way it goes.
 */
import { describe, expect, test } from 'vitest';
import { seededRandom, systemRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network, on } from '../../src/channel/network.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { makeConnection as question } from '../../src/connection/wording.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508, addressingOf } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { issue } from '../security/pki.ts';
import { pki, policyOf } from '../security/rig.ts';
import { SimulationClock } from '../simulation/clock.ts';

const to = new URL('http://service.example/box');
const said = (action: string): Message => message({ version: soap12, action });

type Below = (
  protection: BindingElement,
  net: Transport,
  clock: SimulationClock,
) => readonly [BindingElement[], Transport];
const ways: Readonly<Record<string, Below>> = {
  'MakeConnection above security': (protection, net, clock) => [
    [],
    makeConnection(binding([protection], net), { clock }),
  ],
  'security above two connections': (protection, net, clock) => {
    const callbackAddress = new URL('http://client.example:0/callback');
    return [[protection], compositeDuplex(net, { clock, callbackAddress, replyHosts: ['client.example'] })];
  },
};

async function scene(way: Below, network: Network, clock: SimulationClock) {
  const { root, ...all } = await pki();
  const net = loopback({ network });
  const as = (own: 'client' | 'service') => {
    const [elements, transport] = way(security(policyOf(all[own], root), { clock }), net, clock);
    // Certificates are verified beside the clock, which runs ahead meanwhile.
    const session = reliableSession({ clock, random: seededRandom(5), to, openTimeout: 600_000 });
    return binding([exchange({ addressing: addressing200508, to }), session, ...elements], transport);
  };
  const served: string[] = [];
  const called: string[] = [];
  await listen(as('service'), to, async (trip) => {
    served.push(trip.message.action);
    const back = await callbackChannel(trip).send(delivery(said('urn:back')));
    return trip.carrying(said(`urn:re:${back?.message.action}`));
  });
  const channel = connect(as('client'), to, async (trip) => {
    called.push(trip.message.action);
    return trip.carrying(said('urn:me'));
  });
  const until = <T>(work: Promise<T>) => clock.until(work, 1_200_000);
  return { net, channel, served, called, until, root };
}

describe.each(Object.entries(ways))('%s', (_, way) => {
  test('both ends call, over exchanges that break', async () => {
    for (const cut of [0, 2, 3, 5, 8]) {
      const clock = new SimulationClock();
      const network = new Network({ clock });
      network.script(on('request', [cut], 'break'));
      network.script(on('reply', [cut + 1], 'break'));
      const { channel, served, called, until } = await scene(way, network, clock);
      const reply = await until(channel.send(delivery(said('urn:ask'))));
      expect(reply?.message.action).toBe('urn:re:urn:me');
      await until(channel.close());
      expect([served, called], `cut under exchange ${cut}`).toEqual([['urn:ask'], ['urn:back']]);
      expect(await channel.closed).toBeUndefined();
    }
  });
});

test('a certificate endorses what answers the service too, which says where it goes: both ends call, and the session ends', async () => {
  const { client } = await pki();
  const clock = new SimulationClock();
  const peer = { secure: true };
  const net = loopback({ network: new Network({ clock }), peer, server: peer });
  const by = (policy: SecurityPolicy) => {
    const session = reliableSession({ clock, random: seededRandom(5), to, openTimeout: 600_000 });
    const below = makeConnection(binding([security(policy, { clock })], net), { clock });
    return binding([exchange({ addressing: addressing200508, to }), session], below);
  };
  await listen(by(certificateOverTransport({ trust: trustPeers(client.certificate) })), to, async (trip) => {
    const back = await callbackChannel(trip).send(delivery(said('urn:back')));
    return trip.carrying(said(`urn:re:${back?.message.action}`));
  });
  const channel = connect(by(certificateOverTransport({ key: client.key() })), to, async (trip) =>
    trip.carrying(said('urn:me')),
  );
  const reply = await clock.until(channel.send(delivery(said('urn:ask'))), 1_200_000);
  expect(reply?.message.action).toBe('urn:re:urn:me');
  await clock.until(channel.close(), 1_200_000);
  expect(await channel.closed).toBeUndefined();
});

test('a password that was changed meanwhile is offered ever less often to ask for what waits, and what is believed ends that', async () => {
  let password = 'secret';
  const clock = new SimulationClock();
  const network = new Network({ clock });
  let questions = 0;
  network.script(({ message: carried }) => {
    if (carried?.action.endsWith('/MakeConnection')) questions += 1;
    return undefined;
  });
  const peer = { secure: true };
  const net = loopback({ network, peer, server: peer });
  const by = (policy: SecurityPolicy) =>
    binding(
      [exchange({ addressing: addressing200508, to })],
      makeConnection(binding([security(policy, { clock })], net), { clock, pollHold: 0, idleTimeout: 7_200_000 }),
    );
  const service = usernameOverTransport({ passwords: { password: () => password } });
  await listen(by(service), to, async (trip) => trip.carrying(said('urn:re')));
  const client = usernameOverTransport({ username: { user: 'alice', password: 'secret', form: 'text' } });
  const channel = connect(by(client), to);
  const ask = async () => (await clock.until(channel.send(delivery(said('urn:ask'))), 60_000))?.message.action;
  expect(await ask()).toBe('urn:re');
  password = 'another';
  questions = 0;
  await clock.until(wait(clock, 3_600_000), 3_700_000);
  expect(questions).toBeLessThanOrEqual(15);
  password = 'secret';
  expect(await ask()).toBe('urn:re');
  questions = 0;
  await clock.until(wait(clock, 60_000), 70_000);
  expect(questions).toBeGreaterThan(10);
  channel.abort(new Error('enough'));
});

test('M16 a question that another has signed fetches nothing, and one that nobody has signed is refused', async () => {
  const clock = new SimulationClock();
  const network = new Network({ clock });
  let address = '';
  network.script(({ message: carried }) => {
    address ||= (carried && addressingOf(carried)?.replyTo?.address) ?? '';
    return undefined;
  });
  const way = ways['MakeConnection above security'];
  if (way === undefined) throw new Error('there is no such way');
  const { net, channel, until, root } = await scene(way, network, clock);
  await until(channel.open());
  const another = await issue({ name: 'mallory', kind: 'rsa' }, root);
  const asking = () => delivery(question(soap12, to.href, address, systemRandom));
  const mallory = connect(binding([security(policyOf(another, root), { clock })], net), to);
  const sending = channel.send(delivery(said('urn:ask')));
  for (let turn = 0; turn < 5; turn += 1) expect(await until(mallory.send(asking()))).toBeUndefined();
  const nobody = await until(connect(binding([], net), to).send(asking()));
  expect(nobody && faultOf(nobody.message)?.subcode?.local).toBe('InvalidSecurity');
  expect((await until(sending))?.message.action).toBe('urn:re:urn:me');
  await until(channel.close());
});
