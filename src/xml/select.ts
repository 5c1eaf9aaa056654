/**
 * XPath 1.0 over the bridge to a DOM, for policies and tools. Edges only: building the DOM of a document costs many times
 * what scanning it did, so it is built once per document.
 */
import xpath from 'xpath';
import type { XmlDocument, XmlElement } from './document.ts';
import { type Bridge, bridge } from './dom.ts';
import { XmlError } from './errors.ts';
import { NODE } from './tape.ts';

const bridges = new WeakMap<XmlDocument, { readonly bridge: Bridge; readonly nodes: ReadonlyMap<number, Node> }>();

/**
 * The elements that an XPath expression selects, in document order.
 *
 * @param element the context node; `/` is the document it belongs to
 * @param expression XPath 1.0 that yields elements
 * @param namespaces by the prefixes that the expression uses
 * @throws XmlError XML_XPATH when the expression is wrong or yields something else than elements
 */
export function select(
  element: XmlElement,
  expression: string,
  namespaces: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): readonly XmlElement[] {
  const { document } = element;
  let known = bridges.get(document);
  if (known === undefined) {
    const built = bridge(document, 0, document.tape.nodes.length / NODE);
    // The xpath package is typed over the DOM of browsers; xmldom's nodes have what it uses.
    const nodes = new Map([...built.places].map(([node, place]) => [place, node as unknown as Node]));
    known = { bridge: built, nodes };
    bridges.set(document, known);
  }
  const context = known.nodes.get(element.index);
  if (context === undefined) throw new XmlError('XML_XPATH', 'The context element is not of a scanned document');
  const found = evaluate(expression, context, namespaces);
  const indexes = new Set<number>();
  for (const node of found) {
    const place = known.bridge.places.get(node as never);
    if (place === undefined || node.nodeType !== 1) {
      throw new XmlError('XML_XPATH', `The XPath "${expression}" selects something else than elements`);
    }
    indexes.add(place);
  }
  return [...indexes].sort((one, other) => one - other).map((index) => document.at(index));
}

function evaluate(
  expression: string,
  context: Node,
  namespaces: Readonly<Record<string, string>> | ReadonlyMap<string, string>,
): readonly Node[] {
  const map = namespaces instanceof Map ? namespaces : new Map(Object.entries(namespaces));
  let found: xpath.SelectReturnType;
  try {
    found = xpath.selectWithResolver(expression, context, {
      lookupNamespaceURI: (prefix) => map.get(prefix ?? '') ?? null,
    });
  } catch (cause) {
    throw new XmlError('XML_XPATH', `The XPath "${expression}" is wrong or failed`, { cause });
  }
  if (!Array.isArray(found)) throw new XmlError('XML_XPATH', `The XPath "${expression}" yields no elements`);
  return found;
}
