/**
 * The document in which every encrypted part is replaced by its plaintext, in one pass (XML Encryption 1.1 section 4.4). Plaintext
 * is read where it belongs, so it has the namespaces of its place, and it is proven to be complete in itself: a
 * plaintext that closes what it did not open, or hides what follows it, would change what it does not replace (attack E10).
 * What comes out was scanned by the one scanner, within its limits, and its ids are unique.
 */
import { view } from '../../base/bytes.ts';
import { XmlDocument, type XmlElement } from '../../xml/document.ts';
import { elementsById } from '../../xml/find.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { scanAdopted } from '../../xml/scan.ts';
import { elementAt, stretch } from '../../xml/stretch.ts';
import { SLACK } from '../../xml/words.ts';
import { SecurityError } from '../errors.ts';

export interface Replacement {
  /** What is taken out: EncryptedData, or the EncryptedHeader around it. */
  readonly element: XmlElement;
  /** One element stands in its place, or any content. */
  readonly type: 'element' | 'content';
  readonly plaintext: Uint8Array;
}

export interface Rebuilt {
  readonly document: XmlDocument;
  /** For each replacement, the element that came, or the element whose content came; `undefined` at the document's root. */
  readonly places: readonly (XmlElement | undefined)[];
  /** The element of the new document that stands where one outside of all replacements stood. */
  locate(old: XmlElement): XmlElement | undefined;
}

/**
 * @param replacements in document order, none inside another
 * @throws SecurityError, XmlError when a plaintext is not what it says, or the whole is no document
 */
export function rebuild(old: XmlDocument, replacements: readonly Replacement[], limits?: Partial<XmlLimits>): Rebuilt {
  const { octets, starts, shift } = splice(old, replacements);
  const document = scanAdopted(octets, limits);
  // In the place of the root, octets could say in which encoding they are, and be others than those that were put there.
  if (document === undefined || declared(octets) > 0) throw notWhole();
  const locate = (one: XmlElement) => elementAt(document, shift(one.start));
  // In document order: what stands before a plaintext is as it was, up to where the one before it was found to be whole.
  const places = replacements.map(({ element, type, plaintext }, index) => {
    const start = starts[index] ?? 0;
    const found = stretch(document, start, start + plaintext.length);
    if (found === undefined) throw notWhole();
    if (type === 'content') return element.parent && locate(element.parent);
    if (found.only === undefined) throw notWhole();
    return found.only;
  });
  elementsById(document);
  return { document, places, locate };
}

/**
 * The document as it is: what there is to look at where a plaintext cannot take its place. Nothing that was found in the first is
 * known in this one, so that whoever goes on with it has as much to do as with the one that was rebuilt.
 */
export function afresh({ tape }: XmlDocument): XmlDocument {
  return new XmlDocument(tape);
}

/** The octets with every replacement made, with room behind them; where each starts; and where an offset outside of them has gone. */
function splice(old: XmlDocument, replacements: readonly Replacement[]) {
  const { bytes } = old;
  const first = declared(bytes);
  const parts: Uint8Array[] = [];
  const starts: number[] = [];
  const moves: { readonly from: number; readonly by: number }[] = [{ from: 0, by: -first }];
  let length = 0;
  let at = first;
  const push = (part: Uint8Array): void => {
    parts.push(part);
    length += part.length;
  };
  for (const { element, plaintext } of replacements) {
    push(bytes.subarray(at, element.start));
    starts.push(length);
    push(plaintext);
    at = element.end;
    moves.push({ from: at, by: length - at });
  }
  push(bytes.subarray(at));
  const shift = (offset: number): number =>
    offset + (moves.findLast(({ from }) => from <= offset) ?? { by: -first }).by;
  const octets = Buffer.allocUnsafe(length + SLACK);
  let filled = 0;
  for (const part of parts) {
    octets.set(part, filled);
    filled += part.length;
  }
  return { octets, starts, shift };
}

/** Where an XML declaration ends: it may name the encoding that the octets had before they were UTF-8. */
function declared(octets: Uint8Array): number {
  const all = view(octets);
  return xmlDeclaration.test(all.toString('latin1', 0, 6)) ? all.indexOf('?>') + 2 : 0;
}

const xmlDeclaration = /^<\?xml[ \t\r\n]/;

function notWhole(): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', 'A plaintext is not complete in itself.');
}
