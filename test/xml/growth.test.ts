/** Shapes that cost other implementations the square of their size, or their stack. */
import { describe, expect, test } from 'vitest';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import { elementsById } from '../../src/xml/find.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { Remembered } from '../../src/xml/remembered.ts';
import { scan } from '../../src/xml/scan.ts';
import { BOUND, growth, TIMES } from '../growth.ts';

const limits = { depth: 100_000, attributes: 100_000, namespaces: 100_000, nodes: 10_000_000 };

const shapes: Readonly<Record<string, (size: number) => string>> = {
  'elements inside one another': (size) => '<a>'.repeat(size) + '</a>'.repeat(size),
  siblings: (size) => `<a>${'<b x="1"/>'.repeat(size)}</a>`,
  'comments between characters': (size) => `<a>${'x<!--c-->'.repeat(size)}</a>`,
  'attributes of one element': (size) =>
    `<a${Array.from({ length: size }, (_, n) => ` a${(n * 7919) % size}_${n}="1"`).join('')}/>`,
  'prefixes of one element': (size) => {
    const prefixes = Array.from({ length: size }, (_, n) => `p${(n * 7919) % size}x${n}`);
    const declared = prefixes.map((prefix) => ` xmlns:${prefix}="urn:${prefix}"`).join('');
    return `<a${declared}>${prefixes.map((prefix) => `<${prefix}:b/>`).join('')}</a>`;
  },
  'a new prefix on every level': (size) =>
    Array.from({ length: size }, (_, n) => `<p${n}:a xmlns:p${n}="urn:${n}">`).join('') +
    Array.from({ length: size }, (_, n) => `</p${size - 1 - n}:a>`).join(''),
  'one prefix bound anew on every level': (size) =>
    Array.from({ length: size }, (_, n) => `<p:a xmlns:p="urn:${n}">`).join('') + '</p:a>'.repeat(size),
  'different names': (size) => `<a>${Array.from({ length: size }, (_, n) => `<e${n}/>`).join('')}</a>`,
  references: (size) => `<a>${'&#65;&gt;'.repeat(size)}</a>`,
  'line ends': (size) => `<a>${'\r\n'.repeat(size)}</a>`,
  ids: (size) => `<a>${Array.from({ length: size }, (_, n) => `<b Id="${n}"/>`).join('')}</a>`,
  'words before colons': (size) => `<a xmlns:p="urn:p">${'p:x '.repeat(size)}</a>`,
};

const SMALL = 1000;

describe('No cliff', () => {
  for (const [shape, make] of Object.entries(shapes)) {
    test(shape, async () => {
      const work = (size: number) => {
        const xml = Buffer.from(make(size));
        return () => {
          const document = scan(xml, limits);
          canonicalize(document.root, exclusive);
          elementsById(document);
          return XmlFragment.of(document.root).bytes;
        };
      };
      expect(await growth(work(SMALL), work(SMALL * TIMES))).toBeLessThan(BOUND);
    });
  }

  test('a text of 10 MB in one piece', () => {
    const xml = Buffer.from(`<a>${'QUJD'.repeat(2_500_000)}</a>`);
    const { root } = scan(xml);
    expect(root.text.length).toBe(10_000_000);
    expect(canonicalize(root, exclusive).length).toBe(xml.length);
  });

  test('D6 names that a sender makes up, each met once, cost less than half of what a name that comes again is made with', () => {
    const fresh = (turn: number, what: string) => Array.from({ length: 5_000 }, (_, n) => `${what}${turn}n${n}`);
    const memory = new Remembered();
    const took = (way: 'met' | 'made', turn: number): number => {
      const names = fresh(turn, way).map((name) => Buffer.from(`${name}    `));
      const start = performance.now();
      for (const octets of names) {
        const end = octets.length - 4;
        const name = octets.toString('latin1', 0, end);
        if (way === 'met') memory.keep(name, new DataView(octets.buffer, octets.byteOffset, octets.length), 0, end);
        else Object.keys({ [name]: 0 });
      }
      return performance.now() - start;
    };
    // In turns, and on until the engine has made code of it, however busy the machine is.
    let [met, made] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let turn = 0; turn < 100 && (turn < 10 || met >= made / 2); turn++) {
      met = Math.min(met, took('met', turn));
      made = Math.min(made, took('made', turn));
    }
    expect(met).toBeLessThan(made / 2);
  });
});
