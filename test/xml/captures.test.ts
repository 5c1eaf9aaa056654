import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalizations, canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { bodyOf, captured } from './captured.ts';
import { cases, hasLxml, lxml, vectors } from './support.ts';

function readAll(element: XmlElement): number {
  let octets = element.text.length + element.namespace.length + element.local.length;
  for (const { value } of element.attributes) octets += value.length;
  for (const child of element.children) octets += readAll(child);
  return octets;
}

/** Scans, reads and canonicalizes; what is canonical must be so again, by every method. */
function holds(xml: Buffer): void {
  const document = scan(xml);
  expect(readAll(document.root)).toBeGreaterThan(0);
  for (const method of canonicalizations.values()) {
    const octets = canonicalize(document, method);
    const again = scan(octets);
    expect(Buffer.from(canonicalize(again, method)).equals(octets)).toBe(true);
    expect(readAll(again.root)).toBe(readAll(document.root));
  }
  for (const child of document.root.children) {
    const fragment = XmlFragment.of(child);
    expect(readAll(scan(fragment.bytes).root)).toBe(readAll(child));
  }
}

function agreesWithLxml(documents: readonly Buffer[]): void {
  const methods = [...canonicalizations.values()].filter(({ edition }) => edition === '1.0');
  const jobs = documents.flatMap((xml) => methods.map(({ exclusive, comments }) => ({ xml, exclusive, comments })));
  const answers = lxml(jobs);
  jobs.forEach(({ xml }, index) => {
    const method = methods[index % methods.length];
    if (method === undefined) throw new Error('no method');
    const answer = answers[index];
    expect(Buffer.from(canonicalize(scan(xml), method)).toString()).toBe(answer?.toString());
  });
}

const captures = captured();
const traces = cases('wsrm-gsoap-traces', 'wsrm-message');

describe.skipIf(captures.size === 0)('Captures of real peers (skipped where ../shared/captures is missing)', () => {
  for (const [folder, bodies] of captures) {
    test(`${folder}: ${bodies.length} envelopes are scanned, read and canonicalized without loss`, () => {
      for (const { xml } of bodies) holds(xml);
    });
  }

  test.skipIf(!hasLxml)('libxml2 gives the same octets (skipped where python3-lxml is missing)', () => {
    agreesWithLxml([...captures.values()].flat().map(({ xml }) => xml));
  });
});

describe.skipIf(traces.length === 0)(
  'gSOAP traces (skipped where ../shared/vectors/wsrm-gsoap-traces is missing)',
  () => {
    const documents = traces.map(({ id, file }) => ({
      id,
      xml: bodyOf(readFileSync(`${vectors}wsrm-gsoap-traces/${file}`)),
    }));

    test(`${documents.length} messages are scanned, read and canonicalized without loss`, () => {
      for (const { xml } of documents) holds(xml);
    });

    test.skipIf(!hasLxml)('libxml2 gives the same octets (skipped where python3-lxml is missing)', () => {
      agreesWithLxml(documents.map(({ xml }) => xml));
    });
  },
);
