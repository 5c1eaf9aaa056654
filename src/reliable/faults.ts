/**
 * The faults of WS-RM as a table (WS-RM 1.1, section 4; 2005/02, section 4), in SOAP 1.2 and in SOAP 1.1, where a fault
 * that a header block caused travels as a `SequenceFault` header and one that the body caused as the faultcode.
 */
import { addressingFault } from '../soap/addressing-faults.ts';
import type { AddressingVersion } from '../soap/addressing-versions.ts';
import { findHeader, header } from '../soap/envelope.ts';
import type { Fault } from '../soap/errors.ts';
import { faultOf, faultReply } from '../soap/fault.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, childrenOf, qname, requiredChild, simpleText } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { ReliableError } from './errors.ts';
import {
  type Acknowledgement,
  readAcknowledgement,
  readable,
  reliablePrefix,
  writeAcknowledgement,
} from './headers.ts';
import { none } from './ranges.ts';
import { versionOf } from './versions/table.ts';
import { netrm, type ReliableVersion } from './versions/version.ts';

export type ReliableFaultName =
  | 'SequenceTerminated'
  | 'UnknownSequence'
  | 'InvalidAcknowledgement'
  | 'MessageNumberRollover'
  | 'LastMessageNumberExceeded'
  | 'SequenceClosed'
  | 'CreateSequenceRefused'
  | 'WsrmRequired';

export interface ReliableFault {
  readonly name: ReliableFaultName;
  readonly code: 'sender' | 'receiver';
  readonly reason: string;
  /** The sequence it is about; it is the detail of most faults. */
  readonly identifier?: string | undefined;
  /** The detail of InvalidAcknowledgement. */
  readonly acknowledgement?: Acknowledgement | undefined;
  /** CreateSequenceRefused because too many sessions wait (sub-subcode netrm:ConnectionLimitReached). */
  readonly connectionLimit?: boolean | undefined;
}

interface Row {
  /** What of the message was at fault; decides the SOAP 1.1 form. */
  readonly cause: 'header' | 'body';
  readonly detail: 'identifier' | 'rollover' | 'acknowledgement' | 'none';
}

const table: Readonly<Record<ReliableFaultName, Row>> = {
  SequenceTerminated: { cause: 'header', detail: 'identifier' },
  UnknownSequence: { cause: 'header', detail: 'identifier' },
  InvalidAcknowledgement: { cause: 'header', detail: 'acknowledgement' },
  MessageNumberRollover: { cause: 'header', detail: 'rollover' },
  LastMessageNumberExceeded: { cause: 'header', detail: 'identifier' },
  SequenceClosed: { cause: 'header', detail: 'identifier' },
  CreateSequenceRefused: { cause: 'body', detail: 'none' },
  WsrmRequired: { cause: 'body', detail: 'none' },
};

const names: ReadonlyMap<string, ReliableFaultName> = new Map([
  ...(Object.keys(table) as ReliableFaultName[]).map((name) => [name, name] as const),
  // As the specification spells it; WCF spells it WsrmRequired.
  ['WSRMRequired', 'WsrmRequired'],
]);

const connectionLimitReached = 'ConnectionLimitReached';
const greatestNumber = '9223372036854775807';

/** The message that answers `request` with a fault of WS-RM. */
export function reliableFaultReply(
  request: Message,
  version: ReliableVersion,
  fault: ReliableFault,
  headers: readonly HeaderBlock[] = [],
): Message {
  const form = formOf(request.version, version, fault);
  return faultReply(request, form.fault, {
    ...(version.faultAction === undefined ? {} : { action: version.faultAction }),
    headers: [...form.headers, ...headers],
  });
}

/** The fault for a message that is not of WS-RM at an end that demands it. */
export function requiredFault(version: ReliableVersion, wsa: AddressingVersion): Fault {
  if (version.required === 'ActionNotSupported') {
    return addressingFault(
      wsa,
      'actionNotSupported',
      'Only WS-ReliableMessaging February 2005 messages are processed by this endpoint.',
    );
  }
  const reason = 'This endpoint takes only messages of WS-ReliableMessaging.';
  return { code: 'sender', subcode: { namespace: version.namespace, local: version.required }, reason };
}

/** Fault and header blocks for a SOAP version. */
export function formOf(
  soap: SoapVersion,
  version: ReliableVersion,
  fault: ReliableFault,
): { readonly fault: Fault; readonly headers: readonly HeaderBlock[] } {
  const row = table[fault.name];
  const subcode = { namespace: version.namespace, local: fault.name };
  const detail = detailOf(version, fault, row);
  const { code, reason } = fault;
  if (soap.name === '1.1' && row.cause === 'header') {
    return { fault: { code, reason }, headers: [sequenceFault(soap, version, fault, detail)] };
  }
  const limit = fault.connectionLimit === true ? { namespace: netrm, local: connectionLimitReached } : undefined;
  return {
    fault: { code, subcode, subsubcode: limit, reason, detail: detail.length === 0 ? undefined : detail },
    headers: [],
  };
}

function detailOf(version: ReliableVersion, fault: ReliableFault, row: Row): readonly XmlFragment[] {
  const { namespace } = version;
  const element = (local: string, text: string) =>
    new XmlWriter().element(namespace, local, text, reliablePrefix).finish();
  switch (row.detail) {
    case 'none':
      return [];
    case 'acknowledgement': {
      const { identifier, acknowledgement } = fault;
      // WCF takes a fault without its detail for none of WS-RM.
      const empty = identifier === undefined ? undefined : { id: identifier, ranges: none, nacks: [], final: false };
      const refused = acknowledgement ?? empty;
      if (refused === undefined) return [];
      const writer = new XmlWriter();
      writeAcknowledgement(writer, version, refused);
      return [writer.finish()];
    }
    case 'identifier':
    case 'rollover': {
      const maximum = row.detail === 'rollover' && version.rolloverMaximum;
      return [
        ...(fault.identifier === undefined ? [] : [element('Identifier', fault.identifier)]),
        ...(maximum ? [element('MaxMessageNumber', greatestNumber)] : []),
      ];
    }
    default:
      return row.detail satisfies never;
  }
}

function sequenceFault(
  soap: SoapVersion,
  version: ReliableVersion,
  fault: ReliableFault,
  detail: readonly XmlFragment[],
): HeaderBlock {
  const { namespace } = version;
  const writer = new XmlWriter()
    .start(namespace, 'SequenceFault', reliablePrefix)
    .start(namespace, 'FaultCode', reliablePrefix)
    .declare(reliablePrefix, namespace)
    .text(`${reliablePrefix}:${fault.name}`)
    .end();
  const wrapped = version.sequenceFaultDetail === 'wrapped' && detail.length > 0;
  if (wrapped) writer.start(namespace, 'Detail', reliablePrefix);
  for (const part of detail) writer.fragment(part);
  if (wrapped) writer.end();
  return header(soap, writer.end().finish());
}

/**
 * The fault of WS-RM that a message carries.
 *
 * @returns `undefined` when it is no fault, or none of WS-RM. An unknown subcode in an RM namespace reads as
 *   SequenceTerminated, as WCF reads it.
 * @throws ReliableError `RELIABLE_MALFORMED`
 */
export function readReliableFault(
  message: Message,
): { readonly version: ReliableVersion; readonly fault: ReliableFault } | undefined {
  const fault = faultOf(message);
  if (fault === undefined) return undefined;
  const code = fault.code === 'receiver' ? 'receiver' : 'sender';
  const { reason, subcode } = fault;
  const named = subcode === undefined ? undefined : versionOf(subcode.namespace);
  if (named !== undefined && subcode !== undefined) {
    const name = names.get(subcode.local) ?? 'SequenceTerminated';
    const connectionLimit = fault.subsubcode?.namespace === netrm && fault.subsubcode.local === connectionLimitReached;
    return { version: named, fault: { name, code, reason, connectionLimit, ...readDetail(named, fault.detail ?? []) } };
  }
  const version = message.headers.map((block) => versionOf(block.namespace)).find((row) => row !== undefined);
  const block = version === undefined ? undefined : findHeader(message, version.namespace, 'SequenceFault');
  if (version === undefined || block === undefined) return undefined;
  return readable(() => {
    const { element } = block.fragment;
    const codeElement = requiredChild(element, version.namespace, 'FaultCode');
    const { local } = qname(codeElement, simpleText(codeElement));
    const wrapper = child(element, version.namespace, 'Detail') ?? element;
    const identifier = child(wrapper, version.namespace, 'Identifier');
    const [acknowledgement] = childrenOf(wrapper, version.namespace, 'SequenceAcknowledgement');
    return {
      version,
      fault: {
        name: names.get(local) ?? 'SequenceTerminated',
        code,
        reason,
        identifier: identifier === undefined ? undefined : simpleText(identifier),
        acknowledgement: acknowledgement === undefined ? undefined : readRefused(version, acknowledgement),
      },
    };
  });
}

/** The acknowledgement that a peer could not believe: it may well be one that cannot be read. */
function readRefused(version: ReliableVersion, element: XmlElement): Acknowledgement | undefined {
  try {
    return readAcknowledgement(version, element);
  } catch (thrown) {
    if (thrown instanceof ReliableError) return undefined;
    throw thrown;
  }
}

function readDetail(
  version: ReliableVersion,
  detail: readonly XmlFragment[],
): Pick<ReliableFault, 'identifier' | 'acknowledgement'> {
  return readable(() => {
    const named = (local: string) =>
      detail.find((part) => part.namespace === version.namespace && part.local === local)?.element;
    const identifier = named('Identifier');
    const acknowledgement = named('SequenceAcknowledgement');
    return {
      identifier: identifier === undefined ? undefined : simpleText(identifier),
      acknowledgement: acknowledgement === undefined ? undefined : readRefused(version, acknowledgement),
    };
  });
}
