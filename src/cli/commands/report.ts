/** `surewire report PATH…`: what was recorded, drawn as one page. */
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { draw } from '../drawing.ts';
import type { Ground } from '../ground.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { type VerifierOptions, withVerifierOptions } from '../verifier.ts';

interface ReportCommandOptions extends CommonOptions, VerifierOptions {
  readonly output: string;
  readonly title?: string;
  readonly verify: boolean;
  readonly secondEngine?: true;
}

const examples = [
  ['surewire report session.jsonl', 'Writes report.html: open it in a browser, it needs no network'],
  ['surewire report client.jsonl service.jsonl -o both.html', 'Both ends: what was lost between them is seen'],
  ['surewire report wcf-messages.svclog --no-verify', 'A log of others, only drawn'],
] as const;

export function reportCommand(program: Command, ground: Ground): void {
  const command = program
    .command('report')
    .summary('draw recorded sequences as one HTML page')
    .description(
      'Draws transcripts, and the logs of others that `surewire verify` reads, as one HTML page: each sequence as swim lanes with losses, ' +
        'retransmissions, acknowledgements and faults, each message with what its signatures cover, and what verification found.',
    )
    .argument('<path...>', 'files or folders')
    .option('-o, --output <file>', 'where the page goes', 'report.html')
    .option('--title <text>', 'its title (default: the names of the files)')
    .option('--no-verify', 'only draw')
    .option('--second-engine', 'verify with xml-crypto too; many times slower');
  withExamples(withCommonOptions(withVerifierOptions(command)), examples).action(
    (paths: readonly string[], options: ReportCommandOptions) => report(paths, options, ground),
  );
}

async function report(paths: readonly string[], options: ReportCommandOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const { output, title = paths.map((path) => basename(resolve(path))).join(', ') } = options;
  const engines = !options.verify ? 'drawn' : options.secondEngine === true ? 'both' : 'own';
  const model = await draw({ paths, output, title, verifier: options, engines }, said, ground.signal);
  const { rows, sequences, verdict, remarks } = model;
  said.record({ output, transmissions: rows.length, sequences: sequences.length, verdict: verdict ?? null, remarks });
  const count = `${rows.length} transmissions of ${sequences.length} sequences`;
  said.line(`${output}: ${count}, ${verdict ?? 'not verified'}`);
  for (const remark of remarks) said.line(`  ${remark}`);
}
