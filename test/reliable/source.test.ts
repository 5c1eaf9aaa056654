/** The RM Source against the state table of WS-RM 1.1, appendix D.1 (facts/specifications.md 3.9), and its laws. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import type { Bare } from '../../src/reliable/interpret.ts';
import type { Transmission } from '../../src/reliable/ledger.ts';
import { covers, none, type Ranges, ranges } from '../../src/reliable/ranges.ts';
import { source } from '../../src/reliable/source.ts';
import {
  ledgerOf,
  noSource,
  offeredSource,
  outcomeOf,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
  submitted,
  unsettled,
} from '../../src/reliable/source-state.ts';

const policy: Transmission = {
  drive: 'timer',
  shutdown: 'close',
  givesUp: 'fault',
  acknowledgements: 'at-once',
  window: 8,
  maxRetryCount: 8,
  retryFloor: 400,
  retryCeiling: 300_000,
  firstPatience: 2_000,
  inactivityTimeout: 600_000,
  lastNumber: 1_000,
};

/** Runs events one after the other; `at` says when, in milliseconds. */
class Play {
  state: SourceState;
  now: Instant = instant(0);
  effects: readonly SourceEffect[] = [];
  readonly all: SourceEffect[] = [];
  readonly #policy: Transmission;

  constructor(from: SourceState = noSource, rules: Transmission = policy) {
    this.state = from;
    this.#policy = rules;
  }

  on(event: Bare<SourceEvent>, at?: number): this {
    if (at !== undefined) this.now = instant(at);
    [this.state, this.effects] = source(
      this.state,
      { ...event, now: this.now, jitter: 0 } as SourceEvent,
      this.#policy,
    );
    this.all.push(...this.effects);
    return this;
  }

  /** Lets the next timer fire. */
  elapse(): this {
    const due = sourceDue(this.state, this.#policy);
    return due === undefined ? this : this.on({ kind: 'elapsed' }, due);
  }
}

const submit = { kind: 'submit', expects: 'acknowledgement' } as const;
const ask = { kind: 'submit', expects: 'reply' } as const;

function ack(
  upper: number,
  more: Partial<Extract<SourceEvent, { readonly kind: 'acknowledgement' }>> = {},
): Bare<SourceEvent> {
  const set: Ranges = upper === 0 ? none : [{ lower: 1, upper }];
  return { kind: 'acknowledgement', ranges: set, nacks: [], final: false, bufferRemaining: undefined, ...more };
}

function created(rules: Transmission = policy): Play {
  return new Play(noSource, rules).on({ kind: 'open' }).on({ kind: 'created', id: 'urn:s' }, 100);
}

/** One play for each phase of the table. */
const phases: Readonly<Record<Exclude<SourceState['phase'], 'ended'>, () => Play>> = {
  none: () => new Play(),
  creating: () => new Play().on({ kind: 'open' }),
  created: () => created().on(submit),
  rollover: () => created({ ...policy, lastNumber: 1 }).on(submit),
  draining: () => created().on(submit).on({ kind: 'close' }),
  closing: () => created().on(submit).on(ack(1)).on({ kind: 'close' }),
  terminating: () => created().on(submit).on(ack(1)).on({ kind: 'close' }).on({ kind: 'close-answered' }),
};

const kinds = (play: Play) => play.effects.map(({ effect }) => effect);

describe('state table', () => {
  test.each(Object.entries(phases))('%s is reached as the table says', (phase, play) => {
    expect(play().state.phase).toBe(phase);
  });

  const rows: readonly [
    name: string,
    event: Bare<SourceEvent>,
    Partial<Record<keyof typeof phases, readonly [SourceState['phase'], ...SourceEffect['effect'][]]>>,
  ][] = [
    [
      'application asks for a sequence',
      { kind: 'open' },
      {
        none: ['creating', 'create'],
        creating: ['creating'],
        created: ['created'],
      },
    ],
    [
      'CreateSequenceResponse',
      { kind: 'created', id: 'urn:other' },
      {
        none: ['none'],
        creating: ['created', 'opened'],
        created: ['created'],
        closing: ['closing'],
        terminating: ['terminating'],
      },
    ],
    [
      'CreateSequenceRefused',
      { kind: 'abort', reason: { code: 'RELIABLE_REFUSED', text: '' }, tell: false },
      {
        creating: ['ended', 'ended'],
      },
    ],
    [
      'a refusal that nobody proved',
      { kind: 'declined', reason: { code: 'RELIABLE_REFUSED', text: '' }, again: true },
      {
        none: ['none'],
        creating: ['creating', 'create'],
        created: ['created'],
        closing: ['closing'],
        terminating: ['terminating'],
      },
    ],
    [
      'a refusal that asking again cannot mend',
      { kind: 'declined', reason: { code: 'RELIABLE_REFUSED', text: '' }, again: false },
      {
        none: ['none'],
        creating: ['ended', 'ended'],
        created: ['created'],
      },
    ],
    [
      'application sends a message',
      submit,
      {
        none: ['none', 'rejected'],
        creating: ['creating', 'numbered'],
        created: ['created', 'numbered'],
        rollover: ['rollover', 'rejected'],
        draining: ['draining', 'rejected'],
        closing: ['closing', 'rejected'],
        terminating: ['terminating', 'rejected'],
      },
    ],
    [
      'SequenceAcknowledgement, not final',
      ack(1),
      {
        none: ['none'],
        creating: ['creating'],
        created: ['created', 'settled'],
        rollover: ['rollover', 'settled'],
        draining: ['closing', 'settled', 'close'],
        closing: ['closing'],
        terminating: ['terminating'],
      },
    ],
    [
      'SequenceAcknowledgement with Final',
      ack(1, { final: true }),
      {
        created: ['terminating', 'settled', 'terminate'],
        rollover: ['terminating', 'settled', 'terminate'],
        draining: ['terminating', 'settled', 'close', 'terminate'],
        closing: ['terminating', 'terminate'],
        terminating: ['terminating'],
      },
    ],
    [
      'invalid acknowledgement',
      ack(7),
      {
        none: ['none'],
        created: ['created', 'fault'],
        rollover: ['rollover', 'fault'],
        draining: ['draining', 'fault'],
        closing: ['closing', 'fault'],
      },
    ],
    [
      'MessageNumberRollover fault',
      { kind: 'rollover' },
      {
        none: ['none'],
        created: ['rollover'],
        rollover: ['rollover'],
        closing: ['closing'],
      },
    ],
    [
      'application closes',
      { kind: 'close' },
      {
        none: ['ended', 'ended'],
        created: ['draining'],
        rollover: ['draining'],
        draining: ['draining'],
        closing: ['closing'],
        terminating: ['terminating'],
      },
    ],
    [
      'CloseSequenceResponse',
      { kind: 'close-answered' },
      {
        none: ['none'],
        created: ['created'],
        closing: ['terminating', 'terminate'],
        terminating: ['terminating'],
      },
    ],
    [
      'SequenceClosed fault',
      { kind: 'closed-by-peer' },
      {
        none: ['none'],
        created: ['terminating', 'settled', 'terminate'],
        rollover: ['terminating', 'settled', 'terminate'],
        draining: ['terminating', 'settled', 'terminate'],
        closing: ['terminating', 'terminate'],
        terminating: ['terminating'],
      },
    ],
    [
      'TerminateSequenceResponse',
      { kind: 'terminate-answered' },
      {
        none: ['none'],
        created: ['created'],
        closing: ['closing'],
        terminating: ['ended', 'ended'],
      },
    ],
    [
      'SequenceTerminated or UnknownSequence fault',
      { kind: 'abort', reason: { code: 'RELIABLE_TERMINATED', text: '' }, tell: false },
      {
        created: ['ended', 'settled', 'ended'],
        rollover: ['ended', 'settled', 'ended'],
        draining: ['ended', 'settled', 'ended'],
        closing: ['ended', 'ended'],
        terminating: ['ended', 'ended'],
      },
    ],
  ];

  for (const [name, event, cells] of rows) {
    for (const [phase, [next, ...effects]] of Object.entries(cells)) {
      test(`${name}, in ${phase}: ${effects.join(', ') || 'nothing'} → ${next}`, () => {
        const play = phases[phase as keyof typeof phases]();
        play.on(event);
        expect(play.state.phase).toBe(next);
        expect(kinds(play)).toEqual(effects);
      });
    }
  }

  test('retransmission timer, in creating: CreateSequence again, with a longer wait', () => {
    const play = new Play().on({ kind: 'open' }, 0).elapse();
    expect(play.effects).toEqual([{ effect: 'create', attempt: 2 }]);
    expect(sourceDue(play.state, policy)).toBe(2_000 + 4_000);
  });

  test('the first round trip is that of CreateSequence; where it was lost, no more than the patience with it', () => {
    const roundTrip = (play: Play) => ledgerOf(play.on({ kind: 'created', id: 'urn:s' }).state)?.roundTrip.mean;
    const opened = () => new Play().on({ kind: 'open' }, 0);
    const heard = (play: Play, at: number) => roundTrip(play.on({ kind: 'heard' }, at));
    expect(heard(opened(), 1_500)).toBe(1_500);
    expect(heard(opened().elapse().elapse().elapse(), 60_000)).toBe(policy.firstPatience);
    const crashed = opened().elapse().on({ kind: 'resumed' }, 3_600_000);
    expect(heard(crashed, 3_600_050)).toBe(50);
  });

  test('a refusal that nobody proved is believed the second time, whatever lies between', () => {
    const declined = { kind: 'declined', reason: { code: 'RELIABLE_REFUSED', text: 'no' }, again: true } as const;
    const play = new Play().on({ kind: 'open' }, 0).on(declined, 5);
    expect(play.effects).toEqual([{ effect: 'create', attempt: 2 }]);
    expect(sourceDue(play.state, policy)).toBe(5 + 4_000);
    play.elapse().on(declined);
    expect(play.effects).toEqual([{ effect: 'ended', reason: declined.reason }]);
  });

  test('retransmission timer, in terminating: TerminateSequence again, and a silent peer spoils nothing', () => {
    const play = phases.terminating();
    for (let turn = 0; turn < 9; turn += 1) play.elapse();
    expect(play.all.filter(({ effect }) => effect === 'terminate')).toHaveLength(9);
    expect(play.state).toMatchObject({ phase: 'ended', reason: { code: 'completed' } });
  });

  test('2005/02: LastMessage takes the next number and is repeated until acknowledged', () => {
    const play = created({ ...policy, shutdown: 'last-message' })
      .on(submit)
      .on(ack(1))
      .on({ kind: 'close' });
    expect(play.effects).toEqual([{ effect: 'transmit', number: 2, attempt: 1, last: true }]);
    play.elapse();
    expect(play.effects).toEqual([{ effect: 'transmit', number: 2, attempt: 2, last: true }]);
    expect(play.on(ack(2)).state.phase).toBe('terminating');
  });
});

describe('sending', () => {
  test('the window opens from one, and what does not fit waits', () => {
    const play = created();
    for (let turn = 0; turn < 5; turn += 1) play.on(submit);
    const sent = () => play.all.flatMap((effect) => (effect.effect === 'transmit' ? [effect.number] : []));
    expect(sent()).toEqual([1]);
    play.on(ack(1));
    expect(sent()).toEqual([1, 2, 3]);
    play.on(ack(3));
    expect(sent()).toEqual([1, 2, 3, 4, 5]);
  });

  test('nine transmissions, then RETRIES_EXHAUSTED, told to the peer; sent is unknown, unsent has failed', () => {
    const play = created().on(submit).on(submit);
    while (play.state.phase !== 'ended') play.elapse();
    const attempts = play.all.flatMap((effect) => (effect.effect === 'transmit' ? [effect.attempt] : []));
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(play.now - 100).toBe(511 * 500);
    expect(play.state.reason.code).toBe('RELIABLE_RETRIES_EXHAUSTED');
    expect(kinds(play)).toEqual(['fault', 'settled', 'settled', 'ended']);
    expect([outcomeOf(play.state, 1), outcomeOf(play.state, 2)]).toEqual(['unknown', 'failed']);
  });

  test('a request is settled by its own reply; until then it is sent again, acknowledged or not', () => {
    const play = created().on(ask).on(ack(1));
    expect(unsettled(play.state)).toBe(1);
    expect(play.elapse().effects).toEqual([{ effect: 'transmit', number: 1, attempt: 2, last: false }]);
    expect(play.on({ kind: 'replied', number: 1 }).effects).toEqual([
      { effect: 'settled', number: 1, outcome: 'acknowledged' },
    ]);
  });

  test('a request that was acknowledged and never answered ends as acknowledged', () => {
    const play = created()
      .on(ask)
      .on(ack(1))
      .on({ kind: 'abort', reason: { code: 'RELIABLE_ABORTED', text: '' }, tell: false });
    expect(outcomeOf(play.state, 1)).toBe('acknowledged');
    expect(kinds(play)).toEqual(['ended']);
  });

  test('M13 Nack: sent again at once, but once a round trip at most', () => {
    const play = created().on(submit, 100);
    expect(kinds(play.on(ack(0, { nacks: [1] }), 110))).toEqual([]);
    expect(play.on(ack(0, { nacks: [1] }), 300).effects).toEqual([
      { effect: 'transmit', number: 1, attempt: 2, last: false },
    ]);
    expect(kinds(play.on(ack(0, { nacks: [1] }), 310))).toEqual([]);
  });

  test('over a way that broke no answer comes: the next copy waits for the floor, not for a slow peer', () => {
    const slow = () => new Play().on({ kind: 'open' }, 0).on({ kind: 'created', id: 's' }, 5_000).on(submit, 5_000);
    expect(sourceDue(slow().state, policy)).toBeGreaterThan(14_000);
    const broken = slow().on({ kind: 'refused', number: 1, empty: false }, 5_100);
    expect(sourceDue(broken.state, policy)).toBe(5_500);
    expect(broken.elapse().effects).toEqual([expect.objectContaining({ effect: 'transmit', number: 1, attempt: 2 })]);
    expect(sourceDue(broken.on({ kind: 'refused', number: 1, empty: false }, 5_600).state, policy)).toBe(6_400);
  });

  test('what a receiver refused behind a gap goes out again as soon as the gap is filled', () => {
    const play = created().on(submit).on(ack(1));
    for (let turn = 0; turn < 2; turn += 1) play.on(submit);
    play.on({ kind: 'refused', number: 3, empty: false }, 200);
    expect(play.on(ack(2), 300).effects).toContainEqual({ effect: 'transmit', number: 3, attempt: 2, last: false });
  });

  test('a request that was refused behind another is told so after the other was answered: it goes out again at once, once', () => {
    const play = created().on(ask).on(ack(1)).on({ kind: 'replied', number: 1 }).on(ask).on(ask);
    play.on(ack(2)).on({ kind: 'replied', number: 2 });
    expect(play.on({ kind: 'refused', number: 3, empty: true }).effects).toEqual([
      { effect: 'transmit', number: 3, attempt: 2, last: false },
    ]);
    expect(play.on({ kind: 'refused', number: 3, empty: true }).effects).toEqual([]);
  });

  test('an empty answer to a one-way message: the source asks what was acknowledged; to a request: it waits', () => {
    expect(created().on(submit).on({ kind: 'refused', number: 1, empty: true }).effects).toEqual([{ effect: 'poll' }]);
    expect(created().on(submit).on({ kind: 'refused', number: 1, empty: false }).effects).toEqual([]);
    expect(created().on(ask).on({ kind: 'refused', number: 1, empty: true }).effects).toEqual([]);
  });

  describe('a peer that takes one-way messages without a word (gSOAP)', () => {
    /** Each message is answered with nothing, and so is the question that follows the first. */
    const silently = (play: Play, ...numbers: readonly number[]): Play => {
      for (const number of numbers) {
        play.on({ kind: 'refused', number, empty: true });
        if (play.effects.some(({ effect }) => effect === 'poll')) play.on({ kind: 'poll-emptied' });
      }
      return play;
    };
    const transmitted = (play: Play): readonly number[] =>
      play.all.flatMap((effect) => (effect.effect === 'transmit' ? [effect.number] : []));

    test('after one question the next goes out at once; nothing is repeated; nothing is claimed before closing tells', () => {
      const play = silently(created().on(submit).on(submit).on(submit), 1, 2, 3);
      expect(transmitted(play)).toEqual([1, 2, 3]);
      expect(play.all.filter(({ effect }) => effect === 'poll')).toHaveLength(1);
      expect([1, 2, 3].map((number) => outcomeOf(play.state, number))).toEqual(['pending', 'pending', 'pending']);
      expect(unsettled(play.state)).toBe(3);
      expect(play.on({ kind: 'close' }).effects).toEqual([{ effect: 'close', last: 3, attempt: 1 }]);
      expect(play.on(ack(3)).effects).toHaveLength(3);
      expect(play.on({ kind: 'close-answered' }).state).toMatchObject({
        phase: 'terminating',
        reason: { code: 'completed' },
      });
    });

    test('it is kept alive by questions, and never runs out of retries', () => {
      const play = silently(created().on(submit), 1);
      for (let turn = 0; turn < 40; turn += 1) {
        play.elapse();
        expect(play.effects).toEqual([{ effect: 'poll' }]);
        play.on({ kind: 'poll-emptied' });
      }
      expect(play.state.phase).toBe('created');
    });

    test('what the answer to CloseSequence leaves out is sent again, one after the other, and closed again', () => {
      const play = silently(created().on(submit).on(submit).on(submit), 1, 2, 3).on({ kind: 'close' });
      play.on(ack(1));
      expect(play.on({ kind: 'close-answered' }).effects).toMatchObject([{ effect: 'transmit', number: 2 }]);
      expect(play.on({ kind: 'refused', number: 2, empty: true }).effects).toMatchObject([{ number: 3 }]);
      expect(play.on({ kind: 'refused', number: 3, empty: true }).effects).toMatchObject([
        { effect: 'close', last: 3, attempt: 2 },
      ]);
      play.on(ack(3));
      expect(play.on({ kind: 'close-answered' }).state.phase).toBe('terminating');
    });

    test('2005/02: the acknowledgement comes with the answer to TerminateSequence; without it the outcome is unknown', () => {
      const terminating = (): Play =>
        silently(created({ ...policy, shutdown: 'last-message' }).on(submit), 1).on({ kind: 'close' });
      expect(terminating().effects).toEqual([{ effect: 'terminate', last: 1, attempt: 1 }]);
      expect(terminating().on(ack(1)).on({ kind: 'terminate-answered' }).effects).toMatchObject([
        { effect: 'ended', reason: { code: 'completed' } },
      ]);
      expect(terminating().on({ kind: 'terminate-answered' }).effects).toMatchObject([
        { effect: 'settled', number: 1, outcome: 'unknown' },
        { effect: 'ended', reason: { code: 'RELIABLE_SEQUENCE_CLOSED' } },
      ]);
    });

    test('an acknowledgement that leaves a message out brings it back', () => {
      const play = silently(created().on(submit), 1);
      expect(play.on(ack(0)).effects).toEqual([{ effect: 'transmit', number: 1, attempt: 2, last: false }]);
      // It speaks after all, so that an empty answer means: come again.
      play.on({ kind: 'refused', number: 1, empty: true });
      expect(play.effects).toEqual([{ effect: 'poll' }]);
      play.on(ack(0)).elapse();
      expect(play.effects).toEqual([{ effect: 'transmit', number: 1, attempt: 3, last: false }]);
    });

    test('only what was sent with nothing under way before it counts as taken: order may be why it was not', () => {
      const play = created().on(submit).on(ack(1)).on(submit).on(submit);
      play.on({ kind: 'refused', number: 3, empty: true }).on({ kind: 'poll-emptied' });
      play.on({ kind: 'refused', number: 3, empty: true });
      expect(ledgerOf(play.state)?.flights).toMatchObject([
        { number: 2, taken: false },
        { number: 3, taken: false },
      ]);
    });
  });

  test('a peer that acknowledges (WCF) and drops with an empty answer: sent again until it is taken, never closed over', () => {
    const play = created().on(submit).on(ack(1)).on(submit).on({ kind: 'close' });
    for (let turn = 0; turn < 6; turn += 1) {
      expect(play.on({ kind: 'refused', number: 2, empty: true }).effects).toEqual([{ effect: 'poll' }]);
      play.on(ack(1)).elapse();
      expect(play.effects).toMatchObject([{ effect: 'transmit', number: 2, attempt: turn + 2 }]);
    }
    expect(play.state.phase).toBe('draining');
    expect(play.on(ack(2)).effects).toMatchObject([{ effect: 'settled', number: 2 }, { effect: 'close' }]);
  });

  test('2005/02: LastMessage answered with nothing: everything is settled, so the source terminates', () => {
    const play = created({ ...policy, shutdown: 'last-message' })
      .on(submit)
      .on(ack(1))
      .on({ kind: 'close' });
    expect(play.on({ kind: 'refused', number: 2, empty: false }).state.phase).toBe('closing');
    expect(play.on({ kind: 'refused', number: 2, empty: true }).state.phase).toBe('terminating');
  });

  test('BufferRemaining holds the source back; at 0 it asks, less and less often, until there is room', () => {
    const play = created();
    for (let turn = 0; turn < 4; turn += 1) play.on(submit);
    play.on(ack(1, { bufferRemaining: 0 }), 200);
    expect(ledgerOf(play.state)?.flights).toEqual([]);
    const asked: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      expect(play.elapse().effects).toEqual([{ effect: 'poll' }]);
      asked.push(play.now);
      play.on(ack(1, { bufferRemaining: 0 }), play.now + 10);
    }
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(pauses).toEqual([...pauses].sort((one, other) => one - other));
    expect(pauses[0]).toBeGreaterThanOrEqual(policy.retryFloor);
    // As often as WCF keeps a silent peer alive, and not more rarely.
    expect(pauses.at(-1)).toBe(policy.inactivityTimeout / 2 / policy.maxRetryCount + 10);
    play.on(ack(1, { bufferRemaining: 8 }));
    expect(ledgerOf(play.state)?.flights).toHaveLength(2);
  });

  test('a copy that a peer had no room for waits for room: it is neither repeated nor counted, and no loss', () => {
    const play = created();
    for (let turn = 0; turn < 3; turn += 1) play.on(submit);
    play.on(ack(1, { bufferRemaining: 1 }), 200);
    const before = ledgerOf(play.state)?.window;
    play.on({ kind: 'refused', number: 2, empty: true }, 210);
    expect(play.effects).toEqual([{ effect: 'poll' }]);
    play.on(ack(1, { bufferRemaining: 0 }), 220);
    const until = 220 + 3_600_000;
    while ((sourceDue(play.state, policy) ?? until) < until) {
      expect(play.elapse().effects).toEqual([{ effect: 'poll' }]);
      play.on(ack(1, { bufferRemaining: 0 }));
    }
    expect(play.state.phase).toBe('created');
    play.on(ack(1, { bufferRemaining: 8 }));
    expect(play.effects).toContainEqual({ effect: 'transmit', number: 2, attempt: 2, last: false });
    expect(ledgerOf(play.state)?.window).toEqual(before);
  });

  test('a peer that acknowledges but never tells its room: refused copies back off and are excused so many times', () => {
    const play = created();
    play.on(submit).on(ack(1), 150).on(submit);
    let copies = 1;
    while (play.state.phase === 'created') {
      play.on({ kind: 'refused', number: 2, empty: true }).on(ack(1));
      play.elapse();
      copies += play.effects.filter(({ effect }) => effect === 'transmit').length;
      if (copies === 20) expect(play.now).toBeGreaterThan(2_000_000);
    }
    expect(copies).toBe(policy.maxRetryCount + 1 + 64);
    expect(play.state).toMatchObject({ phase: 'ended', reason: { code: 'RELIABLE_RETRIES_EXHAUSTED' } });
  });

  test('a peer that told that it has no room and then does not answer the question is not waited for', () => {
    const play = created();
    play
      .on(submit)
      .on(submit)
      .on(ack(1, { bufferRemaining: 0 }), 200);
    play.elapse().on({ kind: 'poll-emptied' });
    expect(play.effects).toEqual([{ effect: 'transmit', number: 2, attempt: 1, last: false }]);
  });

  test('acknowledgements that come when they come are asked for when the window is full and with the last message', () => {
    const delayed = { ...policy, acknowledgements: 'delayed' } as const;
    const play = created(delayed).on(submit);
    const transmit = (number: number, asks?: true) =>
      ({ effect: 'transmit', number, attempt: 1, last: false, ...(asks ? { asks } : {}) }) as const;
    expect(play.effects).toContainEqual(transmit(1, true));
    for (let turn = 0; turn < 4; turn += 1) play.on(submit);
    // The window has grown to two: the second fills it.
    expect(play.on(ack(1)).effects.filter(({ effect }) => effect === 'transmit')).toEqual([
      transmit(2),
      transmit(3, true),
    ]);
    expect(play.on(ack(3)).effects.filter(({ effect }) => effect === 'transmit')).toEqual([
      transmit(4),
      transmit(5, true),
    ]);
    expect(play.elapse().effects).toEqual([{ effect: 'transmit', number: 4, attempt: 2, last: false, asks: true }]);
  });

  test.each(['RELIABLE_RETRIES_EXHAUSTED', 'RELIABLE_INACTIVE'] as const)(
    'told to suspend: %s changes nothing, the peer is told nothing, and the sequence goes on from there',
    (code) => {
      const rules = {
        ...policy,
        givesUp: 'suspend',
        ...(code === 'RELIABLE_INACTIVE' ? { maxRetryCount: 1_000 } : {}),
      };
      const play = created(rules as Transmission).on(submit);
      while (play.effects.every(({ effect }) => effect !== 'suspended')) play.elapse();
      expect(play.effects).toEqual([{ effect: 'suspended', reason: expect.objectContaining({ code }) }]);
      expect(play.state.phase).toBe('created');
      expect(outcomeOf(play.state, 1)).toBe('pending');
      play.on({ kind: 'resumed' });
      expect(play.effects).toEqual([{ effect: 'transmit', number: 1, attempt: 2, last: false }]);
      expect(play.on(ack(1)).effects).toContainEqual({ effect: 'settled', number: 1, outcome: 'acknowledged' });
    },
  );

  test('half the inactivity timeout without a word: a poll; all of it: given up, and the peer is told', () => {
    const play = created();
    expect(sourceDue(play.state, policy)).toBe(100 + 300_000);
    expect(play.elapse().effects).toEqual([{ effect: 'poll' }]);
    expect(sourceDue(play.state, policy)).toBe(100 + 300_000 + 37_500);
    while (play.state.phase !== 'ended') play.elapse();
    expect(play.now).toBe(100 + 600_000);
    expect(play.all.filter(({ effect }) => effect === 'poll')).toHaveLength(8);
    expect(play.state.reason.code).toBe('RELIABLE_INACTIVE');
  });

  test('M20 a final acknowledgement that takes back what was acknowledged is invalid', () => {
    const play = created().on(submit).on(submit).on(ack(1)).on(ack(2));
    expect(play.on(ack(1, { final: true })).effects).toMatchObject([
      { effect: 'fault', fault: 'InvalidAcknowledgement' },
    ]);
  });

  test('closed by the peer with a message missing: that one has failed, the other is acknowledged', () => {
    const play = created()
      .on(submit)
      .on(ack(1))
      .on(submit)
      .on(ack(1, { final: true }));
    expect(play.state).toMatchObject({ phase: 'terminating', reason: { code: 'RELIABLE_SEQUENCE_CLOSED' } });
    play.on({ kind: 'terminate-answered' });
    expect([outcomeOf(play.state, 1), outcomeOf(play.state, 2)]).toEqual(['acknowledged', 'failed']);
  });

  test('a reply sequence sends when asked and never by itself', () => {
    const rules = { ...policy, drive: 'reply' } as const;
    const play = new Play(offeredSource('urn:r', instant(0), rules), rules);
    for (let turn = 0; turn < 20; turn += 1) play.on(submit);
    expect(play.all.filter(({ effect }) => effect === 'transmit')).toHaveLength(20);
    expect(sourceDue(play.state, rules)).toBeUndefined();
  });

  test('taken up from a store: everything that was under way goes out again', () => {
    const before = created().on(submit).on(ack(1)).on(submit).on(submit);
    const stored = JSON.parse(JSON.stringify(before.state)) as SourceState;
    const play = new Play(stored).on({ kind: 'resumed' }, 1_000_000);
    expect(play.effects).toEqual([
      { effect: 'transmit', number: 2, attempt: 2, last: false },
      { effect: 'transmit', number: 3, attempt: 2, last: false },
    ]);
  });
});

describe('laws', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 12 }));
  const event: fc.Arbitrary<Bare<SourceEvent> | 'time'> = fc.oneof(
    fc.constant(submit),
    fc.constant(ask),
    numbers.map(
      (given) => ({ ...ack(0), ranges: ranges(given.map((one) => ({ lower: one, upper: one }))) }) as Bare<SourceEvent>,
    ),
    fc.integer({ min: 1, max: 12 }).map((number) => ({ kind: 'replied', number }) as const),
    fc.integer({ min: 1, max: 12 }).map((number) => ({ kind: 'refused', number, empty: number % 2 === 0 }) as const),
    fc.constant('time' as const),
    fc.constant({ kind: 'resumed' } as const),
  );

  test('acknowledged only grows, never beyond what was sent; numbers have no gaps; the window is kept', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const play = created();
        let known: Ranges = none;
        let expected = 0;
        const firsts: number[] = [];
        for (const one of events) {
          if (one === 'time') play.elapse();
          else play.on(one);
          const ledger = ledgerOf(play.state);
          if (ledger === undefined) break;
          expect(covers(ledger.acknowledged, known)).toBe(true);
          known = ledger.acknowledged;
          expect(known.every(({ upper }) => upper <= ledger.sent)).toBe(true);
          expect(ledger.window.size).toBeLessThanOrEqual(policy.window);
          for (const effect of play.effects) {
            if (effect.effect === 'numbered') {
              expected += 1;
              expect(effect.number).toBe(expected);
            }
            if (effect.effect === 'transmit' && effect.attempt === 1) firsts.push(effect.number);
          }
          expect(submitted(play.state)).toBe(expected);
          expect(JSON.parse(JSON.stringify(play.state))).toEqual(play.state);
        }
        expect(firsts).toEqual(firsts.map((_, at) => at + 1));
      }),
      { numRuns: 400 },
    );
  });

  test('every message is settled exactly once', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const play = created();
        for (const one of events) {
          if (one === 'time') play.elapse();
          else play.on(one);
        }
        play.on({ kind: 'abort', reason: { code: 'RELIABLE_ABORTED', text: '' }, tell: true });
        const settled = play.all.flatMap((effect) => (effect.effect === 'settled' ? [effect.number] : []));
        expect(new Set(settled).size).toBe(settled.length);
        for (let number = 1; number <= submitted(play.state); number += 1) {
          const outcome = outcomeOf(play.state, number);
          expect(['acknowledged', 'failed', 'unknown']).toContain(outcome);
          if (outcome !== 'acknowledged') expect(settled).toContain(number);
        }
      }),
      { numRuns: 400 },
    );
  });
});
