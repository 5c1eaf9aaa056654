/** What the scenarios with WSS4J share: the peer, the parties, rows in both directions, and how results are compared. */
import { expect } from 'vitest';
import type { SecurityPolicy } from '../../src/security/policy.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import type { Row } from './matrix.ts';
import type { Parties } from './parties.ts';
import { clear, heard, made, order } from './surewire-party.ts';
import type { Found, MessagePart, Step, Wss4j } from './wss4j-peer.ts';

export interface Bench {
  readonly peer: Wss4j;
  readonly all: Parties;
}

export type RowStart = Omit<Row, 'result' | 'reason'>;

export function inbound({ peer }: Bench, scenario: string): RowStart {
  return { peer: 'wss4j', version: peer.version, scenario, direction: 'wss4j -> surewire' };
}

export function outbound({ peer }: Bench, scenario: string): RowStart {
  return { peer: 'wss4j', version: peer.version, scenario, direction: 'surewire -> wss4j' };
}

const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const addressing = 'http://www.w3.org/2005/08/addressing';
const reliable = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';

/** What a policy of surewire wants signed of an order: Body, Timestamp, addressing and reliable messaging. */
export function everyPart(version: SoapVersion = soap12): readonly MessagePart[] {
  return [
    ['Body', version.namespace],
    ['Timestamp', wsu],
    ...['Action', 'To', 'MessageID', 'ReplyTo'].map((local) => [local, addressing] as const),
    ...['Sequence', 'AckRequested', 'SequenceAcknowledgement'].map((local) => [local, reliable] as const),
  ];
}

/** The content of the Body. */
export const bodyContent: readonly MessagePart[] = [['Body', soap12.namespace, 'Content']];

/** WSS4J's steps over an order are accepted by a policy of surewire, and the application gets the order. */
export async function accepts(
  { peer }: Bench,
  policy: SecurityPolicy,
  steps: readonly Step[],
  message: Message = order(),
  secure = false,
): Promise<void> {
  const { envelope } = await peer.secure(clear(message), steps);
  const { body } = await heard(policy, envelope, secure);
  expect(body).toContain('<o:Sku>A-1</o:Sku>');
}

/** An order under a policy of surewire is processed by WSS4J; a digit changed, it is not. */
export async function isAccepted(
  { peer }: Bench,
  policy: SecurityPolicy,
  options: Readonly<Record<string, unknown>> = {},
  message: Message = order(),
): Promise<Found> {
  const envelope = await made(policy, message);
  const found = await peer.process(envelope, options);
  expect(found.envelope).toContain('<o:Sku>A-1</o:Sku>');
  return found;
}
