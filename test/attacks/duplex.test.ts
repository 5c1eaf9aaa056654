/**
 * Attacks on duplex sessions: a connection that names another's sequence must not get its messages (M2, M10), and forged
 * answers, closes and acknowledgements from there change nothing (M4, M19, R8).
 */
import { describe, expect, test } from 'vitest';
import type { Channel } from '../../src/channel/channel.ts';
import { delivery } from '../../src/channel/delivery.ts';
import type { Loopback } from '../../src/channel/loopback.ts';
import { aboutSequence } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { acknowledgementHeader, ackRequestedHeader, readHeaders, sequenceHeader } from '../../src/reliable/headers.ts';
import { reliable200702 as version } from '../../src/reliable/versions/v200702.ts';
import { withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 as wsa } from '../../src/soap/addressing-versions.ts';
import { message, withHeaders } from '../../src/soap/envelope.ts';
import type { HeaderBlock, Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import type { XmlFragment } from '../../src/xml/fragment.ts';
import { DuplexWorld } from '../reliable/duplex/world.ts';

const victim = { secure: true, fingerprint: 'aa'.repeat(32), address: 'victim' };
const attacker = { secure: true, fingerprint: 'bb'.repeat(32), address: 'attacker' };
const address = new URL('http://service.example/box');

function forged(action: string, headers: readonly HeaderBlock[], body?: XmlFragment): Message {
  const bare = message({ version: soap12, body });
  const addressed = withAddressing(bare, { version: wsa, action, to: address.href, messageId: 'urn:uuid:forged' });
  return withHeaders(addressed, headers);
}

interface Scene {
  readonly world: DuplexWorld;
  readonly channel: Channel;
  /** Identifiers of the victim's sequences: what it sends on, and what the service sends on. */
  readonly sends: string;
  readonly receives: string;
  /** Sends from the attacker's connection; what comes back there is in \`heard\`. */
  readonly attack: (forgery: Message) => Promise<void>;
  readonly heard: Message[];
}

/** A session of the victim, and a connection of the attacker, who knows all identifiers. */
async function scene(asAttacker = attacker): Promise<Scene> {
  const world = new DuplexWorld(3, {});
  const seen = new Set<string>();
  const offered = new Set<string>();
  world.network.script((leg) => {
    const id = leg.message === undefined ? undefined : readHeaders(leg.message)?.sequence?.id;
    if (id !== undefined) (leg.way === 'request' ? seen : offered).add(id);
    return undefined;
  });
  await world.until(world.listen());
  const shared = world.transport as Loopback;
  const channel = world.connect({}, shared.as(victim));
  expect(await world.until(world.say(channel, 'call first'))).toBe('re: call first');
  const heard: Message[] = [];
  const evil = shared.as(asAttacker).connect(address)(async (trip) => {
    heard.push(trip.message);
    return undefined;
  });
  const attack = async (forgery: Message) => {
    await evil.send(delivery(forgery));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { world, channel, sends: [...seen][0] ?? '', receives: [...offered][0] ?? '', attack, heard };
}

/** The session still works, both ways, and the attacker gets nothing of it. */
async function unharmed({ world, channel, heard }: Scene): Promise<void> {
  expect(await world.until(world.say(channel, 'call second'))).toBe('re: call second');
  expect(world.called).toEqual(['back: call first', 'back: call second']);
  await world.until(channel.close());
  expect(await channel.closed).toBeUndefined();
  for (const one of heard) expect(readReliableFault(one)?.fault.name ?? 'UnknownSequence').toBe('UnknownSequence');
  expect(heard.some((one) => readHeaders(one)?.sequence !== undefined)).toBe(false);
}

const { actions } = version;
const attacks: readonly (readonly [string, (ids: { sends: string; receives: string }) => Message])[] = [
  [
    'asks for its acknowledgement',
    ({ sends }) => forged(actions.ackRequested, [ackRequestedHeader(version, soap12, sends)]),
  ],
  [
    'sends a message in it',
    ({ sends }) => forged('urn:world:say', [sequenceHeader(version, soap12, { id: sends, number: 3, last: false })]),
  ],
  [
    'acknowledges what was sent to it',
    ({ receives }) =>
      forged(actions.sequenceAcknowledgement, [
        acknowledgementHeader(version, soap12, {
          id: receives,
          ranges: [{ lower: 1, upper: 9 }],
          nacks: [],
          final: true,
        }),
      ]),
  ],
  [
    'closes it',
    ({ sends }) =>
      forged(actions.closeSequence ?? '', [], aboutSequence(version, 'CloseSequence', { id: sends, last: 2 })),
  ],
  [
    'terminates it',
    ({ sends }) =>
      forged(actions.terminateSequence, [], aboutSequence(version, 'TerminateSequence', { id: sends, last: 2 })),
  ],
  [
    'confirms the end of the other sequence',
    ({ receives }) =>
      forged(
        actions.terminateSequenceResponse ?? '',
        [],
        aboutSequence(version, 'TerminateSequenceResponse', { id: receives }),
      ),
  ],
];

describe('a connection of another identity that names a sequence', () => {
  test.each(attacks)('%s: it is unknown there, and nothing changes', async (_, forge) => {
    const stage = await scene();
    await stage.attack(forge(stage));
    await unharmed(stage);
  });

  test('an attacker who guesses wrong, without any identity, gets UnknownSequence', async () => {
    const stage = await scene({ secure: false, fingerprint: '', address: 'nobody' });
    await stage.attack(forged(actions.ackRequested, [ackRequestedHeader(version, soap12, 'urn:uuid:guess')]));
    expect(stage.heard.map((one) => readReliableFault(one)?.fault.name)).toEqual(['UnknownSequence']);
    await unharmed(stage);
  });
});

test('the same identity on another connection takes its session along: that is how it goes on', async () => {
  const stage = await scene(victim);
  await stage.attack(forged(actions.ackRequested, [ackRequestedHeader(version, soap12, stage.sends)]));
  expect(stage.heard.map(({ action }) => action)).toEqual([actions.sequenceAcknowledgement]);
});
