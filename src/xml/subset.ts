/**
 * Canonical XML of document subsets: of any set of nodes, attributes and namespace nodes, as an XPath selects it
 * (Canonical XML 1.0 and 1.1, sections 2.1 to 2.4; Exclusive C14N, section 3). WS-Security never asks for one; tools that
 * check foreign signatures do, and it is written from the specifications' own words, without the shortcuts of
 * `canonicalize.ts`, so that each can be held against the other.
 */
import type { XmlAttribute, XmlDocument, XmlElement } from './document.ts';
import { inheritedAttributes } from './inherited.ts';
import type { Canonicalization } from './methods.ts';
import { byCodePoints, escapeText, escapeValue } from './output.ts';
import {
  CDATA,
  COMMENT,
  D_OUTER,
  D_PREFIX,
  DECLARATION,
  E_AFTER,
  E_SCOPE,
  ELEMENT,
  INSTRUCTION,
  KIND_MASK,
  N_KIND,
  N_PARENT,
  N_REF,
  N_START,
  NODE,
  RECORD,
  TEXT,
  XML_NAMESPACE_NAME,
} from './tape.ts';
import { textOf, verbatimOf } from './values.ts';

/** Which nodes are in the set. */
export interface NodeSet {
  /** An element, text, comment or instruction, by its place on the tape. */
  node(place: number): boolean;
  attribute(element: XmlElement, attribute: XmlAttribute): boolean;
  /** The namespace node of an element for a prefix ('' for the default). */
  namespace(element: XmlElement, prefix: string): boolean;
}

/** An element of the set that is open. */
interface Frame {
  readonly name: string;
  readonly after: number;
  /** What the elements inside compare their namespaces with, by prefix. */
  readonly namespaces: ReadonlyMap<string, string>;
}

/**
 * Canonicalizes a set of nodes.
 *
 * @param prefixes InclusiveNamespaces PrefixList, for exclusive methods
 * @returns the octets
 */
export function canonicalizeNodes(
  document: XmlDocument,
  method: Canonicalization,
  set: NodeSet,
  prefixes: readonly string[] = [],
): Uint8Array {
  const { nodes, elements, root } = document.tape;
  const inclusive = new Set(prefixes.map((prefix) => (prefix === '#default' ? '' : prefix)));
  const output: string[] = [];
  const open: Frame[] = [];
  const close = (before: number) => {
    for (let last = open.at(-1); last !== undefined && last.after <= before; last = open.at(-1)) {
      output.push(`</${last.name}>`);
      open.pop();
    }
  };
  for (let place = 0; place * NODE < nodes.length; place++) {
    close(place);
    const kind = (nodes[place * NODE + N_KIND] as number) & KIND_MASK;
    if (!set.node(place) || (kind === COMMENT && !method.comments)) continue;
    if (kind === ELEMENT) {
      const element = document.at(place);
      const name = qualified(element.prefix, element.local);
      const context = open.at(-1)?.namespaces ?? new Map<string, string>();
      const { rendered, namespaces } = namespaceAxis(element, set, context, method, inclusive);
      output.push(`<${name}`);
      for (const [prefix, namespace] of rendered) {
        output.push(prefix === '' ? ' xmlns="' : ` xmlns:${prefix}="`, escapeValue(namespace), '"');
      }
      for (const attribute of attributeAxis(element, set, method)) {
        output.push(` ${qualified(attribute.prefix, attribute.local)}="${escapeValue(attribute.value)}"`);
      }
      output.push('>');
      const after = elements[(nodes[place * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
      open.push({ name, after, namespaces });
    } else {
      const outside = (nodes[place * NODE + N_PARENT] as number) < 0;
      output.push(
        outside && place > root ? '\n' : '',
        content(document, place, kind),
        outside && place < root ? '\n' : '',
      );
    }
  }
  close(nodes.length);
  return Buffer.from(output.join(''), 'utf8');
}

function content(document: XmlDocument, place: number, kind: number): string {
  const { nodes, octets, ascii } = document.tape;
  const start = nodes[place * NODE + N_START] as number;
  const end = nodes[place * NODE + N_REF] as number;
  switch (kind) {
    case TEXT:
      return escapeText(textOf(octets, start, end, ascii));
    case CDATA:
      return escapeText(verbatimOf(octets, start + 9, end - 3, ascii));
    case INSTRUCTION:
      return verbatimOf(octets, start, end, ascii)
        .replace(/^(<\?[^ \t\n?]+)[ \t\n]+/, '$1 ')
        .replace(/^(<\?[^ ]+) \?>$/, '$1?>');
    default:
      return verbatimOf(octets, start, end, ascii);
  }
}

function qualified(prefix: string, local: string): string {
  return prefix === '' ? local : `${prefix}:${local}`;
}

function namespaceAxis(
  element: XmlElement,
  set: NodeSet,
  context: ReadonlyMap<string, string>,
  method: Canonicalization,
  inclusive: ReadonlySet<string>,
): { readonly rendered: readonly [string, string][]; readonly namespaces: ReadonlyMap<string, string> } {
  const axis = inScope(element);
  const rendered = new Map<string, string>();
  const namespaces = new Map(method.exclusive ? context : []);
  const used = new Set([element.prefix]);
  for (const attribute of element.attributes) {
    if (attribute.prefix !== '' && set.attribute(element, attribute)) used.add(attribute.prefix);
  }
  for (const [prefix, namespace] of axis) {
    if (!set.namespace(element, prefix)) continue;
    const asInclusive = !method.exclusive || inclusive.has(prefix);
    if (!asInclusive && !used.has(prefix)) continue;
    if (context.get(prefix) !== namespace) rendered.set(prefix, namespace);
    namespaces.set(prefix, namespace);
  }
  const hasDefault = axis.has('') && set.namespace(element, '');
  const minds = !method.exclusive || inclusive.has('') || element.prefix === '';
  if (!hasDefault && minds && (context.get('') ?? '') !== '') {
    rendered.set('', '');
    namespaces.set('', '');
  }
  return { rendered: [...rendered].sort(([one], [other]) => byCodePoints(one, other)), namespaces };
}

/** The namespace nodes of an element, without that of xml. */
function inScope(element: XmlElement): ReadonlyMap<string, string> {
  const { nodes, elements, declarations } = element.document.tape;
  const axis = new Map<string, string>();
  const record = (nodes[element.index * NODE + N_REF] as number) * RECORD;
  for (
    let index = elements[record + E_SCOPE] as number;
    index >= 0;
    index = declarations[index * DECLARATION + D_OUTER] as number
  ) {
    const prefix = element.document.name(declarations[index * DECLARATION + D_PREFIX] as number);
    const namespace = element.namespaceOf(prefix);
    if (namespace !== undefined && prefix !== 'xml') axis.set(prefix, namespace);
  }
  return axis;
}

function attributeAxis(element: XmlElement, set: NodeSet, method: Canonicalization): readonly XmlAttribute[] {
  const own = element.attributes.filter((attribute) => set.attribute(element, attribute));
  const { parent } = element;
  const orphan = parent === undefined || !set.node(parent.index);
  const inherited =
    method.exclusive || !orphan
      ? []
      : [...inheritedAttributes(element, method, (ancestor) => set.node(ancestor.index))];
  // C14N 1.1, section 2.4: the element's own xml:base takes part even where it is not in the set (example 3.8).
  const base = element.attribute('base', XML_NAMESPACE_NAME);
  if (orphan && method.edition === '1.1' && base !== undefined && !inherited.some(({ local }) => local === 'base')) {
    inherited.push({ local: 'base', value: base });
  }
  const isReplaced = ({ namespace, local }: XmlAttribute) =>
    namespace === XML_NAMESPACE_NAME && inherited.some((one) => one.local === local);
  return [
    ...own.filter((attribute) => !isReplaced(attribute)),
    ...inherited.flatMap(({ local, value }) =>
      value === undefined ? [] : [{ namespace: XML_NAMESPACE_NAME, prefix: 'xml', local, value }],
    ),
  ].sort((one, other) => byCodePoints(one.namespace, other.namespace) || byCodePoints(one.local, other.local));
}
