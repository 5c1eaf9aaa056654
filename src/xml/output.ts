/** Where canonical octets are put together: one buffer, reused, and the escapes of Canonical XML 1.0, section 2.3. */
import { XmlError } from './errors.ts';
import { M_LENGTH, M_START, NAME, type Tape } from './tape.ts';
import { reference, referenced } from './values.ts';
import { copyWords, SLACK } from './words.ts';

/** Octets kept from one canonicalization to the next. */
const KEPT = 1 << 20;

/** Up to so many octets a loop over words is faster than a call. */
const SHORT = 160;

const FIRST_SIZE = 16384;

const NOTHING = { octets: Buffer.alloc(0), words: new DataView(new ArrayBuffer(0)), names: new Int32Array() };

export class Output {
  /** Always `SLACK` octets longer than what may be written. */
  #buffer: Buffer = NOTHING.octets;
  #words: DataView = NOTHING.words;
  #length = 0;
  #limit = 0;
  /** What is copied from. */
  #from: Pick<Tape, 'octets' | 'words' | 'names'> = NOTHING;

  constructor() {
    this.#renew(FIRST_SIZE);
  }

  /** @param expected octets that will probably be written */
  begin(from: Tape, limit: number, expected: number): void {
    this.#from = from;
    this.#length = 0;
    this.#limit = limit;
    if (expected + SLACK > this.#buffer.length) this.#renew(expected + (expected >> 3));
  }

  /** Lets go of what was copied from. */
  end(): void {
    this.#from = NOTHING;
  }

  #renew(size: number): void {
    this.#buffer = Buffer.allocUnsafeSlow(size + SLACK);
    this.#words = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as memory of its own: small results are copied, a large buffer is handed over. */
  take(): Buffer {
    const buffer = this.#buffer;
    if (buffer.length > KEPT) {
      this.#renew(FIRST_SIZE);
      return buffer.subarray(0, this.#length);
    }
    const taken = Buffer.allocUnsafe(this.#length);
    buffer.copy(taken, 0, 0, this.#length);
    return taken;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed > this.#limit) {
      throw new XmlError('XML_LIMIT', `Canonical form has more than ${this.#limit} octets: raise limits.output`);
    }
    if (needed + SLACK <= this.#buffer.length) return;
    const written = this.#buffer;
    this.#renew(Math.max(needed, written.length * 2));
    written.copy(this.#buffer, 0, 0, this.#length);
  }

  /** Octets of the source as they are. */
  copy(start: number, end: number): void {
    const count = end - start;
    this.#reserve(count);
    const at = this.#length;
    this.#length += count;
    if (count > SHORT) this.#from.octets.copy(this.#buffer, at, start, end);
    else copyWords(this.#from.words, start, this.#words, at, count);
  }

  /** Octets that are canonical. */
  octets(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#buffer.set(octets, this.#length);
    this.#length += octets.length;
  }

  /** A name of the source. */
  name(name: number): void {
    const { names } = this.#from;
    const start = names[name * NAME + M_START] as number;
    this.copy(start, start + (names[name * NAME + M_LENGTH] as number));
  }

  octet(octet: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = octet;
  }

  /** An attribute: its name, and its value as written between its quotes. */
  attribute(name: number, behind: number, start: number, end: number, isCanonical: boolean): void {
    this.octet(0x20);
    this.copy(name, behind);
    this.octet(0x3d);
    this.octet(0x22);
    if (isCanonical) this.copy(start, end);
    else this.value(start, end);
    this.octet(0x22);
  }

  /**
   * A start tag of which nothing but the order of the attributes changes: the most frequent work there is.
   *
   * @param start where the run begins that is copied up to and with the name of the element
   * @param attributes where the attributes begin and end, in pairs, in their order
   * @param count how many integers of `attributes` count
   */
  reordered(start: number, behind: number, attributes: Int32Array, count: number): void {
    this.copy(start, behind);
    let more = 1;
    for (let index = 0; index < count; index += 2) {
      more += 1 + (attributes[index + 1] as number) - (attributes[index] as number);
    }
    this.#reserve(more);
    const from = this.#from.words;
    const words = this.#words;
    const buffer = this.#buffer;
    let to = this.#length;
    for (let index = 0; index < count; index += 2) {
      const first = attributes[index] as number;
      const length = (attributes[index + 1] as number) - first;
      buffer[to++] = 0x20;
      copyWords(from, first, words, to, length);
      to += length;
    }
    buffer[to++] = 0x3e;
    this.#length = to;
  }

  /** A string, as UTF-8. */
  string(text: string): void {
    this.#reserve(text.length * 3);
    if (text.length < 8) {
      let at = 0;
      let unit = text.charCodeAt(0);
      while (unit < 0x80) {
        this.#buffer[this.#length + at] = unit;
        unit = text.charCodeAt(++at);
      }
      if (at === text.length) {
        this.#length += at;
        return;
      }
    }
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** A text as written in the source, in canonical form. */
  text(start: number, end: number): void {
    const from = this.#from.octets;
    for (let at = start; at < end; ) {
      const octet = from[at] as number;
      if (octet === 0x26) {
        at = reference(from, at);
        this.#character(referenced(), false);
      } else if (octet === 0x0d) {
        this.octet(0x0a);
        at += from[at + 1] === 0x0a ? 2 : 1;
      } else {
        if (octet === 0x3e) this.string('&gt;');
        else this.octet(octet);
        at++;
      }
    }
  }

  /** The content of a CDATA section as written, in canonical form. */
  characters(start: number, end: number): void {
    const from = this.#from.octets;
    for (let at = start; at < end; at++) {
      const octet = from[at] as number;
      if (octet === 0x0d) {
        this.octet(0x0a);
        if (from[at + 1] === 0x0a) at++;
      } else if (octet === 0x26 || octet === 0x3c || octet === 0x3e) {
        this.#character(octet, false);
      } else {
        this.octet(octet);
      }
    }
  }

  /** The content of a comment or instruction as written, in canonical form: line ends only. */
  lines(start: number, end: number): void {
    const from = this.#from.octets;
    for (let at = start; at < end; at++) {
      const octet = from[at] as number;
      if (octet !== 0x0d) this.octet(octet);
      else {
        this.octet(0x0a);
        if (from[at + 1] === 0x0a) at++;
      }
    }
  }

  /** An attribute value as written between its quotes, in canonical form. */
  value(start: number, end: number): void {
    const from = this.#from.octets;
    for (let at = start; at < end; ) {
      const octet = from[at] as number;
      if (octet === 0x26) {
        at = reference(from, at);
        this.#character(referenced(), true);
      } else if (octet === 0x0d || octet === 0x0a || octet === 0x09) {
        this.octet(0x20);
        at += octet === 0x0d && from[at + 1] === 0x0a ? 2 : 1;
      } else {
        if (octet === 0x22) this.string('&quot;');
        else this.octet(octet);
        at++;
      }
    }
  }

  #character(code: number, inValue: boolean): void {
    const escaped = inValue ? valueEscapes.get(code) : textEscapes.get(code);
    if (escaped !== undefined) this.string(escaped);
    else if (code < 0x80) this.octet(code);
    else this.string(String.fromCodePoint(code));
  }
}

const textEscapes: ReadonlyMap<number, string> = new Map([
  [0x26, '&amp;'],
  [0x3c, '&lt;'],
  [0x3e, '&gt;'],
  [0x0d, '&#xD;'],
]);

const valueEscapes: ReadonlyMap<number, string> = new Map([
  [0x26, '&amp;'],
  [0x3c, '&lt;'],
  [0x22, '&quot;'],
  [0x09, '&#x9;'],
  [0x0a, '&#xA;'],
  [0x0d, '&#xD;'],
]);

/** Character data in canonical form. */
export function escapeText(text: string): string {
  return /[&<>\r]/.test(text)
    ? text.replace(/[&<>\r]/g, (found) => textEscapes.get(found.charCodeAt(0)) ?? found)
    : text;
}

/** An attribute value or namespace name in canonical form, without its quotes. */
export function escapeValue(value: string): string {
  return /[&<"\t\n\r]/.test(value)
    ? value.replace(/[&<"\t\n\r]/g, (found) => valueEscapes.get(found.charCodeAt(0)) ?? found)
    : value;
}

/** Orders strings by code points, as Canonical XML asks: UTF-16 units order those above U+FFFF wrongly. */
export function byCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const left = one.charCodeAt(at);
    const right = other.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return one.length - other.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
