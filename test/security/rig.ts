/** Two ends that trust each other, and a message as a reliable session would send it. */
import { utf8 } from '../../src/base/bytes.ts';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, type X509SignedOptions, x509Signed } from '../../src/security/policy.ts';
import { Protector } from '../../src/security/protect.ts';
import { trustChain } from '../../src/security/trust.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { encodeEnvelope, header, message, readEnvelope } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { type Issued, issue } from './pki.ts';

export const start: number = Date.UTC(2026, 10, 22, 12);
export const wsrm = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';

export interface Pki {
  readonly root: Issued;
  readonly client: Issued;
  readonly service: Issued;
  readonly stranger: Issued;
}

let shared: Promise<Pki> | undefined;

/** One authority with a client and a service, and a stranger with a certificate of its own making. */
export function pki(): Promise<Pki> {
  shared ??= (async () => {
    const root = await issue({ name: 'DEV ONLY root', ca: true });
    return {
      root,
      client: await issue({ name: 'client', kind: 'rsa' }, root),
      service: await issue({ name: 'service', hosts: ['service.example'] }, root),
      stranger: await issue({ name: 'client', kind: 'rsa' }),
    };
  })();
  return shared;
}

export function policyOf(own: Issued, root: Issued, more: Partial<X509SignedOptions> = {}): SecurityPolicy {
  return x509Signed({ key: own.key(), trust: trustChain({ anchors: root.certificate }), ...more });
}

function sequence(namespace: string = wsrm, number = 1): XmlFragment {
  return XmlFragment.parse(
    `<r:Sequence xmlns:r="${namespace}"><r:Identifier>urn:uuid:5e9</r:Identifier><r:MessageNumber>${number}</r:MessageNumber></r:Sequence>`,
  );
}

/** An order under reliable messaging: all headers that such a message has. */
export function order(version: SoapVersion = soap12, note = 'two of them'): Message {
  const block = (xml: string, options?: Parameters<typeof header>[2]) =>
    header(version, XmlFragment.parse(xml), options);
  const plain = message({
    version,
    headers: [
      header(version, sequence(), { mustUnderstand: true }),
      block(`<r:AckRequested xmlns:r="${wsrm}"><r:Identifier>urn:uuid:5e9</r:Identifier></r:AckRequested>`),
      block(
        `<r:SequenceAcknowledgement xmlns:r="${wsrm}"><r:Identifier>urn:uuid:b4c</r:Identifier><r:AcknowledgementRange Upper="3" Lower="1"/></r:SequenceAcknowledgement>`,
      ),
    ],
    body: XmlFragment.parse(`<o:Order xmlns:o="urn:orders"><o:Sku>A-1</o:Sku><o:Note>${note}</o:Note></o:Order>`),
  });
  return withAddressing(plain, {
    version: addressing200508,
    action: 'urn:orders/place',
    to: 'https://service.example/soap',
    messageId: 'urn:uuid:0001',
    replyTo: { address: addressing200508.anonymous, parameters: [] },
  });
}

export function read(octets: Uint8Array | string): Message {
  return readEnvelope(scan(typeof octets === 'string' ? utf8(octets) : octets));
}

/** The octets of a message secured by `policy`. */
export async function secured(
  policy: SecurityPolicy,
  clear: Message = order(),
  at: number = start,
  seed = 1,
): Promise<Uint8Array> {
  const protector = new Protector(policy.outbound, seededRandom(seed));
  return encodeEnvelope(await protector.protect(clear, new VirtualClock(at).now()));
}

/** An acceptor under a security element, and what its application has heard. */
export interface Acceptor {
  readonly clock: VirtualClock;
  readonly heard: Delivery[];
  /** Hands octets up as a transport would; what comes back is what would go on the wire. */
  receive(octets: Uint8Array | string, from?: Peer): Promise<string | undefined>;
}

export function acceptor(
  policy: SecurityPolicy,
  options: Parameters<typeof security>[1] = {},
  reply: Carry = async () => undefined,
): Acceptor {
  const clock = new VirtualClock(start);
  const heard: Delivery[] = [];
  let up: Carry | undefined;
  const inner = (receive: Carry): Channel => {
    up = receive;
    return idle('acceptor', async () => undefined);
  };
  security(policy, { clock, random: seededRandom(7), ...options }).wrap(inner)(async (arrived) => {
    heard.push(arrived);
    return reply(arrived);
  });
  return {
    clock,
    heard,
    async receive(octets, from = { secure: false }) {
      const answer = await up?.(delivery(read(octets)).with(peer, from));
      return answer === undefined ? undefined : new TextDecoder().decode(encodeEnvelope(answer.message));
    },
  };
}

/** A channel that does nothing but send. */
export function idle(side: Channel['side'], send: Carry): Channel {
  return {
    side,
    send,
    open: async () => undefined,
    close: async () => undefined,
    abort: () => undefined,
    closed: new Promise(() => undefined),
  };
}
