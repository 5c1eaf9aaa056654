/**
 * An HTTP client that repeats a POST by itself, octet for octet, when its connection ended without an answer (Java's does unless
 * sun.net.http.retryPost is false; RFC 9110 section 9.2.2 says that it must not). Nobody can tell its copy from that of an
 * attacker, so the replay cache refuses it and the session is not asked. What was delivered stays delivered, and the message that
 * reliable messaging sends again is secured anew and has the answer.
 */
import { expect, test } from 'vitest';
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
import { payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { overTheWire, saying } from '../reliable/ends.ts';
import { until } from '../reliable/peers.ts';
import { idle, pki, policyOf, start } from '../security/rig.ts';

test('the copy is refused, nothing is executed twice, and the session goes on', async () => {
  const { client, service, root } = await pki();
  const clock = new VirtualClock(start);
  const stack = (policy: SecurityPolicy, seed: number): readonly BindingElement[] => [
    exchange({ addressing: addressing200508 }),
    reliableSession({ clock, random: seededRandom(seed), to: new URL('http://service.example/') }),
    security(policy, { clock, random: seededRandom(seed + 1) }),
  ];
  const executed: string[] = [];
  let up: Carry = async () => undefined;
  layered(stack(policyOf(service, root), 1), (receive) => {
    up = receive;
    return idle('acceptor', async () => undefined);
  })(async (trip) => {
    const text = payload(trip.message)?.text ?? '';
    executed.push(text);
    return trip.carrying(saying(`re: ${text}`, soap12, 'urn:test:reply'));
  });

  let repeats = false;
  const refused: (string | undefined)[] = [];
  const post = async (trip: Delivery): Promise<Delivery | undefined> => {
    const answer = await up(delivery(overTheWire(trip.message)));
    return answer === undefined ? undefined : delivery(overTheWire(answer.message));
  };
  const send: Carry = async (trip) => {
    const first = await post(trip);
    if (!repeats) return first;
    repeats = false;
    const second = await post(trip);
    refused.push(second && faultOf(second.message)?.reason);
    return second;
  };
  const channel = layered(stack(policyOf(client, root), 3), () => idle('initiator', send))(async () => undefined);
  await channel.open();
  const call = async (text: string): Promise<string | undefined> => {
    const reply = await until(clock, channel.send(delivery(saying(text, soap12, 'urn:test:ask'))), 20_000);
    return reply && payload(reply.message)?.text;
  };
  expect(await call('one')).toBe('re: one');
  repeats = true;
  expect(await call('two')).toBe('re: two');
  expect(await call('three')).toBe('re: three');
  expect(refused).toEqual([expect.stringContaining('wsse:Security header')]);
  expect(executed).toEqual(['one', 'two', 'three']);
});
