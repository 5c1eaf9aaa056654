/** `surewire verify PATH…`: what was recorded, verified again by somebody who was not there. */
import { type Command, Option } from 'commander';
import { sourcesAt } from '../../audit/import/source.ts';
import { sarif } from '../../audit/verify/sarif.ts';
import { type Verification, verify } from '../../audit/verify/verify.ts';
import { CliError, exitCodes } from '../errors.ts';
import type { Ground } from '../ground.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { storedReceipts, timestampAuthorities } from '../receipts.ts';
import { shownVerification } from '../verification.ts';
import { evidenceKeys, evidenceTrust, type VerifierOptions, withVerifierOptions } from '../verifier.ts';

interface VerifyCommandOptions extends CommonOptions, VerifierOptions {
  readonly format?: string;
  readonly secondEngine: boolean;
  readonly unsafeSha1?: true;
  readonly receipt?: readonly string[];
  readonly tsaCa?: string;
}

const examples = [
  ['surewire verify session.jsonl', 'A transcript of --transcript, with the development certificates'],
  ['surewire verify session.jsonl --ca partners.pem --crl partners.crl.pem', 'Whom to believe, at the time of signing'],
  ['surewire verify wcf-messages.svclog traffic.har captures/', 'Logs of others too; everything together'],
  [
    'surewire verify session.jsonl --key auditor.key --cert auditor.pem',
    'Opens what was encrypted for this certificate',
  ],
  ['surewire verify --receipt receipts.jsonl send.jsonl', 'Receipts, held against what was sent'],
  ['surewire verify session.jsonl --format sarif > findings.sarif', 'For tools that show findings'],
] as const;

export function verifyCommand(program: Command, ground: Ground): void {
  const command = program
    .command('verify')
    .summary('verify recorded sequences')
    .description(
      'Verifies transcripts, WCF message logs (.svclog), CXF and Metro logs, HAR, raw HTTP and folders of envelopes: every signature ' +
        '(by two engines), certificates at the time of signing, coverage, numbers, retransmissions, acknowledgements, identity, ' +
        'times and the end of each sequence. Exits with 0 when all is sound, 1 when something is not, 2 when something could not be checked.',
    )
    .argument('[path...]', 'files or folders')
    .option(
      '--receipt <file...>',
      'receipts that `surewire send --receipts` stored: checked, and held against the rest',
    )
    .option('--tsa-ca <file>', 'the authorities of time stamps, PEM (default: those of --ca)')
    .addOption(new Option('--format <format>', 'of the result').choices(['table', 'json', 'sarif']))
    .option('--no-second-engine', 'do not ask xml-crypto about every signature: many times as fast')
    .option('--unsafe-sha1', 'let signatures over SHA-1 count, which anybody with time may have made');
  withExamples(withCommonOptions(withVerifierOptions(command)), examples).action(
    (paths: readonly string[], options: VerifyCommandOptions) => run(paths, options, ground),
  );
}

async function run(paths: readonly string[], options: VerifyCommandOptions, ground: Ground): Promise<void> {
  const format = options.format ?? (options.json === true ? 'json' : 'table');
  const said = ground.output(format === 'table' ? {} : { json: true });
  const { trust, known } = await evidenceTrust(options, said);
  const { keys, transcriptKeys } = await evidenceKeys(options);
  if (paths.length === 0 && options.receipt === undefined) throw new CliError('CLI_USAGE', 'Name something to verify.');
  const receipts = (await Promise.all((options.receipt ?? []).map(storedReceipts))).flat();
  const timestampTrust = await timestampAuthorities(options.tsaCa);
  const sources = await Promise.all(paths.map((path) => sourcesAt(path, { secrets: 'kept' })));
  const progress = said.counting('messages verified');
  let found: Verification;
  try {
    found = await verify(sources.flat(), {
      trust,
      receipts,
      timestampTrust,
      known,
      keys,
      transcriptKeys,
      secondEngine: options.secondEngine,
      unsafeSha1: options.unsafeSha1 === true,
      onProgress: (messages) => {
        ground.signal.throwIfAborted();
        progress.to(messages);
      },
    });
  } finally {
    progress.end();
  }
  if (format === 'sarif') said.record(sarif(found));
  else if (format === 'json') said.record(found);
  else for (const line of shownVerification(found, options.verbose === true)) said.line(line);
  ground.exit(codes[found.verdict]);
}

const codes = { sound: exitCodes.done, unsound: exitCodes.failed, unchecked: exitCodes.input } as const;
