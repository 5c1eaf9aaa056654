/** `surewire inspect KIND …`: what a file or an address says, in plain words. One file a kind, in `inspect/`. */
import type { Command } from 'commander';
import type { Ground } from '../ground.ts';
import { inspectCertCommand, inspectPfxCommand } from './inspect/cert.ts';
import { inspectConfigCommand } from './inspect/config.ts';
import { inspectMessageCommand } from './inspect/message.ts';
import { inspectStoreCommand } from './inspect/store.ts';
import { inspectTranscriptCommand } from './inspect/transcript.ts';
import { inspectWsdlCommand } from './inspect/wsdl.ts';

/** A kind adds its command to the group. */
type InspectKind = (inspect: Command, ground: Ground) => void;

const kinds: readonly InspectKind[] = [
  inspectCertCommand,
  inspectConfigCommand,
  inspectMessageCommand,
  inspectPfxCommand,
  inspectStoreCommand,
  inspectTranscriptCommand,
  inspectWsdlCommand,
];

export function inspectCommand(program: Command, ground: Ground): void {
  const inspect = program
    .command('inspect')
    .summary('say in plain words what a file or an address means')
    .description(
      'Says in plain words what a file or an address means, and what of it is spoken here. Sends no message.',
    );
  for (const kind of kinds) kind(inspect, ground);
}
