import { describe, expect, test } from 'vitest';
import { canonicalizations, canonicalize } from '../../src/xml/canonicalize.ts';
import { scan } from '../../src/xml/scan.ts';
import { hasLxml, lxml } from '../xml/support.ts';
import { asLibxml2Writes } from './libxml2.ts';

const exclusiveWithComments = canonicalizations.get('http://www.w3.org/2001/10/xml-exc-c14n#WithComments');

const lookalike = `<!--<a xmlns:x="urn:x&amp;y">--><?pi <a xmlns:x="urn:x&amp;y">?> xmlns:x="urn:x&amp;y"`;
const document = Buffer.from(
  `<a:e xmlns:a='urn:x&amp;y' b=">" c="&amp;" xmlns="urn:a&amp;b&amp;c"><d xmlns:u="urn:e&amp;unused">${lookalike}</d></a:e>`,
);
const canonical = `<a:e xmlns:a="urn:x&amp;y" b=">" c="&amp;"><d xmlns="urn:a&amp;b&amp;c">${lookalike}</d></a:e>`;

describe('Canonical XML 1.0, 2.3: a namespace name is written as the value of an attribute', () => {
  test('its ampersands are escaped', () => {
    if (exclusiveWithComments === undefined) throw new Error('no such method');
    expect(Buffer.from(canonicalize(scan(document), exclusiveWithComments)).toString()).toBe(canonical);
  });

  test.skipIf(!hasLxml)(
    'libxml2 does not escape them, and nothing else is other (skipped where python3-lxml is missing)',
    () => {
      const [answer] = lxml([{ xml: document, exclusive: true, comments: true }]);
      expect(String(answer)).toBe(
        canonical.replace('xmlns:a="urn:x&amp;y"', 'xmlns:a="urn:x&y"').replace('"urn:a&amp;b&amp;c"', '"urn:a&b&c"'),
      );
      expect(asLibxml2Writes(Buffer.from(canonical)).toString()).toBe(String(answer));
    },
  );
});
