/** `surewire send URL FILE…`: each file one message of one sequence, once, in order. */
import { type Command, Option } from 'commander';
import { hasCode, SurewireError } from '../../base/errors.ts';
import { storedOutcomes } from '../../reliable/outcomes.ts';
import { readInitiatorRecord } from '../../reliable/record.ts';
import type { SessionStore } from '../../reliable/store.ts';
import { security } from '../../security/element.ts';
import { httpTransport } from '../../transport/http/transport.ts';
import { type Document, documentsOf, manifestOf } from '../documents.ts';
import { CliError } from '../errors.ts';
import type { Ground } from '../ground.ts';
import { clientStandIns, identity } from '../identity.ts';
import { narrate } from '../narrate.ts';
import {
  type CommonOptions,
  endpointUrl,
  hostOf,
  type IdentityOptions,
  whole,
  withCommonOptions,
  withExamples,
  withIdentityOptions,
} from '../options.ts';
import { type Output, table } from '../output.ts';
import { storing } from '../receipts.ts';
import { type OpenStore, openStore, type StoreOptions, withStoreOptions } from '../store.ts';
import { recording, type TranscriptOptions, through, withTranscriptOptions } from '../transcript.ts';
import { type Receipt, transfer } from '../transfer.ts';
import { watched } from '../watch/watch.ts';
import { documentAction, reliableByName, soapByName } from '../wire.ts';

interface SendOptions extends CommonOptions, IdentityOptions, StoreOptions, TranscriptOptions {
  readonly rm: string;
  readonly soap: string;
  readonly action: string;
  readonly timeout: number;
  readonly peer?: string;
  readonly receipts?: string;
  readonly watch?: true;
  readonly unsafeNoSignature?: true;
}

const examples = [
  ['surewire send https://127.0.0.1:8443/drop order-*.xml', 'Each file one message, signed, exactly once and in order'],
  [
    'surewire send https://127.0.0.1:8443/drop order-*.xml --store transfer.db',
    'Survives Ctrl-C and power cuts: the same command goes on where it stopped',
  ],
  [
    'surewire send https://drop.example/in a.xml --cert me.pem --key me.key --ca partners.pem --rm 1.0',
    'With certificates of your own, to a peer that speaks WS-RM 1.0',
  ],
  [
    'surewire send https://127.0.0.1:8443/drop order-*.xml --transcript send.jsonl',
    'Record the wire: evidence of what was sent, acknowledged and by whom',
  ],
  ['surewire send https://127.0.0.1:8443/drop a.xml --json', 'The outcome as one JSON value'],
] as const;

export function sendCommand(program: Command, ground: Ground): void {
  const command = program
    .command('send')
    .summary('send files as one reliable sequence')
    .description(
      'Sends XML files, each as one message of one sequence, signed. Exits with 0 only when every one is acknowledged. ' +
        'Comments in the files and white space around their root element are not sent.',
    )
    .argument('<url>', 'where to, http or https')
    .argument('<file...>', 'XML documents, in the order in which they shall arrive')
    .addOption(new Option('--rm <version>', 'WS-ReliableMessaging').choices([...reliableByName.keys()]).default('1.1'))
    .addOption(new Option('--soap <version>', 'SOAP').choices([...soapByName.keys()]).default('1.2'))
    .option('--action <uri>', 'wsa:Action of the messages', documentAction)
    .option('--timeout <seconds>', 'give up when nothing was heard for so long', whole(1, 86_400), 300)
    .option('--peer <subject>', 'the signer of the answers, as a whole subject (default: one that names the host)')
    .option('--receipts <file>', 'append the receipts of the service here, for `surewire verify --receipt`')
    .option('--watch', 'draw the sequence while it runs')
    .option('--unsafe-no-signature', 'neither sign nor ask for signatures: anybody on the way can write messages')
    .action((url: string, files: readonly string[], options: SendOptions) => send(url, files, options, ground));
  withStoreOptions(
    command,
    'keep the transfer here; the same command goes on where it stopped, and sends nothing twice',
  );
  withExamples(withIdentityOptions(withCommonOptions(withTranscriptOptions(command))), examples);
}

async function send(url: string, files: readonly string[], options: SendOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const to = endpointUrl(url);
  const documents = await documentsOf(files);
  const who = await identity(options, clientStandIns);
  const peer = options.peer === undefined ? { host: hostOf(to) } : { subject: options.peer };
  const signed = options.unsafeNoSignature ? undefined : security(who.signed(peer));
  const recorder = await recording(options);
  const transport = through(httpTransport({ tls: who.tls }), recorder);
  const label = labelOf(to, documents, options);
  const opening = { wait: options.wait, signal: ground.signal, remark: said.remark };
  const kept = options.store === undefined ? undefined : await openStore(options.store, opening);
  const store = kept?.store;
  if (signed === undefined) said.warn('unsafe: messages are not signed (--unsafe-no-signature)');
  const progress = options.watch ? watched(said) : said.progress(documents.length, 'acknowledged');
  const silence = narrate(said.remark);
  const started = Date.now();
  const longest = options.timeout * 1_000;
  try {
    if (kept !== undefined) await refuseOthers(kept, label);
    const done = store === undefined ? undefined : await finished(store, label, documents.length);
    if (done !== undefined) {
      progress.end();
      said.remark(
        'An earlier run finished this transfer; nothing is sent. Name another --store to send the files again.',
      );
      return tell(said, done, documents, 0);
    }
    const { receipt, failure } = await transfer({
      to,
      documents,
      action: options.action,
      transport,
      security: signed,
      soap: chosen(soapByName, options.soap),
      session: {
        version: chosen(reliableByName, options.rm),
        // Silence alone ends a transfer, however many repetitions fit into it.
        maxRetryCount: 1_000,
        retryCeiling: Math.max(10_000, longest / 500),
        openTimeout: Math.min(longest, 60_000),
        inactivityTimeout: longest,
        closeTimeout: longest,
        // What is stored is suspended when it cannot go on, and never ended: whoever starts again would send everything twice.
        ...(store === undefined ? {} : { store, label }),
      },
      ...(options.receipts === undefined ? {} : { around: storing(options.receipts) }),
      signal: ground.signal,
      onProgress: (acknowledged) => progress.to(acknowledged),
    });
    progress.end();
    tell(said, receipt, documents, (Date.now() - started) / 1_000);
    if (failure !== undefined) throw incomplete(failure, receipt, documents, options);
  } finally {
    progress.end();
    silence();
    await store?.close();
    await recorder?.close();
  }
}

function chosen<T>(rows: ReadonlyMap<string, T>, name: string): T {
  const row = rows.get(name);
  if (row === undefined)
    throw new CliError('CLI_USAGE', `There is no version ${name}. Known: ${[...rows.keys()].join(', ')}.`);
  return row;
}

/** The same files to the same place under the same settings are the same transfer. */
function labelOf(to: URL, documents: readonly Document[], { rm, soap, action }: SendOptions): string {
  return `send ${to} ${rm} ${soap} ${action} ${manifestOf(documents)}`;
}

/** @throws CliError `CLI_STORE_TAKEN` */
async function refuseOthers({ store, place }: OpenStore, label: string): Promise<void> {
  for (const { state } of await store.sessions()) {
    const record = readInitiatorRecord(state);
    if (record === undefined || record.label === label || record.source.phase === 'ended') continue;
    throw new CliError(
      'CLI_STORE_TAKEN',
      `${place} holds an unfinished transfer of other files, or to another place or in another way. ` +
        'Finish that one first by its own command, or name another store.',
    );
  }
}

/** What an earlier run has done, also when it was killed before it could say so. */
async function finished(store: SessionStore, label: string, documents: number): Promise<Receipt | undefined> {
  const all = await storedOutcomes(store, label);
  const done = all.find(({ state, submitted }) => state === 'completed' && submitted >= documents);
  if (done === undefined) return undefined;
  const { sequence = '' } = done;
  return { sequence, sent: documents, acknowledged: documents, retransmissions: 0, resumedAt: documents };
}

function tell(said: Output, receipt: Receipt, documents: readonly Document[], seconds: number): void {
  said.record({ ...receipt, documents: documents.length, seconds });
  said.line(
    table([
      ['documents', documents.length],
      ...(receipt.resumedAt > 0 ? [['sent by earlier runs', receipt.resumedAt] as const] : []),
      ['acknowledged', receipt.acknowledged],
      ['retransmissions', receipt.retransmissions],
      ['sequence', receipt.sequence],
      ['seconds', seconds.toFixed(1)],
    ]),
  );
}

/** What ended a transfer early, with how far it got where that is the user's next question. */
function incomplete(
  failure: unknown,
  { acknowledged }: Receipt,
  documents: readonly Document[],
  { store, timeout }: SendOptions,
): unknown {
  const isSuspended = hasCode(failure, 'RELIABLE_SUSPENDED') || hasCode(failure, 'RELIABLE_CLOSE_TIMEOUT');
  // A certificate or an address that nobody accepts says by itself what to do.
  const isMended = isSuspended && !(failure.cause instanceof SurewireError && !failure.cause.transient);
  const isLate = store !== undefined && isMended;
  if (!isLate && !hasCode(failure, 'CLI_INTERRUPTED')) return failure;
  const code = isLate ? 'CLI_INCOMPLETE' : 'CLI_INTERRUPTED';
  const why = isLate ? `Nothing was heard for ${timeout} seconds.` : failure.message;
  const what = `${why} ${acknowledged} of ${documents.length} documents were acknowledged.`;
  const next =
    store === undefined
      ? 'The sequence was ended; with --store it could have gone on later.'
      : 'The same command goes on where this one stopped.';
  return new CliError(code, `${what} ${next}`, { cause: failure });
}
