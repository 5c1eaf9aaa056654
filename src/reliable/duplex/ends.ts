/** What the driver of a duplex session needs of the end it stands at: the way to the peer, and what survives the process. */
import type { Side, Template } from '../../channel/channel.ts';
import type { Carry, Delivery } from '../../channel/delivery.ts';
import type { Session } from '../../channel/session.ts';
import type { Message } from '../../soap/message.ts';
import type { IncompleteSequenceBehavior } from '../bodies.ts';
import type { DestinationState } from '../destination-state.ts';
import type { ReliableError } from '../errors.ts';
import type { OutcomeListener } from '../outcomes.ts';
import type { Settings } from '../settings.ts';
import type { EndReason, SourceState } from '../source-state.ts';
import type { Direction, SessionChange } from '../store.ts';
import type { ReliableVersion } from '../versions/version.ts';

/** All that changes in a session: what this end sends, and what it receives. */
export interface DuplexState {
  readonly source: SourceState;
  /** Absent at an initiator before the peer has accepted its offer. */
  readonly receipt: DestinationState | undefined;
}

/** Makes steps durable, where the session outlives the process. */
export interface DuplexKeep {
  /** @throws ReliableError `RELIABLE_STORE` */
  save(state: DuplexState, change: Pick<SessionChange, 'put' | 'drop'>): Promise<void>;
  /** What goes into the store of a message; empty when there is none. */
  octets(message: Message): Uint8Array;
  /** @throws ReliableError `RELIABLE_STORE` */
  message(direction: Direction, number: number): Promise<Message>;
  /** A stored message as it is handed up again, with what is known of its sender. */
  restored(message: Message): Delivery;
}

export interface DuplexInit {
  readonly side: Side;
  readonly settings: Settings;
  readonly version: ReliableVersion;
  readonly template: Template;
  readonly state: DuplexState;
  readonly keep: DuplexKeep;
  /** Where messages are handed up. */
  readonly receive: Carry;
  /** What they are told of the session. */
  readonly upward: Session | undefined;
  /** Fires when this end is torn down. */
  readonly signal: AbortSignal;
  /** Puts a message on its way over the connection of the moment; rejects when there is none. */
  readonly post: (trip: Delivery) => Promise<unknown>;
  /** What the peer does with a sequence of this end that ends with a gap, where it has said so. */
  readonly behaviour?: (() => IncompleteSequenceBehavior | undefined) | undefined;
  /** The CreateSequence of an initiator. */
  readonly create: () => Promise<Delivery>;
  /** The session stands still at this end, and why; absent where nothing has to be let go of then. */
  readonly onHalted?: ((error: ReliableError) => void) | undefined;
  /** Both sequences are over, and why. */
  readonly onEnded: (reason: EndReason) => void;
}

/** Who waits for a message of this end to be acknowledged. */
export interface DuplexWaiting {
  readonly resolve: (nothing: undefined) => void;
  readonly reject: (reason: Error) => void;
  readonly hear: OutcomeListener | undefined;
}
