/**
 * A whole world in virtual time: an initiator, an acceptor, and a network between them that loses, repeats, delays,
 * reorders and breaks as its seed says, until it heals. One seed is one schedule, and can be had again.
 */
import { VirtualClock } from '../../src/base/clock.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { position } from '../../src/reliable/position.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { SoapVersion } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';

export interface Shape {
  readonly version: ReliableVersion;
  readonly soap: SoapVersion;
  readonly ordered: boolean;
  readonly oneWay: boolean;
}

interface Weather {
  readonly loseRequest: number;
  readonly loseReply: number;
  readonly duplicate: number;
  readonly break: number;
  readonly reorder: number;
}

/** A bad day drawn from chance; now and then a calm one. */
function weather(random: Random): Weather {
  const upTo = (most: number) => (random.fraction() < 0.25 ? 0 : random.fraction() * most);
  return { loseRequest: upTo(0.4), loseReply: upTo(0.4), duplicate: upTo(0.4), break: upTo(0.2), reorder: upTo(0.4) };
}

const address: URL = new URL('http://service.example/box');

/** When the network stops misbehaving, in milliseconds from the start. */
const healsAfter = 30_000;
/** A session that has not ended by then never will. */
const endOfTime = 1_200_000;

export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: Random;
  readonly network: Network;
  /** What the application behind the acceptor finished, in that order. */
  readonly done: { readonly text: string; readonly sequence: string; readonly number: number }[] = [];
  readonly #shape: Shape;
  readonly #transport: ReturnType<typeof loopback>;
  /** Raised by a crash: what the process before was doing is not done. */
  #generation = 0;

  constructor(shape: Shape, seed: number) {
    this.#shape = shape;
    this.random = seededRandom(seed);
    const start = this.clock.now();
    this.network = new Network({
      clock: this.clock,
      random: this.random,
      ...weather(this.random),
      delay: [1, 1 + Math.floor(this.random.fraction() * 400)],
      reorderBy: 300,
      patience: 2_500,
    });
    this.network.script(() => (this.clock.now() - start >= healsAfter ? 'pass' : undefined));
    this.#transport = loopback({ network: this.network });
  }

  #binding(options: ReliableSessionOptions): Binding {
    const { version, soap, ordered, oneWay } = this.#shape;
    const { clock, random } = this;
    const session = reliableSession({
      version,
      soap,
      ordered,
      oneWay,
      clock,
      random,
      maxRetryCount: 40,
      to: address,
      ...options,
    });
    return binding([exchange({ addressing: addressing200508, to: address, random }), session], this.#transport);
  }

  /** An acceptor whose application takes its time and answers `text` with `re: text`. */
  listen(store?: SessionStore): Promise<Listener> {
    const generation = this.#generation;
    const options: ReliableSessionOptions = store === undefined ? {} : { store };
    return listen(this.#binding(options), address, async (trip) => {
      await wait(this.clock, Math.floor(this.random.fraction() * 50));
      if (generation !== this.#generation) return new Promise(() => undefined);
      const text = payload(trip.message)?.text ?? '';
      const at = trip.get(position);
      this.done.push({ text, sequence: at?.sequence ?? '', number: at?.number ?? 0 });
      return this.#shape.oneWay ? undefined : trip.carrying(this.#saying(`re: ${text}`));
    });
  }

  /** The process of the acceptor is gone; nothing it was doing is finished. */
  crash(): void {
    this.#generation += 1;
  }

  connect(options: ReliableSessionOptions = {}): Channel {
    return connect(this.#binding(options), address);
  }

  /** Sends `text`; the value is the text of the reply, or `undefined`. */
  async say(channel: Channel, text: string): Promise<string | undefined> {
    const trip = delivery(this.#saying(text)).with(expectsReply, !this.#shape.oneWay);
    const reply = await channel.send(trip);
    return reply === undefined ? undefined : payload(reply.message)?.text;
  }

  #saying(text: string): ReturnType<typeof message> {
    const body = new XmlWriter().element('urn:world', 'said', text).finish();
    return message({ version: this.#shape.soap, action: 'urn:world:say', body });
  }

  /** Lets time pass until `work` has settled. */
  async until<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    work.then(mark, mark);
    const start = this.clock.now();
    while (!settled) {
      const { next } = this.clock;
      if (this.clock.now() - start > endOfTime) throw new Error('time is over and the work is not done');
      await this.clock.advance(next === undefined ? 1_000 : Math.max(0, next - this.clock.now()));
    }
    return work;
  }
}

/** Numbers of messages and of callers, drawn from chance. */
export function plan(random: Random): { readonly messages: number; readonly atOnce: boolean } {
  return { messages: 1 + Math.floor(random.fraction() * 7), atOnce: random.fraction() < 0.6 };
}
