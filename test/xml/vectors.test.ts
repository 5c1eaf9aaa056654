import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalizations, canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlDocument } from '../../src/xml/document.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { scan } from '../../src/xml/scan.ts';
import { canonicalizeNodes } from '../../src/xml/subset.ts';
import { expandDtd } from './dtd.ts';
import { cases, nodeSet, vectors } from './support.ts';

const namespaces = new Map([
  ['ietf', 'http://www.ietf.org'],
  ['dsig', 'http://www.w3.org/2000/09/xmldsig#'],
]);

/** Its manifest says that no oracle confirmed the XPath; the octets are those of the subset of example 3.7. */
const corrected = new Map([
  [
    'c14n11.38',
    '(//. | //@* | //namespace::*)[self::ietf:e1 or (parent::ietf:e1 and not(self::text() or self::e2)) or count(id("E3")|ancestor-or-self::node()) = count(ancestor-or-self::node())]',
  ],
]);

const all = cases('santuario', 'c14n');
const hardening = cases('signxml', 'xml-hardening');

describe.skipIf(all.length === 0)(
  'Canonical XML vectors (skipped where ../shared/vectors/santuario is missing)',
  () => {
    for (const { id, file, alg, xpath, expect: expected } of all) {
      test(`${id}`, () => {
        const folder = `${vectors}santuario/`;
        const input = readFileSync(folder + file);
        const document = scanned(input, (system) =>
          readFileSync(`${folder}${file.replace(/[^/]*$/, '')}${system}`, 'utf8'),
        );
        const method = canonicalizations.get(String(alg));
        if (method === undefined) throw new Error(`unknown method ${alg}`);
        const actual =
          xpath === '' || xpath === undefined
            ? canonicalize(document, method)
            : canonicalizeNodes(document, method, nodeSet(document, corrected.get(id) ?? String(xpath), namespaces));
        const { octets } = expected as { octets: string };
        expect(Buffer.from(actual).toString()).toBe(readFileSync(folder + octets, 'utf8'));
      });
    }

    test('every case of the manifest is run', () => {
      expect(all.length).toBe(38);
    });
  },
);

/** Scans what SOAP allows; of the rest, sees that it is refused, and scans what it would be without the refused part. */
function scanned(input: Buffer, load: (system: string) => string): XmlDocument {
  let text = input.toString('utf8');
  if (/<!DOCTYPE/.test(text)) {
    expect(() => scan(input)).toThrow(expect.objectContaining({ code: 'XML_DTD' }));
    text = expandDtd(text, load);
  }
  if (/encoding="ISO-8859-1"/.test(text)) {
    expect(() => scan(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'XML_ENCODING' }));
    text = text.replace('ISO-8859-1', 'UTF-8');
  }
  return scan(Buffer.from(text));
}

describe.skipIf(hardening.length === 0)(
  'Hardening vectors (skipped where ../shared/vectors/signxml is missing)',
  () => {
    for (const { id, file, expect: expected } of hardening) {
      test(`${id}`, () => {
        const attempt = () => scan(readFileSync(`${vectors}signxml/${file}`));
        if (expected === 'reject-dtd') expect(attempt).toThrow(expect.objectContaining({ code: 'XML_DTD' }));
        else if (id === 'defusedxml.simple-ns.xml') {
          // Its namespace name is relative: what could never be canonicalized is not scanned either.
          expect(attempt).toThrow(expect.objectContaining({ code: 'XML_NAMESPACE' }));
        } else expect(attempt).not.toThrow(XmlError);
      });
    }
  },
);
