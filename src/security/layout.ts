/**
 * The strict layout of a Security header (WS-SecurityPolicy 1.3 section 6.7.1): what is used stands before what uses it, so
 * that a header is processed in one pass.
 */
import type { XmlElement } from '../xml/document.ts';
import { SecurityError } from './errors.ts';
import type { SecurityHeader } from './header.ts';
import { ds, wsse, xenc } from './names.ts';

/** @throws SecurityError `SECURITY_MALFORMED` */
export function requireStrictLayout(header: SecurityHeader, ids: ReadonlyMap<string, XmlElement>): void {
  for (const part of header.element.children) {
    for (const target of referred(part, ids)) {
      if (target.parent === header.element && target.index > part.index) {
        throw new SecurityError('SECURITY_MALFORMED', `In the strict layout ${target.local} stands before its use.`);
      }
    }
  }
}

/** What a part of the header needs before itself: tokens that it refers to, the signature that it endorses. */
function referred(part: XmlElement, ids: ReadonlyMap<string, XmlElement>): readonly XmlElement[] {
  const found: XmlElement[] = [];
  const visit = (element: XmlElement, depth: number): void => {
    const isReference = element.is(wsse, 'Reference') || element.is(ds, 'Reference');
    const target = isReference ? ids.get(element.attribute('URI')?.slice(1) ?? '') : undefined;
    if (target !== undefined) found.push(target);
    if (depth < deepest) for (const child of element.children) visit(child, depth + 1);
  };
  // What an EncryptedKey or a ReferenceList announces comes behind it.
  if (!part.is(xenc, 'ReferenceList')) visit(part, 0);
  return found;
}

/** Signature, KeyInfo, SecurityTokenReference, Reference. */
const deepest = 3;
