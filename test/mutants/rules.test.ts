/** Rules of the reliable room that no other test needs to hold: mutants of them lived until these were written. */
import { describe, expect, test } from 'vitest';
import { instant, VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { destination } from '../../src/reliable/destination.ts';
import {
  bufferRemaining,
  type DestinationEvent,
  type DestinationState,
  isFinal,
  newDestination,
} from '../../src/reliable/destination-state.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { type Bare, interpret } from '../../src/reliable/interpret.ts';
import { Keeper } from '../../src/reliable/keeper.ts';
import { initiatorRecord } from '../../src/reliable/record.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import { assuranceOf, settingsOf, transmissionOf } from '../../src/reliable/settings.ts';
import { source } from '../../src/reliable/source.ts';
import {
  noSource,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
} from '../../src/reliable/source-state.ts';
import { backOff } from '../../src/reliable/transmission.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508, addressingOf } from '../../src/soap/addressing.ts';
import { soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { acceptorEnd, initiatorEnd, saying } from '../reliable/ends.ts';
import { Client, Server, until } from '../reliable/peers.ts';

const settings = settingsOf({});
const policy = transmissionOf(settings, settings.version, 'timer');

describe('the source', () => {
  /** All effects of events that happen one after the other, and the last state; `elapsed` happens when it is due. */
  function play(events: readonly Bare<SourceEvent>[]): {
    readonly state: SourceState;
    readonly effects: readonly SourceEffect[];
  } {
    let state = noSource;
    let now = instant(0);
    const effects: SourceEffect[] = [];
    for (const event of events) {
      if (event.kind === 'elapsed') now = sourceDue(state, policy) ?? now;
      const [next, more] = source(state, { ...event, now, jitter: 0 } as SourceEvent, policy);
      state = next;
      effects.push(...more);
    }
    return { state, effects };
  }

  const submit = { kind: 'submit', expects: 'acknowledgement' } as const;
  const opened = [{ kind: 'open' }, { kind: 'created', id: 'urn:s' }] as const;
  const acknowledged = (upper: number) =>
    ({
      kind: 'acknowledgement',
      ranges: [{ lower: 1, upper }],
      nacks: [],
      final: false,
      bufferRemaining: undefined,
    }) as const;

  test('a loss shuts the window to one message, and it opens again from there', () => {
    const grown = [...opened, submit, submit, submit, acknowledged(1), acknowledged(3), submit, submit, submit, submit];
    const before = play(grown).effects.filter(({ effect }) => effect === 'transmit');
    expect(before.map((effect) => 'number' in effect && effect.number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const lost = play([...grown, { kind: 'elapsed' }, acknowledged(7), submit, submit, submit]);
    const after = lost.effects.filter(({ effect }) => effect === 'transmit').slice(before.length);
    expect(after.map((effect) => 'number' in effect && effect.number)).toEqual([4, 8, 9, 10]);
    const still = play([...grown, { kind: 'elapsed' }, submit]);
    const { state } = still;
    expect(state.phase === 'created' && state.ledger.window.size).toBe(1);
  });

  test('a peer that has no room and says nothing more is asked less and less often, and never twice at once', () => {
    const full = { ...acknowledged(1), bufferRemaining: 0 };
    let { state } = play([...opened, submit, submit, full]);
    const asked: number[] = [];
    for (let count = 0; count < 40; count += 1) {
      const now = sourceDue(state, policy);
      if (now === undefined) break;
      const [next, effects] = source(state, { kind: 'elapsed', now, jitter: 0 }, policy);
      if (effects.some(({ effect }) => effect === 'poll')) asked.push(now);
      state = next;
    }
    expect(state.phase, 'given up in the end').toBe('ended');
    expect(asked.length).toBeGreaterThan(4);
    const waits = asked.slice(1).map((at, before) => at - (asked[before] ?? 0));
    expect(waits.filter((wait, at) => wait <= 0 || wait < (waits[at - 1] ?? 0))).toEqual([]);
  });

  test('closed by the peer without a final word: what was sent is of unknown fate, not failed', () => {
    const { effects } = play([...opened, submit, { kind: 'closed-by-peer' }]);
    expect(effects).toContainEqual({ effect: 'settled', number: 1, outcome: 'unknown' });
  });

  test('senders that failed together do not come back together: a wait is longer by up to a quarter', () => {
    expect(backOff(100, 1, 0.5)).toBe(112.5);
    expect(backOff(100, 3, 0.8)).toBe(480);
  });
});

describe('the destination', () => {
  const assurance = { ...assuranceOf(settingsOf({ ordered: false })), window: 2 };

  function having(events: readonly Bare<DestinationEvent>[]): DestinationState {
    let state = newDestination('urn:s', instant(0), undefined);
    for (const event of events)
      [state] = destination(state, { ...event, now: instant(0) } as DestinationEvent, assurance);
    return state;
  }

  const message = (number: number) => ({ kind: 'message', number, bytes: 1, last: false }) as const;

  test('what the application has not finished takes up room, in any order', () => {
    const full = having([message(1), message(2)]);
    expect(bufferRemaining(full, assurance)).toBe(0);
    const [, effects] = destination(full, { ...message(3), now: instant(0) }, assurance);
    expect(effects).toEqual([{ effect: 'drop', number: 3, why: 'window' }]);
    const freed = having([message(1), message(2), { kind: 'delivered', number: 2 }]);
    expect(bufferRemaining(freed, assurance)).toBe(1);
    const [, more] = destination(freed, { ...message(3), now: instant(0) }, assurance);
    expect(more).toContainEqual({ effect: 'accept', number: 3 });
  });

  test('its acknowledgement is final once it takes nothing more, and not before', () => {
    expect(isFinal(having([message(1)]))).toBe(false);
    expect(isFinal(having([message(1), { kind: 'close', last: 1 }]))).toBe(true);
    expect(isFinal(having([message(1), { kind: 'terminate', last: 1 }]))).toBe(true);
  });
});

describe('the acceptor', () => {
  test('live sessions are bounded, whoever they belong to', async () => {
    const end = acceptorEnd({ clock: new VirtualClock(), maxSessions: 2 }, async () => undefined);
    const create = (who: string) => {
      const client = new Client(end, reliable200702, { who, offer: `urn:${who}` });
      return client.ask(client.createMessage());
    };
    for (const who of ['alice', 'bob']) {
      expect((await create(who))?.action).toBe(reliable200702.actions.createSequenceResponse);
    }
    const fault = readReliableFault((await create('carol')) ?? saying(''))?.fault;
    expect(fault).toMatchObject({ name: 'CreateSequenceRefused', code: 'receiver', connectionLimit: true });
  });
});

describe('the initiator', () => {
  const to = new URL('http://service.example/');

  test('a label is open once at a time, and can be opened again after that', async () => {
    const inUse = new Set<string>();
    const template = { soap: soap12, wsa: addressing200508, to: to.href };
    const keeper = () => new Keeper(settingsOf({ label: 'orders', store: memory() }), inUse);
    const first = keeper();
    await first.begin(template);
    await expect(keeper().begin(template)).rejects.toMatchObject({ code: 'RELIABLE_IN_USE' });
    await keeper().begin({ ...template, to: 'http://elsewhere.example/' });
    first.release();
    expect((await keeper().begin(template)).resumed).toBe(false);
  });

  test('what was acknowledged is known to the next process, and not sent again', async () => {
    const clock = new VirtualClock();
    const store = memory();
    const server = new Server(reliable200702);
    let view: SessionView | undefined;
    const options = {
      clock,
      random: seededRandom(1),
      to,
      label: 'orders',
      store,
      oneWay: true,
      onSession: (opened: SessionView) => {
        view = opened;
      },
    };
    const before = initiatorEnd(options, async (request) => server.good(request));
    await until(clock, before.open());
    await until(clock, before.send(delivery(saying('one')).with(expectsReply, false)));
    await view?.suspend();
    const heard = server.heard.length;
    const next = initiatorEnd(options, async (request) => server.good(request));
    await until(clock, next.open());
    expect(view?.resumed).toBe(true);
    expect(view?.outcome(1)).toBe('acknowledged');
    expect(server.heard).toHaveLength(heard);
    await until(clock, next.close());
  });

  const server = new Server(reliable200702);
  const request = new Client(
    acceptorEnd({}, async () => undefined),
    reliable200702,
  ).message('urn:test:ask');
  const record = initiatorRecord({
    version: reliable200702,
    template: { soap: soap12, wsa: addressing200508, to: undefined },
    label: undefined,
    createId: 'urn:create',
    offer: undefined,
  });
  const known = {
    version: reliable200702,
    record,
    id: 'urn:s',
    phase: 'created',
    replies: undefined,
    flowControl: true,
  } as const;
  const about = { kind: 'message', number: 1, last: false } as const;

  test('a reply that relates to another request is as good as lost', () => {
    const reply = delivery(server.answer(request, 'urn:test:reply'));
    const messageId = addressingOf(request)?.messageId;
    expect(interpret(about, reply, { ...known, messageId }).kind).toBe('heard');
    expect(interpret(about, reply, { ...known, messageId: 'urn:another' }).kind).toBe('lost');
  });

  test('an acknowledgement of another sequence says nothing about this one', () => {
    const kinds = (id: string) => {
      const said = interpret(about, delivery(server.acknowledged(request, { id })), { ...known, messageId: undefined });
      return said.kind === 'heard' ? said.source.map(({ kind }) => kind) : said.kind;
    };
    expect(kinds('urn:s')).toEqual(['acknowledgement']);
    expect(kinds('urn:another')).toEqual(['heard']);
  });
});
