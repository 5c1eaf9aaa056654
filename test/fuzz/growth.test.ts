/** No document makes work grow faster than its length: a random part of a random document is repeated, and blocks executed are counted. */
import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Selection } from '../../src/security/transforms.ts';
import { growthOf, workOf } from './work.ts';

// After the counting has begun.
const { SurewireError } = await import('../../src/base/errors.ts');
const { seededRandom } = await import('../../src/base/random.ts');
const { addressingOf } = await import('../../src/soap/addressing.ts');
const { readEnvelope } = await import('../../src/soap/envelope.ts');
const { readSecurityHeader } = await import('../../src/security/header.ts');
const { readHeaders } = await import('../../src/reliable/headers.ts');
const { canonicalizations, canonicalize, exclusive } = await import('../../src/xml/canonicalize.ts');
const { elementsById } = await import('../../src/xml/find.ts');
const { declaration, decode } = await import('../../src/xml/encoding.ts');
const { XmlDocument } = await import('../../src/xml/document.ts');
const { xmlLimits } = await import('../../src/xml/limits.ts');
const { scanPlainly } = await import('../../src/xml/scanner.ts');
const { base64Digest } = await import('../../src/security/crypto.ts');
const { readSignature, signedInfoOctets, verifySignature, writeSignature, writeSignedInfo } = await import(
  '../../src/security/signature.ts'
);
const { byUri, hmacSha256, sha256 } = await import('../../src/security/suites.ts');
const { canonicalTransform } = await import('../../src/security/transforms.ts');
const { messyDocument } = await import('../xml/messy.ts');

/** By the scanner whose blocks are counted; the compiled one is timed, in test/xml/growth.test.ts. */
function scan(octets: Uint8Array, limits: object = {}): InstanceType<typeof XmlDocument> {
  const bounds = { ...xmlLimits, ...limits };
  const source = decode(octets, bounds.bytes);
  return new XmlDocument(scanPlainly(source, declaration(source), bounds));
}

const SEED = 20261122;
const TIMES = 50;
/** 2 is linear, 4 is quadratic. Four times as many parts stay below the limit on header blocks. */
const BOUND = 2.5;

function quietly(work: () => unknown): void {
  try {
    work();
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) throw thrown;
  }
}

const limits = { depth: 100_000, attributes: 100_000, namespaces: 100_000, nodes: 10_000_000 };

/** Reads all that a receiver reads before it has verified anything. */
function readAll(text: string): () => void {
  const octets = Buffer.from(text);
  return () =>
    quietly(() => {
      const document = scan(octets, limits);
      quietly(() => canonicalize(document, exclusive));
      quietly(() => elementsById(document));
      const message = readEnvelope(document);
      quietly(() => addressingOf(message));
      quietly(() => readHeaders(message));
      quietly(() => readSecurityHeader(message));
    });
}

/** A part between two tags, at one depth, repeated where it stands. */
function repeated(text: string, from: number, to: number): (times: number) => string {
  return (times) => text.slice(0, from) + text.slice(from, to).repeat(times) + text.slice(to);
}

test('the measure tells linear work from quadratic work', () => {
  const linear = (times: number) => readAll(`<a>${'<b/>'.repeat(times)}</a>`);
  const quadratic = (times: number) => () => {
    for (let time = 0; time < times; time++) linear(times)();
  };
  expect(growthOf(linear, TIMES)).toBeLessThan(2.1);
  expect(growthOf(quadratic, TIMES / 4)).toBeGreaterThan(3.5);
  // What is compiled meanwhile counts a little differently.
  expect(Math.abs(workOf(linear(TIMES)) / workOf(linear(TIMES)) - 1)).toBeLessThan(0.1);
});

describe('work is linear', () => {
  const random = seededRandom(SEED);
  const parts = Array.from({ length: 25 }, () => {
    const inner = messyDocument(random).replace(/^<\?xml[^>]*>/, '');
    const text = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${inner}</s:Header><s:Body>${inner}</s:Body></s:Envelope>`;
    const tags = [...text.matchAll(/<([^\s/>!?]+)[^<>]*?(\/?)>/g)];
    const tag = tags[2 + Math.floor(random.fraction() * (tags.length - 3))];
    const from = tag?.index ?? 0;
    const end =
      tag?.[2] === '/' ? from + (tag?.[0].length ?? 0) : text.indexOf('>', text.indexOf(`</${tag?.[1]}`, from)) + 1;
    return { text, from, to: end };
  });

  test(`in ${parts.length} random documents (seed ${SEED})`, () => {
    for (const { text, from, to } of parts) {
      const make = repeated(text, from, to);
      expect(
        growthOf((times) => readAll(make(times)), TIMES),
        `seed ${SEED}: ${text.slice(from, to)}`,
      ).toBeLessThan(BOUND);
    }
  });

  const shapes: Readonly<Record<string, (times: number) => string>> = {
    'header blocks': (n) => envelope('<x:h xmlns:x="urn:x"/>'.repeat(n), ''),
    'header blocks that bear ids': (n) =>
      envelope(Array.from({ length: n }, (_, at) => `<x:h xmlns:x="urn:x" Id="${at}"/>`).join(''), ''),
    'Security headers': (n) => envelope(`<w:Security xmlns:w="${wsse}"/>`.repeat(n), ''),
    'tokens in one Security header': (n) =>
      envelope(`<w:Security xmlns:w="${wsse}">${'<w:BinarySecurityToken/>'.repeat(n)}</w:Security>`, ''),
    'acknowledged ranges': (n) =>
      envelope(
        `<r:SequenceAcknowledgement xmlns:r="${rm}"><r:Identifier>i</r:Identifier>${Array.from({ length: n }, (_, at) => `<r:AcknowledgementRange Lower="${2 * at + 1}" Upper="${2 * at + 1}"/>`).join('')}</r:SequenceAcknowledgement>`,
        '',
      ),
    'elements inside one another': (n) => envelope('', '<a>'.repeat(n) + '</a>'.repeat(n)),
    'namespaces inside one another': (n) =>
      envelope(
        '',
        Array.from({ length: n }, (_, at) => `<p${at}:a xmlns:p${at}="urn:${at}">`).join('') +
          Array.from({ length: n }, (_, at) => `</p${n - 1 - at}:a>`).join(''),
      ),
    'attributes of one element': (n) =>
      envelope('', `<a${Array.from({ length: n }, (_, at) => ` a${at}="1"`).join('')}/>`),
  };
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  const rm = 'http://docs.oasis-open.org/ws-rx/wsrm/200702';
  const envelope = (header: string, body: string): string =>
    `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;

  test.each(Object.entries(shapes))('in %s', (_, make) => {
    expect(growthOf((times) => readAll(make(times)), TIMES)).toBeLessThan(BOUND);
  });
});

describe('work is linear as far as limits could be raised', () => {
  const whole = (text: string): (() => void) => {
    const octets = Buffer.from(text);
    return () => {
      canonicalize(scan(octets, limits), exclusive);
    };
  };

  test('to 100,000 siblings', () => {
    expect(growthOf((times) => whole(`<a>${'<b c="d"/>'.repeat(times)}</a>`), 25_000)).toBeLessThan(BOUND);
  });

  test('to 5,000 levels', () => {
    expect(growthOf((times) => whole('<a>'.repeat(times) + '</a>'.repeat(times)), 1_250)).toBeLessThan(BOUND);
  });

  test('to 1,000 namespaces', () => {
    const make = (times: number): string => {
      const all = Array.from({ length: times }, (_, at) => at);
      return `<a${all.map((at) => ` xmlns:p${at}="urn:${at}"`).join('')}>${all.map((at) => `<p${at}:b/>`).join('')}</a>`;
    };
    expect(growthOf((times) => whole(make(times)), 250)).toBeLessThan(BOUND);
  });

  test('to 10 MB', () => {
    const part = '<b>0123456789 0123456789 0123456789</b>'.repeat(64);
    expect(growthOf((times) => whole(`<a>${part.repeat(times)}</a>`), 1_000)).toBeLessThan(BOUND);
  });

  test('to 1,000 references', () => {
    const key = createSecretKey(Buffer.alloc(32, 1));
    const make = (times: number): (() => void) => {
      const parts = Array.from({ length: times }, (_, at) => {
        const element = `<b Id="i${at}">${at}</b>`;
        return { element, part: { id: `i${at}`, prefixes: [], digest: base64Digest(sha256, Buffer.from(element)) } };
      });
      const content = writeSignedInfo(
        parts.map(({ part }) => part),
        hmacSha256,
        sha256,
      );
      const value = createHmac('sha256', key).update(signedInfoOctets(content)).digest();
      const text = `<a>${parts.map(({ element }) => element).join('')}${writeSignature(content, value, '')}</a>`;
      const octets = Buffer.from(text.replace('<ds:KeyInfo></ds:KeyInfo>', ''));
      return () => {
        const document = scan(octets, limits);
        const ids = elementsById(document);
        const profile = {
          ...{ signatures: byUri([hmacSha256]), digests: byUri([sha256]), canonicalizations, objects: false },
          transforms: byUri([canonicalTransform(exclusive)]),
          limits: { references: 5_000, transforms: 1, octets: 10_000_000 },
          resolve: (uri = ''): Selection => {
            const element = ids.get(uri.slice(1));
            if (element === undefined) throw new Error(uri);
            return { kind: 'nodes', apex: element, element };
          },
        };
        const element = document.root.children.at(-1);
        if (element === undefined) throw new Error('no signature');
        const { covered } = verifySignature(readSignature(element, profile), key, profile);
        if (covered.size !== parts.length) throw new Error('not all is covered');
      };
    };
    expect(growthOf(make, 250)).toBeLessThan(BOUND);
  });
});
