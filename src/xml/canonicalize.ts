/**
 * Canonical XML straight from the tape (Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0). What is
 * canonical as it was written is copied in runs, as long as they come; only what differs is written anew. When nothing
 * differs, the result is a view on the document's own octets.
 *
 * Here an element or a document is canonicalized with all that is inside; node-sets are in `subset.ts`.
 */
import * as characters from './characters.ts';
import { XmlDocument, type XmlElement } from './document.ts';
import { type Inherited, inheritedAttributes, NOTHING_INHERITED } from './inherited.ts';
import { xmlLimits } from './limits.ts';
import type { Canonicalization } from './methods.ts';
import { compareNames } from './names.ts';
import { byCodePoints, escapeValue, Output } from './output.ts';
import { Picks } from './picks.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time: with these
// copies the inner loops are a third faster.
const {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CANONICAL,
  CDATA,
  COMMENT,
  D_NAMESPACE,
  D_OUTER,
  D_PREFIX,
  DECLARATION,
  E_AFTER,
  E_ATTRIBUTES,
  E_CLOSE,
  E_CONTENT,
  E_DECLARATIONS,
  E_END,
  E_NAME,
  E_NAMESPACE,
  E_SCOPE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  INSTRUCTION,
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
  NO_NAMESPACE,
  NODE,
  RECORD,
  SIMPLE,
  TEXT,
  VERBATIM,
  XML_NAMESPACE,
} = tape;
const { space } = characters;

export { type Canonicalization, canonicalizations, exclusive } from './methods.ts';

export interface CanonicalizeOptions {
  /** InclusiveNamespaces PrefixList: treated as inclusive canonicalization would; `#default` for the default namespace. */
  readonly prefixes?: readonly string[];
  /** Left out with all that is inside: the signature, for the enveloped signature transform (XML Signature, 6.6.4). */
  readonly without?: XmlElement;
  /** Octets that may be written; `xmlLimits.output` when absent. */
  readonly limit?: number;
  /** Namespaces that the place where the result goes has rendered already, by prefix ('' for the default). */
  readonly context?: ReadonlyMap<string, string>;
}

/**
 * Canonicalizes an element standing alone, or a document.
 *
 * @returns octets that nobody may write to: they may be the document's own
 * @throws XmlError XML_LIMIT when the result is longer than `options.limit`
 */
export function canonicalize(
  apex: XmlElement | XmlDocument,
  method: Canonicalization,
  options: CanonicalizeOptions = {},
): Uint8Array {
  return apex instanceof XmlDocument
    ? canonicalizer.document(apex, method, options)
    : canonicalizer.element(apex, method, options);
}

const UNSET = -1;

/** Nodes that are written from one pause to the next. */
const STRETCH = 1024;

/** Attributes that are put in order without a list that grows. */
const FEW = 16;

const NOTHING = Buffer.alloc(0);

class Canonicalizer {
  readonly #output = new Output();
  #document: XmlDocument | undefined;
  #octets: Buffer = NOTHING;
  #tape: Tape | undefined;
  /** By prefix (a name): the namespace that the output has in scope, -1 for none. */
  #rendered = new Int32Array(256).fill(UNSET);
  /** What to give back to `#rendered`: pairs of prefix and former namespace. */
  #undo: number[] = [];
  /** Elements whose end needs work: element record and length of `#undo` before it, in pairs. */
  #closing: number[] = [];
  /** By prefix (a name): 1 when it is on the PrefixList, of which there may be none. */
  #listed: Uint8Array | undefined;
  #marks = new Uint8Array(256);
  readonly #marked: number[] = [];
  /** Namespace nodes to render at one element: prefixes. */
  readonly #render = new Picks();
  /** Attributes of one element, in canonical order. */
  readonly #order = new Picks();
  readonly #few = new Int32Array(FEW);
  /** Where they begin and end, in pairs. */
  readonly #places = new Int32Array(FEW * 2);
  readonly #byName = (one: number, other: number): number =>
    compareNames(this.#octets, (this.#tape as Tape).names, one, other);
  readonly #byAttribute = (one: number, other: number): number => this.#compareAttributes(one, other);
  /** Where the run that can be copied begins. */
  #run = 0;
  #method: Canonicalization | undefined;

  element(apex: XmlElement, method: Canonicalization, options: CanonicalizeOptions): Uint8Array {
    const { tape } = apex.document;
    const record = (tape.nodes[apex.index * NODE + N_REF] as number) * RECORD;
    const start = tape.nodes[apex.index * NODE + N_START] as number;
    const end = tape.elements[record + E_END] as number;
    try {
      this.#begin(apex.document, method, options, end - start);
      this.#run = start;
      this.#walk(apex.index, tape.elements[record + E_AFTER] as number, options.without?.index ?? -1, apex.index);
      if (this.#output.length === 0 && this.#run === start) return tape.octets.subarray(start, end);
      this.#flush(end);
      return this.#output.take();
    } finally {
      this.#finish();
    }
  }

  document(document: XmlDocument, method: Canonicalization, options: CanonicalizeOptions): Uint8Array {
    const { tape } = document;
    try {
      this.#begin(document, method, options, tape.length);
      const without = options.without?.index ?? -1;
      let node = 0;
      while (node * NODE < tape.nodes.length) {
        const kind = (tape.nodes[node * NODE + N_KIND] as number) & KIND_MASK;
        const ref = tape.nodes[node * NODE + N_REF] as number;
        const after = kind === ELEMENT ? (tape.elements[ref * RECORD + E_AFTER] as number) : node + 1;
        if ((kind !== COMMENT || method.comments) && node !== without) {
          if (node > tape.root) this.#output.octet(0x0a);
          this.#run = tape.nodes[node * NODE + N_START] as number;
          this.#walk(node, after, without, -1);
          this.#flush(kind === ELEMENT ? (tape.elements[ref * RECORD + E_END] as number) : ref);
          if (node < tape.root) this.#output.octet(0x0a);
        }
        node = after;
      }
      return this.#output.take();
    } finally {
      this.#finish();
    }
  }

  #begin(document: XmlDocument, method: Canonicalization, options: CanonicalizeOptions, expected: number): void {
    const { tape } = document;
    this.#document = document;
    this.#tape = tape;
    this.#octets = tape.octets;
    this.#method = method;
    this.#output.begin(tape, options.limit ?? xmlLimits.output, expected);
    const names = tape.names.length / NAME;
    if (names > this.#rendered.length) this.#rendered = new Int32Array(names * 2).fill(UNSET);
    this.#rendered[NO_NAME] = NO_NAMESPACE;
    if (options.prefixes !== undefined && options.prefixes.length > 0) this.#list(options.prefixes);
    if (options.context !== undefined && options.context.size > 0) this.#enter(options.context);
  }

  #list(prefixes: readonly string[]): void {
    const { names } = this.#tape as Tape;
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
    const { names, namespaces } = this.#tape as Tape;
    for (let name = 0; name * NAME < names.length; name++) {
      const namespace = context.get((this.#document as XmlDocument).name(name));
      if (namespace === undefined) continue;
      // A namespace that the document does not know is like none of its own.
      const index = namespaces.indexOf(namespace);
      this.#set(name, index < 0 ? namespaces.length : index);
    }
  }

  #finish(): void {
    this.#restore(0);
    // Assigning a length is slow, even the same.
    if (this.#closing.length > 0) this.#closing.length = 0;
    this.#listed = undefined;
    while (this.#marked.length > 0) this.#marks[this.#marked.pop() as number] = 0;
    this.#document = undefined;
    this.#tape = undefined;
    this.#octets = NOTHING;
    this.#output.end();
  }

  #set(prefix: number, namespace: number): void {
    this.#undo.push(prefix, this.#rendered[prefix] as number);
    this.#rendered[prefix] = namespace;
  }

  #restore(to: number): void {
    const undo = this.#undo;
    while (undo.length > to) {
      const namespace = undo.pop() as number;
      this.#rendered[undo.pop() as number] = namespace;
    }
  }

  #flush(to: number): void {
    if (to > this.#run) this.#output.copy(this.#run, to);
  }

  /** All nodes from `first` to before `last`, a stretch at a time: see `#document` of the scanner. */
  #walk(first: number, last: number, without: number, apex: number): void {
    let node = first;
    while (node < last) node = this.#stretch(node, Math.min(last, node + STRETCH), without, apex);
  }

  /** Returns the node behind the last one that was written. */
  #stretch(first: number, last: number, without: number, apex: number): number {
    const { nodes, elements, names } = this.#tape as Tape;
    const octets = this.#octets;
    const output = this.#output;
    const closing = this.#closing;
    const { comments } = this.#method as Canonicalization;
    const rendered = this.#rendered;
    let closeAt = this.#nextClose();
    let node = first;
    while (node < last || node === closeAt) {
      if (node === closeAt) {
        closeAt = this.#close();
        continue;
      }
      const kind = nodes[node * NODE + N_KIND] as number;
      const start = nodes[node * NODE + N_START] as number;
      const ref = nodes[node * NODE + N_REF] as number;
      switch (kind & KIND_MASK) {
        case ELEMENT: {
          const record = ref * RECORD;
          if (node === without) {
            this.#flush(start);
            this.#run = elements[record + E_END] as number;
            node = elements[record + E_AFTER] as number;
            continue;
          }
          const undo = this.#undo.length;
          const prefix = names[(elements[record + E_NAME] as number) * NAME + M_PREFIX] as number;
          if ((kind & SIMPLE) === 0 || rendered[prefix] !== elements[record + E_NAMESPACE] || node === apex) {
            this.#tag(node, kind, start, record, apex);
          } else if ((kind & CANONICAL) === 0) {
            this.#render.clear();
            this.#rewrite(record, start);
            this.#run = elements[record + E_CONTENT] as number;
          }
          if ((kind & EMPTY) !== 0) {
            output.octet(0x3c);
            output.octet(0x2f);
            this.#name(elements[record + E_NAME] as number);
            output.octet(0x3e);
            this.#restore(undo);
          } else if ((kind & END_CANONICAL) === 0 || this.#undo.length > undo) {
            closing.push(record, undo);
            closeAt = elements[record + E_AFTER] as number;
          }
          break;
        }
        case TEXT:
          if ((kind & CANONICAL) === 0) {
            this.#flush(start);
            output.text(start, ref);
            this.#run = ref;
          }
          break;
        case CDATA:
          this.#flush(start);
          output.characters(start + 9, ref - 3);
          this.#run = ref;
          break;
        case COMMENT:
          if (!comments) {
            this.#flush(start);
            this.#run = ref;
          } else if ((kind & CANONICAL) === 0) {
            this.#flush(start);
            output.lines(start, ref);
            this.#run = ref;
          }
          break;
        case INSTRUCTION:
          if ((kind & CANONICAL) === 0) {
            this.#flush(start);
            instruction(output, octets, start, ref);
            this.#run = ref;
          }
          break;
      }
      node++;
    }
    return node;
  }

  /** Ends the innermost element that needs work there; returns where the next one ends. */
  #close(): number {
    const { nodes, elements } = this.#tape as Tape;
    const closing = this.#closing;
    const undo = closing.pop() as number;
    const record = closing.pop() as number;
    const node = elements[record] as number;
    if (((nodes[node * NODE + N_KIND] as number) & END_CANONICAL) === 0) {
      this.#flush(elements[record + E_CLOSE] as number);
      this.#output.octet(0x3c);
      this.#output.octet(0x2f);
      this.#name(elements[record + E_NAME] as number);
      this.#output.octet(0x3e);
      this.#run = elements[record + E_END] as number;
    }
    this.#restore(undo);
    return this.#nextClose();
  }

  /** The node behind the innermost element that needs work at its end, -1 when there is none. */
  #nextClose(): number {
    const closing = this.#closing;
    const { elements } = this.#tape as Tape;
    return closing.length === 0 ? -1 : (elements[(closing.at(-2) as number) + E_AFTER] as number);
  }

  #name(name: number): void {
    const { names } = this.#tape as Tape;
    const start = names[name * NAME + M_START] as number;
    this.#output.copy(start, start + (names[name * NAME + M_LENGTH] as number));
  }

  /** A start tag: as written when it is canonical and declares just what must be rendered, else anew. */
  #tag(node: number, kind: number, start: number, record: number, apex: number): void {
    const { elements } = this.#tape as Tape;
    const render = this.#render;
    render.clear();
    const firstDeclaration = elements[record + E_DECLARATIONS] as number;
    const lastDeclaration = elements[record + RECORD + E_DECLARATIONS] as number;
    const isExclusive = (this.#method as Canonicalization).exclusive;
    if (isExclusive) this.#used(record);
    if (!isExclusive || this.#listed !== undefined) {
      if (node === apex) this.#inherit(elements[record + E_SCOPE] as number);
      else this.#declared(firstDeclaration, lastDeclaration);
    }
    const inherited = node === apex ? this.#inheritedAttributes(apex) : NOTHING_INHERITED;
    const sorted = this.#inOrder(record);
    if (
      sorted &&
      (kind & CANONICAL) !== 0 &&
      inherited.length === 0 &&
      render.length === lastDeclaration - firstDeclaration &&
      this.#asWritten(firstDeclaration, lastDeclaration)
    ) {
      return;
    }
    this.#flush(start);
    this.#write(record, inherited, sorted);
    this.#run = elements[record + E_CONTENT] as number;
  }

  #need(prefix: number, namespace: number): void {
    if (this.#rendered[prefix] === namespace || namespace === XML_NAMESPACE) return;
    this.#set(prefix, namespace);
    this.#render.add(prefix);
  }

  /** Exclusive C14N, section 3: namespaces that the element's and its attributes' names visibly use. */
  #used(record: number): void {
    const { elements, attributes, names } = this.#tape as Tape;
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
    const { declarations } = this.#tape as Tape;
    for (let index = first; index < last; index++) this.#inclusive(index, declarations);
  }

  /** All that is in scope, innermost first: at the apex, what was declared outside counts as well. */
  #inherit(scope: number): void {
    const { declarations } = this.#tape as Tape;
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
  #asWritten(first: number, last: number): boolean {
    const { declarations } = this.#tape as Tape;
    this.#render.sort(this.#byName);
    for (let index = first; index < last; index++) {
      if (this.#render.at(index - first) !== declarations[index * DECLARATION + D_PREFIX]) return false;
    }
    return true;
  }

  /** Document order of attributes in canonical form: by namespace name, then by local name. */
  #compareAttributes(one: number, other: number): number {
    const { attributes, names, namespaces } = this.#tape as Tape;
    const left = attributes[one * ATTRIBUTE + A_NAMESPACE] as number;
    const right = attributes[other * ATTRIBUTE + A_NAMESPACE] as number;
    if (left !== right) return byCodePoints(namespaces[left] as string, namespaces[right] as string);
    return compareNames(
      this.#octets,
      names,
      names[(attributes[one * ATTRIBUTE + A_NAME] as number) * NAME + M_LOCAL] as number,
      names[(attributes[other * ATTRIBUTE + A_NAME] as number) * NAME + M_LOCAL] as number,
    );
  }

  #inOrder(record: number): boolean {
    const { elements } = this.#tape as Tape;
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    for (let index = (elements[record + E_ATTRIBUTES] as number) + 1; index < end; index++) {
      if (this.#compareAttributes(index - 1, index) > 0) return false;
    }
    return true;
  }

  #write(record: number, inherited: readonly Inherited[], sorted: boolean): void {
    const { elements, attributes, names } = this.#tape as Tape;
    const output = this.#output;
    output.octet(0x3c);
    this.#name(elements[record + E_NAME] as number);
    if (this.#render.length > 0) this.#writeNamespaces();
    const order = this.#order;
    order.clear();
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    for (let index = elements[record + E_ATTRIBUTES] as number; index < end; index++) order.add(index);
    if (!sorted) order.sort(this.#byAttribute);
    let next = 0;
    for (let index = 0; index < order.length; index++) {
      const attribute = order.at(index);
      if (inherited.length > 0) {
        next = this.#before(attribute, inherited, next);
        if (this.#isReplaced(attribute, inherited)) continue;
      }
      const entry = attribute * ATTRIBUTE;
      const name = (attributes[entry + A_NAME] as number) * NAME;
      const nameStart = names[name + M_START] as number;
      const start = attributes[entry + A_START] as number;
      const close = attributes[entry + A_END] as number;
      const isCanonical = ((attributes[entry + A_FLAGS] as number) & CANONICAL) !== 0;
      output.attribute(nameStart, nameStart + (names[name + M_LENGTH] as number), start, close, isCanonical);
    }
    for (; next < inherited.length; next++) this.#writeInherited(inherited[next] as Inherited);
    output.octet(0x3e);
  }

  /** The run up to a start tag, and the tag with its attributes in canonical order. */
  #rewrite(record: number, start: number): void {
    const { elements, attributes, names } = this.#tape as Tape;
    const first = elements[record + E_ATTRIBUTES] as number;
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    let flags = VERBATIM;
    for (let index = first; index < end; index++) flags &= attributes[index * ATTRIBUTE + A_FLAGS] as number;
    if (flags === 0 || end - first > FEW) {
      this.#flush(start);
      this.#write(record, NOTHING_INHERITED, false);
      return;
    }
    const few = this.#few;
    for (let index = first; index < end; index++) {
      let place = index - first;
      while (place > 0 && this.#compareAttributes(few[place - 1] as number, index) > 0) {
        few[place] = few[place - 1] as number;
        place--;
      }
      few[place] = index;
    }
    const places = this.#places;
    for (let index = 0; index < end - first; index++) {
      const entry = (few[index] as number) * ATTRIBUTE;
      const length = names[(attributes[entry + A_NAME] as number) * NAME + M_LENGTH] as number;
      // The name, `="`, the value and `"`.
      places[index * 2] = (attributes[entry + A_START] as number) - 2 - length;
      places[index * 2 + 1] = (attributes[entry + A_END] as number) + 1;
    }
    const behind = start + 1 + (names[(elements[record + E_NAME] as number) * NAME + M_LENGTH] as number);
    this.#output.reordered(this.#run, behind, places, (end - first) * 2);
  }

  #writeNamespaces(): void {
    const { namespaces, spellings } = this.#tape as Tape;
    const output = this.#output;
    const render = this.#render;
    render.sort(this.#byName);
    for (let index = 0; index < render.length; index++) {
      const prefix = render.at(index);
      output.string(prefix === NO_NAME ? ' xmlns' : ' xmlns:');
      this.#name(prefix);
      output.octet(0x3d);
      output.octet(0x22);
      const namespace = this.#rendered[prefix] as number;
      const start = spellings[namespace * 2] as number;
      if (start < 0) output.string(escapeValue(namespaces[namespace] as string));
      else output.copy(start, spellings[namespace * 2 + 1] as number);
      output.octet(0x22);
    }
  }

  #writeInherited({ local, value }: Inherited): void {
    if (value !== undefined) this.#output.string(` xml:${local}="${escapeValue(value)}"`);
  }

  /** Writes the inherited xml: attributes that stand before an attribute; returns the first that does not. */
  #before(attribute: number, inherited: readonly Inherited[], from: number): number {
    const { attributes, names, namespaces } = this.#tape as Tape;
    const entry = attribute * ATTRIBUTE;
    const namespace = attributes[entry + A_NAMESPACE] as number;
    const local = (this.#document as XmlDocument).name(
      names[(attributes[entry + A_NAME] as number) * NAME + M_LOCAL] as number,
    );
    let next = from;
    for (; next < inherited.length; next++) {
      const one = inherited[next] as Inherited;
      const difference =
        namespace === XML_NAMESPACE
          ? byCodePoints(one.local, local)
          : byCodePoints(namespaces[XML_NAMESPACE] as string, namespaces[namespace] as string);
      if (difference > 0) break;
      this.#writeInherited(one);
    }
    return next;
  }

  #isReplaced(attribute: number, inherited: readonly Inherited[]): boolean {
    const { attributes, names } = this.#tape as Tape;
    const entry = attribute * ATTRIBUTE;
    if (attributes[entry + A_NAMESPACE] !== XML_NAMESPACE) return false;
    const name = names[(attributes[entry + A_NAME] as number) * NAME + M_LOCAL] as number;
    const local = (this.#document as XmlDocument).name(name);
    return inherited.some((one) => one.local === local);
  }

  /** Inclusive C14N: the xml: attributes that the apex has from its ancestors (1.0: 2.4; 1.1: 2.4). */
  #inheritedAttributes(apex: number): readonly Inherited[] {
    const method = this.#method as Canonicalization;
    const { nodes } = this.#tape as Tape;
    if (method.exclusive || (nodes[apex * NODE + N_PARENT] as number) < 0) return NOTHING_INHERITED;
    return inheritedAttributes((this.#document as XmlDocument).at(apex), method);
  }
}

/** An instruction as written, in canonical form: one space before its data, none without data. */
function instruction(output: Output, octets: Buffer, start: number, end: number): void {
  let target = start + 2;
  while (target < end - 2 && space[octets[target] as number] === 0) target++;
  output.copy(start, target);
  let data = target;
  while (data < end - 2 && space[octets[data] as number] === 1) data++;
  if (data < end - 2) {
    output.octet(0x20);
    output.lines(data, end - 2);
  }
  output.string('?>');
}

const canonicalizer = new Canonicalizer();
