/**
 * The tape: what one scan of a document leaves behind. Five runs of 32-bit integers, no object per node. A node is its
 * index in document order; elements, attributes, namespace declarations and names have records of their own.
 */

export const ELEMENT = 1;
export const TEXT = 2;
export const CDATA = 3;
export const COMMENT = 4;
export const INSTRUCTION = 5;
/** The bits of `N_KIND` that hold the kind; the flags stand above them. */
export const KIND_MASK = 7;

/**
 * As written, the node is in canonical form. A start tag: apart from which namespaces it declares, their order, and the
 * order of its attributes with a prefix.
 */
export const CANONICAL = 8;
/** The characters of the node are the octets as written: no reference, no carriage return. */
export const PLAIN = 16;
/** An empty-element tag. */
export const EMPTY = 32;
/** The end tag is written with nothing behind its name. */
export const END_CANONICAL = 64;
/** No namespace declarations, and no attributes with a prefix. */
export const SIMPLE = 128;

/** A node: kind and flags, first octet, parent node (-1 for none), and the element's record or the octet behind. */
export const NODE = 4;
export const N_KIND = 0;
export const N_START = 1;
export const N_PARENT = 2;
export const N_REF = 3;

/**
 * An element: qualified name, namespace, octet behind the start tag, first octet of the end tag, octet behind the
 * element, node behind the element, first attribute, first declaration, innermost declaration in scope (-1 for none).
 * Attributes and declarations end where those of the next record begin; one record more closes the run.
 */
export const RECORD = 10;
export const E_NODE = 0;
export const E_NAME = 1;
export const E_NAMESPACE = 2;
export const E_CONTENT = 3;
export const E_CLOSE = 4;
export const E_END = 5;
export const E_AFTER = 6;
export const E_ATTRIBUTES = 7;
export const E_DECLARATIONS = 8;
export const E_SCOPE = 9;

/** `name="value"` is written as in canonical form: the value is `CANONICAL`, in double quotes, and no white space is around `=`. */
export const VERBATIM = 32;

/** An attribute: qualified name, namespace, value between its quotes, flags `CANONICAL`, `PLAIN` and `VERBATIM`. */
export const ATTRIBUTE = 5;
export const A_NAME = 0;
export const A_NAMESPACE = 1;
export const A_START = 2;
export const A_END = 3;
export const A_FLAGS = 4;

/** A namespace declaration: prefix (a name), namespace, next outer declaration in scope, what it shadows. */
export const DECLARATION = 4;
export const D_PREFIX = 0;
export const D_NAMESPACE = 1;
export const D_OUTER = 2;
export const D_SHADOWED = 3;

/**
 * A name: octets, prefix (a name), local part (a name), what it means, hash; and what the scan learns on its way: the name
 * that came next the last time, an attribute name that may stand before it in canonical form, and an element of this name, plus
 * one, whose start tag may be compared with the next one.
 */
export const NAME = 9;
export const M_START = 0;
export const M_LENGTH = 1;
export const M_PREFIX = 2;
export const M_LOCAL = 3;
export const M_MEANING = 4;
export const M_HASH = 5;
export const M_FOLLOWING = 6;
export const M_ORDERED = 7;
export const M_MODEL = 8;

/** The name that is empty: the prefix of names without one. */
export const NO_NAME = 0;
/** Meanings of names: `xml`, `xmlns`, and names with the prefix `xmlns`. */
export const ORDINARY = 0;
export const IS_XML = 1;
export const IS_XMLNS = 2;
export const DECLARES = 3;

/** Namespaces that every document knows, by their index in `Tape.namespaces`. */
export const NO_NAMESPACE = 0;
export const XML_NAMESPACE = 1;
export const XMLNS_NAMESPACE = 2;
export const XML_NAMESPACE_NAME = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NAMESPACE_NAME = 'http://www.w3.org/2000/xmlns/';

export interface Tape {
  /** UTF-8 with `SLACK` octets 0 behind the end. */
  readonly octets: Buffer;
  /** The same memory, to be read a word at a time. */
  readonly words: DataView;
  readonly length: number;
  /** Every octet is below 0x80, so that octets and UTF-16 units are the same. */
  readonly ascii: boolean;
  readonly nodes: Int32Array;
  readonly elements: Int32Array;
  readonly attributes: Int32Array;
  readonly declarations: Int32Array;
  readonly names: Int32Array;
  /** Namespace names, each once. */
  readonly namespaces: readonly string[];
  /** Where a namespace name stands as canonical form spells it: start and end, in pairs; -1 where it does nowhere. */
  readonly spellings: readonly number[];
  /** The node of the root element. */
  readonly root: number;
  /** Which scan of the compiled scanner it is of, in whose memory it may still be; 0 of the other scanner. */
  readonly scan: number;
  /** Whether a processing instruction is anywhere; the XML declaration is none. */
  readonly instructions: boolean;
}
