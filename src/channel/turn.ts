/**
 * A turn: what a transport was brought at once. A layer that has one thing to say about several messages of a turn says it at
 * the end of the turn, when it knows which of them was the last.
 */
import { type ContextKey, contextKey } from './delivery.ts';

export interface Turn {
  /** Runs `task` when everything that the turn brought has gone up; never throws, and `task` must not either. */
  atEnd(task: () => void): void;
}

/** Absent where the transport knows no turns: there each message is by itself. */
export const turn: ContextKey<Turn | undefined> = contextKey<Turn | undefined>('turn', undefined);
