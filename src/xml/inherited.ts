/**
 * The xml: attributes that an element takes along from ancestors that are left out: every one in Canonical XML 1.0
 * (section 2.4), xml:lang, xml:space and a joined xml:base in Canonical XML 1.1 (section 2.4).
 */
import { joinReferences } from './base.ts';
import type { XmlElement } from './document.ts';
import type { Canonicalization } from './methods.ts';
import { byCodePoints } from './output.ts';
import { XML_NAMESPACE_NAME } from './tape.ts';

/** An attribute in the namespace of the prefix xml. */
export interface Inherited {
  readonly local: string;
  /** `undefined`: the element's own attribute is left out. */
  readonly value: string | undefined;
}

export const NOTHING_INHERITED: readonly Inherited[] = [];

/**
 * @param element what is rendered without its parent
 * @param kept true for ancestors that are rendered themselves
 * @returns sorted by local name; an xml:base among them replaces the element's own
 */
export function inheritedAttributes(
  element: XmlElement,
  method: Canonicalization,
  kept: (ancestor: XmlElement) => boolean = () => false,
): readonly Inherited[] {
  const found = new Map<string, string | undefined>();
  for (let ancestor = element.parent; ancestor !== undefined; ancestor = ancestor.parent) {
    for (const { namespace, local, value } of ancestor.attributes) {
      if (namespace !== XML_NAMESPACE_NAME || found.has(local)) continue;
      if (method.edition === '1.0' || local === 'lang' || local === 'space') found.set(local, value);
    }
  }
  for (const { namespace, local } of element.attributes) if (namespace === XML_NAMESPACE_NAME) found.delete(local);
  if (method.edition === '1.1') {
    const base = joinedBase(element, kept);
    // An empty result is not rendered, and neither is the value that it takes the place of.
    if (base !== undefined) found.set('base', base === '' ? undefined : base);
  }
  if (found.size === 0) return NOTHING_INHERITED;
  return [...found]
    .map(([local, value]) => ({ local, value }))
    .sort((one, other) => byCodePoints(one.local, other.local));
}

/** The element's xml:base joined to those of the ancestors that are left out; undefined when these have none. */
function joinedBase(element: XmlElement, kept: (ancestor: XmlElement) => boolean): string | undefined {
  const bases: string[] = [];
  for (let ancestor = element.parent; ancestor !== undefined && !kept(ancestor); ancestor = ancestor.parent) {
    const base = ancestor.attribute('base', XML_NAMESPACE_NAME);
    if (base !== undefined) bases.push(base);
  }
  if (bases.length === 0) return undefined;
  const own = element.attribute('base', XML_NAMESPACE_NAME);
  return bases
    .reverse()
    .concat(own === undefined ? [] : [own])
    .reduce((base, reference) => joinReferences(base, reference));
}
