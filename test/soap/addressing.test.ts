import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Addressing,
  addressing200408,
  addressing200508,
  addressingOf,
  addressingVersions,
  answerable,
  faultAddressing,
  isAnonymous,
  isNone,
  readEndpointReference,
  replyAddressing,
  withAddressing,
  writeEndpointReference,
} from '../../src/soap/addressing.ts';
import { parameterLimits } from '../../src/soap/endpoint-reference.ts';
import { header, message } from '../../src/soap/envelope.ts';
import { soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { again, envelope, read, s12, soapError, written, wsa04, wsa10 } from './samples.ts';

const parameter = XmlFragment.parse('<p:Key xmlns:p="urn:p">17</p:Key>');
const reference = (address: string, parameters: readonly XmlFragment[] = []) => ({ address, parameters });

/** As plain values, so that fragments compare by their text. */
function plain(addressing: Addressing | undefined): unknown {
  return JSON.parse(
    JSON.stringify(addressing, (_, value: unknown) => (value instanceof XmlFragment ? value.toString() : value)),
  );
}

describe('reading (WS-Addressing 1.0 Core section 3.2; 2004/08 section 3)', () => {
  test.each([
    ['a', addressing200508, 'ReferenceParameters'],
    ['b', addressing200408, 'ReferenceProperties'],
    ['b', addressing200408, 'ReferenceParameters'],
  ])('every property, prefix %s, $name, %s', (p, version, parameters) => {
    const found = addressingOf(
      read(
        envelope({
          headers:
            `<${p}:To> http://to/ </${p}:To><${p}:Action>urn:do</${p}:Action><${p}:MessageID>uuid:1</${p}:MessageID>` +
            `<${p}:RelatesTo>uuid:0</${p}:RelatesTo><${p}:From><${p}:Address>http://from/</${p}:Address></${p}:From>` +
            `<${p}:ReplyTo><${p}:Address>http://reply/</${p}:Address><${p}:${parameters}><x:Key>17</x:Key></${p}:${parameters}></${p}:ReplyTo>` +
            `<${p}:FaultTo><${p}:Address>${version.anonymous}</${p}:Address><x:Policy/></${p}:FaultTo>`,
        }),
      ),
    );
    expect(plain(found)).toEqual({
      version: plain(version as never),
      action: 'urn:do',
      to: 'http://to/',
      parameters: [],
      messageId: 'uuid:1',
      relatesTo: 'uuid:0',
      from: { address: 'http://from/', parameters: [] },
      replyTo: { address: 'http://reply/', parameters: ['<x:Key xmlns:x="urn:x">17</x:Key>'] },
      faultTo: { address: version.anonymous, parameters: [] },
    });
  });

  test('a message without addressing has none; the answer is remembered', () => {
    expect(addressingOf(read(envelope()))).toBeUndefined();
    const one = read(envelope({ headers: '<a:Action>urn:do</a:Action>' }));
    expect(addressingOf(one)).toBe(addressingOf(one));
  });

  test('headers for other roles are none of ours (section 3.2: per targeted node)', () => {
    const found = addressingOf(
      read(
        envelope({
          headers: `<a:Action>urn:do</a:Action><a:Action s:role="urn:other">urn:other</a:Action><b:To s:role="urn:other">urn:x</b:To><a:To s:role="${s12}/role/ultimateReceiver">urn:to</a:To>`,
        }),
      ),
    );
    expect(found).toMatchObject({ version: addressing200508, action: 'urn:do', to: 'urn:to' });
  });

  test.each(['To', 'From', 'ReplyTo', 'FaultTo', 'Action', 'MessageID', 'RelatesTo'])(
    'two %s headers: InvalidCardinality (attack A5)',
    (local) => {
      for (const [prefix, version] of [
        ['a', addressing200508],
        ['b', addressing200408],
      ] as const) {
        const value = /From|ReplyTo|FaultTo/.test(local) ? `<${prefix}:Address>urn:1</${prefix}:Address>` : 'urn:1';
        const twice = `<${prefix}:${local}>${value}</${prefix}:${local}>`.repeat(2);
        const action = local === 'Action' ? '' : `<${prefix}:Action>urn:do</${prefix}:Action>`;
        const error = soapError(() => addressingOf(read(envelope({ headers: action + twice }))));
        expect(error.code).toBe('SOAP_ADDRESSING');
        expect(error.fault?.subcode).toEqual({ namespace: version.namespace, local: version.codes.invalidHeader });
        expect(error.fault?.subsubcode?.local).toBe(version.explains ? 'InvalidCardinality' : undefined);
        const [detail] = error.fault?.detail ?? [];
        expect(detail?.element.text).toBe(version.explains ? `a:${local}` : undefined);
        expect(detail?.element.namespaceOf('a')).toBe(version.explains ? wsa10 : undefined);
      }
    },
  );

  test.each([
    ['a', 'MessageAddressingHeaderRequired'],
    ['b', 'MessageInformationHeaderRequired'],
  ])('no Action, prefix %s: %s', (prefix, local) => {
    const error = soapError(() => addressingOf(read(envelope({ headers: `<${prefix}:To>urn:to</${prefix}:To>` }))));
    expect(error.fault?.subcode?.local).toBe(local);
    expect(error.fault?.detail?.[0]?.element.text).toBe(prefix === 'a' ? 'a:Action' : undefined);
  });

  test('two versions in one message are refused', () => {
    const headers = '<a:Action>urn:do</a:Action><b:MessageID>urn:1</b:MessageID>';
    expect(soapError(() => addressingOf(read(envelope({ headers })))).message).toContain('two versions');
  });

  test.each([
    ['an empty Action', '<a:Action> </a:Action>'],
    ['an Action of two words', '<a:Action>urn:a urn:b</a:Action>'],
    ['an Action with an element', '<a:Action>urn:a<x:b/></a:Action>'],
    ['an empty MessageID', '<a:Action>urn:a</a:Action><a:MessageID/>'],
    ['a ReplyTo without address', '<a:Action>urn:a</a:Action><a:ReplyTo/>'],
    [
      'a ReplyTo with two addresses',
      '<a:Action>urn:a</a:Action><a:ReplyTo><a:Address>urn:1</a:Address><a:Address>urn:2</a:Address></a:ReplyTo>',
    ],
    ['a ReplyTo with an empty address', '<a:Action>urn:a</a:Action><a:ReplyTo><a:Address/></a:ReplyTo>'],
    [
      'a ReplyTo with an address of the other version',
      '<a:Action>urn:a</a:Action><a:ReplyTo><b:Address>urn:1</b:Address></a:ReplyTo>',
    ],
  ])('%s is refused', (_, headers) => {
    const error = soapError(() => addressingOf(read(envelope({ headers }))));
    expect(error.code).toBe('SOAP_ADDRESSING');
    expect(error.fault?.subcode?.local).toBe('InvalidAddressingHeader');
  });

  test('X11 a property marked as a reference parameter is still that property, and no parameter', () => {
    const marked = '<a:Action a:IsReferenceParameter="true">urn:evil</a:Action>';
    const twice = read(envelope({ headers: `<a:Action>urn:do</a:Action>${marked}` }));
    expect(soapError(() => addressingOf(twice)).fault?.subsubcode?.local).toBe('InvalidCardinality');
    expect(addressingOf(read(envelope({ headers: marked })))).toMatchObject({ action: 'urn:evil', parameters: [] });
  });

  test('C1 comments inside an IRI do not cut it', () => {
    const found = addressingOf(read(envelope({ headers: '<a:Action>urn:do<!-- -->-not</a:Action>' })));
    expect(found?.action).toBe('urn:do-not');
  });

  describe('RelatesTo', () => {
    const relating = (headers: string) =>
      addressingOf(read(envelope({ headers: headers.replace(/^/, '<a:Action>urn:a</a:Action>') })))?.relatesTo;

    test('other relationships are ignored, the reply one counts, by default or by name', () => {
      expect(relating('<a:RelatesTo RelationshipType="urn:other">urn:1</a:RelatesTo>')).toBeUndefined();
      expect(
        relating(`<a:RelatesTo RelationshipType="urn:other">urn:1</a:RelatesTo><a:RelatesTo>urn:2</a:RelatesTo>`),
      ).toBe('urn:2');
      expect(relating(`<a:RelatesTo RelationshipType="${wsa10}/reply">urn:3</a:RelatesTo>`)).toBe('urn:3');
    });

    test('in 2004/08 the type is a QName', () => {
      const of = (type: string) =>
        addressingOf(
          read(
            envelope({
              headers: `<b:Action>urn:a</b:Action><b:RelatesTo RelationshipType="${type}">urn:1</b:RelatesTo>`,
            }),
          ),
        )?.relatesTo;
      expect(of('b:Reply')).toBe('urn:1');
      expect(of('a:Reply')).toBeUndefined();
      expect(of('x:Reply')).toBeUndefined();
      expect(of('Reply')).toBeUndefined();
    });
  });

  test('A3 too many or too large reference parameters are refused', () => {
    const asking = (parameters: string) =>
      addressingOf(
        read(
          envelope({
            headers: `<a:Action>urn:a</a:Action><a:ReplyTo><a:Address>urn:1</a:Address><a:ReferenceParameters>${parameters}</a:ReferenceParameters></a:ReplyTo>`,
          }),
        ),
      );
    expect(asking('<x:p/>'.repeat(parameterLimits.count))?.replyTo?.parameters).toHaveLength(parameterLimits.count);
    expect(soapError(() => asking('<x:p/>'.repeat(parameterLimits.count + 1))).code).toBe('SOAP_ADDRESSING');
    expect(soapError(() => asking(`<x:p>${'x'.repeat(parameterLimits.octets)}</x:p>`)).code).toBe('SOAP_ADDRESSING');
  });
});

describe('writing', () => {
  const full: Omit<Addressing, 'version'> = {
    action: 'urn:do',
    to: 'http://to/?a=1&b=2',
    messageId: 'urn:uuid:1',
    relatesTo: 'urn:uuid:0',
    from: reference('http://from/'),
    replyTo: reference('http://reply/', [parameter]),
    faultTo: reference('http://fault/'),
  };

  test.each(
    addressingVersions.flatMap((version) =>
      soapVersions.map((soap) => [version.name, soap.name, version, soap] as const),
    ),
  )('WS-Addressing %s over SOAP %s: what is written is read back', (_, __, version, soap) => {
    const made = withAddressing(message({ version: soap }), { version, ...full });
    expect(made.action).toBe('urn:do');
    const back = again(made);
    expect(back.action).toBe('urn:do');
    expect(plain(addressingOf(back))).toEqual(plain({ version, ...full, parameters: [] }));
    expect(plain(addressingOf(made))).toEqual(plain({ version, ...full }));
  });

  test('order, mustUnderstand and prefix are those of WCF', () => {
    const made = withAddressing(message({ version: soap12 }), {
      version: addressing200508,
      action: 'urn:do',
      messageId: 'urn:uuid:1',
      replyTo: reference(addressing200508.anonymous),
      to: 'http://to/',
    });
    const own = `xmlns:a="${wsa10}"`;
    const must = `${own} xmlns:s="${s12}" s:mustUnderstand="1"`;
    expect(written(made)).toContain(
      `<s:Header><a:Action ${must}>urn:do</a:Action><a:MessageID ${own}>urn:uuid:1</a:MessageID>` +
        `<a:ReplyTo ${own}><a:Address>${wsa10}/anonymous</a:Address></a:ReplyTo>` +
        `<a:To ${must}>http://to/</a:To></s:Header>`,
    );
  });

  test('law: any IRI and any subset of properties survive', () => {
    const iri = fc.webUrl({ withQueryParameters: true, withFragments: true });
    const epr = iri.map((address) => reference(address));
    const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom(...addressingVersions),
          action: iri,
          to: maybe(iri),
          messageId: maybe(iri),
          relatesTo: maybe(iri),
          from: maybe(epr),
          replyTo: maybe(epr),
          faultTo: maybe(epr),
        }),
        (addressing) => {
          const back = addressingOf(again(withAddressing(message({ version: soap12 }), addressing)));
          expect(plain(back)).toEqual(plain({ ...addressing, parameters: [] }));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('identifiers are written as any text is, whatever was written before: escaped, and refused where XML cannot carry them', () => {
    for (const version of addressingVersions) {
      for (const id of ['urn:x?a&b<c>\r', 'urn:\u{E000}', 'urn:x?a&b', 'urn:é']) {
        const sent = withAddressing(message({ version: soap12 }), {
          version,
          action: 'urn:a',
          messageId: id,
          relatesTo: id,
        });
        for (const local of ['MessageID', 'RelatesTo']) {
          const block = sent.headers.find((one) => one.local === local);
          const alone = new XmlWriter().element(version.namespace, local, id, 'a').finish();
          expect(block?.fragment.toString()).toBe(alone.toString());
          expect(block?.fragment.prefixes).toEqual(alone.prefixes);
          expect(block?.fragment.element.text).toBe(id);
        }
      }
      const wrong = { version, action: 'urn:a', messageId: 'urn:\u0001' };
      expect(() => withAddressing(message({ version: soap12 }), wrong)).toThrow(
        expect.objectContaining({ code: 'XML_MALFORMED' }),
      );
    }
  });

  test('every addressing header is replaced, of both versions and all roles; others keep their place', () => {
    const arrived = read(
      envelope({
        headers: `<x:One/><b:Action>urn:old</b:Action><x:Two/><b:To s:role="urn:other">urn:old</b:To><a:FaultTo><a:Address>urn:old</a:Address></a:FaultTo><x:Three/>`,
      }),
    );
    const made = withAddressing(arrived, { version: addressing200508, action: 'urn:new' });
    expect(made.headers.map((block) => block.local)).toEqual(['One', 'Action', 'Two', 'Three']);
    expect(written(made)).not.toContain('urn:old');
    const first = withAddressing(read(envelope({ headers: '<x:One/>' })), {
      version: addressing200508,
      action: 'urn:a',
    });
    expect(first.headers.map((block) => block.local)).toEqual(['Action', 'One']);
  });

  test('reference parameters become header blocks, marked in 2005/08 only, and are read back as such', () => {
    const to = { to: 'http://to/', parameters: [parameter], action: 'urn:a' };
    const marked = again(withAddressing(message({ version: soap12 }), { version: addressing200508, ...to }));
    const block = marked.headers.find(({ local }) => local === 'Key');
    expect(block?.fragment.attribute('IsReferenceParameter', wsa10)).toBe('true');
    expect(addressingOf(marked)?.parameters?.map(({ local }) => local)).toEqual(['Key']);
    const twice = withAddressing(marked, { version: addressing200508, action: 'urn:a', to: 'urn:elsewhere' });
    expect(twice.headers.map(({ local }) => local)).toEqual(['Action', 'To']);
    const old = again(withAddressing(message({ version: soap11 }), { version: addressing200408, ...to }));
    expect(old.headers.find(({ local }) => local === 'Key')?.fragment.toString()).toBe(parameter.toString());
  });

  test.each([
    ['wsse:Security', 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'],
    ['wsrm:Sequence', 'http://docs.oasis-open.org/ws-rx/wsrm/200702'],
    ['r:Sequence', 'http://schemas.xmlsoap.org/ws/2005/02/rm'],
    ['wsa:Action', wsa10],
    ['wsa04:Action', wsa04],
    ['s:Anything', s12],
    ['Nothing', ''],
  ])('a peer cannot have %s written as a reference parameter (attack A3)', (name, namespace) => {
    const evil = new XmlWriter()
      .element(namespace, name.split(':').at(-1) ?? '', 'x', namespace === '' ? '' : 'e')
      .finish();
    const error = soapError(() =>
      withAddressing(message({ version: soap12 }), {
        version: addressing200508,
        action: 'urn:a',
        to: 'urn:to',
        parameters: [evil],
      }),
    );
    expect(error.code).toBe('SOAP_ADDRESSING');
  });

  test('a message without action cannot be addressed', () => {
    const error = soapError(() =>
      withAddressing(message({ version: soap12 }), { version: addressing200508, action: '' }),
    );
    expect(error.code).toBe('SOAP_ADDRESSING');
    expect(error.fault).toBeUndefined();
  });

  test.each(addressingVersions)('an endpoint reference under any name, $name', (version) => {
    const writer = new XmlWriter().start('urn:rm', 'Create', 'r');
    writeEndpointReference(writer, 'urn:rm', 'AcksTo', version, reference('http://acks/', [parameter]), 'r');
    const { element } = writer.end().finish();
    const [acksTo] = element.children;
    expect(acksTo?.is('urn:rm', 'AcksTo')).toBe(true);
    expect(acksTo && plain(readEndpointReference(acksTo) as never)).toEqual({
      address: 'http://acks/',
      parameters: [parameter.toString()],
    });
  });

  test('an endpoint reference without address is refused, whatever its name', () => {
    const { root } = scan(Buffer.from('<r:AcksTo xmlns:r="urn:rm"/>'));
    expect(soapError(() => readEndpointReference(root)).fault?.subsubcode?.local).toBe('MissingAddressInEPR');
  });
});

describe('answering (WS-Addressing 1.0 Core section 3.4; 2004/08 section 3.2)', () => {
  const asked = (version: Addressing['version'], more: Partial<Addressing> = {}): Addressing => ({
    version,
    action: 'urn:ask',
    messageId: 'urn:uuid:1',
    ...more,
  });

  test('no ReplyTo: related, To left out in 2005/08 and anonymous in 2004/08, as WCF does', () => {
    expect(replyAddressing(asked(addressing200508), 'urn:answer')).toMatchObject({
      action: 'urn:answer',
      to: undefined,
      relatesTo: 'urn:uuid:1',
      messageId: undefined,
    });
    expect(replyAddressing(asked(addressing200408), 'urn:answer').to).toBe(addressing200408.anonymous);
  });

  test('a ReplyTo: its address and its parameters; a MessageID when given', () => {
    const request = asked(addressing200508, { replyTo: reference('http://reply/', [parameter]) });
    expect(replyAddressing(request, 'urn:answer', 'urn:uuid:2')).toMatchObject({
      to: 'http://reply/',
      parameters: [parameter],
      messageId: 'urn:uuid:2',
    });
  });

  test('an anonymous ReplyTo keeps its parameters', () => {
    const request = asked(addressing200508, { replyTo: reference(addressing200508.anonymous, [parameter]) });
    expect(replyAddressing(request, 'urn:answer')).toMatchObject({ to: undefined, parameters: [parameter] });
  });

  test('a fault goes to FaultTo, else to ReplyTo', () => {
    const replyTo = reference('http://reply/');
    const faultTo = reference('http://fault/');
    expect(faultAddressing(asked(addressing200508, { replyTo, faultTo }), 'urn:f').to).toBe('http://fault/');
    expect(faultAddressing(asked(addressing200508, { replyTo }), 'urn:f').to).toBe('http://reply/');
    expect(replyAddressing(asked(addressing200508, { replyTo, faultTo }), 'urn:r').to).toBe('http://reply/');
  });

  test('anonymous and none', () => {
    for (const version of addressingVersions) {
      expect(isAnonymous(version, undefined)).toBe(true);
      expect(isAnonymous(version, reference(version.anonymous))).toBe(true);
      expect(isAnonymous(version, reference('http://reply/'))).toBe(false);
      expect(isNone(version, undefined)).toBe(false);
    }
    expect(isNone(addressing200508, reference(`${wsa10}/none`))).toBe(true);
    expect(isNone(addressing200408, reference(`${wsa10}/none`))).toBe(false);
    expect(isAnonymous(addressing200508, reference(addressing200408.anonymous))).toBe(false);
  });

  test('of a message with faulty addressing, its version and its one MessageID are known', () => {
    const faulty = (headers: string) => answerable(read(envelope({ headers })));
    expect(faulty('<b:MessageID>urn:1</b:MessageID>')).toMatchObject({ version: addressing200408, messageId: 'urn:1' });
    const two = '<a:Action>urn:a</a:Action><a:MessageID>urn:1</a:MessageID><a:MessageID>urn:2</a:MessageID>';
    expect(faulty(two)?.messageId).toBeUndefined();
    expect(faulty('<a:To>urn:1</a:To><a:MessageID> </a:MessageID>')?.messageId).toBeUndefined();
    expect(answerable(read(envelope()))).toBeUndefined();
  });
});

test('a header block made with `header` may stand beside addressing', () => {
  const block = header(soap12, parameter);
  const made = withAddressing(message({ version: soap12, headers: [block] }), {
    version: addressing200508,
    action: 'urn:a',
  });
  expect(made.headers.map(({ local }) => local)).toEqual(['Action', 'Key']);
});
