/**
 * An element that stands by itself, in canonical form: what is signed, stored and sent is one run of octets. Nothing
 * that gives meaning is lost on the way: prefixes that only content uses are kept and named in `prefixes`. Comments are
 * not kept.
 */
import { view } from '../base/bytes.ts';
import { canonicalize } from './canonicalize.ts';
import type { XmlElement } from './document.ts';
import { XmlError } from './errors.ts';
import { joined, type Piece } from './joiner.ts';
import { type XmlLimits, xmlLimits } from './limits.ts';
import { exclusive } from './methods.ts';
import { contentPrefixes } from './prefixes.ts';
import { scan, scanAdopted } from './scan.ts';
import { rewriteRoot } from './start-tag.ts';
import { SLACK } from './words.ts';

interface Embedded {
  readonly pieces: readonly Piece[];
  readonly prefixes: readonly string[];
}

/** The start tag of a written element, as far as it can be known without scanning what was just written. */
export interface WrittenRoot {
  readonly namespace: string;
  readonly local: string;
  readonly attributes: readonly { readonly namespace: string; readonly local: string; readonly value: string }[];
}

/** What a fragment that was made here may be as large as: it does not come from outside. */
const TRUSTED: XmlLimits = Object.freeze({
  bytes: Number.MAX_SAFE_INTEGER,
  depth: 1_000_000,
  attributes: 1_000_000,
  namespaces: 1_000_000,
  name: 1_000_000,
  text: Number.MAX_SAFE_INTEGER,
  nodes: Number.MAX_SAFE_INTEGER,
  output: Number.MAX_SAFE_INTEGER,
});

const START = Buffer.from('<together>');
const END = Buffer.from('</together>');

/** What a writer knows of a fragment that it has written. */
export interface WrittenAs {
  /** What the start tag says. */
  readonly root?: WrittenRoot | undefined;
  /** What the start tag of the first element in it says. */
  readonly first?: WrittenRoot | undefined;
  /** The prefixes that are declared anywhere in it, the default namespace aside. */
  readonly declared?: ReadonlySet<string> | undefined;
}

export class XmlFragment {
  #element: XmlElement | undefined;
  /** What is written, in pieces, until somebody asks for it in one. */
  #pieces: readonly Piece[] | undefined;
  #prefixes: readonly string[] | undefined;
  readonly #root: WrittenRoot | undefined;
  readonly #first: WrittenRoot | undefined;
  #declared: ReadonlySet<string> | undefined;
  /** For whoever prepares fragments to be signed: what came of it. (A WeakMap costs half of what it saves.) */
  prepared: object | undefined;
  /** Fragments, itself among them, that are scanned together. */
  #together: readonly XmlFragment[] | undefined;

  private constructor(
    element: XmlElement | undefined,
    pieces: readonly Piece[] | undefined,
    prefixes: readonly string[] | undefined,
    known: WrittenAs,
  ) {
    this.#element = element;
    this.#pieces = pieces;
    this.#prefixes = prefixes;
    this.#root = known.root;
    this.#first = known.first;
    this.#declared = known.declared;
  }

  /** The fragment of a scanned element; canonicalized when its octets are first asked for. */
  static of(element: XmlElement): XmlFragment {
    return new XmlFragment(element, undefined, undefined, nothingKnown);
  }

  /**
   * The fragment of a document's root.
   *
   * @param xml a document; octets in UTF-8 or UTF-16
   * @throws XmlError as `scan`
   */
  static parse(xml: string | Uint8Array, limits?: Partial<XmlLimits>): XmlFragment {
    const document = scan(typeof xml === 'string' ? Buffer.from(xml, 'utf8') : xml, limits);
    return XmlFragment.of(document.root);
  }

  /**
   * Takes octets on trust: they must be the exclusive canonical form of one element under this PrefixList. For writers.
   *
   * @param written octets, or pieces of them, which may be text; joined when they are first asked for in one
   */
  static written(
    written: Uint8Array | readonly Piece[],
    prefixes: readonly string[],
    known: WrittenAs = nothingKnown,
  ): XmlFragment {
    return new XmlFragment(undefined, written instanceof Uint8Array ? [written] : written, prefixes, known);
  }

  /**
   * Lets fragments that were written be scanned in one go when the first of them is looked into: of the header blocks of a message
   * most are, and a scan of its own costs a small one more than all there is to read in it. Their elements then stand beside one
   * another in an element without a namespace, which declares nothing and so changes nothing of what they say.
   */
  static together(fragments: readonly XmlFragment[]): void {
    for (const one of fragments) one.#together = fragments;
  }

  static #scanTogether(fragments: readonly XmlFragment[]): void {
    let length = START.length + END.length;
    for (const { bytes } of fragments) length += bytes.length;
    const octets = Buffer.allocUnsafe(length + SLACK);
    let at = START.copy(octets);
    for (const { bytes } of fragments) {
      octets.set(bytes, at);
      at += bytes.length;
    }
    END.copy(octets, at);
    const children = scanAdopted(octets, TRUSTED)?.root.children ?? [];
    let index = 0;
    for (const fragment of fragments) {
      // Octets that were taken on trust and are no element are for whoever asks for that one.
      if (children.length === fragments.length) fragment.#element ??= children[index];
      fragment.#together = undefined;
      index++;
    }
  }

  /** `bytes` in the pieces that they are in just now: for those who join fragments. */
  get pieces(): readonly Piece[] {
    return this.#pieces ?? [this.bytes];
  }

  /** What its writer knew of it: for those who write the like of it again. */
  get writtenAs(): WrittenAs {
    return { root: this.#root, first: this.#first, declared: this.#declared };
  }

  get namespace(): string {
    return (this.#root ?? this.element).namespace;
  }

  get local(): string {
    return (this.#root ?? this.element).local;
  }

  /**
   * Exclusive C14N without comments, `prefixes` as PrefixList, of the element standing alone: what a signature hashes
   * and what is written on the wire.
   *
   * @throws XmlError XML_LIMIT for a scanned element whose canonical form is longer than `xmlLimits.output`
   */
  get bytes(): Uint8Array {
    const [first, second] = this.#canonical();
    if (first instanceof Uint8Array && second === undefined) return first;
    const bytes = joined(this.#canonical());
    this.#pieces = [bytes];
    return bytes;
  }

  /** `bytes`, or a text that stands for them: for those who can take either. */
  get whole(): Piece {
    const [only, second] = this.pieces;
    return only === undefined || second !== undefined ? this.bytes : only;
  }

  /** The PrefixList under which `bytes` is canonical, sorted; usually empty. */
  get prefixes(): readonly string[] {
    this.#canonical();
    return this.#prefixes ?? [];
  }

  /** The element this is the fragment of; for a written one, that of its own octets. */
  get element(): XmlElement {
    if (this.#element === undefined && this.#together !== undefined) XmlFragment.#scanTogether(this.#together);
    this.#element ??= scan(this.bytes, TRUSTED).root;
    return this.#element;
  }

  /** An attribute of the element. */
  attribute(local: string, namespace = ''): string | undefined {
    if (this.#root === undefined) return this.element.attribute(local, namespace);
    return this.#root.attributes.find((one) => one.local === local && one.namespace === namespace)?.value;
  }

  /**
   * The same element with one attribute more, or with another value for it.
   *
   * @param prefix what to use where the namespace has none in scope; another is chosen where it is taken
   * @throws XmlError XML_MALFORMED, XML_NAMESPACE for what XML cannot carry
   */
  withAttribute(namespace: string, local: string, value: string, prefix: string): XmlFragment {
    const { prefixes } = this;
    const isFree = (one: string) => !prefixes.includes(one) && !this.declared.has(one);
    return XmlFragment.written(rewriteRoot(this.pieces, { namespace, local, value, prefix }, isFree), prefixes);
  }

  /** The octets as a string. */
  toString(): string {
    let text = '';
    for (const piece of this.#canonical()) {
      if (typeof piece !== 'string') return view(this.bytes).toString('utf8');
      text += piece;
    }
    return text;
  }

  /** True when it may declare a prefix that `scope` has in scope already. */
  redeclares(scope: ReadonlyMap<string, string>): boolean {
    for (const prefix of this.declared) if (scope.has(prefix)) return true;
    return false;
  }

  /** The prefixes that may be declared anywhere in it, the default namespace aside. */
  get declared(): ReadonlySet<string> {
    this.#declared ??= declaredIn(this.bytes);
    return this.#declared;
  }

  #canonical(): readonly Piece[] {
    if (this.#pieces !== undefined) return this.#pieces;
    const element = this.#element;
    if (element === undefined) throw new XmlError('XML_UNEXPECTED', 'A fragment has an element or octets');
    const prefixes = contentPrefixes(element);
    this.#pieces = [canonicalize(element, exclusive, { prefixes })];
    this.#prefixes = prefixes;
    return this.#pieces;
  }
}

const nothingKnown: WrittenAs = Object.freeze({});

/**
 * The octets of a fragment for a place where namespaces are rendered already: its own where they stay canonical there.
 *
 * @param scope namespaces by prefix ('' for the default) that the place has rendered
 */
export function embed(part: XmlFragment, scope: ReadonlyMap<string, string>): Embedded {
  const { prefixes } = part;
  const hasDefault = (scope.get('') ?? '') !== '';
  if (!hasDefault && !part.redeclares(scope)) return { pieces: part.pieces, prefixes };
  const { bytes } = part;
  // Words in content that rely on there being no default namespace keep it so.
  const list = hasDefault && !prefixes.includes('#default') ? ['#default', ...prefixes] : prefixes;
  const { root } = scan(bytes, TRUSTED);
  const limit = Math.max(xmlLimits.output, 2 * bytes.length);
  return {
    pieces: [canonicalize(root, exclusive, { prefixes: list, limit, context: scope })],
    prefixes: list,
  };
}

/** What canonical octets may declare: every prefix that stands where a declaration would. */
function declaredIn(bytes: Uint8Array): ReadonlySet<string> {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = new Set<string>();
  for (let at = octets.indexOf(' xmlns:'); at >= 0; at = octets.indexOf(' xmlns:', at + 1)) {
    const equals = octets.indexOf('=', at);
    found.add(octets.toString('utf8', at + 7, equals < 0 ? at + 7 : equals));
  }
  return found;
}
