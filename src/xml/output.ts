/** Where canonical octets are put together: one buffer, reused, and the escapes of Canonical XML 1.0, section 2.3. */
import { XmlError } from './errors.ts';
import { reference, referenced } from './values.ts';

/** Octets kept from one canonicalization to the next. */
const KEPT = 1 << 20;

/** Up to so many octets a loop is faster than a call. */
const SHORT = 40;

export class Output {
  #buffer: Buffer = Buffer.allocUnsafeSlow(16384);
  #length = 0;
  #limit = 0;

  /** @param expected octets that will probably be written */
  begin(limit: number, expected: number): void {
    this.#length = 0;
    this.#limit = limit;
    if (expected > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(expected + (expected >> 3));
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as memory of its own: small results are copied, a large buffer is handed over. */
  take(): Buffer {
    const written = this.#buffer.subarray(0, this.#length);
    if (this.#buffer.length <= KEPT) return Buffer.from(written);
    this.#buffer = Buffer.allocUnsafeSlow(16384);
    return written;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed > this.#limit) {
      throw new XmlError('XML_LIMIT', `Canonical form has more than ${this.#limit} octets: raise limits.output`);
    }
    if (needed <= this.#buffer.length) return;
    const longer = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(longer, 0, 0, this.#length);
    this.#buffer = longer;
  }

  /** Memory with room for so many octets behind `length`, to be written by the caller, who then calls `advance`. */
  room(count: number): Buffer {
    this.#reserve(count);
    return this.#buffer;
  }

  advance(length: number): void {
    this.#length = length;
  }

  /** Octets as they are. */
  copy(from: Buffer, start: number, end: number): void {
    const count = end - start;
    this.#reserve(count);
    const buffer = this.#buffer;
    let at = this.#length;
    this.#length += count;
    if (count > SHORT) {
      from.copy(buffer, at, start, end);
      return;
    }
    for (let index = start; index < end; index++) buffer[at++] = from[index] as number;
  }

  octet(octet: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = octet;
  }

  /** An attribute: its name, and its value as written between its quotes. */
  attribute(from: Buffer, name: number, behind: number, start: number, end: number, isCanonical: boolean): void {
    this.#reserve(behind - name + (end - start) + 4);
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = 0x20;
    for (let index = name; index < behind; index++) buffer[at++] = from[index] as number;
    buffer[at++] = 0x3d;
    buffer[at++] = 0x22;
    if (isCanonical && end - start <= SHORT) {
      for (let index = start; index < end; index++) buffer[at++] = from[index] as number;
      buffer[at++] = 0x22;
      this.#length = at;
      return;
    }
    this.#length = at;
    if (isCanonical) this.copy(from, start, end);
    else this.value(from, start, end);
    this.octet(0x22);
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
  text(from: Uint8Array, start: number, end: number): void {
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
  characters(from: Uint8Array, start: number, end: number): void {
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
  lines(from: Uint8Array, start: number, end: number): void {
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
  value(from: Uint8Array, start: number, end: number): void {
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
