/**
 * A password that is changed at the service in the middle of a reliable session in which every message brings it: whoever counts wrong
 * ones is not to lock the user out, and a refusal that anybody may have said ends no session (attack M5).
 */
import { describe, expect, test } from 'vitest';
import { later } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { makeConnectionAction } from '../../src/connection/wording.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { payload } from '../../src/soap/envelope.ts';
import { memory } from '../../src/stores/memory.ts';
import { saying, service } from '../conversation/duplex-rig.ts';
import { SimulationClock } from '../simulation/clock.ts';

const minute = 60_000;
const unsecured = { code: 'SECURITY_UNSECURED_FAULT' };

interface Shape {
  readonly name: string;
  readonly isConnection?: true;
  /** Whether a refusal comes the way that the password went, which proves whose it is. */
  readonly isTold: boolean;
  readonly over: (
    protection: BindingElement,
    net: Transport,
    clock: SimulationClock,
  ) => readonly [BindingElement[], Transport];
}

const shapes: readonly Shape[] = [
  { name: 'exchanges', isTold: true, over: (protection, net) => [[protection], net] },
  {
    name: 'MakeConnection',
    isTold: true,
    over: (protection, net, clock) => [[], makeConnection(binding([protection], net), { clock })],
  },
  { name: 'one connection', isConnection: true, isTold: true, over: (protection, net) => [[protection], net] },
  {
    name: 'two connections',
    isTold: false,
    over: (protection, net, clock) => {
      const callbackAddress = new URL('http://client.example:0/callback');
      return [[protection], compositeDuplex(net, { clock, callbackAddress, replyHosts: ['client.example'] })];
    },
  },
];
const cases = shapes.flatMap((shape) =>
  reliableVersions.map((version) => ({ shape, version, name: `${shape.name}, ${version.name}` })),
);

/** A session in which the password is good so far; `change` changes it at the service, and `known` at the client. */
async function session(
  { shape, version }: { readonly shape: Shape; readonly version: ReliableVersion },
  store?: SessionStore,
) {
  const clock = new SimulationClock();
  const network = new Network({ clock });
  let good = 'secret';
  let mine = good;
  /** When the password went out that was not good any more. */
  const offers: number[] = [];
  const peer = { secure: true };
  const net = loopback({ network, peer, server: peer, duplex: shape.isConnection === true });
  const credentials = () => ({ user: 'alice', password: mine, form: 'text' }) as const;
  const bound = (policy: SecurityPolicy, more: object = {}): Binding => {
    const [elements, transport] = shape.over(security(policy, { clock }), net, clock);
    const reliable = reliableSession({ clock, random: seededRandom(5), version, to: service, ...more });
    return binding([exchange({ addressing: addressing200508, to: service }), reliable, ...elements], transport);
  };
  const served: string[] = [];
  const passwords = { password: (user: string) => (user === 'alice' ? good : undefined) };
  const listener = await listen(bound(usernameOverTransport({ passwords })), service, async (trip) => {
    const text = payload(trip.message)?.text ?? '';
    served.push(text);
    return trip.carrying(saying('urn:re', `re: ${text}`));
  });
  network.script(({ message, octets }) => {
    const isOffer = mine !== good && message?.action !== makeConnectionAction;
    if (isOffer && new TextDecoder().decode(octets).includes('UsernameToken')) offers.push(clock.now());
    return undefined;
  });
  const more = store === undefined ? {} : { store, label: 'orders' };
  const open = () =>
    connect(bound(usernameOverTransport({ username: credentials }), more), service, async () => undefined);
  const until = <T>(work: Promise<T>) => clock.until(work, 60 * minute);
  const say = async (channel: ReturnType<typeof open>, text: string) => {
    const reply = await channel.send(delivery(saying('urn:ask', text)));
    return reply && payload(reply.message)?.text;
  };
  const channel = open();
  expect(await until(say(channel, 'one'))).toBe('re: one');
  return {
    clock,
    channel,
    offers,
    served,
    open,
    until,
    say,
    listener,
    change: () => {
      good = 'changed';
    },
    known: () => {
      mine = good;
    },
    failure: (work: Promise<unknown>) =>
      until(
        work.then(
          () => 'nothing failed',
          (thrown: unknown) => thrown,
        ),
      ),
  };
}

describe.each(cases)('$name', (of) => {
  test('it is offered a few times, far apart, and the error says what it is about', async () => {
    const on = await session(of);
    on.change();
    const error = await on.failure(on.say(on.channel, 'two'));
    const denied = { code: 'RELIABLE_DENIED', message: expect.stringContaining('password'), cause: unsecured };
    // Where anybody may have said so, it is the silence that ends it.
    expect(error).toMatchObject(of.shape.isTold ? denied : { code: 'RELIABLE_TERMINATED' });
    const [first = 0, ...others] = on.offers;
    expect(others).toHaveLength(of.shape.isTold ? 1 : 3);
    others.reduce((before, next) => {
      expect(next - before).toBeGreaterThanOrEqual(minute);
      return next;
    }, first);
    expect(on.served).toEqual(['one']);
  });

  test('a client that learns of the new one in time goes on with the session', async () => {
    const on = await session(of);
    on.change();
    on.clock.at(later(on.clock.now(), minute / 2), on.known);
    expect(await on.until(on.say(on.channel, 'two'))).toBe('re: two');
    expect(on.offers).toHaveLength(1);
    await on.until(on.channel.close());
    expect(await on.channel.closed).toBeUndefined();
    await on.until(on.listener.close());
    expect(on.served).toEqual(['one', 'two']);
  });
});

describe.each(cases.filter(({ shape }) => shape.isTold))('$name', (of) => {
  test('a session that the store keeps stands still, and goes on with the new one', async () => {
    const store = memory();
    const on = await session(of, store);
    on.change();
    const error = await on.failure(on.say(on.channel, 'two'));
    expect(error).toMatchObject({ code: 'RELIABLE_SUSPENDED', message: expect.stringContaining('password') });
    on.known();
    const again = on.open();
    expect(await on.until(on.say(again, 'three'))).toBe('re: three');
    await on.until(again.close());
    await on.until(on.listener.close());
    expect(on.served).toEqual(['one', 'two', 'three']);
  });
});
