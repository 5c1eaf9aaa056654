/** `surewire demo`: see it work on a bad network. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Demonstration, demonstrate } from '../demonstration.ts';
import { draw } from '../drawing.ts';
import { CliError } from '../errors.ts';
import type { Ground } from '../ground.ts';
import { type CommonOptions, likelihood, whole, withCommonOptions, withExamples } from '../options.ts';
import { type Output, table } from '../output.ts';
import { recording, type TranscriptOptions, withTranscriptOptions } from '../transcript.ts';

interface DemoOptions extends CommonOptions, TranscriptOptions {
  readonly messages: number;
  readonly loss: number;
  readonly seed: number;
  readonly keep?: true;
  readonly watch?: true;
  /** Absent: a file in the folder for temporary files. False: none. */
  readonly report?: string | false;
}

const examples = [
  ['surewire demo', '200 purchase orders through a network that loses one message in five'],
  ['surewire demo --messages 500 --loss 0.3 --seed 7 --json', 'More of everything, the outcome as JSON'],
  ['surewire demo --watch', 'See both ends of the sequence: what is done, under way, sent again, dropped'],
  ['surewire demo --transcript demo.jsonl --keep', 'Record both ends of the wire'],
  ['surewire demo --keep', 'Keep the delivered documents, the stores and the certificates to look at them'],
] as const;

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
    .option('--watch', 'draw the sequences while they run')
    .option('--report <file>', 'where the report goes (default: a file in the folder for temporary files)')
    .option('--no-report', 'draw none')
    .option('--keep', 'keep what was made, and say where it is')
    .action((options: DemoOptions) => demo(options, ground));
  withExamples(withCommonOptions(withTranscriptOptions(command)), examples);
}

async function demo(options: DemoOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const folder = await mkdtemp(join(tmpdir(), 'surewire-demo-'));
  const output = reportFile(options, folder);
  const transcript = options.transcript ?? (output === undefined ? undefined : join(folder, 'transcript.jsonl'));
  const recorder = await recording(transcript === undefined ? options : { ...options, transcript });
  try {
    const shown = await demonstrate(folder, { ...options, recorder }, said, ground.signal);
    await recorder?.close();
    const report = await drawn(output, transcript, folder, said, ground.signal);
    const { seen } = shown;
    said.record({ ...seen, report: report?.output ?? null, verdict: report?.verdict ?? null });
    tell(said, shown, options.keep === true ? folder : undefined, report?.output);
    if (seen.delivered !== seen.sent || seen.verified !== seen.sent || !seen.inOrder) {
      throw new CliError('CLI_INCOMPLETE', 'Not every document arrived once, in order and signed. Please report this.');
    }
    if (report !== undefined && report.verdict !== 'sound') {
      throw new CliError(
        'CLI_INCOMPLETE',
        `What was recorded is ${report.verdict}, see ${report.output}. Please report this.`,
      );
    }
  } finally {
    await recorder?.close();
    if (options.keep !== true) await rm(folder, { recursive: true, force: true });
  }
}

/** Beyond so many messages a page of everything is asked for by name. */
const reportedUnasked = 2_000;

function reportFile({ report, messages }: DemoOptions, folder: string): string | undefined {
  if (report === false || (report === undefined && messages > reportedUnasked)) return undefined;
  return report ?? `${folder}.html`;
}

async function drawn(
  output: string | undefined,
  transcript: string | undefined,
  folder: string,
  said: Output,
  signal: AbortSignal,
): Promise<{ readonly output: string; readonly verdict: string | undefined } | undefined> {
  if (output === undefined || transcript === undefined) return undefined;
  const title = 'surewire demo: orders through a bad network';
  const verifier = { certs: join(folder, 'certificates') };
  const { verdict } = await draw({ paths: [transcript], output, title, verifier, engines: 'own' }, said, signal);
  return { output, verdict };
}

function tell(
  said: Output,
  { seen, network }: Demonstration,
  kept: string | undefined,
  report: string | undefined,
): void {
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
  if (report !== undefined) said.line(`The picture of all of it, for a browser: ${report}`);
  said.line('Next: `surewire serve --help`, `surewire send --help`, and the programs in examples/.');
}
