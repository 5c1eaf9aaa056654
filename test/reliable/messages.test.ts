/** Headers, bodies and faults of both versions in both SOAP versions: their exact shapes, and what is read leniently. */
import { describe, expect, test } from 'vitest';
import {
  aboutSequence,
  createSequence,
  createSequenceResponse,
  readAboutSequence,
  readCreateSequence,
  readCreateSequenceResponse,
  readExpires,
} from '../../src/reliable/bodies.ts';
import { ReliableError } from '../../src/reliable/errors.ts';
import { type ReliableFault, readReliableFault, reliableFaultReply, requiredFault } from '../../src/reliable/faults.ts';
import {
  type Acknowledgement,
  acknowledgementHeader,
  ackRequestedHeader,
  readHeaders,
  readNumber,
  sequenceHeader,
  withoutReliableHeaders,
} from '../../src/reliable/headers.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508, anonymousReference, withAddressing } from '../../src/soap/addressing.ts';
import { header, message, withHeaders } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { overTheWire } from './ends.ts';

const combinations = reliableVersions.flatMap((version) => soapVersions.map((soap) => ({ version, soap })));
const wsa = addressing200508;
const anonymous = anonymousReference(wsa);

function bearing(of: string, ns: string): Message {
  const blocks = [...of.matchAll(/<r:(\w+)[\s\S]*?<\/r:\1>/g)].map(([block]) =>
    header(
      soap12,
      XmlFragment.parse(
        block.replace(/^<r:(\w+)/, `<r:$1 xmlns:r="${ns}" xmlns:netrm="http://schemas.microsoft.com/ws/2006/05/rm"`),
      ),
    ),
  );
  return overTheWire(withHeaders(message({ version: soap12, action: 'urn:x' }), blocks));
}

const ns11 = reliable200702.namespace;
const ns10 = reliable200502.namespace;

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof ReliableError) return thrown.code;
    throw thrown;
  }
  return 'nothing';
}

describe.each(combinations)('headers of $version.name in SOAP $soap.name', ({ version, soap }) => {
  const read = (blocks: Parameters<typeof withHeaders>[1]) =>
    readHeaders(overTheWire(withHeaders(message({ version: soap, action: 'urn:x' }), blocks)));

  test('Sequence is mustUnderstand, and is read as it was written', () => {
    const block = sequenceHeader(version, soap, { id: 'urn:s', number: 7, last: version.shutdown === 'last-message' });
    expect(block.mustUnderstand).toBe(true);
    expect(read([block])?.sequence).toEqual({ id: 'urn:s', number: 7, last: version.shutdown === 'last-message' });
  });

  test.each([
    ['nothing', []],
    ['one range', [{ lower: 1, upper: 3 }]],
    [
      'two ranges',
      [
        { lower: 1, upper: 3 },
        { lower: 5, upper: 5 },
      ],
    ],
  ])('SequenceAcknowledgement of %s is read as it was written', (_, ranges) => {
    for (const final of version.final ? [true, false] : [false]) {
      const given: Acknowledgement = { id: 'urn:s', ranges, nacks: [], final, bufferRemaining: 8 };
      const block = acknowledgementHeader(version, soap, given);
      expect(block.mustUnderstand).toBe(false);
      expect(read([block])?.acknowledgements).toEqual([given]);
    }
  });

  test('AckRequested, and consuming all of it', () => {
    const of = withHeaders(message({ version: soap, action: 'urn:x' }), [ackRequestedHeader(version, soap, 'urn:s')]);
    expect(readHeaders(of)?.ackRequested).toEqual(['urn:s']);
    expect(withoutReliableHeaders(of).headers).toEqual([]);
  });
});

describe('exact octets (child order of WCF)', () => {
  const text = (of: { readonly fragment: XmlFragment }) => of.fragment.toString();

  test('200702', () => {
    const given = { id: 'urn:s', ranges: [{ lower: 1, upper: 2 }], nacks: [], final: true, bufferRemaining: 8 };
    expect(text(acknowledgementHeader(reliable200702, soap12, given))).toBe(
      `<r:SequenceAcknowledgement xmlns:r="${ns11}"><r:Identifier>urn:s</r:Identifier>` +
        '<r:AcknowledgementRange Lower="1" Upper="2"></r:AcknowledgementRange><r:Final></r:Final>' +
        '<netrm:BufferRemaining xmlns:netrm="http://schemas.microsoft.com/ws/2006/05/rm">8</netrm:BufferRemaining>' +
        '</r:SequenceAcknowledgement>',
    );
    const nothing = { id: 'urn:s', ranges: [], nacks: [], final: true };
    expect(text(acknowledgementHeader(reliable200702, soap12, nothing))).toContain(
      '<r:None></r:None><r:Final></r:Final>',
    );
  });

  test('2005/02: nothing is 0–0, and there is no Final', () => {
    const nothing = { id: 'urn:s', ranges: [], nacks: [], final: true };
    expect(text(acknowledgementHeader(reliable200502, soap12, nothing))).toBe(
      `<r:SequenceAcknowledgement xmlns:r="${ns10}"><r:Identifier>urn:s</r:Identifier>` +
        '<r:AcknowledgementRange Lower="0" Upper="0"></r:AcknowledgementRange></r:SequenceAcknowledgement>',
    );
  });

  test('CreateSequence of 200702: AcksTo, Offer(Identifier, Endpoint, IncompleteSequenceBehavior)', () => {
    const body = createSequence(reliable200702, wsa, {
      acksTo: anonymous,
      offer: { id: 'urn:o', endpoint: anonymous, behaviour: 'DiscardFollowingFirstGap' },
    });
    const address = `<a:Address xmlns:a="${wsa.namespace}">${wsa.anonymous}</a:Address>`;
    expect(body.toString()).toBe(
      `<r:CreateSequence xmlns:r="${ns11}"><r:AcksTo>${address}</r:AcksTo><r:Offer><r:Identifier>urn:o</r:Identifier>` +
        `<r:Endpoint>${address}</r:Endpoint><r:IncompleteSequenceBehavior>DiscardFollowingFirstGap</r:IncompleteSequenceBehavior>` +
        '</r:Offer></r:CreateSequence>',
    );
  });
});

describe('lenient reading', () => {
  test('Final before the ranges, and Final without None, as gSOAP writes them', () => {
    const before = bearing(
      '<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier><r:Final></r:Final><r:AcknowledgementRange Upper="3" Lower="1"></r:AcknowledgementRange></r:SequenceAcknowledgement>',
      ns11,
    );
    expect(readHeaders(before)?.acknowledgements[0]).toMatchObject({ final: true, ranges: [{ lower: 1, upper: 3 }] });
    const alone = bearing(
      '<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier><r:Final></r:Final></r:SequenceAcknowledgement>',
      ns11,
    );
    expect(readHeaders(alone)?.acknowledgements[0]).toMatchObject({ final: true, ranges: [] });
  });

  test('Nacks', () => {
    const nack = bearing(
      '<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier><r:Nack>3</r:Nack></r:SequenceAcknowledgement>',
      ns11,
    );
    expect(readHeaders(nack)?.acknowledgements[0]?.nacks).toEqual([3]);
  });

  test('acknowledgements of different sequences in one message', () => {
    const of = bearing(
      '<r:SequenceAcknowledgement><r:Identifier>urn:a</r:Identifier></r:SequenceAcknowledgement><r:SequenceAcknowledgement><r:Identifier>urn:b</r:Identifier></r:SequenceAcknowledgement>',
      ns11,
    );
    expect(readHeaders(of)?.acknowledgements.map(({ id }) => id)).toEqual(['urn:a', 'urn:b']);
  });

  test('blocks for another role are not ours', () => {
    const block = sequenceHeader(reliable200702, soap12, { id: 'urn:s', number: 1, last: false });
    const elsewhere = header(soap12, block.fragment, { role: 'urn:some:router' });
    expect(readHeaders(message({ version: soap12, headers: [elsewhere] }))).toBeUndefined();
  });
});

describe('what could be read in two ways is refused', () => {
  const sequence = (number: string, id = 'urn:s') =>
    `<r:Sequence><r:Identifier>${id}</r:Identifier><r:MessageNumber>${number}</r:MessageNumber></r:Sequence>`;

  test.each(['0', '-1', '+1', '1.0', '1e3', '0x1', '', 'one', '1 2'])('M7 MessageNumber "%s"', (number) => {
    expect(refusal(() => readHeaders(bearing(sequence(number), ns11)))).toBe('RELIABLE_MALFORMED');
  });

  test.each([
    ['1', 1],
    ['0000000000000000001', 1],
    ['9007199254740992', Number.MAX_SAFE_INTEGER],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['9223372036854775808', 'beyond'],
    ['18446744073709551615', 'beyond'],
    ['1'.repeat(41), undefined],
  ])('the number %s reads as %s (M7)', (text, number) => {
    expect(readNumber(text)).toBe(number);
  });

  test('M24 two Sequence blocks; blocks of two versions (M23); two acknowledgements of one sequence', () => {
    expect(refusal(() => readHeaders(bearing(sequence('1') + sequence('2', 'urn:t'), ns11)))).toBe(
      'RELIABLE_MALFORMED',
    );
    const mixed = withHeaders(message({ version: soap12, action: 'urn:x' }), [
      sequenceHeader(reliable200702, soap12, { id: 'urn:s', number: 1, last: false }),
      sequenceHeader(reliable200502, soap12, { id: 'urn:s', number: 2, last: false }),
    ]);
    expect(refusal(() => readHeaders(overTheWire(mixed)))).toBe('RELIABLE_MALFORMED');
    const mark = header(soap12, XmlFragment.parse(`<o:UsesSequenceSTR xmlns:o="${ns10}"/>`));
    const marked = overTheWire(withHeaders(bearing(sequence('1'), ns11), [mark]));
    expect(refusal(() => readHeaders(marked))).toBe('RELIABLE_MALFORMED');
    const twice = '<r:SequenceAcknowledgement><r:Identifier>urn:a</r:Identifier></r:SequenceAcknowledgement>';
    expect(refusal(() => readHeaders(bearing(twice + twice, ns11)))).toBe('RELIABLE_INVALID_ACKNOWLEDGEMENT');
  });

  test.each([
    ['lower above upper', 'Lower="3" Upper="2"'],
    ['0–0 in 200702', 'Lower="0" Upper="0"'],
  ])('an acknowledgement with %s is answered with InvalidAcknowledgement (M6)', (_, bounds) => {
    const range = `<r:AcknowledgementRange ${bounds}></r:AcknowledgementRange>`;
    const of = `<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier>${range}</r:SequenceAcknowledgement>`;
    expect(refusal(() => readHeaders(bearing(of, ns11)))).toBe('RELIABLE_INVALID_ACKNOWLEDGEMENT');
  });

  test.each([
    ['no bounds', '<r:AcknowledgementRange></r:AcknowledgementRange>'],
    ['a range and a Nack', '<r:AcknowledgementRange Lower="1" Upper="1"></r:AcknowledgementRange><r:Nack>2</r:Nack>'],
    [
      '129 ranges',
      Array.from(
        { length: 129 },
        (_, at) => `<r:AcknowledgementRange Lower="${2 * at + 1}" Upper="${2 * at + 1}"></r:AcknowledgementRange>`,
      ).join(''),
    ],
    [
      'BufferRemaining twice',
      '<netrm:BufferRemaining>1</netrm:BufferRemaining><netrm:BufferRemaining>1</netrm:BufferRemaining>',
    ],
  ])('an acknowledgement with %s (M6)', (_, children) => {
    const of = `<r:SequenceAcknowledgement><r:Identifier>urn:s</r:Identifier>${children}</r:SequenceAcknowledgement>`;
    expect(refusal(() => readHeaders(bearing(of, ns11)))).toBe('RELIABLE_MALFORMED');
  });

  test('no Identifier, an empty one, one that is too long', () => {
    for (const id of ['', ' ', 'u'.repeat(2_049)]) {
      expect(refusal(() => readHeaders(bearing(sequence('1', id), ns11)))).toBe('RELIABLE_MALFORMED');
    }
    expect(
      refusal(() => readHeaders(bearing('<r:Sequence><r:MessageNumber>1</r:MessageNumber></r:Sequence>', ns11))),
    ).toBe('RELIABLE_MALFORMED');
  });
});

describe.each(combinations)('bodies of $version.name in SOAP $soap.name', ({ version, soap }) => {
  const of = (body: XmlFragment) => overTheWire(message({ version: soap, action: 'urn:x', body }));

  test('CreateSequence and its response', () => {
    const behaviour = version.behaviour ? ('NoDiscard' as const) : undefined;
    const given = {
      acksTo: anonymous,
      expires: 'PT30S',
      offer: { id: 'urn:o', endpoint: version.behaviour ? anonymous : undefined, expires: undefined, behaviour },
    };
    expect(readCreateSequence(version, of(createSequence(version, wsa, given)))).toEqual(given);
    const response = { id: 'urn:s', expires: 'PT30S', behaviour, accept: { address: 'http://x/', parameters: [] } };
    expect(readCreateSequenceResponse(version, of(createSequenceResponse(version, wsa, response)))).toEqual(response);
  });

  test('TerminateSequence names the last number where the version has it, and never 0', () => {
    const body = aboutSequence(version, 'TerminateSequence', { id: 'urn:s', last: 5 });
    expect(readAboutSequence(version, of(body), 'TerminateSequence')).toEqual({
      id: 'urn:s',
      last: version.final ? 5 : undefined,
    });
    expect(aboutSequence(version, 'TerminateSequence', { id: 'urn:s', last: 0 }).toString()).not.toContain(
      'LastMsgNumber',
    );
  });

  test('two children in the Body, or another one: refused', () => {
    const body = aboutSequence(version, 'TerminateSequence', { id: 'urn:s' });
    const two = message({ version: soap, action: 'urn:x', body: [body, body] });
    expect(refusal(() => readAboutSequence(version, two, 'TerminateSequence'))).toBe('RELIABLE_MALFORMED');
    expect(refusal(() => readAboutSequence(version, of(body), 'CloseSequence'))).toBe('RELIABLE_MALFORMED');
  });
});

test.each([
  ['PT30S', 30_000],
  ['PT00H00M30S', 30_000],
  ['P1DT1H', 90_000_000],
  ['PT0S', Number.POSITIVE_INFINITY],
  ['PT0.25S', 250],
  ['PT1M0.5S', 60_500],
  ['P9999Y', 9_999 * 365 * 86_400_000],
  ['-PT1S', undefined],
  ['PT', undefined],
  ['30', undefined],
  ['', undefined],
])('Expires %s is %s ms (M27)', (text, milliseconds) => {
  expect(readExpires(text)).toBe(milliseconds);
});

describe.each(combinations)('faults of $version.name in SOAP $soap.name', ({ version, soap }) => {
  const request = withAddressing(message({ version: soap }), {
    version: wsa,
    action: 'urn:ask',
    messageId: 'urn:uuid:ask',
    to: 'http://service.example/',
  });
  const acknowledgement = {
    id: 'urn:s',
    ranges: [{ lower: 1, upper: 9 }],
    nacks: [],
    final: false,
    bufferRemaining: undefined,
  };
  const faults: readonly ReliableFault[] = [
    { name: 'SequenceTerminated', code: 'receiver', reason: 'why', identifier: 'urn:s' },
    { name: 'UnknownSequence', code: 'sender', reason: 'why', identifier: 'urn:s' },
    { name: 'InvalidAcknowledgement', code: 'sender', reason: 'why', acknowledgement },
    { name: 'MessageNumberRollover', code: 'sender', reason: 'why', identifier: 'urn:s' },
    { name: 'LastMessageNumberExceeded', code: 'sender', reason: 'why', identifier: 'urn:s' },
    { name: 'SequenceClosed', code: 'sender', reason: 'why', identifier: 'urn:s' },
    { name: 'CreateSequenceRefused', code: 'sender', reason: 'why' },
  ];

  test.each(faults)('$name is read as it was written', (fault) => {
    const reply = overTheWire(reliableFaultReply(request, version, fault));
    expect(reply.action).toBe(version.faultAction ?? wsa.soapFaultAction);
    const read = readReliableFault(reply);
    expect(read?.version).toBe(version);
    // In SOAP 1.1 a subcode takes the place of the code: that it is the sender's fault cannot be said.
    expect(read?.fault).toMatchObject(
      soap === soap11 && fault.name === 'CreateSequenceRefused' ? { name: fault.name } : fault,
    );
  });

  test('a fault of a header block: Subcode in SOAP 1.2, SequenceFault header in SOAP 1.1', () => {
    const reply = reliableFaultReply(request, version, {
      name: 'MessageNumberRollover',
      code: 'sender',
      reason: 'why',
      identifier: 'urn:s',
    });
    const detail =
      `<r:Identifier xmlns:r="${version.namespace}">urn:s</r:Identifier>` +
      (version.rolloverMaximum
        ? `<r:MaxMessageNumber xmlns:r="${version.namespace}">9223372036854775807</r:MaxMessageNumber>`
        : '');
    const block = reply.headers.find(({ local }) => local === 'SequenceFault');
    if (soap === soap12) {
      expect(block).toBeUndefined();
      expect(faultOf(reply)?.detail?.map(String).join('')).toBe(detail);
      return;
    }
    const bare = detail.replaceAll(` xmlns:r="${version.namespace}"`, '');
    const inner = version.sequenceFaultDetail === 'wrapped' ? `<r:Detail>${bare}</r:Detail>` : bare;
    expect(block?.fragment.toString()).toBe(
      `<r:SequenceFault xmlns:r="${version.namespace}"><r:FaultCode>r:MessageNumberRollover</r:FaultCode>${inner}</r:SequenceFault>`,
    );
    const told = faultOf(reply);
    expect([told?.code, told?.subcode, told?.detail]).toEqual(['sender', undefined, undefined]);
  });
});

describe('other faults', () => {
  test('ConnectionLimitReached stands below CreateSequenceRefused', () => {
    const fault: ReliableFault = {
      name: 'CreateSequenceRefused',
      code: 'receiver',
      reason: 'busy',
      connectionLimit: true,
    };
    const reply = reliableFaultReply(message({ version: soap12 }), reliable200702, fault);
    expect(readReliableFault(overTheWire(reply))?.fault).toMatchObject(fault);
  });

  test('the famous sentence of 2005/02, and WsrmRequired of 200702', () => {
    expect(requiredFault(reliable200502, wsa)).toMatchObject({
      subcode: { namespace: wsa.namespace, local: 'ActionNotSupported' },
      reason: 'Only WS-ReliableMessaging February 2005 messages are processed by this endpoint.',
    });
    expect(requiredFault(reliable200702, wsa)).toMatchObject({
      code: 'sender',
      subcode: { namespace: ns11, local: 'WsrmRequired' },
    });
  });

  test('an unknown subcode of WS-RM reads as SequenceTerminated, and WSRMRequired as WsrmRequired', () => {
    const fault = (local: string) =>
      message({
        version: soap12,
        body: XmlFragment.parse(
          `<s:Fault xmlns:s="${soap12.namespace}" xmlns:r="${ns11}"><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>r:${local}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason></s:Fault>`,
        ),
      });
    expect(readReliableFault(overTheWire(fault('SomethingElse')))?.fault.name).toBe('SequenceTerminated');
    expect(readReliableFault(overTheWire(fault('WSRMRequired')))?.fault.name).toBe('WsrmRequired');
  });
});
