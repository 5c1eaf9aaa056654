/** Two ends that talk through octets: what went over the wire is kept, and may be changed on its way. */
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { security } from '../../src/security/element.ts';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { acceptor, idle, order, read, start } from './rig.ts';

export interface Talk {
  /** What the service's application heard. */
  readonly heard: readonly Delivery[];
  /** Octets on the wire, request and reply in turn. */
  readonly wire: string[];
  ask(question?: Message): Promise<Delivery | undefined>;
}

export interface Between {
  request?(octets: string): string;
  reply?(octets: string): string;
}

/** An initiator and an acceptor, each with its policy. */
export function talk(
  client: SecurityPolicy,
  service: SecurityPolicy,
  between: Between = {},
  from: Peer = { secure: false },
  answer: Carry = async (request) => request.carrying(order(request.message.version, 'the answer')),
): Talk {
  const end = acceptor(service, {}, answer);
  const wire: string[] = [];
  const element = security(client, { clock: new VirtualClock(start), random: seededRandom(3) });
  const initiator = element.wrap(() =>
    idle('initiator', async (trip) => {
      const request = new TextDecoder().decode(encodeEnvelope(trip.message));
      wire.push(request);
      const octets = await end.receive(between.request?.(request) ?? request, from);
      if (octets === undefined) return undefined;
      wire.push(octets);
      return delivery(read(between.reply?.(octets) ?? octets)).with(peer, from);
    }),
  )(async () => undefined);
  return { heard: end.heard, wire, ask: (question = order()) => initiator.send(delivery(question)) };
}
