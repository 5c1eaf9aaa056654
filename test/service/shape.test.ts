/** What a shape writes it reads back, and what it does not accept it refuses with one code. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ServiceError } from '../../src/service/errors.ts';
import {
  binary,
  boolean,
  decimal,
  document,
  integer,
  list,
  nothing,
  optional,
  record,
  type Shape,
  text,
} from '../../src/service/shape.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { XmlWriter } from '../../src/xml/write.ts';

const namespace = 'urn:example:shapes';

function written<T>(shape: Shape<T>, value: T): XmlFragment {
  const writer = new XmlWriter().start(namespace, 'Value', '');
  shape.write(writer, value, namespace);
  return XmlFragment.parse(writer.end().finish().bytes);
}

function travelled<T>(shape: Shape<T>, value: T): T {
  return shape.read(written(shape, value).element, namespace);
}

function refuses(shape: Shape<unknown>, content: string): void {
  const { element } = XmlFragment.parse(`<Value xmlns="${namespace}">${content}</Value>`);
  expect(() => shape.read(element, namespace), content).toThrow(
    expect.objectContaining({ code: 'SERVICE_SHAPE' }) as ServiceError,
  );
}

/** Text that XML can carry (XML 1.0 section 2.2, production 2). */
const xmlText = fc.string({ unit: 'grapheme' }).filter((value) =>
  [...value].every((character) => {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20) return point === 0x9 || point === 0xa || point === 0xd;
    return (point < 0xd800 || point > 0xdfff) && point !== 0xfffe && point !== 0xffff;
  }),
);

function law<T>(shape: Shape<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(travelled(shape, value)).toEqual(value);
    }),
  );
}

describe('laws: read(write(value)) is value', () => {
  test('text, white space and all', () => law(text, xmlText));
  test('integer', () => law(integer, fc.maxSafeInteger()));
  test('boolean', () => law(boolean, fc.boolean()));
  test('binary', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        expect([...travelled(binary, value)]).toEqual([...value]);
      }),
    );
  });
  test('a record with optional and repeated fields', () => {
    const shape = record({ name: text, count: optional(integer), tags: list(text), inner: record({ flag: boolean }) });
    const values = fc.record(
      { name: xmlText, count: fc.maxSafeInteger(), tags: fc.array(xmlText), inner: fc.record({ flag: fc.boolean() }) },
      { requiredKeys: ['name', 'tags', 'inner'], noNullPrototype: true },
    );
    law(shape, values);
  });
});

test('decimals keep every digit', () => {
  for (const value of ['0.10', '-12345678901234567890.00000000001', '.5', '+7.']) {
    expect(travelled(decimal, value)).toBe(value);
  }
});

test('a document travels as it is', () => {
  const order = XmlFragment.parse('<o:Order xmlns:o="urn:example:orders" n="1"><o:Line>a &amp; b</o:Line></o:Order>');
  expect(travelled(document, order).toString()).toBe(order.toString());
});

describe('SERVICE_SHAPE when read', () => {
  test.each(['', 'x', '1.5', '9007199254740992', '1e3', '<a/>', '0x10'])('integer: %s', (content) => {
    if (content.startsWith('<')) {
      const { element } = XmlFragment.parse(`<Value>${content}</Value>`);
      expect(() => integer.read(element, '')).toThrow();
    } else refuses(integer, content);
  });
  test.each(['', 'yes', 'TRUE', '2'])('boolean: %s', (content) => refuses(boolean, content));
  test.each(['1,5', '1e3', 'NaN', ''])('decimal: %s', (content) => refuses(decimal, content));
  test.each(['A', 'AB=C', '****', 'QQ'])('binary: %s', (content) => refuses(binary, content));
  test.each(['', '<a/><b/>'])('document: %s', (content) => refuses(document, content));
  test('text with elements in it', () => refuses(text, 'a<b/>'));
  test('something where nothing belongs', () => refuses(nothing, '<a/>'));

  const shape = record({ a: text, b: optional(text) });
  test('a record without a required field', () => refuses(shape, '<b>1</b>'));
  test('a record with a field twice', () => refuses(shape, '<a>1</a><a>2</a>'));
  test('a record with an unknown field', () => refuses(shape, '<a>1</a><c>2</c>'));
  test('a record with a field of another namespace', () => refuses(shape, '<a xmlns="urn:other">1</a>'));
  test('a record with a field named like a property of every object', () => refuses(shape, '<a>1</a><constructor/>'));
});

describe('SERVICE_SHAPE when written', () => {
  const writes = (shape: Shape<unknown>, value: unknown): (() => unknown) => {
    return () => written(shape, value);
  };
  const refusal = expect.objectContaining({ code: 'SERVICE_SHAPE' }) as ServiceError;
  test('a number that is not whole', () => expect(writes(integer, 1.5)).toThrow(refusal));
  test('a number too large to be exact', () => expect(writes(integer, 2 ** 53)).toThrow(refusal));
  test('a decimal that is none', () => expect(writes(decimal, '1e3')).toThrow(refusal));
  test('a missing field', () => expect(writes(record({ a: text }), {})).toThrow(refusal));
});
