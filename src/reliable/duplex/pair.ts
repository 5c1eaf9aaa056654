/** The two sequences of a duplex session, as one end knows them: what has become of each, and what they are called. */
import type { Side } from '../../channel/channel.ts';
import type { DestinationState } from '../destination-state.ts';
import { Narration } from '../narration.ts';
import { type SourceState, sourceId } from '../source-state.ts';
import type { DuplexState } from './ends.ts';

export class SequencePair {
  readonly side: Side;
  /** Tells of the session under the names that it has by then. */
  readonly tell: Narration;
  #state: DuplexState;
  #id: string;
  #offer: string | undefined;

  constructor(side: Side, state: DuplexState) {
    this.side = side;
    this.#state = state;
    const sends = sourceId(state.source);
    const receives = state.receipt?.id;
    this.#id = (side === 'initiator' ? sends : receives) ?? '';
    this.#offer = side === 'initiator' ? receives : sends;
    this.tell = new Narration(side, () => ({ id: this.#id, offer: this.#offer }));
  }

  get state(): DuplexState {
    return this.#state;
  }
  /** What this end sends. */
  get source(): SourceState {
    return this.#state.source;
  }
  /** What this end receives. */
  get receipt(): DestinationState | undefined {
    return this.#state.receipt;
  }
  /** Identifier of the sequence that the initiator sends on; '' before there is one. */
  get id(): string {
    return this.#id;
  }
  /** Identifier of the sequence that the acceptor sends on. */
  get offer(): string | undefined {
    return this.#offer;
  }

  /** Identifiers of what this end sends on and receives on, also when they are over. */
  get ids(): { readonly sends: string; readonly receives: string | undefined } {
    const isInitiator = this.side === 'initiator';
    return { sends: (isInitiator ? this.#id : this.#offer) ?? '', receives: isInitiator ? this.#offer : this.#id };
  }

  /** The names of the sequence that this end receives on. */
  get theirs(): Narration['requests'] {
    return this.side === 'initiator' ? this.tell.replies : this.tell.requests;
  }

  /** The names of the sequence that this end sends on. */
  get mine(): Narration['requests'] {
    return this.side === 'initiator' ? this.tell.requests : this.tell.replies;
  }

  /** A step is in the store. */
  become(state: DuplexState): void {
    this.#state = state;
  }

  /** The peer has accepted the offer `receipt` of this initiator, and named the sequence to send on. */
  created(id: string, receipt: DestinationState): void {
    this.#state = { ...this.#state, receipt };
    this.#id = id;
    this.#offer = receipt.id;
  }
}
