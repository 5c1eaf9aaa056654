/** surewire as either end of a secured message: what it makes under a policy, and what its application hears of another's. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { systemClock } from '../../src/base/clock.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { security } from '../../src/security/element.ts';
import { type Evidence, evidence } from '../../src/security/evidence.ts';
import { type SigningKey, signingKey } from '../../src/security/keys.ts';
import { type SecurityPolicy, type X509SignedOptions, x509Signed } from '../../src/security/policy.ts';
import { type Trust, trustChain } from '../../src/security/trust.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { acceptor, idle, order, read, secured } from '../security/rig.ts';
import type { Parties, Party, PartyName } from './parties.ts';

export { order };

export function keyOf(party: Party): SigningKey {
  return signingKey({ privateKey: party.key, certificate: party.certificate });
}

/** Believes the authority, and knows the certificates that a message may merely name. */
export function trustOf(all: Parties): Trust {
  return trustChain({
    anchors: all.authority,
    known: Object.values(all.of)
      .map((one) => one.certificate)
      .join(''),
  });
}

/** Signs as `own`, trusts the authority. */
export function signing(all: Parties, own: PartyName, more: Partial<X509SignedOptions> = {}): SecurityPolicy {
  return x509Signed({ key: keyOf(all.of[own]), trust: trustOf(all), ...more });
}

export function clear(message: Message = order()): string {
  return Buffer.from(encodeEnvelope(message)).toString();
}

/** A service under `policy` that answers orders with orders; what it answers a message with, or the reason why not. */
export async function answered(policy: SecurityPolicy, envelope: string): Promise<string> {
  const end = acceptor(policy, { clock: systemClock }, async (request) => request.carrying(order()));
  const answer = await end.receive(envelope);
  if (end.heard.length === 0 || answer === undefined) throw new Error(`refused: ${answer}`);
  return answer;
}

/** A client under `policy` that sends an order and reads the reply which `respond` makes of it. */
export async function exchanged(policy: SecurityPolicy, respond: (request: string) => Promise<string>): Promise<Heard> {
  const send: Carry = async (outgoing) => delivery(read(await respond(clear(outgoing.message))));
  const channel = security(policy, { clock: systemClock }).wrap(() => idle('initiator', send))(async () => undefined);
  const reply = await channel.send(delivery(order()));
  const proof = reply?.get(evidence);
  if (reply === undefined || proof === undefined) throw new Error('there is no reply');
  return { body: reply.message.body.toString(), evidence: proof };
}

/** An order, secured now. */
export async function made(policy: SecurityPolicy, message?: Message): Promise<string> {
  return Buffer.from(await secured(policy, message, systemClock.now(), Math.floor(Math.random() * 2 ** 31))).toString();
}

export interface Heard {
  /** The Body as the application gets it. */
  readonly body: string;
  readonly evidence: Evidence;
}

/**
 * What an application under `policy` hears of a message.
 *
 * @throws Error the code and the reason for which it was refused
 */
export async function heard(policy: SecurityPolicy, envelope: string, secure = false): Promise<Heard> {
  const reasons: string[] = [];
  const listen = (event: unknown): void => {
    const { code, message } = event as { readonly code?: string; readonly message?: string };
    if (code !== undefined) reasons.push(`${code}: ${message}`);
  };
  const end = acceptor(policy, { clock: systemClock });
  subscribe('surewire:security', listen);
  try {
    await end.receive(envelope, { secure });
  } finally {
    unsubscribe('surewire:security', listen);
  }
  const [delivery] = end.heard;
  const proof = delivery?.get(evidence);
  if (delivery === undefined || proof === undefined) throw new Error(reasons.join('; ') || 'refused without a reason');
  return { body: delivery.message.body.toString(), evidence: proof };
}
