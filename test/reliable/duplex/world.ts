/**
 * A duplex world in virtual time: an initiator and an acceptor that both send unasked, and connections between them that lose,
 * repeat, delay, reorder and break, as the seed says, until the network heals.
 */
import { type Random, seededRandom } from '../../../src/base/random.ts';
import { wait } from '../../../src/base/signals.ts';
import { binding, connect, listen } from '../../../src/channel/binding.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import type { BindingElement, Channel } from '../../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../../src/channel/delivery.ts';
import { loopback } from '../../../src/channel/loopback.ts';
import { Network, type NetworkOptions } from '../../../src/channel/network.ts';
import type { Listener, Transport } from '../../../src/channel/transport.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import { addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { message, payload } from '../../../src/soap/envelope.ts';
import type { Message } from '../../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../../src/soap/version.ts';
import { XmlWriter } from '../../../src/xml/write.ts';
import { SimulationClock } from '../../simulation/clock.ts';

const address = new URL('http://service.example/box');

export interface DuplexWorldOptions extends ReliableSessionOptions {
  readonly network?: NetworkOptions;
  /** Milliseconds after which nothing bad happens any more; never where not given. */
  readonly healsAfter?: number;
  /** What makes connections over the network; a duplex loopback where not given. */
  readonly over?: (world: DuplexWorld) => Transport;
}

export class DuplexWorld {
  readonly clock: SimulationClock = new SimulationClock();
  readonly random: Random;
  readonly network: Network;
  readonly transport: Transport;
  /** What the acceptor's application heard, in that order; and the initiator's. */
  readonly served: string[] = [];
  readonly called: string[] = [];
  /** What came of the acceptor's calls back. */
  readonly answers: (string | undefined)[] = [];
  readonly #options: ReliableSessionOptions;
  readonly #soap: SoapVersion;

  constructor(seed: number, { network, healsAfter, over, ...options }: DuplexWorldOptions = {}) {
    this.random = seededRandom(seed);
    this.#soap = options.soap ?? soap12;
    this.#options = {
      clock: this.clock,
      random: this.random,
      maxRetryCount: 40,
      closeTimeout: 600_000,
      to: address,
      ...options,
    };
    this.network = new Network({ clock: this.clock, random: this.random, ...network });
    const start = this.clock.now();
    this.network.script(() => {
      return healsAfter !== undefined && this.clock.now() - start >= healsAfter ? 'pass' : undefined;
    });
    this.transport = over?.(this) ?? loopback({ network: this.network, duplex: true });
  }

  /** Answers `text` with `re: text`; for each text that begins with `call` the caller is called back first. */
  listen(
    receive: Carry = this.#serve,
    options: ReliableSessionOptions = {},
    transport: Transport = this.transport,
  ): Promise<Listener> {
    return listen(this.#binding(options, transport), address, receive);
  }

  connect(
    options: ReliableSessionOptions = {},
    transport: Transport = this.transport,
    receive: Carry = this.#hear,
    below: readonly BindingElement[] = [],
  ): Channel {
    return connect(this.#binding(options, transport, below), address, receive);
  }

  /** Sends `text`; the value is the text of the reply, or `undefined` where none is asked for. */
  async say(channel: Channel, text: string, asks = true): Promise<string | undefined> {
    const reply = await channel.send(delivery(this.saying(text)).with(expectsReply, asks));
    return reply === undefined ? undefined : textOf(reply.message);
  }

  until<T>(work: Promise<T>, limit = 1_200_000): Promise<T> {
    return this.clock.until(work, limit);
  }

  saying(text: string): Message {
    const body = new XmlWriter().element('urn:world', 'said', text).finish();
    return message({ version: this.#soap, action: 'urn:world:say', body });
  }

  readonly #hear: Carry = async (trip) => {
    const text = textOf(trip.message) ?? '';
    this.called.push(text);
    await wait(this.clock, Math.floor(this.random.fraction() * 50));
    return trip.carrying(this.saying(`re: ${text}`));
  };

  readonly #serve: Carry = async (trip) => {
    const text = textOf(trip.message) ?? '';
    this.served.push(text);
    await wait(this.clock, Math.floor(this.random.fraction() * 50));
    if (text.startsWith('call')) {
      const answer = await this.say(callbackChannel(trip), `back: ${text}`);
      this.answers.push(answer);
    }
    if (text.startsWith('tell')) await this.say(callbackChannel(trip), `back: ${text}`, false);
    return trip.carrying(this.saying(`re: ${text}`));
  };

  #binding(
    options: ReliableSessionOptions = {},
    transport: Transport = this.transport,
    below: readonly BindingElement[] = [],
  ): ReturnType<typeof binding> {
    const session = reliableSession({ ...this.#options, ...options });
    const top = exchange({ addressing: addressing200508, to: address, random: this.random });
    return binding([top, session, ...below], transport);
  }
}

export function textOf(of: Message): string | undefined {
  return payload(of)?.text;
}
