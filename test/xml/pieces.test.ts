/** What holds messages together below everything else: text and octets put together, and strings found again by their octets. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isText } from '../../src/xml/characters.ts';
import { Joiner, joined, type Piece } from '../../src/xml/joiner.ts';
import { Remembered } from '../../src/xml/remembered.ts';

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', '\u2028', '😀', '\u0000'), maxLength: 5 }),
  fc.tuple(fc.integer({ min: 1000, max: 1100 }), fc.constantFrom('', 'é', '😀', '\ud800')).map(([length, last]) => {
    return 'x'.repeat(length) + last;
  }),
);
const piece: fc.Arbitrary<Piece> = fc.oneof(
  text,
  text.map((one) => Buffer.from(one)),
);

test('law: pieces joined are their octets one after the other, wherever one needs more octets than characters', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      // Halves of a pair in two texts would be one character.
      fc.pre(pieces.every((one) => typeof one !== 'string' || one.isWellFormed() || one.length > 1000));
      const expected = Buffer.concat(pieces.map((one) => (typeof one === 'string' ? Buffer.from(one) : one)));
      expect(joined(pieces).equals(expected)).toBe(true);
      const joiner = new Joiner();
      for (const one of pieces) joiner.put(one);
      expect(joined(joiner.pieces()).equals(expected)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('law: what XML cannot carry is found in long text as in short', () => {
  const unit = fc.constantFrom(
    'a',
    '\t',
    '\r',
    '\0',
    '\x08',
    '\x0b',
    '\x0f',
    '\x10',
    '\x1f',
    ' ',
    '\ud83d',
    '\ude00',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\u{1fffe}',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 3 }), fc.nat(300), (text, place) => {
      const long = 'a'.repeat(place) + text + 'a'.repeat(300 - place);
      expect(isText(long)).toBe(isText(text));
      expect(isText(text)).toBe(/^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u.test(text));
    }),
    { numRuns: 500 },
  );
});

test('law: what is found again was remembered under these very octets', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 9, max: 3 });
  const long = fc.tuple(octets, fc.integer({ min: 190, max: 210 })).map(([some, length]) => {
    return Uint8Array.from({ length }, (_, index) => some[index % some.length] as number);
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(octets, long), { minLength: 1, maxLength: 40 }), fc.nat(3), (all, before) => {
      const remembered = new Remembered();
      const memory = all.map((one) => {
        // Something else before, and behind.
        const around = new Uint8Array(before + one.length + 8).fill(0x5a);
        around.set(one, before);
        return new DataView(around.buffer);
      });
      for (const [index, one] of all.entries()) {
        const words = memory[index] as DataView;
        const end = before + one.length;
        const name = Buffer.from(one).toString('hex');
        expect(['', name]).toContain(remembered.find(words, before, end));
        expect(remembered.keep(name, words, before, end)).toBe(name);
        expect(remembered.find(words, before, end)).toBe(one.length > 200 ? '' : name);
      }
      for (const [index, one] of all.entries()) {
        const name = Buffer.from(one).toString('hex');
        expect(['', name]).toContain(remembered.find(memory[index] as DataView, before, before + one.length));
      }
    }),
  );
});
