/**
 * Which namespace a prefix has where the scan stands (Namespaces in XML 1.0): one table by prefix, and with every declaration
 * what it shadows, so that entering and leaving an element costs what it declares and nothing else.
 */
import type { Source } from './encoding.ts';
import { XmlError } from './errors.ts';
import { beyond, type XmlLimits, xmlLimits } from './limits.ts';
import type { Names } from './names.ts';
import { absolute, spelled } from './namespace-names.ts';
import { grown } from './runs.ts';
import * as tape from './tape.ts';
import { valueText } from './values.ts';

// As in the scanner: V8 folds a module's own constants, not imported ones.
const {
  CANONICAL,
  D_NAMESPACE,
  D_OUTER,
  D_PREFIX,
  D_SHADOWED,
  DECLARATION,
  IS_XML,
  IS_XMLNS,
  M_LENGTH,
  M_MEANING,
  M_START,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  PLAIN,
  XML_NAMESPACE,
  XML_NAMESPACE_NAME,
  XMLNS_NAMESPACE,
  XMLNS_NAMESPACE_NAME,
} = tape;

/** Integers of a table kept from one document to the next; what a larger document needed is given back. */
const KEPT = 1 << 18;

const NOTHING: Pick<Source, 'octets' | 'words' | 'ascii'> = {
  octets: Buffer.alloc(0),
  words: new DataView(new ArrayBuffer(0)),
  ascii: true,
};

export class Scope {
  readonly #names: Names;
  #source: Pick<Source, 'octets' | 'words' | 'ascii'> = NOTHING;
  #limits: XmlLimits = xmlLimits;
  /** Records of `DECLARATION` integers, and how many there are. */
  declarations: Int32Array<ArrayBuffer> = new Int32Array(DECLARATION * 64);
  count = 0;
  /** Innermost declaration in scope, -1 for none, and how many are in scope. */
  innermost = -1;
  #depth = 0;
  /** As in `Tape`. */
  namespaces: string[] = [];
  spellings: number[] = [];
  #namespaceIndex = new Map<string, number>();
  /** By prefix (a name): its namespace, -1 for none. */
  #bound = new Int32Array(256);
  /** By prefix: the last element that declared it, for finding it declared twice. */
  #declaredBy = new Int32Array(256);
  /** How many of the two tables above are filled for this document. */
  #prepared = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  begin(source: Source, limits: XmlLimits): void {
    this.#source = source;
    this.#limits = limits;
    this.namespaces = ['', XML_NAMESPACE_NAME, XMLNS_NAMESPACE_NAME];
    this.spellings = [0, 0, -1, -1, -1, -1];
    if (this.#namespaceIndex.size > 0) this.#namespaceIndex = new Map();
    this.count = this.#depth = this.#prepared = 0;
    this.innermost = -1;
  }

  /** Gives back what only this document needed. */
  release(): void {
    this.#source = NOTHING;
    if (Math.max(this.#bound.length, this.declarations.length) > KEPT) this.renew();
  }

  renew(): void {
    this.declarations = new Int32Array(DECLARATION * 64);
    this.#bound = new Int32Array(256);
    this.#declaredBy = new Int32Array(256);
  }

  /** @throws XmlError XML_NAMESPACE for a prefix that is not declared */
  namespaceOf(prefix: number, offset: number): number {
    const namespace = prefix < this.#prepared ? (this.#bound[prefix] as number) : -1;
    return namespace >= 0 ? namespace : this.#implicit(prefix, offset);
  }

  /** The namespace of a prefix that was not looked up yet, or that is not declared. */
  #implicit(prefix: number, offset: number): number {
    if (prefix >= this.#prepared) this.#prepare();
    const namespace = this.#bound[prefix] as number;
    if (namespace >= 0) return namespace;
    const meaning = this.#names.records[prefix * NAME + M_MEANING];
    if (meaning === IS_XML) return XML_NAMESPACE;
    if (meaning === IS_XMLNS) return XMLNS_NAMESPACE;
    const record = prefix * NAME;
    const start = this.#names.records[record + M_START] as number;
    const text = this.#source.octets.toString(
      'utf8',
      start,
      start + (this.#names.records[record + M_LENGTH] as number),
    );
    throw new XmlError('XML_NAMESPACE', `The prefix ${text} is not declared`, { offset });
  }

  /**
   * A namespace declaration (Namespaces in XML 1.0, sections 3 and 5), its value between `start` and `end`.
   *
   * @throws XmlError XML_NAMESPACE, XML_MALFORMED, XML_LIMIT
   */
  declare(element: number, prefix: number, start: number, end: number, flags: number, offset: number): void {
    if (prefix >= this.#prepared) this.#prepare();
    if (this.#declaredBy[prefix] === element) {
      throw new XmlError('XML_MALFORMED', 'A prefix is declared twice in one tag', { offset });
    }
    this.#declaredBy[prefix] = element;
    if (++this.#depth > this.#limits.namespaces) {
      throw beyond(this.#limits, 'namespaces', 'namespace declarations in scope', offset);
    }
    const namespace = this.#namespace(start, end, flags);
    const meaning = prefix === NO_NAME ? 0 : (this.#names.records[prefix * NAME + M_MEANING] as number);
    if (meaning === IS_XMLNS) throw wrong('The prefix xmlns may not be declared', offset);
    if (namespace === XMLNS_NAMESPACE) throw wrong('The namespace of xmlns may not be declared', offset);
    if ((meaning === IS_XML) !== (namespace === XML_NAMESPACE)) {
      throw wrong('The prefix xml and its namespace belong to each other', offset);
    }
    if (namespace === NO_NAMESPACE && prefix !== NO_NAME) {
      throw wrong('A prefix may not be undeclared', offset);
    }
    const index = this.count++;
    const entry = index * DECLARATION;
    if (entry >= this.declarations.length) this.declarations = grown(this.declarations);
    const declarations = this.declarations;
    declarations[entry + D_PREFIX] = prefix;
    declarations[entry + D_NAMESPACE] = namespace;
    declarations[entry + D_OUTER] = this.innermost;
    declarations[entry + D_SHADOWED] = this.#bound[prefix] as number;
    this.innermost = index;
    this.#bound[prefix] = namespace;
  }

  /** Leaves an element with declarations, which are those from `first` to the innermost: gives back what they shadow. */
  leave(first: number): void {
    const declarations = this.declarations;
    for (let declared = first; declared <= this.innermost; declared++) {
      const entry = declared * DECLARATION;
      this.#bound[declarations[entry + D_PREFIX] as number] = declarations[entry + D_SHADOWED] as number;
      this.#depth--;
    }
    this.innermost = declarations[first * DECLARATION + D_OUTER] as number;
  }

  /** Makes room for every name read so far in the tables that are indexed by name. */
  #prepare(): void {
    const count = this.#names.count;
    if (count > this.#bound.length) {
      this.#bound = extended(this.#bound, count);
      this.#declaredBy = extended(this.#declaredBy, count);
    }
    for (let name = this.#prepared; name < count; name++) this.#bound[name] = this.#declaredBy[name] = -1;
    if (this.#prepared === 0) this.#bound[NO_NAME] = NO_NAMESPACE;
    this.#prepared = count;
  }

  #namespace(start: number, end: number, flags: number): number {
    if (start === end) return NO_NAMESPACE;
    if (end - start > this.#limits.name) throw beyond(this.#limits, 'name', 'octets of a namespace name', start);
    const { octets, words, ascii } = this.#source;
    const isSpelled = (flags & (PLAIN | CANONICAL)) === (PLAIN | CANONICAL);
    const name = isSpelled ? spelled(octets, words, start, end, ascii) : absolute(valueText(octets, start, end, ascii));
    if (name === undefined) throw wrong('A namespace name must be an absolute URI', start);
    const known = this.#namespaceIndex.get(name);
    if (known !== undefined) return known;
    if (name === XML_NAMESPACE_NAME) return XML_NAMESPACE;
    if (name === XMLNS_NAMESPACE_NAME) return XMLNS_NAMESPACE;
    const index = this.namespaces.push(name) - 1;
    this.#namespaceIndex.set(name, index);
    this.spellings.push(isSpelled ? start : -1, isSpelled ? end : -1);
    return index;
  }
}

function wrong(message: string, offset: number): XmlError {
  return new XmlError('XML_NAMESPACE', message, { offset });
}

function extended(run: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(run.length * 2, least));
  longer.set(run);
  return longer;
}
