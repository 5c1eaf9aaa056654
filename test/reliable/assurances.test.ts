/**
 * Delivery assurances (WS-RM Policy 1.1, DeliveryAssurance) and what becomes of a sequence that ends with a gap (WS-RM 1.1,
 * 3.4, IncompleteSequenceBehavior), in the reducer and at an acceptor that is killed in the middle.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Instant, instant, VirtualClock } from '../../src/base/clock.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { destination } from '../../src/reliable/destination.ts';
import {
  type DeliveryAssurance,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
  newDestination,
} from '../../src/reliable/destination-state.ts';
import type { Bare } from '../../src/reliable/interpret.ts';
import { assuranceOf, type ReliableSessionOptions, settingsOf } from '../../src/reliable/settings.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { memory } from '../../src/stores/memory.ts';
import { acceptorEnd } from './ends.ts';
import { Client } from './peers.ts';

class Play {
  state: DestinationState = newDestination('urn:s', instant(0), undefined);
  readonly rules: DeliveryAssurance;
  /** Numbers in the order in which they were handed up. */
  readonly seen: number[] = [];
  discarded: readonly number[] = [];
  faults: string[] = [];
  now: Instant = instant(0);

  constructor(options: ReliableSessionOptions, more: Partial<DeliveryAssurance> = {}) {
    this.rules = { ...assuranceOf(settingsOf(options)), ...more };
  }

  on(event: Bare<DestinationEvent>): this {
    const [next, effects] = destination(this.state, { ...event, now: this.now } as DestinationEvent, this.rules);
    this.state = next;
    for (const effect of effects) {
      if (effect.effect === 'deliver') this.seen.push(effect.number);
      if (effect.effect === 'discard') this.discarded = effect.numbers;
      if (effect.effect === 'fault') this.faults.push(effect.fault);
    }
    return this;
  }

  take(...numbers: number[]): this {
    for (const number of numbers) this.on({ kind: 'message', number, bytes: 100, last: false });
    return this;
  }

  finish(...numbers: number[]): this {
    for (const number of numbers) this.on({ kind: 'delivered', number });
    return this;
  }

  /** As after `kill -9`: the state as a store has it. */
  crash(): this {
    this.state = JSON.parse(JSON.stringify(this.state)) as DestinationState;
    return this.on({ kind: 'resumed' });
  }
}

describe('exactly once, at most once, at least once', () => {
  test('exactly once: what was not finished is handed up again after a crash, and no copy is', () => {
    expect(new Play({}).take(1, 2).crash().seen).toEqual([1, 1]);
    expect(new Play({}).take(1).finish(1).take(1).crash().seen).toEqual([1]);
  });

  test.each([true, false])('at most once, ordered: %s: not even a crash brings a message back', (ordered) => {
    const play = new Play({ ordered, deliveryAssurance: 'at-most-once' }).take(1, 2);
    const before = [...play.seen];
    play.crash().take(1, 2);
    // In order, two had not been handed up: it is owed. One is not, done or not.
    expect(before).toEqual(ordered ? [1] : [1, 2]);
    expect(play.seen).toEqual([1, 2]);
    expect(play.state.held.map(({ number }) => number)).toEqual(ordered ? [2] : []);
  });

  test('at most once: a sequence that had ended ends after the crash too', () => {
    const play = new Play({ deliveryAssurance: 'at-most-once' }).take(1).on({ kind: 'terminate', last: 1 });
    expect(play.state.phase).toBe('terminated');
    expect(play.crash().state.phase).toBe('ended');
  });

  test('at least once, in any order: a copy of what is finished is handed up again; what is at work is not', () => {
    const play = new Play({ ordered: false, deliveryAssurance: 'at-least-once' }).take(1, 1, 2);
    expect(play.seen).toEqual([1, 2]);
    expect(play.finish(1, 2).take(1, 2, 1).seen).toEqual([1, 2, 1, 2, 1]);
  });

  test('at least once, in order: only while nothing later was handed up', () => {
    const play = new Play({ deliveryAssurance: 'at-least-once' }).take(1).finish(1).take(1);
    expect(play.seen).toEqual([1, 1]);
    expect(play.take(2, 1).seen).toEqual([1, 1, 2]);
    expect(play.finish(2).take(1, 2).seen).toEqual([1, 1, 2, 2]);
  });

  test('law: whatever comes and crashes, at most once is at most once, and in order where asked', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), number: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('finish' as const), number: fc.integer({ min: 1, max: 6 }) }),
      fc.constant({ kind: 'crash' as const }),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 40 }), (ordered, steps) => {
        const play = new Play({ ordered, deliveryAssurance: 'at-most-once' });
        for (const one of steps) {
          if (one.kind === 'crash') play.crash();
          else if (one.kind === 'take') play.take(one.number);
          else if (play.seen.includes(one.number)) play.finish(one.number);
        }
        expect(new Set(play.seen).size).toBe(play.seen.length);
        if (ordered) expect(play.seen).toEqual([...play.seen].sort((left, right) => left - right));
      }),
    );
  });
});

describe('a sequence that ends with a gap', () => {
  const ends: readonly Bare<DestinationEvent>[] = [
    { kind: 'close', last: 4 },
    { kind: 'terminate', last: 4 },
  ];

  test.each(ends)('in order, DiscardFollowingFirstGap: $kind discards what stands behind it', (end) => {
    const play = new Play({}).take(1, 3, 4).on(end).finish(1);
    expect([play.seen, play.discarded]).toEqual([[1], [3, 4]]);
  });

  test.each(ends)('in order, NoDiscard: $kind hands it up, in order', (end) => {
    const options = { incompleteSequenceBehavior: 'NoDiscard' } as const;
    const busy = new Play(options).take(1, 3, 4).on(end);
    expect(busy.seen).toEqual([1]);
    expect(busy.finish(1, 3, 4).seen).toEqual([1, 3, 4]);
    const idle = new Play(options).take(1).finish(1).take(3, 4).on(end);
    expect(idle.seen).toEqual([1, 3]);
    expect(idle.on({ kind: 'terminate', last: 4 }).crash().seen).toEqual([1, 3, 3]);
    expect(idle.finish(3, 4).seen).toEqual([1, 3, 3, 4]);
    expect([busy.discarded, idle.discarded]).toEqual([[], []]);
  });

  test.each([true, false])(
    'DiscardEntireSequence, ordered: %s: nothing before the end, then all or nothing',
    (ordered) => {
      const options = { ordered, incompleteSequenceBehavior: 'DiscardEntireSequence' } as const;
      const whole = new Play(options).take(2, 1, 3);
      expect(whole.seen).toEqual([]);
      whole.on({ kind: 'close', last: 3 });
      whole.finish(1, 2, 3).on({ kind: 'terminate', last: 3 });
      expect([whole.seen, whole.state.phase]).toEqual([[1, 2, 3], 'ended']);
      const gapped = new Play(options).take(1, 3).on({ kind: 'close', last: 3 });
      expect([gapped.seen, gapped.discarded]).toEqual([[], [1, 3]]);
      const cut = new Play(options).take(1, 2).on({ kind: 'terminate', last: 3 });
      expect([cut.seen, cut.discarded, cut.state.phase]).toEqual([[], [1, 2], 'ended']);
      const killed = new Play(options).take(1, 2).on({ kind: 'fault' });
      expect([killed.seen, killed.discarded]).toEqual([[], [1, 2]]);
    },
  );

  test('DiscardEntireSequence: more than a window, but no more octets than allowed; silence ends it', () => {
    const options = { incompleteSequenceBehavior: 'DiscardEntireSequence', maxTransferWindowSize: 2 } as const;
    const long = new Play(options, { heldBytes: 1_000 }).take(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    expect([long.state.held.length, long.faults]).toEqual([10, []]);
    long.take(11);
    expect([long.state.phase, long.faults, long.seen]).toEqual(['ended', ['SequenceTerminated'], []]);
    const silent = new Play(options).take(1);
    silent.now = destinationDue(silent.state, silent.rules) ?? instant(0);
    expect(silent.on({ kind: 'elapsed' }).state).toMatchObject({ phase: 'ended', reason: 'inactive' });
  });

  test('without order nothing follows a gap: RELIABLE_SETTING', () => {
    expect(() => settingsOf({ ordered: false, incompleteSequenceBehavior: 'DiscardFollowingFirstGap' })).toThrow(
      expect.objectContaining({ code: 'RELIABLE_SETTING' }),
    );
  });

  test.each([
    [{}, 'DiscardFollowingFirstGap'],
    [{ ordered: false }, 'NoDiscard'],
    [{ incompleteSequenceBehavior: 'NoDiscard' }, 'NoDiscard'],
    [{ incompleteSequenceBehavior: 'DiscardEntireSequence' }, 'DiscardEntireSequence'],
  ] as const)('%o is announced as %s', async (options, behaviour) => {
    const client = new Client(
      acceptorEnd(options, async () => undefined),
      reliable200702,
    );
    const answer = await client.ask(client.createMessage());
    expect(answer === undefined ? undefined : readCreateSequenceResponse(reliable200702, answer).behaviour).toBe(
      behaviour,
    );
  });
});

describe('at an acceptor that is killed while its application works', () => {
  test.each([
    ['exactly-once', ['message 1', 'message 1']],
    ['at-most-once', ['message 1']],
  ] as const)('%s', async (deliveryAssurance, expected) => {
    const store = memory();
    const seen: string[] = [];
    const start = () =>
      acceptorEnd({ store, clock: new VirtualClock(), deliveryAssurance }, (trip) => {
        seen.push(/message \d/.exec(trip.message.body.toString())?.[0] ?? '');
        return new Promise(() => undefined);
      });
    const client = await new Client(start(), reliable200702).create();
    await client.ask(client.numbered(1, { messageId: undefined }));
    const again = start();
    await again.channel.open();
    const asked = again.ask(client.numbered(1, { messageId: undefined }), client.who);
    // What is at work again, a copy waits for; what is over is acknowledged.
    if (deliveryAssurance === 'at-most-once') {
      expect((await asked)?.action).toBe(reliable200702.actions.sequenceAcknowledgement);
    } else await new VirtualClock().advance(1);
    expect(seen).toEqual(expected);
  });

  test('at least once: a one-way message that comes again is handed up again; a request gets its kept reply', async () => {
    const seen: string[] = [];
    const end = acceptorEnd({ clock: new VirtualClock(), deliveryAssurance: 'at-least-once' }, async (trip) => {
      seen.push(/message \d/.exec(trip.message.body.toString())?.[0] ?? '');
      return trip;
    });
    const client = await new Client(end, reliable200702, { offer: 'urn:offer' }).create();
    for (const _ of [1, 2]) {
      await client.ask(client.numbered(1, { messageId: undefined }));
      // Until the application has finished.
      await new VirtualClock().advance(1);
    }
    const request = client.numbered(2);
    const [first, second] = [await client.ask(request), await client.ask(request)];
    expect(seen).toEqual(['message 1', 'message 1', 'message 2']);
    expect(second?.body.toString()).toBe(first?.body.toString());
  });

  test('DiscardEntireSequence: handed up when the sequence is closed', async () => {
    const seen: string[] = [];
    const options = { clock: new VirtualClock(), incompleteSequenceBehavior: 'DiscardEntireSequence' } as const;
    const end = acceptorEnd(options, async (trip) => {
      seen.push(/message \d/.exec(trip.message.body.toString())?.[0] ?? '');
      return undefined;
    });
    const client = await new Client(end, reliable200702).create();
    for (const number of [1, 2, 3]) {
      const answer = await client.ask(client.numbered(number));
      expect(answer?.action).toBe(reliable200702.actions.sequenceAcknowledgement);
    }
    expect(seen).toEqual([]);
    await client.ask(client.about('CloseSequence', 3));
    await client.ask(client.about('TerminateSequence', 3));
    await end.channel.close();
    expect(seen).toEqual(['message 1', 'message 2', 'message 3']);
  });
});
