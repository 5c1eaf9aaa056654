/** Which namespace a prefix has where the scan stands: as in scope.ts of src/xml, for names as canonical form spells them. */
import { BOUND, DECLARED_BY, MOST_NAMESPACES, NAMES, NAMESPACES } from '../src/xml/kernel-memory.ts';
import {
  CANONICAL,
  D_NAMESPACE,
  D_OUTER,
  D_PREFIX,
  D_SHADOWED,
  DECLARATION,
  IS_XML,
  IS_XMLNS,
  M_MEANING,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  PLAIN,
  XML_NAMESPACE,
} from '../src/xml/tape.ts';
import { Draft, Limits, NO } from './draft.ts';
import { same } from './octets.ts';

/** The namespace of a prefix; `NO` when it is not declared, or xmlns. */
export function namespaceOf(prefix: i32): i32 {
  const namespace = load<i32>(prefix * 4, BOUND);
  if (namespace >= 0) return namespace;
  return load<i32>(NAMES + prefix * (NAME * 4), M_MEANING * 4) == IS_XML ? XML_NAMESPACE : NO;
}

/** A namespace declaration of the usual kind; as `declare` in scope.ts. */
export function declare(element: i32, prefix: i32, start: i32, end: i32, flags: i32): bool {
  if (load<i32>(prefix * 4, DECLARED_BY) == element) return false;
  store<i32>(prefix * 4, element, DECLARED_BY);
  if (++Draft.inScope > Limits.namespaces || Draft.declarationCount >= Draft.roomForDeclarations) return false;
  const namespace = namespaceNamed(start, end, flags);
  if (namespace < 0 || (namespace == NO_NAMESPACE && prefix != NO_NAME)) return false;
  const meaning = load<i32>(NAMES + prefix * (NAME * 4), M_MEANING * 4);
  if (prefix != NO_NAME && (meaning == IS_XML || meaning == IS_XMLNS)) return false;
  const entry = Draft.declarationsAt + Draft.declarationCount * (DECLARATION * 4);
  store<i32>(entry, prefix, D_PREFIX * 4);
  store<i32>(entry, namespace, D_NAMESPACE * 4);
  store<i32>(entry, Draft.innermost, D_OUTER * 4);
  store<i32>(entry, load<i32>(prefix * 4, BOUND), D_SHADOWED * 4);
  Draft.innermost = Draft.declarationCount++;
  store<i32>(prefix * 4, namespace, BOUND);
  return true;
}

/** The namespace of a name as it is written, which the caller then holds against those that are reserved. */
function namespaceNamed(start: i32, end: i32, flags: i32): i32 {
  if (start == end) return NO_NAMESPACE;
  if (end - start > Limits.name || (flags & (PLAIN | CANONICAL)) != (PLAIN | CANONICAL)) return NO;
  for (let index = 3; index < Draft.namespaceCount; index++) {
    const other = load<i32>(index * 8, NAMESPACES);
    if (load<i32>(index * 8, NAMESPACES + 4) - other == end - start && same(other, start, end - start)) return index;
  }
  if (Draft.namespaceCount >= MOST_NAMESPACES) return NO;
  store<i32>(Draft.namespaceCount * 8, start, NAMESPACES);
  store<i32>(Draft.namespaceCount * 8, end, NAMESPACES + 4);
  return Draft.namespaceCount++;
}

/** Leaves an element with declarations: gives back what they shadow. */
export function leave(first: i32): void {
  for (let declared = first; declared <= Draft.innermost; declared++) {
    const entry = Draft.declarationsAt + declared * (DECLARATION * 4);
    store<i32>(load<i32>(entry, D_PREFIX * 4) * 4, load<i32>(entry, D_SHADOWED * 4), BOUND);
    Draft.inScope--;
  }
  Draft.innermost = load<i32>(Draft.declarationsAt + first * (DECLARATION * 4), D_OUTER * 4);
}
