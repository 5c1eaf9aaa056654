/** What a command is given besides its options. */
import type { CommonOptions } from './options.ts';
import type { Output } from './output.ts';

export interface Ground {
  /** Fires when the user wants an end. */
  readonly signal: AbortSignal;
  output(options: CommonOptions): Output;
  /** What the shell hears of a command that did what it was asked and has a verdict; 0 where it has none. */
  exit(code: number): void;
}
