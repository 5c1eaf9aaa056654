/** Two ends that trust each other's signatures, with whatever lies between: a service that counts, and a client of it. */
import { binding, connect } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { transform } from '../../src/channel/transform.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { security } from '../../src/security/element.ts';
import { type Host, host } from '../../src/service/host.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { header, message, payload, requireUnderstood, withHeaders } from '../../src/soap/envelope.ts';
import type { SoapVersion } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { type Pki, policyOf } from '../security/rig.ts';

/** A network with round trips of milliseconds need not be given seconds; what is lost is sent again until it arrives. */
const patient: ReliableSessionOptions = {
  maxRetryCount: 1_000,
  retryFloor: 20,
  retryCeiling: 60,
  firstPatience: 60,
  maxTransferWindowSize: 8,
};

interface Heard {
  readonly text: string;
  readonly headers: readonly string[];
}

export interface Service extends AsyncDisposable {
  readonly url: URL;
  /** What the application has had, in its order. */
  readonly heard: readonly Heard[];
}

/** A service that answers `text` with `re: text`. */
export async function serviceAt(
  transport: Transport,
  at: string,
  { root, service }: Pki,
  options: ReliableSessionOptions = {},
): Promise<Service> {
  const heard: Heard[] = [];
  const receive: Carry = async (trip: Delivery) => {
    requireUnderstood(trip.message);
    const text = payload(trip.message)?.text ?? '';
    heard.push({ text, headers: trip.message.headers.map(({ namespace, local }) => `{${namespace}}${local}`) });
    return trip.carrying(saying(trip.message.version, 'urn:example:said', `re: ${text}`));
  };
  const elements = [
    exchange({ addressing: addressing200508 }),
    reliableSession({ ...patient, ...options }),
    security(policyOf(service, root)),
  ];
  const opened: Host = await host([{ binding: binding(elements, transport), url: new URL(at), receive }]);
  return { url: opened.url, heard, [Symbol.asyncDispose]: () => opened.close(AbortSignal.timeout(5_000)) };
}

export interface Client {
  readonly channel: Channel;
  /** Sends `text`; the value is the text of the reply. */
  say(text: string, action?: string): Promise<string | undefined>;
}

export interface ClientOptions {
  readonly soap: SoapVersion;
  readonly version: ReliableVersion;
  /** Header blocks that go with every message, protocol messages too; put on above security. */
  readonly blocks?: readonly { readonly xml: string; readonly role?: string; readonly mustUnderstand?: boolean }[];
  readonly session?: ReliableSessionOptions;
}

/** A client that sends to `via`, and means the service at `to`. */
export function clientOf(
  transport: Transport,
  via: URL,
  to: URL,
  { root, client }: Pki,
  { soap, version, blocks = [], session = {} }: ClientOptions,
): Client {
  const extra = blocks.map(({ xml, ...options }) => header(soap, XmlFragment.parse(xml), options));
  const elements = [
    exchange({ addressing: addressing200508, to }),
    reliableSession({ ...patient, version, soap, to, ...session }),
    transform({
      name: 'blocks',
      place: 'conversation',
      down: (next) => (trip) => next(trip.carrying(withHeaders(trip.message, extra))),
    }),
    security(policyOf(client, root)),
  ];
  const channel = connect(binding(elements, transport), via);
  return {
    channel,
    say: async (text, action = 'urn:example:say') => {
      const reply = await channel.send(delivery(saying(soap, action, text)));
      return reply === undefined ? undefined : payload(reply.message)?.text;
    },
  };
}

function saying(version: SoapVersion, action: string, text: string): ReturnType<typeof message> {
  return message({ version, action, body: new XmlWriter().element('urn:example', 'said', text).finish() });
}

export const texts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `message ${at + 1}`);
