/**
 * Octets to tape, in one pass: well-formedness (XML 1.0, fifth edition), Namespaces in XML 1.0, and the limits, without
 * recursion and without a cost that grows faster than the document. There is no DTD (SOAP 1.1 section 3, SOAP 1.2
 * section 5): a document with one is refused where it starts, so no entity is ever defined, expanded or fetched.
 *
 * There are two scanners that make one tape: the compiled one for what is usual, which is nearly everything, and the one in
 * TypeScript for all else.
 */
import { XmlDocument } from './document.ts';
import { adopt, declaration, decode, type Source } from './encoding.ts';
import { scanCompiled } from './kernel.ts';
import { type XmlLimits, xmlLimits } from './limits.ts';
import { scanPlainly } from './scanner.ts';

/**
 * Scans a document.
 *
 * @param bytes the document in UTF-8 or UTF-16, with or without byte order mark; copied, so it may be reused at once
 * @param limits what differs from `xmlLimits`
 * @throws XmlError XML_ENCODING, XML_MALFORMED, XML_NAMESPACE, XML_DTD, XML_LIMIT
 */
export function scan(bytes: Uint8Array, limits?: Partial<XmlLimits>): XmlDocument {
  const bounds = boundsOf(limits);
  return scanned(decode(bytes, bounds.bytes), bounds);
}

/**
 * As `scan`, without a copy.
 *
 * @param octets `SLACK` octets more than the document has; nobody may write to them from now on
 * @returns `undefined` for octets that begin with a byte order mark, or as another encoding than UTF-8 does
 * @throws XmlError as `scan`
 */
export function scanAdopted(octets: Buffer, limits?: Partial<XmlLimits>): XmlDocument | undefined {
  const bounds = boundsOf(limits);
  const source = adopt(octets, bounds.bytes);
  return source === undefined ? undefined : scanned(source, bounds);
}

function scanned(source: Source, bounds: XmlLimits): XmlDocument {
  const start = declaration(source);
  return new XmlDocument(scanCompiled(source, start, bounds) ?? scanPlainly(source, start, bounds));
}

/** An endpoint reads everything under the same limits: they are put together once, as long as the same frozen object says them. */
function boundsOf(limits: Partial<XmlLimits> | undefined): XmlLimits {
  if (limits === undefined) return xmlLimits;
  if (limits !== lastLimits) {
    lastBounds = Object.freeze({ ...xmlLimits, ...limits });
    lastLimits = Object.isFrozen(limits) ? limits : undefined;
  }
  return lastBounds;
}

let lastLimits: Partial<XmlLimits> | undefined;
let lastBounds = xmlLimits;
