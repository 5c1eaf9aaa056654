/** Two ends that both speak unasked, over connections in memory, with a secure conversation and a reliable session above them. */
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network, type Script } from '../../src/channel/network.ts';
import type { Listener, Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { identityOf } from '../../src/security/evidence.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { SimulationClock } from '../simulation/clock.ts';
import type { Bootstrap, Options } from './rig.ts';

export const service: URL = new URL('http://service.example/box');

/** How both ends come to speak unasked, and what stands where. */
export interface Shape {
  readonly name: string;
  /** Whether one connection of the client carries both ways. */
  readonly isConnection: boolean;
  readonly below: (
    protection: BindingElement,
    net: Transport,
    clock: SimulationClock,
  ) => readonly [readonly BindingElement[], Transport];
}

export const shapes: readonly Shape[] = [
  { name: 'WebSocket', isConnection: true, below: (protection, net) => [[protection], net] },
  {
    name: 'two connections',
    isConnection: false,
    below: (protection, net, clock) => {
      const callbackAddress = new URL('http://client.example:0/callback');
      return [[protection], compositeDuplex(net, { clock, callbackAddress, replyHosts: ['client.example'] })];
    },
  },
  {
    name: 'MakeConnection',
    isConnection: false,
    below: (protection, net, clock) => [[], makeConnection(binding([protection], net), { clock })],
  },
];

export class DuplexTalk {
  readonly clock: SimulationClock = new SimulationClock();
  readonly network: Network;
  /** What went over the wire, in order, with its way. */
  readonly wire: { readonly way: 'request' | 'reply'; readonly message: Message }[] = [];
  /** What the service was told, by whom. */
  readonly served: string[] = [];
  readonly identities: string[] = [];
  readonly deliveries: Delivery[] = [];
  /** What clients were told. */
  readonly told: string[] = [];
  readonly #shape: Shape;
  readonly #bootstrap: Bootstrap;
  readonly #options: Options;
  readonly #reliable: ReliableSessionOptions | undefined;
  readonly #net: Transport;
  #seed = 7;

  /** @param reliable with a reliable session above */
  constructor(shape: Shape, bootstrap: Bootstrap, options: Options = {}, reliable?: ReliableSessionOptions) {
    this.#shape = shape;
    this.#bootstrap = bootstrap;
    this.#options = options;
    this.#reliable = reliable;
    this.network = new Network({ clock: this.clock, random: seededRandom(3) });
    this.network.script((leg) => {
      if (leg.message !== undefined) this.wire.push({ way: leg.way, message: leg.message });
      return undefined;
    });
    const peer = { secure: bootstrap.secure };
    this.#net = loopback({ network: this.network, peer, server: peer, duplex: shape.isConnection });
  }

  script(script: Script): void {
    this.network.script(script);
  }

  get actions(): readonly string[] {
    return this.wire.map(({ message: { action } }) => action.split('/').slice(-2).join('/'));
  }

  /** A service that calls each caller back before it answers, unless `receive` does something else. */
  async listen(receive: Carry = (trip) => this.callingBack(trip), more: Options = {}): Promise<Listener> {
    const bootstrap = await this.#bootstrap.service();
    const heard: Carry = async (trip) => {
      this.served.push(payload(trip.message)?.text ?? '');
      this.identities.push(identityOf(trip));
      this.deliveries.push(trip);
      return receive(trip);
    };
    return listen(this.#binding(secureConversation({ bootstrap, ...this.#common(), ...more })), service, heard);
  }

  async callingBack(trip: Delivery): Promise<Delivery | undefined> {
    const text = payload(trip.message)?.text;
    const back = await callbackChannel(trip).send(delivery(saying('urn:back', `back: ${text}`)));
    return trip.carrying(saying('urn:answer', `re: ${text}, ${back && payload(back.message)?.text}`));
  }

  async connect(user?: string, more: Options = {}, session?: ReliableSessionOptions): Promise<Channel> {
    const bootstrap = await this.#bootstrap.client(user);
    const element = secureConversation({ bootstrap, ...this.#common(), ...more });
    return connect(this.#binding(element, session), service, async (trip) => {
      this.told.push(payload(trip.message)?.text ?? '');
      return trip.carrying(saying('urn:heard', 'heard'));
    });
  }

  /** A client that is answered on the same exchange, and says whatever it likes. */
  async stranger(user: string): Promise<Channel> {
    const bootstrap = await this.#bootstrap.client(user);
    return connect(binding([secureConversation({ bootstrap, ...this.#common() })], this.#net), service);
  }

  /** A client with nothing above its context. */
  async raw(user: string, receive: Carry): Promise<Channel> {
    const bootstrap = await this.#bootstrap.client(user);
    const [elements, transport] = this.#shape.below(
      secureConversation({ bootstrap, ...this.#common() }),
      this.#net,
      this.clock,
    );
    return connect(binding(elements, transport), service, receive);
  }

  until<T>(work: Promise<T>, limit: number = 600_000): Promise<T> {
    return this.clock.until(work, limit);
  }

  async ask(channel: Channel, text: string): Promise<string | undefined> {
    const reply = await this.until(channel.send(delivery(saying('urn:ask', text))));
    return reply && payload(reply.message)?.text;
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    await this.until(
      new Promise<void>((resolve) => {
        this.clock.at((this.clock.now() + ms) as ReturnType<SimulationClock['now']>, resolve);
      }),
      ms + 1,
    );
  }

  #binding(element: BindingElement, more: ReliableSessionOptions = {}) {
    const { clock } = this;
    const [elements, transport] = this.#shape.below(element, this.#net, clock);
    const session =
      this.#reliable === undefined
        ? []
        : [reliableSession({ clock, random: seededRandom(this.#seed++), ...this.#reliable, ...more })];
    return binding([exchange({ addressing: addressing200508, to: service }), ...session, ...elements], transport);
  }

  #common(): Options {
    return { clock: this.clock, random: seededRandom(this.#seed++), ...this.#options };
  }
}

export function saying(action: string, text: string): Message {
  return message({ version: soap12, action, body: new XmlWriter().element('urn:box', 'said', text).finish() });
}
