/** Canonical XML vectors: the octets, of a document or of a node set, and hardening samples, which are refused. */
import { readFileSync } from 'node:fs';
import { canonicalizations, canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlDocument } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { canonicalizeNodes } from '../../src/xml/subset.ts';
import { expandDtd } from '../xml/dtd.ts';
import { nodeSet } from '../xml/support.ts';
import { type VectorCase, vectorOctets, vectorPath } from './manifest.ts';
import { errorOf, type Judge, pass, refusedBy, type VectorResult, wrong } from './result.ts';

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

export const judgeCanonical: Judge = async (one) => {
  const { alg, xpath, expect } = one as VectorCase & { alg?: string; xpath?: string; expect: { octets: string } };
  const path = vectorPath(one);
  const { document, refused } = await scanned(vectorOctets(one), (system) =>
    readFileSync(path.replace(/[^/]*$/, system), 'utf8'),
  );
  const method = canonicalizations.get(String(alg));
  if (method === undefined) return wrong(`an unknown method ${alg}`);
  const actual =
    xpath === '' || xpath === undefined
      ? canonicalize(document, method)
      : canonicalizeNodes(document, method, nodeSet(document, corrected.get(one.id) ?? xpath, namespaces));
  if (Buffer.from(actual).toString() !== readFileSync(vectorPath(one, expect.octets), 'utf8')) {
    return wrong('other octets');
  }
  return pass(refused === '' ? 'the octets' : `refused as it is (${refused}); without that, the octets`);
};

/** Scans what SOAP allows; of the rest, sees that it is refused, and scans what it would be without the refused part. */
async function scanned(
  input: Uint8Array,
  load: (system: string) => string,
): Promise<{ readonly document: XmlDocument; readonly refused: string }> {
  let text = Buffer.from(input).toString('utf8');
  const refused: string[] = [];
  if (/<!DOCTYPE/.test(text)) {
    await requireCode(() => scan(input), 'XML_DTD');
    refused.push('a document type declaration');
    text = expandDtd(text, load);
  }
  if (/encoding="ISO-8859-1"/.test(text)) {
    await requireCode(() => scan(Buffer.from(text)), 'XML_ENCODING');
    refused.push('another encoding than UTF');
    text = text.replace('ISO-8859-1', 'UTF-8');
  }
  return { document: scan(Buffer.from(text)), refused: refused.join(', ') };
}

async function requireCode(work: () => unknown, code: string): Promise<void> {
  const error = await errorOf(work);
  if (error?.code !== code) throw new Error(`${code} was to be thrown, not ${error}`);
}

export const judgeHardening: Judge = async (one): Promise<VectorResult> => {
  const error = await errorOf(() => scan(vectorOctets(one)));
  if (one.expect === 'reject-dtd') {
    return error?.code === 'XML_DTD' ? pass('refused: a document type declaration') : wrong(`not refused: ${error}`);
  }
  if (one.id === 'defusedxml.simple-ns.xml') {
    // What could never be canonicalized is not scanned either.
    return error?.code === 'XML_NAMESPACE' ? refusedBy('namespace names are absolute') : wrong(String(error));
  }
  return error === undefined ? pass('is read') : wrong(String(error));
};
