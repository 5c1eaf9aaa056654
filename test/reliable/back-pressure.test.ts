/** A slow application is not a bad network: its source waits, and neither repeats for nothing nor gives up. */
import { describe, expect, test } from 'vitest';
import { wait } from '../../src/base/signals.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { memory } from '../../src/stores/memory.ts';
import { acceptorEnd } from './ends.ts';
import { Pair } from './pair.ts';
import { Client } from './peers.ts';

const count = 40;

async function through(options: ReliableSessionOptions, busy: number): Promise<Pair> {
  const seen: string[] = [];
  const pair = new Pair({ oneWay: true, ...options }, (clock) => async (trip) => {
    await wait(clock, busy);
    seen.push(/said[^>]*>([^<]*)</.exec(trip.message.body.toString())?.[1] ?? '');
    return undefined;
  });
  const texts = Array.from({ length: count }, (_, at) => `${at + 1}`);
  await pair.until(Promise.all(texts.map((text) => pair.say(text))), 100 * count * busy);
  await pair.until(pair.channel.close(), 100 * count * busy);
  await pair.clock.advance(count * busy);
  expect(seen).toEqual(texts);
  return pair;
}

describe.each(reliableVersions)('one-way, $name', (version) => {
  test('an application of 30 seconds a message: told the room, the source asks and hardly ever repeats', async () => {
    const pair = await through({ version, closeTimeout: 3_600_000 }, 30_000);
    const numbered = pair.sent.filter((of) => readHeaders(of)?.sequence !== undefined).length;
    // At most one copy was refused for each message that had to wait.
    expect(pair.view?.statistics.resent).toBeLessThanOrEqual(count - 8);
    expect(numbered).toBeLessThanOrEqual(2 * count);
    // Twenty minutes of work, asked after with growing pauses.
    expect(pair.sent.length).toBeLessThan(10 * count);
  });

  test('not told the room: copies are refused, further and further apart, and nobody gives up', async () => {
    const pair = await through({ version, flowControlEnabled: false, closeTimeout: 3_600_000 }, 30_000);
    expect(pair.view?.statistics.resent).toBeLessThan(8 * count);
  });
});

test('an application slower than all retries together (ten minutes a message) ends no session', async () => {
  const busy = 600_000;
  const seen: number[] = [];
  const pair = new Pair({ oneWay: true, maxTransferWindowSize: 1, closeTimeout: 86_400_000 }, (clock) => async () => {
    await wait(clock, busy);
    seen.push(clock.now());
    return undefined;
  });
  await pair.until(Promise.all(['one', 'two', 'three'].map((text) => pair.say(text))), 100 * busy);
  await pair.until(pair.channel.close(), 100 * busy);
  await pair.clock.advance(10 * busy);
  expect(seen).toHaveLength(3);
});

test('whoever asks is told that there is no room; whoever sends is told of room for one, as WCF needs it', async () => {
  const end = acceptorEnd({ maxTransferWindowSize: 2 }, () => new Promise(() => undefined));
  const client = await new Client(end, reliableVersions[0] ?? expect.unreachable()).create();
  const roomIn = async (answer: ReturnType<Client['ask']>) => {
    const found = await answer;
    return found === undefined ? undefined : readHeaders(found)?.acknowledgements[0]?.bufferRemaining;
  };
  const oneWay = { messageId: undefined };
  expect(await roomIn(client.ask(client.numbered(1, oneWay)))).toBe(1);
  expect(await roomIn(client.ask(client.numbered(2, oneWay)))).toBe(1);
  expect(await client.ask(client.numbered(3, oneWay))).toBeUndefined();
  expect(await roomIn(client.ask(client.ackRequested()))).toBe(0);
});

test('a store that fails when the acceptor opens is asked again by whoever comes next; nothing is taken up twice', async () => {
  const good = memory();
  const first = acceptorEnd({ store: good }, () => new Promise(() => undefined));
  const [version = expect.unreachable()] = reliableVersions;
  const client = await new Client(first, version).create();
  await client.ask(client.numbered(1, { messageId: undefined }));
  let failures = 2;
  let views = 0;
  const store = {
    ...good,
    sessions: () => (failures-- > 0 ? Promise.reject(new Error('the disk is away')) : good.sessions()),
    messages: (session: string) => good.messages(session),
    message: (session: string, direction: 'in' | 'out', number: number) => good.message(session, direction, number),
    commit: (change: Parameters<typeof good.commit>[0]) => good.commit(change),
    close: () => good.close(),
  };
  const onSession = () => {
    views += 1;
  };
  const again = acceptorEnd({ store, onSession }, () => new Promise(() => undefined));
  await expect(again.channel.open()).rejects.toMatchObject({ code: 'RELIABLE_STORE', transient: true });
  await expect(again.ask(client.ackRequested(), client.who)).rejects.toMatchObject({ code: 'RELIABLE_STORE' });
  const answer = await again.ask(client.ackRequested(), client.who);
  expect(answer === undefined ? undefined : readHeaders(answer)?.acknowledgements[0]?.ranges).toEqual([
    { lower: 1, upper: 1 },
  ]);
  await again.ask(client.ackRequested(), client.who);
  expect(views).toBe(1);
});
