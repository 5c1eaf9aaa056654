/** What can go wrong in a reliable session, and what each failure says about the messages that were under way. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';
import type { ReliableFault } from './faults.ts';

export type ReliableErrorCode =
  /** The peer refused to create the sequence. */
  | 'RELIABLE_REFUSED'
  /** The peer has too many sessions just now; transient. */
  | 'RELIABLE_TOO_BUSY'
  /** The sequence was not created in time. */
  | 'RELIABLE_OPEN_TIMEOUT'
  /** The session could not be ended in good order in time. */
  | 'RELIABLE_CLOSE_TIMEOUT'
  /** A message was sent as often as allowed and never acknowledged or answered. */
  | 'RELIABLE_RETRIES_EXHAUSTED'
  /** The session stands still: the store keeps it, and connecting again under its label goes on; see `cause`. */
  | 'RELIABLE_SUSPENDED'
  /** Nothing was heard of the peer for the inactivity timeout, or no message of its application for the receive timeout. */
  | 'RELIABLE_INACTIVE'
  /** The life that was asked for or granted (Expires) is over. */
  | 'RELIABLE_EXPIRED'
  /** The peer ended the sequence with a fault. */
  | 'RELIABLE_TERMINATED'
  /** The peer does not know the sequence (any more). */
  | 'RELIABLE_UNKNOWN_SEQUENCE'
  /** The peer closed the sequence: it takes nothing new. */
  | 'RELIABLE_SEQUENCE_CLOSED'
  /** An acknowledgement names what was never sent, or takes back what it gave. */
  | 'RELIABLE_INVALID_ACKNOWLEDGEMENT'
  /** All message numbers are used up, here or at the peer. */
  | 'RELIABLE_ROLLOVER'
  /** A message numbered beyond the one that was marked as the last. */
  | 'RELIABLE_LAST_EXCEEDED'
  /** A message without WS-RM came to (or from) an end that demands it. */
  | 'RELIABLE_REQUIRED'
  /** A header or body of WS-RM that cannot be read. */
  | 'RELIABLE_MALFORMED'
  /** The session was ended, or is being ended: it takes no more messages. */
  | 'RELIABLE_CLOSED'
  /** The session was given up by this end. */
  | 'RELIABLE_ABORTED'
  /** The service takes the password no more, which each message brings: it has refused it twice. */
  | 'RELIABLE_DENIED'
  /** The layers below failed in a way that sending again cannot mend; see `cause`. */
  | 'RELIABLE_FAILED'
  /** The store could not keep what it must; see `cause`. */
  | 'RELIABLE_STORE'
  /** A call back cannot be answered: every message for which there is room waits, for answers or for one another; transient. */
  | 'RELIABLE_STANDSTILL'
  /** A setting is out of its range, or settings contradict one another. */
  | 'RELIABLE_SETTING'
  /** The labelled session is already open in this process. */
  | 'RELIABLE_IN_USE';

/** What is known of one message: `pending` while the session lives and has not settled it. */
export type Outcome = 'pending' | 'acknowledged' | 'failed' | 'unknown';

export interface ReliableErrorOptions extends SurewireErrorOptions {
  readonly fault?: ReliableFault;
  readonly outcomes?: ReadonlyMap<number, Outcome>;
}

export class ReliableError extends SurewireError<ReliableErrorCode> {
  /** What the peer is to be told, or what it told us. */
  readonly fault: ReliableFault | undefined;
  /** For each message that was under way when the session ended: what became of it. */
  readonly outcomes: ReadonlyMap<number, Outcome>;

  constructor(code: ReliableErrorCode, message: string, options: ReliableErrorOptions = {}) {
    super(code, message, options);
    this.fault = options.fault;
    this.outcomes = options.outcomes ?? new Map();
  }
}
