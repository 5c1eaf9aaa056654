import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { canonicalizations, canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { fromDom, toDom } from '../../src/xml/dom.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import type { Piece } from '../../src/xml/joiner.ts';
import { scan } from '../../src/xml/scan.ts';
import { canonicalizeNodes } from '../../src/xml/subset.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { messyDocument } from './messy.ts';

const document = fc.integer({ min: 0, max: 2 ** 31 }).map((seed) => messyDocument(seededRandom(seed), { wide: true }));

/** Everything that an application can read of an element and what is inside. */
function infoset(element: XmlElement): unknown {
  const order = (one: string, other: string) => (one < other ? -1 : 1);
  return [
    element.namespace,
    element.local,
    element.text,
    element.attributes.map(({ namespace, local, value }) => JSON.stringify([namespace, local, value])).sort(order),
    element.children.map(infoset),
  ];
}

function descendants(of: XmlElement): readonly XmlElement[] {
  return [of, ...of.children.flatMap(descendants)];
}

describe('Canonical XML 1.0, 1.1 and Exclusive C14N', () => {
  test('canonical form is canonical, and says what the document says', () => {
    fc.assert(
      fc.property(document, (xml) => {
        const before = scan(Buffer.from(xml));
        for (const method of canonicalizations.values()) {
          const octets = canonicalize(before, method);
          const after = scan(octets);
          expect(infoset(after.root)).toEqual(infoset(before.root));
          expect(Buffer.from(canonicalize(after, method)).toString()).toBe(Buffer.from(octets).toString());
        }
      }),
    );
  });

  test('every element by itself is what the node-set of its subtree gives', () => {
    fc.assert(
      fc.property(document, fc.subarray(['a', 'b', 'ns1', '#default']), (xml, prefixes) => {
        const scanned = scan(Buffer.from(xml));
        for (const element of descendants(scanned.root)) {
          const inside = (place: number) => place >= element.index && place < placeAfter(element);
          const set = { node: inside, attribute: () => true, namespace: () => true };
          for (const method of canonicalizations.values()) {
            const list = method.exclusive ? prefixes : [];
            expect(Buffer.from(canonicalize(element, method, { prefixes: list })).toString()).toBe(
              Buffer.from(canonicalizeNodes(scanned, method, set, list)).toString(),
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('an enveloped signature is left out as if it were not in the set', () => {
    fc.assert(
      fc.property(document, fc.nat(), (xml, choice) => {
        const scanned = scan(Buffer.from(xml));
        const elements = descendants(scanned.root);
        const without = elements[choice % elements.length] as XmlElement;
        if (without === scanned.root) return;
        const kept = (place: number) => place < without.index || place >= placeAfter(without);
        const set = { node: kept, attribute: () => true, namespace: () => true };
        for (const method of canonicalizations.values()) {
          expect(Buffer.from(canonicalize(scanned, method, { without })).toString()).toBe(
            Buffer.from(canonicalizeNodes(scanned, method, set)).toString(),
          );
        }
      }),
    );
  });
});

function placeAfter(element: XmlElement): number {
  let last = element.index;
  for (let place = element.index; ; place++) {
    const at = element.document.tape.nodes[place * 4 + 1];
    if (at === undefined || at >= element.end) break;
    last = place;
  }
  return last + 1;
}

/** A step in making a fragment. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant('wrap' as const),
    namespace: fc.constantFrom('', 'urn:one', 'urn:w', 'http://example.org/two'),
    local: fc.constantFrom('w', 'item'),
    prefix: fc.constantFrom(undefined, '', 'a', 'b', 'n1', 'é'),
    declared: fc.option(fc.tuple(fc.constantFrom('q', 'a', 'u'), fc.constantFrom('urn:one', 'urn:q'))),
    attribute: fc.option(
      fc.tuple(
        fc.constantFrom('', 'urn:one', 'urn:at', 'http://www.w3.org/XML/1998/namespace'),
        fc.constantFrom('lang', 'x'),
        fc.string({ unit: fc.constantFrom('a', '"', '<', '&', '\n', '\r', '\t', 'é', '𝄞') }),
      ),
    ),
    text: fc.string({ unit: fc.constantFrom('a', ':', '<', '>', '&', '\r', '\n', 'q', '𝄞') }),
  }),
  fc.record({
    kind: fc.constant('attribute' as const),
    namespace: fc.constantFrom('', 'urn:one', 'urn:wsu', 'http://example.org/two'),
    local: fc.constantFrom('Id', 'item', 'a'),
    value: fc.string({ unit: fc.constantFrom('a', '"', '<', '&', '\n') }),
    prefix: fc.constantFrom('u', 'a', 'b', 'n1'),
  }),
  fc.record({ kind: fc.constant('again' as const) }),
);

describe('XmlFragment', () => {
  test('however it was made, its octets are the exclusive canonical form under its PrefixList', () => {
    fc.assert(
      fc.property(document, fc.array(step, { maxLength: 6 }), (xml, steps) => {
        let fragment = XmlFragment.parse(xml);
        for (const one of steps) {
          if (one.kind === 'attribute') {
            fragment = fragment.withAttribute(one.namespace, one.local, one.value, one.prefix);
            expect(fragment.attribute(one.local, one.namespace)).toBe(one.value);
          } else if (one.kind === 'again') {
            fragment = XmlFragment.parse(fragment.bytes);
          } else {
            const before = infoset(fragment.element);
            const writer = new XmlWriter().start(one.namespace, one.local, one.prefix);
            if (one.declared !== null && one.declared[0] !== one.prefix) writer.declare(...one.declared);
            if (one.attribute !== null) writer.attribute(...one.attribute);
            writer.text(one.text).fragment(fragment).element('urn:one', 'last', one.text, 'a');
            fragment = writer.end().finish();
            const [inner] = fragment.element.children;
            expect(inner === undefined ? undefined : infoset(inner)).toEqual(before);
            expect(fragment.element.text).toBe(one.text);
          }
          const { prefixes } = fragment;
          const again = canonicalize(scan(fragment.bytes).root, exclusive, { prefixes });
          expect(Buffer.from(again).toString()).toBe(fragment.toString());
        }
      }),
      { numRuns: 300 },
    );
  });

  test('those that are scanned together say what each says alone, with nothing of the others in scope', () => {
    fc.assert(
      fc.property(fc.array(document, { minLength: 1, maxLength: 5 }), fc.nat(), (documents, place) => {
        const alone = documents.map((xml) => XmlFragment.parse(xml));
        const beside = alone.map(({ bytes, prefixes }) => XmlFragment.written(bytes, prefixes));
        XmlFragment.together(beside);
        // Whichever is looked into first.
        expect(beside[place % beside.length]?.element).toBeDefined();
        for (const [index, one] of beside.entries()) {
          const { bytes, prefixes } = alone[index] as XmlFragment;
          expect(infoset(one.element)).toEqual(infoset(scan(bytes).root));
          expect(Buffer.from(canonicalize(one.element, exclusive, { prefixes })).toString()).toBe(one.toString());
          for (const prefix of ['', 'a', 'b', 'ns1']) {
            expect(one.element.namespaceOf(prefix)).toBe(scan(bytes).root.namespaceOf(prefix));
          }
        }
      }),
    );
  });

  test('law: in pieces it takes an attribute as in one', () => {
    const edit = fc.record({
      namespace: fc.constantFrom('urn:one', 'urn:two', 'urn:wide', ''),
      local: fc.constantFrom('Id', 'lang', 'x'),
      value: fc.string({ unit: fc.constantFrom('a', '"', '>', '&', 'é') }),
      prefix: fc.constantFrom('u', 'a', 'b', 'é'),
    });
    fc.assert(
      fc.property(
        document,
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 4 }),
        edit,
        (xml, cuts, changed) => {
          const whole = XmlFragment.parse(xml);
          const text = whole.toString();
          const places = [
            0,
            ...cuts.map(([place]) => place % text.length).sort((one, other) => one - other),
            text.length,
          ];
          const texts = places.slice(1).map((end, index) => text.slice(places[index], end));
          // A surrogate pair is not cut into two pieces.
          fc.pre(texts.every((piece) => piece.isWellFormed()));
          const pieces = texts.map((piece, index): Piece => (cuts[index]?.[1] === true ? Buffer.from(piece) : piece));
          const cut = XmlFragment.written(pieces, whole.prefixes);
          const { namespace, local, value, prefix } = changed;
          const expected = whole.withAttribute(namespace, local, value, prefix).toString();
          expect(cut.withAttribute(namespace, local, value, prefix).toString()).toBe(expected);
          expect(cut.toString()).toBe(text);
        },
      ),
    );
  });

  test('of any element inside a document it says what that element says', () => {
    fc.assert(
      fc.property(document, (xml) => {
        for (const element of descendants(scan(Buffer.from(xml)).root)) {
          const fragment = XmlFragment.of(element);
          expect(infoset(scan(fragment.bytes).root)).toEqual(infoset(element));
          expect(fragment.element).toBe(element);
        }
      }),
    );
  });

  test('through a DOM and back it says the same', () => {
    fc.assert(
      fc.property(
        fc.integer().map((seed) => messyDocument(seededRandom(seed), { instructions: false })),
        (xml) => {
          const { root } = scan(Buffer.from(xml));
          expect(infoset(fromDom(toDom(root)).element)).toEqual(infoset(root));
        },
      ),
    );
  });
});
