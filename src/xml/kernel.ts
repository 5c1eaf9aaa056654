/**
 * The compiled scanner (`kernel/scan.ts`, WebAssembly) from outside: octets in, tape out. It reads what is well-formed and of the
 * usual kind, about twice as fast as the scanner in TypeScript; for all else, and where WebAssembly is not to be had, there
 * is no answer, and that scanner is asked.
 */
import * as characters from './characters.ts';
import type { Source } from './encoding.ts';
import * as memory from './kernel-memory.ts';
import { octets as compiled } from './kernel-octets.ts';
import type { XmlLimits } from './limits.ts';
import { FACTOR, SEED } from './names.ts';
import { spelled } from './namespace-names.ts';
import type { Output } from './output.ts';
import { Room } from './runs.ts';
import {
  ATTRIBUTE,
  DECLARATION,
  NAME,
  NODE,
  RECORD,
  type Tape,
  XML_NAMESPACE_NAME,
  XMLNS_NAMESPACE_NAME,
} from './tape.ts';

/** What the module exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  limit(...limits: readonly number[]): void;
  place(nodes: number, elements: number, attributes: number, declarations: number, end: number): void;
  scan(octets: number, start: number): number;
  pass(first: number, last: number, run: number): number;
}

/** Octets of documents that are read here; the memory that is kept is some 25 times as large as the largest of them. */
const LONGEST = 1 << 20;
/** Octets for which there is room at first. */
const SHORTEST = 1 << 16;
const PAGE = 1 << 16;

/** Octets that the shortest `x<a/>`, `<a/>`, ` a=""` and ` xmlns=""` take, at least. */
const OCTETS_PER = { node: 2, element: 4, attribute: 5, declaration: 9 } as const;

class Kernel {
  readonly #exports: Exports;
  /** Octets for which there is room. */
  #capacity = 0;
  #limits: XmlLimits | undefined;
  #octets = new Uint8Array();
  #integers = new Int32Array();
  /** Where the runs begin, in integers: nodes, elements, attributes, declarations. */
  #places: readonly [number, number, number, number] = [0, 0, 0, 0];
  /** Where canonical octets are written. */
  #output = 0;
  /** Where the run begins after `pass`. */
  run = 0;
  /** Counts scans; 0 is the number of those that are not made here. */
  #scans = 1;

  constructor(exports: Exports) {
    this.#exports = exports;
    this.#reserve(SHORTEST);
    this.#octets.set(characters.nameClass, memory.NAME_CLASS);
    this.#octets.set(characters.space, memory.SPACE);
  }

  /**
   * @param start where the XML declaration ends
   * @returns `undefined` for what is wrong, over a limit, or not of the usual kind
   */
  scan(source: Source, start: number, limits: XmlLimits): Tape | undefined {
    const { length } = source;
    if (length > LONGEST || (length > this.#capacity && !this.#reserve(length))) return undefined;
    this.#scans++;
    if (limits !== this.#limits) this.#limit(limits);
    this.#octets.set(source.octets, memory.OCTETS);
    if (this.#exports.scan(length, start) === 0) return undefined;
    return this.#tape(source);
  }

  /** Makes room; false when there is no more memory. */
  #reserve(octets: number): boolean {
    let capacity = SHORTEST;
    while (capacity < octets) capacity *= 2;
    const room = (record: number, least: number) => 4 * record * (Math.ceil(capacity / least) + 4);
    const nodes = memory.OCTETS + capacity + memory.ZEROS;
    const elements = nodes + room(NODE, OCTETS_PER.node);
    const attributes = elements + room(RECORD, OCTETS_PER.element);
    const declarations = attributes + room(ATTRIBUTE, OCTETS_PER.attribute);
    const end = declarations + room(DECLARATION, OCTETS_PER.declaration);
    const { memory: own } = this.#exports;
    const more = Math.ceil((end + capacity + memory.ZEROS - own.buffer.byteLength) / PAGE);
    try {
      if (more > 0) own.grow(more);
    } catch {
      return false;
    }
    this.#exports.place(nodes, elements, attributes, declarations, end);
    this.#octets = new Uint8Array(own.buffer);
    this.#integers = new Int32Array(own.buffer);
    this.#places = [nodes / 4, elements / 4, attributes / 4, declarations / 4];
    this.#output = end;
    this.#capacity = capacity;
    return true;
  }

  /** Whether the tape is the one that is in memory. */
  holds(tape: Tape): boolean {
    return tape.scan === this.#scans;
  }

  /**
   * Canonicalizes nodes of that tape up to where one comes that needs more than to be copied, or a new order of attributes;
   * `run` is then where the octets begin that can be copied as they are.
   *
   * @param rendered by prefix (a name), of which there are `names`: the namespace that is rendered
   * @returns the node to go on with
   */
  pass(first: number, last: number, run: number, rendered: Int32Array, names: number, output: Output): number {
    const integers = this.#integers;
    integers.set(rendered.subarray(0, names), memory.RENDERED / 4);
    const node = this.#exports.pass(first, last, run);
    const written = integers[memory.COUNTS / 4 + memory.C_WRITTEN] as number;
    if (written > 0) output.octets(this.#octets.subarray(this.#output, this.#output + written));
    this.run = integers[memory.COUNTS / 4 + memory.C_RUN] as number;
    return node;
  }

  #limit(limits: XmlLimits): void {
    const { depth, nodes, text, attributes, name, namespaces } = limits;
    this.#exports.limit(
      counted(depth),
      counted(nodes),
      counted(text),
      counted(attributes),
      counted(name),
      counted(namespaces),
      SEED,
      FACTOR,
    );
    this.#limits = limits;
  }

  #tape({ octets, words, length, ascii }: Source): Tape | undefined {
    const integers = this.#integers;
    const counts = memory.COUNTS / 4;
    const namespaces = ['', XML_NAMESPACE_NAME, XMLNS_NAMESPACE_NAME];
    const spellings = [0, 0, -1, -1, -1, -1];
    const last = integers[counts + memory.C_NAMESPACES] as number;
    for (let index = namespaces.length; index < last; index++) {
      const start = integers[memory.NAMESPACES / 4 + index * 2] as number;
      const end = integers[memory.NAMESPACES / 4 + index * 2 + 1] as number;
      const name = spelled(octets, words, start, end, ascii);
      if (name === undefined || name === XML_NAMESPACE_NAME || name === XMLNS_NAMESPACE_NAME) return undefined;
      namespaces.push(name);
      spellings.push(start, end);
    }
    const [atNodes, atElements, atAttributes, atDeclarations] = this.#places;
    const ofNodes = (integers[counts + memory.C_NODES] as number) * NODE;
    const ofElements = ((integers[counts + memory.C_ELEMENTS] as number) + 1) * RECORD;
    const ofAttributes = (integers[counts + memory.C_ATTRIBUTES] as number) * ATTRIBUTE;
    const ofDeclarations = (integers[counts + memory.C_DECLARATIONS] as number) * DECLARATION;
    const ofNames = (integers[counts + memory.C_NAMES] as number) * NAME;
    const room = new Room(ofNodes + ofElements + ofAttributes + ofDeclarations + ofNames);
    return {
      octets,
      words,
      length,
      ascii,
      nodes: room.copy(integers, atNodes, ofNodes),
      elements: room.copy(integers, atElements, ofElements),
      attributes: room.copy(integers, atAttributes, ofAttributes),
      declarations: room.copy(integers, atDeclarations, ofDeclarations),
      names: room.copy(integers, memory.NAMES / 4, ofNames),
      namespaces,
      spellings,
      root: integers[counts + memory.C_ROOT] as number,
      scan: this.#scans,
      instructions: false,
    };
  }
}

/** A limit as an integer of 32 bits. */
function counted(limit: number): number {
  return Math.min(limit, 0x7fff_ffff);
}

let kernel: Kernel | null | undefined;

/** `undefined` where there is no WebAssembly, or none that knows what this module needs. */
function started(): Kernel | null {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(compiled, 'base64')));
    return new Kernel(exports as unknown as Exports);
  } catch {
    return null;
  }
}

export function scanCompiled(source: Source, start: number, limits: XmlLimits): Tape | undefined {
  if (kernel === undefined) kernel = started();
  return kernel === null ? undefined : kernel.scan(source, start, limits);
}

/** The kernel that has a tape in its memory: the one that was scanned last. */
export function kernelWith(tape: Tape): Pick<Kernel, 'pass' | 'run'> | undefined {
  return kernel?.holds(tape) === true ? kernel : undefined;
}
