/**
 * Either end of a duplex session dies at each of its commits, just before or just after it is durable, and is started again from
 * its store: every message still arrives, both ways, in order, and no position of a sequence is handed up twice but where a
 * handler was at work when its process died.
 */
import { describe, expect, test } from 'vitest';
import { wait } from '../../../src/base/signals.ts';
import { binding } from '../../../src/channel/binding.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import type { Channel } from '../../../src/channel/channel.ts';
import type { Carry, Delivery } from '../../../src/channel/delivery.ts';
import { loopback } from '../../../src/channel/loopback.ts';
import type { Listener } from '../../../src/channel/transport.ts';
import { compositeDuplex } from '../../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../../src/connection/make-connection.ts';
import { storedOutcomes } from '../../../src/reliable/outcomes.ts';
import { position } from '../../../src/reliable/position.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import { reliableVersions } from '../../../src/reliable/versions/table.ts';
import { memory } from '../../../src/stores/memory.ts';
import { type Death, isEnded, mortal, noMore, Process } from '../../simulation/mortal.ts';
import { DuplexWorld, type DuplexWorldOptions, textOf } from './world.ts';

const texts = ['one', 'tell two', 'tell three', 'four'] as const;
const backs = ['back: tell two', 'back: tell three'];
/** Long enough for the last retransmission of what nobody answers any more, in milliseconds. */
const hours = 7_200_000;

/** What an application heard: the text at each position of a sequence, in the order in which positions were first heard. */
class Heard {
  readonly at: Map<string, string> = new Map();
  isRepeated = false;

  note(trip: Delivery): string {
    const text = textOf(trip.message) ?? '';
    const { sequence = '', number = 0 } = trip.get(position) ?? {};
    const key = `${sequence} ${number}`;
    expect(this.at.get(key) ?? text, 'one position, one text').toBe(text);
    this.isRepeated ||= this.at.has(key);
    this.at.set(key, text);
    return text;
  }

  get texts(): readonly string[] {
    return [...this.at.values()];
  }
}

class Pair {
  readonly world: DuplexWorld;
  readonly served: Heard = new Heard();
  readonly called: Heard = new Heard();

  constructor(options: DuplexWorldOptions, seed: number) {
    this.world = new DuplexWorld(seed, { maxRetryCount: 8, ...options });
  }

  /** The service: calls back, then it is done. */
  listen(process: Process, options: ReliableSessionOptions): Promise<Listener> {
    const serve: Carry = async (trip) => {
      const text = this.served.note(trip);
      if (text.startsWith('tell'))
        await this.world.say(callbackChannel(trip), `back: ${text}`, false).catch(() => undefined);
      return undefined;
    };
    return this.world.listen(serve, options, process.transport);
  }

  connect(process: Process, options: ReliableSessionOptions): Channel {
    const hear: Carry = async (trip) => {
      this.called.note(trip);
      return undefined;
    };
    return this.world.connect({ label: 'orders', ...options }, process.transport, hear);
  }

  /** Sends what the session has not submitted yet. */
  async send(channel: Channel, from: () => number): Promise<void> {
    await channel.open();
    await Promise.all(texts.slice(from()).map((text) => this.world.say(channel, text, false)));
  }
}

/** More commits than either end makes. */
const most = 40;

const callbackAddress = new URL('http://client.example:0/callback');
const shapes: readonly { readonly name: string; readonly over?: DuplexWorldOptions['over'] }[] = [
  { name: 'one connection' },
  {
    name: 'MakeConnection',
    over: ({ network, clock, random }) => makeConnection(binding([], loopback({ network })), { clock, random }),
  },
  {
    name: 'two connections',
    over: ({ network, clock }) =>
      compositeDuplex(loopback({ network }), { clock, callbackAddress, replyHosts: ['client.example'] }),
  },
];
const cases = shapes.flatMap(({ name, over }) =>
  reliableVersions.map((version) => ({
    name: `${name}, ${version.name}`,
    version,
    options: { version, ...(over === undefined ? {} : { over }) },
    isConnection: over === undefined,
  })),
);

describe.each(cases)('$name', ({ version, options }) => {
  test.each(['before', 'after'] as const)(
    'the initiator dies %s each commit and is taken up by its label',
    async (when) => {
      let deaths = 0;
      for (let commit = 1; commit <= most; commit += 1) {
        const pair = new Pair(options, 500 + commit);
        const { world } = pair;
        const listener = await world.until(pair.listen(new Process(world.transport), { store: memory() }));
        const store = memory();
        const first = new Process(world.transport);
        const killed = Promise.withResolvers<'killed'>();
        const death: Death = { commit, when };
        const doomed = pair.connect(first, { store: mortal(store, death, () => killed.resolve('killed')) });
        const whole = pair.send(doomed, () => 0).then(() => doomed.close());
        whole.catch(() => undefined);
        if ((await world.until(Promise.race([whole, killed.promise]))) === 'killed') {
          deaths += 1;
          first.kill();
          const isUnfinished = (await store.sessions()).some(({ state }) => !isEnded(state));
          // When it died after the last commit there is nothing to be taken up.
          if (isUnfinished || commit < 5) {
            let submitted = 0;
            const onSession: ReliableSessionOptions['onSession'] = (view) => {
              submitted = view.submitted;
            };
            const again = pair.connect(new Process(world.transport), { store, onSession });
            await world.until(pair.send(again, () => submitted));
            await world.until(again.close());
          }
        }
        const at = `${when} commit ${commit}`;
        expect(pair.served.texts, at).toEqual(texts);
        expect(pair.served.isRepeated, at).toBe(false);
        expect(pair.called.texts, at).toEqual(backs);
        const [outcomes] = await storedOutcomes(store, 'orders');
        expect(outcomes, at).toMatchObject({ state: 'completed', submitted: version.shutdown === 'close' ? 4 : 5 });
        expect(await Array.fromAsync(store.messages((await store.sessions())[0]?.session ?? '')), at).toEqual([]);
        await world.until(listener.close());
      }
      expect(deaths).toBeGreaterThan(12);
      expect(deaths, 'there are no more commits than were tried').toBeLessThan(most);
    },
  );
});

describe.each(cases)('$name', ({ options, isConnection }) => {
  /** Without a connection that breaks, a client that has nothing more to say does not hear that its service was started again. */
  const closed = (channel: Channel): Promise<void> =>
    channel.close().catch((thrown: unknown) => {
      if (isConnection) throw thrown;
      expect(thrown).toMatchObject({ code: 'RELIABLE_CLOSE_TIMEOUT', outcomes: new Map() });
    });

  test.each(['before', 'after'] as const)(
    'M25 the acceptor dies %s each commit',
    { timeout: 300_000 },
    async (when) => {
      let deaths = 0;
      for (let commit = 1; commit <= most; commit += 1) {
        const pair = new Pair(options, 900 + commit);
        const { world } = pair;
        const store = memory();
        const first = new Process(world.transport);
        let second: Promise<Listener> | undefined;
        let listener: Listener | undefined;
        const died = () => {
          deaths += 1;
          first.kill();
          second = listener
            ?.close(AbortSignal.abort(noMore))
            .then(() => pair.listen(new Process(world.transport), { store }));
        };
        listener = await world.until(pair.listen(first, { store: mortal(store, { commit, when }, died) }));
        const channel = pair.connect(new Process(world.transport), { store: memory() });
        await world.until(pair.send(channel, () => 0).then(() => closed(channel)));
        // What the service still has to say of the end it says now.
        await world.until(wait(world.clock, hours), hours + 1);
        const at = `${when} commit ${commit}`;
        expect(pair.served.texts, at).toEqual(texts);
        // A handler that was at work when its process died works once more, and calls back once more.
        const called = [...pair.called.texts];
        expect([...new Set(called)], at).toEqual(backs);
        expect(called.length - backs.length, at).toBeLessThanOrEqual(1);
        expect(pair.called.isRepeated, at).toBe(false);
        if (second !== undefined) {
          // Sessions are taken up when anybody connects. A client that has gone in good order says nothing more: its session ends
          // by itself.
          const other = pair.connect(new Process(world.transport), { store: memory(), label: 'another' });
          await world.until(second.then(() => other.open()).then(() => other.close()));
          await world.until(wait(world.clock, hours), hours + 1);
        }
        await world.until((second ?? Promise.resolve(listener)).then((one) => one.close()));
        expect(await store.sessions(), at).toEqual([]);
        if (deaths < commit) break;
      }
      expect(deaths).toBeGreaterThan(12);
      expect(deaths).toBeLessThan(most);
    },
  );
});
