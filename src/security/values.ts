/**
 * Values inside security markup have one spelling: character data only. A comment or CDATA section inside a digest is how
 * two readers are made to see two values (CVE-2025-29775, attacks C1 and C2), so neither is read.
 */
import { fromBase64 } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import { onlyText } from '../xml/find.ts';
import { SecurityError } from './errors.ts';

/**
 * The trimmed text of an element that holds character data only.
 *
 * @throws XmlError `XML_UNEXPECTED` when it holds an element, a comment, a CDATA section or an instruction
 */
export function plainText(of: XmlElement): string {
  return onlyText(of).trim();
}

/** @throws SecurityError `SECURITY_MALFORMED` when the content is not strict, non-empty base64 */
export function octetsOf(of: XmlElement): Uint8Array {
  const octets = fromBase64(onlyText(of));
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
