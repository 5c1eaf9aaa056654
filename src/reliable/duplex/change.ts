/** One step of a duplex session from outside: what is given to its reducers, and what it changes among the stored messages. */
import type { Delivery } from '../../channel/delivery.ts';
import type { DestinationEffect, DestinationEvent } from '../destination-state.ts';
import type { Bare } from '../interpret.ts';
import type { SourceEffect, SourceEvent } from '../source-state.ts';
import type { SessionChange } from '../store.ts';
import type { DuplexKeep, DuplexWaiting } from './ends.ts';

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
