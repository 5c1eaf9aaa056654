/**
 * WS-Policy 1.2 (2004/09) and 1.5 (the namespaces of July 2006 and of the recommendation) in normal form: a policy is a list of
 * alternatives, an alternative a list of assertions, an assertion perhaps holds one alternative of a nested policy (WS-Policy 1.5
 * framework, sections 4.1 to 4.4). The cross product of choices is bounded: a few lines of policy can ask for millions.
 */
import type { XmlElement } from '../xml/document.ts';
import { MetadataError } from './errors.ts';

export const policyNamespaces: readonly string[] = Object.freeze([
  'http://schemas.xmlsoap.org/ws/2004/09/policy',
  'http://www.w3.org/2006/07/ws-policy',
  'http://www.w3.org/ns/ws-policy',
]);

export interface PolicyAssertion {
  /** As it stands in its document, parameters included. */
  readonly element: XmlElement;
  readonly ignorable: boolean;
  /** What is demanded inside; absent where the assertion has no nested policy. */
  readonly nested: PolicyAlternative | undefined;
}

export type PolicyAlternative = readonly PolicyAssertion[];

/** Any one of these will do; none at all means that nothing can satisfy the policy. */
export type PolicyAlternatives = readonly PolicyAlternative[];

/** Finds the wsp:Policy that a PolicyReference names. */
export type PolicyResolver = (uri: string) => XmlElement | undefined;

export interface PolicyLimits {
  readonly alternatives: number;
  /** Assertions in all alternatives together. */
  readonly assertions: number;
  /** Operators, assertions and references within one another. */
  readonly depth: number;
}

const policyLimits: PolicyLimits = Object.freeze({ alternatives: 4_096, assertions: 65_536, depth: 64 });

/**
 * The normal form of a policy.
 *
 * @param element a wsp:Policy, or another operator of WS-Policy
 * @throws MetadataError `METADATA_POLICY_MALFORMED`, `METADATA_POLICY_REFERENCE`, `METADATA_POLICY_LIMIT`
 */
export function normalizePolicy(
  element: XmlElement,
  resolve: PolicyResolver = () => undefined,
  limits: PolicyLimits = policyLimits,
): PolicyAlternatives {
  if (!isOperator(element)) throw malformed(`${element.local} is no policy.`);
  return new Normalizer(resolve, limits).of(element, []);
}

const operators: ReadonlySet<string> = new Set(['Policy', 'All', 'ExactlyOne', 'PolicyReference']);

function isOperator(element: XmlElement): boolean {
  return policyNamespaces.includes(element.namespace) && operators.has(element.local);
}

class Normalizer {
  readonly #resolve: PolicyResolver;
  readonly #limits: PolicyLimits;
  #depth = 0;

  constructor(resolve: PolicyResolver, limits: PolicyLimits) {
    this.#resolve = resolve;
    this.#limits = limits;
  }

  /** @param within URIs of the references that are being followed */
  of(element: XmlElement, within: readonly string[]): PolicyAlternatives {
    if (++this.#depth > this.#limits.depth) throw tooLarge(`is nested more than ${this.#limits.depth} deep`);
    try {
      return isOperator(element) ? this.#operator(element, within) : this.#assertion(element, within);
    } finally {
      this.#depth--;
    }
  }

  #operator(element: XmlElement, within: readonly string[]): PolicyAlternatives {
    if (element.local === 'PolicyReference') return this.#referred(element, within);
    const parts = element.children.map((part) => this.of(part, within));
    return element.local === 'ExactlyOne' ? this.#bounded(parts.flat()) : this.#product(parts);
  }

  #referred(reference: XmlElement, within: readonly string[]): PolicyAlternatives {
    const uri = reference.attribute('URI') ?? '';
    const policy = within.includes(uri) ? undefined : this.#resolve(uri);
    if (policy !== undefined && isOperator(policy)) return this.of(policy, [...within, uri]);
    throw new MetadataError(
      'METADATA_POLICY_REFERENCE',
      `The policy "${uri.slice(0, 200)}" ${within.includes(uri) ? 'refers to itself' : 'is not there'}. Give the document that holds it.`,
    );
  }

  #assertion(element: XmlElement, within: readonly string[]): PolicyAlternatives {
    const policies = element.children.filter((one) => isOperator(one) && one.local === 'Policy');
    const [policy, second] = policies;
    if (second !== undefined) throw malformed(`${element.local} holds two policies.`);
    const nested = policy === undefined ? [undefined] : this.of(policy, within);
    const ignorable = flag(element, 'Ignorable');
    const alternatives = nested.map((one) => [{ element, ignorable, nested: one }]);
    return flag(element, 'Optional') ? [...alternatives, []] : alternatives;
  }

  #product(parts: readonly PolicyAlternatives[]): PolicyAlternatives {
    let all: PolicyAlternatives = [[]];
    for (const part of parts) {
      if (all.length * part.length > this.#limits.alternatives) throw this.#tooMany();
      all = this.#bounded(all.flatMap((one) => part.map((other) => [...one, ...other])));
    }
    return all;
  }

  #bounded(all: PolicyAlternatives): PolicyAlternatives {
    const assertions = all.reduce((sum, one) => sum + one.length, 0);
    if (all.length > this.#limits.alternatives || assertions > this.#limits.assertions) throw this.#tooMany();
    return all;
  }

  #tooMany(): MetadataError {
    return tooLarge(`has more than ${this.#limits.alternatives} alternatives`);
  }
}

function flag(element: XmlElement, local: string): boolean {
  return policyNamespaces.some((namespace) => {
    const value = element.attribute(local, namespace)?.trim();
    return value === 'true' || value === '1';
  });
}

function malformed(what: string): MetadataError {
  return new MetadataError('METADATA_POLICY_MALFORMED', `${what} Compare it with WS-Policy 1.5, section 4.`);
}

function tooLarge(what: string): MetadataError {
  return new MetadataError('METADATA_POLICY_LIMIT', `The policy ${what}. State fewer choices.`);
}
