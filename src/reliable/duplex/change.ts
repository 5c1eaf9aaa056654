/**
 * One step of a duplex session without its effects: what is given to the reducers, what they make of it, and what that changes
 * among the stored messages.
 */
import type { Instant } from '../../base/clock.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { destination } from '../destination.ts';
import type { DestinationEffect, DestinationEvent } from '../destination-state.ts';
import type { Bare } from '../interpret.ts';
import { source } from '../source.ts';
import type { SourceEffect, SourceEvent } from '../source-state.ts';
import type { SessionChange } from '../store.ts';
import type { DuplexKeep, DuplexState, DuplexWaiting } from './ends.ts';
import type { Terms } from './terms.ts';

/** Events for what this end sends, and for what it receives. */
export interface Given {
  readonly source?: readonly Bare<SourceEvent>[];
  readonly receipt?: readonly Bare<DestinationEvent>[];
}

export interface Beside {
  /** The message that is submitted. */
  readonly submission?: { readonly trip: Delivery; readonly waiting: DuplexWaiting | undefined } | undefined;
  /** The message that arrived. */
  readonly arrival?: { readonly number: number; readonly trip: Delivery } | undefined;
}

/** What has to be done once `after` is in the store. */
interface Reduction {
  readonly after: DuplexState;
  readonly sending: readonly SourceEffect[];
  readonly receiving: readonly DestinationEffect[];
}

/**
 * Gives the events to both reducers.
 *
 * @param jitter random, at least 0 and less than 1
 */
export function reduced(
  before: DuplexState,
  given: Given,
  { policy, assurance }: Terms,
  now: Instant,
  jitter: number,
): Reduction {
  let next = before.source;
  const sending: SourceEffect[] = [];
  for (const event of given.source ?? []) {
    const [state, effects] = source(next, { ...event, now, jitter } as SourceEvent, policy);
    next = state;
    sending.push(...effects);
  }
  let { receipt } = before;
  const receiving: DestinationEffect[] = [];
  for (const event of given.receipt ?? []) {
    if (receipt === undefined) break;
    const [state, effects] = destination(receipt, { ...event, now } as DestinationEvent, assurance);
    receipt = state;
    receiving.push(...effects);
  }
  return { after: { source: next, receipt }, sending, receiving };
}

interface Step {
  readonly given: Given;
  readonly sending: readonly SourceEffect[];
  readonly receiving: readonly DestinationEffect[];
  readonly beside: Beside;
}

/** What is submitted or accepted is put into the store, what is settled, finished or discarded is dropped from it. */
export function storedMessages(keep: DuplexKeep, step: Step): Required<Pick<SessionChange, 'put' | 'drop'>> {
  const { submission, arrival } = step.beside;
  const put: NonNullable<SessionChange['put']>[number][] = [];
  const drop: NonNullable<SessionChange['drop']>[number][] = [];
  for (const effect of step.sending) {
    if (effect.effect === 'settled') drop.push({ direction: 'out', number: effect.number });
    if (effect.effect === 'numbered' && submission !== undefined) {
      put.push({ direction: 'out', number: effect.number, octets: keep.octets(submission.trip.message) });
    }
  }
  for (const effect of step.receiving) {
    if (effect.effect !== 'discard') continue;
    for (const number of effect.numbers) drop.push({ direction: 'in', number });
  }
  if (arrival !== undefined && step.receiving.some(({ effect }) => effect === 'accept')) {
    put.push({ direction: 'in', number: arrival.number, octets: keep.octets(arrival.trip.message) });
  }
  for (const event of step.given.receipt ?? []) {
    if (event.kind === 'delivered') drop.push({ direction: 'in', number: event.number });
  }
  return { put, drop };
}
