/** Messages without security: WS-RM captures of gSOAP and samples of Sandesha are read, and say what their manifests say. */
import { readHeaders } from '../../src/reliable/headers.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { payload, readEnvelope } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { scan } from '../../src/xml/scan.ts';
import { type VectorCase, vectorOctets } from './manifest.ts';
import { errorOf, type Judge, pass, refusedBy, wrong } from './result.ts';

interface Captured extends VectorCase {
  readonly action: string;
  readonly messageNumber: readonly string[];
  readonly ackRanges: readonly string[];
}

/** A message that was captured has the action, the number and the acknowledged ranges that its manifest has. */
export const judgeCaptured: Judge = (one) => {
  const { action, messageNumber, ackRanges } = one as Captured;
  const message = readWhole(one);
  const headers = readHeaders(message);
  const ranges = headers?.acknowledgements.flatMap((each) => each.ranges) ?? [];
  const found = [
    [message.action],
    headers?.sequence === undefined ? [] : [String(headers.sequence.number)],
    ranges.map(({ lower, upper }) => `Upper="${upper}" Lower="${lower}"`),
  ];
  const same = JSON.stringify(found) === JSON.stringify([[action], messageNumber, ackRanges]);
  return same ? pass('action, number and acknowledged ranges') : wrong(JSON.stringify(found));
};

const broken: ReadonlyMap<string, readonly [code: string, rule: string]> = new Map([
  ['sandesha.CreateSequenceResponse', ['XML_NAMESPACE', 'namespace names are absolute']],
  ['sandesha.MakeConnection', ['SOAP_ADDRESSING', 'an IRI has no white space (the sample was printed over two lines)']],
  ['sandesha.MessagePending', ['SOAP_ADDRESSING', 'an IRI has no white space (the sample was printed over two lines)']],
  [
    'sandesha.SequenceAcknowledgement',
    ['RELIABLE_MALFORMED', 'an acknowledgement has ranges or Nacks, not both (WS-RM section 3.9)'],
  ],
]);

export const judgeSample: Judge = async (one) => {
  const error = await errorOf(() => readHeaders(readWhole(one)));
  const [code, rule] = broken.get(one.id) ?? [];
  if (rule === undefined) return error === undefined ? pass('is read') : wrong(String(error));
  return error?.code === code ? refusedBy(rule) : wrong(`not refused as ${code}: ${error}`);
};

/** The envelope with all that the soap room reads of it. */
export function readWhole(one: VectorCase): Message {
  const message = readEnvelope(scan(vectorOctets(one)));
  addressingOf(message);
  faultOf(message);
  payload(message);
  return message;
}
