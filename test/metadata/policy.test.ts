/** WS-Policy in normal form: the upstream pairs of Apache CXF and Neethi, and policies that mean to be expensive. */
import { describe, expect, test } from 'vitest';
import { MetadataError } from '../../src/metadata/errors.ts';
import { normalizePolicy, policyNamespaces } from '../../src/metadata/policy.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { vectorCases, vectorsFolder, vectorsThere } from '../vectors/manifest.ts';
import { judgeNormalForm, judgePolicy } from '../vectors/policies.ts';

if (!vectorsThere) console.info(`policy vectors skipped: ${vectorsFolder} is absent`);

const wsp = (text: string) => scan(Buffer.from(`<w:Policy xmlns:w="${policyNamespaces[2]}">${text}</w:Policy>`)).root;

describe.skipIf(!vectorsThere)('policy vectors', () => {
  const pairs = vectorCases('policy-normalize', ['ws-policy']);
  const read = vectorCases('policy-parse', ['ws-policy']);
  test.each(pairs)('$id has the normal form of its pair', async (one) => {
    expect(await judgeNormalForm(one)).toMatchObject({ outcome: 'pass' });
  });
  test.each(read)('$id: $expect', async (one) => {
    expect(await judgePolicy(one)).toMatchObject({ outcome: 'pass' });
  });
  test('there were pairs, policies of services, and one that is no XML', () => {
    expect([pairs.length, read.length]).toEqual([61, 82]);
  });
});

describe('WS-Policy', () => {
  test('an optional assertion is there or not; choices multiply; nothing satisfies an empty ExactlyOne', () => {
    const count = (text: string) => normalizePolicy(wsp(text)).length;
    expect(count('<a xmlns="urn:a" w:Optional="true"/>')).toBe(2);
    expect(
      count('<w:ExactlyOne><a xmlns="urn:a"/><b xmlns="urn:a"/></w:ExactlyOne><c xmlns="urn:a" w:Optional="1"/>'),
    ).toBe(4);
    expect(count('<w:ExactlyOne/>')).toBe(0);
    expect(count('')).toBe(1);
  });

  test('a nested policy with a choice makes a choice of the assertion', () => {
    const [one, other] = normalizePolicy(
      wsp('<t xmlns="urn:a"><w:Policy><w:ExactlyOne><x/><y/></w:ExactlyOne></w:Policy></t>'),
    );
    expect(one?.[0]?.nested?.[0]?.element.local).toBe('x');
    expect(other?.[0]?.nested?.[0]?.element.local).toBe('y');
  });

  test('attack: thirty optional assertions would be a thousand million alternatives', () => {
    const text = Array.from({ length: 30 }, (_, index) => `<a${index} xmlns="urn:a" w:Optional="true"/>`).join('');
    expect(() => normalizePolicy(wsp(text))).toThrow(expect.objectContaining({ code: 'METADATA_POLICY_LIMIT' }));
  });

  test('attack: policies within policies, and a reference that leads back to itself', () => {
    const deep = `${'<w:All>'.repeat(80)}${'</w:All>'.repeat(80)}`;
    expect(() => normalizePolicy(wsp(deep))).toThrow(expect.objectContaining({ code: 'METADATA_POLICY_LIMIT' }));
    const loop: XmlElement = wsp('<w:PolicyReference URI="#loop"/>');
    expect(() => normalizePolicy(loop, () => loop)).toThrow(
      expect.objectContaining({ code: 'METADATA_POLICY_REFERENCE' }),
    );
    expect(() => normalizePolicy(loop)).toThrow(MetadataError);
  });

  test('what is no policy is none', () => {
    const { root: other } = scan(Buffer.from('<a xmlns="urn:a"/>'));
    expect(() => normalizePolicy(other)).toThrow(expect.objectContaining({ code: 'METADATA_POLICY_MALFORMED' }));
    expect(Buffer.from(canonicalize(other, exclusive)).toString()).toBe('<a xmlns="urn:a"></a>');
  });
});
