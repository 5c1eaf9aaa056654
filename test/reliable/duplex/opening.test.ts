/** A duplex initiator whose CreateSequence is answered late: what a peer says of a copy is not its last word. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../src/base/clock.ts';
import type { SurewireError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { layered } from '../../../src/channel/binding.ts';
import type { Carry } from '../../../src/channel/delivery.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { onRefused } from '../../../src/channel/refusal.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import { ReliableError } from '../../../src/reliable/errors.ts';
import { reliableFaultReply } from '../../../src/reliable/faults.ts';
import { reliable200702 } from '../../../src/reliable/versions/v200702.ts';
import type { Message } from '../../../src/soap/message.ts';
import { overTheWire, saying } from '../ends.ts';
import { Server } from '../peers.ts';
import { to } from '../scene.ts';

/** An initiator that has said CreateSequence twice and heard nothing. */
async function asking(openTimeout = 60_000, taken: Carry = async () => undefined) {
  const clock = new VirtualClock();
  const server = new Server(reliable200702);
  const asked: Message[] = [];
  let connections = 0;
  let cut: (reason: Error) => void = () => undefined;
  let up: Carry = async () => undefined;
  const session = reliableSession({ clock, random: seededRandom(1), to, openTimeout });
  const channel = layered([session], (into) => {
    up = into;
    connections += 1;
    const closed = Promise.withResolvers<Error | undefined>();
    cut = closed.resolve;
    return {
      side: 'initiator',
      isDuplex: true,
      open: async () => undefined,
      send: async (trip) => {
        if (trip.message.action.endsWith('/CreateSequence')) asked.push(overTheWire(trip.message));
        return taken(trip);
      },
      close: async () => closed.resolve(undefined),
      abort: closed.resolve,
      closed: closed.promise,
    };
  })(async () => undefined);
  const outcome = channel.open().then(
    () => 'opened',
    (thrown: unknown) => thrown,
  );
  const first = () => asked[0] ?? saying('');
  const hear = async (message: Message) => {
    await up(delivery(overTheWire(message)));
    await clock.advance(1);
  };
  const refused = (reason: string) =>
    hear(reliableFaultReply(first(), server.version, { name: 'CreateSequenceRefused', code: 'sender', reason }));
  const created = () => hear(server.created(first()));
  await clock.advance(3_000);
  expect(asked).toHaveLength(2);
  return { asked, clock, outcome, refused, created, cut: (reason: Error) => cut(reason), count: () => connections };
}

describe('two copies of CreateSequence are under way', () => {
  test('one is refused, the other answered: the session opens', async () => {
    const { outcome, refused, created } = await asking();
    await refused('asked before');
    await created();
    expect(await outcome).toBe('opened');
  });

  test('both are refused: the second refusal is the end', async () => {
    const { outcome, refused } = await asking();
    await refused('asked before');
    await refused('no');
    expect(await outcome).toMatchObject({ code: 'RELIABLE_REFUSED', message: expect.stringContaining('no') });
  });

  test('one is refused and nothing comes of the other: the open timeout, with the refusal as its cause', async () => {
    const { clock, outcome, refused } = await asking(5_000);
    await refused('asked before');
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({ code: 'RELIABLE_OPEN_TIMEOUT', cause: { code: 'RELIABLE_REFUSED' } });
  });

  test('the connection breaks: what was asked over it is not waited for', async () => {
    const { asked, clock, outcome, refused, cut, count } = await asking();
    cut(new Error('broken'));
    await clock.advance(1_000);
    expect(count()).toBe(2);
    expect(asked).toHaveLength(3);
    await refused('no');
    expect(await outcome).toMatchObject({ code: 'RELIABLE_REFUSED' });
  });

  test('what the broken connection did not take is told late: copies over the new one count by themselves', async () => {
    const late = Promise.withResolvers<undefined>();
    let isBroken = false;
    const taken = () => (isBroken ? Promise.resolve(undefined) : late.promise);
    const { asked, clock, outcome, refused, created, cut } = await asking(60_000, taken);
    isBroken = true;
    cut(new Error('broken'));
    await clock.advance(10_000);
    const copies = asked.length - 2;
    expect(copies).toBeGreaterThan(1);
    late.reject(new Error('not taken'));
    for (let copy = 1; copy < copies; copy += 1) await refused('asked before');
    await created();
    expect(await outcome).toBe('opened');
  });

  test('the broken connection refuses late what it had taken: the new one may still do better', async () => {
    const refusals: (((reason: SurewireError) => void) | undefined)[] = [];
    let takes = true;
    const taken: Carry = async (trip) => {
      if (!takes) throw new Error('not now');
      refusals.push(trip.get(onRefused));
      return undefined;
    };
    const { clock, outcome, created, cut } = await asking(60_000, taken);
    const old = refusals.splice(0);
    takes = false;
    cut(new Error('broken'));
    await clock.advance(1_000);
    for (const refuse of [...old, ...old]) refuse?.(new ReliableError('RELIABLE_FAILED', 'not taken'));
    await clock.advance(1);
    await created();
    expect(await outcome).toBe('opened');
  });
});
