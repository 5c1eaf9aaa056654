/** xmlsec1 knows no wsu:Id: it has to be told which elements bear one. */
import { wsu } from '../../src/security/names.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

/** `--id-attr` for every kind of element that carries a wsu:Id. */
export function idAttributes(octets: Uint8Array): string[] {
  const found = new Set<string>();
  const visit = (element: XmlFragment['element']): void => {
    if (element.attribute('Id', wsu) !== undefined) found.add(`${element.namespace}:${element.local}`);
    element.children.forEach(visit);
  };
  visit(XmlFragment.parse(octets).element);
  return [...found].flatMap((name) => ['--id-attr:Id', name]);
}
