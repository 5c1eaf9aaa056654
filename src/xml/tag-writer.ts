/** Start tags in canonical form that are not written so: attributes in order, values escaped (Canonical XML 1.0, section 2.3). */
import type { XmlDocument } from './document.ts';
import { type Inherited, NOTHING_INHERITED } from './inherited.ts';
import { compareNames } from './names.ts';
import { byCodePoints, escapeValue, type Output } from './output.ts';
import { Picks } from './picks.ts';
import type { Rendering } from './rendering.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time.
const {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CANONICAL,
  E_ATTRIBUTES,
  E_NAME,
  M_LENGTH,
  M_LOCAL,
  M_START,
  NAME,
  RECORD,
  VERBATIM,
  XML_NAMESPACE,
} = tape;

/** Attributes that are put in order without a list that grows. */
const FEW = 16;

export class TagWriter {
  readonly #output: Output;
  readonly #rendering: Rendering;
  #document: XmlDocument | undefined;
  #tape: Tape | undefined;
  /** Attributes of one element, in canonical order. */
  readonly #order = new Picks();
  readonly #few = new Int32Array(FEW);
  /** Where they begin and end, in pairs. */
  readonly #places = new Int32Array(FEW * 2);
  readonly #byAttribute = (one: number, other: number): number => this.#compareAttributes(one, other);

  constructor(output: Output, rendering: Rendering) {
    this.#output = output;
    this.#rendering = rendering;
  }

  begin(document: XmlDocument | undefined): void {
    this.#document = document;
    this.#tape = document?.tape;
  }

  /** Document order of attributes in canonical form: by namespace name, then by local name. */
  #compareAttributes(one: number, other: number): number {
    const { attributes, names, namespaces } = this.#tape as Tape;
    const left = attributes[one * ATTRIBUTE + A_NAMESPACE] as number;
    const right = attributes[other * ATTRIBUTE + A_NAMESPACE] as number;
    if (left !== right) return byCodePoints(namespaces[left] as string, namespaces[right] as string);
    return compareNames(
      (this.#tape as Tape).octets,
      names,
      names[(attributes[one * ATTRIBUTE + A_NAME] as number) * NAME + M_LOCAL] as number,
      names[(attributes[other * ATTRIBUTE + A_NAME] as number) * NAME + M_LOCAL] as number,
    );
  }

  /** True when the attributes are written in canonical order. */
  isInOrder(record: number): boolean {
    const { elements } = this.#tape as Tape;
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    for (let index = (elements[record + E_ATTRIBUTES] as number) + 1; index < end; index++) {
      if (this.#compareAttributes(index - 1, index) > 0) return false;
    }
    return true;
  }

  /** The tag, with the namespaces that were chosen for it. */
  write(record: number, inherited: readonly Inherited[], sorted: boolean): void {
    const { elements, attributes, names } = this.#tape as Tape;
    const output = this.#output;
    output.octet(0x3c);
    output.name(elements[record + E_NAME] as number);
    if (this.#rendering.prefixes.length > 0) this.#rendering.write(output);
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

  /** The run up to a start tag, and the tag, of which nothing but the order of its attributes may change, without namespaces. */
  rewrite(record: number, run: number, start: number): void {
    const { elements, attributes, names } = this.#tape as Tape;
    const first = elements[record + E_ATTRIBUTES] as number;
    const end = elements[record + RECORD + E_ATTRIBUTES] as number;
    let flags = VERBATIM;
    for (let index = first; index < end; index++) flags &= attributes[index * ATTRIBUTE + A_FLAGS] as number;
    if (flags === 0 || end - first > FEW) {
      if (start > run) this.#output.copy(run, start);
      this.#rendering.prefixes.clear();
      this.write(record, NOTHING_INHERITED, false);
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
    this.#output.reordered(run, behind, places, (end - first) * 2);
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
}
