/**
 * Which encoding the octets of a document are in, and the same document as UTF-8 (XML 1.0, 4.3.3 and appendix F).
 * UTF-8 and UTF-16 are read; everything else is refused, because two readers that guess differently read two documents.
 */
// The global `Buffer` is behind a getter, which costs every message something.
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { XmlError } from './errors.ts';
import { SLACK } from './words.ts';

type Encoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE';

/** A document as UTF-8 in memory of its own, with `SLACK` octets 0 behind the end, where every scanning loop stops. */
export interface Source {
  readonly octets: Buffer;
  readonly words: DataView;
  /** Octets of the document, without byte order mark and sentinel. */
  readonly length: number;
  readonly encoding: Encoding;
  readonly ascii: boolean;
}

/** @throws XmlError XML_ENCODING, XML_LIMIT, and XML_MALFORMED for the characters U+FFFE and U+FFFF */
export function decode(input: Uint8Array, limit: number): Source {
  if (input.length > limit) throw tooLong(input.length, limit);
  const encoding = detect(input);
  const text = encoding === 'UTF-8' ? withoutMark(input) : fromUtf16(input, encoding);
  const length = text.length;
  if (length > limit) throw tooLong(length, limit);
  const octets = Buffer.allocUnsafe(length + SLACK);
  octets.set(text);
  return sourceOf(octets, length, encoding);
}

/**
 * As `decode`, without a copy.
 *
 * @param octets `SLACK` octets more than the document has; nobody may write to them from now on
 * @returns `undefined` for octets that begin with a byte order mark, or as another encoding than UTF-8 does
 * @throws XmlError as `decode`
 */
export function adopt(octets: Buffer, limit: number): Source | undefined {
  const length = octets.length - SLACK;
  if (length > limit) throw tooLong(length, limit);
  const isPlain = detect(octets) === 'UTF-8' && withoutMark(octets) === octets;
  return isPlain ? sourceOf(octets, length, 'UTF-8') : undefined;
}

function sourceOf(octets: Buffer, length: number, encoding: Encoding): Source {
  const words = new DataView(octets.buffer, octets.byteOffset, octets.length);
  words.setInt32(length, 0);
  words.setInt32(length + 4, 0);
  // The zeros are ASCII.
  const ascii = isAscii(octets);
  if (!ascii) {
    if (!isUtf8(octets)) throw new XmlError('XML_ENCODING', 'The document is not valid UTF-8: send UTF-8 or UTF-16');
    for (const nonCharacter of NON_CHARACTERS) {
      const offset = octets.indexOf(nonCharacter);
      if (offset >= 0) throw new XmlError('XML_MALFORMED', 'U+FFFE and U+FFFF are no XML characters', { offset });
    }
  }
  return { octets, words, length, encoding, ascii };
}

const NON_CHARACTERS = [Buffer.of(0xef, 0xbf, 0xbe), Buffer.of(0xef, 0xbf, 0xbf)];

function tooLong(length: number, limit: number): XmlError {
  return new XmlError('XML_LIMIT', `The document has ${length} octets, ${limit} are allowed: raise limits.bytes`);
}

function detect(input: Uint8Array): Encoding {
  const first = input[0];
  const second = input[1];
  const third = input[2];
  const fourth = input[3];
  const unsupported = (name: string) =>
    new XmlError('XML_ENCODING', `The document is in ${name}: send UTF-8 or UTF-16`);
  if (first === 0xff && second === 0xfe) {
    if (third === 0 && fourth === 0) throw unsupported('UTF-32');
    return 'UTF-16LE';
  }
  if (first === 0xfe && second === 0xff) return 'UTF-16BE';
  if (first === 0 && second === 0) throw unsupported('UTF-32');
  if (first === 0x3c && second === 0) {
    if (third === 0 && fourth === 0) throw unsupported('UTF-32');
    return 'UTF-16LE';
  }
  if (first === 0 && second === 0x3c) return 'UTF-16BE';
  if (first === 0x4c && second === 0x6f && third === 0xa7 && fourth === 0x94) throw unsupported('EBCDIC');
  return 'UTF-8';
}

function withoutMark(input: Uint8Array): Uint8Array {
  return input[0] === 0xef && input[1] === 0xbb && input[2] === 0xbf ? input.subarray(3) : input;
}

function fromUtf16(input: Uint8Array, encoding: 'UTF-16LE' | 'UTF-16BE'): Uint8Array {
  try {
    return Buffer.from(new TextDecoder(encoding.toLowerCase(), { fatal: true }).decode(input), 'utf8');
  } catch (cause) {
    throw new XmlError('XML_ENCODING', `The document is not valid ${encoding}: send UTF-8 or UTF-16`, { cause });
  }
}

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"<&]*)"|'([^'<&]*)')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$/;

/**
 * Reads the XML declaration (XML 1.0, production 23), if there is one, and holds its encoding against the octets.
 *
 * @returns the offset behind the declaration; 0 when there is none
 * @throws XmlError XML_MALFORMED, XML_ENCODING
 */
export function declaration(source: Source): number {
  const { octets, words, length, encoding } = source;
  // `<?xml` and white space
  if (length < 6 || words.getInt32(0) !== 0x3c3f786d || octets[4] !== 0x6c || !isSpace(octets[5])) return 0;
  if (encoding === 'UTF-8' && startsWith(octets, accepted)) return accepted.length;
  const close = octets.indexOf('?>', 5, 'latin1');
  if (close < 0) throw new XmlError('XML_MALFORMED', 'The XML declaration does not end', { offset: 0 });
  const parts = DECLARATION.exec(octets.toString('latin1', 0, close + 2));
  if (parts === null) throw new XmlError('XML_MALFORMED', 'The XML declaration is malformed', { offset: 0 });
  const version = parts[1] ?? parts[2];
  if (version !== '1.0') {
    throw new XmlError('XML_MALFORMED', 'The XML version is not 1.0: send XML 1.0', { offset: 0 });
  }
  const declared = (parts[3] ?? parts[4] ?? encoding).toUpperCase();
  if (declared !== encoding && !(declared === 'UTF-16' && encoding !== 'UTF-8')) {
    throw new XmlError('XML_ENCODING', `The XML declaration says ${declared}, but the octets are ${encoding}`, {
      offset: 0,
    });
  }
  if (encoding === 'UTF-8') accepted = Buffer.from(octets.subarray(0, close + 2));
  return close + 2;
}

/** The declaration of a document in UTF-8 that was read last: most begin alike. */
let accepted = Buffer.alloc(0);

function startsWith(octets: Buffer, start: Buffer): boolean {
  for (let at = 0; at < start.length; at++) if (octets[at] !== start[at]) return false;
  return start.length > 0;
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d;
}
