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
import { kernelWith } from './kernel.ts';
import { xmlLimits } from './limits.ts';
import type { Canonicalization } from './methods.ts';
import { Output } from './output.ts';
import { Rendering } from './rendering.ts';
import { TagWriter } from './tag-writer.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time: with these
// copies the inner loops are a third faster.
const {
  CANONICAL,
  CDATA,
  COMMENT,
  E_AFTER,
  E_CLOSE,
  E_CONTENT,
  E_END,
  E_NAME,
  E_NAMESPACE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  INSTRUCTION,
  KIND_MASK,
  M_PREFIX,
  N_KIND,
  N_PARENT,
  N_REF,
  N_START,
  NAME,
  NODE,
  RECORD,
  SIMPLE,
  TEXT,
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

/** The compiled kernel is asked again after so many nodes when it was left with fewer. */
const FAR = 16;

/** Nodes that are written from one pause to the next. */
const STRETCH = 1024;

const NOTHING = Buffer.alloc(0);

class Canonicalizer {
  readonly #output = new Output();
  #document: XmlDocument | undefined;
  #octets: Buffer = NOTHING;
  #tape: Tape | undefined;
  readonly #rendering = new Rendering();
  readonly #tags = new TagWriter(this.#output, this.#rendering);
  /** Elements whose end needs work: element record and depth of the rendering before it, in pairs. */
  #closing: number[] = [];
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
    this.#rendering.begin(document, method, options);
    this.#tags.begin(document);
  }

  #finish(): void {
    this.#rendering.finish();
    this.#tags.begin(undefined);
    // Assigning a length is slow, even the same.
    if (this.#closing.length > 0) this.#closing.length = 0;
    this.#document = undefined;
    this.#tape = undefined;
    this.#octets = NOTHING;
    this.#output.end();
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
    const tape = this.#tape as Tape;
    const { nodes, elements, names } = tape;
    const octets = this.#octets;
    const output = this.#output;
    const closing = this.#closing;
    const { comments } = this.#method as Canonicalization;
    const rendering = this.#rendering;
    const { rendered } = rendering;
    let closeAt = this.#nextClose();
    const kernel = kernelWith(tape);
    // Not every time: where it does not get far, it costs more than it brings.
    let passAt = first;
    let node = first;
    while (node < last || node === closeAt) {
      if (node === closeAt) {
        closeAt = this.#close();
        continue;
      }
      if (kernel !== undefined && node >= passAt && node !== apex && node !== without) {
        const stop = Math.min(last, closeAt < 0 ? last : closeAt, without < node ? last : without);
        const start = node;
        node = kernel.pass(node, stop, this.#run, rendered, names.length / NAME, output);
        this.#run = kernel.run;
        passAt = node - start < FAR ? node + FAR : node + 1;
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
          const undo = rendering.depth;
          const prefix = names[(elements[record + E_NAME] as number) * NAME + M_PREFIX] as number;
          if ((kind & SIMPLE) === 0 || rendered[prefix] !== elements[record + E_NAMESPACE] || node === apex) {
            this.#tag(node, kind, start, record, apex);
          } else if ((kind & CANONICAL) === 0) {
            this.#tags.rewrite(record, this.#run, start);
            this.#run = elements[record + E_CONTENT] as number;
          }
          if ((kind & EMPTY) !== 0) {
            output.octet(0x3c);
            output.octet(0x2f);
            output.name(elements[record + E_NAME] as number);
            output.octet(0x3e);
            rendering.restore(undo);
          } else if ((kind & END_CANONICAL) === 0 || rendering.depth > undo) {
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
      this.#output.name(elements[record + E_NAME] as number);
      this.#output.octet(0x3e);
      this.#run = elements[record + E_END] as number;
    }
    this.#rendering.restore(undo);
    return this.#nextClose();
  }

  /** The node behind the innermost element that needs work at its end, -1 when there is none. */
  #nextClose(): number {
    const closing = this.#closing;
    const { elements } = this.#tape as Tape;
    return closing.length === 0 ? -1 : (elements[(closing.at(-2) as number) + E_AFTER] as number);
  }

  /** A start tag: as written when it is canonical and declares just what must be rendered, else anew. */
  #tag(node: number, kind: number, start: number, record: number, apex: number): void {
    this.#rendering.choose(record, node === apex);
    const inherited = node === apex ? this.#inheritedAttributes(apex) : NOTHING_INHERITED;
    const sorted = this.#tags.isInOrder(record);
    const isAsWritten = sorted && (kind & CANONICAL) !== 0 && inherited.length === 0;
    if (isAsWritten && this.#rendering.isAsWritten(record)) return;
    this.#flush(start);
    this.#tags.write(record, inherited, sorted);
    this.#run = (this.#tape as Tape).elements[record + E_CONTENT] as number;
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
