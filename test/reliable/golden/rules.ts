/**
 * The shapes that the messages of WS-RM have to have, written by hand from what WCF writes and reads (child order, header
 * order, mustUnderstand, which addressing properties, which action) and from the schemas: WS-RM 1.1 sections 3 and 4, 2005/02
 * sections 3 and 4. None of it is derived from the product.
 */
import type { Combination } from './scene.ts';
import type { Shape } from './shape.ts';

const ns = {
  '2005/02': 'http://schemas.xmlsoap.org/ws/2005/02/rm',
  200702: 'http://docs.oasis-open.org/ws-rx/wsrm/200702',
} as const;
const say = 'urn:golden:say';
const answer = 'urn:golden:sayResponse';

const sequence = 'r:Sequence!(r:Identifier r:MessageNumber)';
const lastSequence = 'r:Sequence!(r:Identifier r:MessageNumber r:LastMessage)';
const range = 'r:AcknowledgementRange@Lower@Upper';
const room = 'n:BufferRemaining';

function ack(...parts: readonly string[]): string {
  return `r:SequenceAcknowledgement(${['r:Identifier', ...parts].join(' ')})`;
}

export function rules({ version, soap, wsa }: Combination): ReadonlyMap<string, Shape> {
  const is11 = version.name === '200702';
  const isAugust = wsa.name === '2004/08';
  const of = (local: string) => `${ns[version.name]}/${local}`;
  const action = 'a:Action!';
  const to = 'a:To!';
  const replyTo = 'a:ReplyTo(a:Address)';
  // 2004/08: ReplyTo is written always, and answers say To; 2005/08: anonymous is what is not said.
  const asking = isAugust ? [action, 'a:MessageID', replyTo, to] : [action, 'a:MessageID', to];
  const request = [action, 'a:MessageID', replyTo, to];
  const telling = [action, to];
  const answering = isAugust ? [action, 'a:RelatesTo', to] : [action, 'a:RelatesTo'];
  const unrelated = isAugust ? [action, to] : [action];
  const nothing = is11 ? 'r:None' : range;
  const final = is11 ? ['r:Final'] : [];
  const epr = (local: string) => `r:${local}(a:Address)`;
  const offer = is11
    ? `r:Offer(r:Identifier ${epr('Endpoint')} r:IncompleteSequenceBehavior)`
    : 'r:Offer(r:Identifier)';
  const timedOffer = is11
    ? `r:Offer(r:Identifier ${epr('Endpoint')} r:Expires r:IncompleteSequenceBehavior)`
    : 'r:Offer(r:Identifier r:Expires)';
  const created = (...more: readonly string[]) => `r:CreateSequenceResponse(${['r:Identifier', ...more].join(' ')})`;
  const behaviour = is11 ? ['r:IncompleteSequenceBehavior'] : [];
  const about = (local: string, last: boolean) =>
    `r:${local}(${is11 && last ? 'r:Identifier r:LastMsgNumber' : 'r:Identifier'})`;
  const found = new Map<string, Shape>();
  const rule = (name: string, actionUri: string, headers: readonly string[], body: string) =>
    found.set(name, { action: actionUri, headers, body });

  rule('CreateSequence with Offer', of('CreateSequence'), asking, `r:CreateSequence(${epr('AcksTo')} ${offer})`);
  rule('CreateSequence without Offer', of('CreateSequence'), asking, `r:CreateSequence(${epr('AcksTo')})`);
  rule(
    'CreateSequence with Expires',
    of('CreateSequence'),
    request,
    `r:CreateSequence(${epr('AcksTo')} r:Expires ${timedOffer})`,
  );
  rule(
    'CreateSequenceResponse with Accept',
    of('CreateSequenceResponse'),
    answering,
    created(...behaviour, `r:Accept(${epr('AcksTo')})`),
  );
  rule('CreateSequenceResponse without Accept', of('CreateSequenceResponse'), answering, created(...behaviour));
  rule(
    'CreateSequenceResponse with Expires',
    of('CreateSequenceResponse'),
    answering,
    created('r:Expires', ...behaviour),
  );

  rule('request, first', say, [sequence, ...request], 'x');
  rule('request with acknowledgement', say, [ack(range), sequence, ...request], 'x');
  rule('reply', answer, [sequence, ack(range, room), ...answering], 'x');
  rule('reply outside of a sequence', answer, [ack(range), ...answering], 'x');
  rule('one-way message with acknowledgement', say, [ack(range), sequence, ...telling], 'x');
  rule('one-way message', say, [sequence, ...telling], 'x');
  rule('message with AckRequested', say, ['r:AckRequested(r:Identifier)', sequence, ...request], 'x');

  const acknowledgement = of('SequenceAcknowledgement');
  rule('acknowledgement, one range', acknowledgement, [ack(range, room), ...unrelated], '');
  rule('acknowledgement in a session', acknowledgement, [ack(range, room), ...unrelated], '');
  rule('acknowledgement, three ranges', acknowledgement, [ack(range, range, range, room), ...unrelated], '');
  rule('acknowledgement, nothing', acknowledgement, [ack(nothing, room), ...unrelated], '');
  rule('Nack', acknowledgement, ['r:SequenceAcknowledgement(r:Identifier r:Nack r:Nack)', ...telling], '');
  rule('AckRequested', of('AckRequested'), ['r:AckRequested(r:Identifier)', ...telling], '');

  const terminate = of('TerminateSequence');
  const given = [ack(range, ...final), ...asking];
  rule('TerminateSequence', terminate, given, about('TerminateSequence', true));
  if (is11) {
    rule('CloseSequence with Final', of('CloseSequence'), given, about('CloseSequence', true));
    rule('CloseSequence', of('CloseSequence'), asking, about('CloseSequence', true));
    rule(
      'CloseSequence, nothing sent',
      of('CloseSequence'),
      [ack('r:None', 'r:Final'), ...asking],
      about('CloseSequence', false),
    );
    const closed = of('CloseSequenceResponse');
    rule('CloseSequenceResponse', closed, [ack(range, 'r:Final'), ...answering], about('CloseSequenceResponse', false));
    rule(
      'CloseSequenceResponse, nothing',
      closed,
      [ack('r:None', 'r:Final'), ...answering],
      about('CloseSequenceResponse', false),
    );
    rule('TerminateSequence, one-way', terminate, asking, about('TerminateSequence', true));
    rule(
      'TerminateSequence, nothing sent',
      terminate,
      [ack('r:None', 'r:Final'), ...asking],
      about('TerminateSequence', false),
    );
    rule(
      'TerminateSequenceResponse',
      of('TerminateSequenceResponse'),
      [ack(range, 'r:Final'), ...answering],
      about('TerminateSequenceResponse', false),
    );
  } else {
    rule('LastMessage', of('LastMessage'), [ack(range), lastSequence, ...telling], '');
    rule('LastMessage, one-way', of('LastMessage'), [lastSequence, ...telling], '');
    rule('LastMessage, answer', of('LastMessage'), [lastSequence, ack(range, room), ...unrelated], '');
    rule('TerminateSequence, answer', terminate, [ack(range), ...answering], about('TerminateSequence', false));
    rule('TerminateSequence, one-way', terminate, telling, about('TerminateSequence', false));
  }

  const usual = isAugust ? `${wsa.namespace}/fault` : `${wsa.namespace}/soap/fault`;
  const reliableFault = is11 ? of('fault') : usual;
  const is12 = soap.name === '1.2';
  const code = (sender: boolean) => (is12 ? (sender ? 's:Sender' : 's:Receiver') : sender ? 's:Client' : 's:Server');
  const fault12 = (sender: boolean, subcode: string, detail: string) =>
    `s:Fault(s:Code(s:Value=${code(sender)} s:Subcode(s:Value=${subcode})) s:Reason(s:Text)` +
    `${detail === '' ? '' : ` s:Detail(${detail})`})`;
  /** A fault about a header block of WS-RM. In SOAP 1.1 it travels in a header block of its own. */
  const aboutHeader = (name: string, subcode: string, detail: string, more: HeaderFault = {}) => {
    const { sender = true, headers = answering, before = [] } = more;
    if (is12) {
      rule(name, reliableFault, [...before, ...headers], fault12(sender, `r:${subcode}`, detail));
    } else {
      const inside = is11 ? `r:Detail(${detail})` : detail;
      const block = `r:SequenceFault(r:FaultCode=r:${subcode} ${inside})`;
      const body = `s:Fault(faultcode=${code(sender)} faultstring)`;
      rule(name, reliableFault, [block, ...before, ...headers], body);
    }
  };
  /** A fault about the body, or about what is missing: in SOAP 1.1 the subcode is the faultcode. */
  const aboutBody = (name: string, actionUri: string, sender: boolean, subcode: string, second = '') => {
    const nested = second === '' ? '' : ` s:Subcode(s:Value=${second})`;
    const body = is12
      ? `s:Fault(s:Code(s:Value=${code(sender)} s:Subcode(s:Value=${subcode}${nested})) s:Reason(s:Text))`
      : `s:Fault(faultcode=${subcode} faultstring)`;
    rule(name, actionUri, answering, body);
  };
  const id = 'r:Identifier';
  const wrong = ack(range);
  aboutHeader('fault UnknownSequence', 'UnknownSequence', id);
  aboutHeader('fault InvalidAcknowledgement', 'InvalidAcknowledgement', wrong);
  aboutHeader('fault MessageNumberRollover', 'MessageNumberRollover', is11 ? `${id} r:MaxMessageNumber` : id);
  aboutHeader('fault SequenceTerminated, of the initiator', 'SequenceTerminated', id, {
    sender: false,
    headers: telling,
  });
  aboutHeader('fault InvalidAcknowledgement, of the initiator', 'InvalidAcknowledgement', wrong, { headers: telling });
  if (is11) {
    // The final acknowledgement goes with whatever is said about a closed sequence.
    aboutHeader('fault SequenceClosed', 'SequenceClosed', id, { before: [ack(range, 'r:Final')] });
    aboutHeader('fault SequenceTerminated', 'SequenceTerminated', id, { before: [ack(range, 'r:Final')] });
  } else {
    aboutHeader('fault LastMessageNumberExceeded', 'LastMessageNumberExceeded', id);
  }
  aboutBody('fault CreateSequenceRefused', reliableFault, true, 'r:CreateSequenceRefused');
  aboutBody(
    'fault ConnectionLimitReached',
    reliableFault,
    false,
    'r:CreateSequenceRefused',
    'n:ConnectionLimitReached',
  );
  const addressingFault = `${wsa.namespace}/fault`;
  // By WS-Addressing a Receiver fault, as it may pass; WCF writes Sender.
  aboutBody('fault EndpointUnavailable', addressingFault, false, 'a:EndpointUnavailable');
  if (is11) aboutBody('fault WsrmRequired', reliableFault, true, 'r:WsrmRequired');
  else aboutBody('fault WsrmRequired', addressingFault, true, 'a:ActionNotSupported');
  return found;
}

interface HeaderFault {
  readonly sender?: boolean;
  readonly headers?: readonly string[];
  /** Blocks before the addressing. */
  readonly before?: readonly string[];
}
