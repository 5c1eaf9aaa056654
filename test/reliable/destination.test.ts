/** The RM Destination against the state table of WS-RM 1.1, appendix D.2 (facts/specifications.md 3.9), and its laws. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import { destination } from '../../src/reliable/destination.ts';
import {
  type DeliveryAssurance,
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
  newDestination,
  owed,
} from '../../src/reliable/destination-state.ts';
import type { Bare } from '../../src/reliable/interpret.ts';
import { covers, highest, none, prefix, type Ranges } from '../../src/reliable/ranges.ts';

const assurance: DeliveryAssurance = {
  repeats: 'exactly-once',
  incomplete: 'DiscardFollowingFirstGap',
  ordered: true,
  window: 8,
  heldBytes: 1_000,
  maxRanges: 128,
  inactivityTimeout: 600_000,
  receiveTimeout: 600_000,
  lastNumber: 1_000,
};
const unordered: DeliveryAssurance = { ...assurance, ordered: false, incomplete: 'NoDiscard' };

class Play {
  state: DestinationState;
  now: Instant = instant(0);
  effects: readonly DestinationEffect[] = [];
  readonly all: DestinationEffect[] = [];
  readonly #assurance: DeliveryAssurance;

  constructor(rules: DeliveryAssurance = assurance, expires?: number) {
    this.#assurance = rules;
    this.state = newDestination('urn:s', this.now, expires === undefined ? undefined : instant(expires));
  }

  on(event: Bare<DestinationEvent>, at?: number): this {
    if (at !== undefined) this.now = instant(at);
    [this.state, this.effects] = destination(
      this.state,
      { ...event, now: this.now } as DestinationEvent,
      this.#assurance,
    );
    this.all.push(...this.effects);
    return this;
  }

  elapse(): this {
    const due = destinationDue(this.state, this.#assurance);
    return due === undefined ? this : this.on({ kind: 'elapsed' }, due);
  }
}

const message = (number: number, more: { bytes?: number; last?: boolean } = {}) =>
  ({ kind: 'message', number, bytes: more.bytes ?? 10, last: more.last ?? false }) as const;
const delivered = (number: number) => ({ kind: 'delivered', number }) as const;
const close = (last?: number) => ({ kind: 'close', last }) as const;
const terminate = (last?: number) => ({ kind: 'terminate', last }) as const;

const phases: Readonly<Record<DestinationState['phase'], () => Play>> = {
  created: () => new Play().on(message(1)),
  closed: () => new Play().on(message(1)).on(delivered(1)).on(close(1)),
  terminated: () => new Play().on(message(1)).on(terminate(1)),
  ended: () => new Play().on(message(1)).on(delivered(1)).on(terminate(1)),
};

const said = (play: Play) => play.effects.map((effect) => (effect.effect === 'fault' ? effect.fault : effect.effect));

describe('state table', () => {
  test.each(Object.entries(phases))('%s is reached as the table says', (phase, play) => {
    expect(play().state.phase).toBe(phase);
  });

  const rows: readonly [
    string,
    Bare<DestinationEvent>,
    Partial<Record<DestinationState['phase'], readonly [DestinationState['phase'], ...string[]]>>,
  ][] = [
    [
      'message, number in range',
      message(2),
      {
        created: ['created', 'accept'],
        closed: ['closed', 'SequenceClosed'],
        terminated: ['terminated', 'UnknownSequence'],
        ended: ['ended', 'UnknownSequence'],
      },
    ],
    [
      'message seen before',
      message(1),
      {
        created: ['created', 'duplicate'],
        closed: ['closed', 'duplicate'],
        terminated: ['terminated', 'UnknownSequence'],
        ended: ['ended', 'UnknownSequence'],
      },
    ],
    [
      'message, number beyond what is supported',
      message(1_001),
      {
        created: ['created', 'MessageNumberRollover'],
        closed: ['closed', 'SequenceClosed'],
      },
    ],
    [
      'CloseSequence',
      close(1),
      {
        created: ['closed', 'closed'],
        closed: ['closed', 'closed'],
        terminated: ['terminated', 'closed'],
        ended: ['ended', 'closed'],
      },
    ],
    [
      'TerminateSequence',
      terminate(1),
      {
        created: ['terminated', 'terminated'],
        closed: ['ended', 'terminated', 'ended'],
        terminated: ['terminated', 'terminated'],
        ended: ['ended', 'terminated'],
      },
    ],
    [
      'SequenceTerminated or UnknownSequence fault',
      { kind: 'fault' },
      {
        created: ['terminated'],
        closed: ['ended', 'ended'],
        terminated: ['terminated'],
        ended: ['ended'],
      },
    ],
  ];
  for (const [name, event, cells] of rows) {
    for (const [phase, [next, ...effects]] of Object.entries(cells)) {
      test(`${name}, in ${phase}: ${effects.join(', ') || 'nothing'} → ${next}`, () => {
        const play = phases[phase as DestinationState['phase']]().on(event);
        expect(play.state.phase).toBe(next);
        expect(said(play)).toEqual(effects);
      });
    }
  }

  test('Expires elapsed: over, once the application is done', () => {
    const play = new Play(assurance, 5_000).on(message(1)).elapse();
    expect(play.now).toBe(5_000);
    expect(play.state.phase).toBe('terminated');
    expect(play.on(delivered(1)).state).toMatchObject({ phase: 'ended', reason: 'expired' });
  });

  test('inactivity: over; but not while the application is at work', () => {
    const idle = new Play().on(message(2)).elapse();
    expect(idle.state, 'what waits behind a gap keeps nobody alive').toMatchObject({
      phase: 'ended',
      reason: 'inactive',
    });
    const working = new Play().on(message(1)).elapse();
    expect(working.state.phase).toBe('created');
  });

  test('no message of the application for the receive timeout: over; not once it is closed, nor while it works', () => {
    const rules = { ...assurance, receiveTimeout: 60_000 };
    const idle = new Play(rules).on(message(1)).on(delivered(1)).on({ kind: 'heard' }).elapse();
    expect(idle.now).toBe(60_000);
    expect(idle.state).toMatchObject({ phase: 'ended', reason: 'idle' });
    expect(new Play(rules).on(message(1)).elapse().state.phase).toBe('created');
    const closed = new Play(rules).on(message(1)).on(delivered(1)).on(close(1));
    expect(destinationDue(closed.state, rules)).toBe(600_000);
  });

  test('a sequence that was killed is unknown to its own source too', () => {
    const play = new Play().on({ kind: 'fault' });
    expect(said(play.on(terminate()))).toEqual(['UnknownSequence']);
    expect(said(play.on(close()))).toEqual(['UnknownSequence']);
  });
});

describe('in order', () => {
  test('what came too early is held, and handed up when those before are finished', () => {
    const play = new Play().on(message(2)).on(message(1));
    expect(play.effects).toEqual([
      { effect: 'accept', number: 1 },
      { effect: 'deliver', number: 1 },
    ]);
    expect(play.on(delivered(1)).effects).toEqual([{ effect: 'deliver', number: 2 }]);
  });

  test('M6, M7, M8 beyond the window: dropped without a trace, so that it is sent again', () => {
    const play = new Play();
    for (const number of [9, 1_000, 500]) {
      expect(play.on(message(number)).effects).toEqual([{ effect: 'drop', number, why: 'window' }]);
    }
    expect(play.state.received).toBe(none);
  });

  test('M8 held octets are bounded, but the next in turn always gets in', () => {
    const play = new Play().on(message(2, { bytes: 900 }));
    expect(play.on(message(3, { bytes: 200 })).effects).toEqual([{ effect: 'drop', number: 3, why: 'bytes' }]);
    expect(said(play.on(message(1, { bytes: 5_000 })))).toEqual(['accept', 'deliver']);
  });

  test('closed with a gap: what stands behind it is discarded (DiscardFollowingFirstGap)', () => {
    const play = new Play().on(message(1)).on(message(3)).on(close(3));
    expect(play.effects).toEqual([{ effect: 'discard', numbers: [3] }, { effect: 'closed' }]);
    expect(highest(play.state.received), 'the acknowledgement takes nothing back').toBe(3);
  });

  test('terminated while the application is at work: what was acknowledged is still handed up', () => {
    const play = new Play().on(message(1)).on(message(2)).on(terminate());
    expect(play.state.phase).toBe('terminated');
    expect(play.on(delivered(1)).effects).toEqual([{ effect: 'deliver', number: 2 }]);
    expect(play.on(delivered(2)).effects).toEqual([{ effect: 'ended', reason: 'completed' }]);
  });
});

describe('unordered', () => {
  test('handed up as it comes', () => {
    const play = new Play(unordered).on(message(3)).on(message(1));
    expect(play.all.filter(({ effect }) => effect === 'deliver')).toEqual([
      { effect: 'deliver', number: 3 },
      { effect: 'deliver', number: 1 },
    ]);
  });

  test('M6 no more ranges than an acknowledgement may have', () => {
    const play = new Play({ ...unordered, window: 4_096, maxRanges: 3 });
    for (const number of [2, 4, 6]) play.on(message(number)).on(delivered(number));
    expect(play.on(message(8)).effects).toEqual([{ effect: 'drop', number: 8, why: 'ranges' }]);
    expect(said(play.on(message(5)))).toEqual(['accept', 'deliver']);
  });
});

describe('last numbers', () => {
  test('M21 2005/02: a number after LastMessage, or LastMessage before what was received: LastMessageNumberExceeded', () => {
    const play = new Play().on(message(1)).on(message(2, { last: true }));
    expect(said(play.on(message(3)))).toEqual(['LastMessageNumberExceeded']);
    const other = new Play().on(message(2));
    expect(said(other.on(message(1, { last: true })))).toEqual(['LastMessageNumberExceeded']);
  });

  test('M21 200702: LastMsgNumber below what was received, or other than before: SequenceTerminated', () => {
    const play = new Play().on(message(1)).on(message(2)).on(close(1));
    expect(said(play)).toEqual(['SequenceTerminated']);
    const changed = phases.closed().on(terminate(7));
    expect(said(changed)).toEqual(['SequenceTerminated', 'ended']);
    expect(changed.state).toMatchObject({ phase: 'ended', reason: 'faulted' });
  });
});

describe('laws', () => {
  const event: fc.Arbitrary<Bare<DestinationEvent> | 'finish' | 'restart'> = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 14 }).map((number) => message(number)) },
    { weight: 5, arbitrary: fc.constant('finish' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant(close()) },
    { weight: 1, arbitrary: fc.constant(terminate()) },
  );

  test.each([assurance, unordered])(
    'ordered: $ordered: once each, in order where asked, received only grows, held is bounded',
    (rules) => {
      fc.assert(
        fc.property(fc.array(event, { maxLength: 60 }), (events) => {
          const play = new Play(rules);
          let working: number[] = [];
          const finished: number[] = [];
          let known: Ranges = none;
          for (const one of events) {
            const next = working[0];
            if (one === 'restart') {
              working = [];
              play.state = JSON.parse(JSON.stringify(play.state)) as DestinationState;
              play.on({ kind: 'resumed' });
            } else if (one !== 'finish') play.on(one);
            else if (next !== undefined) {
              working.shift();
              finished.push(next);
              play.on(delivered(next));
            } else continue;
            for (const effect of play.effects) if (effect.effect === 'deliver') working.push(effect.number);
            expect(covers(play.state.received, known), 'received only grows').toBe(true);
            known = play.state.received;
            expect(play.state.held.length).toBeLessThanOrEqual(rules.window);
            expect(new Set(working).size, 'nothing is handed up twice at once').toBe(working.length);
            expect(covers(play.state.received, play.state.delivered)).toBe(true);
          }
          expect(new Set(finished).size, 'nothing is finished twice').toBe(finished.length);
          if (rules.ordered) expect(finished).toEqual(finished.map((_, at) => at + 1));
          if (play.state.phase === 'created' && rules.ordered) {
            expect(owed(play.state)).toBe(play.state.held.length);
            expect(prefix(play.state.delivered)).toBe(finished.length);
          }
        }),
        { numRuns: 400 },
      );
    },
  );
});
