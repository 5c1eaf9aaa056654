/** The end of a duplex session with a peer that ends nothing itself, as CXF; in 2005/02 TerminateSequence has no answer either. */
import { expect, test } from 'vitest';
import { later, VirtualClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { layered } from '../../../src/channel/binding.ts';
import { type Carry, delivery } from '../../../src/channel/delivery.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import { reliableFaultReply } from '../../../src/reliable/faults.ts';
import { reliable200502 } from '../../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../../src/reliable/versions/v200702.ts';
import type { Message } from '../../../src/soap/message.ts';
import { overTheWire, saying } from '../ends.ts';
import { Server, until } from '../peers.ts';
import { to } from '../scene.ts';

const unknown = {
  name: 'UnknownSequence',
  code: 'sender',
  reason: 'The sequence was terminated.',
  identifier: 'urn:s',
} as const;

/**
 * An initiator whose peer answers and acknowledges everything, `again` what it is told twice, and does not end the sequence that it
 * was offered.
 */
function beside(farewellTimeout?: number, version = reliable200502) {
  const clock = new VirtualClock();
  const server = new Server(version);
  const sent: string[] = [];
  let twice = '';
  let isGone = false;
  let up: Carry = async () => undefined;
  const options = { clock, random: seededRandom(1), to, version, closeTimeout: 30_000 };
  const session = reliableSession({ ...options, ...(farewellTimeout !== undefined && { farewellTimeout }) });
  const channel = layered([session], (into) => {
    up = into;
    const closed = Promise.withResolvers<Error | undefined>();
    const answer = async (asked: Message): Promise<void> => {
      const isEnd = asked.action === version.actions.terminateSequence;
      const said = isGone && isEnd ? reliableFaultReply(asked, version, unknown) : server.good(asked);
      if (said === undefined) return;
      const times = twice === asked.action.split('/').at(-1) ? 2 : 1;
      for (let time = 1; time <= times; time += 1) await up(delivery(overTheWire(said)));
    };
    return {
      side: 'initiator',
      isDuplex: true,
      open: async () => undefined,
      send: async (trip) => {
        sent.push(trip.message.action.split('/').at(-1) ?? '');
        clock.at(later(clock.now(), 1), () => void answer(overTheWire(trip.message)));
        return undefined;
      },
      close: async () => closed.resolve(undefined),
      abort: closed.resolve,
      closed: closed.promise,
    };
  })(async () => undefined);
  const again = (action: string) => {
    twice = action;
  };
  /** The peer knows the sequence no more when it is asked to end it. */
  const forget = () => {
    isGone = true;
  };
  return { channel, clock, sent, again, forget };
}

test('its silence after TerminateSequence is a good end once farewellTimeout has passed', async () => {
  const { channel, clock } = beside(1_000);
  await until(clock, channel.send(delivery(saying('one'))));
  const before = clock.now();
  const over = channel.close().then(() => clock.now());
  expect((await until(clock, over)) - before).toBeLessThan(3_000);
  expect(await channel.closed).toBeUndefined();
});

test('without farewellTimeout the peer has all the time of closeTimeout, and is reminded meanwhile', async () => {
  const { channel, clock, sent } = beside();
  await until(clock, channel.send(delivery(saying('one'))));
  const closing = channel.close().catch((thrown: unknown) => thrown);
  expect(await until(clock, closing)).toMatchObject({ code: 'RELIABLE_CLOSE_TIMEOUT' });
  expect(sent.filter((action) => action === 'TerminateSequence').length).toBeGreaterThan(1);
});

test('an answer to TerminateSequence that comes twice leaves the good end as it is', async () => {
  const { channel, clock, again } = beside(1_000, reliable200702);
  await until(clock, channel.send(delivery(saying('one'))));
  again('TerminateSequence');
  await until(clock, channel.close());
  expect(await channel.closed).toBeUndefined();
});

test.each([reliable200502, reliable200702])(
  '$name: who has ended a sequence and says of each late copy that there is none ends no session',
  async (version) => {
    const { channel, clock, again, forget } = beside(1_000, version);
    await until(clock, channel.send(delivery(saying('one'))));
    again('TerminateSequence');
    const closing = channel.close();
    await clock.advance(0);
    forget();
    await until(clock, closing);
    expect(await channel.closed).toBeUndefined();
  },
);
