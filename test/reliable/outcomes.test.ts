/** What became of each message: told while the session lives, and still known when the process that sent it is gone. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { IncompleteSequenceBehavior } from '../../src/reliable/bodies.ts';
import type { ReliableError } from '../../src/reliable/errors.ts';
import { outcomeUnder, storedOutcomes } from '../../src/reliable/outcomes.ts';
import { ranges } from '../../src/reliable/ranges.ts';
import type { SourceState } from '../../src/reliable/source-state.ts';
import type { Message } from '../../src/soap/message.ts';
import { memory } from '../../src/stores/memory.ts';
import type { Server } from './peers.ts';
import { lost, numberOf, Scene, to } from './scene.ts';

/** Messages 2 and 4 are lost for ever; all others arrive. */
function lossy(request: Message, server: Server): Message | undefined {
  const number = Number(numberOf(request) ?? 0);
  if (number === 2 || number === 4) throw lost();
  if (number < 3) return server.good(request);
  return server.acknowledged(request, {
    ranges: [
      { lower: 1, upper: 1 },
      { lower: 3, upper: number },
    ],
  });
}

describe('while the session lives', () => {
  test('each message hears its number, and then its acknowledgement', async () => {
    const scene = new Scene({});
    const heard: (readonly [string, number, string])[] = [];
    const hear = (text: string) => (number: number, outcome: string) => heard.push([text, number, outcome]);
    const sent = ['a', 'b', 'c'].map((text) => scene.say(text, false, undefined, hear(text)));
    await scene.until(Promise.all(sent));
    expect(heard.filter(([text]) => text === 'b')).toEqual([
      ['b', 2, 'pending'],
      ['b', 2, 'acknowledged'],
    ]);
    expect(heard).toHaveLength(6);
  });

  test('a session that fails tells for each message whether the peer has it, will never have it, or may have it', async () => {
    const scene = new Scene({ maxRetryCount: 1, maxTransferWindowSize: 2 }, lossy);
    const heard: string[] = [];
    const say = (text: string) => scene.say(text, false, undefined, (number, what) => heard.push(`${number} ${what}`));
    await scene.until(say('one'));
    const others = ['two', 'three', 'four', 'five'].map(say);
    const [second, third, fourth, fifth] = await scene.until(Promise.allSettled(others));
    expect(third?.status).toBe('fulfilled');
    for (const one of [second, fourth, fifth]) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'RELIABLE_RETRIES_EXHAUSTED' } });
    }
    // The window was full with two and four: five was never sent, and has certainly not arrived.
    const expected = ['acknowledged', 'unknown', 'acknowledged', 'unknown', 'failed'];
    expect(heard.filter((what) => !what.endsWith('pending')).sort()).toEqual(
      expected.map((outcome, at) => `${at + 1} ${outcome}`),
    );
    expect([1, 2, 3, 4, 5].map((number) => scene.view?.outcome(number))).toEqual(expected);
    const { outcomes } = (second as PromiseRejectedResult).reason as ReliableError;
    expect([...outcomes]).toEqual([
      [2, 'unknown'],
      [4, 'unknown'],
      [5, 'failed'],
    ]);
  });
});

describe('from the store', () => {
  test('of a process that was killed: what is acknowledged is; the rest is pending until somebody takes it up', async () => {
    const store = memory();
    const killed = new Scene({ store, label: 'orders' }, (request, server) => {
      if (numberOf(request) === 2) throw lost();
      return server.good(request);
    });
    await killed.until(killed.say('one'));
    killed.say('two').catch(() => undefined);
    await killed.clock.advance(10);
    // Nothing more happens in that process.
    const [found, ...others] = await storedOutcomes(store, 'orders');
    expect(others).toEqual([]);
    expect(found).toMatchObject({ label: 'orders', to: to.href, state: 'unfinished', reason: undefined, submitted: 2 });
    expect(found?.sequence).toBe('urn:s');
    expect([1, 2, 3].map((number) => found?.outcome(number))).toEqual(['acknowledged', 'pending', 'failed']);
    const again = new Scene({ store, label: 'orders' });
    again.server.heard.push(...killed.server.heard);
    await again.until(again.channel.open());
    await again.until(again.channel.close());
    const [done] = await storedOutcomes(store, 'orders');
    expect(done).toMatchObject({ state: 'completed', submitted: 2, sequence: 'urn:s' });
    expect([1, 2].map((number) => done?.outcome(number))).toEqual(['acknowledged', 'acknowledged']);
  });

  test('of a session that failed: the reason and each outcome stay, its messages do not', async () => {
    const store = memory();
    const options = {
      store,
      label: 'orders',
      whenRetriesRunOut: 'fault',
      maxRetryCount: 1,
      maxTransferWindowSize: 2,
    } as const;
    const scene = new Scene(options, lossy);
    await scene.until(scene.say('one'));
    await scene.until(Promise.allSettled(['two', 'three', 'four', 'five'].map((text) => scene.say(text))));
    const [found] = await storedOutcomes(store, 'orders');
    expect(found).toMatchObject({ state: 'failed', reason: 'RELIABLE_RETRIES_EXHAUSTED', submitted: 5 });
    expect([1, 2, 3, 4, 5].map((number) => found?.outcome(number))).toEqual([
      'acknowledged',
      'unknown',
      'acknowledged',
      'unknown',
      'failed',
    ]);
    const [kept] = await store.sessions();
    expect(await Array.fromAsync(store.messages(kept?.session ?? ''))).toEqual([]);
  });

  test('remembered until the next session of the label begins, or for so long; 0: not at all', async () => {
    const store = memory();
    let made = 0;
    const whole = async (options: { readonly label: string; readonly rememberOutcomes?: number }, wait = 0) => {
      made += 1;
      const scene = new Scene({ store, random: seededRandom(made), ...options });
      await scene.clock.advance(wait);
      await scene.until(scene.say('one'));
      await scene.until(scene.channel.close());
    };
    await whole({ label: 'a' });
    await whole({ label: 'a' });
    expect(await store.sessions()).toHaveLength(1);
    await whole({ label: 'b' });
    expect(await store.sessions()).toHaveLength(2);
    await whole({ label: 'c', rememberOutcomes: 60_000 }, 120_000_000);
    expect(await storedOutcomes(store, 'a')).toEqual([]);
    expect(await store.sessions()).toHaveLength(1);
    await whole({ label: 'd', rememberOutcomes: 0 });
    expect(await storedOutcomes(store, 'd')).toEqual([]);
  });

  test('the same label at two places: two answers', async () => {
    const store = memory();
    for (const place of [to, new URL('http://other.example/')]) {
      const scene = new Scene({ store, label: 'orders', to: place, random: seededRandom(place.href.length) });
      await scene.until(scene.say('one'));
      await scene.until(scene.channel.close());
    }
    expect((await storedOutcomes(store, 'orders')).map((found) => found.to)).toEqual([
      to.href,
      'http://other.example/',
    ]);
  });

  test('a store that fails: RELIABLE_STORE', async () => {
    const store = memory();
    await store.close();
    await expect(storedOutcomes(store, 'orders')).rejects.toMatchObject({ code: 'RELIABLE_STORE' });
  });
});

describe('IncompleteSequenceBehavior (WS-RM 1.1, 3.4): what the peer does with messages behind a gap', () => {
  const ended = (unknown: readonly number[]): SourceState => ({
    phase: 'ended',
    reason: { code: 'RELIABLE_SEQUENCE_CLOSED', text: '' },
    next: 6,
    acknowledged: ranges([
      { lower: 1, upper: 2 },
      { lower: 4, upper: 4 },
    ]),
    unknown: ranges(unknown.map((number) => ({ lower: number, upper: number }))),
  });
  const all = (state: SourceState, behaviour: IncompleteSequenceBehavior | undefined) =>
    [1, 2, 3, 4, 5].map((number) => outcomeUnder(state, number, behaviour));

  test.each([
    [undefined, ['acknowledged', 'acknowledged', 'failed', 'acknowledged', 'failed']],
    ['NoDiscard', ['acknowledged', 'acknowledged', 'failed', 'acknowledged', 'failed']],
    ['DiscardFollowingFirstGap', ['acknowledged', 'acknowledged', 'failed', 'failed', 'failed']],
    ['DiscardEntireSequence', ['failed', 'failed', 'failed', 'failed', 'failed']],
  ] as const)('%s', (behaviour, expected) => {
    expect(all(ended([]), behaviour)).toEqual(expected);
  });

  test('where nobody knows whether the gap is one, nobody knows what follows it', () => {
    expect(all(ended([3]), 'DiscardFollowingFirstGap')[3]).toBe('unknown');
  });

  test('while the session lives, and where there is no gap, an acknowledgement is one', () => {
    const whole: SourceState = { ...ended([]), next: 3, acknowledged: [{ lower: 1, upper: 2 }] } as SourceState;
    expect(outcomeUnder(whole, 2, 'DiscardEntireSequence')).toBe('acknowledged');
  });

  test('the initiator keeps what the CreateSequenceResponse said', async () => {
    const store = memory();
    const scene = new Scene({ store, label: 'orders' }, (request, server) => {
      const answer = server.good(request);
      const { createSequence } = server.version.actions;
      if (request.action !== createSequence || answer === undefined) return answer;
      return server.created(request, 'urn:s', true, 'DiscardEntireSequence');
    });
    await scene.until(scene.say('one'));
    expect((await store.sessions())[0]?.state).toMatchObject({ behaviour: 'DiscardEntireSequence' });
  });
});
