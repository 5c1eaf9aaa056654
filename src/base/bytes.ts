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
  const spelled = bytes.toString('base64');
  // Looking for white space costs more than decoding: only where what was decoded is spelled otherwise.
  return spelled === text || spelled === text.replace(/[ \t\r\n]/g, '') ? bytes : undefined;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts as Uint8Array[]);
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && view(one).equals(other);
}

/** The same memory as a `Buffer`. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
