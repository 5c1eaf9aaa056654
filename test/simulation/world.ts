/**
 * A whole world in virtual time: an initiator, an acceptor, and a network between them that loses, repeats, delays,
 * reorders and breaks as its seed says, until it heals. One seed is one schedule, and can be had again.
 *
 * At the level `octets` each leg is written to octets and read again (loopback.ts, network.ts); at the level `messages` it
 * crosses as the value it is (wire.ts). Everything above, drivers and reducers, is the same.
 */
import { type Random, seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import type { Listener, Transport } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { position } from '../../src/reliable/position.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { SimulationClock } from './clock.ts';
import type { Level, Shape } from './shapes.ts';
import { weather } from './weather.ts';
import { wire } from './wire.ts';

const address: URL = new URL('http://service.example/box');

/** When the network stops misbehaving, in milliseconds from the start. */
const healsAfter = 30_000;
/** Opening and closing wait for the network to heal and for the back-off that grew before, in milliseconds. */
const patience = 600_000;
/** A session that has not ended by then never will. */
const endOfTime = 1_200_000;

export type Watch = (message: Message, way: 'request' | 'reply') => void;

export interface WorldOptions {
  readonly level?: Level;
  /** Sees each message as it is sent, before its fate is known. */
  readonly watch?: Watch;
}

export class World {
  readonly clock: SimulationClock = new SimulationClock();
  readonly random: Random;
  /** What the application behind the acceptor finished, in that order. */
  readonly done: {
    readonly text: string;
    readonly sequence: string;
    readonly number: number;
  }[] = [];
  /** What the application at the initiator was told unasked, in that order. */
  readonly called: string[] = [];
  readonly #never: AbortSignal = new AbortController().signal;
  readonly #shape: Shape;
  readonly #transport: Transport;
  /** Raised by a crash: what the process before was doing is not done. */
  #generation = 0;

  constructor(shape: Shape, seed: number, { level = 'octets', watch }: WorldOptions = {}) {
    this.#shape = shape;
    this.random = seededRandom(seed);
    this.#transport = this.#transportOf(level, watch ?? (() => undefined));
  }

  #transportOf(level: Level, watch: Watch): Transport {
    const { clock, random } = this;
    const today = weather(random);
    const start = clock.now();
    const isHealed = () => clock.now() - start >= healsAfter;
    if (level === 'messages') {
      return wire({
        clock,
        random,
        weather: today,
        isHealed,
        watch,
        never: this.#never,
      });
    }
    const network = new Network({
      clock,
      random,
      ...today,
      delay: [1, today.slowest],
    });
    network.script((leg) => {
      if (leg.message !== undefined) watch(leg.message, leg.way);
      return isHealed() ? 'pass' : undefined;
    });
    return loopback({ network, duplex: this.#shape.pattern === 'duplex' });
  }

  #binding(options: ReliableSessionOptions): Binding {
    const { version, soap, ordered, pattern } = this.#shape;
    const { clock, random } = this;
    const session = reliableSession({
      version,
      soap,
      ordered,
      oneWay: pattern === 'one-way',
      clock,
      random,
      maxRetryCount: 40,
      openTimeout: patience,
      closeTimeout: patience,
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
      this.done.push({
        text,
        sequence: at?.sequence ?? '',
        number: at?.number ?? 0,
      });
      if (this.#shape.pattern === 'duplex') await this.say(callbackChannel(trip), `back: ${text}`, false);
      return this.#shape.pattern === 'one-way' ? undefined : trip.carrying(this.#saying(`re: ${text}`));
    });
  }

  /** The process of the acceptor is gone; nothing it was doing is finished. */
  crash(): void {
    this.#generation += 1;
  }

  connect(options: ReliableSessionOptions = {}): Channel {
    return connect(this.#binding(options), address, async (trip) => {
      this.called.push(payload(trip.message)?.text ?? '');
      return undefined;
    });
  }

  /** Sends `text`; the value is the text of the reply, or `undefined`. */
  async say(
    channel: Channel,
    text: string,
    asks: boolean = this.#shape.pattern !== 'one-way',
  ): Promise<string | undefined> {
    const trip = delivery(this.#saying(text), this.#never).with(expectsReply, asks);
    const reply = await channel.send(trip);
    return reply === undefined ? undefined : payload(reply.message)?.text;
  }

  #saying(text: string): ReturnType<typeof message> {
    const body = new XmlWriter().element('urn:world', 'said', text).finish();
    return message({
      version: this.#shape.soap,
      action: 'urn:world:say',
      body,
    });
  }

  /** Lets time pass until `work` has settled. */
  until<T>(work: Promise<T>): Promise<T> {
    return this.clock.until(work, endOfTime);
  }
}
