/**
 * D2: documents so large that the scanner makes room for them at once. Whatever their length is a multiple of, no node and no
 * attribute is lost where that room ends.
 */
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { scan } from '../../src/xml/scan.ts';

const count = 200_000;
const elements = Array.from({ length: count }, (_, at) => `<a>${at % 10}</a>`).join('');
const attributes = Array.from({ length: count }, (_, at) => `<a b="${at % 10}"/>`).join('');

describe.each(Array.from({ length: 24 }, (_, more) => [more] as const))('%i octets more', (more) => {
  const padding = ' '.repeat(more);
  test('every element, and the text in it', () => {
    const { children } = scan(utf8(`<X>${padding}${elements}</X>`)).root;
    expect(children).toHaveLength(count);
    expect(children.findIndex(({ text }, at) => text !== `${at % 10}`)).toBe(-1);
  });
  test('every attribute', () => {
    const { children } = scan(utf8(`<X>${padding}${attributes}</X>`)).root;
    expect(children).toHaveLength(count);
    expect(children.findIndex((one, at) => one.attribute('b') !== `${at % 10}`)).toBe(-1);
  });
});
