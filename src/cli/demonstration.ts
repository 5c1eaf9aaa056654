/**
 * What `surewire demo` shows: real documents, certificates, stores and a bad network, in one process, counted as they
 * arrive. Both ends are put together as `serve` and `send` do it.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Recorder } from '../audit/transcript/recorder.ts';
import { developmentPki } from '../certificates/development-pki.ts';
import { binding } from '../channel/binding.ts';
import { exchange } from '../channel/correlation.ts';
import { reliableSession } from '../reliable/element.ts';
import type { SessionView } from '../reliable/session.ts';
import type { SessionStore } from '../reliable/store.ts';
import { security } from '../security/element.ts';
import { type Host, host } from '../service/host.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { sqlite } from '../stores/sqlite.ts';
import { httpTransport } from '../transport/http/transport.ts';
import { type Document, documentOf } from './documents.ts';
import { type Dropped, dropBox, writableFolder } from './dropbox.ts';
import { clientStandIns, type Identity, identity, serviceStandIns } from './identity.ts';
import { faultyNetwork, type NetworkCounts } from './network.ts';
import { purchaseOrder } from './orders/order.ts';
import type { Output } from './output.ts';
import { through } from './transcript.ts';
import { transfer } from './transfer.ts';
import { watched } from './watch/watch.ts';
import { documentAction, hear, serviceSettings } from './wire.ts';

export interface DemonstrationOptions {
  readonly messages: number;
  readonly loss: number;
  readonly seed: number;
  /** Draws the sequences instead of a bar. */
  readonly watch?: true;
  /** Records both ends of the wire. */
  readonly recorder?: Recorder | undefined;
}

/** What was seen, as `--json` prints it. */
interface Seen {
  readonly sent: number;
  /** Documents that reached the application exactly once, octet for octet. */
  readonly delivered: number;
  readonly inOrder: boolean;
  /** Copies that security (octet for octet) or the reliable session (sent again) kept away from the application. */
  readonly duplicatesDropped: number;
  readonly retransmissions: number;
  /** Delivered documents whose signature was verified to be that of the sender's certificate. */
  readonly verified: number;
  readonly seconds: number;
}

/** Ready documents; only in a checkout. Orders beyond them are made as needed. */
const readyOrders = fileURLToPath(new URL('../../examples/orders/', import.meta.url));

/** A network with round trips of milliseconds need not be given seconds. */
const loopbackSettings = {
  maxTransferWindowSize: 32,
  maxRetryCount: 1_000,
  retryFloor: 20,
  retryCeiling: 60,
  firstPatience: 100,
} as const;

export interface Demonstration {
  readonly seen: Seen;
  /** What the network did meanwhile. */
  readonly network: NetworkCounts;
}

/**
 * Runs the demonstration.
 *
 * @param folder empty; certificates, stores and delivered documents go there
 */
export async function demonstrate(
  folder: string,
  options: DemonstrationOptions,
  said: Output,
  signal: AbortSignal,
): Promise<Demonstration> {
  said.remark('Making certificates');
  const certs = join(folder, 'certificates');
  await developmentPki({ folder: certs, algorithms: ['rsa'] });
  const service = await identity({ certs }, serviceStandIns);
  const client = await identity({ certs }, clientStandIns);
  const documents = await orders(options);
  const stores = { service: sqlite(join(folder, 'serve.db')), client: sqlite(join(folder, 'send.db')) };
  const progress = options.watch ? watched(said) : said.progress(documents.length, 'delivered');
  try {
    const inbox = await writableFolder(join(folder, 'inbox'));
    await using box = await openBox(
      service,
      stores.service,
      inbox,
      (count) => progress.to(count),
      said,
      options.recorder,
    );
    await using network = await faultyNetwork({
      to: box.url,
      tls: service.tls,
      seed: options.seed,
      mishaps: { loss: options.loss, duplicate: 0.05, delay: 0.3, reorder: 0.05, breakage: 0.03 },
    });
    said.remark(`Sending ${documents.length} orders over HTTPS to ${box.url}, through a bad network at ${network.url}`);
    const started = performance.now();
    const { receipt, failure } = await transfer({
      to: network.url,
      documents,
      action: documentAction,
      transport: through(httpTransport({ tls: client.tls, client: { connections: 64 } }), options.recorder),
      security: security(client.signed({ host: '127.0.0.1' })),
      session: { ...loopbackSettings, store: stores.client, label: 'demo' },
      signal,
    });
    // What is acknowledged is in the service's store; closing waits until the application has had it.
    await box.host.close();
    if (failure !== undefined) throw failure;
    const seconds = (performance.now() - started) / 1_000;
    const { delivered, inOrder, verified } = compared(documents, box.arrived, client.signer);
    return {
      seen: {
        sent: receipt.sent,
        delivered,
        inOrder,
        duplicatesDropped: box.duplicates(),
        retransmissions: receipt.retransmissions,
        verified,
        seconds: Math.round(seconds * 100) / 100,
      },
      network: network.counts,
    };
  } finally {
    progress.end();
    await stores.client.close();
    await stores.service.close();
  }
}

interface OpenBox extends AsyncDisposable {
  readonly host: Host;
  readonly url: URL;
  /** What the application has had, in its order. */
  readonly arrived: readonly Dropped[];
  /** Copies that were kept from the application: octet for octet by security, sent again by the session. */
  duplicates(): number;
}

async function openBox(
  who: Identity,
  store: SessionStore,
  folder: string,
  onArrival: (count: number) => void,
  said: Output,
  recorder: Recorder | undefined,
): Promise<OpenBox> {
  const arrived: Dropped[] = [];
  let session: SessionView | undefined;
  let replays = 0;
  const silence = hear((room, { event, code }) => {
    if (room === 'security' && event === 'message.refused' && code === 'SECURITY_REPLAY') replays++;
  });
  const receive = dropBox({
    folder,
    complain: (error) => said.warn(error.message),
    tell: (dropped) => {
      arrived.push(dropped);
      onArrival(arrived.length);
    },
  });
  const onSession = (opened: SessionView): void => {
    session = opened;
  };
  const elements = [
    exchange({ addressing: addressing200508 }),
    reliableSession({ ...loopbackSettings, ...serviceSettings, store, onSession }),
    security(who.signed()),
  ];
  const via = binding(elements, through(httpTransport({ tls: who.tls }), recorder));
  const opened = await host([{ binding: via, url: new URL('https://127.0.0.1:0/drop'), receive }]);
  return {
    host: opened,
    url: opened.url,
    arrived,
    duplicates: () => (session?.statistics.duplicates ?? 0) + replays,
    async [Symbol.asyncDispose]() {
      silence();
      await opened.close();
    },
  };
}

/** The ready documents first, then made ones, as many as are asked for. */
async function orders({ messages, seed }: DemonstrationOptions): Promise<readonly Document[]> {
  const names = existsSync(readyOrders)
    ? (await readdir(readyOrders)).filter((name) => name.endsWith('.xml')).sort()
    : [];
  const documents: Document[] = [];
  for (let number = 1; number <= messages; number++) {
    const name = names[number - 1];
    if (name === undefined) {
      documents.push(documentOf(`order ${number}`, () => purchaseOrder(number, seed)));
    } else {
      const xml = await readFile(join(readyOrders, name), 'utf8');
      documents.push(documentOf(name, () => xml));
    }
  }
  return documents;
}

/** What arrived, held against what was sent. */
function compared(
  documents: readonly Document[],
  arrived: readonly Dropped[],
  signer: string | undefined,
): Pick<Seen, 'delivered' | 'inOrder' | 'verified'> {
  const times = new Map<string, number>();
  for (const { sha256 } of arrived) times.set(sha256, (times.get(sha256) ?? 0) + 1);
  return {
    delivered: documents.filter(({ sha256 }) => times.get(sha256) === 1).length,
    inOrder: arrived.length > 0 && arrived.every(({ sha256 }, at) => sha256 === documents[at]?.sha256),
    verified: arrived.filter(({ from }) => from === signer).length,
  };
}
