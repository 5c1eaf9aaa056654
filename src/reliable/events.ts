/**
 * What the reliable layer tells on `node:diagnostics_channel` `surewire:reliable`: a closed union, so that whoever draws a
 * session or counts its losses can switch over `event` and the compiler says what is missing. Nothing here is secret, and no
 * event carries the content of a message. Nothing is built when nobody listens.
 */
import { diagnostics, type Publish } from '../base/diagnostics.ts';
import type { Side } from '../channel/channel.ts';
import type { DestinationState } from './destination-state.ts';
import type { Outcome } from './errors.ts';
import type { ReliableFaultName } from './faults.ts';
import type { Ranges } from './ranges.ts';
import type { SourceState } from './source-state.ts';

/** Which session, seen from which end. */
type Of = {
  readonly side: Side;
  /** Identifier of the sequence that the initiator sends on; '' before it is known. */
  readonly session: string;
};

/** Which sequence of the session: `session` for what the initiator sends, the offered identifier for the replies. */
type On = Of & { readonly sequence: string };

type Numbered = On & { readonly number: number };

/** Why a copy of a message goes out. `asked`: the peer sent the request again and gets the same reply. */
export type ResendCause = 'overdue' | 'missing' | 'turn' | 'closing' | 'resumed' | 'asked';

/** An acknowledgement as it travels. */
type Said = On & {
  readonly ranges: Ranges;
  readonly final: boolean;
  /** netrm:BufferRemaining; `null` where it is not said. */
  readonly room: number | null;
};

export type ReliableEvent =
  /** CreateSequence goes out, for the `attempt`th time. */
  | (Of & { readonly event: 'sequence.creating'; readonly attempt: number })
  | (Of & {
      readonly event: 'sequence.created';
      readonly version: string;
      readonly peer: string;
      /** Identifier of the sequence for replies. */
      readonly offer: string | null;
    })
  /** Taken up again from the store. */
  | (Of & { readonly event: 'session.resumed'; readonly submitted: number })
  /** Stopped without a word to the peer; the store keeps it, to be taken up again. */
  | (Of & { readonly event: 'session.suspended'; readonly code: string; readonly reason: string })
  /** The RM source went from one phase to another. */
  | (On & { readonly event: 'source.changed'; readonly from: SourceState['phase']; readonly to: SourceState['phase'] })
  /** The RM destination did. */
  | (On & {
      readonly event: 'destination.changed';
      readonly from: DestinationState['phase'];
      readonly to: DestinationState['phase'];
    })
  /** What the source may have under way, what it has, and what waits behind it. */
  | (On & {
      readonly event: 'window.changed';
      readonly size: number;
      readonly underWay: number;
      readonly waiting: number;
      /** What the peer has room for, where it says so. */
      readonly room: number | null;
    })
  /** The application's message got its number. */
  | (Numbered & { readonly event: 'message.submitted' })
  | (Numbered & { readonly event: 'message.sent'; readonly attempt: 1 })
  | (Numbered & { readonly event: 'message.resent'; readonly attempt: number; readonly cause: ResendCause })
  /** Settled: acknowledged, and answered where an answer was awaited. */
  | (Numbered & { readonly event: 'message.acknowledged' })
  /** Given up. */
  | (Numbered & { readonly event: 'message.failed'; readonly outcome: Outcome })
  /** The destination has taken it, for good. */
  | (Numbered & { readonly event: 'message.accepted' })
  /** The application has finished with it. */
  | (Numbered & { readonly event: 'message.delivered' })
  /** The application's reply to it came when the session was over, and goes nowhere. */
  | (Numbered & { readonly event: 'reply.dropped' })
  /** Not taken; its source will send it again. */
  | (Numbered & { readonly event: 'message.dropped'; readonly reason: DropReason })
  /** Accepted before. */
  | (Numbered & { readonly event: 'duplicate.dropped' })
  /** Accepted and never handed up: they stood behind a gap when the sequence ended. */
  | (On & { readonly event: 'messages.discarded'; readonly numbers: readonly number[] })
  | (Said & { readonly event: 'acknowledgement.sent' })
  | (Said & { readonly event: 'acknowledgement.received'; readonly nacks: readonly number[] })
  /** Nacks go out: the peer is told what is missing. */
  | (On & { readonly event: 'messages.missing'; readonly numbers: readonly number[] })
  /** AckRequested goes out. */
  | (On & { readonly event: 'acknowledgement.requested' })
  /** CloseSequence (200702) goes out; `last` is its LastMsgNumber. */
  | (On & { readonly event: 'sequence.closing'; readonly last: number; readonly attempt: number })
  /** TerminateSequence goes out. */
  | (On & { readonly event: 'sequence.terminating'; readonly last: number; readonly attempt: number })
  /** The destination takes nothing new. */
  | (On & { readonly event: 'sequence.closed' })
  /** A fault about the sequence: raised here, or said by the peer. */
  | (Of & {
      readonly event: 'sequence.faulted';
      readonly by: 'here' | 'peer';
      readonly fault: ReliableFaultName;
      readonly reason: string;
    })
  /** The session is over at this end. `reason`: `completed`, the code of the error, or how the destination ended. */
  | (Of & { readonly event: 'sequence.terminated'; readonly reason: string; readonly text: string })
  /** An exchange brought no answer that counts. `isFinal`: sending again cannot mend it. */
  | (Of & {
      readonly event: 'exchange.failed';
      readonly about: string;
      readonly number: number | null;
      readonly code: string;
      readonly reason: string;
      readonly isFinal: boolean;
    })
  /** The answer was empty: not taken, or taken without a word. */
  | (Of & { readonly event: 'exchange.empty'; readonly about: string; readonly number: number | null })
  | (Numbered & { readonly event: 'handler.failed'; readonly reason: string })
  /** The step is not done; it is tried again where it can be. `number`: of the message, where it is about one. */
  | (Of & { readonly event: 'store.failed'; readonly number: number | null; readonly reason: string })
  /** A message was answered with a fault and changed nothing. `session`: '' where it is about none. */
  | (Of & {
      readonly event: 'message.refused';
      readonly code: string;
      readonly reason: string;
      readonly fault: ReliableFaultName | null;
    })
  /** Somebody named a sequence of another identity (attack M2). */
  | (Of & { readonly event: 'identity.refused'; readonly owner: string; readonly identity: string });

/** Why a destination does not take a message now: no room in numbers, octets or ranges, or too many unacknowledged replies. */
export type DropReason = 'window' | 'bytes' | 'ranges' | 'replies';

export const publish: Publish<ReliableEvent> = diagnostics<ReliableEvent>('reliable');
