import { describe, expect, test } from 'vitest';
import type { XmlErrorCode } from '../../src/xml/errors.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { XmlWriter } from '../../src/xml/write.ts';

const failing = (code: XmlErrorCode) => expect.objectContaining({ code });

describe('XmlWriter', () => {
  test('a namespace is declared where it is first visibly used, once', () => {
    const fragment = new XmlWriter()
      .start('urn:s', 'Envelope', 's')
      .start('urn:s', 'Header')
      .element('urn:a', 'To', 'x', 'a')
      .element('urn:a', 'Action', 'y', 'a')
      .end()
      .start('urn:s', 'Body', 's')
      .end()
      .end()
      .finish();
    expect(fragment.toString()).toBe(
      '<s:Envelope xmlns:s="urn:s"><s:Header><a:To xmlns:a="urn:a">x</a:To><a:Action xmlns:a="urn:a">y</a:Action></s:Header><s:Body></s:Body></s:Envelope>',
    );
    expect(fragment.prefixes).toEqual([]);
    expect([fragment.namespace, fragment.local]).toEqual(['urn:s', 'Envelope']);
  });

  test('attributes are sorted by namespace name and local name, declarations by prefix', () => {
    const fragment = new XmlWriter()
      .start('urn:z', 'r', 'z')
      .attribute('urn:b', 'a', '1', 'b')
      .attribute('', 'z', '2')
      .attribute('urn:a', 'z', '3', 'y')
      .attribute('', 'a', '4')
      .attribute('http://www.w3.org/XML/1998/namespace', 'lang', 'en')
      .end()
      .finish();
    expect(fragment.toString()).toBe(
      '<z:r xmlns:b="urn:b" xmlns:y="urn:a" xmlns:z="urn:z" a="4" z="2" xml:lang="en" y:z="3" b:a="1"></z:r>',
    );
  });

  test('Canonical XML 1.0, 2.3: characters are escaped as canonical form does', () => {
    const fragment = new XmlWriter()
      .start('', 'a')
      .attribute('', 'b', '&<>"\'\t\n\r')
      .text('&<>"\'\t\n\r')
      .end()
      .finish();
    expect(fragment.toString()).toBe('<a b="&amp;&lt;>&quot;\'&#x9;&#xA;&#xD;">&amp;&lt;&gt;"\'\t\n&#xD;</a>');
    expect(fragment.attribute('b')).toBe('&<>"\'\t\n\r');
    expect(fragment.element.text).toBe('&<>"\'\t\n\r');
  });

  test('no namespace inside a default namespace', () => {
    const fragment = new XmlWriter().start('urn:a', 'a').element('', 'b').element('urn:a', 'c').end().finish();
    expect(fragment.toString()).toBe('<a xmlns="urn:a"><b xmlns=""></b><c></c></a>');
  });

  test('an attribute never uses the default namespace, and prefixes that are taken are avoided', () => {
    const fragment = new XmlWriter().start('urn:a', 'a').attribute('urn:a', 'x', '1').end().finish();
    expect(fragment.toString()).toBe('<a xmlns="urn:a" xmlns:n1="urn:a" n1:x="1"></a>');
    const clash = new XmlWriter().start('urn:a', 'a', 'p').attribute('urn:b', 'x', '1', 'p').end().finish();
    expect(clash.toString()).toBe('<p:a xmlns:n1="urn:b" xmlns:p="urn:a" n1:x="1"></p:a>');
  });

  test('a prefix for content is declared and named in `prefixes`', () => {
    const fragment = new XmlWriter()
      .start('urn:a', 'a', 'a')
      .declare('q', 'urn:q')
      .declare('', 'urn:d')
      .text('q:x y')
      .end()
      .finish();
    expect(fragment.toString()).toBe('<a:a xmlns="urn:d" xmlns:a="urn:a" xmlns:q="urn:q">q:x y</a:a>');
    expect(fragment.prefixes).toEqual(['#default', 'q']);
  });

  test('what XML cannot carry is refused, not mangled', () => {
    const open = () => new XmlWriter().start('', 'a');
    for (const text of ['\0', '\u0008', '\ud800', '\udc00x', '\ufffe']) {
      expect(() => open().text(text), JSON.stringify(text)).toThrow(failing('XML_MALFORMED'));
      expect(() => open().attribute('', 'b', text)).toThrow(failing('XML_MALFORMED'));
    }
    expect(open().text('\u{1f600}\u0085').end().finish().element.text).toBe('\u{1f600}\u0085');
    for (const name of ['', '1', 'a b', 'a:b', 'a>', '·']) {
      expect(() => new XmlWriter().start('', name), name).toThrow(failing('XML_MALFORMED'));
    }
    expect(() => new XmlWriter().start('urn:a', 'a', 'a b')).toThrow(failing('XML_MALFORMED'));
    expect(() => new XmlWriter().start('relative', 'a', 'a')).toThrow(failing('XML_NAMESPACE'));
    expect(() => new XmlWriter().start('urn:a', 'a', 'xml')).toThrow(failing('XML_NAMESPACE'));
    expect(() => open().attribute('', 'xmlns', 'urn:a')).toThrow(failing('XML_NAMESPACE'));
    expect(() => open().declare('p', '')).toThrow(failing('XML_NAMESPACE'));
    expect(() => open().declare('xml', 'urn:a')).toThrow(failing('XML_NAMESPACE'));
    expect(() => open().declare('', 'urn:a')).toThrow(failing('XML_NAMESPACE'));
    expect(() => open().declare('p', 'urn:a').declare('p', 'urn:b')).toThrow(failing('XML_NAMESPACE'));
  });

  test('what is out of place is refused', () => {
    expect(() => new XmlWriter().text('x')).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().end()).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().finish()).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().start('', 'a').finish()).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().attribute('', 'a', '')).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().start('', 'a').text('').attribute('', 'a', '')).toThrow(failing('XML_UNEXPECTED'));
    expect(() => new XmlWriter().start('', 'a').attribute('', 'a', '').attribute('', 'a', '')).toThrow(
      failing('XML_UNEXPECTED'),
    );
    expect(() => new XmlWriter().element('', 'a').element('', 'b')).toThrow(failing('XML_MALFORMED'));
  });
});

describe('XmlFragment', () => {
  const of = (xml: string) => XmlFragment.of(onlyElement(xml));
  const onlyElement = (xml: string) => {
    const [first] = scan(Buffer.from(xml)).root.children;
    if (first === undefined) throw new Error('a child expected');
    return first;
  };

  test('nothing visible needs no PrefixList', () => {
    const fragment = of('<s xmlns="urn:s" xmlns:p="urn:p" xmlns:q="urn:q"><p:a x="1">12:30</p:a></s>');
    expect([fragment.toString(), fragment.prefixes]).toEqual(['<p:a xmlns:p="urn:p" x="1">12:30</p:a>', []]);
    const prefixed = of('<s:s xmlns:s="urn:s" xmlns:p="urn:p"><p:a x="1">plain</p:a></s:s>');
    expect([prefixed.toString(), prefixed.prefixes]).toEqual(['<p:a xmlns:p="urn:p" x="1">plain</p:a>', []]);
  });

  test.each([
    ['xsi:type', '<p:a xsi:type="q:t"/>', ['q']],
    ['text', '<p:a>q:t</p:a>', ['q']],
    ['XPath', '<p:a>/q:x/@y[. = r:z]</p:a>', ['q', 'r']],
    ['CDATA', '<p:a><![CDATA[ q:t ]]></p:a>', ['q']],
    ['references', '<p:a>q&#58;t</p:a>', ['q']],
    ['PrefixList', '<p:a PrefixList="q r"/>', ['q', 'r']],
    ['a word cut by a comment', '<p:a>q<!-- -->:t</p:a>', ['q', 'r', 's', 'xsi']],
    ['declared and never used', '<p:a xmlns:unused="urn:u"/>', ['unused']],
    ['declared and used further inside', '<p:a xmlns:deep="urn:u"><deep:b/></p:a>', []],
    ['in scope by a visible use', '<p:a><q:b>q:t</q:b></p:a>', []],
  ])('prefixes that content uses are kept: %s', (_, inner, prefixes) => {
    const outer = `<s:s xmlns:s="urn:s" xmlns:p="urn:p" xmlns:q="urn:q" xmlns:r="urn:r" xmlns:xsi="urn:xsi">${inner}</s:s>`;
    const fragment = of(outer);
    expect(fragment.prefixes).toEqual(prefixes);
    for (const prefix of prefixes) {
      if (prefix !== 'unused') expect(fragment.toString()).toContain(` xmlns:${prefix}="urn:${prefix}"`);
    }
  });

  test('an unprefixed QName in content keeps the default namespace', () => {
    const fragment = of('<s xmlns="urn:d" xmlns:p="urn:p"><p:a type="t"/></s>');
    expect([fragment.toString(), fragment.prefixes]).toEqual([
      '<p:a xmlns="urn:d" xmlns:p="urn:p" type="t"></p:a>',
      ['#default'],
    ]);
  });

  test('withAttribute adds an id and stays canonical although a descendant declares its namespace', () => {
    const fragment = XmlFragment.parse('<a b="1" z="2"><c xmlns:u="urn:u" u:Id="inner"/></a>');
    const changed = fragment.withAttribute('urn:u', 'Id', 'x<"', 'u');
    expect(changed.toString()).toBe(
      '<a xmlns:u1="urn:u" b="1" z="2" u1:Id="x&lt;&quot;"><c xmlns:u="urn:u" u:Id="inner"></c></a>',
    );
    expect(changed.attribute('Id', 'urn:u')).toBe('x<"');
    expect(fragment.attribute('Id', 'urn:u')).toBeUndefined();
  });

  test('withAttribute uses a prefix that the root has, and replaces the value that is there', () => {
    const fragment = XmlFragment.parse('<w:a xmlns:w="urn:u" w:Id="old" m="1"/>');
    expect(fragment.withAttribute('urn:u', 'Id', 'new', 'u').toString()).toBe(
      '<w:a xmlns:w="urn:u" m="1" w:Id="new"></w:a>',
    );
    expect(fragment.withAttribute('', 'm', '2', '').toString()).toBe('<w:a xmlns:w="urn:u" m="2" w:Id="old"></w:a>');
  });

  test('withAttribute decides by what is inside although it has seen the start tag before', () => {
    const clear = XmlFragment.parse('<once b="1"><c/></once>');
    const taken = XmlFragment.parse('<once b="1"><c xmlns:u="urn:other"><u:d/></c></once>');
    const named = (fragment: XmlFragment, id: string) => fragment.withAttribute('urn:u', 'Id', id, 'u').toString();
    const inClear = (id: string) => `<once xmlns:u="urn:u" b="1" u:Id="${id}"><c></c></once>`;
    const inTaken = (id: string) =>
      `<once xmlns:u1="urn:u" b="1" u1:Id="${id}"><c><u:d xmlns:u="urn:other"></u:d></c></once>`;
    for (const round of ['1', '2', '3']) {
      expect(named(taken, `t${round}`)).toBe(inTaken(`t${round}`));
      expect(named(clear, `c${round}`)).toBe(inClear(`c${round}`));
      expect(clear.withAttribute('urn:u', 'Id', round, 'v').toString()).toBe(
        `<once xmlns:v="urn:u" b="1" v:Id="${round}"><c></c></once>`,
      );
      expect(clear.withAttribute('', 'b', round, '').toString()).toBe(`<once b="${round}"><c></c></once>`);
      const listed = XmlFragment.written([clear.toString()], ['u']);
      expect(named(listed, round)).toBe(`<once xmlns:u1="urn:u" b="1" u1:Id="${round}"><c></c></once>`);
    }
  });

  test('withAttribute goes on after more start tags than it keeps, and with tags too long to keep', () => {
    const value = 'v'.repeat(2_000);
    for (let number = 0; number < 600; number++) {
      const fragment = XmlFragment.written([`<a number="${number}"></a>`], []);
      expect(fragment.withAttribute('', 'id', 'x', '').toString()).toBe(`<a id="x" number="${number}"></a>`);
      const long = XmlFragment.written([`<a long="${value}"></a>`], []);
      expect(long.withAttribute('', 'id', `${number}`, '').toString()).toBe(`<a id="${number}" long="${value}"></a>`);
    }
  });

  test('withAttribute refuses what XML cannot carry', () => {
    const fragment = XmlFragment.parse('<a/>');
    expect(() => fragment.withAttribute('', 'a b', '', '')).toThrow(failing('XML_MALFORMED'));
    expect(() => fragment.withAttribute('', 'a', '\0', '')).toThrow(failing('XML_MALFORMED'));
    expect(() => fragment.withAttribute('', 'xmlns', 'urn:x', '')).toThrow(failing('XML_NAMESPACE'));
    expect(() => fragment.withAttribute('urn:x', 'a', '', 'xmlns')).toThrow(failing('XML_NAMESPACE'));
    expect(() => fragment.withAttribute('x', 'a', '', 'p')).toThrow(failing('XML_NAMESPACE'));
  });

  test('inside a writer a fragment stays as it is, or is canonicalized for its place', () => {
    const part = XmlFragment.parse('<p:a xmlns:p="urn:p"><q:b xmlns:q="urn:q"/></p:a>');
    const apart = new XmlWriter().start('urn:s', 's', 's').fragment(part).end().finish();
    expect(apart.toString()).toBe('<s:s xmlns:s="urn:s"><p:a xmlns:p="urn:p"><q:b xmlns:q="urn:q"></q:b></p:a></s:s>');
    const shared = new XmlWriter().start('urn:q', 's', 'q').fragment(part).end().finish();
    expect(shared.toString()).toBe('<q:s xmlns:q="urn:q"><p:a xmlns:p="urn:p"><q:b></q:b></p:a></q:s>');
    const plain = new XmlWriter().start('urn:s', 's').fragment(XmlFragment.parse('<a/>')).end().finish();
    expect(plain.toString()).toBe('<s xmlns="urn:s"><a xmlns=""></a></s>');
  });
});
