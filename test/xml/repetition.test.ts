/**
 * The scanner reads a start tag that is written like an earlier one by comparing it with that. What it finds must not depend
 * on what came before: every element is read in company as it is read alone.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { scan } from '../../src/xml/scan.ts';

const VALUES = [
  '',
  '1',
  'a value',
  `it's`,
  '&amp;',
  '&quot;',
  '&#xA;',
  '&#xD;',
  '>',
  '\t',
  'é',
  '<',
  '&',
  '\u0001',
  'x" z="',
];
const BEFORE = [' ', '  ', '\n', ''];
const NAMES = ['x', 'y', 'xy', 'p:x', 'q:x', 'xml:lang', 'é'];
const ELEMENTS = ['a', 'ab', 'p:a', 'p:ab', 'q:a', 'é'];

const attribute = fc
  .tuple(
    often(BEFORE),
    often(NAMES),
    fc.constantFrom('=', '=', '=', ' = '),
    fc.constantFrom('"', '"', "'"),
    often(VALUES),
  )
  .map(([before, name, equals, quote, value]) => `${before}${name}${equals}${quote}${value}${quote}`);

const element = fc
  .record({
    name: often(ELEMENTS),
    attributes: fc.array(attribute, { maxLength: 3 }),
    declared: often(['', ' xmlns:p="urn:other"', ' xmlns="urn:default"', ' xmlns:p="urn:p"']),
    close: often(['>', ' >', '/>', ' />', '']),
    end: often(['>', ' >', '']),
  })
  .map(({ name, attributes, declared, close, end }) => {
    const tag = `<${name}${declared}${attributes.join('')}${close}`;
    return close.includes('/') ? tag : `${tag}text</${name}${end}`;
  });

/** The first most of the time. */
function often(from: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(from[0] as string) },
    { weight: 3, arbitrary: fc.constantFrom(...from) },
  );
}

const around = (content: string) => Buffer.from(`<r xmlns:p="urn:p" xmlns:q="urn:p">${content}</r>`);

function read(content: string): readonly unknown[] | string {
  try {
    return scan(around(content)).root.children.map(told);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return error.code;
  }
}

function told(of: XmlElement): unknown {
  const { namespace, local, prefix, text, attributes } = of;
  return { namespace, local, prefix, text, attributes, canonical: Buffer.from(canonicalize(of, exclusive)).toString() };
}

test('an element is read the same whatever came before it', () => {
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.nat()), (kinds, choices) => {
      const whole = kinds.filter((one) => typeof read(one) !== 'string');
      fc.pre(whole.length > 0);
      const picked = Array.from({ length: 6 }, () => whole[(choices.next().value ?? 0) % whole.length] as string);
      expect(read(picked.join(''))).toEqual(picked.flatMap((one) => read(one)));
    }),
    { numRuns: 1000 },
  );
});

test('an element that is refused alone is refused behind one that is written almost like it', () => {
  const good = '<p:a x="1" y="2">t</p:a>';
  for (const [bad, code] of [
    ['<p:a x="1" y="<">t</p:a>', 'XML_MALFORMED'],
    ['<p:a x="1" y="&">t</p:a>', 'XML_MALFORMED'],
    ['<p:a x="1" y="\u0001">t</p:a>', 'XML_MALFORMED'],
    ['<p:a x="1" x="2">t</p:a>', 'XML_MALFORMED'],
    ['<p:a x="1"y="2">t</p:a>', 'XML_MALFORMED'],
    [`<p:a x="1" y='2">t</p:a>`, 'XML_MALFORMED'],
    ['<p:a x="1" y="2"', 'XML_MALFORMED'],
    ['<u:a x="1" y="2">t</u:a>', 'XML_NAMESPACE'],
    ['<p:a x="1" u:y="2">t</p:a>', 'XML_NAMESPACE'],
    ['<p:a p:x="1" q:x="2">t</p:a>', 'XML_MALFORMED'],
  ] as const) {
    expect(read(bad)).toBe(code);
    expect(read(good + good + bad)).toBe(code);
  }
});

test('a tag that is repeated means what its prefix means there', () => {
  const again = '<p:a x="1"></p:a>';
  const { root } = scan(around(`${again}<b xmlns:p="urn:inner">${again}</b>${again}`));
  const inner = root.children[1]?.children[0];
  expect([root.children[0], inner, root.children[2]].map((one) => one?.namespace)).toEqual([
    'urn:p',
    'urn:inner',
    'urn:p',
  ]);
});

test('limits hold for repeated tags', () => {
  const tag = (value: string) => `<a x="${value}"></a>`;
  expect(() => scan(around(tag('1') + tag('12345')), { text: 4 })).toThrow('limits.text');
  expect(() => scan(around(tag('1').repeat(5)), { nodes: 5 })).toThrow('limits.nodes');
  expect(() => scan(around('<a x="1">'.repeat(9)), { depth: 8 })).toThrow('limits.depth');
});
