/** The compiled kernel makes the tape that the scanner in TypeScript makes, or none, and canonical forms are the same with it and without. */
import { describe, expect, test } from 'vitest';
import { sampleMessage } from '../../bench/sample.ts';
import { compiled, hasCompiler } from '../../kernel/build.ts';
import { seededRandom } from '../../src/base/random.ts';
import { canonicalizations, canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import { declaration, decode } from '../../src/xml/encoding.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { scanCompiled } from '../../src/xml/kernel.ts';
import { octets } from '../../src/xml/kernel-octets.ts';
import { type XmlLimits, xmlLimits } from '../../src/xml/limits.ts';
import { scan } from '../../src/xml/scan.ts';
import { scanPlainly } from '../../src/xml/scanner.ts';
import type { Tape } from '../../src/xml/tape.ts';
import { dice, mutate, octetsOf } from '../fuzz/mutate.ts';
import { captured } from './captured.ts';
import { messyDocument } from './messy.ts';

const SEED = 20261129;

/** A tape as something that is quickly compared. */
function digestOf({ octets, words: _, scan: __, ...tape }: Tape): string {
  const runs = Object.entries(tape).map(([name, run]) =>
    run instanceof Int32Array ? `${name} ${run.join(',')}` : JSON.stringify([name, run]),
  );
  return [octets.toString('latin1'), ...runs.sort()].join('\n');
}

/** What both scanners make of a document: 1 where both make a tape, 0 where it is left to the one in TypeScript. */
function compare(bytes: Uint8Array, changed: Partial<XmlLimits> = {}): 0 | 1 {
  const limits = { ...xmlLimits, ...changed };
  const read = quietly(() => {
    const source = decode(bytes, limits.bytes);
    return { source, start: declaration(source) };
  });
  if (read === undefined) return 0;
  const fast = scanCompiled(read.source, read.start, limits);
  if (fast === undefined) return 0;
  const plain = quietly(() => scanPlainly(read.source, read.start, limits));
  if (plain === undefined || digestOf(plain) !== digestOf(fast)) {
    throw new Error(`seed ${SEED}: another tape of ${Buffer.from(bytes).toString('latin1', 0, 2_000)}`);
  }
  return 1;
}

function quietly<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof XmlError) return undefined;
    throw thrown;
  }
}

describe('the compiled scanner and the one in TypeScript', () => {
  test('are the same on what peers sent, which is all left to the compiled one', () => {
    const all = [...captured().values()].flat();
    const left = all.filter(({ xml }) => compare(xml) === 0).map(({ name }) => name);
    expect(left).toEqual([]);
  });

  test(`are the same on 2,000 untidy documents and what comes of them (seed ${SEED})`, () => {
    const by = dice(seededRandom(SEED));
    let read = 0;
    for (let turn = 0; turn < 2_000; turn++) {
      const text = messyDocument(by.random);
      read += compare(Buffer.from(text));
      read += compare(Buffer.from(text.replace(/[^\0-\x7f]/gu, 'x')));
      for (let time = 0; time < 3; time++) read += compare(octetsOf(mutate(text, by, text), by));
    }
    expect(read).toBeGreaterThan(2_000);
  });

  test('are the same at every limit', () => {
    const text = '<a xmlns="urn:a" xmlns:p="urn:p"><p:b c="123" p:d="&amp;"/>text<e><f/><!--12--><![CDATA[3]]></e></a>';
    const at: Readonly<Record<Exclude<keyof XmlLimits, 'output' | 'bytes'>, number>> = {
      ...{ depth: 3, attributes: 2, namespaces: 2, name: 7, text: 5, nodes: 7 },
    };
    expect(compare(Buffer.from(text), at)).toBe(1);
    for (const [limit, most] of Object.entries(at)) {
      expect(compare(Buffer.from(text), { ...at, [limit]: most - 1 }), limit).toBe(0);
    }
  });

  test('are the same where tables are full', () => {
    const many = (count: number, one: (at: number) => string) =>
      Buffer.from(`<a>${Array.from({ length: count }, (_, at) => one(at)).join('')}</a>`);
    const full: Readonly<Record<string, readonly [most: number, one: (at: number) => string]>> = {
      names: [2_046, (at) => `<e${at}/>`],
      namespaces: [125, (at) => `<b xmlns="urn:${at}"/>`],
      'octets of a document': [(1 << 18) - 2, () => '<b/>'],
    };
    for (const [what, [most, one]] of Object.entries(full)) {
      expect(compare(many(most, one), { nodes: 1_000_000 }), what).toBe(1);
      expect(compare(many(most + 1, one), { nodes: 1_000_000 }), what).toBe(0);
    }
    const attributes = (count: number) =>
      Buffer.from(`<a ${Array.from({ length: count }, (_, at) => `b${count - at}=""`).join(' ')}/>`);
    expect([compare(attributes(16)), compare(attributes(17))]).toEqual([1, 0]);
  });

  test('see nothing of the document before', () => {
    const before = Buffer.from(`<a xmlns:p="urn:p"><p:secret b="1"/><p:secret b="2"/>${'<c/>'.repeat(100)}</a>`);
    for (const xml of [
      '<p:secret/>',
      '<a',
      '<',
      '<p:secret b="',
      '<a><p:secret/></a>',
      '<a>text',
      '<a><!--',
      '<a><![CDATA[',
    ]) {
      expect(compare(before)).toBe(1);
      expect(compare(Buffer.from(xml)), xml).toBe(0);
    }
    expect(compare(before)).toBe(1);
    expect(compare(Buffer.from('<secret b="1"><p b="2"/></secret>'))).toBe(1);
  });

  test(`make tapes that own what they say, whatever is read after them and wherever it was read from (seed ${SEED})`, () => {
    const by = dice(seededRandom(SEED));
    const network = Buffer.alloc(200_000);
    const kept = Array.from({ length: 300 }, () => {
      // Some are large enough for the copy of a run by the runtime, some are left to the other scanner.
      const octets = Buffer.from(
        by.chance(0.3) ? `<all>${'<line n="1"/>'.repeat(200)}</all>` : messyDocument(by.random),
      );
      octets.copy(network);
      return quietly(() => scan(network.subarray(0, octets.length)));
    }).filter((document) => document !== undefined);
    expect(kept.length).toBeGreaterThan(200);
    const runs = ({ tape }: (typeof kept)[number]) => digestOf(tape);
    const before = kept.map(runs);
    network.fill(0x78);
    const secret = `<secret ${Array.from({ length: 9 }, (_, at) => `a${at}="${'s'.repeat(500)}"`).join(' ')}/>`;
    for (let more = 0; more < 50; more++) scan(Buffer.from(`<a>${secret.repeat(more)}</a>`));
    expect(kept.map(runs)).toEqual(before);
    expect(before.join()).not.toContain('sss');
  });

  test(`write the same canonical forms (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const tidy = (text: string) => text.replace(/\?>\s*|>\s+/g, '>').replace(/'/g, '"');
    const texts = Array.from({ length: 300 }, () => messyDocument(random));
    const peers = [...captured().values()].flatMap((all) => all.slice(0, 12)).map(({ xml }) => xml.toString());
    const lines = sampleMessage(3_000).toString();
    for (const text of [...texts, ...texts.map(tidy), ...peers, lines, lines.replaceAll('<po:Line', '\n<po:Line  ')]) {
      const document = quietly(() => scan(Buffer.from(text)));
      if (document === undefined) continue;
      const [one, other] = document.root.children;
      const all = [
        () => canonicalize(document, exclusive),
        () => canonicalize(document.root, exclusive, { ...(one && { without: one }) }),
        () => canonicalize(other ?? document.root, exclusive, { prefixes: ['#default', 'a', 'b', 's'] }),
        ...[...canonicalizations.values()].map((method) => () => canonicalize(one ?? document.root, method)),
      ];
      const fast = all.map((write) => Buffer.from(write()).toString('latin1'));
      // Whatever is scanned takes its place in the memory of the compiled one.
      scan(Buffer.from('<a/>'));
      expect(
        all.map((write) => Buffer.from(write()).toString('latin1')),
        `seed ${SEED}: ${text}`,
      ).toEqual(fast);
    }
  });

  test('keep to the limit of what canonical form may have', () => {
    const { root } = scan(sampleMessage(5_000));
    const { length } = canonicalize(root, exclusive);
    expect(canonicalize(root, exclusive, { limit: length }).length).toBe(length);
    expect(() => canonicalize(root, exclusive, { limit: length - 1 })).toThrow(XmlError);
  });

  test.skipIf(!hasCompiler)(
    'octets are those that come of the source',
    () => {
      expect(compiled()).toBe(octets);
    },
    180_000,
  );
});
