/**
 * Writing XML that is canonical by construction: what a signature hashes is what was written, and nobody parses it
 * again. Namespaces are declared where they are first visibly used (Exclusive C14N, section 3), attributes are sorted,
 * characters are escaped as Canonical XML 1.0, section 2.3 says.
 */
import { isNcName, isText } from './characters.ts';
import { XmlError } from './errors.ts';
import { embed, type WrittenRoot, XmlFragment } from './fragment.ts';
import { Joiner } from './joiner.ts';
import { byCodePoints, escapeText, escapeValue } from './output.ts';
import { XML_NAMESPACE_NAME, XMLNS_NAMESPACE_NAME } from './tape.ts';

interface Attribute {
  readonly namespace: string;
  readonly local: string;
  readonly value: string;
  readonly prefix: string | undefined;
}

/** A namespace in scope; the innermost with a prefix counts. */
interface Binding {
  readonly prefix: string;
  readonly namespace: string;
}

interface Open {
  readonly name: string;
  /** Bindings in scope around the element. */
  readonly scope: number;
}

/** The start tag that still takes attributes. */
interface Pending {
  readonly namespace: string;
  readonly local: string;
  readonly prefix: string | undefined;
  readonly attributes: Attribute[];
  declared: Map<string, string> | undefined;
}

export class XmlWriter {
  readonly #joiner = new Joiner();
  readonly #open: Open[] = [];
  readonly #scope: Binding[] = [];
  #pending: Pending | undefined;
  readonly #prefixes = new Set<string>();
  #root: WrittenRoot | undefined;
  /** The prefixes that were declared, and whether a fragment with declarations of its own was written. */
  #declared: Set<string> | undefined;
  #embeds = false;
  #ended = false;

  /**
   * Starts an element. Its prefix is `prefix` where that is in scope for the namespace, else any that is, else `prefix`
   * is declared ('' for the default namespace, which is also what is declared when none is given).
   *
   * @throws XmlError XML_MALFORMED for a name or character that XML cannot carry, or a second root;
   *   XML_NAMESPACE for a prefix that cannot stand for the namespace
   */
  start(namespace: string, local: string, prefix?: string): this {
    this.#flush();
    if (this.#ended) throw new XmlError('XML_MALFORMED', 'The fragment is complete: it has one root element only');
    check(namespace, local, prefix);
    if (namespace === XMLNS_NAMESPACE_NAME) throw new XmlError('XML_NAMESPACE', 'No element is in the xmlns namespace');
    const attributes: Attribute[] = [];
    if (this.#open.length === 0) this.#root = { namespace, local, attributes };
    this.#pending = { namespace, local, prefix, attributes, declared: undefined };
    return this;
  }

  /**
   * Adds an attribute to the element just started; the order does not matter. In a namespace it gets a prefix that is
   * in scope, else `prefix`, else one that is free.
   *
   * @throws XmlError XML_MALFORMED, XML_NAMESPACE as `start`; XML_UNEXPECTED outside a start tag, or for one given twice
   */
  attribute(namespace: string, local: string, value: string, prefix?: string): this {
    const pending = this.#tag('attribute');
    check(namespace, local, prefix);
    if (namespace === XMLNS_NAMESPACE_NAME || (namespace === '' && local === 'xmlns')) {
      throw new XmlError('XML_NAMESPACE', 'Namespaces are declared by `declare`, not by `attribute`');
    }
    if (!isText(value)) throw noText();
    if (pending.attributes.some((other) => other.local === local && other.namespace === namespace)) {
      throw new XmlError('XML_UNEXPECTED', `The attribute ${local} is given twice`);
    }
    pending.attributes.push({ namespace, local, value, prefix });
    return this;
  }

  /**
   * Declares a prefix for QNames in content on the element just started; it joins the fragment's `prefixes`.
   *
   * @throws XmlError XML_NAMESPACE; XML_UNEXPECTED outside a start tag
   */
  declare(prefix: string, namespace: string): this {
    const pending = this.#tag('declaration');
    check(namespace, 'x', prefix);
    pending.declared ??= new Map();
    const known = pending.declared.get(prefix);
    const impossible = (namespace === '') !== (prefix === '') && namespace === '';
    if ((known !== undefined && known !== namespace) || impossible || isReserved(prefix, namespace)) {
      throw new XmlError('XML_NAMESPACE', `The prefix "${prefix}" cannot stand for "${namespace}" here`);
    }
    if (prefix === '' && pending.namespace !== namespace && (pending.prefix ?? '') === '') {
      throw new XmlError('XML_NAMESPACE', 'The element itself needs the default namespace: start it with a prefix');
    }
    pending.declared.set(prefix, namespace);
    this.#prefixes.add(prefix === '' ? '#default' : prefix);
    return this;
  }

  /** @throws XmlError XML_MALFORMED for characters that XML cannot carry; XML_UNEXPECTED outside an element */
  text(value: string): this {
    this.#flush();
    this.#inside('text');
    if (!isText(value)) throw noText();
    this.#joiner.put(escapeText(value));
    return this;
  }

  /** @throws XmlError XML_UNEXPECTED when no element is open */
  end(): this {
    this.#flush();
    this.#inside('end');
    const open = this.#open.pop();
    if (open !== undefined) {
      this.#joiner.put(`</${open.name}>`);
      this.#scope.length = open.scope;
    }
    this.#ended = this.#open.length === 0;
    return this;
  }

  /** An element with text: start, text, end. Throws what these throw. */
  element(namespace: string, local: string, text = '', prefix?: string): this {
    this.start(namespace, local, prefix);
    if (text !== '') this.text(text);
    return this.end();
  }

  /**
   * Writes a fragment here: verbatim where that is canonical, else canonicalized for this place. Its `prefixes` join
   * those of the whole.
   *
   * @throws XmlError XML_MALFORMED for a second root
   */
  fragment(part: XmlFragment): this {
    this.#flush();
    if (this.#ended) throw new XmlError('XML_MALFORMED', 'The fragment is complete: it has one root element only');
    const scope = new Map(this.#scope.map(({ prefix, namespace }) => [prefix, namespace]));
    const { pieces, prefixes } = embed(part, scope);
    for (const piece of pieces) this.#joiner.put(piece);
    this.#embeds = true;
    for (const prefix of prefixes) this.#prefixes.add(prefix);
    this.#ended = this.#open.length === 0;
    return this;
  }

  /** @throws XmlError XML_UNEXPECTED when an element is open or nothing was written */
  finish(): XmlFragment {
    this.#flush();
    if (!this.#ended) throw new XmlError('XML_UNEXPECTED', 'The fragment is not complete: end its elements');
    const prefixes = this.#prefixes.size === 0 ? noPrefixes : [...this.#prefixes].sort(byCodePoints);
    const declared = this.#embeds ? undefined : (this.#declared ?? noDeclarations);
    return XmlFragment.written(this.#joiner.pieces(), prefixes, { root: this.#root, declared });
  }

  #tag(what: string): Pending {
    if (this.#pending === undefined)
      throw new XmlError('XML_UNEXPECTED', `An ${what} follows the start of its element`);
    return this.#pending;
  }

  #inside(what: string): void {
    if (this.#open.length === 0) throw new XmlError('XML_UNEXPECTED', `No element is open for ${what}`);
  }

  #bound(prefix: string): string | undefined {
    for (let index = this.#scope.length - 1; index >= 0; index--) {
      const binding = this.#scope[index];
      if (binding?.prefix === prefix) return binding.namespace;
    }
    return prefix === '' ? '' : undefined;
  }

  /** A prefix in scope for a namespace; `preferred` when it is one. Attributes cannot use the default namespace. */
  #prefixFor(namespace: string, preferred: string | undefined, forAttribute: boolean): string | undefined {
    const usable = (prefix: string) => !(forAttribute && prefix === '') && this.#bound(prefix) === namespace;
    if (preferred !== undefined && usable(preferred)) return preferred;
    for (let index = this.#scope.length - 1; index >= 0; index--) {
      const prefix = this.#scope[index]?.prefix ?? '';
      if (usable(prefix)) return prefix;
    }
    return undefined;
  }

  /** Writes the start tag that was waiting for attributes. */
  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const scope = this.#scope.length;
    if (pending.attributes.length <= 1 && pending.declared === undefined) {
      this.#plain(pending, scope);
      return;
    }
    const declared = pending.declared ?? new Map<string, string>();
    const rendered: Binding[] = [];
    const bind = (prefix: string, namespace: string): string => {
      if (this.#bound(prefix) !== namespace) {
        rendered.push({ prefix, namespace });
        this.#scope.push({ prefix, namespace });
        this.#declares(prefix);
      }
      return prefix;
    };
    // What this tag needs a prefix for may not be taken from it by a later need of the same tag.
    const taken = new Map(declared);
    for (const [prefix, namespace] of declared) bind(prefix, namespace);
    const prefix = this.#elementPrefix(pending, taken);
    if (prefix !== 'xml') bind(prefix, pending.namespace);
    taken.set(prefix, pending.namespace);
    const named = pending.attributes.map((attribute) => {
      const own = this.#attributePrefix(attribute, taken);
      if (own !== '' && own !== 'xml') bind(own, attribute.namespace);
      if (own !== '') taken.set(own, attribute.namespace);
      return { ...attribute, name: own === '' ? attribute.local : `${own}:${attribute.local}` };
    });
    named.sort((one, other) => byCodePoints(one.namespace, other.namespace) || byCodePoints(one.local, other.local));
    rendered.sort((one, other) => byCodePoints(one.prefix, other.prefix));
    const name = prefix === '' ? pending.local : `${prefix}:${pending.local}`;
    let tag = `<${name}`;
    for (const binding of rendered) {
      tag += binding.prefix === '' ? ' xmlns="' : ` xmlns:${binding.prefix}="`;
      tag += `${escapeValue(binding.namespace)}"`;
    }
    for (const attribute of named) tag += ` ${attribute.name}="${escapeValue(attribute.value)}"`;
    this.#joiner.put(`${tag}>`);
    this.#open.push({ name, scope });
  }

  /** A start tag as most are, with one attribute at most and nothing declared for content: nothing there to be sorted. */
  #plain(pending: Pending, scope: number): void {
    const prefix = this.#elementPrefix(pending, NOTHING_TAKEN);
    const name = prefix === '' ? pending.local : `${prefix}:${pending.local}`;
    const own = this.#bind(prefix, pending.namespace);
    const [attribute] = pending.attributes;
    if (attribute === undefined) {
      this.#joiner.put(`<${name}${own}>`);
    } else {
      const of = this.#attributePrefix(attribute, new Map([[prefix, pending.namespace]]));
      const its = of === '' ? '' : this.#bind(of, attribute.namespace);
      const declared = byCodePoints(prefix, of) < 0 ? own + its : its + own;
      const called = of === '' ? attribute.local : `${of}:${attribute.local}`;
      this.#joiner.put(`<${name}${declared} ${called}="${escapeValue(attribute.value)}">`);
    }
    this.#open.push({ name, scope });
  }

  /** Brings a prefix into scope; what a start tag says for it, '' where it is in scope already. */
  #bind(prefix: string, namespace: string): string {
    if (prefix === 'xml' || this.#bound(prefix) === namespace) return '';
    this.#scope.push({ prefix, namespace });
    this.#declares(prefix);
    return ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeValue(namespace)}"`;
  }

  #declares(prefix: string): void {
    if (prefix === '') return;
    this.#declared ??= new Set();
    this.#declared.add(prefix);
  }

  #elementPrefix({ namespace, prefix }: Pending, taken: ReadonlyMap<string, string>): string {
    if (namespace === '') return '';
    if (namespace === XML_NAMESPACE_NAME) return 'xml';
    const wanted = prefix ?? '';
    const known = this.#prefixFor(namespace, wanted, false);
    if (known !== undefined) return known;
    return taken.has(wanted) ? this.#free(taken) : wanted;
  }

  #attributePrefix({ namespace, prefix }: Attribute, taken: ReadonlyMap<string, string>): string {
    if (namespace === '') return '';
    if (namespace === XML_NAMESPACE_NAME) return 'xml';
    const known = this.#prefixFor(namespace, prefix, true);
    if (known !== undefined) return known;
    return prefix && !taken.has(prefix) ? prefix : this.#free(taken);
  }

  #free(taken: ReadonlyMap<string, string>): string {
    for (let number = 1; ; number++) {
      const prefix = `n${number}`;
      if (!taken.has(prefix) && this.#bound(prefix) === undefined) return prefix;
    }
  }
}

const noPrefixes: readonly string[] = Object.freeze([]);

const noDeclarations: ReadonlySet<string> = new Set();

const NOTHING_TAKEN: ReadonlyMap<string, string> = new Map();

/** The names that were looked at last: elements come in runs of one namespace and one prefix. */
let soundNamespace = '';
let soundPrefix = '';

function check(namespace: string, local: string, prefix: string | undefined): void {
  if (namespace === soundNamespace && prefix === soundPrefix && isNcName(local)) return;
  if (!isNcName(local) || (prefix !== undefined && prefix !== '' && !isNcName(prefix))) {
    throw new XmlError('XML_MALFORMED', `"${prefix ? `${prefix}:` : ''}${local}" is no XML name`);
  }
  if (namespace !== '' && (!isText(namespace) || !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(namespace))) {
    throw new XmlError('XML_NAMESPACE', `"${namespace}" is no absolute namespace name`);
  }
  if (prefix !== undefined && isReserved(prefix, namespace) && namespace !== XML_NAMESPACE_NAME) {
    throw new XmlError('XML_NAMESPACE', `The prefix "${prefix}" cannot stand for "${namespace}"`);
  }
  if (prefix !== undefined) {
    soundNamespace = namespace;
    soundPrefix = prefix;
  }
}

function isReserved(prefix: string, namespace: string): boolean {
  return (
    prefix === 'xml' || prefix === 'xmlns' || namespace === XML_NAMESPACE_NAME || namespace === XMLNS_NAMESPACE_NAME
  );
}

function noText(): XmlError {
  return new XmlError('XML_MALFORMED', 'The text has a character that XML cannot carry: remove it, or send base64');
}
