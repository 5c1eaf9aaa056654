/** WS-ReliableMessaging of February 2005 ("1.0"), what WSHttpBinding and NetTcpBinding of WCF speak by default. */
import type { ReliableVersion } from './version.ts';

const namespace = 'http://schemas.xmlsoap.org/ws/2005/02/rm';

export const reliable200502: ReliableVersion = Object.freeze({
  name: '2005/02',
  namespace,
  actions: Object.freeze({
    createSequence: `${namespace}/CreateSequence`,
    createSequenceResponse: `${namespace}/CreateSequenceResponse`,
    sequenceAcknowledgement: `${namespace}/SequenceAcknowledgement`,
    ackRequested: `${namespace}/AckRequested`,
    terminateSequence: `${namespace}/TerminateSequence`,
    terminateSequenceResponse: undefined,
    closeSequence: undefined,
    closeSequenceResponse: undefined,
    lastMessage: `${namespace}/LastMessage`,
  }),
  faultAction: undefined,
  shutdown: 'last-message',
  emptyAcknowledgement: 'zero',
  final: false,
  behaviour: false,
  tokenHeader: false,
  sequenceFaultDetail: 'direct',
  rolloverMaximum: false,
  required: 'ActionNotSupported',
});
