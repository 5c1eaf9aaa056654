/**
 * The document in which every encrypted part is replaced by its plaintext, in one pass (XML Encryption 1.1 section 4.4). Plaintext
 * is read where it belongs, so it has the namespaces of its place, and it is proven first to be complete in itself: a
 * plaintext that closes what it did not open, or hides what follows it, would change what it does not replace (attack E10).
 * What comes out was scanned by the one scanner, within its limits, and its ids are unique.
 */
import { concat, utf8, view } from '../../base/bytes.ts';
import type { XmlDocument, XmlElement } from '../../xml/document.ts';
import { elementsById } from '../../xml/find.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { scan } from '../../xml/scan.ts';
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

/** A frame around each plaintext: only a plaintext that is complete in itself leaves every frame where it was put. */
const frame = { start: utf8('<plaintext>'), end: utf8('</plaintext>') } as const;
const noFrame = { start: new Uint8Array(), end: new Uint8Array() } as const;

/**
 * @param replacements in document order, none inside another
 * @throws SecurityError, XmlError when a plaintext is not what it says, or the whole is no document
 */
export function rebuild(
  old: XmlDocument,
  replacements: readonly Replacement[],
  limits: Partial<XmlLimits> = {},
): Rebuilt {
  const offsets = prove(old, replacements, limits);
  const { octets, starts, shift } = splice(old, replacements, noFrame);
  const document = scan(octets, limits);
  elementsById(document);
  const locate = (one: XmlElement) => elementAt(document, shift(one.start));
  return {
    document,
    places: replacements.map(({ element, type }, index) => {
      if (type === 'content') return element.parent && locate(element.parent);
      return elementAt(document, (starts[index] ?? 0) + (offsets[index] ?? 0));
    }),
    locate,
  };
}

/** The document scanned anew as it is: what there is to look at where a plaintext cannot take its place. */
export function rescan(old: XmlDocument, limits: Partial<XmlLimits> = {}): XmlDocument {
  return scan(splice(old, [], noFrame).octets, limits);
}

/** Scans the document with frames; gives where in each plaintext its one element starts. */
function prove(old: XmlDocument, replacements: readonly Replacement[], limits: Partial<XmlLimits>): readonly number[] {
  const { octets, starts } = splice(old, replacements, frame);
  const framed = scan(octets, limits);
  return replacements.map(({ type, plaintext }, index) => {
    const start = starts[index] ?? 0;
    const around = elementAt(framed, start);
    if (around?.end !== start + frame.start.length + plaintext.length + frame.end.length) throw notWhole();
    if (type === 'content') return 0;
    const [only, second] = around.children;
    if (only === undefined || second !== undefined || around.text.trim() !== '') throw notWhole();
    return only.start - start - frame.start.length;
  });
}

/** The octets with every replacement made; where each starts; and where an offset outside of them has gone. */
function splice(
  old: XmlDocument,
  replacements: readonly Replacement[],
  around: { readonly start: Uint8Array; readonly end: Uint8Array },
) {
  const { bytes } = old;
  // The declaration may name the encoding that the octets had before they were UTF-8.
  const first = view(bytes).subarray(0, 6).toString('latin1') === '<?xml ' ? view(bytes).indexOf('?>') + 2 : 0;
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
    push(around.start);
    push(plaintext);
    push(around.end);
    at = element.end;
    moves.push({ from: at, by: length - at });
  }
  push(bytes.subarray(at));
  const shift = (offset: number): number =>
    offset + (moves.findLast(({ from }) => from <= offset) ?? { by: -first }).by;
  return { octets: concat(parts), starts, shift };
}

/** The element whose start tag is at an offset. */
function elementAt(document: XmlDocument, offset: number): XmlElement | undefined {
  let at: XmlElement | undefined = document.root;
  while (at !== undefined && at.start !== offset) {
    at = at.children.findLast((one) => one.start <= offset && offset < one.end);
  }
  return at;
}

function notWhole(): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', 'A plaintext is not complete in itself.');
}
