/**
 * What became of messages: told to the caller while the session lives, and read from the store when the process that sent
 * them is gone. `acknowledged`: the peer has it. `failed`: the peer will never have it. `unknown`: it was sent, and the
 * session ended before anybody could say. `pending`: none of these yet.
 */
import { type ContextKey, contextKey } from '../channel/delivery.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import type { Outcome } from './errors.ts';
import { prefix } from './ranges.ts';
import { type InitiatorRecord, readInitiatorRecord } from './record.ts';
import { storeFailed } from './session.ts';
import { outcomeOf, type SourceState, sourceId, submitted } from './source-state.ts';
import type { SessionStore } from './store.ts';

/** @param number the message number, from 1; in the life of a session messages are numbered in the order of `send` */
export type OutcomeListener = (number: number, outcome: Outcome) => void;

/**
 * Travels down with a message and hears what becomes of it: `pending` once it has its number (and, with a store, is
 * durable), then what it came to: `acknowledged`, `failed`, `unknown`, or `pending` once more when the session was suspended
 * before that. Must not throw.
 *
 * @example channel.send(delivery(order).with(onOutcome, (number, outcome) => ledger.note(number, outcome)))
 */
export const onOutcome: ContextKey<OutcomeListener | undefined> = contextKey<OutcomeListener | undefined>(
  'outcome',
  undefined,
);

/** What a store knows of one labelled session of an initiator. */
export interface StoredOutcomes {
  readonly label: string;
  /** Where its messages go; `undefined` where they named no place. */
  readonly to: string | undefined;
  /** Identifier of the sequence, once there is one. */
  readonly sequence: string | undefined;
  /** `unfinished`: connecting under its label takes it up again. `completed`: every message was acknowledged. */
  readonly state: 'unfinished' | 'completed' | 'failed';
  /** Why it failed: the code of the error. */
  readonly reason: string | undefined;
  /** How many messages were submitted in its whole life. */
  readonly submitted: number;
  outcome(number: number): Outcome;
}

/**
 * The last session of each destination under this label, finished or not: what a program that was killed asks before it
 * sends anything twice. A finished one is remembered for `rememberOutcomes`, or until the next of its label begins.
 *
 * @throws ReliableError `RELIABLE_STORE`
 */
export async function storedOutcomes(store: SessionStore, label: string): Promise<readonly StoredOutcomes[]> {
  const all = await store.sessions().catch((thrown: unknown) => Promise.reject(storeFailed(thrown)));
  const newest = new Map<string | null, InitiatorRecord>();
  for (const { state } of all) {
    const record = readInitiatorRecord(state);
    if (record === undefined || record.label !== label) continue;
    const known = newest.get(record.to);
    if (known === undefined || since(known) <= since(record)) newest.set(record.to, record);
  }
  return [...newest.values()].map((record) => ({
    label,
    to: record.to ?? undefined,
    sequence: record.id ?? sourceId(record.source),
    state: stateOf(record.source),
    reason: record.source.phase === 'ended' ? record.source.reason.code : undefined,
    submitted: submitted(record.source),
    outcome: (number) => outcomeUnder(record.source, number, record.behaviour),
  }));
}

function stateOf(source: SourceState): StoredOutcomes['state'] {
  if (source.phase !== 'ended') return 'unfinished';
  return source.reason.code === 'completed' ? 'completed' : 'failed';
}

/** An unfinished one counts as the newest. */
function since({ ended }: InitiatorRecord): number {
  return ended ?? Number.POSITIVE_INFINITY;
}

/**
 * What is known of message `number`, given what the peer said it does with a sequence that ends with a gap (WS-RM 1.1, 3.4):
 * what it has acknowledged behind the gap, it throws away.
 */
export function outcomeUnder(
  state: SourceState,
  number: number,
  behaviour: IncompleteSequenceBehavior | undefined,
): Outcome {
  const outcome = outcomeOf(state, number);
  if (state.phase !== 'ended' || outcome !== 'acknowledged' || behaviour === undefined) return outcome;
  const first = prefix(state.acknowledged) + 1;
  const isWhole = first >= state.next;
  if (isWhole || behaviour === 'NoDiscard') return outcome;
  if (behaviour === 'DiscardFollowingFirstGap' && number < first) return outcome;
  // Where it is unknown whether the gap is one, so is what follows.
  return outcomeOf(state, first);
}
