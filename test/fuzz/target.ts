/** What is fuzzed: something that takes octets, says in a word what became of them, and may put a question to a peer. */
import { SurewireError } from '../../src/base/errors.ts';

export type TargetName = 'scan' | 'canonicalize' | 'envelope' | 'verify' | 'decrypt' | 'message';

export interface Target {
  readonly name: TargetName;
  /** Texts to begin with. */
  readonly seeds: readonly string[];
  /**
   * Handles octets. Gives a word for what became of them (`accepted`, or the code of the refusal); throws `Finding` when a
   * promise is broken, and whatever the code throws that is not a SurewireError is one too.
   */
  handle(octets: Uint8Array): string | Promise<string>;
  /** Asks peers about what was accepted since the last time; findings of theirs. */
  readonly ask?: () => readonly Finding[];
}

/** A promise that was broken, and the octets that broke it. */
export class Finding extends Error {
  readonly octets: Uint8Array;

  constructor(what: string, octets: Uint8Array, cause?: unknown) {
    super(what, { cause });
    this.octets = octets;
  }
}

/** Does the work; a SurewireError is its code, everything else goes on. */
export function codeOf(work: () => unknown): string {
  try {
    work();
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof SurewireError) return thrown.code;
    throw thrown;
  }
}
