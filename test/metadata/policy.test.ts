/** WS-Policy in normal form: the upstream pairs of Apache CXF and Neethi, and policies that mean to be expensive. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MetadataError } from '../../src/metadata/errors.ts';
import {
  normalizePolicy,
  type PolicyAlternatives,
  type PolicyAssertion,
  policyNamespaces,
} from '../../src/metadata/policy.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';

const folder = join(import.meta.dirname, '../../../shared/vectors/ws-policy');
const there = existsSync(folder);
if (!there) console.info(`policy vectors skipped: ${folder} is absent`);

interface Case {
  readonly id: string;
  readonly file: string;
  readonly kind: string;
  readonly expect: 'parse' | 'malformed' | { readonly normalized: string };
}

const cases: readonly Case[] = there
  ? (JSON.parse(readFileSync(join(folder, 'MANIFEST.json'), 'utf8')) as { cases: readonly Case[] }).cases
  : [];

const root = (file: string) => scan(new Uint8Array(readFileSync(join(folder, file)))).root;
const wsp = (text: string) => scan(Buffer.from(`<w:Policy xmlns:w="${policyNamespaces[2]}">${text}</w:Policy>`)).root;

const sp12 = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702';
/** What WS-SecurityPolicy 1.2 means where nothing is said; the pairs of WSS4J have it written out. */
const defaults: ReadonlyMap<string, { readonly attribute?: string; readonly child?: string }> = new Map([
  [`${sp12} X509Token`, { attribute: `${sp12} IncludeToken=${sp12}/IncludeToken/Always` }],
  [`${sp12} SignedElements`, { attribute: ' XPathVersion=1.0' }],
  [`${sp12} EncryptedElements`, { attribute: ' XPathVersion=1.0' }],
  [`${sp12} SignedParts`, { child: `(${sp12} Body   )` }],
  [`${sp12} EncryptedParts`, { child: `(${sp12} Body   )` }],
]);

/**
 * An assertion as text: defaults written out, without the white space between elements, and with its nested policy behind it in
 * normal form.
 */
function shown({ element, nested }: PolicyAssertion): string {
  const inner = nested === undefined ? '' : `[${nested.map(shown).toSorted().join(' ')}]`;
  return bare(element) + inner;
}

function bare(one: XmlElement): string {
  if (policyNamespaces.includes(one.namespace)) return '';
  const name = `${one.namespace} ${one.local}`;
  const { attribute, child = '' } = defaults.get(name) ?? {};
  const said = one.attributes
    .filter(({ namespace }) => !policyNamespaces.includes(namespace))
    .map(({ namespace, local, value }) => `${namespace} ${local}=${value}`);
  const attributes = said.length === 0 && attribute !== undefined ? [attribute] : said.toSorted();
  const children = one.children.map(bare).join('');
  return `(${name} ${attributes.join(',')} ${one.text.trim()} ${children === '' ? child : children})`;
}

const choices = (alternatives: PolicyAlternatives) =>
  alternatives.map((one) => one.map(shown).toSorted().join(' & ')).toSorted();

/** Every wsp:Policy below an element, outermost first. */
function policies(element: XmlElement): readonly XmlElement[] {
  if (policyNamespaces.includes(element.namespace) && element.local === 'Policy') return [element];
  return element.children.flatMap(policies);
}

describe.skipIf(!there)('policy vectors', () => {
  for (const one of cases)
    test(`${one.id}: ${typeof one.expect === 'string' ? one.expect : 'has the normal form of its pair'}`, () => {
      if (one.expect === 'malformed') {
        expect(() => root(one.file)).toThrow(XmlError);
      } else if (one.expect === 'parse') {
        const document = root(one.file);
        const byName: ReadonlyMap<string, XmlElement> = new Map(
          policies(document).flatMap((policy) => {
            const id = policy.attribute(
              'Id',
              'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd',
            );
            return id === undefined ? [] : [[`#${id}`, policy] as const];
          }),
        );
        for (const policy of policies(document)) normalizePolicy(policy, (uri) => byName.get(uri));
      } else {
        const normalized = choices(normalizePolicy(root(one.expect.normalized)));
        expect(choices(normalizePolicy(root(one.file)))).toEqual(normalized);
      }
    });

  test('there were pairs, policies of services, and one that is no XML', () => {
    expect(cases.length).toBe(143);
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
