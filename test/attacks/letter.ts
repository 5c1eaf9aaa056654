/** The octets of somebody's message, with what an attacker on the way does to them: by element, whatever its prefix. */
import { wsu } from '../../src/security/names.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';

export class Letter {
  readonly text: string;
  #all: readonly XmlElement[] | undefined;

  /** @throws Error where octets and characters are not the same; offsets are of octets */
  constructor(text: string) {
    if (Buffer.byteLength(text) !== text.length) throw new Error('The message is not ASCII.');
    this.text = text;
  }

  /** Read when somebody asks: what an attack makes need not be XML. */
  get #elements(): readonly XmlElement[] {
    this.#all ??= [...elementsIn(scan(Buffer.from(this.text)).root)];
    return this.#all;
  }

  /** Every element of this name, in the order of the document. */
  all(local: string): readonly XmlElement[] {
    return this.#elements.filter((one) => one.local === local);
  }

  /** The first element of this name; of `inside`, where one is given. */
  one(local: string, inside?: XmlElement): XmlElement {
    const found = this.all(local).find((each) => inside === undefined || (inside !== each && inside.contains(each)));
    if (found === undefined) throw new Error(`There is no ${local}.`);
    return found;
  }

  byId(id: string): XmlElement {
    const found = this.#elements.find((one) => one.attribute('Id', wsu) === id || one.attribute('Id') === id);
    if (found === undefined) throw new Error(`There is no element with the id ${id}.`);
    return found;
  }

  has(local: string): boolean {
    return this.#elements.some((one) => one.local === local);
  }

  get body(): XmlElement {
    return this.one('Body');
  }

  get header(): XmlElement {
    return this.one('Header');
  }

  get security(): XmlElement {
    return this.one('Security');
  }

  get signature(): XmlElement {
    return this.one('Signature', this.security);
  }

  of(one: XmlElement): string {
    this.#own(one);
    return this.text.slice(one.start, one.end);
  }

  with(one: XmlElement, by: string): Letter {
    this.#own(one);
    return new Letter(this.text.slice(0, one.start) + by + this.text.slice(one.end));
  }

  /** An element that was found before something was changed stands elsewhere now. */
  #own(one: XmlElement): void {
    if (one.document !== this.#elements[0]?.document) throw new Error(`This ${one.local} is of another letter.`);
  }

  without(one: XmlElement): Letter {
    return this.with(one, '');
  }

  before(one: XmlElement, what: string): Letter {
    return this.with(one, what + this.of(one));
  }

  behind(one: XmlElement, what: string): Letter {
    return this.with(one, this.of(one) + what);
  }

  /** In front of its content. */
  first(one: XmlElement, what: string): Letter {
    return this.with(
      one,
      opened(this.of(one)).replace('>', () => `>${what}`),
    );
  }

  /** Behind its content. */
  last(one: XmlElement, what: string): Letter {
    const markup = opened(this.of(one));
    const at = markup.lastIndexOf('</');
    return this.with(one, markup.slice(0, at) + what + markup.slice(at));
  }

  /** The start tag of an element with more attributes. */
  marked(one: XmlElement, attributes: string): Letter {
    return this.with(
      one,
      this.of(one).replace(/^<[^\s/>]+/, (tag) => `${tag} ${attributes}`),
    );
  }

  /** What `from` matches in the element, which has to be there. */
  changed(one: XmlElement, from: string | RegExp, to: string): Letter {
    const markup = this.of(one);
    const changed = markup.replace(from, () => to);
    if (changed === markup) throw new Error(`${one.local} has no ${String(from)}.`);
    return this.with(one, changed);
  }

  /** The text of an element. */
  saying(one: XmlElement, text: string): Letter {
    return this.with(
      one,
      this.of(one).replace(/>[^<]*</, () => `>${text}<`),
    );
  }
}

/** An empty-element tag as a pair of tags. */
function opened(markup: string): string {
  return markup.replace(/^<([^\s/>]+)([^>]*)\/>$/, '<$1$2></$1>');
}

function* elementsIn(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* elementsIn(child);
}

/** The markup of an element under other ids: `evil` for its own, `evil1`, `evil2`… for those inside. */
export function twin(markup: string, id = 'evil'): string {
  let count = 0;
  return markup.replaceAll(/(\s(?:\w+:)?Id=)"[^"]*"/g, (_, attribute: string) => {
    count += 1;
    return `${attribute}"${id}${count === 1 ? '' : count - 1}"`;
  });
}

export function wrapped(inside: string, attributes = ''): string {
  return `<x:Wrapper xmlns:x="urn:x"${attributes}>${inside}</x:Wrapper>`;
}
