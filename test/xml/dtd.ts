/**
 * Does to a document what its internal DTD subset says, and removes the DTD: the scanner refuses documents with one, and
 * this lets vectors that have one still try canonicalization. Tests only; knows no more than the vectors need.
 */

interface Declared {
  readonly entities: ReadonlyMap<string, string>;
  readonly attributes: readonly { element: string; name: string; type: string; value: string | undefined }[];
}

/** @param load the text of an external entity */
export function expandDtd(text: string, load: (system: string) => string): string {
  const found = /<!DOCTYPE\s+[^[>]*(?:\[([^\]]*)\]\s*)?>/.exec(text);
  if (found === null) return text;
  const { entities, attributes } = read(found[1] ?? '', load);
  // What stood before and behind the DTD may be white space only, so nothing stands there that C14N would keep.
  let rest = text.slice(0, found.index) + text.slice(found.index + found[0].length);
  rest = rest.replace(/&([A-Za-z_][\w.-]*);/g, (whole, name: string) => entities.get(name) ?? whole);
  return rest.replace(
    /<([A-Za-z_][\w.:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>/g,
    (whole, name: string, tail, slash) => {
      let written = tail as string;
      for (const attribute of attributes) {
        if (attribute.element !== name) continue;
        const present = new RegExp(`(\\s${attribute.name}\\s*=\\s*)("[^"]*"|'[^']*')`);
        if (!present.test(written)) {
          if (attribute.value !== undefined) written += ` ${attribute.name}="${attribute.value}"`;
        } else if (attribute.type !== 'CDATA') {
          written = written.replace(present, (_, before: string, quoted: string) => {
            const quote = quoted.charAt(0);
            return `${before}${quote}${tokenized(quoted.slice(1, -1))}${quote}`;
          });
        }
      }
      return written === tail ? whole : `<${name}${written}${slash}>`;
    },
  );
}

/** XML 1.0, 3.3.3: in values that are not CDATA spaces are collapsed; `&#x20;` is a space, other references are not. */
function tokenized(value: string): string {
  return value
    .replace(/&#x20;|&#32;|[\t\r\n]/g, ' ')
    .replace(/ +/g, ' ')
    .replace(/^ | $/g, '');
}

function read(subset: string, load: (system: string) => string): Declared {
  const entities = new Map<string, string>();
  for (const [, name, internal] of subset.matchAll(/<!ENTITY\s+(\S+)\s+"([^"]*)"\s*>/g)) {
    if (name !== undefined && internal !== undefined) entities.set(name, internal);
  }
  for (const [, name, system] of subset.matchAll(/<!ENTITY\s+(\S+)\s+SYSTEM\s+"([^"]*)"\s*>/g)) {
    if (name !== undefined && system !== undefined) entities.set(name, load(system));
  }
  const attributes = [...subset.matchAll(/<!ATTLIST\s+(\S+)([^>]*)>/g)].flatMap(([, element = '', list = '']) =>
    [...list.matchAll(/(\S+)\s+(\([^)]*\)|\S+)\s+(?:#IMPLIED|#REQUIRED|(?:#FIXED\s+)?(?:"([^"]*)"|'([^']*)'))/g)].map(
      ([, name = '', type = '', double, single]) => ({ element, name, type, value: double ?? single }),
    ),
  );
  return { entities, attributes };
}
