/**
 * Which prefixes an element needs for its content when it stands alone. Exclusive canonicalization keeps a namespace
 * only where a name visibly uses it; a QName in content (xsi:type, an XPath, a PrefixList) uses a prefix invisibly. Such
 * prefixes go on the PrefixList (Exclusive C14N, section 1.3), and so do those that the element declares and never uses.
 */
import type { XmlDocument, XmlElement } from './document.ts';
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
  E_DECLARATIONS,
  E_NAME,
  E_NAMESPACE,
  E_SCOPE,
  ELEMENT,
  KIND_MASK,
  M_PREFIX,
  N_KIND,
  N_PARENT,
  N_REF,
  N_START,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  NODE,
  PLAIN,
  RECORD,
  type Tape,
  TEXT,
  XML_NAMESPACE,
} from './tape.ts';
import { slice, textOf, valueText, verbatimOf } from './values.ts';

/**
 * @returns what belongs on the PrefixList under which the element, standing alone, keeps the meaning of its content,
 *   sorted; usually nothing
 */
export function contentPrefixes(apex: XmlElement): readonly string[] {
  const { document } = apex;
  const survey = new Survey(document);
  const needed = [...survey.of(apex.index)].map((name) => document.name(name) || '#default');
  return needed.sort();
}

const UNSET = -1;

/** A whole word that no colon makes part of a prefixed name. */
const UNPREFIXED = /(?<![\p{L}\p{N}_.:-])[\p{L}_][\p{L}\p{N}_.-]*(?![\p{L}\p{N}_.:-])/u;

const SPACE = /\s/;

class Survey {
  readonly #document: XmlDocument;
  readonly #tape: Tape;
  /** By prefix (a name): the namespace in scope, and the one that exclusive canonical form would have in scope. */
  readonly #bound = new Map<number, number>([[NO_NAME, NO_NAMESPACE]]);
  readonly #rendered = new Map<number, number>([[NO_NAME, NO_NAMESPACE]]);
  /** Prefixes for which the two differ. While there are none, content need not be looked at. */
  readonly #differing = new Set<number>();
  /** Whether `#differing` was added to since all of it was needed. */
  #changed = true;
  readonly #undo: (() => void)[] = [];
  readonly #needed = new Set<number>();
  readonly #used = new Set<number>();
  readonly #declared = new Set<number>();
  readonly #prefixNames = new Map<string, number>();

  constructor(document: XmlDocument) {
    this.#document = document;
    this.#tape = document.tape;
  }

  of(apex: number): ReadonlySet<number> {
    const { nodes, elements } = this.#tape;
    const after = elements[(nodes[apex * NODE + N_REF] as number) * RECORD + E_AFTER] as number;
    this.#inherit(elements[(nodes[apex * NODE + N_REF] as number) * RECORD + E_SCOPE] as number);
    const closing: number[] = [];
    for (let node = apex; node < after; node++) {
      while (closing.length > 0 && (closing.at(-2) as number) <= node) {
        this.#restore(closing.pop() as number);
        closing.pop();
      }
      const kind = (nodes[node * NODE + N_KIND] as number) & KIND_MASK;
      if (kind === ELEMENT) {
        const record = (nodes[node * NODE + N_REF] as number) * RECORD;
        const undo = this.#undo.length;
        this.#element(record);
        if (this.#undo.length > undo) closing.push(elements[record + E_AFTER] as number, undo);
      } else if (this.#differing.size > 0 && (kind === TEXT || kind === CDATA)) {
        this.#text(node);
      }
    }
    for (const prefix of this.#declared) if (!this.#used.has(prefix)) this.#needed.add(prefix);
    return this.#needed;
  }

  #inherit(scope: number): void {
    const { declarations } = this.#tape;
    const seen = new Set<number>();
    for (let index = scope; index >= 0; index = declarations[index * DECLARATION + D_OUTER] as number) {
      const prefix = declarations[index * DECLARATION + D_PREFIX] as number;
      if (!seen.has(prefix)) this.#bind(prefix, declarations[index * DECLARATION + D_NAMESPACE] as number);
      seen.add(prefix);
    }
    this.#undo.length = 0;
  }

  #bind(prefix: number, namespace: number): void {
    if (namespace === XML_NAMESPACE) return;
    this.#prefixNames.set(this.#document.name(prefix), prefix);
    this.#set(this.#bound, prefix, namespace);
  }

  #set(scope: Map<number, number>, prefix: number, namespace: number): void {
    const former = scope.get(prefix) ?? UNSET;
    if (former === namespace) return;
    const put = (value: number) => {
      scope.set(prefix, value);
      const bound = this.#bound.get(prefix) ?? UNSET;
      if (bound !== UNSET && bound !== (this.#rendered.get(prefix) ?? UNSET)) {
        this.#differing.add(prefix);
        this.#changed = true;
      } else {
        this.#differing.delete(prefix);
      }
    };
    this.#undo.push(() => put(former));
    put(namespace);
  }

  #restore(to: number): void {
    while (this.#undo.length > to) this.#undo.pop()?.();
  }

  #element(record: number): void {
    const { elements, attributes, declarations, names } = this.#tape;
    const lastDeclaration = elements[record + RECORD + E_DECLARATIONS] as number;
    for (let index = elements[record + E_DECLARATIONS] as number; index < lastDeclaration; index++) {
      const namespace = declarations[index * DECLARATION + D_NAMESPACE] as number;
      const prefix = declarations[index * DECLARATION + D_PREFIX] as number;
      this.#bind(prefix, namespace);
      if (namespace !== NO_NAMESPACE && namespace !== XML_NAMESPACE) this.#declared.add(prefix);
    }
    const name = elements[record + E_NAME] as number;
    this.#use(names[name * NAME + M_PREFIX] as number, elements[record + E_NAMESPACE] as number);
    const first = elements[record + E_ATTRIBUTES] as number;
    const last = elements[record + RECORD + E_ATTRIBUTES] as number;
    for (let index = first; index < last; index++) {
      const namespace = attributes[index * ATTRIBUTE + A_NAMESPACE] as number;
      if (namespace === NO_NAMESPACE) continue;
      this.#use(names[(attributes[index * ATTRIBUTE + A_NAME] as number) * NAME + M_PREFIX] as number, namespace);
    }
    if (this.#differing.size > 0) for (let index = first; index < last; index++) this.#value(index * ATTRIBUTE);
  }

  #use(prefix: number, namespace: number): void {
    if (namespace === XML_NAMESPACE) return;
    this.#used.add(prefix);
    this.#set(this.#rendered, prefix, namespace);
  }

  #value(entry: number): void {
    const { attributes, octets, ascii } = this.#tape;
    const start = attributes[entry + A_START] as number;
    const end = attributes[entry + A_END] as number;
    const plain = ((attributes[entry + A_FLAGS] as number) & PLAIN) !== 0;
    const value = plain ? slice(octets, start, end, ascii) : valueText(octets, start, end, ascii);
    this.#content(value, false);
    // Not once for each prefix: there may be hundreds of them, and hundreds of thousands of values.
    if (!SPACE.test(value)) this.#name(value);
    else for (const token of value.split(/\s+/)) this.#name(token);
  }

  #text(node: number): void {
    const { nodes, octets, ascii } = this.#tape;
    const kind = nodes[node * NODE + N_KIND] as number;
    const start = nodes[node * NODE + N_START] as number;
    const end = nodes[node * NODE + N_REF] as number;
    if ((kind & KIND_MASK) === CDATA) {
      this.#content(verbatimOf(octets, start + 9, end - 3, ascii), this.#continues(node));
    } else if ((kind & PLAIN) === 0) {
      this.#content(textOf(octets, start, end, ascii), this.#continues(node));
    } else if (this.#differing.has(NO_NAME) || hasColon(octets, start, end)) {
      this.#content(slice(octets, start, end, ascii), this.#continues(node));
    }
  }

  /** True when a word may have begun in the text before this one (with a comment or a section's border between). */
  #continues(node: number): boolean {
    const { nodes } = this.#tape;
    const before = (node - 1) * NODE;
    return (
      nodes[before + N_PARENT] === nodes[node * NODE + N_PARENT] &&
      ((nodes[before + N_KIND] as number) & KIND_MASK) !== ELEMENT
    );
  }

  /** Looks for what may be a QName: a word before a colon, or, for the default namespace, any word. */
  #content(text: string, continues: boolean): void {
    if (this.#differing.has(NO_NAME) && !this.#needed.has(NO_NAME) && UNPREFIXED.test(text)) this.#needed.add(NO_NAME);
    for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
      let start = colon;
      while (start > 0 && isWord(text.charCodeAt(start - 1))) start--;
      if (start === 0 && continues) this.#all();
      const word = text.slice(start, colon);
      this.#name(word);
      this.#name(word.replace(/^[-.0-9]+/, ''));
    }
  }

  /** Any of the prefixes may be meant. */
  #all(): void {
    if (!this.#changed) return;
    for (const prefix of this.#differing) this.#needed.add(prefix);
    this.#changed = false;
  }

  #name(word: string): void {
    const prefix = word === '' ? undefined : this.#prefixNames.get(word);
    if (prefix !== undefined && this.#differing.has(prefix)) this.#needed.add(prefix);
  }
}

function hasColon(octets: Buffer, start: number, end: number): boolean {
  // A search outside needs a view, which costs more than a short look.
  if (end - start > 200) return octets.subarray(start, end).includes(0x3a);
  for (let at = start; at < end; at++) if (octets[at] === 0x3a) return true;
  return false;
}

/** True for what may stand in a name: letters, digits, `-`, `.`, `_` and everything above ASCII. */
function isWord(unit: number): boolean {
  return (
    unit >= 0x80 ||
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x2d ||
    unit === 0x2e ||
    unit === 0x5f
  );
}
