/**
 * What stands in a stretch of octets of a scanned document: content that is complete in itself, or not. Octets that were put
 * into a document are known by this not to have closed what they did not open, nor to have hidden what follows them.
 */
import type { XmlDocument, XmlElement } from './document.ts';
import { COMMENT, E_AFTER, E_END, ELEMENT, KIND_MASK, N_KIND, N_REF, N_START, NODE, RECORD, TEXT } from './tape.ts';

export interface Stretch {
  /** The one element, where nothing else but white space and comments is beside it. */
  readonly only: XmlElement | undefined;
}

/** The element whose start tag is at an offset of `document.bytes`. */
export function elementAt(document: XmlDocument, offset: number): XmlElement | undefined {
  const { nodes } = document.tape;
  const node = firstFrom(nodes, offset);
  const isIt =
    nodes[node * NODE + N_START] === offset && ((nodes[node * NODE + N_KIND] as number) & KIND_MASK) === ELEMENT;
  return isIt ? document.at(node) : undefined;
}

/**
 * Looks at the octets from `start` to before `end`. Where they begin, the document has to be between tags. An end tag
 * for what began before them needs a start tag without an end in them or in what comes, or the document were none.
 *
 * @returns `undefined` when something begins in the stretch and does not end there
 */
export function stretch(document: XmlDocument, start: number, end: number): Stretch | undefined {
  const { nodes, elements, octets } = document.tape;
  let only: number | undefined;
  let isBlank = true;
  let node = firstFrom(nodes, start);
  // Text before the stretch and text in it are one node.
  if (node > 0 && isText(nodes, node - 1) && (nodes[(node - 1) * NODE + N_REF] as number) > start) node--;
  for (; node * NODE < nodes.length && (nodes[node * NODE + N_START] as number) < end; ) {
    const kind = (nodes[node * NODE + N_KIND] as number) & KIND_MASK;
    const ref = nodes[node * NODE + N_REF] as number;
    if (kind === ELEMENT) {
      if ((elements[ref * RECORD + E_END] as number) > end) return undefined;
      isBlank &&= only === undefined;
      only = node;
      node = elements[ref * RECORD + E_AFTER] as number;
      continue;
    }
    if (kind === TEXT) {
      const from = Math.max(nodes[node * NODE + N_START] as number, start);
      if (ref > end && isCut(octets, from, end)) return undefined;
      isBlank &&= isSpace(octets, from, Math.min(ref, end));
    } else {
      if (ref > end) return undefined;
      isBlank &&= kind === COMMENT;
    }
    node++;
  }
  return { only: isBlank && only !== undefined ? document.at(only) : undefined };
}

/** The first node that starts at an offset or behind it. */
function firstFrom(nodes: Int32Array, offset: number): number {
  let low = 0;
  let high = nodes.length / NODE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((nodes[middle * NODE + N_START] as number) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isText(nodes: Int32Array, node: number): boolean {
  return ((nodes[node * NODE + N_KIND] as number) & KIND_MASK) === TEXT;
}

/** True when a text ends in the middle of a reference. */
function isCut(octets: Buffer, start: number, end: number): boolean {
  const text = octets.subarray(start, end);
  return text.lastIndexOf(0x26) > text.lastIndexOf(0x3b);
}

function isSpace(octets: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const octet = octets[at];
    if (octet !== 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09) return false;
  }
  return true;
}
