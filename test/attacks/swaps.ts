/** Every kind of message of WS-RM, said by somebody whose sequence it is not. */
import { aboutSequence, createSequence, createSequenceResponse } from '../../src/reliable/bodies.ts';
import { formOf, readReliableFault } from '../../src/reliable/faults.ts';
import { acknowledgementHeader, ackRequestedHeader, sequenceHeader } from '../../src/reliable/headers.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { anonymousReference } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultOf, faultPayload } from '../../src/soap/fault.ts';
import type { HeaderBlock, Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import type { XmlFragment } from '../../src/xml/fragment.ts';
import { XmlWriter } from '../../src/xml/write.ts';

export interface Target {
  readonly version: ReliableVersion;
  /** Of the sequence that the victim sends on. */
  readonly id: string;
  /** Of the sequence that was offered for replies. */
  readonly offer: string;
}

export interface Attack {
  readonly name: string;
  readonly versions?: (version: ReliableVersion) => boolean;
  readonly message: (target: Target) => Message;
  /** `nothing`: it is passed over. */
  readonly answer: 'UnknownSequence' | 'nothing' | 'another session' | 'no message of a session';
}

/** What a message of an attacker was answered with. */
export function outcomeOf(answer: Message | undefined): string {
  if (answer === undefined) return 'nothing';
  const fault = readReliableFault(answer)?.fault.name;
  if (fault === 'WsrmRequired') return 'no message of a session';
  return fault ?? (faultOf(answer) === undefined ? 'another session' : 'no message of a session');
}

export function said(action: string, headers: readonly HeaderBlock[], body?: XmlFragment): Message {
  return message({ version: soap12, action, headers, body });
}

export const note: XmlFragment = new XmlWriter().element('urn:box', 'said', 'injected').finish();

export const attacks: readonly Attack[] = [
  {
    name: 'the next message',
    message: ({ version, id }) =>
      said('urn:box:say', [sequenceHeader(version, soap12, { id, number: 2, last: false })], note),
    answer: 'UnknownSequence',
  },
  {
    name: 'the first message again, to read its reply',
    message: ({ version, id }) =>
      said('urn:box:say', [sequenceHeader(version, soap12, { id, number: 1, last: false })], note),
    answer: 'UnknownSequence',
  },
  {
    name: 'AckRequested',
    message: ({ version, id }) => said(version.actions.ackRequested, [ackRequestedHeader(version, soap12, id)]),
    answer: 'UnknownSequence',
  },
  {
    name: 'an acknowledgement of replies',
    message: ({ version, offer: id }) =>
      said(version.actions.sequenceAcknowledgement, [
        acknowledgementHeader(version, soap12, {
          id,
          ranges: [{ lower: 1, upper: 1 }],
          nacks: [],
          final: version.final,
        }),
      ]),
    answer: 'nothing',
  },
  {
    name: 'a Nack of replies, to have them again',
    message: ({ version, offer: id }) =>
      said(version.actions.sequenceAcknowledgement, [
        acknowledgementHeader(version, soap12, { id, ranges: [], nacks: [1], final: false }),
      ]),
    answer: 'nothing',
  },
  {
    name: 'CloseSequence',
    versions: ({ shutdown }) => shutdown === 'close',
    message: ({ version, id }) =>
      said(version.actions.closeSequence ?? '', [], aboutSequence(version, 'CloseSequence', { id, last: 1 })),
    answer: 'UnknownSequence',
  },
  {
    name: 'LastMessage',
    versions: ({ shutdown }) => shutdown === 'last-message',
    message: ({ version, id }) =>
      said(version.actions.lastMessage ?? '', [sequenceHeader(version, soap12, { id, number: 2, last: true })]),
    answer: 'UnknownSequence',
  },
  {
    name: 'TerminateSequence',
    message: ({ version, id }) =>
      said(version.actions.terminateSequence, [], aboutSequence(version, 'TerminateSequence', { id, last: 1 })),
    answer: 'UnknownSequence',
  },
  ...(['CloseSequenceResponse', 'TerminateSequenceResponse'] as const).flatMap((local) =>
    (['id', 'offer'] as const).map(
      (which): Attack => ({
        name: `${local} of the ${which === 'id' ? 'sequence' : 'offered sequence'}, which nobody waits for`,
        versions: ({ shutdown }) => shutdown === 'close',
        message: (target) => {
          const { closeSequenceResponse = '', terminateSequenceResponse = '' } = target.version.actions;
          const action = local === 'CloseSequenceResponse' ? closeSequenceResponse : terminateSequenceResponse;
          return said(action, [], aboutSequence(target.version, local, { id: target[which] }));
        },
        answer: 'no message of a session',
      }),
    ),
  ),
  {
    name: 'CreateSequenceResponse, which nobody waits for',
    message: ({ version, id }) =>
      said(version.actions.createSequenceResponse, [], createSequenceResponse(version, addressing200508, { id })),
    answer: 'no message of a session',
  },
  ...(['id', 'offer'] as const).map(
    (which): Attack => ({
      name: `SequenceTerminated of the ${which === 'id' ? 'sequence' : 'offered sequence'}`,
      message: (target) => {
        const reason = 'over';
        const fault = { name: 'SequenceTerminated', code: 'receiver', reason, identifier: target[which] } as const;
        const form = formOf(soap12, target.version, fault);
        const action = target.version.faultAction ?? addressing200508.soapFaultAction;
        return said(action, form.headers, faultPayload(soap12, form.fault));
      },
      answer: 'nothing',
    }),
  ),
  {
    name: 'CreateSequence that offers what the victim offered',
    message: ({ version, offer: id }) => {
      const here = anonymousReference(addressing200508);
      const offered = { acksTo: here, offer: { id, endpoint: here, behaviour: 'NoDiscard' as const } };
      return said(version.actions.createSequence, [], createSequence(version, addressing200508, offered));
    },
    answer: 'another session',
  },
];
