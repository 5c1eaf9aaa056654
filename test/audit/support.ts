/** Conversations to be recorded: two ends over an in-memory transport, signed, on a network that loses and repeats. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReadLine, readTranscript, transcriptFiles } from '../../src/audit/transcript/lines.ts';
import type { MessageRecord } from '../../src/audit/transcript/record.ts';
import type { Recorder } from '../../src/audit/transcript/recorder.ts';
import { recorded } from '../../src/audit/transcript/tap.ts';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network, type NetworkOptions } from '../../src/channel/network.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, x509Signed } from '../../src/security/policy.ts';
import { trustChain } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Pki, pki } from '../security/rig.ts';

/** A new folder that goes with the run. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'surewire-audit-'));
}

export async function linesOf(file: string): Promise<readonly ReadLine[]> {
  const lines: ReadLine[] = [];
  for await (const line of readTranscript(await transcriptFiles(file))) lines.push(line);
  return lines;
}

export function messagesOf(lines: readonly ReadLine[]): readonly MessageRecord[] {
  return lines.flatMap(({ record }) => (record?.kind === 'message' ? [record] : []));
}

export interface ConversationOptions {
  readonly messages: number;
  readonly recorders: { readonly client?: Recorder; readonly service?: Recorder };
  readonly network?: NetworkOptions;
  readonly session?: ReliableSessionOptions;
  readonly policies?: (pki: Pki) => readonly [client: SecurityPolicy, service: SecurityPolicy];
  /** What stands around the session at each end. */
  readonly around?: Readonly<Record<'client' | 'service', (session: BindingElement) => BindingElement>>;
  /** Text of the order with that number. */
  readonly text?: (number: number) => string;
}

const mutual = ({ client, service, root }: Pki): readonly [SecurityPolicy, SecurityPolicy] => {
  const trust = trustChain({ anchors: root.certificate });
  return [x509Signed({ key: client.key(), trust }), x509Signed({ key: service.key(), trust })];
};

/** A network of milliseconds need not be given seconds. */
const quick: ReliableSessionOptions = {
  maxTransferWindowSize: 32,
  maxRetryCount: 1_000,
  retryFloor: 20,
  retryCeiling: 60,
  firstPatience: 60,
};

/** Sends orders one way, signed, in one reliable session, from its first message to its end. */
export async function converse(options: ConversationOptions): Promise<{ readonly delivered: number }> {
  const { messages, recorders, network = {}, policies = mutual } = options;
  const [client, service] = policies(await pki());
  const wire = loopback({ network: new Network({ random: seededRandom(1), patience: 25, ...network }) });
  const at = new URL('loopback://service.example/orders');
  const session = { ...quick, ...options.session };
  const taps = {
    client: recorders.client === undefined ? wire : recorded(wire, recorders.client),
    service: recorders.service === undefined ? wire : recorded(wire, recorders.service),
  };
  const listening = reliableSession({ ...session, maxTransferWindowSize: 64 });
  const sending = reliableSession({ ...session, oneWay: true, to: at });
  let delivered = 0;
  const listener = await listen(
    binding(
      [exchange({ addressing: addressing200508 }), options.around?.service(listening) ?? listening, security(service)],
      taps.service,
    ),
    at,
    async () => {
      delivered++;
      return undefined;
    },
  );
  const channel = connect(
    binding(
      [exchange({ addressing: addressing200508 }), options.around?.client(sending) ?? sending, security(client)],
      taps.client,
    ),
    at,
  );
  await channel.open();
  const { text = (number: number) => `order ${number}` } = options;
  const waiting = new Set<Promise<unknown>>();
  for (let number = 1; number <= messages; number++) {
    if (waiting.size >= 32) await Promise.race(waiting);
    const body = XmlFragment.parse(`<o:Order xmlns:o="urn:orders">${text(number)}</o:Order>`);
    const trip = delivery(message({ version: soap12, action: 'urn:orders/place', body })).with(expectsReply, false);
    const sent: Promise<unknown> = channel.send(trip).finally(() => waiting.delete(sent));
    waiting.add(sent);
  }
  await Promise.all(waiting);
  await channel.close();
  await listener.close();
  return { delivered };
}
