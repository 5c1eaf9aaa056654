/** The tape while it is made: runs that grow, and are kept from one document to the next where they stay small. */

import { space } from './characters.ts';
import type { Source } from './encoding.ts';
import { XmlError } from './errors.ts';
import { beyond, type XmlLimits, xmlLimits } from './limits.ts';
import type { Names } from './names.ts';
import { grown, Room } from './runs.ts';
import type { Scope } from './scope.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';
import { SLACK } from './words.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time.
const { ATTRIBUTE, DECLARATION, E_ATTRIBUTES, E_DECLARATIONS, N_KIND, N_PARENT, N_REF, N_START, NAME, NODE, RECORD } =
  tape;

/** Integers of scratch kept from one document to the next, a run; what a larger document needed is given back. */
const KEPT = 1 << 18;

/** From so many octets on a document gets scratch of its own, which becomes its tape without being copied. */
const LARGE = 1 << 20;

const NOTHING = Buffer.alloc(SLACK);
const NO_WORDS = new DataView(new ArrayBuffer(SLACK));

export class Draft {
  octets: Buffer = NOTHING;
  words: DataView = NO_WORDS;
  length = 0;
  ascii = true;
  limits: XmlLimits = xmlLimits;
  nodes: Int32Array<ArrayBuffer> = new Int32Array(NODE * 512);
  nodeCount = 0;
  elements: Int32Array<ArrayBuffer> = new Int32Array(RECORD * 256);
  elementCount = 0;
  attributes: Int32Array<ArrayBuffer> = new Int32Array(ATTRIBUTE * 256);
  attributeCount = 0;
  /** The open element, -1 at document level. */
  openNode = -1;
  root = -1;
  instructions = false;

  begin(source: Source, limits: XmlLimits): void {
    this.octets = source.octets;
    this.words = source.words;
    this.length = source.length;
    this.ascii = source.ascii;
    this.limits = limits;
    this.nodeCount = this.elementCount = this.attributeCount = 0;
    this.openNode = this.root = -1;
    this.instructions = false;
    if (source.length > LARGE) this.#enlarge(source.length);
  }

  /** The tape, when all is read. */
  tape(names: Names, scope: Scope): Tape {
    this.#closeRuns(scope);
    const ofNodes = this.nodeCount * NODE;
    const ofElements = (this.elementCount + 1) * RECORD;
    const ofAttributes = this.attributeCount * ATTRIBUTE;
    const ofDeclarations = scope.count * DECLARATION;
    const ofNames = names.count * NAME;
    const isLarge = this.length > LARGE;
    const room = new Room(isLarge ? 0 : ofNodes + ofElements + ofAttributes + ofDeclarations + ofNames);
    const taken = (run: Int32Array, length: number) => (isLarge ? run.subarray(0, length) : room.copy(run, 0, length));
    const made = {
      octets: this.octets,
      words: this.words,
      length: this.length,
      ascii: this.ascii,
      nodes: taken(this.nodes, ofNodes),
      elements: taken(this.elements, ofElements),
      attributes: taken(this.attributes, ofAttributes),
      declarations: taken(scope.declarations, ofDeclarations),
      names: taken(names.records, ofNames),
      namespaces: scope.namespaces,
      spellings: scope.spellings,
      root: this.root,
      scan: 0,
      instructions: this.instructions,
    };
    // What was handed over must not be written to again.
    if (isLarge) this.#renew(names, scope);
    return made;
  }

  /** Room at once for what a large document may bring; memory that is not written to costs nothing. */
  #enlarge(length: number): void {
    // Whole records: what is written behind the end of a run is lost without a word.
    this.nodes = new Int32Array(NODE * Math.ceil(length / 6 / NODE));
    this.elements = new Int32Array(RECORD * Math.ceil(length / 4 / RECORD));
    this.attributes = new Int32Array(ATTRIBUTE * Math.ceil(length / 5 / ATTRIBUTE));
  }

  /** Not well-formed; or ended too early. */
  fail(message: string, offset: number): never {
    if (offset >= this.length) throw new XmlError('XML_MALFORMED', 'The document ends too early', { offset });
    throw new XmlError('XML_MALFORMED', message, { offset });
  }

  wrongNamespace(message: string, offset: number): never {
    throw new XmlError('XML_NAMESPACE', message, { offset });
  }

  limit(what: string, limit: keyof XmlLimits, offset: number): never {
    throw beyond(this.limits, limit, what, offset);
  }

  /** A node in the open element. */
  node(kind: number, start: number, ref: number): void {
    const node = this.nodeCount++;
    if (node >= this.limits.nodes) this.limit('nodes', 'nodes', start);
    const record = node * NODE;
    if (record >= this.nodes.length) this.nodes = grown(this.nodes);
    const nodes = this.nodes;
    nodes[record + N_KIND] = kind;
    nodes[record + N_START] = start;
    nodes[record + N_PARENT] = this.openNode;
    nodes[record + N_REF] = ref;
  }

  /** Writes where the last element's attributes and declarations end. */
  #closeRuns(scope: Scope): void {
    const record = this.elementCount * RECORD;
    this.elements.fill(0, record, record + RECORD);
    this.elements[record + E_ATTRIBUTES] = this.attributeCount;
    this.elements[record + E_DECLARATIONS] = scope.count;
  }

  /** The first octet that is no white space. */
  skip(from: number): number {
    let at = from;
    while (space[this.octets[at] as number] === 1) at++;
    return at;
  }

  /** Gives back what only this document needed. */
  release(names: Names, scope: Scope): void {
    this.octets = NOTHING;
    this.words = NO_WORDS;
    if (Math.max(this.nodes.length, this.elements.length, this.attributes.length) > KEPT) this.#renew(names, scope);
  }

  #renew(names: Names, scope: Scope): void {
    this.nodes = new Int32Array(NODE * 512);
    this.elements = new Int32Array(RECORD * 256);
    this.attributes = new Int32Array(ATTRIBUTE * 256);
    names.renew();
    scope.renew();
  }
}
