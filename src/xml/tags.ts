/** Start tags: the name, attributes and namespace declarations, and that no two attributes have one name. */
import * as characters from './characters.ts';
import type { Draft } from './draft.ts';
import { counted } from './limits.ts';
import type { Names } from './names.ts';
import { grown } from './runs.ts';
import type { Scope } from './scope.ts';
import * as tape from './tape.ts';
import { isCanonicalReference, reference } from './values.ts';
import { SLACK, same } from './words.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time.
const {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CANONICAL,
  DECLARES,
  E_ATTRIBUTES,
  E_CONTENT,
  E_NODE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  IS_XML,
  IS_XMLNS,
  M_FOLLOWING,
  M_LOCAL,
  M_MEANING,
  M_MODEL,
  M_PREFIX,
  N_KIND,
  N_START,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  NODE,
  PLAIN,
  RECORD,
  SIMPLE,
  VERBATIM,
  XML_NAMESPACE,
} = tape;
const { space, valueStop } = characters;

/** The namespace of an attribute whose prefix is looked up at the end of its tag: declarations may follow it. */
const UNRESOLVED = -1;

export class Tags {
  readonly #draft: Draft;
  readonly #names: Names;
  readonly #scope: Scope;
  /** Of the start tag read last: the name, and the octet behind. */
  name: number = NO_NAME;
  behind = 0;

  constructor(draft: Draft, names: Names, scope: Scope) {
    this.#draft = draft;
    this.#names = names;
    this.#scope = scope;
  }

  /** A start tag (40, 44): leaves its name in `name` and the octet behind in `behind`; returns the flags of the node. */
  read(tagStart: number, element: number): number {
    const octets = this.#draft.octets;
    const words = this.#draft.words;
    const names = this.#names;
    const limits = this.#draft.limits;
    const mostText = counted(limits.text);
    const mostAttributes = counted(limits.attributes);
    let attributes = this.#draft.attributes;
    const firstAttribute = this.#draft.attributeCount;
    let attributeCount = firstAttribute;
    const name = names.read(octets, words, tagStart + 1) | 0;
    let at = names.end | 0;
    let flags = ELEMENT | CANONICAL | SIMPLE;
    let before = -1;
    let ordered = true;
    let values = PLAIN | VERBATIM;
    let octet = octets[at] as number;
    while (octet !== 0x3e) {
      if (octet === 0x2f && octets[at + 1] === 0x3e) {
        flags = (flags & ~CANONICAL) | EMPTY;
        at++;
        break;
      }
      if (space[octet] === 0) this.#draft.fail('White space, `>` or `/>` expected in the tag', at);
      if (octet !== 0x20) flags &= ~CANONICAL;
      octet = octets[++at] as number;
      if (space[octet] === 1) {
        flags &= ~CANONICAL;
        at = this.#draft.skip(at) | 0;
        octet = octets[at] as number;
      }
      if (octet === 0x3e || octet === 0x2f) {
        flags &= ~CANONICAL;
        continue;
      }
      const attribute = names.read(octets, words, at) | 0;
      if (attribute < 0) this.#draft.fail('An attribute name expected in the tag', at);
      const nameStart = at;
      at = names.end;
      if (octets[at] !== 0x3d) {
        flags &= ~CANONICAL;
        at = this.#draft.skip(at) | 0;
        if (octets[at] !== 0x3d) this.#draft.fail('`=` expected behind the attribute name', at);
      }
      octet = octets[++at] as number;
      if (space[octet] === 1) {
        flags &= ~CANONICAL;
        at = this.#draft.skip(at) | 0;
        octet = octets[at] as number;
      }
      if (octet !== 0x22 && octet !== 0x27) this.#draft.fail('A quoted attribute value expected', at);
      const quote = octet;
      const valueStart = ++at;
      let valueFlags = PLAIN | CANONICAL;
      octet = octets[at] as number;
      for (;;) {
        if (valueStop[octet] === 0) {
          do octet = octets[++at] as number;
          while (valueStop[octet] === 0);
        }
        if (octet === quote) break;
        if (octet === 0x27) at++;
        else if (octet === 0x22) {
          valueFlags &= ~CANONICAL;
          at++;
        } else if (octet === 0x26) {
          const behind = reference(octets, at) | 0;
          valueFlags &= isCanonicalReference(octets, at, behind, true) ? ~PLAIN : ~(PLAIN | CANONICAL);
          at = behind;
        } else if (octet === 0x09 || octet === 0x0a || octet === 0x0d) {
          valueFlags &= ~(PLAIN | CANONICAL);
          at++;
        } else if (octet === 0x3c) this.#draft.fail('`<` may not stand in an attribute value: write &lt;', at);
        else this.#draft.fail('A control character that XML cannot carry', at);
        octet = octets[at] as number;
      }
      if (quote === 0x27 || (valueFlags & CANONICAL) === 0) flags &= ~CANONICAL;
      else if (valueStart === names.end + 2) valueFlags |= VERBATIM;
      const valueEnd = at++;
      if (valueEnd - valueStart > mostText) this.#draft.limit('octets of attribute value', 'text', valueStart);
      octet = octets[at] as number;
      const records = names.records;
      const prefix = records[attribute * NAME + M_PREFIX] as number;
      const meaning = records[attribute * NAME + M_MEANING] as number;
      if (meaning >= IS_XMLNS) {
        // In canonical form declarations come first.
        flags &= attributeCount === firstAttribute ? ~SIMPLE : ~(SIMPLE | CANONICAL);
        const declared = meaning === DECLARES ? (records[attribute * NAME + M_LOCAL] as number) : NO_NAME;
        this.#scope.declare(element, declared, valueStart, valueEnd, valueFlags, nameStart);
        continue;
      }
      let namespace = NO_NAMESPACE as number;
      if (prefix !== NO_NAME) {
        if (records[prefix * NAME + M_MEANING] === IS_XML) {
          namespace = XML_NAMESPACE;
        } else {
          namespace = UNRESOLVED;
          flags &= ~SIMPLE;
        }
      }
      if (before >= 0 && ordered) ordered = names.inOrder(before, attribute);
      before = attribute;
      if (attributeCount - firstAttribute >= mostAttributes) this.#draft.limit('attributes', 'attributes', nameStart);
      values &= valueFlags;
      const entry = attributeCount++ * ATTRIBUTE;
      if (entry >= attributes.length) {
        attributes = grown(attributes);
        this.#draft.attributes = attributes;
      }
      attributes[entry + A_NAME] = attribute;
      attributes[entry + A_NAMESPACE] = namespace;
      attributes[entry + A_START] = valueStart;
      attributes[entry + A_END] = valueEnd;
      attributes[entry + A_FLAGS] = valueFlags;
    }
    at++;
    this.#draft.attributeCount = attributeCount;
    if (!ordered) flags &= ~CANONICAL;
    // Names without prefixes that rise from one to the next are all different.
    if (!ordered || (flags & SIMPLE) === 0) this.#resolve(firstAttribute, attributeCount, tagStart);
    names.records[name * NAME + M_MODEL] = (flags & SIMPLE) !== 0 && values === (PLAIN | VERBATIM) ? element + 1 : 0;
    this.name = name;
    this.behind = at;
    return flags;
  }

  /**
   * A start tag that is written like an earlier one of its name, but for the values of its attributes: most are. What
   * stands between the values is compared as a whole, and what was found out about it then holds again.
   *
   * @returns as `read`; 0 when the tag is another or perhaps wrong, and `read` has to read it
   */
  likeBefore(tagStart: number): number {
    const octets = this.#draft.octets;
    const words = this.#draft.words;
    const names = this.#names;
    const elements = this.#draft.elements;
    const guess = names.records[names.last * NAME + M_FOLLOWING] as number;
    const model = (names.records[guess * NAME + M_MODEL] as number) - 1;
    if (model < 0) return 0;
    const record = model * RECORD;
    const first = elements[record + E_ATTRIBUTES] as number;
    const last = elements[record + RECORD + E_ATTRIBUTES] as number;
    let entry = this.#draft.attributeCount * ATTRIBUTE;
    while (entry + (last - first) * ATTRIBUTE > this.#draft.attributes.length)
      this.#draft.attributes = grown(this.#draft.attributes);
    const attributes = this.#draft.attributes;
    const node = (elements[record + E_NODE] as number) * NODE;
    const kind = this.#draft.nodes[node + N_KIND] as number;
    const mostText = counted(this.#draft.limits.text);
    const end = octets.length - SLACK;
    let literal = this.#draft.nodes[node + N_START] as number;
    let at = tagStart | 0;
    for (let other = first * ATTRIBUTE; other < last * ATTRIBUTE; other += ATTRIBUTE) {
      const length = (attributes[other + A_START] as number) - literal;
      if (at + length > end || !same(words, at, literal, length)) return 0;
      const start = at + length;
      at = start;
      let octet = octets[at] as number;
      if (valueStop[octet] === 0) {
        do octet = octets[++at] as number;
        while (valueStop[octet] === 0);
      }
      // Whether a quote ends the value is seen when the next stretch is compared, which begins with one.
      if (at - start > mostText) return 0;
      attributes[entry + A_NAME] = attributes[other + A_NAME] as number;
      attributes[entry + A_NAMESPACE] = attributes[other + A_NAMESPACE] as number;
      attributes[entry + A_START] = start;
      attributes[entry + A_END] = at;
      attributes[entry + A_FLAGS] = PLAIN | CANONICAL | VERBATIM;
      entry += ATTRIBUTE;
      literal = attributes[other + A_END] as number;
    }
    const length = (elements[record + E_CONTENT] as number) - literal;
    if (at + length > end || !same(words, at, literal, length)) return 0;
    names.last = last > first ? (attributes[(last - 1) * ATTRIBUTE + A_NAME] as number) : guess;
    this.#draft.attributeCount += last - first;
    this.name = guess;
    this.behind = at + length;
    return kind & ~END_CANONICAL;
  }

  /** Attributes' namespaces, and that no two have one expanded name (Namespaces in XML 1.0, section 6.3). */
  #resolve(first: number, last: number, offset: number): void {
    const attributes = this.#draft.attributes;
    const records = this.#names.records;
    for (let index = first; index < last; index++) {
      const entry = index * ATTRIBUTE;
      if (attributes[entry + A_NAMESPACE] === UNRESOLVED) {
        const prefix = records[(attributes[entry + A_NAME] as number) * NAME + M_PREFIX] as number;
        attributes[entry + A_NAMESPACE] = this.#scope.namespaceOf(prefix, offset);
      }
    }
    if (last - first > 16) {
      this.#distinct(first, last, offset);
      return;
    }
    for (let index = first + 1; index < last; index++) {
      const entry = index * ATTRIBUTE;
      const local = records[(attributes[entry + A_NAME] as number) * NAME + M_LOCAL];
      for (let other = first * ATTRIBUTE; other < entry; other += ATTRIBUTE) {
        if (
          records[(attributes[other + A_NAME] as number) * NAME + M_LOCAL] === local &&
          attributes[other + A_NAMESPACE] === attributes[entry + A_NAMESPACE]
        ) {
          this.#draft.fail('Two attributes have one name', offset);
        }
      }
    }
  }

  #distinct(first: number, last: number, offset: number): void {
    const seen = new Set<number>();
    for (let index = first; index < last; index++) {
      const entry = index * ATTRIBUTE;
      const name = (this.#draft.attributes[entry + A_NAME] as number) * NAME;
      const local = this.#names.records[name + M_LOCAL] as number;
      // Exact: a document has fewer than 2^21 namespaces or 2^32 names.
      seen.add((this.#draft.attributes[entry + A_NAMESPACE] as number) * 2 ** 32 + local);
    }
    if (seen.size !== last - first) this.#draft.fail('Two attributes have one name', offset);
  }
}
