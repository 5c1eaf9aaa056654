/** WS-ReliableMessaging 1.1 and 1.2 of OASIS, which share one namespace: the default. */
import type { ReliableVersion } from './version.ts';

const namespace = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';

export const reliable200702: ReliableVersion = Object.freeze({
  name: '200702',
  namespace,
  actions: Object.freeze({
    createSequence: `${namespace}/CreateSequence`,
    createSequenceResponse: `${namespace}/CreateSequenceResponse`,
    sequenceAcknowledgement: `${namespace}/SequenceAcknowledgement`,
    ackRequested: `${namespace}/AckRequested`,
    terminateSequence: `${namespace}/TerminateSequence`,
    terminateSequenceResponse: `${namespace}/TerminateSequenceResponse`,
    closeSequence: `${namespace}/CloseSequence`,
    closeSequenceResponse: `${namespace}/CloseSequenceResponse`,
    lastMessage: undefined,
  }),
  faultAction: `${namespace}/fault`,
  shutdown: 'close',
  emptyAcknowledgement: 'none',
  final: true,
  behaviour: true,
  tokenHeader: true,
  sequenceFaultDetail: 'wrapped',
  rolloverMaximum: true,
  required: 'WsrmRequired',
});
