/**
 * Two ends, and between them a network that makes two of a request. Nobody can tell the copy from the original, so whichever is verified
 * first is taken and the other refused as replayed; the sender hears what the script lets through, in the worst case the refusal alone.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { type Fate, type Leg, Network } from '../../src/channel/network.ts';
import { sendingThrough } from '../../src/channel/transform.ts';
import { peer, type Transport } from '../../src/channel/transport.ts';
import { amendContext } from '../../src/conversation/amendment.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { MemoryReplayCache, type ReplayCache } from '../../src/security/replay.ts';
import { addressingOf, answerable } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Fault } from '../../src/soap/errors.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { service as address, type Shape, saying } from '../conversation/duplex-rig.ts';
import type { Options } from '../conversation/rig.ts';
import { overTheWire } from '../reliable/ends.ts';
import { start } from '../security/rig.ts';
import { SimulationClock } from '../simulation/clock.ts';

const second = 1_000;
/** Of a key; it is renewed after 60 %. */
const life = 200 * second;
/** For how long the key before is taken. */
const rollover = 30 * second;

export interface Protection {
  readonly name: string;
  /** What TLS would say. */
  readonly secure: boolean;
  readonly make: (side: 'client' | 'service', common: Options) => Promise<BindingElement>;
  /** What is added to the security context, where there is one. */
  readonly added?: () => Promise<SecurityPolicy>;
}

export interface Setting {
  readonly protection: Protection;
  readonly shape: Shape | undefined;
  readonly session?: ReliableSessionOptions | undefined;
  readonly replay?: ReplayCache;
}

/**
 * What becomes of the first request with an action. `overtake`: the copy is taken, and the refusal of the original heard. `duplicate`: the
 * original is taken, and its answer heard. `race`: both come at once, the copy is taken, and the original refused before anybody knows that
 * the copy is. `forge`: it is taken, and a fault that nobody has secured heard in the place of its answer.
 */
export type Mishap = 'overtake' | 'duplicate' | 'race' | 'forge';

export interface Course {
  readonly served: readonly string[];
  readonly heard: readonly (string | undefined)[];
  /** How often each action went out. */
  readonly sent: ReadonlyMap<string, number>;
  /** Of the client, in the order in which they went out for the first time. */
  readonly requests: readonly string[];
  readonly replies: readonly string[];
  /** Of the service: sequences that were created, and those of them that did not end well; contexts, and those nobody cancelled. */
  readonly sequences: number;
  readonly leftSequences: number;
  readonly contexts: number;
  readonly leftContexts: number;
  readonly faults: readonly string[];
  /** What either end refused as replayed. */
  readonly refusals: number;
  readonly trouble: unknown;
}

/**
 * What the replay caches of both ends say: once the race is on, of two that come at once the first is refused, and the second let in when
 * whoever asked has been told of the refusal.
 */
class Race {
  /** What was refused as replayed. */
  refusals = 0;
  readonly #told = Promise.withResolvers<void>();
  /** Who waits for a copy of his, by key; others are let go when one has come. */
  readonly #waiting = new Map<string, (isFirst: boolean) => void>();
  #isOn = false;
  #isOver = false;
  readonly #clock: SimulationClock;

  constructor(clock: SimulationClock) {
    this.#clock = clock;
  }

  start(): void {
    this.#isOn = !this.#isOver;
  }

  told(): void {
    if (this.#isOver) this.#told.resolve();
  }

  at(inner: ReplayCache): ReplayCache {
    return {
      remember: async (...asked) => {
        const isNew = await this.#remember(inner, asked);
        if (!isNew) this.refusals += 1;
        return isNew;
      },
    };
  }

  #end(key: string | undefined): void {
    [this.#isOn, this.#isOver] = [false, true];
    for (const [one, resolve] of this.#waiting) resolve(one === key);
  }

  async #remember(inner: ReplayCache, asked: Parameters<ReplayCache['remember']>): Promise<boolean> {
    const [key] = asked;
    if (!this.#isOn) return inner.remember(...asked);
    if (!this.#waiting.has(key)) {
      const settled = new Promise<boolean>((resolve) => this.#waiting.set(key, resolve));
      // An answer that somebody waits for is examined once, however often it comes.
      void wait(this.#clock, second).then(() => this.#end(undefined));
      return (await settled) ? false : inner.remember(...asked);
    }
    const isNew = await inner.remember(...asked);
    this.#end(key);
    // Where nobody is told, time passes.
    await Promise.race([this.#told.promise, wait(this.#clock, second)]);
    return isNew;
  }
}

/** What is struck, and how. */
export interface Struck {
  readonly action: string;
  readonly mishap: Mishap;
  /** On one connection, who says it. */
  readonly way?: Leg['way'];
  /** For `forge`: what is heard, and how often. */
  readonly fault?: Fault;
  readonly times?: number;
}

/** One life of a client: opens, calls, tells, is silent, adds to its context, renews it, calls again, and closes. */
export async function course(
  { protection, shape, session, replay = new MemoryReplayCache() }: Setting,
  struck?: Struck,
): Promise<Course> {
  const known = { secure: protection.secure };
  const clock = new SimulationClock(start);
  const network = new Network({ clock, random: seededRandom(3), patience: second });
  const race = new Race(clock);
  const sent = new Map<string, number>();
  const requests: string[] = [];
  const replies: string[] = [];
  const faults: string[] = [];
  let left = struck === undefined ? 0 : (struck.times ?? 1);
  let lostAnswer: string | undefined;
  const isStruck = (leg: Leg) =>
    left > 0 && leg.way === (struck?.way ?? 'request') && leg.message?.action === struck?.action;
  network.script((leg): Fate | undefined => {
    const { message, way } = leg;
    if (message === undefined) return undefined;
    sent.set(message.action, (sent.get(message.action) ?? 0) + 1);
    const first = way === 'request' ? requests : replies;
    if (!first.includes(message.action)) first.push(message.action);
    const fault = faultOf(message);
    if (fault !== undefined) {
      faults.push(fault.subcode?.local ?? fault.code);
      race.told();
    }
    // Where answers are messages of their own, that of the copy is lost; on one connection none can be.
    if (fault === undefined && lostAnswer !== undefined && answerable(message)?.relatesTo === lostAnswer) {
      lostAnswer = undefined;
      return 'lose';
    }
    if (!isStruck(leg) || struck?.mishap === 'forge') return undefined;
    left -= 1;
    if (struck?.mishap === 'race') race.start();
    if (struck?.mishap !== 'duplicate' && shape?.isConnection === false) lostAnswer = addressingOf(message)?.messageId;
    return struck?.mishap === 'overtake' ? 'overtake' : 'duplicate';
  });
  /** Where somebody on the way answers in the place of the service, once. */
  const forging = (transport: Transport): Transport => ({
    ...transport,
    connect: (to) => (receive) => {
      const below = transport.connect(to)(receive);
      return sendingThrough(below, async (trip) => {
        const answered = await below.send(trip);
        if (left === 0 || struck?.mishap !== 'forge' || trip.message.action !== struck.action) return answered;
        left -= 1;
        const fault = struck.fault ?? { code: 'sender', reason: 'I do not know you.' };
        return delivery(overTheWire(faultReply(undefined, fault, { version: soap12 }))).with(peer, known);
      });
    },
  });
  const net = loopback({ network, peer: known, server: known, duplex: shape?.isConnection === true });
  const made = async (side: 'client' | 'service', seed: number, remembering: ReplayCache) => {
    const limits = { rollover };
    const common = {
      clock,
      random: seededRandom(seed),
      contextLifetime: life,
      to: address,
      limits,
      replay: remembering,
    };
    const element = await protection.make(side, common);
    const [elements, transport]: readonly [readonly BindingElement[], Transport] =
      shape === undefined ? [[element], net] : shape.below(element, net, clock);
    const reliable =
      session === undefined
        ? []
        : [
            reliableSession({
              clock,
              random: seededRandom(seed + 1),
              inactivityTimeout: 60 * second,
              to: address,
              ...session,
            }),
          ];
    const layers = [exchange({ addressing: addressing200508, to: address }), ...reliable, ...elements];
    return binding(layers, shape === undefined ? forging(transport) : transport);
  };
  const served: string[] = [];
  const serve: Carry = async (trip) => {
    const text = payload(trip.message)?.text ?? '';
    served.push(text);
    if (trip.message.action === 'urn:tell') return undefined;
    if (shape === undefined) return trip.carrying(saying('urn:answer', `re: ${text}`));
    const back = await callbackChannel(trip).send(delivery(saying('urn:back', `back: ${text}`)));
    return trip.carrying(saying('urn:answer', `re: ${text}, ${back && payload(back.message)?.text}`));
  };
  const [sequences, contexts] = [new Map<string, boolean>(), new Map<string, boolean>()];
  const hear = (message: unknown): void => {
    const event = message as { readonly event: string; readonly side?: string; readonly session?: string } & {
      readonly identifier?: string;
      readonly reason?: string;
    };
    if (event.event === 'sequence.created' && event.side === 'acceptor') sequences.set(event.session ?? '', false);
    if (event.event === 'sequence.terminated' && sequences.has(event.session ?? ''))
      sequences.set(event.session ?? '', event.reason === 'completed');
    if (event.event === 'context.issued') contexts.set(event.identifier ?? '', false);
    if (event.event === 'context.cancelled') contexts.set(event.identifier ?? '', true);
  };
  const rooms = ['surewire:reliable', 'surewire:conversation'];
  for (const room of rooms) subscribe(room, hear);
  const listener = await listen(await made('service', 11, race.at(replay)), address, serve);
  const channel = connect(await made('client', 21, race.at(new MemoryReplayCache())), address, async (trip) =>
    trip.carrying(saying('urn:heard', `heard ${payload(trip.message)?.text}`)),
  );
  const heard: (string | undefined)[] = [];
  const trouble = await lived({
    clock,
    channel,
    heard,
    added: await protection.added?.(),
    isQuiet: session !== undefined,
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await clock.until(listener.close(), 600 * second);
  for (const room of rooms) unsubscribe(room, hear);
  const unended = (of: ReadonlyMap<string, boolean>) => [...of.values()].filter((isOver) => !isOver).length;
  const counts = {
    sequences: sequences.size,
    leftSequences: unended(sequences),
    contexts: contexts.size,
    leftContexts: unended(contexts),
  };
  return { served, heard, sent, requests, replies, faults, refusals: race.refusals, trouble, ...counts };
}

async function lived({
  clock,
  channel,
  heard,
  added,
  isQuiet,
}: {
  readonly clock: SimulationClock;
  readonly channel: Channel;
  readonly heard: (string | undefined)[];
  readonly added: SecurityPolicy | undefined;
  readonly isQuiet: boolean;
}): Promise<void> {
  const until = <T>(work: Promise<T>) => clock.until(work, 600 * second);
  const pass = (ms: number) =>
    until(new Promise<void>((resolve) => void clock.at((clock.now() + ms) as ReturnType<typeof clock.now>, resolve)));
  const ask = async (text: string) => {
    const reply = await until(channel.send(delivery(saying('urn:ask', text))));
    heard.push(reply && payload(reply.message)?.text);
  };
  await until(channel.open());
  await ask('one');
  await until(channel.send(delivery(saying('urn:tell', 'two')).with(expectsReply, false)));
  if (added !== undefined) await until(amendContext(channel, added));
  if (isQuiet) await pass(45 * second);
  await ask('three');
  await pass(0.6 * life);
  await ask('four');
  // Should the key before be all that the client has, it is over by now.
  await pass(2 * rollover);
  await ask('five');
  await until(channel.close());
  const reason = await until(channel.closed);
  if (reason !== undefined) throw reason;
}
