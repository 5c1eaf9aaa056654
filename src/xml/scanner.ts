/**
 * The scanner that reads everything, and says what is wrong where something is. (`kernel/` has the same once more for what
 * is usual.) The whole scanner is one class, one instance, reused: documents are scanned one after the other, and a small message
 * then allocates only what its tape keeps. An end marker behind the octets (0 is no XML character) stops every loop.
 */
import * as characters from './characters.ts';
import type { Source } from './encoding.ts';
import { XmlError } from './errors.ts';
import { beyond, type XmlLimits, xmlLimits } from './limits.ts';
import { Names } from './names.ts';
import { gathered, grown } from './runs.ts';
import { Scope } from './scope.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';
import { reference } from './values.ts';
import { SLACK, same } from './words.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time: with these
// copies the inner loops are a third faster.
const { NAME_START, NAME_WIDE, nameClass, space, textStop, valueStop } = characters;
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
  DECLARATION,
  DECLARES,
  E_AFTER,
  E_ATTRIBUTES,
  E_CLOSE,
  E_CONTENT,
  E_DECLARATIONS,
  E_END,
  E_NAME,
  E_NAMESPACE,
  E_NODE,
  E_SCOPE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  INSTRUCTION,
  IS_XML,
  IS_XMLNS,
  M_FOLLOWING,
  M_LENGTH,
  M_LOCAL,
  M_MEANING,
  M_MODEL,
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
  PLAIN,
  RECORD,
  SIMPLE,
  TEXT,
  VERBATIM,
  XML_NAMESPACE,
  XMLNS_NAMESPACE,
} = tape;

/** Integers of scratch kept from one document to the next, a run; what a larger document needed is given back. */
const KEPT = 1 << 18;

/** From so many octets on a document gets scratch of its own, which becomes its tape without being copied. */
const LARGE = 1 << 20;

/** The namespace of an attribute whose prefix is looked up at the end of its tag: declarations may follow it. */
const UNRESOLVED = -1;

/** Limits as the scan compares them: no document has more octets than a 32-bit integer counts. */
function counted(limit: number): number {
  return Math.min(limit, 0x7fff_ffff) | 0;
}

/** Text as long as this is probably much longer. */
const LONG = 48;

/** From one pause to the next so many octets are scanned; see `#document`. */
const STRETCH = 1 << 14;

const NOTHING = Buffer.alloc(SLACK);
const NO_WORDS = new DataView(new ArrayBuffer(SLACK));

class Scanner {
  readonly #names = new Names();
  readonly #scope = new Scope(this.#names);
  #octets: Buffer = NOTHING;
  #words: DataView = NO_WORDS;
  #length = 0;
  #ascii = true;
  #limits: XmlLimits = xmlLimits;
  #nodes = new Int32Array(NODE * 512);
  #nodeCount = 0;
  #elements = new Int32Array(RECORD * 256);
  #elementCount = 0;
  #attributes = new Int32Array(ATTRIBUTE * 256);
  #attributeCount = 0;
  /** Of the start tag read last: the name, and the octet behind. */
  #tagName = NO_NAME;
  #behind = 0;
  /** The open element, -1 at document level, and how many are open. */
  #openNode = -1;
  #depth = 0;
  #root = -1;
  #instructions = false;

  scan(source: Source, start: number, limits: XmlLimits): Tape {
    this.#octets = source.octets;
    this.#words = source.words;
    this.#length = source.length;
    this.#ascii = source.ascii;
    this.#limits = limits;
    this.#nodeCount = this.#elementCount = this.#attributeCount = this.#depth = 0;
    this.#openNode = this.#root = -1;
    this.#instructions = false;
    this.#names.begin(source, limits.name);
    this.#scope.begin(source, limits);
    if (source.length > LARGE) this.#enlarge(source.length);
    try {
      this.#document(start);
      return this.#tape();
    } finally {
      this.#release();
    }
  }

  #tape(): Tape {
    this.#closeRuns();
    const names = this.#names;
    const scope = this.#scope;
    const runs = [this.#nodes, this.#elements, this.#attributes, scope.declarations, names.records];
    const lengths = [
      this.#nodeCount * NODE,
      (this.#elementCount + 1) * RECORD,
      this.#attributeCount * ATTRIBUTE,
      scope.count * DECLARATION,
      names.count * NAME,
    ];
    const isLarge = this.#length > LARGE;
    const [nodes, elements, attributes, declarations, records] = (
      isLarge ? runs.map((run, index) => run.subarray(0, lengths[index])) : gathered(runs, lengths)
    ) as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];
    // What was handed over must not be written to again.
    if (isLarge) this.#renew();
    return {
      octets: this.#octets,
      words: this.#words,
      length: this.#length,
      ascii: this.#ascii,
      nodes,
      elements,
      attributes,
      declarations,
      names: records,
      namespaces: scope.namespaces,
      spellings: scope.spellings,
      root: this.#root,
      instructions: this.#instructions,
    };
  }

  /** Gives back what only this document needed. */
  #release(): void {
    this.#names.release();
    this.#scope.release();
    this.#octets = NOTHING;
    this.#words = NO_WORDS;
    if (Math.max(this.#nodes.length, this.#elements.length, this.#attributes.length) > KEPT) {
      this.#renew();
    }
  }

  #renew(): void {
    this.#nodes = new Int32Array(NODE * 512);
    this.#elements = new Int32Array(RECORD * 256);
    this.#attributes = new Int32Array(ATTRIBUTE * 256);
    this.#names.renew();
    this.#scope.renew();
  }

  /** Room at once for what a large document may bring; memory that is not written to costs nothing. */
  #enlarge(length: number): void {
    // Whole records: what is written behind the end of a run is lost without a word.
    this.#nodes = new Int32Array(NODE * Math.ceil(length / 6 / NODE));
    this.#elements = new Int32Array(RECORD * Math.ceil(length / 4 / RECORD));
    this.#attributes = new Int32Array(ATTRIBUTE * Math.ceil(length / 5 / ATTRIBUTE));
  }

  #fail(message: string, offset: number): never {
    if (offset >= this.#length) throw new XmlError('XML_MALFORMED', 'The document ends too early', { offset });
    throw new XmlError('XML_MALFORMED', message, { offset });
  }

  #wrongNamespace(message: string, offset: number): never {
    throw new XmlError('XML_NAMESPACE', message, { offset });
  }

  #limit(what: string, limit: keyof XmlLimits, offset: number): never {
    throw beyond(this.#limits, limit, what, offset);
  }

  /**
   * prolog element Misc* (production 1), a stretch at a time: V8 optimizes a function when it is entered often, and what it
   * makes for a loop that is entered once, for one large document, it throws away when the loop ends.
   */
  #document(start: number): void {
    let at = start;
    while (at < this.#length) at = this.#content(at, at + STRETCH);
    if (this.#openNode >= 0) this.#fail('An element is not closed', this.#length);
    if (this.#root < 0) throw new XmlError('XML_MALFORMED', 'The document has no root element', { offset: at });
  }

  /**
   * What stands at document level, and the content of all elements: text (14, 67), start tags (40, 44), end tags (42).
   * One loop over locals, because it is where all the time goes; what is rare is in methods, and `#keep` is called before
   * those that look at the tape. `| 0` behind calls and the first test before inner loops are for the compiler: it then
   * keeps `at` a machine integer, and checks before the loop what it would check on every turn.
   *
   * @returns the first octet at or behind `until` where something new begins; or the end of the document
   */
  #content(start: number, until: number): number {
    const octets = this.#octets;
    const words = this.#words;
    const names = this.#names;
    const scope = this.#scope;
    const limits = this.#limits;
    const mostNodes = counted(limits.nodes);
    const mostDepth = counted(limits.depth);
    const mostText = counted(limits.text);
    let nodes = this.#nodes;
    let elements = this.#elements;
    let nodeCount = this.#nodeCount;
    let elementCount = this.#elementCount;
    let depth = this.#depth;
    let openNode = this.#openNode;
    let at = start | 0;
    while (at < until) {
      let octet = octets[at] as number;
      if (octet !== 0x3c) {
        if (openNode < 0) {
          if (space[octet] === 1) {
            at++;
            continue;
          }
          if (at >= this.#length) break;
          this.#fail('Text outside the root element', at);
        }
        const textStart = at;
        let textFlags = TEXT | CANONICAL | PLAIN;
        for (;;) {
          if (textStop[octet] === 0) {
            const far = at + LONG;
            do octet = octets[++at] as number;
            while (textStop[octet] === 0 && at < far);
            if (at === far) {
              at = plainUntil(words, at) | 0;
              octet = octets[at] as number;
              continue;
            }
          }
          if (octet === 0x3c) break;
          if (octet === 0x26) {
            const behind = reference(octets, at) | 0;
            textFlags &= isCanonicalReference(octets, at, behind, false) ? ~PLAIN : ~(PLAIN | CANONICAL);
            at = behind;
          } else if (octet === 0x3e) {
            if (at - textStart >= 2 && octets[at - 1] === 0x5d && octets[at - 2] === 0x5d) {
              this.#fail('`]]>` may not stand in text: write ]]&gt;', at);
            }
            textFlags &= ~CANONICAL;
            at++;
          } else if (octet === 0x0d) {
            textFlags &= ~(PLAIN | CANONICAL);
            at++;
          } else {
            this.#fail('A control character that XML cannot carry', at);
          }
          octet = octets[at] as number;
        }
        if (at - textStart > mostText) this.#limit('octets of text', 'text', textStart);
        if (nodeCount >= mostNodes) this.#limit('nodes', 'nodes', textStart);
        const place = nodeCount++ * NODE;
        if (place >= nodes.length) {
          nodes = grown(nodes);
          this.#nodes = nodes;
        }
        nodes[place + N_KIND] = textFlags;
        nodes[place + N_START] = textStart;
        nodes[place + N_PARENT] = openNode;
        nodes[place + N_REF] = at;
      }
      const tagStart = at;
      const next = octets[at + 1] as number;
      if (next === 0x2f) {
        if (openNode < 0) this.#fail('An end tag without a start tag', at);
        const record = (nodes[openNode * NODE + N_REF] as number) * RECORD;
        const label = (elements[record + E_NAME] as number) * NAME;
        const records = names.records;
        const length = records[label + M_LENGTH] as number;
        const from = records[label + M_START] as number;
        at += 2;
        if (at + length > octets.length - SLACK || !same(words, at, from, length)) {
          this.#fail(this.#mismatch(from, length), at);
        }
        at += length;
        if (octets[at] === 0x3e) {
          const kind = openNode * NODE + N_KIND;
          nodes[kind] = (nodes[kind] as number) | END_CANONICAL;
        } else {
          at = this.#skip(at) | 0;
          if (octets[at] !== 0x3e) this.#fail(this.#mismatch(from, length), at);
        }
        elements[record + E_CLOSE] = tagStart;
        elements[record + E_END] = ++at;
        elements[record + E_AFTER] = nodeCount;
        if ((elements[record + E_SCOPE] as number) >= (elements[record + E_DECLARATIONS] as number)) {
          scope.leave(elements[record + E_DECLARATIONS] as number);
        }
        openNode = nodes[openNode * NODE + N_PARENT] as number;
        depth--;
        continue;
      }
      const first = nameClass[next] as number;
      if (first !== NAME_START && first !== NAME_WIDE) {
        this.#keep(nodeCount, elementCount, openNode);
        if (next === 0x21) at = this.#markup(at) | 0;
        else if (next === 0x3f) at = this.#instruction(at) | 0;
        else this.#fail('A `<` must start markup: write &lt; for the character', at + 1);
        nodeCount = this.#nodeCount;
        nodes = this.#nodes;
        continue;
      }
      if (depth >= mostDepth) this.#limit('elements inside one another', 'depth', tagStart);
      if (openNode < 0 && this.#root >= 0) this.#fail('A document has one root element only', tagStart);
      const record = elementCount * RECORD;
      // Room for this record and for the one that closes the run.
      if (record + RECORD * 2 > elements.length) {
        elements = grown(elements);
        this.#elements = elements;
      }
      // What comes before this element ends where its own begins.
      const firstDeclaration = scope.count;
      elements[record + E_ATTRIBUTES] = this.#attributeCount;
      elements[record + E_DECLARATIONS] = firstDeclaration;
      const flags = (this.#likeBefore(tagStart) || this.#startTag(tagStart, elementCount)) | 0;
      const name = this.#tagName;
      at = this.#behind | 0;
      const prefix = names.records[name * NAME + M_PREFIX] as number;
      const namespace = scope.namespaceOf(prefix, tagStart);
      if (namespace === XMLNS_NAMESPACE) {
        this.#wrongNamespace('An element may not have the prefix xmlns', tagStart);
      }
      if (nodeCount >= mostNodes) this.#limit('nodes', 'nodes', tagStart);
      const node = nodeCount++;
      const place = node * NODE;
      if (place >= nodes.length) {
        nodes = grown(nodes);
        this.#nodes = nodes;
      }
      nodes[place + N_KIND] = flags;
      nodes[place + N_START] = tagStart;
      nodes[place + N_PARENT] = openNode;
      nodes[place + N_REF] = elementCount++;
      elements[record + E_NODE] = node;
      elements[record + E_NAME] = name;
      elements[record + E_NAMESPACE] = namespace;
      elements[record + E_CONTENT] = at;
      elements[record + E_SCOPE] = scope.innermost;
      if (this.#root < 0) this.#root = node;
      if ((flags & EMPTY) === 0) {
        openNode = node;
        depth++;
      } else {
        elements[record + E_CLOSE] = at;
        elements[record + E_END] = at;
        elements[record + E_AFTER] = nodeCount;
        if (scope.innermost >= firstDeclaration) scope.leave(firstDeclaration);
      }
    }
    this.#depth = depth;
    this.#keep(nodeCount, elementCount, openNode);
    return at;
  }

  /** A start tag (40, 44): leaves its name in `#tagName` and the octet behind in `#behind`; returns the flags of the node. */
  #startTag(tagStart: number, element: number): number {
    const octets = this.#octets;
    const words = this.#words;
    const names = this.#names;
    const limits = this.#limits;
    const mostText = counted(limits.text);
    const mostAttributes = counted(limits.attributes);
    let attributes = this.#attributes;
    const firstAttribute = this.#attributeCount;
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
      if (space[octet] === 0) this.#fail('White space, `>` or `/>` expected in the tag', at);
      if (octet !== 0x20) flags &= ~CANONICAL;
      octet = octets[++at] as number;
      if (space[octet] === 1) {
        flags &= ~CANONICAL;
        at = this.#skip(at) | 0;
        octet = octets[at] as number;
      }
      if (octet === 0x3e || octet === 0x2f) {
        flags &= ~CANONICAL;
        continue;
      }
      const attribute = names.read(octets, words, at) | 0;
      if (attribute < 0) this.#fail('An attribute name expected in the tag', at);
      const nameStart = at;
      at = names.end;
      if (octets[at] !== 0x3d) {
        flags &= ~CANONICAL;
        at = this.#skip(at) | 0;
        if (octets[at] !== 0x3d) this.#fail('`=` expected behind the attribute name', at);
      }
      octet = octets[++at] as number;
      if (space[octet] === 1) {
        flags &= ~CANONICAL;
        at = this.#skip(at) | 0;
        octet = octets[at] as number;
      }
      if (octet !== 0x22 && octet !== 0x27) this.#fail('A quoted attribute value expected', at);
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
        } else if (octet === 0x3c) this.#fail('`<` may not stand in an attribute value: write &lt;', at);
        else this.#fail('A control character that XML cannot carry', at);
        octet = octets[at] as number;
      }
      if (quote === 0x27 || (valueFlags & CANONICAL) === 0) flags &= ~CANONICAL;
      else if (valueStart === names.end + 2) valueFlags |= VERBATIM;
      const valueEnd = at++;
      if (valueEnd - valueStart > mostText) this.#limit('octets of attribute value', 'text', valueStart);
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
      if (attributeCount - firstAttribute >= mostAttributes) this.#limit('attributes', 'attributes', nameStart);
      values &= valueFlags;
      const entry = attributeCount++ * ATTRIBUTE;
      if (entry >= attributes.length) {
        attributes = grown(attributes);
        this.#attributes = attributes;
      }
      attributes[entry + A_NAME] = attribute;
      attributes[entry + A_NAMESPACE] = namespace;
      attributes[entry + A_START] = valueStart;
      attributes[entry + A_END] = valueEnd;
      attributes[entry + A_FLAGS] = valueFlags;
    }
    at++;
    this.#attributeCount = attributeCount;
    if (!ordered) flags &= ~CANONICAL;
    // Names without prefixes that rise from one to the next are all different.
    if (!ordered || (flags & SIMPLE) === 0) this.#resolve(firstAttribute, attributeCount, tagStart);
    names.records[name * NAME + M_MODEL] = (flags & SIMPLE) !== 0 && values === (PLAIN | VERBATIM) ? element + 1 : 0;
    this.#tagName = name;
    this.#behind = at;
    return flags;
  }

  /**
   * A start tag that is written like an earlier one of its name, but for the values of its attributes: most are. What
   * stands between the values is compared as a whole, and what was found out about it then holds again.
   *
   * @returns as `#startTag`; 0 when the tag is another or perhaps wrong, and `#startTag` has to read it
   */
  #likeBefore(tagStart: number): number {
    const octets = this.#octets;
    const words = this.#words;
    const names = this.#names;
    const elements = this.#elements;
    const guess = names.records[names.last * NAME + M_FOLLOWING] as number;
    const model = (names.records[guess * NAME + M_MODEL] as number) - 1;
    if (model < 0) return 0;
    const record = model * RECORD;
    const first = elements[record + E_ATTRIBUTES] as number;
    const last = elements[record + RECORD + E_ATTRIBUTES] as number;
    let entry = this.#attributeCount * ATTRIBUTE;
    while (entry + (last - first) * ATTRIBUTE > this.#attributes.length) this.#attributes = grown(this.#attributes);
    const attributes = this.#attributes;
    const node = (elements[record + E_NODE] as number) * NODE;
    const kind = this.#nodes[node + N_KIND] as number;
    const mostText = counted(this.#limits.text);
    const end = octets.length - SLACK;
    let literal = this.#nodes[node + N_START] as number;
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
    this.#attributeCount += last - first;
    this.#tagName = guess;
    this.#behind = at + length;
    return kind & ~END_CANONICAL;
  }

  #keep(nodeCount: number, elementCount: number, openNode: number): void {
    this.#nodeCount = nodeCount;
    this.#elementCount = elementCount;
    this.#openNode = openNode;
  }

  #node(kind: number, start: number, ref: number): void {
    const node = this.#nodeCount++;
    if (node >= this.#limits.nodes) this.#limit('nodes', 'nodes', start);
    const record = node * NODE;
    if (record >= this.#nodes.length) this.#nodes = grown(this.#nodes);
    const nodes = this.#nodes;
    nodes[record + N_KIND] = kind;
    nodes[record + N_START] = start;
    nodes[record + N_PARENT] = this.#openNode;
    nodes[record + N_REF] = ref;
  }

  /** Writes where the last element's attributes and declarations end. */
  #closeRuns(): void {
    const record = this.#elementCount * RECORD;
    this.#elements.fill(0, record, record + RECORD);
    this.#elements[record + E_ATTRIBUTES] = this.#attributeCount;
    this.#elements[record + E_DECLARATIONS] = this.#scope.count;
  }

  #skip(from: number): number {
    let at = from;
    while (space[this.#octets[at] as number] === 1) at++;
    return at;
  }

  #mismatch(from: number, length: number): string {
    return `The end tag </${this.#octets.toString('utf8', from, from + length)}> expected`;
  }

  /** Attributes' namespaces, and that no two have one expanded name (Namespaces in XML 1.0, section 6.3). */
  #resolve(first: number, last: number, offset: number): void {
    const attributes = this.#attributes;
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
          this.#fail('Two attributes have one name', offset);
        }
      }
    }
  }

  #distinct(first: number, last: number, offset: number): void {
    const seen = new Set<number>();
    for (let index = first; index < last; index++) {
      const entry = index * ATTRIBUTE;
      const name = (this.#attributes[entry + A_NAME] as number) * NAME;
      const local = this.#names.records[name + M_LOCAL] as number;
      // Exact: a document has fewer than 2^21 namespaces or 2^32 names.
      seen.add((this.#attributes[entry + A_NAMESPACE] as number) * 2 ** 32 + local);
    }
    if (seen.size !== last - first) this.#fail('Two attributes have one name', offset);
  }

  /** What starts with `<!`: Comment (15), CDSect (18), doctypedecl (28). */
  #markup(start: number): number {
    const octets = this.#octets;
    if (octets[start + 2] === 0x2d && octets[start + 3] === 0x2d) return this.#comment(start);
    const opening = octets.toString('latin1', start, Math.min(start + 9, this.#length));
    if (opening === '<![CDATA[' && this.#openNode >= 0) {
      const close = this.#verbatim(start + 9, ']]>', 'A CDATA section does not end');
      this.#node(CDATA, start, close + 3);
      return close + 3;
    }
    if (opening === '<!DOCTYPE') {
      throw new XmlError('XML_DTD', 'A document type declaration is not allowed: send the document without it', {
        offset: start,
      });
    }
    this.#fail('A comment, or inside an element a CDATA section, expected', start);
  }

  #comment(start: number): number {
    const close = this.#verbatim(start + 4, '--', 'A comment does not end');
    if (this.#octets[close + 2] !== 0x3e) this.#fail('`--` may not stand in a comment', close);
    this.#node(COMMENT | this.#withoutReturn(start, close), start, close + 3);
    return close + 3;
  }

  #withoutReturn(start: number, end: number): number {
    const found = this.#octets.subarray(start, end).indexOf(0x0d);
    return found < 0 ? CANONICAL | PLAIN : 0;
  }

  /** PI (production 16); its target has no colon (Namespaces in XML 1.0, section 7). */
  #instruction(start: number): number {
    const octets = this.#octets;
    const target = this.#names.read(octets, this.#words, start + 2);
    if (target < 0) this.#fail('A processing instruction needs a target', start + 2);
    const end = this.#names.end;
    if (/^xml$/i.test(octets.toString('latin1', start + 2, end))) {
      this.#fail('An XML declaration may stand at the very beginning only', start);
    }
    if (this.#names.records[target * NAME + M_PREFIX] !== NO_NAME) {
      this.#wrongNamespace('A processing instruction target may not have a colon', start);
    }
    const close = this.#verbatim(end, '?>', 'A processing instruction does not end');
    if (close !== end && space[octets[end] as number] === 0) {
      this.#fail('White space expected behind the target of a processing instruction', end);
    }
    // Canonical: one space before the data, no space without data.
    const plain = close === end || (octets[end] === 0x20 && space[octets[end + 1] as number] === 0 && close > end + 1);
    this.#instructions = true;
    this.#node(INSTRUCTION | (plain ? this.#withoutReturn(start, close) : 0), start, close + 2);
    return close + 2;
  }

  /** Finds what ends a stretch without markup, and that XML can carry the octets before. */
  #verbatim(start: number, terminator: string, message: string): number {
    const octets = this.#octets;
    const close = octets.indexOf(terminator, start, 'latin1');
    if (close < 0) this.#fail(message, this.#length);
    if (close - start > this.#limits.text) this.#limit('octets in one stretch', 'text', start);
    for (let at = start; at < close; at++) {
      const octet = octets[at] as number;
      if (octet < 0x20 && space[octet] === 0) this.#fail('A control character that XML cannot carry', at);
    }
    return close;
  }
}

/**
 * The octets that character data goes on with as it is, four at a time: ciphertext, attachments, prose.
 *
 * @returns the first octet that is to be looked at by itself, or at most three before it
 */
function plainUntil(words: DataView, start: number): number {
  for (let at = start; ; at += 4) {
    const word = words.getInt32(at, true);
    const angle = (word | 0x02020202) ^ 0x3e3e3e3e;
    const ampersand = word ^ 0x26262626;
    // A high bit for an octet below 0x20, for `<` and `>`, which differ in one bit, and for `&`.
    const stops =
      ((word - 0x20202020) & ~word) | ((angle - 0x01010101) & ~angle) | ((ampersand - 0x01010101) & ~ampersand);
    if ((stops & 0x80808080) !== 0) return at;
  }
}

/** True when canonical form spells the character of the reference this way (Canonical XML 1.0, section 2.3). */
function isCanonicalReference(octets: Buffer, start: number, behind: number, inValue: boolean): boolean {
  const length = behind - start;
  const first = octets[start + 1];
  if (length === 5) {
    if (first === 0x61) return true;
    // &#xD; in both, &#x9; and &#xA; in values
    if (first !== 0x23 || octets[start + 2] !== 0x78) return false;
    const digit = octets[start + 3];
    return digit === 0x44 || (inValue && (digit === 0x39 || digit === 0x41));
  }
  if (length === 4) return first === 0x6c || (first === 0x67 && !inValue);
  return length === 6 && first === 0x71 && inValue;
}

const scanner = new Scanner();

/**
 * Scans a document.
 *
 * @param start where the XML declaration ends
 * @throws XmlError XML_MALFORMED, XML_NAMESPACE, XML_DTD, XML_LIMIT
 */
export function scanPlainly(source: Source, start: number, limits: XmlLimits): Tape {
  return scanner.scan(source, start, limits);
}
