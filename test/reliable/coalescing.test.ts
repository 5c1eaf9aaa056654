/**
 * One acknowledgement for the one-way messages of a turn, at both ends: who carries it, who still gets one of their own, and what a
 * source makes of the empty answers (WCF's one-way channel counts ranges, its request channel waits for each answer).
 */
import { describe, expect, test } from 'vitest';
import { instant, VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Delivery } from '../../src/channel/delivery.ts';
import { type Turn, turn } from '../../src/channel/turn.ts';
import { ackRequestedHeader, readHeaders } from '../../src/reliable/headers.ts';
import type { Bare } from '../../src/reliable/interpret.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { settingsOf, transmissionOf } from '../../src/reliable/settings.ts';
import { source } from '../../src/reliable/source.ts';
import {
  ledgerOf,
  noSource,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
} from '../../src/reliable/source-state.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { withHeaders } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { acceptorEnd } from './ends.ts';
import { Client } from './peers.ts';
import { numberOf, Scene } from './scene.ts';

/** A turn that ends when the test says so. */
class Hand implements Turn {
  #tasks: (() => void)[] = [];

  atEnd(task: () => void): void {
    this.#tasks.push(task);
  }

  end(): void {
    for (const task of this.#tasks.splice(0)) task();
  }
}

async function scene(options: ReliableSessionOptions = {}, offer?: string) {
  const hand = new Hand();
  const end = acceptorEnd({ clock: new VirtualClock(), random: seededRandom(5), ...options }, async () => undefined);
  const client = new Client(end, reliable200702, offer === undefined ? {} : { offer });
  await client.create();
  const inTurn = (trip: Delivery) => client.who(trip).with(turn, hand);
  const ask = (request: Message) => end.ask(request, inTurn);
  const oneWay = (number: number) => client.numbered(number, { messageId: undefined });
  return { hand, client, ask, oneWay };
}

const upper = (answer: Message | undefined) =>
  answer === undefined ? undefined : readHeaders(answer)?.acknowledgements[0]?.ranges.at(-1)?.upper;
const asking = (of: Message, id: string) => withHeaders(of, [ackRequestedHeader(reliable200702, soap12, id)]);
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the acceptor', () => {
  test.each([
    ['in memory', {}],
    ['in a store', { store: memory() }],
  ])('answers the last message of a turn for all of them, %s', async (_, options) => {
    const { hand, ask, oneWay } = await scene(options);
    const heard: (number | undefined)[] = [];
    const answers = [1, 2, 3].map((number) => ask(oneWay(number)).then((answer) => heard.push(upper(answer))));
    await settled();
    // All at once, and the carrier behind the others.
    expect(heard).toEqual([]);
    hand.end();
    await Promise.all(answers);
    expect(heard).toEqual([undefined, undefined, 3]);
  });

  test('answers a lone message with its acknowledgement, turn after turn', async () => {
    const { hand, ask, oneWay } = await scene();
    for (const number of [1, 2]) {
      const answer = ask(oneWay(number));
      hand.end();
      expect(upper(await answer)).toBe(number);
    }
  });

  test('gives an acknowledgement of its own to a message that asks for one, and to a copy: what was lost with its carrier', async () => {
    const { hand, client, ask, oneWay } = await scene();
    const lost = ask(oneWay(1));
    hand.end();
    await lost;
    const asked = ask(asking(oneWay(2), client.id));
    const copy = ask(oneWay(1));
    const behind = ask(oneWay(3));
    // Before the turn ends: neither waits for it.
    expect([upper(await asked), upper(await copy)]).toEqual([2, 2]);
    hand.end();
    expect(upper(await behind)).toBe(3);
  });

  test('a session that ends before its turn does has acknowledged all of it', async () => {
    const { hand, client, ask, oneWay } = await scene({ store: memory() });
    const answers = [1, 2, 3].map((number) => ask(oneWay(number)));
    await settled();
    const ended = ask(client.about('TerminateSequence', 3));
    await settled();
    hand.end();
    expect((await Promise.all([...answers, ended])).map(upper)).toEqual([undefined, undefined, 3, 3]);
  });

  test('answers each message of a client that offered a sequence: WCF may wait for every answer there', async () => {
    const { ask, oneWay } = await scene({}, 'urn:offer');
    const answers = await Promise.all([1, 2].map((number) => ask(oneWay(number))));
    expect(answers.map((answer) => (upper(answer) ?? 0) > 0)).toEqual([true, true]);
  });

  test('does not let a message that it dropped carry for the others, nor an exchange that never ends', async () => {
    const { hand, ask, oneWay } = await scene({ maxTransferWindowSize: 2 });
    const taken = [1, 2].map((number) => ask(oneWay(number)));
    const dropped = ask(oneWay(9));
    hand.end();
    expect((await Promise.all([...taken, dropped])).map(upper)).toEqual([undefined, 2, undefined]);
  });
});

describe('the initiator', () => {
  /** A session with room for two messages, whose peer answers message 2 with nothing; what was asked of the peer after that. */
  async function silent(turns: Turn | undefined, answered: number, end: () => void): Promise<readonly string[]> {
    const scene = new Scene(
      {},
      (request, server) => {
        const good = server.good(request);
        return numberOf(request) === 2 ? undefined : good;
      },
      turns,
    );
    await scene.until(scene.channel.open());
    await scene.until(scene.say('one'));
    const before = scene.sent.length;
    const said = Array.from({ length: answered }, (_, at) => scene.say(`${at + 2}`));
    await settled();
    const early = scene.actions.slice(before + answered);
    end();
    await settled();
    const late = scene.actions.slice(before + answered);
    expect(early).toEqual(turns === undefined ? late : []);
    await scene.until(Promise.all(said));
    return late;
  }

  test('asks nothing about an empty answer that another answer of the turn explains, and at once where there are no turns', async () => {
    const hand = new Hand();
    expect(await silent(hand, 2, () => hand.end())).toEqual([]);
    expect(await silent(undefined, 2, () => undefined)).toEqual(['AckRequested']);
  });

  test('asks at the end of the turn what a lone empty answer means', async () => {
    const hand = new Hand();
    expect(await silent(hand, 1, () => hand.end())).toEqual(['AckRequested']);
  });
});

const policy = transmissionOf(settingsOf({ maxTransferWindowSize: 8 }), reliable200702, 'timer');

/** A source with `count` messages under way at time 0 whose window is open. */
class Play {
  state: SourceState = noSource;
  effects: readonly SourceEffect[] = [];

  on(event: Bare<SourceEvent>, at: number): this {
    [this.state, this.effects] = source(this.state, { ...event, now: instant(at), jitter: 0 } as SourceEvent, policy);
    return this;
  }

  get polls(): number {
    return this.effects.filter(({ effect }) => effect === 'poll').length;
  }

  get sent(): readonly number[] {
    return this.effects.flatMap((one) => (one.effect === 'transmit' ? [one.number] : []));
  }
}

const submit = { kind: 'submit', expects: 'acknowledgement' } as const;
const empty = (number: number) => ({ kind: 'refused', number, empty: true }) as const;
const acknowledged = (to: number, from = 1) =>
  ({
    kind: 'acknowledgement',
    ranges: [{ lower: from, upper: to }],
    nacks: [],
    final: false,
    bufferRemaining: undefined,
  }) as const;

/** One that has seen an empty answer acknowledged by another answer, with messages 5 to 8 under way. */
function learned(): Play {
  const play = new Play().on({ kind: 'open' }, 0).on({ kind: 'created', id: 'urn:s' }, 100);
  for (let number = 1; number <= 8; number += 1) play.on(submit, 100);
  play.on(acknowledged(1), 200).on(acknowledged(2), 300);
  return play.on(empty(3), 400).on(acknowledged(4), 400);
}

describe('the source', () => {
  test('asks at once what an empty answer means, until it has seen one acknowledged by another', () => {
    const play = new Play().on({ kind: 'open' }, 0).on({ kind: 'created', id: 'urn:s' }, 100);
    for (let number = 1; number <= 4; number += 1) play.on(submit, 100);
    play.on(acknowledged(1), 200);
    expect(play.on(empty(2), 300).polls).toBe(1);
    expect(ledgerOf(learned().state)?.coalesces).toBe(true);
  });

  test('waits then for the answers that are to come, and asks when the last of them is empty too', () => {
    const play = learned();
    const numbers = ledgerOf(play.state)?.flights.map(({ number }) => number) ?? [];
    expect(numbers).toEqual([5, 6, 7, 8]);
    expect(numbers.map((number) => play.on(empty(number), 500).polls)).toEqual([0, 0, 0, 1]);
    expect(play.on(acknowledged(8), 600).effects.filter(({ effect }) => effect === 'settled')).toHaveLength(4);
  });

  test('does not send again what an answer may still acknowledge, but what an acknowledgement passes over', () => {
    const play = learned().on(empty(6), 500).on(empty(7), 500);
    expect(play.on(acknowledged(5), 500).sent).toEqual([]);
    const passed = learned()
      .on(empty(6), 500)
      .on(
        {
          ...acknowledged(5),
          ranges: [
            { lower: 1, upper: 5 },
            { lower: 7, upper: 7 },
          ],
        },
        500,
      );
    expect(passed.sent).toEqual([6]);
  });

  test('sends again in time when the answer that carried the acknowledgement is lost, and counts no loss of the network', () => {
    const play = learned();
    for (const number of [5, 6, 7]) play.on(empty(number), 500);
    const before = ledgerOf(play.state);
    const again = play.on({ kind: 'elapsed' }, 400 + 10_000);
    expect(again.sent.length).toBeGreaterThan(0);
    expect(ledgerOf(again.state)?.window).toEqual(before?.window);
    expect(ledgerOf(again.state)?.coalesces).toBe(false);
  });

  test('takes no round trip from a message that the answer to another acknowledged', () => {
    const play = learned();
    const before = ledgerOf(play.state)?.roundTrip;
    for (const number of [5, 6, 7, 8]) play.on(empty(number), 500);
    play.on(acknowledged(8), 400_000);
    expect(ledgerOf(play.state)?.roundTrip).toEqual(before);
  });
});
