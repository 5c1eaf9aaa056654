/** `surewire serve`: a secure reliable drop box. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { issuing } from '../../audit/receipt/issuing.ts';
import { asError } from '../../base/errors.ts';
import { binding } from '../../channel/binding.ts';
import { exchange } from '../../channel/correlation.ts';
import { reliableSession } from '../../reliable/element.ts';
import { security } from '../../security/element.ts';
import { host } from '../../service/host.ts';
import { addressing200508 } from '../../soap/addressing-versions.ts';
import { httpTransport } from '../../transport/http/transport.ts';
import { type Dropped, dropBox, writableFolder } from '../dropbox.ts';
import { dropBoxMetadata } from '../dropbox-metadata.ts';
import { CliError } from '../errors.ts';
import type { Ground } from '../ground.ts';
import { contents, identity, serviceStandIns } from '../identity.ts';
import { narrate } from '../narrate.ts';
import {
  type CommonOptions,
  endpointUrl,
  type IdentityOptions,
  whole,
  withCommonOptions,
  withExamples,
  withIdentityOptions,
} from '../options.ts';
import { stamping } from '../receipts.ts';
import { openStore, type StoreOptions, withStoreOptions } from '../store.ts';
import { recording, type TranscriptOptions, through, withTranscriptOptions } from '../transcript.ts';
import { watch } from '../watch/watch.ts';
import { serviceSettings } from '../wire.ts';

interface ServeOptions extends CommonOptions, IdentityOptions, StoreOptions, TranscriptOptions {
  readonly url: string;
  readonly port?: number;
  readonly to?: string;
  readonly mutualTls?: true;
  readonly clientCa?: string;
  readonly receipts?: true;
  readonly tsa?: string;
  readonly wsdl?: true;
  readonly watch?: true;
  readonly unsafeNoSignature?: true;
}

const examples = [
  ['surewire serve --to ./inbox', 'Delivered documents become files, one each'],
  ['surewire serve --to ./inbox --store serve.db', 'Sessions survive a restart; nothing is delivered twice'],
  [
    'surewire serve --to ./inbox --store postgres://me@db.example/drop --wait 86400',
    'On two machines: one serves, the other goes on with its sessions when it is gone',
  ],
  ['surewire serve --json | jq .document', 'Delivered documents as JSON lines'],
  ['surewire serve --to ./inbox --transcript serve.jsonl', 'Record the wire, to be verified later'],
  ['surewire serve --to ./inbox --watch', 'See the sequences: what is done, under way, sent twice, dropped'],
  ['surewire serve --to ./inbox --wsdl', 'Others generate their client from https://127.0.0.1:8443/drop?wsdl'],
  [
    'surewire serve --url https://0.0.0.0:443/drop --cert me.pem --key me.key --ca partners.pem --mutual-tls',
    'For partners who prove who they are in TLS too',
  ],
] as const;

/** Milliseconds that what is under way has to finish after the first Ctrl-C. */
const GRACE = 10_000;

export function serveCommand(program: Command, ground: Ground): void {
  const command = program
    .command('serve')
    .summary('receive documents: a secure reliable drop box')
    .description(
      'Receives messages of reliable sessions (WS-ReliableMessaging 1.0 and 1.1, SOAP 1.1 and 1.2), each signed, each once, ' +
        'in the order in which they were sent. Delivered documents become files in a folder, or JSON lines; after a crash ' +
        'a line may come again (same sequence, same number), a file never.',
    )
    .option('--url <url>', 'where to listen', 'https://127.0.0.1:8443/drop')
    .option('--port <n>', 'another port; 0 takes any free one', whole(0, 65_535))
    .option('--to <folder>', 'where delivered documents go (default: standard output, as JSON lines)')
    .option('--mutual-tls', 'let in only clients that show a certificate in TLS')
    .option('--client-ca <file>', 'the authorities of these certificates, PEM (default: --ca)')
    .option('--receipts', 'give signed receipts for what was taken, to clients that know them')
    .option('--tsa <url>', 'have receipts stamped by this time stamp authority (RFC 3161)')
    .option('--wsdl', 'tell anybody who asks what is spoken here: ?wsdl and WS-MetadataExchange')
    .option('--watch', 'draw the sequences while they run')
    .option('--unsafe-no-signature', 'take messages that nobody signed: anybody who can connect can send')
    .action((options: ServeOptions) => serve(options, ground));
  withStoreOptions(command, 'keep sessions here, so that they survive a restart (default: in memory)');
  withExamples(withIdentityOptions(withCommonOptions(withTranscriptOptions(command))), examples);
}

async function serve(options: ServeOptions, ground: Ground): Promise<void> {
  // Without a folder the documents themselves are the output, whatever else was asked for.
  const said = ground.output(options.to === undefined ? { ...options, json: true } : options);
  const url = endpointUrl(options.url);
  if (options.port !== undefined) url.port = String(options.port);
  if (options.clientCa !== undefined && options.mutualTls === undefined) {
    throw new CliError('CLI_USAGE', '--client-ca says whom --mutual-tls lets in. Give both, or neither.');
  }
  if (options.tsa !== undefined && options.receipts === undefined) {
    throw new CliError('CLI_USAGE', '--tsa stamps receipts. Give --receipts with it.');
  }
  const who = await identity(options, serviceStandIns);
  const clients = options.clientCa === undefined ? {} : { ca: await contents(options.clientCa) };
  const tls = options.mutualTls ? { ...who.tls, ...clients, clientCertificate: 'require' as const } : who.tls;
  const signed = options.unsafeNoSignature ? [] : [security(who.signed())];
  const folder = options.to === undefined ? undefined : await writableFolder(options.to);
  const { store, wait } = options;
  const opening = { wait, signal: ground.signal, remark: said.warn };
  const recorder = await recording(options);
  const kept = store === undefined ? undefined : await openStore(store, opening);
  const silence = narrate(said.warn);
  const unwatch = options.watch ? watch(said.live()) : undefined;
  let delivered = 0;
  const tell = (dropped: Dropped): void => {
    delivered++;
    said.record(dropped);
    said.line(`${dropped.file}  ${dropped.bytes} octets, ${dropped.signedBy ?? 'not signed'}`);
  };
  const complain = (error: Error): void => said.warn(`a document cannot be written, trying again (${error.message})`);
  try {
    const session = reliableSession({ ...serviceSettings, ...(kept === undefined ? {} : { store: kept.store }) });
    const given = options.receipts ? issuing(session, { key: who.key(), ...stamping(options.tsa) }) : session;
    const via = binding(
      [exchange({ addressing: addressing200508 }), given, ...signed],
      through(httpTransport({ tls }), recorder),
    );
    const publication = options.wsdl
      ? dropBoxMetadata(!options.unsafeNoSignature, url.protocol === 'https:')
      : undefined;
    await using box = await host([{ binding: via, url, receive: dropBox({ folder, tell, complain }), publication }]);
    said.record({ listening: box.url.href });
    said.line(`listening at ${box.url}`);
    if (options.unsafeNoSignature) said.warn('unsafe: messages are not signed (--unsafe-no-signature)');
    if (options.store === undefined)
      said.warn('sessions are kept in memory; name a --store and they survive a restart');
    const ended = ground.signal.aborted ? undefined : once(ground.signal, 'abort').then(() => undefined);
    const lost = await Promise.race([ended, ...(kept === undefined ? [] : [kept.lost])]);
    if (lost === undefined) said.warn('ending; once more to end at once');
    // Without its store it can acknowledge nothing: there is nothing to wait for.
    const grace = lost === undefined ? AbortSignal.timeout(GRACE) : AbortSignal.abort(lost);
    await box.close(grace).catch((thrown: unknown) => said.warn(asError(thrown).message));
    said.warn(`${delivered} delivered`);
    if (lost !== undefined) throw lost;
  } finally {
    unwatch?.();
    silence();
    await kept?.store.close();
    await recorder?.close();
  }
}
