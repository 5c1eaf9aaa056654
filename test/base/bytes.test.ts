import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64, concat, equalBytes, fromBase64, fromUtf8, utf8, view } from '../../src/base/bytes.ts';

const octets = fc.uint8Array({ maxLength: 64 });

describe('base64 is strict: one text per value (attack R2)', () => {
  test('law: what is encoded decodes to itself, with white space anywhere', () => {
    fc.assert(
      fc.property(octets, fc.nat(), (bytes, place) => {
        const text = base64(bytes);
        const at = text.length === 0 ? 0 : place % text.length;
        const spaced = `${text.slice(0, at)} \r\n\t${text.slice(at)}`;
        expect(fromBase64(text)).toEqual(view(bytes));
        expect(fromBase64(spaced)).toEqual(view(bytes));
      }),
    );
  });

  test('law: no two texts without white space stand for one value', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABab01+/=-_'), maxLength: 12 }), (text) => {
        const bytes = fromBase64(text);
        if (bytes !== undefined) expect(base64(bytes)).toBe(text);
      }),
    );
  });

  const long = fc.uint8Array({ minLength: 192, maxLength: 400 }).map((bytes) => base64(bytes));
  const other = fc.constantFrom(
    'A',
    'z',
    '+',
    '/',
    '=',
    '==',
    '-',
    '_',
    '\u00a0',
    '\u0141',
    '\u{1f600}',
    '*',
    '',
    'AAAA',
  );

  test('law: in a long text too one character more, less or other makes another value or none', () => {
    fc.assert(
      fc.property(long, fc.nat(), fc.integer({ min: 0, max: 4 }), other, (text, place, gone, put) => {
        const at = place % 2 === 0 ? text.length - gone : place % text.length;
        const changed = text.slice(0, at) + put + text.slice(at + gone);
        const spelled = Buffer.from(changed, 'base64').toString('base64');
        expect(fromBase64(changed)).toEqual(spelled === changed ? Buffer.from(changed, 'base64') : undefined);
        expect(fromBase64(text)).toEqual(Buffer.from(text, 'base64'));
        expect(fromBase64(`${text.slice(0, at)} \n${text.slice(at)}`)).toEqual(Buffer.from(text, 'base64'));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['unused bits that are not 0', 'AB=='],
    ['padding left out', 'AA'],
    ['padding twice', 'AA=='.repeat(2)],
    ['the URL alphabet', '-_8='],
    ['an octet outside the alphabet', 'AA*A'],
    ['a no-break space', 'AAAA\u00a0'],
  ])('%s is no base64', (_, text) => {
    expect(fromBase64(text)).toBeUndefined();
    expect(fromBase64('AAAA'.repeat(100) + text)).toBeUndefined();
    expect(fromBase64(`${text}${'AAAA'.repeat(100)}`)).toBeUndefined();
  });

  test.each([
    ['padding in the midst of it', '='],
    ['the URL alphabet for +', '-'],
    ['the URL alphabet for /', '_'],
    ['a character whose lower octet is of the alphabet', '\u0141'],
  ])('%s: a long text is no base64', (_, put) => {
    for (const at of [0, 200, 395]) {
      const text = 'A'.repeat(400);
      expect(fromBase64(text.slice(0, at) + put + text.slice(at + 1))).toBeUndefined();
    }
  });
});

describe('octets', () => {
  test('concat joins in order', () => {
    expect(fromUtf8(concat([utf8('a'), utf8(''), utf8('bé')]))).toBe('abé');
  });

  test('equalBytes compares values and lengths', () => {
    expect(equalBytes(utf8('same'), utf8('same'))).toBe(true);
    expect(equalBytes(utf8('same'), utf8('sane'))).toBe(false);
    expect(equalBytes(utf8('same'), utf8('sam'))).toBe(false);
    for (const length of [1, 31, 32, 33, 500]) {
      const one = new Uint8Array(length).fill(7);
      expect(equalBytes(one, Uint8Array.from(one))).toBe(true);
      for (const at of [0, length - 1]) expect(equalBytes(one, one.with(at, 8))).toBe(false);
    }
  });

  test('view shares the memory, with its offset', () => {
    const whole = utf8('abcdef');
    const part = whole.subarray(2, 4);
    const seen = view(part);
    expect(seen.toString()).toBe('cd');
    whole[2] = 0x58;
    expect(seen.toString()).toBe('Xd');
  });

  test.each([[[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xff]], [[0xe2, 0x82]]])('%j is not UTF-8', (bytes) => {
    expect(() => fromUtf8(Uint8Array.from(bytes))).toThrow(TypeError);
  });

  test('a byte order mark is a character like any other', () => {
    expect(fromUtf8(Uint8Array.from([0xef, 0xbb, 0xbf, 0x61]))).toBe('\ufeffa');
  });
});
