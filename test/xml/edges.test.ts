import { DOMParser } from '@xmldom/xmldom';
import { describe, expect, test } from 'vitest';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import { fromDom, toDom } from '../../src/xml/dom.ts';
import { scan } from '../../src/xml/scan.ts';
import { select } from '../../src/xml/select.ts';

const { root } = scan(
  Buffer.from(
    '<a xmlns="urn:a" xmlns:p="urn:p"><p:b n="1">x<![CDATA[<]]><!--c--><?t d?></p:b><b n="2"/><p:b n="3"/></a>',
  ),
);
const namespaces = { p: 'urn:p', d: 'urn:a' };

describe('toDom and fromDom', () => {
  test('an element becomes a document of its own with the namespaces it had in scope', () => {
    const dom = toDom(root.children[0] ?? root);
    const top = dom.documentElement;
    expect([top?.namespaceURI, top?.localName, top?.prefix, top?.getAttribute('n')]).toEqual(['urn:p', 'b', 'p', '1']);
    expect(top?.getAttribute('xmlns')).toBe('urn:a');
    expect(Array.from(top?.childNodes ?? []).map(({ nodeType, nodeValue }) => [nodeType, nodeValue])).toEqual([
      [3, 'x'],
      [4, '<'],
      [8, 'c'],
      [7, 'd'],
    ]);
  });

  test('a DOM made elsewhere becomes a fragment', () => {
    const dom = new DOMParser().parseFromString('<p:a xmlns:p="urn:p" b="2" a="1">x&amp;<p:c/></p:a>', 'text/xml');
    expect(fromDom(dom).toString()).toBe('<p:a xmlns:p="urn:p" a="1" b="2">x&amp;<p:c></p:c></p:a>');
  });

  test('instructions and things that are no element are refused', () => {
    const dom = new DOMParser().parseFromString('<a>t<?p?></a>', 'text/xml');
    const unexpected = expect.objectContaining({ code: 'XML_UNEXPECTED' });
    expect(() => fromDom(dom)).toThrow(unexpected);
    expect(() => fromDom(dom.documentElement?.firstChild as never)).toThrow(unexpected);
  });
});

describe('select', () => {
  test('gives the cursors of the tape, in document order', () => {
    expect(select(root, '//p:b', namespaces)).toEqual([root.children[0], root.children[2]]);
    expect(select(root, 'd:b', new Map([['d', 'urn:a']]))).toEqual([root.children[1]]);
    expect(select(root.children[1] ?? root, 'preceding-sibling::*', namespaces)[0]).toBe(root.children[0]);
    expect(select(root, '//none')).toEqual([]);
  });

  test.each(['//@n', '//text()', 'count(//*)', '//p:b[', 'x:y', 'nothing()', '/'])('%s is refused', (expression) => {
    expect(() => select(root, expression, namespaces)).toThrow(expect.objectContaining({ code: 'XML_XPATH' }));
  });
});

describe('canonicalize', () => {
  test('what is canonical already is not copied', () => {
    const { root: canonical } = scan(Buffer.from('<!-- --><a b="1">x<c></c></a>'));
    const octets = canonicalize(canonical, exclusive);
    expect(octets.buffer).toBe(canonical.document.bytes.buffer);
    expect(Buffer.from(octets).toString()).toBe('<a b="1">x<c></c></a>');
  });

  test('the output is limited: one long namespace name on many elements multiplies', () => {
    const long = `urn:${'x'.repeat(1000)}`;
    const { root: amplified } = scan(Buffer.from(`<a xmlns:p="${long}">${'<p:b/>'.repeat(1000)}</a>`));
    expect(() => canonicalize(amplified, exclusive, { limit: 500_000 })).toThrow(
      expect.objectContaining({ code: 'XML_LIMIT' }),
    );
    expect(canonicalize(amplified, exclusive).length).toBe(1000 * (long.length + '<p:b xmlns:p=""></p:b>'.length) + 7);
  });

  test('elements that end far from where they begin, in more nodes and octets than are worked on at once', () => {
    const nested = (inner: string, levels: number): string =>
      levels === 0 ? inner : `<p:n y="2"  x="1" xmlns:p="urn:${levels}">${nested(inner, levels - 1)}</p:n >`;
    const canonical = (inner: string, levels: number): string =>
      levels === 0 ? inner : `<p:n xmlns:p="urn:${levels}" x="1" y="2">${canonical(inner, levels - 1)}</p:n>`;
    const written = nested('<b y="2" x="1">t</b ><!--c--><d/>'.repeat(1500), 5).repeat(3);
    const expected = canonical('<b x="1" y="2">t</b><d></d>'.repeat(1500), 5).repeat(3);
    const { root } = scan(Buffer.from(`<r>${written}<x/>${written}</r >`));
    expect(Buffer.from(canonicalize(root, exclusive)).toString()).toBe(`<r>${expected}<x></x>${expected}</r>`);
    const without = root.children[3];
    if (without === undefined) throw new Error('no x');
    expect(Buffer.from(canonicalize(root, exclusive, { without })).toString()).toBe(`<r>${expected}${expected}</r>`);
  });

  test('after a failure the next canonicalization is right', () => {
    const { root: next } = scan(Buffer.from('<p:a xmlns:p="urn:p"><p:b /></p:a>'));
    const { root: amplified } = scan(
      Buffer.from(`<a xmlns:p="urn:long">${'<p:b><p:c >'.repeat(9)}${'</p:c></p:b>'.repeat(9)}</a>`),
    );
    expect(() => canonicalize(amplified, exclusive, { limit: 60 })).toThrow();
    expect(Buffer.from(canonicalize(next, exclusive)).toString()).toBe('<p:a xmlns:p="urn:p"><p:b></p:b></p:a>');
  });

  test('C14N 1.1, appendix A: xml:base values are joined', () => {
    const joined = (outer: string, inner: string) => {
      const { root: apex } = scan(Buffer.from(`<a xml:base="${outer}"><b xml:base="${inner}"/></a>`));
      const [child = apex] = apex.children;
      const method = { uri: '', exclusive: false, comments: false, edition: '1.1' } as const;
      return /xml:base="([^"]*)"/.exec(Buffer.from(canonicalize(child, method)).toString())?.[1];
    };
    expect(joined('http://h/a/b', '../c')).toBe('http://h/c');
    expect(joined('a/b', '../../c')).toBe('../c');
    expect(joined('http://h/a', '//g/x')).toBe('http://g/x');
    expect(joined('http://h/a?q', '')).toBe('http://h/a?q');
    expect(joined('http://h', 'x/./y')).toBe('http://h/x/y');
    expect(joined('foo/bar', '..')).toBe(undefined);
    expect(joined('http://h/a/b', 'urn:x')).toBe('urn:x');
    expect(joined('http://h/a/b', '?q=1')).toBe('http://h/a/b?q=1');
  });
});
