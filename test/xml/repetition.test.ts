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

/** How a tag is spelled, and values for its attributes: tags of one spelling differ in their values only. */
const spelling = fc.record({
  name: often(ELEMENTS),
  attributes: fc.array(
    fc.tuple(often(BEFORE), fc.constantFrom(...NAMES), often(['=', ' = ', '= ']), often(['"', "'"])),
    { maxLength: 3 },
  ),
  declared: often(['', ' xmlns:p="urn:other"', ' xmlns="urn:default"', ' xmlns:p="urn:p"']),
  close: often(['>', ' >', '/>', ' />', '']),
});
/** What ends the end tag, and the values of the attributes. */
const values = fc.tuple(often(['>', ' >', '']), often(VALUES), often(VALUES), often(VALUES));

const kinds = fc
  .array(fc.tuple(spelling, fc.array(values, { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 2 })
  .map((spellings) => spellings.flatMap(([spelled, all]) => all.map((one) => markup(spelled, one))));

type Spelling = typeof spelling extends fc.Arbitrary<infer Value> ? Value : never;

function markup({ name, attributes, declared, close }: Spelling, [end, ...texts]: readonly string[]): string {
  const spelled = attributes.map(([before, attribute, equals, quote], index) => {
    return `${before}${attribute}${equals}${quote}${texts[index]}${quote}`;
  });
  const tag = `<${name}${declared}${spelled.join('')}${close}`;
  return close.includes('/') ? tag : `${tag}text</${name}${end}`;
}

/** The first most of the time. */
function often(from: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(from[0] as string) },
    { weight: 3, arbitrary: fc.constantFrom(...from) },
  );
}

const around = (content: string) => Buffer.from(`<r xmlns:p="urn:p" xmlns:q="urn:p">${content}</r>`);

interface Read {
  readonly elements: readonly unknown[];
  readonly canonical: string;
}

/** What is read of some content: or the code of the refusal. */
function read(content: string): Read | string {
  try {
    const { root } = scan(around(content));
    const canonical = Buffer.from(canonicalize(root, exclusive)).toString().slice('<r>'.length, -'</r>'.length);
    return { elements: root.children.map(told), canonical };
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return error.code;
  }
}

function told({ namespace, local, prefix, text, attributes }: XmlElement): unknown {
  return { namespace, local, prefix, text, attributes };
}

test('an element is read the same whatever came before it', () => {
  fc.assert(
    fc.property(kinds, fc.infiniteStream(fc.nat()), (some, choices) => {
      const whole = some.flatMap((xml) => {
        const alone = read(xml);
        return typeof alone === 'string' ? [] : [{ xml, alone }];
      });
      fc.pre(whole.length > 0);
      const picked = Array.from({ length: 12 }, () => whole[(choices.next().value ?? 0) % whole.length] ?? { xml: '' });
      expect(read(picked.map(({ xml }) => xml).join(''))).toEqual({
        elements: picked.flatMap((one) => ('alone' in one ? one.alone.elements : [])),
        canonical: picked.map((one) => ('alone' in one ? one.alone.canonical : '')).join(''),
      });
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
    expect(read(good.repeat(3) + bad)).toBe(code);
  }
});

test('a tag that is repeated means what its prefix means there', () => {
  const again = '<p:a x="1"></p:a>';
  const { root } = scan(around(`${again}${again}<b xmlns:p="urn:inner">${again}</b>${again}`));
  const inner = root.children[2]?.children[0];
  expect([root.children[1], inner, root.children[3]].map((one) => one?.namespace)).toEqual([
    'urn:p',
    'urn:inner',
    'urn:p',
  ]);
});

test('limits hold for repeated tags', () => {
  const tag = (value: string) => `<a x="${value}"></a>`;
  const inside = (content: string) => Buffer.from(`<r>${content}</r>`);
  expect(() => scan(inside(tag('1').repeat(3) + tag('12345')), { text: 4 })).toThrow('limits.text');
  expect(() => scan(inside(tag('1').repeat(5)), { nodes: 5 })).toThrow('limits.nodes');
  expect(() => scan(inside('<a x="1">'.repeat(9)), { depth: 8 })).toThrow('limits.depth');
});
