/**
 * The scanner that reads everything, and says what is wrong where something is. (`kernel/` has the same once more for what
 * is usual.) There is one, reused: documents are scanned one after the other, and a small message then allocates only what
 * its tape keeps. An end marker behind the octets (0 is no XML character) stops every loop.
 */
import * as characters from './characters.ts';
import { Draft } from './draft.ts';
import type { Source } from './encoding.ts';
import { XmlError } from './errors.ts';
import { counted, type XmlLimits } from './limits.ts';
import { Markup } from './markup.ts';
import { Names } from './names.ts';
import { grown } from './runs.ts';
import { Scope } from './scope.ts';
import { Tags } from './tags.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';
import { isCanonicalReference, reference } from './values.ts';
import { plainUntil, SLACK, same } from './words.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time: with these
// copies the inner loops are a third faster.
const { NAME_START, NAME_WIDE, nameClass, space, textStop } = characters;
const {
  CANONICAL,
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
  EMPTY,
  END_CANONICAL,
  M_LENGTH,
  M_PREFIX,
  M_START,
  N_KIND,
  N_PARENT,
  N_REF,
  N_START,
  NAME,
  NODE,
  PLAIN,
  RECORD,
  TEXT,
  XMLNS_NAMESPACE,
} = tape;

/** Text as long as this is probably much longer. */
const LONG = 48;

/** From one pause to the next so many octets are scanned; see `#document`. */
const STRETCH = 1 << 14;

class Scanner {
  readonly #names = new Names();
  readonly #scope = new Scope(this.#names);
  readonly #draft = new Draft();
  readonly #tags = new Tags(this.#draft, this.#names, this.#scope);
  readonly #markup = new Markup(this.#draft, this.#names);
  /** How many elements are open. */
  #depth = 0;

  scan(source: Source, start: number, limits: XmlLimits): Tape {
    this.#depth = 0;
    this.#draft.begin(source, limits);
    this.#names.begin(source, limits.name);
    this.#scope.begin(source, limits);
    try {
      this.#document(start);
      return this.#draft.tape(this.#names, this.#scope);
    } finally {
      this.#names.release();
      this.#scope.release();
      this.#draft.release(this.#names, this.#scope);
    }
  }

  /**
   * prolog element Misc* (production 1), a stretch at a time: V8 optimizes a function when it is entered often, and what it
   * makes for a loop that is entered once, for one large document, it throws away when the loop ends.
   */
  #document(start: number): void {
    const draft = this.#draft;
    let at = start;
    while (at < draft.length) at = this.#content(at, at + STRETCH);
    if (draft.openNode >= 0) draft.fail('An element is not closed', draft.length);
    if (draft.root < 0) throw new XmlError('XML_MALFORMED', 'The document has no root element', { offset: at });
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
    const draft = this.#draft;
    const tags = this.#tags;
    const { octets, words, limits } = draft;
    const names = this.#names;
    const scope = this.#scope;
    const mostNodes = counted(limits.nodes);
    const mostDepth = counted(limits.depth);
    const mostText = counted(limits.text);
    let nodes = draft.nodes;
    let elements = draft.elements;
    let nodeCount = draft.nodeCount;
    let elementCount = draft.elementCount;
    let depth = this.#depth;
    let openNode = draft.openNode;
    let at = start | 0;
    while (at < until) {
      let octet = octets[at] as number;
      if (octet !== 0x3c) {
        if (openNode < 0) {
          if (space[octet] === 1) {
            at++;
            continue;
          }
          if (at >= draft.length) break;
          draft.fail('Text outside the root element', at);
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
              draft.fail('`]]>` may not stand in text: write ]]&gt;', at);
            }
            textFlags &= ~CANONICAL;
            at++;
          } else if (octet === 0x0d) {
            textFlags &= ~(PLAIN | CANONICAL);
            at++;
          } else {
            draft.fail('A control character that XML cannot carry', at);
          }
          octet = octets[at] as number;
        }
        if (at - textStart > mostText) draft.limit('octets of text', 'text', textStart);
        if (nodeCount >= mostNodes) draft.limit('nodes', 'nodes', textStart);
        const place = nodeCount++ * NODE;
        if (place >= nodes.length) {
          nodes = grown(nodes);
          draft.nodes = nodes;
        }
        nodes[place + N_KIND] = textFlags;
        nodes[place + N_START] = textStart;
        nodes[place + N_PARENT] = openNode;
        nodes[place + N_REF] = at;
      }
      const tagStart = at;
      const next = octets[at + 1] as number;
      if (next === 0x2f) {
        if (openNode < 0) draft.fail('An end tag without a start tag', at);
        const record = (nodes[openNode * NODE + N_REF] as number) * RECORD;
        const label = (elements[record + E_NAME] as number) * NAME;
        const records = names.records;
        const length = records[label + M_LENGTH] as number;
        const from = records[label + M_START] as number;
        at += 2;
        if (at + length > octets.length - SLACK || !same(words, at, from, length)) {
          draft.fail(this.#mismatch(from, length), at);
        }
        at += length;
        if (octets[at] === 0x3e) {
          const kind = openNode * NODE + N_KIND;
          nodes[kind] = (nodes[kind] as number) | END_CANONICAL;
        } else {
          at = draft.skip(at) | 0;
          if (octets[at] !== 0x3e) draft.fail(this.#mismatch(from, length), at);
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
        if (next === 0x21) at = this.#markup.declaration(at) | 0;
        else if (next === 0x3f) at = this.#markup.instruction(at) | 0;
        else draft.fail('A `<` must start markup: write &lt; for the character', at + 1);
        nodeCount = draft.nodeCount;
        nodes = draft.nodes;
        continue;
      }
      if (depth >= mostDepth) draft.limit('elements inside one another', 'depth', tagStart);
      if (openNode < 0 && draft.root >= 0) draft.fail('A document has one root element only', tagStart);
      const record = elementCount * RECORD;
      // Room for this record and for the one that closes the run.
      if (record + RECORD * 2 > elements.length) {
        elements = grown(elements);
        draft.elements = elements;
      }
      // What comes before this element ends where its own begins.
      const firstDeclaration = scope.count;
      elements[record + E_ATTRIBUTES] = draft.attributeCount;
      elements[record + E_DECLARATIONS] = firstDeclaration;
      const flags = (tags.likeBefore(tagStart) || tags.read(tagStart, elementCount)) | 0;
      const name = tags.name;
      at = tags.behind | 0;
      const prefix = names.records[name * NAME + M_PREFIX] as number;
      const namespace = scope.namespaceOf(prefix, tagStart);
      if (namespace === XMLNS_NAMESPACE) {
        draft.wrongNamespace('An element may not have the prefix xmlns', tagStart);
      }
      if (nodeCount >= mostNodes) draft.limit('nodes', 'nodes', tagStart);
      const node = nodeCount++;
      const place = node * NODE;
      if (place >= nodes.length) {
        nodes = grown(nodes);
        draft.nodes = nodes;
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
      if (draft.root < 0) draft.root = node;
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

  #keep(nodeCount: number, elementCount: number, openNode: number): void {
    const draft = this.#draft;
    draft.nodeCount = nodeCount;
    draft.elementCount = elementCount;
    draft.openNode = openNode;
  }

  #mismatch(from: number, length: number): string {
    return `The end tag </${this.#draft.octets.toString('utf8', from, from + length)}> expected`;
  }
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
