/**
 * The messages with which an acceptor answers, in the form that WCF's client demands (checklist 3.13): related to the
 * request, one acknowledgement header, Sequence before acknowledgement before addressing.
 */
import type { Delivery } from '../channel/delivery.ts';
import { addressingOf, isNone, replyAddressing, withAddressing } from '../soap/addressing.ts';
import { message, withHeaders } from '../soap/envelope.ts';
import { faultOf, faultReply } from '../soap/fault.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { ReliableError } from './errors.ts';
import { type ReliableFault, reliableFaultReply } from './faults.ts';
import type { ReliableVersion } from './versions/version.ts';

/** An answer of this layer itself. */
export function response(
  request: Message,
  action: string,
  headers: readonly HeaderBlock[],
  body?: XmlFragment,
): Message {
  const asked = addressingOf(request);
  const bare = message({ version: request.version, action, body });
  return withHeaders(asked === undefined ? bare : withAddressing(bare, replyAddressing(asked, action)), headers);
}

/**
 * The answer, but where the message says that it wants none: one to the none address "MUST NOT be sent" (WS-Addressing 1.0 Core,
 * section 2.1).
 */
export function wanted({ message: request }: Delivery, answer: Delivery | undefined): Delivery | undefined {
  const asked = addressingOf(request);
  if (asked === undefined || answer === undefined) return answer;
  const { version, replyTo, faultTo = replyTo } = asked;
  return isNone(version, faultOf(answer.message) === undefined ? replyTo : faultTo) ? undefined : answer;
}

/** The fault that an error stands for; what is wrong with a header of WS-RM itself has no fault of its own there. */
export function refusal(request: Message, version: ReliableVersion, error: ReliableError): Message {
  return error.fault === undefined
    ? faultReply(request, { code: 'sender', reason: error.message })
    : reliableFaultReply(request, version, error.fault);
}

/** An error that is told to the peer as `fault`. */
export function refused(fault: ReliableFault): ReliableError {
  const codes = {
    SequenceTerminated: 'RELIABLE_TERMINATED',
    UnknownSequence: 'RELIABLE_UNKNOWN_SEQUENCE',
    InvalidAcknowledgement: 'RELIABLE_INVALID_ACKNOWLEDGEMENT',
    MessageNumberRollover: 'RELIABLE_ROLLOVER',
    LastMessageNumberExceeded: 'RELIABLE_LAST_EXCEEDED',
    SequenceClosed: 'RELIABLE_SEQUENCE_CLOSED',
    CreateSequenceRefused: 'RELIABLE_REFUSED',
    WsrmRequired: 'RELIABLE_REQUIRED',
  } as const;
  return new ReliableError(codes[fault.name], fault.reason, { fault });
}

/** The same answer for a sequence that does not exist and for one that is somebody else's (attacks M2, M10). */
export function unknownSequence(identifier: string): ReliableError {
  const reason = 'The sequence is not known here. It may have ended; create another one.';
  return refused({ name: 'UnknownSequence', code: 'sender', reason, identifier });
}
