/**
 * What a fault of WS-RM means to the end that hears it over a duplex channel (WS-RM 1.1 section 4): events for what it sends,
 * and whether what it receives is over too.
 */
import { ReliableError, type ReliableErrorCode } from '../errors.ts';
import type { ReliableFault } from '../faults.ts';
import { abortion, type Bare } from '../interpret.ts';
import type { SourceEvent, SourceState } from '../source-state.ts';

const codes = {
  SequenceTerminated: 'RELIABLE_TERMINATED',
  UnknownSequence: 'RELIABLE_UNKNOWN_SEQUENCE',
  InvalidAcknowledgement: 'RELIABLE_INVALID_ACKNOWLEDGEMENT',
  LastMessageNumberExceeded: 'RELIABLE_LAST_EXCEEDED',
  CreateSequenceRefused: 'RELIABLE_REFUSED',
  WsrmRequired: 'RELIABLE_REQUIRED',
} as const satisfies Partial<Record<ReliableFault['name'], ReliableErrorCode>>;

export interface FaultHeard {
  readonly source: readonly Bare<SourceEvent>[];
  /** The session is over: nothing more comes either. */
  readonly isEnd: boolean;
  readonly trouble: Error | undefined;
}

/**
 * @param phase of what this end sends on
 * @param isOfSource true where the fault names the sequence that this end sends on
 */
export function faultHeard(fault: ReliableFault, phase: SourceState['phase'], isOfSource: boolean): FaultHeard {
  const { name, reason } = fault;
  switch (name) {
    case 'SequenceClosed':
      return { source: [{ kind: 'closed-by-peer' }], isEnd: false, trouble: undefined };
    case 'MessageNumberRollover':
      return { source: [{ kind: 'rollover' }], isEnd: false, trouble: undefined };
    case 'SequenceTerminated':
    case 'UnknownSequence':
      // Asked to forget the sequence, the peer says that it has.
      if (phase === 'terminating')
        return { source: [{ kind: 'terminate-answered' }], isEnd: false, trouble: undefined };
      // And says so again of each late copy; what the peer sends on is another sequence.
      if (phase === 'ended' && isOfSource) return { source: [], isEnd: false, trouble: undefined };
      return ending(codes[name], reason, fault);
    case 'CreateSequenceRefused':
      return ending(fault.connectionLimit === true ? 'RELIABLE_TOO_BUSY' : codes[name], reason, fault);
    case 'InvalidAcknowledgement':
    case 'LastMessageNumberExceeded':
    case 'WsrmRequired':
      return ending(codes[name], reason, fault);
    default:
      return name satisfies never;
  }
}

function ending(code: ReliableErrorCode, reason: string, fault: ReliableFault): FaultHeard {
  const trouble = new ReliableError(code, reason, { fault });
  return { source: [abortion(code, `The peer says: ${reason}`)], isEnd: true, trouble };
}
