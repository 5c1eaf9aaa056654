/** What is known of every sequence of this process, gathered from the events of the reliable layer (`reliable/events.ts`). */
import type { ReliableEvent } from '../../reliable/events.ts';

/** One sequence as seen from one end. */
export interface Sequence {
  /** Identifier; '' before it is known. */
  readonly id: string;
  /** Identifier of the session: of the sequence that the initiator sends on. */
  session: string;
  readonly way: 'out' | 'in';
  /** The phase of the source or of the destination, or how it ended. */
  state: string;
  isOver: boolean;
  /** Out: acknowledged. In: the application has finished with it. */
  done: number;
  /** Out: sent and not acknowledged. In: accepted and not finished. */
  open: number;
  /** Out: not sent yet, because the window is full. */
  waiting: number;
  /** Out: how many may be under way. */
  window: number;
  resent: number;
  /** Out: exchanges without an answer that counts. */
  lost: number;
  /** In: copies of what had been accepted. */
  duplicates: number;
  /** In: not taken when they came. */
  dropped: number;
  /** What went wrong last. */
  fault: string | undefined;
}

/** Sequences that are over and still shown. */
const MOST_OVER = 8;

export class Sequences {
  readonly #known = new Map<string, Sequence>();

  /** In the order in which they began; of those that are over only the last few. */
  get all(): readonly Sequence[] {
    return [...this.#known.values()];
  }

  hear(event: ReliableEvent): void {
    switch (event.event) {
      case 'sequence.creating':
        this.#own(event).state = event.attempt > 1 ? `creating ${event.attempt}` : 'creating';
        return;
      case 'sequence.created':
        this.#known.delete(keyOf(event.side, ''));
        this.#own(event).state = 'created';
        return;
      case 'session.resumed':
        this.#own(event).state = 'resumed';
        return;
      case 'session.suspended':
        this.#end(event, 'suspended', event.reason);
        return;
      case 'source.changed':
      case 'destination.changed': {
        const found = this.#of(event);
        // `ended` comes with its reason in an event of its own.
        if (!found.isOver) found.state = event.to;
        return;
      }
      case 'window.changed': {
        const found = this.#of(event);
        found.window = event.size;
        found.open = event.underWay;
        found.waiting = event.waiting;
        return;
      }
      case 'message.acknowledged':
        this.#of(event).done += 1;
        return;
      case 'message.resent':
        this.#of(event).resent += 1;
        return;
      case 'message.accepted':
        this.#of(event).open += 1;
        return;
      case 'message.delivered': {
        const found = this.#of(event);
        found.done += 1;
        found.open = Math.max(0, found.open - 1);
        return;
      }
      case 'messages.discarded': {
        const found = this.#of(event);
        found.open = Math.max(0, found.open - event.numbers.length);
        return;
      }
      case 'message.dropped':
        this.#of(event).dropped += 1;
        return;
      case 'duplicate.dropped':
        this.#of(event).duplicates += 1;
        return;
      case 'message.failed':
        this.#of(event).fault = `message ${event.number}: ${event.outcome}`;
        return;
      case 'sequence.faulted':
        this.#own(event).fault = `${event.fault}${event.by === 'peer' ? ', says the peer' : ''}: ${event.reason}`;
        return;
      case 'sequence.terminated':
        this.#end(event, event.reason, event.reason === 'completed' ? undefined : event.text);
        return;
      case 'exchange.failed':
        this.#own(event).lost += 1;
        return;
      case 'reply.dropped':
        this.#of(event).fault = `message ${event.number}: the reply came when the session was over`;
        return;
      case 'handler.failed':
        this.#of(event).fault = `message ${event.number}: ${event.reason}`;
        return;
      case 'store.failed':
        this.#own(event).fault = `the store failed: ${event.reason}`;
        return;
      case 'message.refused': {
        const found = this.#known.get(keyOf(event.side, event.session));
        if (found !== undefined) found.fault = `${event.fault ?? event.code}: ${event.reason}`;
        return;
      }
      case 'message.submitted':
      case 'message.sent':
      case 'acknowledgement.sent':
      case 'acknowledgement.received':
      case 'acknowledgement.requested':
      case 'messages.missing':
      case 'sequence.closing':
      case 'sequence.terminating':
      case 'sequence.closed':
      case 'exchange.empty':
      case 'identity.refused':
        return;
      default:
        event satisfies never;
    }
  }

  /** The sequence that an event is about. */
  #of({ event, side, session, sequence }: Extract<ReliableEvent, { readonly sequence: string }>): Sequence {
    return this.#found(side, session, sequence, ofSource.has(event) ? 'out' : 'in');
  }

  /** What the initiator sends on. */
  #own({ side, session }: Pick<ReliableEvent, 'side' | 'session'>): Sequence {
    return this.#found(side, session, session, side === 'initiator' ? 'out' : 'in');
  }

  #found(side: ReliableEvent['side'], session: string, id: string, way: Sequence['way']): Sequence {
    const key = keyOf(side, id);
    const known = this.#known.get(key);
    if (known !== undefined) {
      // The first events of an initiator come before it knows what its session is called.
      if (known.session === '') known.session = session;
      return known;
    }
    const fresh: Sequence = {
      id,
      session,
      way,
      state: 'created',
      isOver: false,
      done: 0,
      open: 0,
      waiting: 0,
      window: 0,
      resent: 0,
      lost: 0,
      duplicates: 0,
      dropped: 0,
      fault: undefined,
    };
    this.#known.set(key, fresh);
    return fresh;
  }

  #end(event: Pick<ReliableEvent, 'side' | 'session'>, state: string, why: string | undefined): void {
    const own = this.#own(event);
    own.fault = why ?? own.fault;
    for (const [key, one] of this.#known) {
      if (one.session !== event.session || !key.startsWith(event.side)) continue;
      one.isOver = true;
      one.state = state;
    }
    const over = [...this.#known].filter(([, { isOver }]) => isOver);
    for (const [key] of over.slice(0, Math.max(0, over.length - MOST_OVER))) this.#known.delete(key);
  }
}

/** What only the source of a sequence tells. */
const ofSource: ReadonlySet<ReliableEvent['event']> = new Set([
  'source.changed',
  'window.changed',
  'message.acknowledged',
  'message.resent',
  'message.failed',
]);

function keyOf(side: ReliableEvent['side'], id: string): string {
  return `${side} ${id}`;
}
