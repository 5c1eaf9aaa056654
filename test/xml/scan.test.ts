import { describe, expect, test } from 'vitest';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import { XmlError, type XmlErrorCode } from '../../src/xml/errors.ts';
import { type XmlLimits, xmlLimits } from '../../src/xml/limits.ts';
import { scan } from '../../src/xml/scan.ts';

const text = (xml: string) => Buffer.from(xml, 'utf8');

function codeOf(octets: Uint8Array, limits?: Partial<XmlLimits>): XmlErrorCode | 'well-formed' {
  try {
    scan(octets, limits);
    return 'well-formed';
  } catch (error) {
    if (error instanceof XmlError) return error.code;
    throw error;
  }
}

const OK = 'well-formed';

const rules: Readonly<Record<string, readonly (readonly [xml: string, code: XmlErrorCode | typeof OK])[]>> = {
  'XML 1.0, 2.1: one root element': [
    ['', 'XML_MALFORMED'],
    ['  \n', 'XML_MALFORMED'],
    ['<!-- only -->', 'XML_MALFORMED'],
    ['<a/>', OK],
    [' <a/> ', OK],
    ['<a/><b/>', 'XML_MALFORMED'],
    ['<a></a><b>', 'XML_MALFORMED'],
    ['x<a/>', 'XML_MALFORMED'],
    ['<a/>x', 'XML_MALFORMED'],
    ['<a/>&#65;', 'XML_MALFORMED'],
    ['<a/>\0', 'XML_MALFORMED'],
    ['<a>', 'XML_MALFORMED'],
    ['<a', 'XML_MALFORMED'],
    ['<', 'XML_MALFORMED'],
    ['<a/><![CDATA[]]>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.2: characters': [
    ['<a>\t\n\r </a>', OK],
    ['<a>\u0001</a>', 'XML_MALFORMED'],
    ['<a>\u000b</a>', 'XML_MALFORMED'],
    ['<a b="\u001f"/>', 'XML_MALFORMED'],
    ['<a>\ufffe</a>', 'XML_MALFORMED'],
    ['<a>\uffff</a>', 'XML_MALFORMED'],
    ['<a>\ufffd\ud7ff\ue000\u{10ffff}\u007f\u0085</a>', OK],
    ['<a><!-- \u0000 --></a>', 'XML_MALFORMED'],
    ['<a><![CDATA[\u0008]]></a>', 'XML_MALFORMED'],
    ['<a><?p \u0002?></a>', 'XML_MALFORMED'],
    ['<a>\0</a>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.3: names': [
    ['<1a/>', 'XML_MALFORMED'],
    ['<-a/>', 'XML_MALFORMED'],
    ['<.a/>', 'XML_MALFORMED'],
    ['<_a-.1/>', OK],
    ['<é/>', OK],
    ['<aé·\u0300\u203f/>', OK],
    ['<·a/>', 'XML_MALFORMED'],
    ['<\u0300a/>', 'XML_MALFORMED'],
    ['<a×/>', 'XML_MALFORMED'],
    ['<a÷b/>', 'XML_MALFORMED'],
    ['<\u{10000}/>', OK],
    ['<\u{effff}/>', OK],
    ['<\u{f0000}/>', 'XML_MALFORMED'],
    ['<a é="1" 1="2"/>', 'XML_MALFORMED'],
    ['< a/>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.4: character data': [
    ['<a>]]></a>', 'XML_MALFORMED'],
    ['<a>]]]></a>', 'XML_MALFORMED'],
    ['<a>]]&gt;</a>', OK],
    ['<a>]></a>', OK],
    ['<a>]] ></a>', OK],
    ['<a>]<b/>]></a>', OK],
    ['<a b="]]>"/>', OK],
  ],
  'XML 1.0, 2.5: comments': [
    ['<a><!----></a>', OK],
    ['<a><!-- - --></a>', OK],
    ['<a><!-- -- --></a>', 'XML_MALFORMED'],
    ['<a><!-- ---></a>', 'XML_MALFORMED'],
    ['<a><!--></a>', 'XML_MALFORMED'],
    ['<a><!-', 'XML_MALFORMED'],
    ['<a><!--', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.6: processing instructions': [
    ['<?p?><a><?q r?></a><?s  ?>', OK],
    ['<a><??></a>', 'XML_MALFORMED'],
    ['<a><? p?></a>', 'XML_MALFORMED'],
    ['<a><?p/?></a>', 'XML_MALFORMED'],
    ['<a><?p', 'XML_MALFORMED'],
    ['<a><?xml version="1.0"?></a>', 'XML_MALFORMED'],
    ['<a><?XmL?></a>', 'XML_MALFORMED'],
    ['<a><?xml-stylesheet?></a>', OK],
  ],
  'XML 1.0, 2.7: CDATA sections': [
    ['<a><![CDATA[<&]]]]></a>', OK],
    ['<a><![CDATA[ </a>', 'XML_MALFORMED'],
    ['<a><![cdata[x]]></a>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.8: the XML declaration': [
    ['<?xml version="1.0"?><a/>', OK],
    ["<?xml version = '1.0' encoding='utf-8' standalone='no' ?><a/>", OK],
    [' <?xml version="1.0"?><a/>', 'XML_MALFORMED'],
    ['<?xml version="1.1"?><a/>', 'XML_MALFORMED'],
    ['<?xml version="2.0"?><a/>', 'XML_MALFORMED'],
    ['<?xml encoding="UTF-8"?><a/>', 'XML_MALFORMED'],
    ['<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>', 'XML_MALFORMED'],
    ['<?xml version="1.0" standalone="maybe"?><a/>', 'XML_MALFORMED'],
    ['<?xml version="1.0"', 'XML_MALFORMED'],
    ['<?xml version="1.0"encoding="UTF-8"?><a/>', 'XML_MALFORMED'],
    ['<?xml?><a/>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 2.8: no document type declaration': [
    ['<!DOCTYPE a><a/>', 'XML_DTD'],
    ['<?xml version="1.0"?>\n<!-- x --><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', 'XML_DTD'],
    ['<!DOCTYPE', 'XML_DTD'],
    ['<!doctype a><a/>', 'XML_MALFORMED'],
    ['<a><!ELEMENT a ANY></a>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 3.1: tags': [
    ['<a></b>', 'XML_MALFORMED'],
    ['<a></ab>', 'XML_MALFORMED'],
    ['<ab></a>', 'XML_MALFORMED'],
    ['<a></ a>', 'XML_MALFORMED'],
    ['<a></a \n>', OK],
    ['</a>', 'XML_MALFORMED'],
    ['<a/></a>', 'XML_MALFORMED'],
    ['<a><b></a></b>', 'XML_MALFORMED'],
    ['<a b="1"c="2"/>', 'XML_MALFORMED'],
    ['<a b=1/>', 'XML_MALFORMED'],
    ['<a b/>', 'XML_MALFORMED'],
    ['<a b=/>', 'XML_MALFORMED'],
    ['<a b="1/>', 'XML_MALFORMED'],
    ['<a b="<"/>', 'XML_MALFORMED'],
    ['<a b=\'"\' c="\'"/>', OK],
    ['<a\tb\n=\r"1"\t/>', OK],
    ['<a /b>', 'XML_MALFORMED'],
    ['<a / >', 'XML_MALFORMED'],
    ['<a ="1"/>', 'XML_MALFORMED'],
    ['<a b="1" b="2"/>', 'XML_MALFORMED'],
    ['<a b="1" c="1" b="1"/>', 'XML_MALFORMED'],
  ],
  'XML 1.0, 4.1: references': [
    ['<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x41;&#x10FFFF;</a>', OK],
    ['<a>&foo;</a>', 'XML_MALFORMED'],
    ['<a>&AMP;</a>', 'XML_MALFORMED'],
    ['<a>&amp</a>', 'XML_MALFORMED'],
    ['<a>& </a>', 'XML_MALFORMED'],
    ['<a>&#;</a>', 'XML_MALFORMED'],
    ['<a>&#x;</a>', 'XML_MALFORMED'],
    ['<a>&#X41;</a>', 'XML_MALFORMED'],
    ['<a>&#xD800;</a>', 'XML_MALFORMED'],
    ['<a>&#0;</a>', 'XML_MALFORMED'],
    ['<a>&#xFFFF;</a>', 'XML_MALFORMED'],
    ['<a>&#x110000;</a>', 'XML_MALFORMED'],
    [`<a>&#${'9'.repeat(400)};</a>`, 'XML_MALFORMED'],
    [`<a>&#${'0'.repeat(400)}65;</a>`, OK],
    ['<a b="&foo;"/>', 'XML_MALFORMED'],
    ['<a>&', 'XML_MALFORMED'],
  ],
  'Namespaces 1.0, 3: declarations': [
    ['<a xmlns="urn:a" xmlns:b="urn:b"><b:c b:d="1"/></a>', OK],
    ['<b:a/>', 'XML_NAMESPACE'],
    ['<a b:c="1"/>', 'XML_NAMESPACE'],
    ['<a><b xmlns:p="urn:p"/><p:c/></a>', 'XML_NAMESPACE'],
    ['<a b:c="1" xmlns:b="urn:b"/>', OK],
    ['<a xmlns:b=""/>', 'XML_NAMESPACE'],
    ['<a xmlns="urn:a"><b xmlns=""/></a>', OK],
    ['<a xmlns="urn:a" xmlns="urn:b"/>', 'XML_MALFORMED'],
    ['<a xmlns:b="urn:a" xmlns:b="urn:a"/>', 'XML_MALFORMED'],
    ['<a xml:lang="en"/>', OK],
    ['<xml:a/>', OK],
    ['<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>', OK],
    ['<a xmlns:xml="urn:x"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="http://www.w3.org/XML/1998/namespace"/>', 'XML_NAMESPACE'],
    ['<a xmlns="http://www.w3.org/XML/1998/namespace"/>', 'XML_NAMESPACE'],
    ['<a xmlns:xmlns="http://www.w3.org/2000/xmlns/"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="http://www.w3.org/2000/xmlns/"/>', 'XML_NAMESPACE'],
    ['<a xmlns="http://www.w3.org/2000/xmlns/"/>', 'XML_NAMESPACE'],
    ['<xmlns:a/>', 'XML_NAMESPACE'],
    ['<xmlns/>', OK],
  ],
  'Namespaces 1.0, 4: qualified names': [
    ['<:a/>', 'XML_MALFORMED'],
    ['<a:/>', 'XML_NAMESPACE'],
    ['<a:b:c xmlns:a="urn:a"/>', 'XML_NAMESPACE'],
    ['<a:1 xmlns:a="urn:a"/>', 'XML_NAMESPACE'],
    ['<a:é xmlns:a="urn:a"/>', OK],
    ['<a:· xmlns:a="urn:a"/>', 'XML_MALFORMED'],
    ['<a xmlns:="urn:a"/>', 'XML_NAMESPACE'],
    ['<a :b="1"/>', 'XML_NAMESPACE'],
    ['<a><?p:q?></a>', 'XML_NAMESPACE'],
  ],
  'Namespaces 1.0, 6.3: attributes are unique by expanded name': [
    ['<a xmlns:b="urn:x" xmlns:c="urn:x" b:d="1" c:d="2"/>', 'XML_MALFORMED'],
    ['<a xmlns:b="urn:x" xmlns="urn:x" b:d="1" d="2"/>', OK],
    ['<a xmlns:b="urn:x" xmlns:c="urn:&#120;" b:d="1" c:d="2"/>', 'XML_MALFORMED'],
    ['<a xml:lang="1" lang="2"/>', OK],
    ['<a xml:lang="1" xml:lang="2"/>', 'XML_MALFORMED'],
  ],
  'Canonical XML 1.0, 1.3: no relative namespace names': [
    ['<a xmlns="a/b"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="../x"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="#x"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="1a:x"/>', 'XML_NAMESPACE'],
    ['<a xmlns:b="&#117;rn:x"/>', OK],
  ],
};

for (const [rule, documents] of Object.entries(rules)) {
  describe(rule, () => {
    for (const [xml, code] of documents) {
      test(`${JSON.stringify(xml.slice(0, 60))}: ${code}`, () => expect(codeOf(text(xml))).toBe(code));
    }
  });
}

describe('XML 1.0, 2.4: long character data is read as short character data is', () => {
  const seen = (octets: Uint8Array) => {
    try {
      const { root } = scan(octets);
      return [root.text, Buffer.from(canonicalize(root, exclusive)).toString('latin1')].map((one) =>
        one.replace(/x/g, ''),
      );
    } catch (error) {
      return error instanceof XmlError ? error.code : error;
    }
  };
  const around = (before: number, octet: number, behind: number) =>
    Buffer.concat([text(`<a>${'x'.repeat(before)}`), Buffer.of(octet), text(`${'x'.repeat(behind)}</a>`)]);

  test('every octet, at every place of a stretch', () => {
    for (let octet = 0; octet < 256; octet++) {
      const short = seen(around(1, octet, 1));
      for (const before of [47, 48, 49, 50, 51, 52, 63, 201]) {
        expect(seen(around(before, octet, 9)), `${octet} behind ${before}`).toEqual(short);
      }
    }
  });

  test('references, line ends, and what ends in the middle', () => {
    for (let length = 40; length < 60; length++) {
      const long = 'y'.repeat(length);
      expect(scan(text(`<a>${long}&amp;${long}\r\n${long}</a>`)).root.text).toBe(`${long}&${long}\n${long}`);
      expect(scan(text(`<a>${long}ü${long}</a>`)).root.text).toBe(`${long}ü${long}`);
      expect(codeOf(text(`<a>${long}`))).toBe('XML_MALFORMED');
      expect(codeOf(text(`<a>${long}]]></a>`))).toBe('XML_MALFORMED');
      expect(codeOf(text(`<a>${long}</a>`), { text: length })).toBe(OK);
      expect(codeOf(text(`<a>${long}</a>`), { text: length - 1 })).toBe('XML_LIMIT');
    }
  });
});

describe('Attributes by the hundred', () => {
  const many = (count: number, last: string) =>
    text(`<a ${Array.from({ length: count }, (_, index) => `a${index}="${index}"`).join(' ')} ${last}/>`);

  test('the same name twice is found', () => {
    expect(codeOf(many(40, 'a7="x"'))).toBe('XML_MALFORMED');
    expect(codeOf(many(40, 'b="x"'))).toBe(OK);
  });

  test('the same expanded name by two prefixes is found', () => {
    const xml = (local: string) => many(40, `xmlns:p="urn:x" xmlns:q="urn:x" p:z="1" q:${local}="2"`);
    expect(codeOf(xml('z'))).toBe('XML_MALFORMED');
    expect(codeOf(xml('y'))).toBe(OK);
  });
});

describe('XML 1.0, 4.3.3: encodings', () => {
  const utf16 = (xml: string, order: 'LE' | 'BE', mark: boolean) => {
    const octets = Buffer.from(`${mark ? '\ufeff' : ''}${xml}`, 'utf16le');
    return order === 'LE' ? octets : octets.swap16();
  };
  const content = '<a b="ü">€𝄞</a>';

  test('UTF-8 with and without byte order mark', () => {
    expect(scan(text(content)).root.text).toBe('€𝄞');
    expect(scan(text(`\ufeff${content}`)).root.text).toBe('€𝄞');
    expect(scan(text(`\ufeff<?xml version="1.0" encoding="UTF-8"?>${content}`)).root.start).toBe(38);
  });

  test('UTF-16 in both orders, with and without byte order mark, with and without declaration', () => {
    for (const order of ['LE', 'BE'] as const) {
      for (const mark of [true, false]) {
        for (const declaration of [
          '',
          '<?xml version="1.0" encoding="UTF-16"?>',
          `<?xml version="1.0" encoding="utf-16${order}"?>`,
        ]) {
          const { root } = scan(utf16(declaration + content, order, mark));
          expect([root.attribute('b'), root.text]).toEqual(['ü', '€𝄞']);
        }
      }
    }
  });

  test('a declaration must say what the octets are', () => {
    for (const [declared, octets] of [
      ['UTF-16', 'utf8'],
      ['ISO-8859-1', 'utf8'],
      ['US-ASCII', 'utf8'],
      ['utf8', 'utf8'],
      ['UTF-8', 'utf16le'],
      ['UTF-16BE', 'utf16le'],
    ] as const) {
      const xml = Buffer.from(`<?xml version="1.0" encoding="${declared}"?><a/>`, octets);
      expect(codeOf(xml), `${declared} in ${octets}`).toBe('XML_ENCODING');
    }
  });

  test('octets that are not UTF-8', () => {
    for (const octets of [[0xe4], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      expect(codeOf(Buffer.concat([text('<a>'), Buffer.from(octets), text('</a>')]))).toBe('XML_ENCODING');
    }
  });

  test('UTF-16 with a lone surrogate or half a unit', () => {
    expect(codeOf(Buffer.concat([utf16('<a>', 'LE', true), Buffer.of(0, 0xd8), utf16('</a>', 'LE', false)]))).toBe(
      'XML_ENCODING',
    );
    expect(codeOf(utf16('<a/>', 'LE', true).subarray(0, -1))).toBe('XML_ENCODING');
  });

  test('UTF-32 and EBCDIC', () => {
    expect(codeOf(Buffer.of(0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0))).toBe('XML_ENCODING');
    expect(codeOf(Buffer.of(0, 0, 0xfe, 0xff, 0, 0, 0, 0x3c))).toBe('XML_ENCODING');
    expect(codeOf(Buffer.of(0x3c, 0, 0, 0, 0x61, 0, 0, 0))).toBe('XML_ENCODING');
    expect(codeOf(Buffer.of(0, 0, 0, 0x3c))).toBe('XML_ENCODING');
    expect(codeOf(Buffer.of(0x4c, 0x6f, 0xa7, 0x94))).toBe('XML_ENCODING');
  });
});

describe('Limits, one below and one above', () => {
  const at: Readonly<Record<Exclude<keyof XmlLimits, 'output'>, (count: number) => string>> = {
    bytes: (count) => `<a>${'x'.repeat(count - 7)}</a>`,
    depth: (count) => '<a>'.repeat(count) + '</a>'.repeat(count),
    attributes: (count) => `<a${Array.from({ length: count }, (_, index) => ` b${index}=""`).join('')}/>`,
    namespaces: (count) =>
      `<a xmlns:x="urn:x">${'<a xmlns="urn:y">'.repeat(count - 1)}${'</a>'.repeat(count - 1)}<a xmlns="urn:z"/></a>`,
    name: (count) => `<${'n'.repeat(count)}/>`,
    text: (count) => `<a>${'x'.repeat(count)}</a>`,
    nodes: (count) => `<a>${'<b/>'.repeat(count - 1)}</a>`,
  };

  for (const [name, xml] of Object.entries(at)) {
    test(name, () => {
      expect(codeOf(text(xml(50)), { [name]: 50 })).toBe(OK);
      expect(codeOf(text(xml(51)), { [name]: 50 })).toBe('XML_LIMIT');
    });
  }

  test('text counts for attribute values, comments, CDATA sections and instructions, too', () => {
    for (const xml of ['<a b="#"/>', '<a><!--#--></a>', '<a><![CDATA[#]]></a>', '<a><?p#?></a>']) {
      const filled = (count: number) => text(xml.replace('#', ' '.repeat(count)));
      expect(codeOf(filled(50), { text: 50 })).toBe(OK);
      expect(codeOf(filled(51), { text: 50 })).toBe('XML_LIMIT');
    }
  });

  test('a UTF-16 document counts as UTF-8, too', () => {
    const xml = Buffer.from(`\ufeff<a>${'€'.repeat(20)}</a>`, 'utf16le');
    expect(codeOf(xml, { bytes: 67 })).toBe(OK);
    expect(codeOf(xml, { bytes: 66 })).toBe('XML_LIMIT');
  });

  test('every default is finite', () => {
    for (const limit of Object.values(xmlLimits)) expect(Number.isSafeInteger(limit)).toBe(true);
  });

  test('the default depth holds, and a document within a raised one costs no stack', () => {
    expect(codeOf(text(at.depth(xmlLimits.depth + 1)))).toBe('XML_LIMIT');
    expect(codeOf(text(at.depth(5000)), { depth: 5000 })).toBe(OK);
  });
});

describe('Errors', () => {
  test('say where', () => {
    const attempt = () => scan(text('<a>&foo;</a>'));
    expect(attempt).toThrow(expect.objectContaining({ name: 'XmlError', code: 'XML_MALFORMED', offset: 3 }));
    expect(attempt).toThrow(/at octet 3/);
  });

  test('leave the scanner fit for the next document', () => {
    const deep = text('<a xmlns:p="urn:p"><p:b><c xmlns="urn:c" xmlns="urn:d"/>');
    for (let round = 0; round < 3; round++) {
      expect(codeOf(deep)).toBe('XML_MALFORMED');
      expect(scan(text('<c><b/></c>')).root.namespace).toBe('');
      expect(codeOf(text('<p:c/>'))).toBe('XML_NAMESPACE');
    }
  });

  test('the given octets may be reused at once', () => {
    const octets = text('<a>text</a>');
    const { root } = scan(octets);
    octets.fill(0x21);
    expect(root.text).toBe('text');
  });
});
