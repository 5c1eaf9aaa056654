/** `--transcript` of the commands that carry messages: what they record, and where. */
import type { Command } from 'commander';
import type { PayloadChoice } from '../audit/transcript/payload.ts';
import { Recorder } from '../audit/transcript/recorder.ts';
import { recorded } from '../audit/transcript/tap.ts';
import type { Transport } from '../channel/transport.ts';
import { certificates } from '../security/certificates.ts';
import { CliError } from './errors.ts';
import { contents } from './identity.ts';

export interface TranscriptOptions {
  readonly transcript?: string;
  readonly transcriptDigests?: true;
  readonly transcriptFor?: readonly string[];
}

export function withTranscriptOptions(command: Command): Command {
  return command
    .option(
      '--transcript <file>',
      'record every message on the wire here, for `surewire verify`; passwords are struck out',
    )
    .option('--transcript-digests', 'record digests of the messages instead of the messages')
    .option('--transcript-for <cert...>', 'encrypt the recorded messages for the owners of these certificates, PEM');
}

/**
 * @returns `undefined` when nothing is to be recorded
 * @throws CliError `CLI_USAGE`, `CLI_FILE`; AuditError `AUDIT_FILE`, `AUDIT_FOREIGN`, `AUDIT_OPTIONS`
 */
export async function recording(options: TranscriptOptions): Promise<Recorder | undefined> {
  const { transcript: file, transcriptDigests, transcriptFor } = options;
  if (file === undefined) {
    if (transcriptDigests === undefined && transcriptFor === undefined) return undefined;
    throw new CliError('CLI_USAGE', 'Name the file of the transcript with --transcript.');
  }
  if (transcriptDigests === true && transcriptFor !== undefined) {
    throw new CliError('CLI_USAGE', 'Give --transcript-digests or --transcript-for, not both.');
  }
  return Recorder.open({ file, payloads: await payloads(options) });
}

/** The transport, recorded where there is a recorder. */
export function through(transport: Transport, recorder: Recorder | undefined): Transport {
  return recorder === undefined ? transport : recorded(transport, recorder);
}

async function payloads({ transcriptDigests, transcriptFor }: TranscriptOptions): Promise<PayloadChoice> {
  if (transcriptFor === undefined) return transcriptDigests === true ? 'digested' : 'kept';
  const read = await Promise.all(transcriptFor.map(async (name) => certificates(await contents(name))[0]));
  return { encryptTo: read.filter((one) => one !== undefined) };
}
