/** The limits of the XML room, and the one error that says which of them was broken. */
import { XmlError } from './errors.ts';

/**
 * How much of everything one XML document may bring. Each limit is checked while the octets are scanned, so that a
 * document that breaks one has cost no more than the octets up to that place.
 */
export interface XmlLimits {
  /** Octets of the document, as received and as UTF-8. */
  readonly bytes: number;
  /** Elements open at one place; the root has depth 1. */
  readonly depth: number;
  /** Attributes of one element, namespace declarations not counted. */
  readonly attributes: number;
  /** Namespace declarations in scope at one place, shadowed ones counted. */
  readonly namespaces: number;
  /** Octets of one qualified name, namespace name (as written) or processing instruction target. */
  readonly name: number;
  /** Octets of one text, comment, processing instruction or attribute value, as written. */
  readonly text: number;
  /** Elements, texts, CDATA sections, comments and processing instructions of the document. */
  readonly nodes: number;
  /** Octets that one canonicalization may write: a long namespace name repeated on many elements multiplies. */
  readonly output: number;
}

export const xmlLimits: XmlLimits = {
  bytes: 16 * 1024 * 1024,
  depth: 256,
  attributes: 256,
  namespaces: 256,
  name: 1024,
  text: 16 * 1024 * 1024,
  nodes: 1_000_000,
  output: 64 * 1024 * 1024,
};

/** The error for a document that breaks a limit: more than allowed of what. */
export function beyond(limits: XmlLimits, limit: keyof XmlLimits, what: string, offset: number): XmlError {
  return new XmlError('XML_LIMIT', `More than ${limits[limit]} ${what}: raise limits.${limit}`, { offset });
}

/** A limit as a scan compares it: no document has more octets than a 32-bit integer counts. */
export function counted(limit: number): number {
  return Math.min(limit, 0x7fff_ffff) | 0;
}
