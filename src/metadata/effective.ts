/** The policy in force on something: those attached to each of its subjects, together (WS-PolicyAttachment 1.5 section 3). */
import type { XmlElement } from '../xml/document.ts';
import { MetadataError } from './errors.ts';
import { wsam, wsap200408, wsaw } from './namespaces.ts';
import { normalizePolicy, type PolicyAlternatives, policyNamespaces } from './policy.ts';
import type { Wsdl } from './wsdl.ts';

/** Alternatives of a policy put together. */
export const mostAlternatives: number = 1_024;

/** Extension elements of WSDL that say what an assertion would say. */
const extensions: readonly (readonly [namespace: string, local: string])[] = [
  [wsaw, 'UsingAddressing'],
  [wsam, 'Addressing'],
  [wsap200408, 'UsingAddressing'],
];

/**
 * @param subjects elements that may hold policies, references to them, or a list of references as an attribute
 * @throws MetadataError `METADATA_POLICY_MALFORMED`, `METADATA_POLICY_REFERENCE`, `METADATA_POLICY_LIMIT`
 */
export function effectivePolicy(subjects: readonly XmlElement[], wsdl: Wsdl): PolicyAlternatives {
  let all: PolicyAlternatives = [[]];
  const add = (more: PolicyAlternatives): void => {
    if (all.length * more.length > mostAlternatives) {
      throw new MetadataError(
        'METADATA_POLICY_LIMIT',
        `The policies together have more than ${mostAlternatives} alternatives. State fewer choices.`,
      );
    }
    all = all.flatMap((one) => more.map((other) => [...one, ...other]));
  };
  for (const subject of subjects) {
    for (const one of subject.children) {
      const isPolicy = policyNamespaces.includes(one.namespace) && ['Policy', 'PolicyReference'].includes(one.local);
      if (isPolicy) add(normalizePolicy(one, wsdl.policy));
      else if (extensions.some(([namespace, local]) => one.is(namespace, local))) {
        add([[{ element: one, ignorable: false, nested: undefined }]]);
      }
    }
    for (const uri of policyUris(subject)) add(normalizePolicy(referenced(uri, wsdl), wsdl.policy));
  }
  return all;
}

function policyUris(subject: XmlElement): readonly string[] {
  return subject.attributes
    .filter(({ namespace, local }) => local === 'PolicyURIs' && policyNamespaces.includes(namespace))
    .flatMap(({ value }) => value.split(/\s+/).filter((uri) => uri !== ''));
}

function referenced(uri: string, wsdl: Wsdl): XmlElement {
  const policy = wsdl.policy(uri);
  if (policy !== undefined) return policy;
  throw new MetadataError(
    'METADATA_POLICY_REFERENCE',
    `The policy "${uri.slice(0, 200)}" is not there. Give the document that holds it.`,
  );
}
