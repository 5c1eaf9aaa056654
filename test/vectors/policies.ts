/** WS-Policy vectors: the normal form of its pair, a policy of a service that is read, or what is no XML. */
import {
  normalizePolicy,
  type PolicyAlternatives,
  type PolicyAssertion,
  policyNamespaces,
} from '../../src/metadata/policy.ts';
import { wsu } from '../../src/security/names.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { type VectorCase, vectorOctets } from './manifest.ts';
import { errorOf, type Judge, pass, wrong } from './result.ts';

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

const root = (one: VectorCase, file?: string): XmlElement => scan(vectorOctets(one, file)).root;

export const judgeNormalForm: Judge = (one) => {
  const { normalized } = one.expect as { readonly normalized: string };
  const [own, theirs] = [one.file, normalized].map((file) => choices(normalizePolicy(root(one, file))).join('\n'));
  return own === theirs ? pass('the normal form') : wrong(`another normal form: ${own}`);
};

export const judgePolicy: Judge = async (one) => {
  if (one.expect === 'malformed') {
    const error = await errorOf(() => root(one));
    return error === undefined ? wrong('read, though it is no XML') : pass(`refused (${error.code})`);
  }
  const all = policies(root(one));
  const named = new Map(all.map((policy) => [`#${policy.attribute('Id', wsu)}`, policy]));
  const error = await errorOf(() => all.map((policy) => normalizePolicy(policy, (uri) => named.get(uri))));
  return error === undefined ? pass('is read') : wrong(String(error));
};
