import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { decode, encode, soapActionHeader } from '../../src/soap/codec.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap11, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { envelope, s11, soapError } from './samples.ts';

const type12 = 'application/soap+xml; charset=utf-8';
const type11 = 'text/xml; charset=utf-8';
const plain12 = utf8(envelope());
const plain11 = utf8(envelope({ namespace: s11 }));
const addressed12 = utf8(envelope({ headers: '<a:Action>urn:do</a:Action>' }));
const addressed11 = utf8(envelope({ namespace: s11, headers: '<a:Action>urn:do</a:Action>' }));

describe('encode', () => {
  test('SOAP 1.1: text/xml and SOAPAction in quotes (SOAP 1.1 section 6.1.1)', () => {
    const { contentType, headers } = encode(message({ version: soap11, action: 'urn:do' }));
    expect(contentType).toBe('text/xml; charset=utf-8');
    expect(headers).toEqual({ SOAPAction: '"urn:do"' });
    expect(encode(message({ version: soap11 })).headers).toEqual({ SOAPAction: '""' });
  });

  test('SOAP 1.2: application/soap+xml and the action parameter (SOAP 1.2 part 2 section 6.5)', () => {
    const { contentType, headers } = encode(message({ version: soap12, action: 'urn:do' }));
    expect(contentType).toBe('application/soap+xml; charset=utf-8; action="urn:do"');
    expect(headers).toEqual({});
    expect(encode(message({ version: soap12 })).contentType).toBe('application/soap+xml; charset=utf-8');
  });

  test.each(['urn:a"b', 'urn:a\r\nX-Evil: 1', 'urn:a\\', 'urn:ä', 'urn:a b'])(
    'the action %j does not reach the HTTP headers',
    (action) => {
      expect(encode(message({ version: soap11, action })).headers).toEqual({ SOAPAction: '""' });
      expect(encode(message({ version: soap12, action })).contentType).toBe('application/soap+xml; charset=utf-8');
    },
  );

  test.each(soapVersions)('SOAP $name: decode reads what encode writes', (version) => {
    const { body, contentType, headers } = encode(message({ version, action: 'urn:do' }));
    expect(decode(body, contentType, headers[soapActionHeader])).toMatchObject({ version, action: 'urn:do' });
  });
});

describe('the media type names the SOAP version', () => {
  test.each([
    'application/soap+xml',
    'Application/SOAP+XML;charset="UTF-8"',
    'application/soap+xml;charset=utf-8;action="urn:do"',
    'application/soap+xml ; action=urn:do ; charset=utf8',
  ])('%s is SOAP 1.2', (type) => {
    expect(decode(plain12, type).version).toBe(soap12);
  });

  test('text/xml is SOAP 1.1', () => {
    expect(decode(plain11, 'text/xml').version).toBe(soap11);
  });

  test.each([
    [undefined, /no content type.*application\/soap\+xml \(SOAP 1\.2\)/],
    [' ', /no content type/],
    ['nonsense', /"nonsense" is malformed/],
    ['text/html; charset=utf-8', /"text\/html" \(an HTML page/],
    ['application/json', /JSON/],
    ['multipart/related; type="application/xop+xml"', /MTOM/],
    ['application/xml', /"application\/xml"; text\/xml \(SOAP 1\.1\) or/],
    [`text/${'x'.repeat(500)}`, /x…"/],
  ])('%s is refused with a sentence that says what came and what is needed', (type, sentence) => {
    const error = soapError(() => decode(plain12, type));
    expect(error.code).toBe('SOAP_CONTENT_TYPE');
    expect(error.message).toMatch(sentence);
    expect(error.fault?.code).toBe('sender');
  });

  test.each([
    ['SOAP 1.1 in a SOAP 1.2 content type', plain11, type12],
    ['SOAP 1.2 in a SOAP 1.1 content type', plain12, type11],
  ])('%s is a VersionMismatch', (_, body, type) => {
    const error = soapError(() => decode(body, type));
    expect(error.code).toBe('SOAP_VERSION');
    expect(error.fault?.code).toBe('versionMismatch');
  });
});

describe('the charset is held to the document', () => {
  const utf16 = (bigEndian: boolean, mark: boolean) => {
    const octets = Buffer.from(`${mark ? '\ufeff' : ''}${envelope()}`, 'utf16le');
    return new Uint8Array(bigEndian ? octets.swap16() : octets);
  };

  test.each([
    ['utf-8', utf8(envelope())],
    ['UTF-8', utf8(`\ufeff${envelope()}`)],
    ['utf-16', utf16(false, true)],
    ['utf-16', utf16(true, true)],
    ['utf-16le', utf16(false, true)],
    ['utf-16be', utf16(true, true)],
  ])('charset=%s is read', (charset, body) => {
    expect(decode(body, `application/soap+xml; charset=${charset}`).version).toBe(soap12);
  });

  test('without charset the document says it itself', () => {
    expect(decode(utf16(true, true), 'application/soap+xml').version).toBe(soap12);
  });

  test.each([
    ['utf-8', utf16(false, true)],
    ['utf-16', utf8(envelope())],
    ['utf-16le', utf16(true, true)],
    ['utf-16be', utf16(false, false)],
    ['utf-8', utf16(true, false)],
    ['utf-16', new Uint8Array()],
  ])('charset=%s over another encoding is refused', (charset, body) => {
    expect(soapError(() => decode(body, `application/soap+xml; charset=${charset}`)).code).toBe('SOAP_CONTENT_TYPE');
  });

  test('whatever content type came before', () => {
    const types = [
      'application/soap+xml; charset=utf-8',
      'application/soap+xml; charset=utf-16',
      'text/xml; charset=utf-8',
    ];
    const read = (type: string, body: Uint8Array) => {
      try {
        return decode(body, type).version.name;
      } catch (error) {
        return (error as { readonly code: unknown }).code;
      }
    };
    const bodies = [plain12, utf16(true, true), plain11];
    for (let round = 0; round < 2; round++) {
      expect(types.map((type) => bodies.map((body) => read(type, body)))).toEqual([
        ['1.2', 'SOAP_CONTENT_TYPE', 'SOAP_VERSION'],
        ['SOAP_CONTENT_TYPE', '1.2', 'SOAP_CONTENT_TYPE'],
        ['SOAP_VERSION', 'SOAP_CONTENT_TYPE', '1.1'],
      ]);
    }
  });

  test.each(['iso-8859-1', 'us-ascii', 'utf-7', 'utf-32'])('charset=%s is refused', (charset) => {
    const error = soapError(() => decode(plain12, `application/soap+xml; charset=${charset}`));
    expect(error.code).toBe('SOAP_CONTENT_TYPE');
    expect(error.message).toContain('utf-8 or utf-16 is needed');
  });
});

describe('the action outside and inside (WS-Addressing 1.0 SOAP binding section 4.2, attack A1)', () => {
  test.each([
    ['SOAP 1.2, no parameter', addressed12, type12, undefined],
    ['SOAP 1.2, the parameter', addressed12, `${type12}; action="urn:do"`, undefined],
    ['SOAP 1.2, an empty parameter', addressed12, `${type12}; action=""`, undefined],
    ['SOAP 1.2, parameter and SOAPAction, as gSOAP sends it', addressed12, `${type12}; action="urn:do"`, '"urn:do"'],
    ['SOAP 1.1, SOAPAction in quotes', addressed11, type11, '"urn:do"'],
    ['SOAP 1.1, SOAPAction without quotes', addressed11, type11, 'urn:do'],
    ['SOAP 1.1, an empty SOAPAction', addressed11, type11, '""'],
    ['SOAP 1.1, no SOAPAction', addressed11, type11, undefined],
    ['without addressing, SOAPAction alone', plain11, type11, '"urn:do"'],
    ['without addressing, the parameter alone', plain12, `${type12}; action="urn:do"`, undefined],
  ])('%s: the action is urn:do', (_, body, type, soapAction) => {
    expect(decode(body, type, soapAction).action).toBe('urn:do');
  });

  test('nothing says what is asked for: the action is empty', () => {
    expect(decode(plain12, type12).action).toBe('');
  });

  test.each([
    ['the parameter', addressed12, `${type12}; action="urn:evil"`, undefined],
    ['SOAPAction of SOAP 1.1', addressed11, type11, '"urn:evil"'],
    ['SOAPAction beside a right parameter', addressed12, `${type12}; action="urn:do"`, '"urn:evil"'],
  ])('%s says something else than wsa:Action: ActionMismatch', (_, body, type, soapAction) => {
    const error = soapError(() => decode(body, type, soapAction));
    expect(error.code).toBe('SOAP_ACTION_MISMATCH');
    expect(error.fault?.subcode?.local).toBe('InvalidAddressingHeader');
    expect(error.fault?.subsubcode?.local).toBe('ActionMismatch');
    expect(error.fault?.detail?.[0]?.element.children.map((child) => [child.local, child.text])).toEqual([
      ['Action', 'urn:do'],
      ['SoapAction', 'urn:evil'],
    ]);
  });

  test('2004/08 has no second subcode and no detail', () => {
    const body = utf8(envelope({ headers: '<b:Action>urn:do</b:Action>' }));
    const { fault } = soapError(() => decode(body, `${type12}; action="urn:evil"`));
    expect(fault?.subcode?.local).toBe('InvalidMessageInformationHeader');
    expect(fault?.subsubcode).toBeUndefined();
    expect(fault?.detail).toBeUndefined();
  });

  test('SOAPAction and the parameter contradict each other', () => {
    const error = soapError(() => decode(plain12, `${type12}; action="urn:one"`, '"urn:two"'));
    expect(error.code).toBe('SOAP_ACTION_MISMATCH');
  });

  test('two wsa:Action: what stands outside does not decide between them', () => {
    const body = utf8(envelope({ headers: '<a:Action>urn:do</a:Action><a:Action>urn:evil</a:Action>' }));
    expect(soapError(() => decode(body, `${type12}; action="urn:evil"`)).code).toBe('SOAP_ACTION_MISMATCH');
    expect(decode(body, type12).action).toBe('');
  });
});

describe('the XML itself', () => {
  test.each([
    ['malformed', '<s:Envelope', 'XML_MALFORMED'],
    ['with a DTD', `<!DOCTYPE x []>${envelope()}`, 'XML_DTD'],
  ])('%s is told by its own code', (_, xml, code) => {
    expect(() => decode(utf8(xml), type12)).toThrow(expect.objectContaining({ code }));
    expect(() => decode(utf8(xml), type12)).toThrow(XmlError);
  });

  test('limits reach the scanner', () => {
    expect(() => decode(plain12, type12, undefined, { bytes: 20 })).toThrow(
      expect.objectContaining({ code: 'XML_LIMIT' }),
    );
  });
});
