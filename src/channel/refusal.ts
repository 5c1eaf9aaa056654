/**
 * Refusals on duplex channels, where neither a value nor an error comes back to whoever sends: what the layer below says of a
 * message that the other end did not take, and what the layer above says of one that this end did not take.
 */
import type { SurewireError } from '../base/errors.ts';
import { type ContextKey, contextKey } from './delivery.ts';

/** Left on what goes out: hears, at most once, that the other end does not take it. Nobody has proved that it was the other end. */
export const onRefused: ContextKey<((reason: SurewireError) => void) | undefined> = contextKey<
  ((reason: SurewireError) => void) | undefined
>('onRefused', undefined);

/** Left on what comes in: called by a layer that does not let the sender in, whether it answers or not. */
export const turnedAway: ContextKey<(() => void) | undefined> = contextKey<(() => void) | undefined>(
  'turnedAway',
  undefined,
);
