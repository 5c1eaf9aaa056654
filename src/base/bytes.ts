/** Octets and their text forms. Base64 is strict: one spelling per value, so no two texts stand for one nonce. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes UTF-8; throws a `TypeError` on octets that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function base64(bytes: Uint8Array): string {
  return view(bytes).toString('base64');
}

/**
 * Decodes xs:base64Binary: white space is allowed anywhere, the padding must be there and the unused bits must be 0.
 *
 * @returns the octets, or `undefined` when `text` is not base64
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (text.length > LONG && isSpelling(text, bytes)) return bytes;
  const spelled = bytes.toString('base64');
  // Looking for white space costs more than decoding: only where what was decoded is spelled otherwise.
  return spelled === text || spelled === text.replace(/[ \t\r\n]/g, '') ? bytes : undefined;
}

/** From so many characters on it costs less to look at a text than to spell it anew. */
const LONG = 256;

/**
 * Whether a text is the spelling of what was decoded of it, seen without spelling all of it: it ends as the spelling does, and the
 * rest holds nothing that the decoder skips, or else there would be fewer octets, nor takes for something else.
 */
function isSpelling(text: string, bytes: Buffer): boolean {
  const whole = bytes.length - (bytes.length % 3 || 3);
  return (
    text.length === 4 * Math.ceil(bytes.length / 3) &&
    text.endsWith(bytes.toString('base64', whole)) &&
    Buffer.byteLength(text) === text.length &&
    !text.includes('-') &&
    !text.includes('_')
  );
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts as Uint8Array[]);
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one;
  if (length !== other.length) return false;
  if (length > SHORT) return view(one).equals(other);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** Up to so many octets it costs less to look at each than to ask the platform. */
const SHORT = 32;

/** The same memory as a `Buffer`. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
