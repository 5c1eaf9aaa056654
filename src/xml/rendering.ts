/**
 * The namespace nodes that canonical form renders at an element, and which it has rendered around it (Canonical XML 1.0, section 2.3;
 * Exclusive XML Canonicalization 1.0, section 3).
 */
import type { XmlDocument } from './document.ts';
import type { Canonicalization } from './methods.ts';
import { compareNames } from './names.ts';
import { escapeValue, type Output } from './output.ts';
import { Picks } from './picks.ts';
import * as tape from './tape.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time.
const {
  A_NAME,
  A_NAMESPACE,
  ATTRIBUTE,
  D_NAMESPACE,
  D_OUTER,
  D_PREFIX,
  DECLARATION,
  E_ATTRIBUTES,
  E_DECLARATIONS,
  E_NAME,
  E_NAMESPACE,
  E_SCOPE,
  M_PREFIX,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  RECORD,
  XML_NAMESPACE,
} = tape;

const UNSET = -1;

/** As in `CanonicalizeOptions`. */
interface Around {
  readonly prefixes?: readonly string[];
  readonly context?: ReadonlyMap<string, string>;
}

export class Rendering {
  /** Of one element: the prefixes whose namespaces are to be rendered there. */
  readonly prefixes: Picks = new Picks();
  /** By prefix (a name): the namespace that the output has in scope, -1 for none. */
  rendered: Int32Array<ArrayBuffer> = new Int32Array(256).fill(UNSET);
  #document: XmlDocument | undefined;
  #method: Canonicalization | undefined;
  /** What to give back to `rendered`: pairs of prefix and former namespace. */
  readonly #undo: number[] = [];
  /** By prefix (a name): 1 when it is on the PrefixList, of which there may be none. */
  #listed: Uint8Array | undefined;
  #marks = new Uint8Array(256);
  readonly #marked: number[] = [];
  readonly #byName = (one: number, other: number): number => {
    const { octets, names } = (this.#document as XmlDocument).tape;
    return compareNames(octets, names, one, other);
  };

  begin(document: XmlDocument, method: Canonicalization, { prefixes, context }: Around): void {
    this.#document = document;
    this.#method = method;
    const names = document.tape.names.length / NAME;
    if (names > this.rendered.length) this.rendered = new Int32Array(names * 2).fill(UNSET);
    this.rendered[NO_NAME] = NO_NAMESPACE;
    if (prefixes !== undefined && prefixes.length > 0) this.#list(prefixes);
    if (context !== undefined && context.size > 0) this.#enter(context);
  }

  finish(): void {
    this.restore(0);
    this.#listed = undefined;
    while (this.#marked.length > 0) this.#marks[this.#marked.pop() as number] = 0;
    this.#document = undefined;
  }

  /** How much there is to give back. */
  get depth(): number {
    return this.#undo.length;
  }

  #set(prefix: number, namespace: number): void {
    this.#undo.push(prefix, this.rendered[prefix] as number);
    this.rendered[prefix] = namespace;
  }

  /** Gives back what was rendered since there was so much. */
  restore(to: number): void {
    const undo = this.#undo;
    while (undo.length > to) {
      const namespace = undo.pop() as number;
      this.rendered[undo.pop() as number] = namespace;
    }
  }

  #list(prefixes: readonly string[]): void {
    const { names } = (this.#document as XmlDocument).tape;
    if (names.length / NAME > this.#marks.length) this.#marks = new Uint8Array((names.length / NAME) * 2);
    const declared = (this.#document as XmlDocument).prefixes;
    for (const prefix of prefixes) {
      const name = declared.get(prefix === '#default' ? '' : prefix);
      if (name === undefined) continue;
      this.#marks[name] = 1;
      this.#marked.push(name);
    }
    this.#listed = this.#marks;
  }

  #enter(context: ReadonlyMap<string, string>): void {
    const { names, namespaces } = (this.#document as XmlDocument).tape;
    for (let name = 0; name * NAME < names.length; name++) {
      const namespace = context.get((this.#document as XmlDocument).name(name));
      if (namespace === undefined) continue;
      // A namespace that the document does not know is like none of its own.
      const index = namespaces.indexOf(namespace);
      this.#set(name, index < 0 ? namespaces.length : index);
    }
  }

  /** Chooses what is to be rendered at an element. */
  choose(record: number, isApex: boolean): void {
    this.prefixes.clear();
    const { elements } = (this.#document as XmlDocument).tape;
    const isExclusive = (this.#method as Canonicalization).exclusive;
    if (isExclusive) this.#used(record);
    if (isExclusive && this.#listed === undefined) return;
    if (isApex) this.#inherit(elements[record + E_SCOPE] as number);
    else
      this.#declared(elements[record + E_DECLARATIONS] as number, elements[record + RECORD + E_DECLARATIONS] as number);
  }

  #need(prefix: number, namespace: number): void {
    if (this.rendered[prefix] === namespace || namespace === XML_NAMESPACE) return;
    this.#set(prefix, namespace);
    this.prefixes.add(prefix);
  }

  /** Exclusive C14N, section 3: namespaces that the element's and its attributes' names visibly use. */
  #used(record: number): void {
    const { elements, attributes, names } = (this.#document as XmlDocument).tape;
    const name = elements[record + E_NAME] as number;
    this.#need(names[name * NAME + M_PREFIX] as number, elements[record + E_NAMESPACE] as number);
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    for (let index = elements[record + E_ATTRIBUTES] as number; index < end; index++) {
      const namespace = attributes[index * ATTRIBUTE + A_NAMESPACE] as number;
      if (namespace === NO_NAMESPACE) continue;
      this.#need(names[(attributes[index * ATTRIBUTE + A_NAME] as number) * NAME + M_PREFIX] as number, namespace);
    }
  }

  /** The element's own declarations: all of them, or those on the PrefixList. */
  #declared(first: number, last: number): void {
    const { declarations } = (this.#document as XmlDocument).tape;
    for (let index = first; index < last; index++) this.#inclusive(index, declarations);
  }

  /** All that is in scope, innermost first: at the apex, what was declared outside counts as well. */
  #inherit(scope: number): void {
    const { declarations } = (this.#document as XmlDocument).tape;
    const seen = new Set<number>();
    for (let index = scope; index >= 0; index = declarations[index * DECLARATION + D_OUTER] as number) {
      const prefix = declarations[index * DECLARATION + D_PREFIX] as number;
      if (!seen.has(prefix)) this.#inclusive(index, declarations);
      seen.add(prefix);
    }
    // A default namespace of the context that this element does not have, on the PrefixList.
    if (!seen.has(NO_NAME) && this.#isInclusive(NO_NAME)) this.#need(NO_NAME, NO_NAMESPACE);
  }

  #inclusive(index: number, declarations: Int32Array): void {
    const prefix = declarations[index * DECLARATION + D_PREFIX] as number;
    if (this.#isInclusive(prefix)) this.#need(prefix, declarations[index * DECLARATION + D_NAMESPACE] as number);
  }

  #isInclusive(prefix: number): boolean {
    if (this.#listed === undefined) return !(this.#method as Canonicalization).exclusive;
    return !(this.#method as Canonicalization).exclusive || this.#listed[prefix] === 1;
  }

  /** True when the declarations that must be rendered are those that are written, in canonical order. */
  isAsWritten(record: number): boolean {
    const { elements, declarations } = (this.#document as XmlDocument).tape;
    const first = elements[record + E_DECLARATIONS] as number;
    const last = elements[record + RECORD + E_DECLARATIONS] as number;
    if (this.prefixes.length !== last - first) return false;
    this.prefixes.sort(this.#byName);
    for (let index = first; index < last; index++) {
      if (this.prefixes.at(index - first) !== declarations[index * DECLARATION + D_PREFIX]) return false;
    }
    return true;
  }

  /** Writes them, in their order. */
  write(output: Output): void {
    const { namespaces, spellings } = (this.#document as XmlDocument).tape;
    const render = this.prefixes;
    render.sort(this.#byName);
    for (let index = 0; index < render.length; index++) {
      const prefix = render.at(index);
      output.string(prefix === NO_NAME ? ' xmlns' : ' xmlns:');
      output.name(prefix);
      output.octet(0x3d);
      output.octet(0x22);
      const namespace = this.rendered[prefix] as number;
      const start = spellings[namespace * 2] as number;
      if (start < 0) output.string(escapeValue(namespaces[namespace] as string));
      else output.copy(start, spellings[namespace * 2 + 1] as number);
      output.octet(0x22);
    }
  }
}
