/** `surewire:reliable`: every step of both ends is told, once, with its reason; the page says what the source says. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReliableEvent } from '../../src/reliable/events.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { Pair } from './pair.ts';
import { lost, numberOf } from './scene.ts';

let events: ReliableEvent[];
const hear = (event: unknown) => void events.push(event as ReliableEvent);

beforeEach(() => {
  events = [];
  subscribe('surewire:reliable', hear);
});
afterEach(() => void unsubscribe('surewire:reliable', hear));

/** What one end told about numbered messages, in order. */
function messages(side: ReliableEvent['side'], sequence: string): readonly string[] {
  return events.flatMap((event) =>
    event.side === side && 'number' in event && 'sequence' in event && event.sequence === sequence
      ? [`${event.event} ${event.number}${event.event === 'message.resent' ? ` ${event.cause}` : ''}`]
      : [],
  );
}

const named = <Name extends ReliableEvent['event']>(name: Name) =>
  events.filter((event): event is Extract<ReliableEvent, { readonly event: Name }> => event.event === name);

describe.each(reliableVersions)('$name', (version) => {
  test('a request whose first copy and whose first answer are lost', async () => {
    let mishaps = 0;
    const pair = new Pair(
      { version },
      () => async (trip) => trip,
      async (request, carry) => {
        if (numberOf(request) !== 1) return carry();
        mishaps += 1;
        if (mishaps === 1) throw lost();
        const answer = await carry();
        if (mishaps === 2) throw lost();
        return answer;
      },
    );
    await pair.until(pair.say('one', true));
    await pair.until(pair.channel.close());
    const [made] = named('sequence.created');
    const { session = '', offer = '' } = made ?? {};
    expect(messages('initiator', session).slice(0, 5)).toEqual([
      'message.submitted 1',
      'message.sent 1',
      'message.resent 1 overdue',
      'message.resent 1 overdue',
      'message.acknowledged 1',
    ]);
    expect(messages('acceptor', session).slice(0, 3)).toEqual([
      'message.accepted 1',
      'message.delivered 1',
      'duplicate.dropped 1',
    ]);
    expect(messages('acceptor', offer ?? '').slice(0, 2)).toEqual(['message.sent 1', 'message.resent 1 asked']);
    expect(named('exchange.failed').map(({ code, number, isFinal }) => [code, number, isFinal])).toEqual([
      ['CHANNEL_LOST', 1, false],
      ['CHANNEL_LOST', 1, false],
    ]);
    expect(
      named('source.changed')
        .filter(({ side }) => side === 'initiator')
        .map(({ to }) => to),
    ).toEqual(['creating', 'created', 'closing', 'terminating', 'ended']);
    expect(
      named('sequence.terminated')
        .map(({ side, reason }) => [side, reason])
        .sort(),
    ).toEqual([
      ['acceptor', 'completed'],
      ['initiator', 'completed'],
    ]);
    expect(named('acknowledgement.received').length).toBeGreaterThan(0);
    expect(named('acknowledgement.sent').some(({ side }) => side === 'acceptor')).toBe(true);
    const windows = named('window.changed').filter(({ side }) => side === 'initiator');
    expect(windows).toContainEqual(expect.objectContaining({ size: 1, underWay: 1, waiting: 0, room: null }));
    for (const event of events) expect(['initiator', 'acceptor']).toContain(event.side);
  });

  test('retries run out: each message that is given up, the fault and its reason', async () => {
    const pair = new Pair(
      { version, maxRetryCount: 1 },
      () => async (trip) => trip,
      (request, carry) => (numberOf(request) === undefined ? carry() : Promise.reject(lost())),
    );
    await pair.until(Promise.allSettled([pair.say('one'), pair.say('two')]));
    await pair.until(pair.channel.closed);
    expect(named('message.failed').map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'unknown'],
      [2, 'failed'],
    ]);
    expect(named('sequence.faulted')).toMatchObject([{ side: 'initiator', by: 'here', fault: 'SequenceTerminated' }]);
    expect(named('sequence.terminated')).toMatchObject([
      { side: 'initiator', reason: 'RELIABLE_RETRIES_EXHAUSTED', text: expect.stringContaining('sent 2 times') },
      { side: 'acceptor', reason: 'faulted' },
    ]);
  });
});

test('an application that is slow: what is dropped and why, and what the source is told of the room', async () => {
  const pair = new Pair({ oneWay: true, maxTransferWindowSize: 2 }, () => () => new Promise(() => undefined));
  const sent = ['one', 'two', 'three'].map((text) => pair.say(text).catch(() => undefined));
  await pair.clock.advance(10);
  expect(named('message.dropped')).toMatchObject([{ side: 'acceptor', number: 3, reason: 'window' }]);
  expect(named('exchange.empty')).toMatchObject([{ side: 'initiator', about: 'message', number: 3 }]);
  expect(named('acknowledgement.requested')).toHaveLength(1);
  expect(named('window.changed').at(-1)).toMatchObject({ underWay: 1, waiting: 0, room: 0 });
  pair.channel.abort(new Error('enough'));
  await Promise.all(sent);
});

test('docs/DIAGNOSTICS.md has a row for every event, and no other', () => {
  const root = resolve(import.meta.dirname, '../..');
  const source = readFileSync(resolve(root, 'src/reliable/events.ts'), 'utf8');
  const page = readFileSync(resolve(root, 'docs/DIAGNOSTICS.md'), 'utf8');
  const written = [...source.matchAll(/readonly event: '([^']+)'/g)].map(([, name]) => name);
  const [, section = ''] = /^## surewire:reliable$(.*?)^## /ms.exec(page) ?? [];
  const listed = [...section.matchAll(/^\| `([a-z]+\.[a-z]+)` \|/gm)].map(([, name]) => name);
  expect(written.length).toBeGreaterThan(25);
  expect([...listed].sort()).toEqual([...written].sort());
});
