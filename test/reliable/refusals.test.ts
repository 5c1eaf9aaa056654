/** Opening a session above message security with a service that does not trust this end, or that this end does not trust. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { security } from '../../src/security/element.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { faultReply } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { idle, type Pki, pki, policyOf, start } from '../security/rig.ts';
import { overTheWire, saying } from './ends.ts';

/** What becomes of a message with that number, from 1, that `deliver` takes to the service, on a way that may repeat it. */
type Way = (number: number, deliver: () => Promise<Delivery | undefined>) => Promise<Delivery | undefined>;

/** A client and a service with these policies, and how many messages the client sent. */
function between(ours: SecurityPolicy, theirs: SecurityPolicy, way: Way = (_, deliver) => deliver()) {
  const clock = new VirtualClock(start);
  const stack = (policy: SecurityPolicy, seed: number): readonly BindingElement[] => [
    exchange({ addressing: addressing200508 }),
    reliableSession({ clock, random: seededRandom(seed), to: new URL('http://service.example/') }),
    security(policy, { clock, random: seededRandom(seed + 1) }),
  ];
  let up: Carry = async () => undefined;
  layered(stack(theirs, 1), (receive) => {
    up = receive;
    return idle('acceptor', async () => undefined);
  })(async (trip) => trip.carrying(saying('heard', trip.message.version, 'urn:test:reply')));
  let exchanges = 0;
  const send: Carry = async (trip) => {
    exchanges += 1;
    const answer = await way(exchanges, () => up(delivery(overTheWire(trip.message))));
    return answer === undefined ? undefined : delivery(overTheWire(answer.message));
  };
  const channel = layered(stack(ours, 3), () => idle('initiator', send))(async () => undefined);
  return { channel, exchanges: () => exchanges };
}

const cases: readonly (readonly [string, (of: Pki) => readonly [SecurityPolicy, SecurityPolicy], string])[] = [
  [
    'the service does not trust the certificate of the client',
    (of) => [policyOf(of.stranger, of.root), policyOf(of.service, of.root)],
    'SECURITY_UNSECURED_FAULT',
  ],
  [
    'the client does not trust the certificate of the service',
    (of) => [policyOf(of.client, of.stranger), policyOf(of.service, of.root)],
    'SECURITY_CERTIFICATE_UNTRUSTED',
  ],
];

describe('opening is refused within two exchanges, without waiting for openTimeout', () => {
  test.each(cases)('%s', async (_, policies, cause) => {
    const [ours, theirs] = policies(await pki());
    const { channel, exchanges } = between(ours, theirs);
    // No timer fires here: whatever waits for one never settles.
    const failure = await channel.open().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({ code: 'RELIABLE_REFUSED', transient: false, cause: { code: cause } });
    expect(String(failure)).toMatch(/Check the certificates or credentials of both ends, whom each of them trusts/);
    // The first refusal proves nothing; the second, of a new copy, is believed.
    expect(exchanges()).toBe(2);
  });

  test('both trust each other: it opens', async () => {
    const of = await pki();
    const { channel, exchanges } = between(policyOf(of.client, of.root), policyOf(of.service, of.root));
    await channel.open();
    expect(exchanges()).toBe(1);
  });

  test('an intermediary repeats CreateSequence, and the refusal of the copy is all that is heard: it opens', async () => {
    const of = await pki();
    const { channel, exchanges } = between(
      policyOf(of.client, of.root),
      policyOf(of.service, of.root),
      async (number, deliver) => {
        if (number > 1) return deliver();
        await deliver();
        return deliver();
      },
    );
    await channel.open();
    expect(exchanges()).toBe(2);
  });

  test('one forged refusal keeps nobody out', async () => {
    const of = await pki();
    const forged = faultReply(undefined, { code: 'sender', reason: 'I do not know you.' }, { version: soap12 });
    const { channel, exchanges } = between(
      policyOf(of.client, of.root),
      policyOf(of.service, of.root),
      (number, deliver) => (number > 1 ? deliver() : Promise.resolve(delivery(overTheWire(forged)))),
    );
    await channel.open();
    expect(exchanges()).toBe(2);
  });
});
