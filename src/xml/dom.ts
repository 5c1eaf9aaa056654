/**
 * The bridge to @xmldom/xmldom, for applications and tools that want a DOM. Edges only: no message passes through a DOM
 * on its way.
 */
import { type Attr, DOMImplementation, type Document, type Element, type Node } from '@xmldom/xmldom';
import type { XmlDocument, XmlElement } from './document.ts';
import { XmlError } from './errors.ts';
import { XmlFragment } from './fragment.ts';
import {
  CDATA,
  COMMENT,
  D_NAMESPACE,
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
  XMLNS_NAMESPACE_NAME,
} from './tape.ts';
import { textOf, verbatimOf } from './values.ts';
import { XmlWriter } from './write.ts';

/** A DOM and which node of the tape each of its nodes stands for. */
export interface Bridge {
  readonly document: Document;
  readonly places: ReadonlyMap<Node, number>;
}

/**
 * An element as a DOM document of its own, with every namespace that is in scope for it. The copy is the application's:
 * changing it changes no message.
 */
export function toDom(element: XmlElement): Document {
  const { elements, nodes } = element.document.tape;
  const after = elements[(nodes[element.index * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
  return bridge(element.document, element.index, after).document;
}

/**
 * Builds the DOM of the nodes from `first` to before `last`: a document, or an element with what is inside.
 */
export function bridge(source: XmlDocument, first: number, last: number): Bridge {
  const { nodes, octets, ascii } = source.tape;
  const document = new DOMImplementation().createDocument(null, '');
  const places = new Map<Node, number>();
  const made = new Map<number, Node>();
  for (let place = first; place < last; place++) {
    const start = nodes[place * NODE + N_START] as number;
    const ref = nodes[place * NODE + N_REF] as number;
    const parent = made.get(nodes[place * NODE + N_PARENT] as number) ?? document;
    let node: Node;
    switch ((nodes[place * NODE + N_KIND] as number) & KIND_MASK) {
      case ELEMENT:
        node = toElement(document, source.at(place), place === first || parent === document);
        made.set(place, node);
        break;
      case TEXT:
        node = document.createTextNode(textOf(octets, start, ref, ascii));
        break;
      case CDATA:
        node = document.createCDATASection(verbatimOf(octets, start + 9, ref - 3, ascii));
        break;
      case COMMENT:
        node = document.createComment(verbatimOf(octets, start + 4, ref - 3, ascii));
        break;
      case INSTRUCTION: {
        const [, target = '', data = ''] = /^(\S+)\s*(.*)$/s.exec(verbatimOf(octets, start + 2, ref - 2, ascii)) ?? [];
        node = document.createProcessingInstruction(target, data);
        break;
      }
      default:
        throw new XmlError('XML_UNEXPECTED', 'The tape has a node of an unknown kind');
    }
    parent.appendChild(node);
    places.set(node, place);
  }
  return { document, places };
}

function toElement(document: Document, element: XmlElement, isTop: boolean): Element {
  const { elements, nodes, declarations, namespaces } = element.document.tape;
  const record = (nodes[element.index * NODE + N_REF] as number) * RECORD;
  const node = document.createElementNS(element.namespace || null, qualified(element.prefix, element.local));
  const scope = elements[record + E_SCOPE] as number;
  const parent = element.parent;
  const outer =
    isTop || parent === undefined
      ? -1
      : (elements[(nodes[parent.index * NODE + N_REF] as number) * RECORD + E_SCOPE] as number);
  const seen = new Set<string>();
  for (let index = scope; index !== outer; index = declarations[index * DECLARATION + D_OUTER] as number) {
    const prefix = element.document.name(declarations[index * DECLARATION + D_PREFIX] as number);
    if (seen.has(prefix)) continue;
    seen.add(prefix);
    const namespace = namespaces[declarations[index * DECLARATION + D_NAMESPACE] as number] as string;
    node.setAttributeNS(XMLNS_NAMESPACE_NAME, prefix === '' ? 'xmlns' : `xmlns:${prefix}`, namespace);
  }
  for (const { namespace, prefix, local, value } of element.attributes) {
    node.setAttributeNS(namespace || null, qualified(prefix, local), value);
  }
  return node;
}

function qualified(prefix: string, local: string): string {
  return prefix === '' ? local : `${prefix}:${local}`;
}

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;
const CDATA_NODE = 4;
const COMMENT_NODE = 8;
const DOCUMENT_NODE = 9;

/**
 * A DOM element, or the root of a DOM document, as a fragment. Comments are left out.
 *
 * @throws XmlError XML_UNEXPECTED for a node that is no element or has an instruction, entity or DTD inside;
 *   XML_MALFORMED, XML_NAMESPACE for what XML cannot carry
 */
export function fromDom(node: Node): XmlFragment {
  const top = node.nodeType === DOCUMENT_NODE ? (node as Document).documentElement : node;
  if (top?.nodeType !== ELEMENT_NODE) throw new XmlError('XML_UNEXPECTED', 'Give a DOM element or a DOM document');
  const writer = new XmlWriter();
  let at: Node = top;
  for (;;) {
    if (enter(writer, at) && at.firstChild !== null) {
      at = at.firstChild;
      continue;
    }
    for (;;) {
      if (at.nodeType === ELEMENT_NODE) writer.end();
      // Parsed again so that only prefixes that content needs are kept.
      if (at === top) return XmlFragment.parse(writer.finish().bytes);
      if (at.nextSibling !== null) break;
      at = at.parentNode as Node;
    }
    at = at.nextSibling;
  }
}

/** Writes what a node begins with; true when its children come next. */
function enter(writer: XmlWriter, node: Node): boolean {
  switch (node.nodeType) {
    case ELEMENT_NODE:
      start(writer, node as Element);
      return true;
    case TEXT_NODE:
    case CDATA_NODE:
      writer.text(node.nodeValue ?? '');
      return false;
    case COMMENT_NODE:
      return false;
    default:
      throw new XmlError('XML_UNEXPECTED', `A ${node.nodeName} node cannot be part of a message`);
  }
}

function start(writer: XmlWriter, element: Element): void {
  writer.start(element.namespaceURI ?? '', element.localName ?? element.nodeName, element.prefix ?? '');
  const attributes: Attr[] = Array.from(element.attributes);
  for (const { name, namespaceURI, value } of attributes) {
    if (namespaceURI === XMLNS_NAMESPACE_NAME || name === 'xmlns' || name.startsWith('xmlns:')) {
      const prefix = name === 'xmlns' ? '' : name.slice('xmlns:'.length);
      const ownDefault = prefix === '' && (element.prefix ?? '') === '';
      if (!ownDefault && prefix !== 'xml') writer.declare(prefix, value);
    }
  }
  for (const { name, localName, namespaceURI, prefix, value } of attributes) {
    if (namespaceURI === XMLNS_NAMESPACE_NAME || name === 'xmlns' || name.startsWith('xmlns:')) continue;
    writer.attribute(namespaceURI ?? '', localName ?? name, value, prefix ?? '');
  }
}
