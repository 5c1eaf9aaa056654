/**
 * An element that stands by itself, in canonical form: what is signed, stored and sent is one run of octets. Nothing
 * that gives meaning is lost on the way: prefixes that only content uses are kept and named in `prefixes`. Comments are
 * not kept.
 */
import { canonicalize } from './canonicalize.ts';
import type { XmlElement } from './document.ts';
import { XmlError } from './errors.ts';
import { type XmlLimits, xmlLimits } from './limits.ts';
import { exclusive } from './methods.ts';
import { contentPrefixes } from './prefixes.ts';
import { scan } from './scan.ts';
import { rewriteRoot } from './start-tag.ts';

interface Written {
  readonly bytes: Uint8Array;
  readonly prefixes: readonly string[];
}

/** The start tag of a written element, as far as it can be known without scanning what was just written. */
export interface WrittenRoot {
  readonly namespace: string;
  readonly local: string;
  readonly attributes: readonly { readonly namespace: string; readonly local: string; readonly value: string }[];
}

/** What a fragment that was made here may be as large as: it does not come from outside. */
const TRUSTED: XmlLimits = {
  bytes: Number.MAX_SAFE_INTEGER,
  depth: 1_000_000,
  attributes: 1_000_000,
  namespaces: 1_000_000,
  name: 1_000_000,
  text: Number.MAX_SAFE_INTEGER,
  nodes: Number.MAX_SAFE_INTEGER,
  output: Number.MAX_SAFE_INTEGER,
};

export class XmlFragment {
  #element: XmlElement | undefined;
  #written: Written | undefined;
  readonly #root: WrittenRoot | undefined;
  readonly #text: string | undefined;

  private constructor(
    element: XmlElement | undefined,
    written: Written | undefined,
    root?: WrittenRoot | undefined,
    text?: string,
  ) {
    this.#element = element;
    this.#written = written;
    this.#root = root;
    this.#text = text;
  }

  /** The fragment of a scanned element; canonicalized when its octets are first asked for. */
  static of(element: XmlElement): XmlFragment {
    return new XmlFragment(element, undefined);
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
   * @param root what the start tag says, where the writer knows it
   */
  static written(bytes: Uint8Array, prefixes: readonly string[], root?: WrittenRoot): XmlFragment {
    return new XmlFragment(undefined, { bytes, prefixes }, root);
  }

  /** As `written`, of text that becomes octets when they are first asked for. It has no PrefixList. */
  static spelled(text: string, root: WrittenRoot | undefined): XmlFragment {
    return new XmlFragment(undefined, undefined, root, text);
  }

  /** `bytes`, or the text they are the UTF-8 of where nobody has asked for octets yet: for those who join fragments. */
  get written(): Uint8Array | string {
    return this.#written?.bytes ?? this.#text ?? this.bytes;
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
    return this.#canonical().bytes;
  }

  /** The PrefixList under which `bytes` is canonical, sorted; usually empty. */
  get prefixes(): readonly string[] {
    return this.#canonical().prefixes;
  }

  /** The element this is the fragment of; for a written one, that of its own octets. */
  get element(): XmlElement {
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
    const { bytes, prefixes } = this.#canonical();
    return XmlFragment.written(rewriteRoot(bytes, { namespace, local, value, prefix }, prefixes), prefixes);
  }

  /** The octets as a string. */
  toString(): string {
    return Buffer.from(this.bytes).toString('utf8');
  }

  #canonical(): Written {
    if (this.#written === undefined && this.#text !== undefined) {
      this.#written = { bytes: Buffer.from(this.#text, 'utf8'), prefixes: [] };
    } else if (this.#written === undefined) {
      const element = this.#element;
      if (element === undefined) throw new XmlError('XML_UNEXPECTED', 'A fragment has an element or octets');
      const prefixes = contentPrefixes(element);
      this.#written = { bytes: canonicalize(element, exclusive, { prefixes }), prefixes };
    }
    return this.#written;
  }
}

/**
 * The octets of a fragment for a place where namespaces are rendered already: its own where they stay canonical there.
 *
 * @param scope namespaces by prefix ('' for the default) that the place has rendered
 */
export function embed(part: XmlFragment, scope: ReadonlyMap<string, string>): Written {
  const { bytes, prefixes } = part;
  const hasDefault = (scope.get('') ?? '') !== '';
  if (!hasDefault && !redeclares(bytes, scope)) return { bytes, prefixes };
  // Words in content that rely on there being no default namespace keep it so.
  const list = hasDefault && !prefixes.includes('#default') ? ['#default', ...prefixes] : prefixes;
  const { root } = scan(bytes, TRUSTED);
  const limit = Math.max(xmlLimits.output, 2 * bytes.length);
  return {
    bytes: canonicalize(root, exclusive, { prefixes: list, limit, context: scope }),
    prefixes: list,
  };
}

/** True when canonical octets may declare what `scope` has in scope already. */
function redeclares(bytes: Uint8Array, scope: ReadonlyMap<string, string>): boolean {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = octets.indexOf(' xmlns:'); at >= 0; at = octets.indexOf(' xmlns:', at + 1)) {
    const equals = octets.indexOf('=', at);
    if (scope.has(octets.toString('utf8', at + 7, equals < 0 ? at + 7 : equals))) return true;
  }
  return false;
}
