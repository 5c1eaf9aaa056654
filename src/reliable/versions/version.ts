/**
 * A version of WS-ReliableMessaging as a row: what differs between 2005/02 and 200702 is a value here, and the code that
 * uses the row never asks which version it is.
 */

/** Names that QNames of the flow-control extension and of one fault sub-subcode live in; used with every version. */
export const netrm = 'http://schemas.microsoft.com/ws/2006/05/rm';

export interface ReliableVersion {
  readonly name: '2005/02' | '200702';
  readonly namespace: string;
  readonly actions: {
    readonly createSequence: string;
    readonly createSequenceResponse: string;
    readonly sequenceAcknowledgement: string;
    readonly ackRequested: string;
    readonly terminateSequence: string;
    readonly terminateSequenceResponse: string | undefined;
    readonly closeSequence: string | undefined;
    readonly closeSequenceResponse: string | undefined;
    /** Action of the empty message that bears the last number. */
    readonly lastMessage: string | undefined;
  };
  /** Action of RM faults; `undefined`: the fault action of WS-Addressing. */
  readonly faultAction: string | undefined;
  /** How the source says that nothing more will come. */
  readonly shutdown: 'close' | 'last-message';
  /** An acknowledgement of nothing: the element `None`, or the range 0–0. */
  readonly emptyAcknowledgement: 'none' | 'zero';
  /** Whether an acknowledgement may be `Final`, and close and terminate name `LastMsgNumber`. */
  readonly final: boolean;
  /** Whether an Offer names its `Endpoint`, and sequences have an `IncompleteSequenceBehavior`. */
  readonly behaviour: boolean;
  /** Whether the header UsesSequenceSTR says that CreateSequence names the token that the sequence belongs to. */
  readonly tokenHeader: boolean;
  /** In the SOAP 1.1 `SequenceFault` header the detail stands directly or inside `Detail`. */
  readonly sequenceFaultDetail: 'direct' | 'wrapped';
  /** Whether a MessageNumberRollover fault names `MaxMessageNumber`. */
  readonly rolloverMaximum: boolean;
  /** The fault for a message that is not WS-RM at all: one of WS-RM, or ActionNotSupported of WS-Addressing. */
  readonly required: 'WsrmRequired' | 'ActionNotSupported';
}
