/**
 * The laws of a session, and one schedule held to them: exactly once, in order where asked, every reply to its request,
 * acknowledgements that only grow, and a good end once the network has healed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../src/base/random.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { covers, none, type Ranges, union } from '../../src/reliable/ranges.ts';
import type { Message } from '../../src/soap/message.ts';
import type { Level, Shape } from './shapes.ts';
import { type Watch, World } from './world.ts';

/** Runs one schedule to its end; throws the law that does not hold. */
export async function obey(shape: Shape, level: Level, seed: number): Promise<void> {
  const now = () => world.clock.now();
  const grows = growing(now);
  const copies = repeating();
  const watch: Watch = (message, way) => {
    grows(message, way);
    if (shape.pattern === 'duplex') copies.watch(message);
  };
  const world: World = new World(shape, seed, { level, watch });
  const { messages, atOnce } = plan(world.random);
  const texts = Array.from({ length: messages }, (_, at) => `message ${at + 1}`);
  const listener = await world.listen();
  const channel = world.connect();
  const replies = await world.until(
    (async () => {
      if (atOnce) return Promise.all(texts.map((text) => world.say(channel, text)));
      const replies: (string | undefined)[] = [];
      for (const text of texts) replies.push(await world.say(channel, text));
      return replies;
    })(),
  );
  await world.until(channel.close());
  await world.until(listener.close());
  const heard = world.done.map(({ text }) => text);
  holds('each message is handed up exactly once', [...heard].sort(), [...texts].sort());
  if (shape.ordered) holds('messages are handed up in order', heard, texts);
  const oneWay = shape.pattern === 'one-way';
  const expected = texts.map((text) => (oneWay ? undefined : `re: ${text}`));
  holds('each request gets its own reply', replies, expected);
  if (shape.pattern === 'duplex') {
    const back = texts.map((text) => `back: ${text}`);
    holds('each message back is handed up exactly once', [...world.called].sort(), [...back].sort());
    if (shape.ordered) holds('messages back are handed up in order', world.called, back);
  }
  holds('copies acknowledge what those before them did', copies.broken, []);
  holds('the session ends well', await channel.closed, undefined);
}

function holds(law: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${law}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

interface Said {
  readonly at: number;
  /** By acknowledgements of earlier instants. */
  readonly before: Ranges;
  readonly now: Ranges;
}

/**
 * Watches the acknowledgements of each sequence as they are sent: none takes back what one of an earlier instant said. What
 * is sent in one instant has no order. A numbered reply is kept as it was made, and says what was true then whenever it is
 * sent again: it is left out.
 */
function growing(now: () => number): Watch {
  const sequences = new Map<string, Said>();
  return (message, way) => {
    const headers = readHeaders(message);
    if (headers === undefined || (way === 'reply' && headers.sequence !== undefined)) return;
    for (const { id, ranges, nacks } of headers.acknowledgements) {
      if (nacks.length > 0) continue;
      const said = sequences.get(id) ?? { at: now(), before: none, now: none };
      const isNow = said.at === now();
      const before = isNow ? said.before : union(said.before, said.now);
      if (!covers(ranges, before)) {
        const had = JSON.stringify(before);
        throw new Error(`acknowledgements only grow: ${id} had ${had}, then ${JSON.stringify(ranges)}`);
      }
      sequences.set(id, {
        at: now(),
        before,
        now: isNow ? union(said.now, ranges) : ranges,
      });
    }
  };
}

/** What copies did not acknowledge, one line each; nothing where the law holds. */
export interface Copies {
  readonly watch: (message: Message) => void;
  readonly broken: readonly string[];
}

/**
 * Watches the copies of each message of a duplex session as they are sent: what one has acknowledged, the next acknowledges too. The
 * one before may be lost, or wait for a client to fetch it and be replaced.
 */
export function repeating(): Copies {
  const said = new Map<string, ReadonlyMap<string, Ranges>>();
  const broken: string[] = [];
  const watch = (message: Message) => {
    const headers = readHeaders(message);
    if (headers?.sequence === undefined) return;
    const { id, number } = headers.sequence;
    const now = new Map(headers.acknowledgements.map((block) => [block.id, block.ranges]));
    for (const [of, before] of said.get(`${id} ${number}`) ?? []) {
      const ranges = now.get(of) ?? none;
      if (covers(ranges, before)) continue;
      broken.push(`message ${number} had ${JSON.stringify(before)}, its copy ${JSON.stringify(ranges)}`);
    }
    said.set(`${id} ${number}`, now);
  };
  return { watch, broken };
}

/** Numbers of messages and of callers, drawn from chance: most sessions are short, some fill the window. */
function plan(random: Random): {
  readonly messages: number;
  readonly atOnce: boolean;
} {
  const most = random.fraction() < 0.8 ? 4 : 10;
  return {
    messages: 1 + Math.floor(random.fraction() * most),
    atOnce: random.fraction() < 0.6,
  };
}
