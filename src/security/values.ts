/**
 * Values inside security markup have one spelling: character data only. A comment or CDATA section inside a digest is how
 * two readers are made to see two values (CVE-2025-29775, attacks C1 and C2), so neither is read.
 */
import { fromBase64 } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import { SecurityError } from './errors.ts';

/**
 * The trimmed text of an element that holds character data only.
 *
 * @throws SecurityError `SECURITY_MALFORMED` when it holds an element, a comment, a CDATA section or an instruction
 */
export function plainText(of: XmlElement): string {
  const { bytes } = of.document;
  // Between its start tag and its end tag there is no other "<".
  const next = bytes.indexOf(lessThan, of.start + 1);
  if (next !== -1 && next < of.end && bytes[next + 1] !== slash) {
    throw new SecurityError('SECURITY_MALFORMED', `${of.local} holds something else than character data.`);
  }
  return of.text.trim();
}

const lessThan = 0x3c;
const slash = 0x2f;

/** @throws SecurityError `SECURITY_MALFORMED` when the content is not strict, non-empty base64 */
export function octetsOf(of: XmlElement): Uint8Array {
  const octets = fromBase64(plainText(of));
  if (octets === undefined || octets.length === 0) {
    throw new SecurityError('SECURITY_MALFORMED', `${of.local} does not hold base64.`);
  }
  return octets;
}

/** @throws SecurityError `SECURITY_MALFORMED` when the attribute is absent */
export function requiredAttribute(of: XmlElement, local: string): string {
  const value = of.attribute(local);
  if (value === undefined) throw new SecurityError('SECURITY_MALFORMED', `${of.local} lacks the attribute ${local}.`);
  return value;
}

/** @throws SecurityError `SECURITY_MALFORMED` when the attribute is there with another value */
export function allowedAttribute(of: XmlElement, local: string, value: string): void {
  const found = of.attribute(local);
  if (found !== undefined && found !== value) {
    throw new SecurityError('SECURITY_MALFORMED', `${of.local} has an unknown ${local}.`);
  }
}
