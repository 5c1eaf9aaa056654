import { describe, expect, test } from 'vitest';
import {
  encodeEnvelope,
  findHeader,
  findHeaders,
  header,
  message,
  notUnderstood,
  payload,
  requireUnderstood,
  withHeaders,
  withoutHeaders,
} from '../../src/soap/envelope.ts';
import { soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { again, envelope, read, s11, s12, soapError, written, wsa10 } from './samples.ts';

const next12 = `${s12}/role/next`;
const last12 = `${s12}/role/ultimateReceiver`;
const none12 = `${s12}/role/none`;

describe('reading: the strict shape (SOAP 1.2 part 1 section 5.1, attack A9)', () => {
  test.each(soapVersions)('SOAP $name: version, headers, body, action, source', (version) => {
    const message = read(
      envelope({
        namespace: version.namespace,
        headers: `<a:Action s:mustUnderstand="1"> urn:do </a:Action><x:Extra s:${version.roleAttribute}="urn:other" x:k="v">text</x:Extra>`,
      }),
    );
    expect(message.version).toBe(version);
    expect(message.action).toBe('urn:do');
    expect(
      message.headers.map(({ namespace, local, mustUnderstand, role }) => [namespace, local, mustUnderstand, role]),
    ).toEqual([
      [wsa10, 'Action', true, undefined],
      ['urn:x', 'Extra', false, 'urn:other'],
    ]);
    expect(message.headers[1]?.fragment.attribute('k', 'urn:x')).toBe('v');
    expect(payload(message)?.is('urn:x', 'Do')).toBe(true);
    expect(message.source?.root.local).toBe('Envelope');
  });

  test('no Header, an empty Header, an empty Body, comments and white space are fine', () => {
    expect(read(`<e:Envelope xmlns:e="${s12}"><e:Body/></e:Envelope>`).headers).toEqual([]);
    expect(payload(read(`<e:Envelope xmlns:e="${s12}"><e:Body/></e:Envelope>`))).toBeUndefined();
    const spaced = read(
      `<?xml version="1.0"?>\n<!-- one -->\n<Envelope xmlns="${s12}">\n <!-- two --> <Header>\n</Header>\t<!-- three -->\r\n<Body> <!-- four --> <x xmlns="urn:x"/> </Body> </Envelope>\n<!-- five -->`,
    );
    expect(spaced.headers).toEqual([]);
    expect(payload(spaced)?.is('urn:x', 'x')).toBe(true);
  });

  test('several elements in the Body: the payload is the first', () => {
    expect(payload(read(envelope({ body: '<x:One/><x:Two/>' })))?.local).toBe('One');
  });

  const e = (inside: string) => `<s:Envelope xmlns:s="${s12}" xmlns:x="urn:x">${inside}</s:Envelope>`;
  test.each([
    ['another root', '<x xmlns="urn:x"/>'],
    ['no Body', e('<s:Header/>')],
    ['nothing', e('')],
    ['a second Body', e('<s:Body/><s:Body/>')],
    ['a Header behind the Body', e('<s:Body/><s:Header/>')],
    ['two Headers', e('<s:Header/><s:Header/><s:Body/>')],
    ['an element behind the Body', e('<s:Body/><x:Trailer/>')],
    ['an element before the Header', e('<x:Leader/><s:Header/><s:Body/>')],
    ['a Body in no namespace', e('<Body/>')],
    ['text in the Envelope', e('text<s:Body/>')],
    ['text in the Header', e('<s:Header>text</s:Header><s:Body/>')],
    ['text in the Body', e('<s:Body>text</s:Body>')],
    ['CDATA in the Header', e('<s:Header><![CDATA[x]]></s:Header><s:Body/>')],
    ['a no-break space in the Envelope', e('\u00a0<s:Body/>')],
    ['a header block in no namespace', e('<s:Header><Loose/></s:Header><s:Body/>')],
    ['mustUnderstand that is no boolean', e('<s:Header><x:H s:mustUnderstand="yes"/></s:Header><s:Body/>')],
    ['a Fault with company', e('<s:Body><s:Fault/><x:More/></s:Body>')],
    ['a processing instruction before the Envelope', `<?x?>${e('<s:Body/>')}`],
    ['a processing instruction behind an XML declaration', `<?xml version="1.0"?><?x y?>${e('<s:Body/>')}`],
    ['a processing instruction in the Body', e('<s:Body><x:Do><?x y?></x:Do></s:Body>')],
  ])('%s is refused with a Sender fault', (_, xml) => {
    const error = soapError(() => read(xml));
    expect(error.code).toBe('SOAP_ENVELOPE');
    expect(error.fault?.code).toBe('sender');
  });

  test('what only looks like a processing instruction is text', () => {
    const quoted = '<x:Do><![CDATA[<?xml version="1.0"?><inner/>]]></x:Do><!-- <?x?> -->';
    expect(payload(read(`<?xml version="1.0"?>${envelope({ body: quoted })}`))?.text).toContain('<inner/>');
  });

  test('an Envelope of an unknown namespace is a VersionMismatch (SOAP 1.2 part 1 section 5.4.7)', () => {
    const error = soapError(() => read('<Envelope xmlns="urn:soap:9"><Body/></Envelope>'));
    expect(error.code).toBe('SOAP_VERSION');
    expect(error.fault?.code).toBe('versionMismatch');
  });
});

describe('one SOAP version in a message (attack A8)', () => {
  test.each([
    ['mustUnderstand of the other version', `<x:H xmlns:o="${s11}" o:mustUnderstand="1"/>`, '<x:Do/>'],
    ['an actor in a SOAP 1.2 message', `<x:H xmlns:o="${s11}" o:actor="${s11}actor/next"/>`, '<x:Do/>'],
    ['a header block of the other version', `<o:H xmlns:o="${s11}"/>`, '<x:Do/>'],
    ['a Fault of the other version', '', `<o:Fault xmlns:o="${s11}"><faultcode>o:Client</faultcode></o:Fault>`],
  ])('%s is refused', (_, headers, body) => {
    expect(soapError(() => read(envelope({ headers, body }))).code).toBe('SOAP_VERSION');
  });
});

describe('wsa:Action as the action of a message', () => {
  test.each([
    ['none', ''],
    ['two, of which either might be meant', '<a:Action>urn:one</a:Action><a:Action>urn:two</a:Action>'],
    ['two of different versions', '<a:Action>urn:one</a:Action><b:Action>urn:two</b:Action>'],
    ['one for another node', '<a:Action s:role="urn:other">urn:one</a:Action>'],
  ])('%s: the action is empty', (_, headers) => {
    expect(read(envelope({ headers })).action).toBe('');
  });

  test('one of 2004/08 counts, and one for the next node', () => {
    expect(read(envelope({ headers: '<b:Action>urn:one</b:Action>' })).action).toBe('urn:one');
    expect(read(envelope({ headers: `<a:Action s:role="${next12}">urn:one</a:Action>` })).action).toBe('urn:one');
  });
});

describe('header blocks', () => {
  const fragment = XmlFragment.parse('<x:H xmlns:x="urn:x">v</x:H>');

  test.each(soapVersions)('SOAP $name: mustUnderstand and role are written and read', (version) => {
    const block = header(version, fragment, { mustUnderstand: true, role: 'urn:role' });
    expect(block).toMatchObject({ namespace: 'urn:x', local: 'H', mustUnderstand: true, role: 'urn:role' });
    const [back] = again(message({ version, headers: [block] })).headers;
    expect(back).toMatchObject({ namespace: 'urn:x', local: 'H', mustUnderstand: true, role: 'urn:role' });
  });

  test('a block that is marked up already says so', () => {
    const marked = XmlFragment.parse(`<x:H xmlns:x="urn:x" xmlns:s="${s12}" s:mustUnderstand="true"/>`);
    expect(header(soap12, marked).mustUnderstand).toBe(true);
    expect(header(soap11, marked).mustUnderstand).toBe(false);
  });

  const both = read(
    envelope({
      headers: `<x:H>1</x:H><x:H s:role="urn:other">2</x:H><x:H s:role="${last12}">3</x:H><x:H s:role="${none12}">4</x:H><x:I/>`,
    }),
  );

  test('those for other roles and for nobody are not found', () => {
    expect(findHeaders(both, 'urn:x', 'H').map((block) => block.fragment.element.text)).toEqual(['1', '3']);
    expect(findHeader(both, 'urn:x', 'I')?.local).toBe('I');
    expect(findHeader(both, 'urn:y', 'I')).toBeUndefined();
  });

  test('X11 one that may be there once, twice for this node, is refused', () => {
    const error = soapError(() => findHeader(both, 'urn:x', 'H'));
    expect(error.code).toBe('SOAP_DUPLICATE_HEADER');
    expect(error.fault?.code).toBe('sender');
  });

  test('withHeaders puts blocks first, withoutHeaders takes them away, and neither touches the message', () => {
    const plain = message({ version: soap12, headers: [header(soap12, fragment)] });
    const more = withHeaders(plain, [header(soap12, XmlFragment.parse('<y:G xmlns:y="urn:y"/>'))]);
    expect(more.headers.map((block) => block.local)).toEqual(['G', 'H']);
    expect(withoutHeaders(more, (block) => block.local === 'H').headers.map((block) => block.local)).toEqual(['G']);
    expect(plain.headers).toHaveLength(1);
    expect(withHeaders(plain, [])).toBe(plain);
    expect(withoutHeaders(plain, () => false)).toBe(plain);
  });
});

describe('mustUnderstand (SOAP 1.1 section 4.2.3, SOAP 1.2 part 1 section 5.2.3, attack A7)', () => {
  test('names the mandatory blocks for this node that are still there', () => {
    const arrived = read(
      envelope({
        headers:
          '<a:Action s:mustUnderstand="1">urn:a</a:Action><x:Mine s:mustUnderstand="true"/><x:Optional/>' +
          `<x:Next s:mustUnderstand="1" s:role="${next12}"/><x:Other s:mustUnderstand="1" s:role="urn:other"/>`,
      }),
    );
    expect(notUnderstood(arrived).map((block) => block.local)).toEqual(['Mine', 'Next']);
    const error = soapError(() => requireUnderstood(arrived));
    expect(error.code).toBe('SOAP_NOT_UNDERSTOOD');
    expect(error.fault?.code).toBe('mustUnderstand');
    expect(() => requireUnderstood(withoutHeaders(arrived, (block) => block.namespace === 'urn:x'))).not.toThrow();
  });

  test('an unknown block in the addressing namespace is not excused', () => {
    expect(notUnderstood(read(envelope({ headers: '<a:New s:mustUnderstand="1"/>' })))).toHaveLength(1);
  });
});

describe('writing', () => {
  const part = XmlFragment.parse('<x:Do xmlns:x="urn:x"><x:Text>&lt;ü&gt;</x:Text></x:Do>');

  test('fragments stand verbatim between constant strings; the Envelope declares the SOAP prefix alone', () => {
    const block = header(soap12, XmlFragment.parse('<y:H xmlns:y="urn:y"/>'));
    const made = message({ version: soap12, action: 'urn:a', headers: [block], body: part });
    expect(written(made)).toBe(
      `<s:Envelope xmlns:s="${s12}"><s:Header><y:H xmlns:y="urn:y"></y:H></s:Header>` +
        `<s:Body xmlns:s="${s12}"><x:Do xmlns:x="urn:x"><x:Text>&lt;ü&gt;</x:Text></x:Do></s:Body></s:Envelope>`,
    );
  });

  test('no Header element without header blocks; several parts in the Body in order', () => {
    const made = message({ version: soap11, body: [part, XmlFragment.parse('<Plain/>')] });
    expect(written(made)).not.toContain('Header');
    expect(payload(made)?.is('urn:x', 'Do')).toBe(true);
    expect(again(made).body.element.children.map((child) => child.local)).toEqual(['Do', 'Plain']);
    expect(written(message({ version: soap12 }))).toContain(`<s:Body xmlns:s="${s12}"></s:Body>`);
  });

  test('what was read is written so that it reads the same, byte for byte per fragment', () => {
    const arrived = read(
      `<E:Envelope xmlns:E="${s12}" xmlns:q="urn:q" xml:lang="en"><E:Header><h xmlns="urn:h" a="1"><q:in t="q:x"/></h></E:Header><E:Body E:encodingStyle="urn:e"><x xmlns="urn:x"><y xmlns=""/></x></E:Body></E:Envelope>`,
    );
    const back = again(arrived);
    expect(back.body.toString()).toBe(arrived.body.toString());
    expect(back.headers.map((block) => block.fragment.toString())).toEqual(
      arrived.headers.map((block) => block.fragment.toString()),
    );
    expect(back.headers[0]?.fragment.element.children[0]?.namespaceOf('q')).toBe('urn:q');
  });

  test('C5 a prefix that only content uses survives', () => {
    const arrived = read(
      `<s:Envelope xmlns:s="${s12}" xmlns:xsd="urn:xsd"><s:Body><x xmlns="urn:x" type="xsd:int"/></s:Body></s:Envelope>`,
    );
    expect(payload(again(arrived))?.namespaceOf('xsd')).toBe('urn:xsd');
  });

  test('the same message encodes to the same octets', () => {
    const made = message({ version: soap12, body: part });
    expect(encodeEnvelope(made)).toEqual(encodeEnvelope(made));
  });
});
