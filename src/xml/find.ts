/** Finding an element and nothing else: what is expected once is there once, and an id names one element. */
import { space } from './characters.ts';
import type { XmlDocument, XmlElement } from './document.ts';
import { XmlError } from './errors.ts';
import {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CDATA,
  E_AFTER,
  E_ATTRIBUTES,
  E_NODE,
  ELEMENT,
  KIND_MASK,
  M_LOCAL,
  N_KIND,
  N_REF,
  N_START,
  NAME,
  NO_NAMESPACE,
  NODE,
  PLAIN,
  RECORD,
  TEXT,
  XML_NAMESPACE,
} from './tape.ts';
import { slice, valueText } from './values.ts';

const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

/**
 * The child with this name, if there is one.
 *
 * @throws XmlError XML_UNEXPECTED when there are two
 */
export function child(of: XmlElement, namespace: string, local: string): XmlElement | undefined {
  let found: XmlElement | undefined;
  for (const candidate of of.children) {
    if (!candidate.is(namespace, local)) continue;
    if (found !== undefined) throw unexpected(candidate, `${of.local} may have one ${local} only`);
    found = candidate;
  }
  return found;
}

/** @throws XmlError XML_UNEXPECTED when there is none, or two */
export function requiredChild(of: XmlElement, namespace: string, local: string): XmlElement {
  const found = child(of, namespace, local);
  if (found === undefined) throw unexpected(of, `${of.local} must have a ${local} in the namespace "${namespace}"`);
  return found;
}

export function childrenOf(of: XmlElement, namespace: string, local: string): readonly XmlElement[] {
  const found: XmlElement[] = [];
  for (const candidate of of.children) if (candidate.is(namespace, local)) found.push(candidate);
  return found;
}

/** @throws XmlError XML_UNEXPECTED when there is no element child, or more than one */
export function onlyChild(of: XmlElement): XmlElement {
  const [only, second] = of.children;
  if (only === undefined || second !== undefined) throw unexpected(of, `${of.local} must have exactly one child`);
  return only;
}

/**
 * The character data of an element that may hold nothing else, white space at both ends removed.
 *
 * @throws XmlError XML_UNEXPECTED when it has element children
 */
export function simpleText(of: XmlElement): string {
  if (of.children.length > 0) throw unexpected(of, `${of.local} must hold text only`);
  const { text } = of;
  if (!isSpace(text.charCodeAt(0)) && !isSpace(text.charCodeAt(text.length - 1))) return text;
  return text.replace(/^[ \t\r\n]+/, '').replace(SPACE_BEHIND, '');
}

/** True when an element holds no character data but white space between its children, CDATA included. */
export function holdsOnlyElements(of: XmlElement): boolean {
  const { nodes, elements, octets } = of.document.tape;
  const after = elements[(nodes[of.index * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
  for (let node = of.index + 1; node < after; ) {
    const kind = (nodes[node * NODE + N_KIND] as number) & KIND_MASK;
    const ref = nodes[node * NODE + N_REF] as number;
    if (kind === ELEMENT) {
      node = elements[ref * RECORD + E_AFTER] as number;
      continue;
    }
    if (kind === CDATA) return SPACE_ONLY.test(of.text);
    if (kind === TEXT) {
      for (let at = nodes[node * NODE + N_START] as number; at < ref; at++) {
        // What is no plain white space may be a reference to some.
        if (space[octets[at] as number] !== 1) return SPACE_ONLY.test(of.text);
      }
    }
    node++;
  }
  return true;
}

const SPACE_ONLY = /^[ \t\r\n]*$/;

/**
 * The character data of an element that holds one run of it and nothing else, no comment or CDATA section either: a value
 * that has one reading only.
 *
 * @throws XmlError XML_UNEXPECTED
 */
export function onlyText(of: XmlElement): string {
  const { nodes, elements } = of.document.tape;
  const first = of.index + 1;
  const after = elements[(nodes[of.index * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
  if (after === first) return '';
  if (after !== first + 1 || ((nodes[first * NODE + N_KIND] as number) & KIND_MASK) !== TEXT) {
    throw unexpected(of, `${of.local} must hold character data in one piece`);
  }
  return of.text;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
}

/** Anchored behind a non-space so that it is tried once per run of spaces, not once per space. */
const SPACE_BEHIND = /(?<![ \t\r\n])[ \t\r\n]+$/;

/**
 * A QName in content, in the scope of the element it stands in (an unprefixed one is in the default namespace).
 *
 * @throws XmlError XML_UNEXPECTED when it is no QName or its prefix is not declared
 */
export function qname(of: XmlElement, text: string): { readonly namespace: string; readonly local: string } {
  const parts = text.trim().split(':');
  const [prefix, local] = parts.length === 1 ? ['', parts[0]] : parts;
  const namespace = of.namespaceOf(prefix ?? '');
  if (!local || parts.length > 2 || (parts.length === 2 && (!prefix || namespace === undefined))) {
    throw unexpected(of, `The text of ${of.local} is no QName of a declared prefix`);
  }
  return { namespace: namespace ?? '', local };
}

/**
 * Every element that carries an id: wsu:Id, xml:id, Id, ID and AssertionID are one space of names.
 *
 * @returns the same map every time
 * @throws XmlError XML_DUPLICATE_ID when two elements carry one id
 */
export function elementsById(document: XmlDocument): ReadonlyMap<string, XmlElement> {
  if (document.ids !== undefined) return document.ids;
  const index = new Map<string, XmlElement>();
  const { elements, attributes, names, namespaces, octets, ascii } = document.tape;
  const wsu = namespaces.indexOf(WSU);
  const count = names.length / NAME;
  const known = count > kinds.length ? new Uint8Array(count) : kinds.fill(0, 0, count);
  let record = 0;
  for (let entry = 0; entry < attributes.length; entry += ATTRIBUTE) {
    const name = names[(attributes[entry + A_NAME] as number) * NAME + M_LOCAL] as number;
    let kind = known[name] as number;
    if (kind === 0) {
      kind = idNames.get(document.name(name)) ?? NO_ID;
      known[name] = kind;
    }
    if (kind === NO_ID) continue;
    const namespace = attributes[entry + A_NAMESPACE] as number;
    const isId =
      kind === XML_ID ? namespace === XML_NAMESPACE : namespace === NO_NAMESPACE || (kind === ID && namespace === wsu);
    if (!isId) continue;
    while ((elements[record + RECORD + E_ATTRIBUTES] as number) * ATTRIBUTE <= entry) record += RECORD;
    const element = document.at(elements[record + E_NODE] as number);
    const start = attributes[entry + A_START] as number;
    const behind = attributes[entry + A_END] as number;
    const plain = ((attributes[entry + A_FLAGS] as number) & PLAIN) !== 0;
    const id = plain ? slice(octets, start, behind, ascii) : valueText(octets, start, behind, ascii);
    const other = index.get(id);
    if (other !== undefined && other !== element) {
      throw new XmlError('XML_DUPLICATE_ID', 'Two elements carry one id', { offset: element.start });
    }
    index.set(id, element);
  }
  document.ids = index;
  return index;
}

/** By name: 0 not looked at, else what kind of name it is. Made once, because a message has few names. */
const kinds = new Uint8Array(1024);

/** No id; one in no namespace or that of WSS; one in no namespace; xml:id. */
const NO_ID = 1;
const ID = 2;
const PLAIN_ID = 3;
const XML_ID = 4;

const idNames: ReadonlyMap<string, number> = new Map([
  ['Id', ID],
  ['ID', PLAIN_ID],
  ['AssertionID', PLAIN_ID],
  ['id', XML_ID],
]);

function unexpected(at: XmlElement, message: string): XmlError {
  return new XmlError('XML_UNEXPECTED', message, { offset: at.start });
}
