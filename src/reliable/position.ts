/** Where in a sequence a message stands: what the reliable layer leaves on everything it hands up. */
import { type ContextKey, contextKey } from '../channel/delivery.ts';

export interface Position {
  /** Identifier of the sequence. */
  readonly sequence: string;
  /** Message number in that sequence, from 1. */
  readonly number: number;
}

/** Present on every delivery that came in a sequence: requests at the service and replies at the client. */
export const position: ContextKey<Position | undefined> = contextKey<Position | undefined>('position', undefined);
