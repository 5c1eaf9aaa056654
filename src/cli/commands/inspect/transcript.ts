/** `surewire inspect transcript`: what a transcript holds, counted. */
import type { Command } from 'commander';
import { readTranscript, transcriptFiles } from '../../../audit/transcript/lines.ts';
import type { Ground } from '../../ground.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../../options.ts';
import { table } from '../../output.ts';

export function inspectTranscriptCommand(inspect: Command, ground: Ground): void {
  const command = inspect
    .command('transcript')
    .summary('a transcript')
    .description(
      'Counts what a transcript holds. `surewire verify` says whether it is sound, `surewire report` draws it.',
    )
    .argument('<file>', 'what --transcript named; its parts are found beside it')
    .action((file: string, options: CommonOptions) => inspectTranscript(file, options, ground));
  withExamples(withCommonOptions(command), [
    ['surewire inspect transcript session.jsonl', 'How much of what is in it'],
  ]);
}

async function inspectTranscript(file: string, options: CommonOptions, ground: Ground): Promise<void> {
  const said = ground.output(options);
  const kinds: Record<string, number> = {};
  const sequences = new Set<string>();
  const payloads = new Set<string>();
  let troubles = 0;
  let refused = 0;
  let [first, last] = ['', ''];
  const files = await transcriptFiles(file);
  for await (const { record, trouble } of readTranscript(files)) {
    if (trouble !== undefined) troubles++;
    if (record === undefined) continue;
    first ||= record.at;
    last = record.at;
    kinds[record.kind] = (kinds[record.kind] ?? 0) + 1;
    if (record.kind === 'evidence' && !record.accepted) refused++;
    if (record.kind !== 'message') continue;
    payloads.add(record.payload.form);
    if (record.facts?.sequence !== undefined) sequences.add(record.facts.sequence.id);
  }
  const seen = {
    file,
    parts: files.length,
    first,
    last,
    records: kinds,
    sequences: [...sequences],
    payloads: [...payloads],
    refused,
    troubles,
  };
  said.record(seen);
  said.line(
    table([
      ['parts', files.length],
      ['from', first],
      ['to', last],
      ...Object.entries(kinds).map(([kind, count]) => [`records: ${kind}`, count] as const),
      ['sequences', sequences.size],
      ['payloads', [...payloads].join(', ') || 'none'],
      ['refused by security', refused],
      ['lines in trouble', troubles],
    ]),
  );
}
