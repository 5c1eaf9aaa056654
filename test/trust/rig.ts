/** A token service, clients of it, and a service that its tokens are for; through octets, in memory. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import type { Carry, Delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import type { Network } from '../../src/channel/network.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import type { ReplayCache } from '../../src/security/replay.ts';
import type { SamlRequirement } from '../../src/security/tokens/saml-conditions.ts';
import type { PasswordSource } from '../../src/security/tokens/username.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { type TokenClient, tokenClient } from '../../src/trust/client.ts';
import { tokenService } from '../../src/trust/service.ts';
import type { TokenServiceOptions } from '../../src/trust/settings.ts';
import type { TrustVersion } from '../../src/trust/versions/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Issued, issue } from '../security/pki.ts';
import { start } from '../security/rig.ts';

export const issuerName = 'https://sts.example/';
export const audience = 'https://service.example/orders';
const secrets: ReadonlyMap<string, string> = new Map([
  ['alice', 'correct horse'],
  ['bob', 'battery staple'],
  ['carol', 'x'],
]);
const passwords: PasswordSource = {
  password: (user: string) => secrets.get(user),
};
export const role = 'urn:claims/role';

export interface Names {
  readonly sts: Issued;
  readonly service: Issued;
  readonly client: Issued;
  readonly stranger: Issued;
}

let shared: Promise<Names> | undefined;
export function names(): Promise<Names> {
  shared ??= (async () => ({
    sts: await issue({ name: 'sts', kind: 'rsa' }),
    service: await issue({ name: 'service', kind: 'rsa' }),
    client: await issue({ name: 'client', kind: 'rsa' }),
    stranger: await issue({ name: 'stranger', kind: 'rsa' }),
  }))();
  return shared;
}

/** Somebody behind a policy, in memory, over what TLS would say or not. */
export class End {
  readonly clock: VirtualClock = new VirtualClock(start);
  readonly heard: Delivery[] = [];
  readonly policy: SecurityPolicy;
  readonly receive: Carry;
  readonly #transport: Transport;
  readonly #address: URL;
  readonly #replay: ReplayCache | undefined;
  #listening: Promise<unknown> | undefined;

  /** @param network what lies before them */
  constructor(
    policy: SecurityPolicy,
    receive: Carry,
    secure: boolean,
    address: string = issuerName,
    network?: Network,
    replay?: ReplayCache,
  ) {
    this.policy = policy;
    this.receive = receive;
    this.#transport = loopback({ peer: { secure }, server: { secure }, network });
    this.#address = new URL(address);
    this.#replay = replay;
  }

  async channel(policy: SecurityPolicy, seed = 5): Promise<Channel> {
    const server: Carry = async (arrived) => {
      this.heard.push(arrived);
      return this.receive(arrived);
    };
    this.#listening ??= listen(this.#binding(this.policy, 7), this.#address, server);
    await this.#listening;
    return connect(this.#binding(policy, seed), this.#address);
  }

  #binding(policy: SecurityPolicy, seed: number): Binding {
    const element = security(policy, {
      clock: this.clock,
      random: seededRandom(seed),
      ...(seed === 7 && this.#replay ? { replay: this.#replay } : {}),
    });
    return binding([exchange({ addressing: addressing200508 }), element], this.#transport);
  }
}

export async function serviceOptions(more: Partial<TokenServiceOptions> = {}): Promise<TokenServiceOptions> {
  const { sts, service } = await names();
  return {
    issuer: issuerName,
    key: sts.key(),
    relyingParties: [{ address: audience, certificate: service.certificate }],
    subject: ({ evidence }) => {
      const name = evidence?.user?.name ?? evidence?.signer?.name;
      return name === undefined || name === 'carol' ? undefined : { name, attributes: new Map([[role, ['buyer']]]) };
    },
    clock: new VirtualClock(start),
    random: seededRandom(9),
    ...more,
  };
}

export const user = (name: string): SecurityPolicy =>
  usernameOverTransport({ username: { user: name, password: secrets.get(name) ?? '', form: 'text' } });

/** A token service for users over TLS. */
export async function tokens(more: Partial<TokenServiceOptions> = {}): Promise<End> {
  return new End(usernameOverTransport({ passwords }), tokenService(await serviceOptions(more)), true);
}

export async function clientOf(end: End, name = 'alice', version?: TrustVersion, seed = 5): Promise<TokenClient> {
  const channel = await end.channel(user(name), seed);
  const more = version === undefined ? {} : { version };
  return tokenClient({ channel, clock: end.clock, random: seededRandom(seed + 6), ...more });
}

/** What a service accepts of the token service. */
export async function accepted(): Promise<Omit<SamlRequirement, 'confirmations'>> {
  const { sts } = await names();
  return {
    issuers: [{ name: issuerName, trust: trustPeers(sts.certificate) }],
    audiences: [audience],
  };
}

/** A service that answers whoever may come in, and its application heard. */
export function relying(policy: SecurityPolicy, secure: boolean): End {
  const answer: Carry = async (request) => request.carrying(question('urn:orders/placed'));
  return new End(policy, answer, secure, audience);
}

export function question(action = 'urn:orders/place'): Message {
  return message({ version: soap12, action, body: [XmlFragment.parse('<o:Order xmlns:o="urn:orders"></o:Order>')] });
}
