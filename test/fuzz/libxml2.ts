/**
 * Where libxml2 (and xmlsec1 above it) departs from Canonical XML. Named here, so that the fuzzer compares octet for octet also
 * there, and a test holds each departure to libxml2 and to what the standard says.
 */

/** Comments and processing instructions as they stand; start tags of a canonical form. */
const markup = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<[^\s<>!?/]+(?: [^\s=<>]+="[^"]*")*>/g;
const declaration = / xmlns(?::[^\s=]+)?="[^"]*"/g;

/**
 * Canonical XML 1.0 section 2.3 writes a namespace name as an attribute's value, its ampersands as `&amp;`, and so do Santuario
 * and we; libxml2 and xml-crypto write the name as it is, which is no XML. Other characters that are escaped cannot
 * stand in a URI, and libxml2 reads no such document.
 *
 * @param canonical a canonical form by the standard
 * @returns what libxml2 makes of the same document
 */
export function asLibxml2Writes(canonical: Uint8Array): Buffer {
  const text = Buffer.from(canonical).toString();
  const written = text.replace(markup, (tag) =>
    tag.startsWith('<!') || tag.startsWith('<?')
      ? tag
      : tag.replace(declaration, (one) => one.replaceAll('&amp;', '&')),
  );
  return Buffer.from(written);
}
