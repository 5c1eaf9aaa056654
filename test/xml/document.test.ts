import { describe, expect, test } from 'vitest';
import { child, childrenOf, elementsById, onlyChild, qname, requiredChild, simpleText } from '../../src/xml/find.ts';
import { Remembered } from '../../src/xml/remembered.ts';
import { scan } from '../../src/xml/scan.ts';

const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const root = (xml: string) => scan(Buffer.from(xml)).root;
const unexpected = expect.objectContaining({ code: 'XML_UNEXPECTED' });

describe('XmlElement', () => {
  const xml = `<a xmlns="urn:a" xmlns:b="urn:b" x="1" b:x="2" xml:lang="de"><b:c>t<!--,-->e<?p?><![CDATA[x]]><d>no</d>t</b:c>
  <e y='&lt;&#9;
'/></a>`;

  test('names', () => {
    const { children } = root(xml);
    expect([root(xml).namespace, root(xml).prefix, root(xml).local]).toEqual(['urn:a', '', 'a']);
    expect(children.map(({ namespace, prefix, local }) => [namespace, prefix, local])).toEqual([
      ['urn:b', 'b', 'c'],
      ['urn:a', '', 'e'],
    ]);
    expect(children[0]?.is('urn:b', 'c')).toBe(true);
    expect(children[0]?.is('urn:a', 'c')).toBe(false);
    expect(children[0]?.is('urn:b', 'd')).toBe(false);
  });

  test('attributes, by name and in order', () => {
    const element = root(xml);
    expect([element.attribute('x'), element.attribute('x', 'urn:b'), element.attribute('x', 'urn:a')]).toEqual([
      '1',
      '2',
      undefined,
    ]);
    expect(element.attributes).toEqual([
      { namespace: '', prefix: '', local: 'x', value: '1' },
      { namespace: 'urn:b', prefix: 'b', local: 'x', value: '2' },
      { namespace: 'http://www.w3.org/XML/1998/namespace', prefix: 'xml', local: 'lang', value: 'de' },
    ]);
    expect(element.attribute('__proto__')).toBeUndefined();
  });

  test('XML 1.0, 3.3.3: white space in values is normalized, referenced white space is kept', () => {
    expect(root(xml).children[1]?.attribute('y')).toBe('<\t ');
    expect(root('<a b=" x\r\ny\rz\t&#xD;&#10;"/>').attribute('b')).toBe(' x y z \r\n');
  });

  test('XML 1.0, 2.11: line ends are normalized, referenced carriage returns are kept', () => {
    expect(root('<a>1\r\n2\r3&#13;<![CDATA[\r\n4\r]]></a>').text).toBe('1\n2\n3\r\n4\n');
  });

  test('the text is the whole text: a comment does not cut it (CVE-2017-11427 and its kin)', () => {
    expect(root(xml).children[0]?.text).toBe('text');
    expect(root('<user>admin<!-- -->.evil.example</user>').text).toBe('admin.evil.example');
  });

  test('a text among known ones is what the text is, found by its octets or accepted and kept', () => {
    const known = new Remembered();
    const asked: string[] = [];
    const isLong = (text: string) => asked.push(text) > 0 && text.length > 3;
    const among = (inside: string) => root(`<a>${inside}</a>`).textAmong(known, isLong);
    expect([among('urn:a'), among('urn:b'), among('urn:a'), among('urn:ä'), among('urn:ä')]).toEqual([
      ...['urn:a', 'urn:b', 'urn:a', 'urn:ä', 'urn:ä'],
    ]);
    expect(asked).toEqual(['urn:a', 'urn:b', 'urn:ä']);
    // What is refused is not kept, whatever was accepted before.
    expect([among('urn'), among('urn'), among('urn:')]).toEqual([undefined, undefined, 'urn:']);
    const long = 'x'.repeat(300);
    expect([among(long), among(`${long.slice(1)}y`)]).toEqual([long, `${long.slice(1)}y`]);
    for (const more of ['', '<b/>', 'urn:a<b/>', 'urn:a<!---->', '<![CDATA[urn:a]]>', 'urn:&#97;', 'urn:a\r\n']) {
      expect(among(more), more).toBeUndefined();
    }
  });

  test('one cursor per element', () => {
    const element = root(xml);
    expect(element.document.root).toBe(element);
    expect(element.children[0]).toBe(element.children[0]);
    expect(element.children[0]?.parent).toBe(element);
    expect(element.parent).toBeUndefined();
    expect(root(xml)).not.toBe(element);
  });

  test('places', () => {
    const element = root(xml);
    const [first, second] = element.children;
    if (first === undefined || second === undefined) throw new Error('two children expected');
    const cut = Buffer.from(element.document.bytes).subarray(first.start, first.end).toString();
    expect(cut).toBe('<b:c>t<!--,-->e<?p?><![CDATA[x]]><d>no</d>t</b:c>');
    expect([element.contains(first), first.contains(first), first.contains(second), second.contains(element)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(root(xml).contains(first)).toBe(false);
  });

  test('namespaces in scope', () => {
    const inner = root('<a xmlns="urn:a" xmlns:p="urn:1"><b xmlns="" xmlns:p="urn:2"/></a>').children[0];
    expect(['', 'p', 'q', 'xml', 'xmlns'].map((prefix) => inner?.namespaceOf(prefix))).toEqual([
      undefined,
      'urn:2',
      undefined,
      'http://www.w3.org/XML/1998/namespace',
      'http://www.w3.org/2000/xmlns/',
    ]);
    expect(inner?.parent?.namespaceOf('p')).toBe('urn:1');
    expect(root('<a xmlns:p="urn:1"><b xmlns:p="urn:2"/><c/></a>').children[1]?.namespaceOf('p')).toBe('urn:1');
  });
});

describe('Finding', () => {
  const tree = root('<a xmlns:p="urn:p"><b/><p:b/><c> 1 </c><c/><p:d><e/></p:d></a>');

  test('child: none, one, not two', () => {
    expect(child(tree, '', 'x')).toBeUndefined();
    expect(child(tree, 'urn:p', 'b')).toBe(tree.children[1]);
    expect(() => child(tree, '', 'c')).toThrow(unexpected);
  });

  test('requiredChild: one', () => {
    expect(requiredChild(tree, '', 'b')).toBe(tree.children[0]);
    expect(() => requiredChild(tree, 'urn:q', 'b')).toThrow(unexpected);
  });

  test('childrenOf and onlyChild', () => {
    expect(childrenOf(tree, '', 'c')).toEqual([tree.children[2], tree.children[3]]);
    expect(onlyChild(requiredChild(tree, 'urn:p', 'd')).local).toBe('e');
    expect(() => onlyChild(tree)).toThrow(unexpected);
    expect(() => onlyChild(requiredChild(tree, '', 'b'))).toThrow(unexpected);
  });

  test('simpleText is text only, without white space around it', () => {
    expect(simpleText(root('<a> \n1 2\t</a>'))).toBe('1 2');
    expect(simpleText(root('<a>\u00a01</a>'))).toBe('\u00a01');
    expect(() => simpleText(tree)).toThrow(unexpected);
  });

  test('qname is resolved where it stands', () => {
    const at = root('<a xmlns="urn:d" xmlns:p="urn:p"/>');
    expect(qname(at, ' p:x ')).toEqual({ namespace: 'urn:p', local: 'x' });
    expect(qname(at, 'x')).toEqual({ namespace: 'urn:d', local: 'x' });
    expect(qname(root('<a/>'), 'x')).toEqual({ namespace: '', local: 'x' });
    for (const wrong of ['', ':', 'q:x', 'p:', ':x', 'p:x:y'])
      expect(() => qname(at, wrong), wrong).toThrow(unexpected);
  });

  test('elementsById: wsu:Id, xml:id, Id, ID and AssertionID are one space of names', () => {
    const { document, children } = root(
      `<a xmlns:u="${WSU}"><b u:Id="1"/><b xml:id="2"/><b Id="3"/><b ID="4"/><b AssertionID="5"/><b id="6"/><b u:id="7"/></a>`,
    );
    const ids = elementsById(document);
    expect([...ids]).toEqual(['1', '2', '3', '4', '5'].map((id, index) => [id, children[index]]));
    expect(elementsById(document)).toBe(ids);
  });

  test('elementsById: an id on two elements is refused, whatever attributes they have it from', () => {
    for (const [one, other] of [
      ['Id', 'Id'],
      ['u:Id', 'xml:id'],
      ['ID', 'AssertionID'],
    ]) {
      const { document } = root(`<a xmlns:u="${WSU}" ${one}="x"><b ${other}="x"/></a>`);
      expect(() => elementsById(document)).toThrow(expect.objectContaining({ code: 'XML_DUPLICATE_ID' }));
    }
    expect(elementsById(root('<a Id="x" ID="x"/>').document).size).toBe(1);
  });
});
