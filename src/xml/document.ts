/**
 * Cursors over the tape. There is one `XmlElement` per element of a document, so `===` is node identity: what a
 * signature digested and what the application reads can be compared without names, paths or ids. Strings are made only
 * when they are asked for.
 */
import { Remembered } from './remembered.ts';
import {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CDATA,
  D_NAMESPACE,
  D_OUTER,
  D_PREFIX,
  DECLARATION,
  E_AFTER,
  E_ATTRIBUTES,
  E_END,
  E_NAME,
  E_NAMESPACE,
  E_SCOPE,
  ELEMENT,
  KIND_MASK,
  M_LENGTH,
  M_LOCAL,
  M_PREFIX,
  M_START,
  N_KIND,
  N_PARENT,
  N_REF,
  N_START,
  NAME,
  NO_NAME,
  NODE,
  PLAIN,
  RECORD,
  type Tape,
  TEXT,
  XML_NAMESPACE_NAME,
  XMLNS_NAMESPACE_NAME,
} from './tape.ts';
import { slice, textOf, valueText, verbatimOf } from './values.ts';

export interface XmlAttribute {
  readonly namespace: string;
  readonly local: string;
  readonly prefix: string;
  readonly value: string;
}

/** Names, and values that look like names of algorithms and types: an `h` first, and long. */
const nameTexts = new Remembered();
const HTTP = 0x68;
const SHORTEST = 24;

const NONE: readonly XmlElement[] = [];

/** Elements and names of a document that are kept in a list of their number. */
const FEW = 1024;

/** A scanned document. Immutable: nothing may write to `bytes`. */
export class XmlDocument {
  /** For the XML room only: where canonicalization, bridges and cursors read. */
  readonly tape: Tape;
  /** For `elementsById` only: the index of ids, once it was made. (A WeakMap costs more than the index.) */
  ids: ReadonlyMap<string, XmlElement> | undefined;
  /** By node; a list where there are few elements, because a Map costs twice as much. */
  readonly #elements: Map<number, XmlElement> | undefined;
  readonly #few: (XmlElement | undefined)[];
  readonly #names: (string | undefined)[];
  #prefixes: ReadonlyMap<string, number> | undefined;

  constructor(tape: Tape) {
    this.tape = tape;
    const elements = tape.elements.length / RECORD;
    this.#elements = elements > FEW ? new Map() : undefined;
    this.#few = new Array<XmlElement | undefined>(elements > FEW ? 0 : elements);
    const names = tape.names.length / NAME;
    this.#names = new Array<string | undefined>(names > FEW ? 0 : names);
  }

  /** The document in UTF-8, without byte order mark. */
  get bytes(): Uint8Array {
    return this.tape.octets.subarray(0, this.tape.length);
  }

  /** How many octets that are. */
  get length(): number {
    return this.tape.length;
  }

  get root(): XmlElement {
    return this.at(this.tape.root);
  }

  /** The one cursor of the element at a place of the tape. */
  at(node: number): XmlElement {
    if (this.#elements === undefined) {
      const record = this.tape.nodes[node * NODE + N_REF] as number;
      const known = this.#few[record];
      if (known !== undefined) return known;
      const made = new XmlElement(this, node);
      this.#few[record] = made;
      return made;
    }
    let element = this.#elements.get(node);
    if (element === undefined) {
      element = new XmlElement(this, node);
      this.#elements.set(node, element);
    }
    return element;
  }

  /** Whether a processing instruction is anywhere, which XML allows and SOAP forbids (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5). */
  get hasInstructions(): boolean {
    return this.tape.instructions;
  }

  /** The prefixes that are declared somewhere, '' among them: each a name of the tape. */
  get prefixes(): ReadonlyMap<string, number> {
    this.#prefixes ??= this.#findPrefixes();
    return this.#prefixes;
  }

  #findPrefixes(): ReadonlyMap<string, number> {
    const { declarations } = this.tape;
    const found = new Map([['', NO_NAME]]);
    let last = NO_NAME;
    for (let entry = D_PREFIX; entry < declarations.length; entry += DECLARATION) {
      const name = declarations[entry] as number;
      if (name !== last) found.set(this.name(name), name);
      last = name;
    }
    return found;
  }

  /** The string of a name of the tape. */
  name(name: number): string {
    let text = this.#names[name];
    if (text === undefined) {
      const { names, octets, words, ascii } = this.tape;
      const start = names[name * NAME + M_START] as number;
      const end = start + (names[name * NAME + M_LENGTH] as number);
      text = nameTexts.find(words, start, end);
      if (text === '' && start < end) text = nameTexts.keep(slice(octets, start, end, ascii), words, start, end);
      this.#names[name] = text;
    }
    return text;
  }
}

/** The nodes of the children that are being looked for. */
const found: number[] = [];

/** One element of a scanned document. */
export class XmlElement {
  readonly document: XmlDocument;
  /** Position on the tape: grows in document order. */
  readonly index: number;
  readonly #record: number;
  #children: readonly XmlElement[] | undefined;

  /** Use `XmlDocument.root` and the cursors it leads to: an element made by hand is identical to no other. */
  constructor(document: XmlDocument, index: number) {
    this.document = document;
    this.index = index;
    this.#record = (document.tape.nodes[index * NODE + N_REF] as number) * RECORD;
  }

  /** The namespace name, '' for none. */
  get namespace(): string {
    const { elements, namespaces } = this.document.tape;
    return namespaces[elements[this.#record + E_NAMESPACE] as number] as string;
  }

  get local(): string {
    return this.document.name(this.#part(M_LOCAL));
  }

  get prefix(): string {
    return this.document.name(this.#part(M_PREFIX));
  }

  #part(part: number): number {
    const { elements, names } = this.document.tape;
    return names[(elements[this.#record + E_NAME] as number) * NAME + part] as number;
  }

  is(namespace: string, local: string): boolean {
    // The namespace first: most others differ in it, and then no string has to be found for the name.
    return this.namespace === namespace && this.local === local;
  }

  get parent(): XmlElement | undefined {
    const parent = this.document.tape.nodes[this.index * NODE + N_PARENT] as number;
    return parent < 0 ? undefined : this.document.at(parent);
  }

  /** The element children, in document order. */
  get children(): readonly XmlElement[] {
    this.#children ??= this.#findChildren();
    return this.#children;
  }

  #findChildren(): readonly XmlElement[] {
    const { nodes, elements } = this.document.tape;
    const after = elements[this.#record + E_AFTER] as number;
    let count = 0;
    for (let node = this.index + 1; node < after; ) {
      if (((nodes[node * NODE + N_KIND] as number) & KIND_MASK) === ELEMENT) {
        found[count++] = node;
        node = elements[(nodes[node * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
      } else {
        node++;
      }
    }
    if (count === 0) return NONE;
    // As long as it is: a list that grows has room for many more, and of these there are very many.
    const children = new Array<XmlElement>(count);
    for (let index = 0; index < count; index++) children[index] = this.document.at(found[index] as number);
    if (found.length > FEW) found.length = 0;
    return children;
  }

  /** The character data directly inside, CDATA included, comments and instructions ignored. */
  get text(): string {
    const { nodes, elements, octets, ascii } = this.document.tape;
    let text = '';
    const after = elements[this.#record + E_AFTER] as number;
    for (let node = this.index + 1; node < after; ) {
      const kind = nodes[node * NODE + N_KIND] as number;
      const start = nodes[node * NODE + N_START] as number;
      const ref = nodes[node * NODE + N_REF] as number;
      switch (kind & KIND_MASK) {
        case ELEMENT:
          node = elements[ref * RECORD + E_AFTER] as number;
          continue;
        case TEXT:
          text += (kind & PLAIN) !== 0 ? slice(octets, start, ref, ascii) : textOf(octets, start, ref, ascii);
          break;
        case CDATA:
          text += verbatimOf(octets, start + 9, ref - 3, ascii);
          break;
      }
      node++;
    }
    return text;
  }

  /**
   * The text of an element that holds one run of it, as it is written, and nothing else; found among `known`, or kept there when
   * `accepts` says so: for texts that come again and again.
   *
   * @returns `undefined` for what is not accepted, and where `text` has more to read
   */
  textAmong(known: Remembered, accepts: (text: string) => boolean): string | undefined {
    const { nodes, elements, octets, words, ascii } = this.document.tape;
    const first = this.index + 1;
    if (elements[this.#record + E_AFTER] !== first + 1) return undefined;
    const kind = nodes[first * NODE + N_KIND] as number;
    if ((kind & (KIND_MASK | PLAIN)) !== (TEXT | PLAIN)) return undefined;
    const start = nodes[first * NODE + N_START] as number;
    const end = nodes[first * NODE + N_REF] as number;
    const found = known.find(words, start, end);
    if (found !== '') return found;
    const text = slice(octets, start, end, ascii);
    return accepts(text) ? known.keep(text, words, start, end) : undefined;
  }

  /** The value of an attribute; without `namespace`, of one in no namespace. */
  attribute(local: string, namespace = ''): string | undefined {
    const { elements, attributes, names, namespaces } = this.document.tape;
    const end = elements[this.#record + RECORD + E_ATTRIBUTES] as number;
    for (let index = elements[this.#record + E_ATTRIBUTES] as number; index < end; index++) {
      const entry = index * ATTRIBUTE;
      if (namespaces[attributes[entry + A_NAMESPACE] as number] !== namespace) continue;
      const name = names[(attributes[entry + A_NAME] as number) * NAME + M_LOCAL] as number;
      if (this.document.name(name) === local) return this.#value(entry);
    }
    return undefined;
  }

  /** The attributes in the order they are written, without namespace declarations. */
  get attributes(): readonly XmlAttribute[] {
    const { elements, attributes, names, namespaces } = this.document.tape;
    const found: XmlAttribute[] = [];
    const end = elements[this.#record + RECORD + E_ATTRIBUTES] as number;
    for (let index = elements[this.#record + E_ATTRIBUTES] as number; index < end; index++) {
      const entry = index * ATTRIBUTE;
      const name = (attributes[entry + A_NAME] as number) * NAME;
      found.push({
        namespace: namespaces[attributes[entry + A_NAMESPACE] as number] as string,
        local: this.document.name(names[name + M_LOCAL] as number),
        prefix: this.document.name(names[name + M_PREFIX] as number),
        value: this.#value(entry),
      });
    }
    return found;
  }

  #value(entry: number): string {
    const { attributes, octets, words, ascii } = this.document.tape;
    const start = attributes[entry + A_START] as number;
    const end = attributes[entry + A_END] as number;
    if (((attributes[entry + A_FLAGS] as number) & PLAIN) === 0) return valueText(octets, start, end, ascii);
    if (octets[start] !== HTTP || end - start < SHORTEST) return slice(octets, start, end, ascii);
    const text = nameTexts.find(words, start, end);
    return text === '' ? nameTexts.keep(slice(octets, start, end, ascii), words, start, end) : text;
  }

  /** The namespace that a prefix ('' for the default) has here; `undefined` when there is none. */
  namespaceOf(prefix: string): string | undefined {
    if (prefix === 'xml') return XML_NAMESPACE_NAME;
    if (prefix === 'xmlns') return XMLNS_NAMESPACE_NAME;
    const { elements, declarations, namespaces } = this.document.tape;
    let scope = elements[this.#record + E_SCOPE] as number;
    while (scope >= 0) {
      const entry = scope * DECLARATION;
      if (this.document.name(declarations[entry + D_PREFIX] as number) === prefix) {
        return namespaces[declarations[entry + D_NAMESPACE] as number] || undefined;
      }
      scope = declarations[entry + D_OUTER] as number;
    }
    return undefined;
  }

  /** True when `other` is this element or inside it. */
  contains(other: XmlElement): boolean {
    const after = this.document.tape.elements[this.#record + E_AFTER] as number;
    return other.document === this.document && other.index >= this.index && other.index < after;
  }

  /** The first octet of the start tag in `document.bytes`. */
  get start(): number {
    return this.document.tape.nodes[this.index * NODE + N_START] as number;
  }

  /** The octet behind the end tag in `document.bytes`. */
  get end(): number {
    return this.document.tape.elements[this.#record + E_END] as number;
  }
}
