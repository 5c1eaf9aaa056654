/**
 * Character data and attribute values as written, and the strings they stand for: line ends (XML 1.0, 2.11), white
 * space in attributes (3.3.3), and the references that are left without a DTD (4.1, 4.6).
 */
import { isCharacter } from './characters.ts';
import { XmlError } from './errors.ts';

/** The character of the reference read last. */
let character = 0;

/**
 * Reads the reference at the `&` at `start`; `referenced` then names its character.
 *
 * @returns the octet behind the reference
 * @throws XmlError XML_MALFORMED
 */
export function reference(octets: Uint8Array, start: number): number {
  let at = start + 1;
  if (octets[at] === 0x23) return numeric(octets, start);
  switch (octets[at++]) {
    case 0x61:
      if (octets[at] === 0x6d && octets[at + 1] === 0x70 && octets[at + 2] === 0x3b) return found(0x26, at + 3);
      if (octets[at] === 0x70 && octets[at + 1] === 0x6f && octets[at + 2] === 0x73 && octets[at + 3] === 0x3b) {
        return found(0x27, at + 4);
      }
      break;
    case 0x67:
      if (octets[at] === 0x74 && octets[at + 1] === 0x3b) return found(0x3e, at + 2);
      break;
    case 0x6c:
      if (octets[at] === 0x74 && octets[at + 1] === 0x3b) return found(0x3c, at + 2);
      break;
    case 0x71:
      if (octets[at] === 0x75 && octets[at + 1] === 0x6f && octets[at + 2] === 0x74 && octets[at + 3] === 0x3b) {
        return found(0x22, at + 4);
      }
      break;
  }
  throw new XmlError('XML_MALFORMED', 'Without a DTD only &amp; &lt; &gt; &quot; &apos; and &#…; are defined', {
    offset: start,
  });
}

/** True when canonical form spells the character of the reference this way (Canonical XML 1.0, section 2.3). */
export function isCanonicalReference(octets: Buffer, start: number, behind: number, inValue: boolean): boolean {
  const length = behind - start;
  const first = octets[start + 1];
  if (length === 5) {
    if (first === 0x61) return true;
    // &#xD; in both, &#x9; and &#xA; in values
    if (first !== 0x23 || octets[start + 2] !== 0x78) return false;
    const digit = octets[start + 3];
    return digit === 0x44 || (inValue && (digit === 0x39 || digit === 0x41));
  }
  if (length === 4) return first === 0x6c || (first === 0x67 && !inValue);
  return length === 6 && first === 0x71 && inValue;
}

/** The code point that the reference read last stands for. */
export function referenced(): number {
  return character;
}

function found(code: number, behind: number): number {
  character = code;
  return behind;
}

function numeric(octets: Uint8Array, start: number): number {
  const hexadecimal = octets[start + 2] === 0x78;
  let at = start + (hexadecimal ? 3 : 2);
  const digits = at;
  let code = 0;
  for (;;) {
    const octet = octets[at] as number;
    let digit = -1;
    if (octet >= 0x30 && octet <= 0x39) digit = octet - 0x30;
    else if (hexadecimal && octet >= 0x41 && octet <= 0x46) digit = octet - 0x37;
    else if (hexadecimal && octet >= 0x61 && octet <= 0x66) digit = octet - 0x57;
    if (digit < 0) break;
    // Kept small however many digits follow: what is beyond Unicode stays beyond it.
    code = Math.min(code * (hexadecimal ? 16 : 10) + digit, 0x110000);
    at++;
  }
  if (at === digits || octets[at] !== 0x3b) {
    throw new XmlError('XML_MALFORMED', 'A character reference is malformed', { offset: start });
  }
  if (!isCharacter(code)) {
    throw new XmlError('XML_MALFORMED', 'A character reference names something that is no XML character', {
      offset: start,
    });
  }
  return found(code, at + 1);
}

/** The UTF-8 octets from `start` to `end` as a string. */
export function slice(octets: Buffer, start: number, end: number, ascii: boolean): string {
  return octets.toString(ascii ? 'latin1' : 'utf8', start, end);
}

/** The characters of a text as written, references resolved and line ends normalized. */
export function textOf(octets: Buffer, start: number, end: number, ascii: boolean): string {
  let text = '';
  let copied = start;
  for (let at = start; at < end; ) {
    const octet = octets[at];
    if (octet === 0x26) {
      text += slice(octets, copied, at, ascii);
      at = reference(octets, at);
      copied = at;
      text += String.fromCodePoint(character);
    } else if (octet === 0x0d) {
      text += `${slice(octets, copied, at, ascii)}\n`;
      at += octets[at + 1] === 0x0a ? 2 : 1;
      copied = at;
    } else {
      at++;
    }
  }
  return text + slice(octets, copied, end, ascii);
}

/** The characters of a CDATA section's content, a comment or an instruction: line ends normalized. */
export function verbatimOf(octets: Buffer, start: number, end: number, ascii: boolean): string {
  const text = slice(octets, start, end, ascii);
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** The value of an attribute as written between its quotes, references resolved and white space normalized. */
export function valueText(octets: Buffer, start: number, end: number, ascii: boolean): string {
  let text = '';
  let copied = start;
  for (let at = start; at < end; ) {
    const octet = octets[at];
    if (octet === 0x26) {
      text += slice(octets, copied, at, ascii);
      at = reference(octets, at);
      copied = at;
      text += String.fromCodePoint(character);
    } else if (octet === 0x0d || octet === 0x0a || octet === 0x09) {
      text += `${slice(octets, copied, at, ascii)} `;
      at += octet === 0x0d && octets[at + 1] === 0x0a ? 2 : 1;
      copied = at;
    } else {
      at++;
    }
  }
  return text + slice(octets, copied, end, ascii);
}
