/** `surewire demo`: real documents, real certificates, real stores and a bad network, in one process, counted as they arrive. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { developmentPki } from '../../certificates/development-pki.ts';
import { binding } from '../../channel/binding.ts';
import { exchange } from '../../channel/correlation.ts';
import { reliableSession } from '../../reliable/element.ts';
import type { SessionView } from '../../reliable/session.ts';
import { security } from '../../security/element.ts';
import { host } from '../../service/host.ts';
import { addressing200508 } from '../../soap/addressing-versions.ts';
import { sqlite } from '../../stores/sqlite.ts';
import { httpTransport } from '../../transport/http/transport.ts';
import { type Document, documentOf } from '../documents.ts';
import { type Dropped, dropBox, writableFolder } from '../dropbox.ts';
import { CliError } from '../errors.ts';
import { clientStandIns, identity, serviceStandIns } from '../identity.ts';
import { faultyNetwork, type NetworkCounts } from '../network.ts';
import { type CommonOptions, likelihood, whole, withCommonOptions, withExamples } from '../options.ts';
import { purchaseOrder } from '../orders/order.ts';
import { type Output, table } from '../output.ts';
import type { Ground } from '../program.ts';
import { transfer } from '../transfer.ts';
import { documentAction, hear } from '../wire.ts';

interface DemoOptions extends CommonOptions {
  readonly messages: number;
  readonly loss: number;
  readonly seed: number;
  readonly keep?: true;
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

const examples = [
  ['surewire demo', '200 purchase orders through a network that loses one message in five'],
  ['surewire demo --messages 500 --loss 0.3 --seed 7 --json', 'More of everything, the outcome as JSON'],
  ['surewire demo --keep', 'Keep the delivered documents, the stores and the certificates to look at them'],
] as const;

/** Ready documents; only in a checkout. Orders beyond them are made as needed. */
const readyOrders = fileURLToPath(new URL('../../../examples/orders/', import.meta.url));

/** A network with round trips of milliseconds need not be given seconds. */
const loopbackSettings = {
  maxTransferWindowSize: 32,
  maxRetryCount: 1_000,
  retryFloor: 20,
  retryCeiling: 60,
  firstPatience: 100,
} as const;

export function demoCommand(program: Command, ground: Ground): void {
  const command = program
    .command('demo')
    .summary('see it work on a bad network')
    .description(
      'Sends purchase orders of 1 to 100 KB over HTTPS, signed, from one durable session to another, through a network ' +
        'that loses, repeats, delays and reorders messages and breaks connections; and counts what arrives.',
    )
    .option('--messages <n>', 'how many documents', whole(1, 100_000), 200)
    .option('--loss <p>', 'likelihood that a request, or a reply, is lost', likelihood(0.9), 0.2)
    .option('--seed <n>', 'another seed is another run', whole(0, 4_294_967_295), 1)
    .option('--keep', 'keep what was made, and say where it is')
    .action((options: DemoOptions) => demo(options, ground));
  withExamples(withCommonOptions(command), examples);
}

async function demo(options: DemoOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const folder = await mkdtemp(join(tmpdir(), 'surewire-demo-'));
  try {
    const { seen, network } = await run(folder, options, said, ground.signal);
    said.record(seen);
    tell(said, seen, network, options.keep === true ? folder : undefined);
    if (seen.delivered !== seen.sent || seen.verified !== seen.sent || !seen.inOrder) {
      throw new CliError('CLI_INCOMPLETE', 'Not every document arrived once, in order and signed. Please report this.');
    }
  } finally {
    if (options.keep !== true) await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  folder: string,
  options: DemoOptions,
  said: Output,
  signal: AbortSignal,
): Promise<{ readonly seen: Seen; readonly network: NetworkCounts }> {
  said.remark('Making certificates');
  const certs = join(folder, 'certificates');
  await developmentPki({ folder: certs, algorithms: ['rsa'] });
  const service = await identity({ certs }, serviceStandIns);
  const client = await identity({ certs }, clientStandIns);
  const documents = await orders(options.messages, options.seed);
  const arrived: Dropped[] = [];
  let served: SessionView | undefined;
  let replays = 0;
  const silence = hear((room, { event, code }) => {
    if (room === 'security' && event === 'message.refused' && code === 'SECURITY_REPLAY') replays++;
  });
  const stores = { service: sqlite(join(folder, 'serve.db')), client: sqlite(join(folder, 'send.db')) };
  try {
    const session = reliableSession({
      ...loopbackSettings,
      store: stores.service,
      onSession: (found) => {
        served = found;
      },
    });
    const inbox = await writableFolder(join(folder, 'inbox'));
    const progress = said.progress(documents.length, 'delivered');
    const receive = dropBox({
      folder: inbox,
      complain: (error) => said.remark(error.message),
      tell: (dropped) => {
        arrived.push(dropped);
        progress.to(arrived.length);
      },
    });
    const elements = [exchange({ addressing: addressing200508 }), session, security(service.signed())];
    const via = binding(elements, httpTransport({ tls: service.tls }));
    await using box = await host([{ binding: via, url: new URL('https://127.0.0.1:0/drop'), receive }]);
    const [to = new URL('https://127.0.0.1/')] = box.urls;
    await using network = await faultyNetwork({
      to,
      tls: service.tls,
      seed: options.seed,
      mishaps: { loss: options.loss, duplicate: 0.05, delay: 0.3, reorder: 0.05, breakage: 0.03 },
    });
    said.remark(`Sending ${documents.length} orders over HTTPS to ${to}, through a bad network at ${network.url}`);
    const started = performance.now();
    const { receipt, failure } = await transfer({
      to: network.url,
      documents,
      action: documentAction,
      transport: httpTransport({ tls: client.tls, client: { connections: 64 } }),
      security: security(client.signed({ host: '127.0.0.1' })),
      session: { ...loopbackSettings, store: stores.client, label: 'demo' },
      signal,
    });
    // What is acknowledged is in the service's store; closing waits until the application has had it.
    await box.close();
    progress.end();
    const seconds = (performance.now() - started) / 1_000;
    if (failure !== undefined) throw failure;
    const { delivered, inOrder, verified } = compared(documents, arrived, client.signer);
    return {
      seen: {
        sent: receipt.sent,
        delivered,
        inOrder,
        duplicatesDropped: (served?.statistics.duplicates ?? 0) + replays,
        retransmissions: receipt.retransmissions,
        verified,
        seconds: Math.round(seconds * 100) / 100,
      },
      network: network.counts,
    };
  } finally {
    silence();
    await stores.client.close();
    await stores.service.close();
  }
}

/** The ready documents first, then made ones, as many as are asked for. */
async function orders(count: number, seed: number): Promise<readonly Document[]> {
  const names = existsSync(readyOrders)
    ? (await readdir(readyOrders)).filter((name) => name.endsWith('.xml')).sort()
    : [];
  const documents: Document[] = [];
  for (let number = 1; number <= count; number++) {
    const name = names[number - 1];
    const xml = name === undefined ? purchaseOrder(number, seed) : await readFile(join(readyOrders, name), 'utf8');
    documents.push(documentOf(name ?? `order ${number}`, xml));
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

function tell(said: Output, seen: Seen, network: NetworkCounts, kept: string | undefined): void {
  const { lost, duplicated, delayed, reordered, broken, exchanges } = network;
  said.line();
  said.line('What the network did');
  said.line(
    table([
      ['exchanges', exchanges],
      ['lost, repeated', `${lost}, ${duplicated}`],
      ['delayed, reordered', `${delayed}, ${reordered}`],
      ['broken off', broken],
    ]),
  );
  said.line();
  said.line('What the application saw');
  said.line(
    table([
      ['sent', seen.sent],
      ['delivered once', seen.delivered],
      ['in order', seen.inOrder ? 'yes' : 'NO'],
      ['duplicates dropped', seen.duplicatesDropped],
      ['retransmissions', seen.retransmissions],
      ['signatures verified', seen.verified],
      ['seconds', seen.seconds],
    ]),
  );
  said.line();
  said.line(
    kept === undefined ? 'Keep the delivered documents with --keep.' : `Documents, stores, certificates: ${kept}`,
  );
  said.line('Next: `surewire serve --help`, `surewire send --help`, and the programs in examples/.');
}
