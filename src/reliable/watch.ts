/** What changed in a source or a destination from one step to the next, told as events: phases and the window. */
import type { Side } from '../channel/channel.ts';
import type { DestinationState } from './destination-state.ts';
import { publish, type ResendCause } from './events.ts';
import { open } from './ledger.ts';
import { ledgerOf, type SourceEvent, type SourceState, sourceId } from './source-state.ts';

interface Seen {
  readonly side: Side;
  readonly session: string;
}

/** Tells of a step of the source. */
export function watchSource({ side, session }: Seen, before: SourceState, after: SourceState): void {
  if (before === after) return;
  const sequence = sourceId(after) ?? sourceId(before) ?? session;
  if (before.phase !== after.phase) {
    publish(() => ({ event: 'source.changed', side, session, sequence, from: before.phase, to: after.phase }));
  }
  const was = ledgerOf(before);
  const is = ledgerOf(after);
  if (is === undefined || (was?.flights === is.flights && was.next === is.next && was.room === is.room)) return;
  publish(() => ({
    event: 'window.changed',
    side,
    session,
    sequence,
    size: is.window.size,
    underWay: open(is).length,
    waiting: is.next - 1 - is.sent,
    room: is.room,
  }));
}

/** Tells of a step of the destination. */
export function watchDestination({ side, session }: Seen, before: DestinationState, after: DestinationState): void {
  if (before.phase === after.phase) return;
  const { phase: from } = before;
  publish(() => ({ event: 'destination.changed', side, session, sequence: after.id, from, to: after.phase }));
}

const causes: Readonly<Record<SourceEvent['kind'], ResendCause>> = {
  open: 'overdue',
  created: 'overdue',
  declined: 'overdue',
  submit: 'overdue',
  acknowledgement: 'missing',
  replied: 'turn',
  refused: 'turn',
  denied: 'turn',
  'poll-emptied': 'turn',
  heard: 'turn',
  close: 'closing',
  'close-answered': 'closing',
  'terminate-answered': 'closing',
  'closed-by-peer': 'closing',
  rollover: 'overdue',
  abort: 'overdue',
  resumed: 'resumed',
  elapsed: 'overdue',
};

/** Why the copies went out that came of an event. */
export function resendCause(kind: SourceEvent['kind']): ResendCause {
  return causes[kind];
}
