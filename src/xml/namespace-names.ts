/** Namespace names are absolute URIs: relative ones are deprecated (Namespaces in XML 1.0, section 2), and mean different things. */
import { Remembered } from './remembered.ts';

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** Those that were found to be absolute, as they are spelled in canonical form. */
const acceptable = new Remembered();

/** The name, or `undefined` when it is no absolute URI. */
export function absolute(name: string): string | undefined {
  return ABSOLUTE.test(name) ? name : undefined;
}

/** The name between two octets, spelled as in canonical form; `undefined` when it is no absolute URI. */
export function spelled(
  octets: Buffer,
  words: DataView,
  start: number,
  end: number,
  ascii: boolean,
): string | undefined {
  const known = acceptable.find(words, start, end);
  if (known !== '') return known;
  const name = absolute(octets.toString(ascii ? 'latin1' : 'utf8', start, end));
  return name === undefined ? undefined : acceptable.keep(name, words, start, end);
}
