/** Two ends of a conversation with a hand in between that sees, changes and repeats octets. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import type { SecureConversationOptions } from '../../src/conversation/settings.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope, payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { idle, read, start } from '../security/rig.ts';
import { type Bootstrap, saying } from './rig.ts';

type Options = Partial<SecureConversationOptions>;

export class Line {
  readonly clock: VirtualClock = new VirtualClock(start);
  readonly heard: Delivery[] = [];
  /** Octets on the wire, in order. */
  readonly wire: string[] = [];
  /** Changes what passes. */
  change: (octets: string, way: 'request' | 'reply') => string = (octets) => octets;
  readonly #bootstrap: Bootstrap;
  readonly #options: Options;
  #receive: Carry = async () => undefined;
  #seed = 1;

  private constructor(bootstrap: Bootstrap, service: SecureConversationOptions, options: Options) {
    this.#bootstrap = bootstrap;
    this.#options = options;
    const random = seededRandom(99);
    const conversation = secureConversation({ ...service, clock: this.clock, random, ...options });
    const bottom = (receive: Carry) => {
      this.#receive = receive;
      return idle('acceptor', async () => undefined);
    };
    exchange({ addressing: addressing200508, random }).wrap(conversation.wrap(bottom))(async (trip) => {
      this.heard.push(trip);
      return trip.carrying(saying(`re: ${payload(trip.message)?.text}`));
    });
  }

  static async of(bootstrap: Bootstrap, options: Options = {}): Promise<Line> {
    return new Line(bootstrap, { bootstrap: await bootstrap.service() }, options);
  }

  /** Another client. */
  async client(user?: string, more: Options = {}): Promise<Channel> {
    const bootstrap = await this.#bootstrap.client(user);
    const random = seededRandom(this.#seed++);
    const own = { bootstrap, clock: this.clock, random, ...this.#options, ...more };
    const from = this.#peer;
    const bottom = () =>
      idle('initiator', async (trip) => {
        const octets = this.change(this.#seen(new TextDecoder().decode(encodeEnvelope(trip.message))), 'request');
        const answer = await this.send(octets);
        if (answer === undefined) return undefined;
        return delivery(read(this.change(this.#seen(answer), 'reply')), trip.signal).with(peer, from);
      });
    const conversation = secureConversation(own).wrap(bottom);
    return exchange({ addressing: addressing200508, random }).wrap(conversation)(async () => undefined);
  }

  /** Octets, as they are, to the acceptor; the value is its answer. */
  async send(octets: string): Promise<string | undefined> {
    const answer = await this.#receive(delivery(read(octets)).with(peer, this.#peer));
    return answer === undefined ? undefined : new TextDecoder().decode(encodeEnvelope(answer.message));
  }

  get texts(): readonly (string | undefined)[] {
    return this.heard.map(({ message }) => payload(message)?.text);
  }

  get #peer(): Peer {
    return { secure: this.#bootstrap.secure };
  }

  #seen(octets: string): string {
    this.wire.push(octets);
    return octets;
  }
}

/** Local name of the fault that octets hold, which may be none. */
export function faultIn(octets: string | undefined): string | undefined {
  const message: Message | undefined = octets === undefined ? undefined : read(octets);
  const fault = message && faultOf(message);
  return fault?.subcode?.local ?? fault?.code;
}
