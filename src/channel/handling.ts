/**
 * Handling: what a layer that hands messages up in turn, and has room for so many, is told of the handler of one. A handler that
 * waits for its caller, or for others to finish, may wait for what the layer has no room to take.
 */
import { type ContextKey, contextKey } from './delivery.ts';

export interface Handling {
  /**
   * Runs `work` while the handler cannot go on without it. `answer`: it ends with an answer of the sender, and its signal fires when
   * that cannot come any more; `turn`: it ends when other handlers do.
   */
  waiting<T>(what: 'answer' | 'turn', work: (refused: AbortSignal) => Promise<T>): Promise<T>;
  /** Whether, as far as its layer can see, it waits for what cannot come: so does every handler for which the layer has room. */
  readonly isStill: boolean;
  /** While it waits for a turn: whether all of those are still whose turn it is. */
  behind: (() => boolean) | undefined;
}

/** Absent where whatever comes is handed up as it comes. */
export const handling: ContextKey<Handling | undefined> = contextKey<Handling | undefined>('handling', undefined);
