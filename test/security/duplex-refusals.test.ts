/**
 * Bad input to the plain security element where both ends speak unasked: whoever asked hears of the refusal at once, by one error, and
 * at the service nothing is left of it.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, layered, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network, on } from '../../src/channel/network.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { mostRefusals } from '../../src/security/allowance.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508, addressingOf, faultAddressing, withAddressing } from '../../src/soap/addressing.ts';
import { decode, encode } from '../../src/soap/codec.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { saying, service } from '../conversation/duplex-rig.ts';
import { SimulationClock } from '../simulation/clock.ts';
import { atRest } from '../simulation/crypto-at-work.ts';
import { idle, pki, policyOf } from './rig.ts';

interface Shape {
  readonly name: string;
  readonly isConnection: boolean;
  readonly over: (net: Transport, clock: SimulationClock) => Transport;
}

const shapes: readonly Shape[] = [
  { name: 'one connection', isConnection: true, over: (net) => net },
  {
    name: 'two connections',
    isConnection: false,
    over: (net, clock) => {
      const callbackAddress = new URL('http://client.example:0/callback');
      // Whoever is kept though it was refused keeps everybody else out.
      const few = { maxConnections: 1, maxConnectionsPerIdentity: 1 };
      return compositeDuplex(net, { clock, callbackAddress, replyHosts: ['client.example'], ...few });
    },
  },
];
const versions: readonly (ReliableVersion | undefined)[] = [undefined, ...reliableVersions];
const cases = shapes.flatMap((shape) =>
  versions.map((version) => ({ shape, version, name: `${shape.name}, ${version?.name ?? 'no session'}` })),
);

interface Stage {
  readonly clock: SimulationClock;
  readonly network: Network;
  readonly served: string[];
  readonly wire: Message[];
  readonly connect: (policy: SecurityPolicy) => Channel;
  /** Somebody without any security. */
  readonly nobody: () => Channel;
  /** Somebody who puts on the wire what was on it before. */
  readonly repeater: () => Channel;
  readonly ask: (channel: Channel, text: string) => Promise<string | undefined>;
  readonly close: (channel: Channel) => Promise<void>;
  /** Whoever can reach the client says that this message of it was refused. */
  readonly forge: (of: Message) => Promise<void>;
  readonly forged: () => number;
  readonly failure: (work: Promise<unknown>) => Promise<unknown>;
}

async function stage(
  { shape, version }: (typeof cases)[number],
  policy: SecurityPolicy,
  secure = true,
  receive?: Carry,
): Promise<Stage> {
  const clock = new SimulationClock();
  const network = new Network({ clock, random: seededRandom(3) });
  const wire: Message[] = [];
  network.script(({ message }) => {
    if (message !== undefined) wire.push(message);
    return undefined;
  });
  const peer = { secure };
  const net = loopback({ network, peer, server: peer, duplex: shape.isConnection });
  // One session at a time: whatever is left of one that was refused keeps the next one out.
  const few = { maxPendingChannels: 1, maxSessions: 1, openTimeout: 600_000, closeTimeout: 600_000 };
  const bound = (of: SecurityPolicy) => {
    const session: BindingElement[] =
      version === undefined ? [] : [reliableSession({ clock, random: seededRandom(5), version, ...few })];
    const elements = [exchange({ addressing: addressing200508, to: service }), ...session, security(of, { clock })];
    return binding(elements, listening(shape.over(net, clock)));
  };
  let toClient: Carry = async () => undefined;
  let forgeries = 0;
  const listening = (transport: Transport): Transport => ({
    ...transport,
    connect: (to) => (receive) => {
      toClient = receive;
      return transport.connect(to)(receive);
    },
  });
  // Without a session there are no timers to wait for: nothing takes time.
  const until = <T>(work: Promise<T>) => (version === undefined ? work : clock.until(work, 1_200_000));
  const served: string[] = [];
  await listen(bound(policy), service, async (trip) => {
    const text = payload(trip.message)?.text ?? '';
    served.push(text);
    return receive === undefined ? trip.carrying(saying('urn:re', `re: ${text}`)) : receive(trip);
  });
  return {
    clock,
    network,
    served,
    wire,
    nobody: () => connect(binding([exchange({ addressing: addressing200508 })], shape.over(net, clock)), service),
    repeater: () => shape.over(net, clock).connect(service)(async () => undefined),
    connect: (of) => connect(bound(of), service, async (trip) => trip.carrying(saying('urn:me', 'me'))),
    ask: async (channel, text) => {
      const reply = await until(channel.send(delivery(saying('urn:ask', text))));
      return reply && payload(reply.message)?.text;
    },
    forge: async (refused) => {
      const asked = addressingOf(refused);
      if (asked === undefined) return;
      const said = faultReply(undefined, { code: 'sender', reason: 'I do not know you.' }, { version: soap12 });
      forgeries += 1;
      await toClient(delivery(withAddressing(said, faultAddressing(asked, asked.version.soapFaultAction))));
    },
    forged: () => forgeries,
    failure: (work) =>
      until(
        work.then(
          () => 'nothing failed',
          (thrown: unknown) => thrown,
        ),
      ),
    close: (channel) => until(channel.close()),
  };
}

const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
const user = (password: string) => usernameOverTransport({ username: { user: 'alice', password, form: 'text' } });
const unsecured = { code: 'SECURITY_UNSECURED_FAULT', transient: true };

describe.each(cases)('$name', (of) => {
  /** The one error of whoever was refused, at once; and then another, who is let in. */
  async function refused(on: Stage, wrong: SecurityPolicy, right: SecurityPolicy, says: string): Promise<void> {
    const began = on.clock.now();
    const stranger = on.connect(wrong);
    const error = await on.failure(stranger.send(delivery(saying('urn:ask', 'let me in'))));
    // Certificates are verified beside the clock, which runs ahead meanwhile.
    expect(on.clock.now() - began).toBeLessThan(60_000);
    if (of.version === undefined) expect(error).toMatchObject(unsecured);
    else expect(error).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false, cause: unsecured });
    expect(error).toMatchObject({ message: expect.stringContaining(says) });
    expect(on.served).toEqual([]);
    if (of.version !== undefined)
      expect(await on.clock.until(stranger.closed, 5_000)).toMatchObject({ code: 'RELIABLE_REFUSED' });
    const faults = on.wire.filter((message) => faultOf(message) !== undefined);
    // A session asks again, but for a wrong password: nobody has proved the first refusal.
    expect(faults).toHaveLength(of.version === undefined || says === 'FailedAuthentication' ? 1 : 2);
    // The service has told the stranger, and lets go of it.
    await atRest();
    const friend = on.connect(right);
    expect(await on.ask(friend, 'one')).toBe('re: one');
    await on.close(friend);
  }

  test('a wrong password', async () => {
    const on = await stage(of, usernameOverTransport({ passwords }));
    await refused(on, user('guess'), user('secret'), 'FailedAuthentication');
  });

  test('a token of nobody who is known', async () => {
    const { client, stranger } = await pki();
    const on = await stage(of, certificateOverTransport({ trust: trustPeers(client.certificate) }));
    const as = (own: typeof client) => certificateOverTransport({ key: own.key() });
    await refused(on, as(stranger), as(client), 'InvalidSecurity');
  });

  test('a signature under a certificate of nobody’s making', async () => {
    const { root, client, service: own, stranger } = await pki();
    const on = await stage(of, policyOf(own, root), false);
    await refused(on, policyOf(stranger, root), policyOf(client, root), 'InvalidSecurity');
  });

  test('a fault that nobody has secured lets nobody in and keeps nobody out', async () => {
    const { root, client, service: own } = await pki();
    const on = await stage(of, policyOf(own, root), false);
    const nobody = on.nobody();
    const boo = faultReply(undefined, { code: 'sender', reason: 'Boo.' }, { version: soap12, action: 'urn:boo' });
    const bare = new XmlWriter().start(soap12.namespace, 'Fault', 's').end().finish();
    for (const said of [boo, message({ version: soap12, action: 'urn:boo', body: bare })]) {
      await nobody.send(delivery(said).with(expectsReply, false));
    }
    await atRest();
    // Over one connection a place is held by whoever holds the connection.
    if (of.shape.isConnection) await on.close(nobody);
    const friend = on.connect(policyOf(client, root));
    expect(await on.ask(friend, 'one')).toBe('re: one');
    await on.close(friend);
  });

  test('R2 a message that comes twice is answered once, and the copy is no error of whoever sent the original', async () => {
    const { root, client, service: own } = await pki();
    const on = await stage(of, policyOf(own, root), false);
    for (const number of [1, 2, 3, 4]) on.network.script(double(number));
    const channel = on.connect(policyOf(client, root));
    expect(await on.ask(channel, 'one')).toBe('re: one');
    expect(on.served).toEqual(['one']);
    expect(on.wire.filter((message) => faultOf(message) !== undefined)).toEqual([]);
    await on.close(channel);
  });
});

describe.each(cases.filter(({ version }) => version !== undefined))('$name', (of) => {
  test('each copy that is under way is refused by itself on a slow line', async () => {
    const { client, stranger } = await pki();
    const on = await stage(of, certificateOverTransport({ trust: trustPeers(client.certificate) }));
    on.network.script(() => ({ delay: 3_000 }));
    const began = on.clock.now();
    const error = await on.failure(
      on.connect(certificateOverTransport({ key: stranger.key() })).send(delivery(saying('urn:ask', 'let me in'))),
    );
    expect(error).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false, cause: unsecured });
    expect(on.clock.now() - began).toBeLessThan(60_000);
  });

  test('a wrong password is offered no more once it is refused, whatever was sent meanwhile', async () => {
    const on = await stage(of, usernameOverTransport({ passwords }));
    on.network.script(() => ({ delay: 3_000 }));
    const error = await on.failure(on.connect(user('guess')).send(delivery(saying('urn:ask', 'let me in'))));
    expect(error).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false, cause: unsecured });
    // One at once and one that was due before the first refusal came.
    expect(on.wire.filter((message) => message.action.endsWith('/CreateSequence'))).toHaveLength(2);
  });
});

describe.each(cases.filter(({ version }) => version === undefined))('$name', (of) => {
  test('E2 a copy that was changed on the way is told no more than one that is the same', async () => {
    const { root, client, service: own } = await pki();
    const on = await stage(of, policyOf(own, root), false);
    const channel = on.connect(policyOf(client, root));
    expect(await on.ask(channel, 'one')).toBe('re: one');
    const [said] = on.wire.filter((sent) => payload(sent)?.text === 'one');
    const id = said && addressingOf(said)?.messageId;
    if (said === undefined || id === undefined) throw new Error('nothing was said');
    const changed = (from: string, into: string): Message => {
      const { body, contentType } = encode(said);
      const text = Buffer.from(body).toString();
      if (!text.includes(from)) throw new Error(`there is no ${from}`);
      return decode(Buffer.from(text.replaceAll(from, into)), contentType);
    };
    const repeater = on.repeater();
    await repeater.open();
    const copies = [said, changed('>one<', '>two<'), changed(id, `${id.slice(0, -1)}${id.endsWith('0') ? 1 : 0}`)];
    const heard: number[] = [];
    for (const copy of copies) {
      const before = on.wire.filter((sent) => faultOf(sent) !== undefined).length;
      await repeater.send(delivery(copy));
      await atRest();
      heard.push(on.wire.filter((sent) => faultOf(sent) !== undefined).length - before);
    }
    // The last is a message that nobody has heard: that is seen without verifying it. Another connection knows nothing of the first.
    expect(heard).toEqual(of.shape.isConnection ? [1, 1, 1] : [0, 0, 1]);
    expect(on.served).toEqual(['one']);
    await on.close(channel);
  });
});

const double = (number: number) => on('request', [number], 'duplicate');

describe.each(cases.filter(({ version }) => version !== undefined))('$name', (of) => {
  test('M5 a fault that nobody has secured ends no message of a session, whatever it relates to', async () => {
    const { root, client, service: own } = await pki();
    const on = await stage(of, policyOf(own, root), false, async (trip) => {
      for (const message of on.wire.filter((sent) => faultOf(sent) === undefined)) await on.forge(message);
      const back = await callbackChannel(trip).send(delivery(saying('urn:back', 'who are you?')));
      return trip.carrying(saying('urn:re', `re: ${back && payload(back.message)?.text}`));
    });
    const channel = on.connect(policyOf(client, root));
    expect(await on.ask(channel, 'one')).toBe('re: me');
    expect(on.forged()).toBeGreaterThan(2);
    await on.close(channel);
    expect(await channel.closed).toBeUndefined();
  });
});

describe.each(cases.filter(({ version }) => version !== undefined))('$name', (of) => {
  test.each([
    ['every message', /./],
    ['what ends its sequences', /(Close|Terminate)Sequence$/],
    ['what answers that', /SequenceResponse$/],
  ])('R2 a session ends in good order though copies come of %s, and no copy is answered', async (_, which) => {
    const { root, client, service: own } = await pki();
    const on = await stage(of, policyOf(own, root), false);
    let refused = 0;
    const hear = () => {
      refused += 1;
    };
    const copied: string[] = [];
    on.network.script(({ message: sent }) => {
      if (sent === undefined || !which.test(sent.action)) return undefined;
      copied.push(sent.action);
      return 'duplicate';
    });
    const channel = on.connect(policyOf(client, root));
    expect(await on.ask(channel, 'one')).toBe('re: one');
    subscribe('surewire:security', hear);
    await on.close(channel);
    await on.clock.until(wait(on.clock, 60_000), 120_000);
    unsubscribe('surewire:security', hear);
    expect(await channel.closed).toBeUndefined();
    expect(on.served).toEqual(['one']);
    expect([copied.length, refused].every((count) => count > 0)).toBe(true);
    expect(on.wire.filter((sent) => faultOf(sent) !== undefined)).toEqual([]);
  });
});

describe('whoever writes on the connection and proves nothing', () => {
  /** One end of a channel, to which messages without any security come. */
  function end(side: Channel['side'], policy: SecurityPolicy) {
    const clock = new VirtualClock();
    let up: Carry = async () => undefined;
    const channel = layered([security(policy, { clock })], (receive) => {
      up = receive;
      return { ...idle(side, async () => undefined), isDuplex: true };
    })(async () => undefined);
    let number = 0;
    const flood = async (count: number): Promise<number> => {
      let said = 0;
      for (let at = 0; at < count; at += 1) {
        number += 1;
        const bare = saying('urn:ask', `${number}`);
        const addressing = { version: addressing200508, action: bare.action, messageId: `urn:${number}` };
        if ((await up(delivery(withAddressing(bare, addressing)))) !== undefined) said += 1;
      }
      return said;
    };
    return { clock, channel, flood };
  }

  test('attack: it makes a client say so many refusals a minute, and no more; a service answers what it is asked', async () => {
    const { root, client, service: own } = await pki();
    const { clock, channel, flood } = end('initiator', policyOf(client, root));
    expect(channel.side).toBe('initiator');
    expect(await flood(500)).toBe(mostRefusals);
    await clock.advance(59_999);
    expect(await flood(500)).toBe(0);
    await clock.advance(1);
    expect(await flood(500)).toBe(mostRefusals);
    expect(await end('acceptor', policyOf(own, root)).flood(100)).toBe(100);
  });
});
