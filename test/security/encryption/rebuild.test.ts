/**
 * E10: a plaintext is taken exactly when it is complete in itself. What decides it in one scan is held against the plain way: a
 * frame is put around every plaintext, and each frame has to end where it was put.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, utf8, view } from '../../../src/base/bytes.ts';
import { type Replacement, rebuild } from '../../../src/security/encryption/rebuild.ts';
import type { XmlDocument, XmlElement } from '../../../src/xml/document.ts';
import { elementsById } from '../../../src/xml/find.ts';
import { scan } from '../../../src/xml/scan.ts';

const pieces = [
  ...['<d>', '</d>', '<d/>', '<d a="', '"/>', '<e Id="e"/>', '</b>', '<b>', '</a>', '<a>', '<b/>', '<c x="1">', '</c>'],
  ...[
    '<!--',
    '-->',
    '<!-- c -->',
    '<![CDATA[',
    ']]>',
    '<![CDATA[ ]]>',
    '<?x ',
    '?>',
    '<?x y?>',
    '<?xml version="1.0"?>',
  ],
  ...[
    'text',
    ' ',
    '\n',
    '\r',
    '&',
    'amp;',
    '&amp;',
    '&#32;',
    ';',
    '&am',
    'p;',
    ']]',
    '>',
    ']',
    '<',
    '/',
    '=',
    '"',
    'ü',
  ],
  ...['<o:p/>', '<p:p xmlns:p="urn:p"/>', '<d xmlns="urn:d"/>', '<!DOCTYPE a>'],
];
const plaintext = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 5 }).map((all) => all.join('')) },
  { weight: 1, arbitrary: fc.constantFrom('<d/>', '<d><b/></d>', ' <d/> ', 'text', '') },
);
const beside = fc.array(fc.constantFrom('', ' ', 'text', ']]', '&amp;', 'p;', '<k/>', '<!-- k -->', '<b><here/></b>'), {
  maxLength: 3,
});
const old = fc.tuple(beside, beside, beside).map(([one, two, three]) => {
  const holes = (all: readonly string[]) => all.join('<here/>');
  return `<a xmlns:o="urn:o"><b>${holes(one)}</b>${holes(two)}<b><b>${holes(three)}<here/></b></b></a>`;
});

function places(of: XmlElement): readonly XmlElement[] {
  return of.local === 'here' ? [of] : of.children.flatMap(places);
}

/** The document with every plaintext in `start` and `end`, and where each begins. */
function put(document: XmlDocument, parts: readonly Replacement[], start: string, end: string) {
  const starts: number[] = [];
  let octets: Uint8Array = new Uint8Array();
  let at = 0;
  for (const { element, plaintext: inside } of parts) {
    octets = concat([octets, document.bytes.subarray(at, element.start)]);
    starts.push(octets.length);
    octets = concat([octets, utf8(start), inside, utf8(end)]);
    at = element.end;
  }
  return { octets: concat([octets, document.bytes.subarray(at)]), starts };
}

/** The plain way. */
function isTaken(document: XmlDocument, parts: readonly Replacement[]): boolean {
  try {
    const { octets, starts } = put(document, parts, '<f>', '</f>');
    const framed = scan(octets);
    const found = new Map<number, XmlElement>();
    const walk = (element: XmlElement): void => {
      found.set(element.start, element);
      element.children.forEach(walk);
    };
    walk(framed.root);
    const whole = parts.every(({ type, plaintext: { length } }, index) => {
      const start = starts[index] ?? 0;
      const frame = found.get(start);
      if (frame?.end !== start + length + 7) return false;
      return type === 'content' || isOnly(frame);
    });
    if (!whole) return false;
    elementsById(scan(put(document, parts, '', '').octets));
    return true;
  } catch {
    return false;
  }
}

/** True when one child is all there is, but for comments and white space. */
function isOnly({ document, children, start, end }: XmlElement): boolean {
  const bare = (from: number, to: number) =>
    view(document.bytes.subarray(from, to))
      .toString()
      .replace(/<!--.*?-->/gs, '')
      .trim();
  const [child, second] = children;
  return child !== undefined && second === undefined && bare(start + 3, end - 4) === bare(child.start, child.end);
}

function tried(document: XmlDocument, parts: readonly Replacement[]): boolean {
  try {
    const rebuilt = rebuild(document, parts);
    expect(view(rebuilt.document.bytes).toString()).toBe(view(put(document, parts, '', '').octets).toString());
    return true;
  } catch {
    return false;
  }
}

describe('E10 plaintext in its place', () => {
  test('what is taken is what the plain way takes', () => {
    let taken = 0;
    fc.assert(
      fc.property(old, fc.infiniteStream(plaintext), fc.infiniteStream(fc.boolean()), (xml, texts, types) => {
        const document = scan(utf8(xml));
        const parts = places(document.root).map((element): Replacement => {
          const type = types.next().value === true ? 'element' : 'content';
          return { element, type, plaintext: utf8(String(texts.next().value)) };
        });
        const wanted = isTaken(document, parts);
        if (wanted) taken++;
        expect(tried(document, parts)).toBe(wanted);
      }),
      { numRuns: 4_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});
