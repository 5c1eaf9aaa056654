import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressing200508, addressingOf, addressingVersions, withAddressing } from '../../src/soap/addressing.ts';
import { addressingFault } from '../../src/soap/addressing-faults.ts';
import { findHeader, header, message, payload, requireUnderstood } from '../../src/soap/envelope.ts';
import { type Fault, SoapError } from '../../src/soap/errors.ts';
import { FaultError, faultFor, faultOf, faultPayload, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { qname } from '../../src/xml/find.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { again, envelope, read, s11, s12, soapError, written, wsa10 } from './samples.ts';

const rm = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';
const netrm = 'http://schemas.microsoft.com/ws/2006/05/rm';
const detail = XmlFragment.parse(`<r:Identifier xmlns:r="${rm}">urn:uuid:1</r:Identifier>`);
const refused: Fault = {
  code: 'receiver',
  subcode: { namespace: rm, local: 'CreateSequenceRefused' },
  subsubcode: { namespace: netrm, local: 'ConnectionLimitReached' },
  reason: 'Too many <sessions> & more',
  detail: [detail],
  node: undefined,
  role: undefined,
};

function carrying(version: SoapVersion, fault: Fault): Message {
  return again(message({ version, body: faultPayload(version, fault) }));
}

/** With fragments as text, and without what is not there. */
function plain(fault: Fault | undefined): unknown {
  return JSON.parse(
    JSON.stringify(fault ?? null, (_, value: unknown) => (value instanceof XmlFragment ? value.toString() : value)),
  );
}

describe('SOAP 1.2 (part 1 section 5.4)', () => {
  test('the whole form', () => {
    expect(faultPayload(soap12, { ...refused, node: 'urn:node', role: 'urn:role' }).toString()).toBe(
      `<s:Fault xmlns:s="${s12}"><s:Code><s:Value>s:Receiver</s:Value><s:Subcode>` +
        `<s:Value xmlns:c="${rm}">c:CreateSequenceRefused</s:Value><s:Subcode>` +
        `<s:Value xmlns:d="${netrm}">d:ConnectionLimitReached</s:Value></s:Subcode></s:Subcode></s:Code>` +
        '<s:Reason><s:Text xml:lang="en">Too many &lt;sessions&gt; &amp; more</s:Text></s:Reason>' +
        '<s:Node>urn:node</s:Node><s:Role>urn:role</s:Role>' +
        `<s:Detail><r:Identifier xmlns:r="${rm}">urn:uuid:1</r:Identifier></s:Detail></s:Fault>`,
    );
  });

  test('the subcodes survive as names, not as text', () => {
    const code = payload(carrying(soap12, refused))?.children[0];
    const value = code?.children[1]?.children[0];
    expect(value && qname(value, value.text)).toEqual(refused.subcode);
  });

  test('law: what is written is read back', () => {
    const name = fc.record({
      namespace: fc.constantFrom(rm, netrm, wsa10, 'urn:x'),
      local: fc.constantFrom('A', 'B-c', 'D.e'),
    });
    const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          code: fc.constantFrom('sender', 'receiver', 'mustUnderstand', 'versionMismatch' as const),
          subcode: maybe(name),
          reason: fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\p{Cc}\ufffe\uffff]/u.test(text)),
          detail: maybe(fc.array(fc.constant(detail), { maxLength: 3 })),
          node: maybe(fc.webUrl()),
          role: maybe(fc.webUrl()),
        }),
        (fault) => {
          expect(plain(faultOf(carrying(soap12, fault)))).toEqual(plain(fault));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the English reason is taken, else the first', () => {
    const fault = (texts: string) =>
      faultOf(
        read(
          envelope({
            body: `<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason>${texts}</s:Reason></s:Fault>`,
          }),
        ),
      )?.reason;
    expect(fault('<s:Text xml:lang="de">Nein</s:Text><s:Text xml:lang="en-GB">No</s:Text>')).toBe('No');
    expect(fault('<s:Text xml:lang="de">Nein</s:Text><s:Text xml:lang="enm">Nay</s:Text>')).toBe('Nein');
  });

  test("DataEncodingUnknown, and a code of an unknown namespace, are a Sender's doing", () => {
    const of = (value: string) =>
      faultOf(read(envelope({ body: `<s:Fault><s:Code><s:Value>${value}</s:Value></s:Code></s:Fault>` })));
    expect(of('s:DataEncodingUnknown')).toMatchObject({ code: 'sender', subcode: undefined, reason: '' });
    expect(of('x:Odd')).toMatchObject({ code: 'sender', subcode: { namespace: 'urn:x', local: 'Odd' } });
  });
});

describe('SOAP 1.1 (section 4.4)', () => {
  test('faultcode is the subcode, which is a name in scope', () => {
    expect(faultPayload(soap11, { ...refused, role: 'urn:role' }).toString()).toBe(
      `<s:Fault xmlns:s="${s11}"><faultcode xmlns:c="${rm}">c:CreateSequenceRefused</faultcode>` +
        '<faultstring xml:lang="en">Too many &lt;sessions&gt; &amp; more</faultstring><faultactor>urn:role</faultactor>' +
        `<detail><r:Identifier xmlns:r="${rm}">urn:uuid:1</r:Identifier></detail></s:Fault>`,
    );
    const back = carrying(soap11, refused);
    expect(faultOf(back)).toMatchObject({ subcode: refused.subcode, reason: refused.reason });
    expect(faultOf(back)?.detail?.[0]?.toString()).toBe(detail.toString());
  });

  test.each([
    ['sender', 's:Client'],
    ['receiver', 's:Server'],
    ['mustUnderstand', 's:MustUnderstand'],
    ['versionMismatch', 's:VersionMismatch'],
  ] as const)('%s without subcode is %s', (code, text) => {
    const made = faultPayload(soap11, { code, reason: 'r' });
    expect(made.element.children[0]?.text).toBe(text);
    expect(made.toString()).not.toContain('detail');
    const back = faultOf(carrying(soap11, { code, reason: 'r' }));
    expect(back?.code).toBe(code);
    expect(back?.subcode).toBeUndefined();
  });

  test.each([
    ['s:Client.Authentication', { code: 'sender' }],
    ['Client', { code: 'sender' }],
    ['Server', { code: 'receiver' }],
    ['undeclared:Server', { code: 'receiver' }],
    [' s:Server ', { code: 'receiver' }],
    ['x:Bad', { code: 'sender', subcode: { namespace: 'urn:x', local: 'Bad' } }],
    ['s:Odd', { code: 'sender' }],
  ])('the faultcode "%s" of other stacks is understood', (text, expected) => {
    const body = `<s:Fault><faultcode>${text}</faultcode><faultstring>why</faultstring></s:Fault>`;
    expect(faultOf(read(envelope({ namespace: s11, body })))).toMatchObject({ ...expected, reason: 'why' });
  });
});

describe('what is no fault', () => {
  test.each(soapVersions)('SOAP $name: another payload, an empty Body', (version) => {
    expect(faultOf(read(envelope({ namespace: version.namespace })))).toBeUndefined();
    expect(faultOf(message({ version }))).toBeUndefined();
  });

  test.each([
    ['1.2 without Code', s12, '<s:Fault><s:Reason/></s:Fault>'],
    ['1.2 with two Codes', s12, `<s:Fault>${'<s:Code><s:Value>s:Sender</s:Value></s:Code>'.repeat(2)}</s:Fault>`],
    ['1.1 without faultcode', s11, '<s:Fault><faultstring>x</faultstring></s:Fault>'],
    ['1.1 with a faultcode of elements', s11, '<s:Fault><faultcode><x:a/></faultcode></s:Fault>'],
  ])('SOAP %s cannot be read, and is not answered', (_, namespace, body) => {
    const error = soapError(() => faultOf(read(envelope({ namespace, body }))));
    expect(error.code).toBe('SOAP_ENVELOPE');
    expect(error.fault).toBeUndefined();
    expect(error.cause).toBeInstanceOf(XmlError);
  });
});

describe('faultReply', () => {
  const asked = (version: SoapVersion, addressing = addressing200508) =>
    withAddressing(message({ version, action: 'urn:ask' }), {
      version: addressing,
      action: 'urn:ask',
      messageId: 'urn:uuid:1',
      to: 'http://service/',
    });

  test.each(addressingVersions)('WS-Addressing $name: related, with the action for SOAP faults', (addressing) => {
    const reply = again(faultReply(asked(soap12, addressing), { code: 'sender', reason: 'no' }));
    expect(addressingOf(reply)).toMatchObject({
      version: addressing,
      action: addressing.soapFaultAction,
      relatesTo: 'urn:uuid:1',
      messageId: undefined,
    });
    expect(faultOf(reply)).toMatchObject({ code: 'sender', reason: 'no' });
  });

  test.each(addressingVersions)('WS-Addressing $name: its own faults have its own action', (addressing) => {
    const fault = addressingFault(addressing, 'actionNotSupported', 'no');
    expect(faultReply(asked(soap12, addressing), fault).action).toBe(addressing.faultAction);
  });

  test('the caller may say the action, the version and more headers', () => {
    const block = header(soap11, XmlFragment.parse(`<r:SequenceFault xmlns:r="${rm}"/>`));
    const reply = faultReply(asked(soap11), refused, { action: `${rm}/fault`, headers: [block] });
    expect(reply.action).toBe(`${rm}/fault`);
    expect(reply.headers[0]).toBe(block);
    expect(faultReply(undefined, refused).version).toBe(soap12);
    const bare = faultReply(undefined, refused, { version: soap11, action: 'urn:f' });
    expect(bare).toMatchObject({ version: soap11, action: 'urn:f', headers: [] });
  });

  test('a request without addressing gets none', () => {
    expect(faultReply(read(envelope({ namespace: s11 })), refused)).toMatchObject({ version: soap11, headers: [] });
  });

  test('a request whose addressing is at fault is answered as far as it can be', () => {
    const twice = read(
      envelope({
        headers: '<a:Action>urn:1</a:Action><a:Action>urn:2</a:Action><a:MessageID>urn:uuid:7</a:MessageID>',
      }),
    );
    const error = soapError(() => addressingOf(twice));
    const reply = again(faultReply(twice, faultFor(error)));
    expect(addressingOf(reply)).toMatchObject({ action: `${wsa10}/fault`, relatesTo: 'urn:uuid:7' });
    expect(faultOf(reply)?.subsubcode?.local).toBe('InvalidCardinality');
  });

  test('SOAP 1.1: the detail of an addressing fault travels in wsa:FaultDetail (SOAP binding section 6.3)', () => {
    const fault = addressingFault(addressing200508, 'headerRequired', 'no', { header: 'Action' });
    const reply = again(faultReply(asked(soap11), fault));
    expect(payload(reply)?.children.map((child) => child.local)).toEqual(['faultcode', 'faultstring']);
    expect(findHeader(reply, wsa10, 'FaultDetail')?.mustUnderstand).toBe(false);
    const back = faultOf(reply);
    expect(back?.subcode?.local).toBe('MessageAddressingHeaderRequired');
    const [problem] = back?.detail ?? [];
    expect(problem && qname(problem.element, problem.element.text)).toEqual({ namespace: wsa10, local: 'Action' });
    expect(addressingOf(reply)?.relatesTo).toBe('urn:uuid:1');
  });

  test('SOAP 1.2: every block that was not understood is named (part 1 section 5.4.8)', () => {
    const arrived = read(
      envelope({ headers: '<x:One s:mustUnderstand="1"/><y:Two xmlns:y="urn:y" s:mustUnderstand="1"/><x:Three/>' }),
    );
    const error = soapError(() => requireUnderstood(arrived));
    const reply = again(faultReply(arrived, faultFor(error)));
    const named = reply.headers.map(({ fragment: { element } }) => [
      element.local,
      qname(element, element.attribute('qname') ?? ''),
    ]);
    expect(named).toEqual([
      ['NotUnderstood', { namespace: 'urn:x', local: 'One' }],
      ['NotUnderstood', { namespace: 'urn:y', local: 'Two' }],
    ]);
    expect(faultOf(reply)?.code).toBe('mustUnderstand');
    expect(written(faultReply(read(envelope({ namespace: s11 })), faultFor(error)))).not.toContain('NotUnderstood');
  });

  test('SOAP 1.2: a VersionMismatch says which envelopes are read, best first (part 1 section 5.4.7)', () => {
    const error = soapError(() => read('<Envelope xmlns="urn:soap:9"><Body/></Envelope>'));
    const reply = again(faultReply(undefined, faultFor(error)));
    const upgrade = findHeader(reply, s12, 'Upgrade')?.fragment.element;
    expect(upgrade?.children.map((child) => qname(child, child.attribute('qname') ?? ''))).toEqual([
      { namespace: s12, local: 'Envelope' },
      { namespace: s11, local: 'Envelope' },
    ]);
    expect(faultOf(reply)?.code).toBe('versionMismatch');
  });

  test('A3 a FaultTo that would have us write protocol headers is at fault itself', () => {
    const evil = read(
      envelope({
        headers: `<a:Action>urn:a</a:Action><a:MessageID>urn:uuid:9</a:MessageID><a:FaultTo><a:Address>${wsa10}/anonymous</a:Address><a:ReferenceParameters><r:Sequence xmlns:r="${rm}"/></a:ReferenceParameters></a:FaultTo>`,
      }),
    );
    const error = soapError(() => addressingOf(evil));
    expect(error.fault?.subsubcode?.local).toBe('InvalidEPR');
    const reply = again(faultReply(evil, faultFor(error)));
    expect(addressingOf(reply)?.relatesTo).toBe('urn:uuid:9');
    expect(reply.headers.map((block) => block.local)).not.toContain('Sequence');
  });
});

describe('what an error is on the wire', () => {
  test('its own fault; a Sender fault for XML; a Receiver fault that tells nothing for all else', () => {
    expect(faultFor(new FaultError(refused))).toBe(refused);
    expect(faultFor(new XmlError('XML_DTD', 'secret place'))).toMatchObject({ code: 'sender' });
    for (const thrown of [new Error('secret'), 'secret', new SoapError('SOAP_ENVELOPE', 'secret')]) {
      const fault = faultFor(thrown);
      expect(fault.code).toBe('receiver');
      expect(JSON.stringify(fault)).not.toContain('secret');
    }
  });

  test('a FaultError bears its fault and its reason', () => {
    const error = new FaultError(refused, { transient: true });
    expect(error).toMatchObject({ code: 'SOAP_FAULT', fault: refused, message: refused.reason, transient: true });
    expect(error).toBeInstanceOf(SoapError);
  });
});
