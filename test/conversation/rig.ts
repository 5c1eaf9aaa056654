/** Two ends of a secure conversation, one in front of the other, through octets: what went over the wire is kept, and may be changed. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Loopback, loopback } from '../../src/channel/loopback.ts';
import { Network, type Script } from '../../src/channel/network.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import type { SecureConversationOptions } from '../../src/conversation/settings.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { until } from '../reliable/peers.ts';
import { pki, start } from '../security/rig.ts';

const address: URL = new URL('http://service.example/box');

/** How a context is asked for: the policies of both ends. */
export interface Bootstrap {
  readonly name: string;
  readonly client: (user?: string) => Promise<SecurityPolicy>;
  readonly service: () => Promise<SecurityPolicy>;
  /** What TLS would say. */
  readonly secure: boolean;
}

const passwords = { password: (user: string) => ({ alice: 'secret', mallory: 'other' })[user] };
const credentials = (user: string) => ({ user, password: passwords.password(user) ?? '', form: 'text' }) as const;

export const bootstraps: readonly Bootstrap[] = [
  {
    name: 'user name over TLS',
    client: async (user = 'alice') => usernameOverTransport({ username: credentials(user) }),
    service: async () => usernameOverTransport({ passwords }),
    secure: true,
  },
  {
    name: 'certificate over TLS',
    client: async () => certificateOverTransport({ key: (await pki()).client.key() }),
    service: async () => certificateOverTransport({ trust: trustPeers((await pki()).client.certificate) }),
    secure: true,
  },
  {
    name: 'mutual certificates',
    client: async () => {
      const { client, service } = await pki();
      return mutualCertificate({ key: client.key(), peer: service.certificate });
    },
    service: async () => {
      const { client, service } = await pki();
      return mutualCertificate({ key: service.key(), trust: trustPeers(client.certificate) });
    },
    secure: false,
  },
  {
    name: 'anonymous for certificate',
    client: async () => anonymousForCertificate({ peer: (await pki()).service.certificate }),
    service: async () => anonymousForCertificate({ key: (await pki()).service.key() }),
    secure: false,
  },
  {
    name: 'user name for certificate',
    client: async (user = 'alice') =>
      userNameForCertificate({ peer: (await pki()).service.certificate, username: credentials(user) }),
    service: async () => userNameForCertificate({ key: (await pki()).service.key(), passwords }),
    secure: false,
  },
];

export type Options = Partial<SecureConversationOptions>;

export class Talk {
  readonly clock: VirtualClock = new VirtualClock(start);
  readonly network: Network;
  readonly heard: Delivery[] = [];
  /** Actions on the wire, in order. */
  readonly actions: string[] = [];
  readonly messages: Message[] = [];
  readonly #bootstrap: Bootstrap;
  readonly #loopback: Loopback;
  readonly #options: Options;
  readonly #reliable: ReliableSessionOptions | undefined;
  #seed = 1;

  /** @param reliable with a reliable session above */
  constructor(bootstrap: Bootstrap, options: Options = {}, reliable?: ReliableSessionOptions) {
    this.#bootstrap = bootstrap;
    this.#options = options;
    this.#reliable = reliable;
    this.network = new Network({ clock: this.clock, random: seededRandom(4) });
    this.network.script((leg) => {
      if (leg.message !== undefined) {
        this.actions.push(leg.message.action);
        this.messages.push(leg.message);
      }
      return undefined;
    });
    const peer = { secure: bootstrap.secure };
    this.#loopback = loopback({ network: this.network, peer, server: peer });
  }

  script(script: Script): void {
    this.network.script((leg) => {
      if (leg.message !== undefined) {
        this.actions.push(leg.message.action);
        this.messages.push(leg.message);
      }
      return script(leg);
    });
  }

  async listen(
    answer: Carry = async (trip) => trip.carrying(saying(`re: ${payload(trip.message)?.text}`, trip.message.version)),
    more: Options = {},
  ): Promise<Listener> {
    const bootstrap = await this.#bootstrap.service();
    return listen(
      this.#binding(secureConversation({ bootstrap, ...this.#common(), ...more })),
      address,
      async (trip) => {
        this.heard.push(trip);
        return answer(trip);
      },
    );
  }

  async connect(user?: string, more: Options = {}): Promise<Channel> {
    const bootstrap = await this.#bootstrap.client(user);
    return connect(this.#binding(secureConversation({ bootstrap, ...this.#common(), ...more })), address);
  }

  #binding(element: BindingElement): Binding {
    const { clock } = this;
    const session =
      this.#reliable === undefined
        ? []
        : [reliableSession({ clock, random: seededRandom(this.#seed++), ...this.#reliable })];
    return binding([exchange({ addressing: addressing200508 }), ...session, element], this.#loopback);
  }

  /** Lets time pass until `work` has settled. */
  until<T>(work: Promise<T>, limit = 600_000): Promise<T> {
    return until(this.clock, work, limit);
  }

  #common(): Options {
    return { clock: this.clock, random: seededRandom(this.#seed++), ...this.#options };
  }
}

export function saying(text: string, version: SoapVersion = soap12): Message {
  return message({ version, action: 'urn:box:say', body: new XmlWriter().element('urn:box', 'said', text).finish() });
}

export async function ask(channel: Channel, text: string, version?: SoapVersion): Promise<string | undefined> {
  const reply = await channel.send(delivery(saying(text, version)));
  return reply === undefined ? undefined : payload(reply.message)?.text;
}
