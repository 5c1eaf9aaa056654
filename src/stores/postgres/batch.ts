/** Changes that are written together, folded so that every row is written once. */
import { concat } from '../../base/bytes.ts';
import type { Direction, StoredMessage } from '../../reliable/store.ts';
import type { EncodedChange } from '../change.ts';
import { StoreError } from '../errors.ts';

/** The most that one batch holds; a change that is larger by itself goes by itself. */
const MOST_CHANGES = 1_000;
const MOST_OCTETS = 8 * 1024 * 1024;
/** The most that a change holds: PostgreSQL has all of it in memory more than once. */
const MOST_OCTETS_OF_CHANGE = 128 * 1024 * 1024;

/** What the batch does to one session. */
interface Folded {
  ended: boolean;
  state: string | undefined;
  /** Without octets where the message goes. */
  readonly messages: Map<string, StoredMessage | { readonly direction: Direction; readonly number: number }>;
}

/**
 * How many of the changes, from the first on, can be written together: within the limits, and no session begins again in the
 * batch in which it ended.
 */
export function batchSize(changes: readonly EncodedChange[]): number {
  const ended = new Set<string>();
  let octets = 0;
  for (const [at, change] of changes.entries()) {
    octets += weightOf(change);
    if (at > 0 && (at >= MOST_CHANGES || octets > MOST_OCTETS)) return at;
    if (change.end) ended.add(change.session);
    else if (ended.has(change.session)) return at;
  }
  return changes.length;
}

/** @throws StoreError `STORE_CHANGE_INVALID` */
export function requireSize(change: EncodedChange): void {
  if (weightOf(change) <= MOST_OCTETS_OF_CHANGE) return;
  const text = `This change cannot be stored: it is larger than ${MOST_OCTETS_OF_CHANGE} octets. Send smaller messages.`;
  throw new StoreError('STORE_CHANGE_INVALID', text);
}

function weightOf({ session, state, put }: EncodedChange): number {
  return put.reduce((sum, { octets }) => sum + octets.length, session.length + (state?.length ?? 0));
}

/** The batch as parameters of the statement that writes it, from its ended sessions on. */
export function parametersOf(changes: readonly EncodedChange[]): readonly unknown[] {
  const sessions = fold(changes);
  const ended: string[] = [];
  const dropped: Columns = [[], [], []];
  const begun: [string[], (string | null)[]] = [[], []];
  const put: Columns = [[], [], []];
  const starts: number[] = [];
  const lengths: number[] = [];
  const octets: Uint8Array[] = [];
  let end = 0;
  for (const [session, { ended: isOver, state, messages }] of sessions) {
    if (isOver) {
      ended.push(session);
      continue;
    }
    begun[0].push(session);
    begun[1].push(state ?? null);
    for (const message of messages.values()) {
      const columns = 'octets' in message ? put : dropped;
      columns[0].push(session);
      columns[1].push(message.direction);
      columns[2].push(message.number);
      if (!('octets' in message)) continue;
      starts.push(end + 1);
      lengths.push(message.octets.length);
      octets.push(message.octets);
      end += message.octets.length;
    }
  }
  return [ended, ...dropped, ...begun, ...put, starts, concat(octets), lengths];
}

/** Session, direction and number of messages. */
type Columns = [string[], Direction[], number[]];

function fold(changes: readonly EncodedChange[]): ReadonlyMap<string, Folded> {
  const sessions = new Map<string, Folded>();
  for (const { session, state, put, drop, end } of changes) {
    const folded: Folded = sessions.get(session) ?? { ended: false, state: undefined, messages: new Map() };
    sessions.set(session, folded);
    folded.ended = end;
    if (state !== undefined) folded.state = state;
    for (const message of [...drop, ...put]) folded.messages.set(`${message.direction}${message.number}`, message);
  }
  return sessions;
}
