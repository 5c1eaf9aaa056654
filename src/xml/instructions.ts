/** Processing instructions, which XML allows and SOAP forbids (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5). */
import { view } from '../base/bytes.ts';
import type { XmlDocument } from './document.ts';
import { INSTRUCTION, KIND_MASK, N_KIND, NODE } from './tape.ts';

/** True when the document has a processing instruction anywhere; the XML declaration is none. */
export function hasInstructions(document: XmlDocument): boolean {
  const octets = view(document.bytes);
  const declared = /^<\?xml[ \t\r\n]/.test(octets.toString('latin1', 0, 6));
  // A native search settles almost every document; only what looks like one is worth walking the tape for.
  if (octets.indexOf('<?', declared ? 6 : 0) < 0) return false;
  const { nodes } = document.tape;
  for (let at = N_KIND; at < nodes.length; at += NODE) {
    if (((nodes[at] ?? 0) & KIND_MASK) === INSTRUCTION) return true;
  }
  return false;
}
