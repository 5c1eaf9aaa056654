/**
 * Bad input to secure sessions, over every shape: a wrong password, a token of nobody, a request for a context that is replayed, entropy
 * of the wrong size, derived keys out of bounds. Whoever is at fault hears one clear error and the service the fault of the
 * specification, and nothing is left behind: each service has room for one client, and the next one is served.
 */
import { describe, expect, test } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import type { Delivery } from '../../src/channel/delivery.ts';
import { on as onLegs } from '../../src/channel/network.ts';
import { transform } from '../../src/channel/transform.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { decode, encode } from '../../src/soap/codec.ts';
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { pki } from '../security/rig.ts';
import { atRest } from '../simulation/crypto-at-work.ts';
import { DuplexTalk, type Shape, saying, service } from './duplex-rig.ts';
import { type Bootstrap, bootstraps, type Options } from './rig.ts';

const named = (name: string): Bootstrap => {
  const found = bootstraps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no bootstrap ${name}`);
  return found;
};

/** Who meddles with what goes over the wire. */
type Meddle = (text: string, action: string) => string;

interface Case {
  readonly name: string;
  readonly shape: Omit<Shape, 'below'>;
  readonly over: Shape['below'];
  /** How passwords, and how certificates, ask for a context there. */
  readonly password: Bootstrap;
  readonly certificate: Bootstrap;
}

const cases: readonly Case[] = [
  {
    name: 'request-reply',
    shape: { name: 'request-reply', isConnection: false },
    over: (protection, net) => [[protection], net],
    password: named('user name over TLS'),
    certificate: named('certificate over TLS'),
  },
  {
    name: 'one connection',
    shape: { name: 'one connection', isConnection: true },
    over: (protection, net) => [[protection], net],
    password: named('user name over TLS'),
    certificate: named('certificate over TLS'),
  },
  {
    name: 'two connections',
    shape: { name: 'two connections', isConnection: false },
    over: (protection, net, clock) => {
      const callbackAddress = new URL('http://client.example:0/callback');
      const few = { maxConnections: 1, maxConnectionsPerIdentity: 1 };
      return [[protection], compositeDuplex(net, { clock, callbackAddress, replyHosts: ['client.example'], ...few })];
    },
    password: named('user name for certificate'),
    certificate: named('mutual certificates'),
  },
];

/** A service with room for one client. */
async function stage(of: Case, bootstrap: Bootstrap, options: Options = {}) {
  let meddle: Meddle | undefined;
  const meddled = (trip: Delivery): Delivery => {
    const { message } = trip;
    if (meddle === undefined) return trip;
    const { body, contentType } = encode(message);
    const before = new TextDecoder().decode(body);
    const after = meddle(before, message.action);
    return before === after
      ? trip
      : trip.carrying(decode(new TextEncoder().encode(after), contentType, message.action));
  };
  const wire = transform({
    name: 'wire',
    place: 'security',
    down: (next) => async (trip) => next(meddled(trip)),
    up: (next) => async (trip) => {
      const answered = await next(trip);
      return answered && meddled(answered);
    },
  });
  const shape: Shape = {
    ...of.shape,
    below: (protection, net, clock) => {
      const [elements, transport] = of.over(protection, net, clock);
      return [[...elements, wire], transport];
    },
  };
  const limits = { contexts: 1, perIdentity: 1, pending: 1 };
  const room = { maxSessions: 1, maxPendingChannels: 1, openTimeout: 120_000, to: service };
  const talk = new DuplexTalk(shape, bootstrap, options, room);
  await talk.listen(async (trip) => trip.carrying(saying('urn:answer', `re: ${payload(trip.message)?.text}`)), {
    limits,
  });
  return {
    talk,
    meddle: (how: Meddle | undefined) => {
      meddle = how;
    },
    /** What opening comes to; and how long it took. */
    opening: async (channel: Channel) => {
      const began = talk.clock.now();
      const error = await talk.until(
        channel.open().then(
          () => 'opened',
          (thrown: unknown) => thrown,
        ),
      );
      return { error, took: talk.clock.now() - began };
    },
    /** Somebody else is served, so nothing is left of whoever was not. */
    served: async (user?: string) => {
      await atRest();
      const channel = await talk.connect(user);
      expect(await talk.ask(channel, 'one')).toBe('re: one');
      await talk.until(channel.close());
    },
    faults: () =>
      talk.wire.flatMap(({ message }) => {
        const fault = faultOf(message);
        return fault === undefined ? [] : [fault.subcode?.local ?? fault.code];
      }),
  };
}

/** One error, at once, that says what the service said. */
const refusedFor = (error: unknown, fault: string, cause: object): void => {
  expect(error).toMatchObject({
    code: expect.stringMatching(/^RELIABLE_(REFUSED|FAILED)$/),
    transient: false,
    cause,
  });
  expect(error).toMatchObject({ message: expect.stringContaining(fault) });
};
const unsecured = { code: 'SECURITY_UNSECURED_FAULT' };

describe.each(cases)('$name', (of) => {
  test('a wrong password: FailedAuthentication', async () => {
    const on = await stage(of, of.password);
    const { error } = await on.opening(await on.talk.connect('nobody'));
    refusedFor(error, 'FailedAuthentication', unsecured);
    expect(on.faults()).toEqual(['FailedAuthentication']);
    await on.served();
  });

  test.each([0, 3_000, 10_000])(
    'one request for a context that is refused on a line of %i ms keeps nobody out, however many wait for it',
    async (delay) => {
      const on = await stage(of, of.password);
      on.talk.script(() => ({ delay }));
      let changed = 0;
      on.meddle((text, action) => {
        if (!action.endsWith('/RST/SCT') || changed > 0) return text;
        changed += 1;
        return text.replace(/(Created>)\d+/, '$11999');
      });
      const { error } = await on.opening(await on.talk.connect());
      expect(error).toBe('opened');
      expect(on.faults()).toEqual(['InvalidSecurity']);
    },
  );

  test('a token of nobody who is known: InvalidSecurity', async () => {
    const { service: own, stranger } = await pki();
    const on = await stage(of, {
      ...of.certificate,
      client: async (user) => {
        if (user !== 'stranger') return of.certificate.client();
        return of.certificate.secure
          ? certificateOverTransport({ key: stranger.key() })
          : mutualCertificate({ key: stranger.key(), peer: own.certificate });
      },
    });
    const { error } = await on.opening(await on.talk.connect('stranger'));
    refusedFor(error, 'InvalidSecurity', unsecured);
    expect(on.faults()).toEqual(['InvalidSecurity', 'InvalidSecurity']);
    await on.served();
  });

  test('R11 a request for a context that comes twice gives one, and whoever asked has it', async () => {
    const on = await stage(of, of.certificate);
    on.talk.script(onLegs('request', [1], 'duplicate'));
    await on.served();
    await on.served();
  });

  test.each([31, 0])('entropy of %i octets: InvalidRequest', async (octets) => {
    const on = await stage(of, of.password);
    const { error } = await on.opening(await on.talk.connect('alice', { random: giving(octets) }));
    refusedFor(error, 'cannot be used', { code: 'CONVERSATION_REFUSED' });
    await on.served();
  });

  test.each([
    ['Offset', '<$1:Offset>999999</$1:Offset>'],
    ['Offset', '<$1:Generation>99999</$1:Generation>'],
    ['Length', '<$1:Length>100000</$1:Length>'],
    ['Length', '<$1:Length>1</$1:Length>'],
    ['Length', '<$1:Length>-32</$1:Length>'],
  ])('a derived key out of bounds, %s to %s: InvalidSecurity', async (local, by) => {
    const on = await stage(of, of.password, { derivedKeys: true, protection: 'message' });
    on.meddle((text, action) =>
      action.endsWith('/CreateSequence') ? text.replace(new RegExp(`<(\\w+):${local}>\\d+</\\w+:${local}>`), by) : text,
    );
    const { error } = await on.opening(await on.talk.connect());
    refusedFor(error, 'InvalidSecurity', unsecured);
    expect(on.faults()).toEqual(['InvalidSecurity', 'InvalidSecurity']);
    on.meddle(undefined);
    await on.served();
  });
});

// Under message security nobody but the service could write it, and ours does not.
describe.each(cases.filter(({ password }) => password.secure))('$name', (of) => {
  test.each([31, 0])(
    'a service that gives entropy of %i octets: no such key is used, and it forgets it',
    async (octets) => {
      const on = await stage(of, of.password);
      const entropy = Buffer.alloc(octets, 1).toString('base64');
      on.meddle((text, action) =>
        action.includes('/RSTR/SCT') ? text.replace(/(BinarySecret[^>]*>)[^<]*/, `$1${entropy}`) : text,
      );
      const { error } = await on.opening(await on.talk.connect());
      refusedFor(error, `${octets} octets of entropy`, { code: 'CONVERSATION_KEY_SIZE' });
      on.meddle(undefined);
      await on.talk.pass(180_000);
      await on.served();
    },
  );
});

/** Chance that gives so many octets where it is asked for entropy for the first time. */
function giving(octets: number): Random {
  const random = seededRandom(9);
  let isFirst = true;
  return {
    fraction: () => random.fraction(),
    bytes: (count) => {
      const given = isFirst && count === 32 ? octets : count;
      isFirst &&= count !== 32;
      return random.bytes(given);
    },
  };
}
