/**
 * Where the signatures and the ciphertexts of a message are in its text, so that it can be painted: the elements that references
 * of its signatures name, by their ids, and EncryptedData. That a signature refers to an element does not say that it holds:
 * verification does.
 */
import { ds, xenc } from '../../security/names.ts';
import type { XmlElement } from '../../xml/document.ts';
import { elementsById } from '../../xml/find.ts';
import { scan } from '../../xml/scan.ts';
import type { Paint } from './model.ts';

/** Stretches of one text at the most. */
const mostStretches = 1_000;

/**
 * @param octets UTF-8
 * @returns stretches of the text in UTF-16 units, outer before inner; none where it cannot be read
 */
export function paintOf(octets: Uint8Array): readonly Paint[] {
  try {
    const document = scan(octets);
    const ids = elementsById(document);
    const found: { readonly element: XmlElement; readonly what: Paint[2] }[] = [];
    const visit = (element: XmlElement): void => {
      if (found.length >= mostStretches) return;
      if (element.is(ds, 'Reference')) {
        const uri = element.attribute('URI') ?? '';
        const target = uri.startsWith('#') ? ids.get(uri.slice(1)) : undefined;
        if (target !== undefined) found.push({ element: target, what: 'signed' });
      }
      if (element.is(xenc, 'EncryptedData')) found.push({ element, what: 'encrypted' });
      for (const inner of element.children) visit(inner);
    };
    visit(document.root);
    const place = placesIn(document.bytes);
    return found
      .map(({ element, what }): Paint => [place(element.start), place(element.end), what])
      .sort(([a, , one], [b, , other]) => a - b || one.localeCompare(other));
  } catch {
    return [];
  }
}

/** From an offset in octets to one in UTF-16 units: the same in ASCII, which nearly all messages are. */
function placesIn(octets: Uint8Array): (offset: number) => number {
  const others: number[] = [];
  const gains: number[] = [];
  let gain = 0;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] as number;
    if (octet < 0x80) continue;
    // A trailing octet is none of its own; four octets are two units.
    if (octet < 0xc0) gain--;
    else if (octet >= 0xf0) gain++;
    others.push(at);
    gains.push(gain);
  }
  return (offset) => {
    let low = 0;
    let high = others.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((others[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return offset + (low === 0 ? 0 : (gains[low - 1] as number));
  };
}
