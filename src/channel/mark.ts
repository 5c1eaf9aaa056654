/**
 * What a recorder next to the transport leaves on a delivery, so that what the layers above find out about the message can be
 * told of the record of its octets: they publish it with the mark, and know nothing else of it.
 */
import { type ContextKey, contextKey } from './delivery.ts';

/** Compared by identity. */
export interface Mark {
  readonly record: number;
}

export const mark: ContextKey<Mark | undefined> = contextKey<Mark | undefined>('mark', undefined);
