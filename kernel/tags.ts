/** Start tags, as in the scanner of src/xml. */
import { NAMES } from '../src/xml/kernel-memory.ts';
import {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CANONICAL,
  DECLARES,
  E_ATTRIBUTES,
  E_CONTENT,
  E_NODE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  IS_XML,
  IS_XMLNS,
  M_FOLLOWING,
  M_LOCAL,
  M_MEANING,
  M_MODEL,
  M_PREFIX,
  N_KIND,
  N_START,
  NAME,
  NO_NAME,
  NO_NAMESPACE,
  NODE,
  PLAIN,
  RECORD,
  SIMPLE,
  VERBATIM,
  XML_NAMESPACE,
} from '../src/xml/tape.ts';
import { Draft, Limits, NO } from './draft.ts';
import { inOrder, readName } from './names.ts';
import { isSpace, octetAt, plainValue, same, skip } from './octets.ts';
import { isCanonicalReference, reference } from './references.ts';
import { declare, namespaceOf } from './scope.ts';

/** The namespace of an attribute whose prefix is looked up at the end of its tag: declarations may follow it. */
const UNRESOLVED: i32 = -1;

/** Attributes of one element that are compared in pairs; more are not of the usual kind. */
const FEW: i32 = 16;

/** A start tag: leaves its name in `tagName` and the octet behind in `behindTag`; returns the flags of the node. */
export function startTag(tagStart: i32): i32 {
  const element = Draft.elementCount;
  const firstAttribute = Draft.attributeCount;
  const name = readName(tagStart + 1);
  if (name < 0) return NO;
  let at = Draft.nameEnd;
  let flags = ELEMENT | CANONICAL | SIMPLE;
  let before = -1;
  let ordered = true;
  let values = PLAIN | VERBATIM;
  let octet = octetAt(at);
  while (octet != 0x3e) {
    if (octet == 0x2f && octetAt(at + 1) == 0x3e) {
      flags = (flags & ~CANONICAL) | EMPTY;
      at++;
      break;
    }
    if (!isSpace(octet)) return NO;
    if (octet != 0x20) flags &= ~CANONICAL;
    octet = octetAt(++at);
    if (isSpace(octet)) {
      flags &= ~CANONICAL;
      at = skip(at);
      octet = octetAt(at);
    }
    if (octet == 0x3e || octet == 0x2f) {
      flags &= ~CANONICAL;
      continue;
    }
    const attribute = readName(at);
    if (attribute < 0) return NO;
    at = Draft.nameEnd;
    if (octetAt(at) != 0x3d) {
      flags &= ~CANONICAL;
      at = skip(at);
      if (octetAt(at) != 0x3d) return NO;
    }
    octet = octetAt(++at);
    if (isSpace(octet)) {
      flags &= ~CANONICAL;
      at = skip(at);
      octet = octetAt(at);
    }
    if (octet != 0x22 && octet != 0x27) return NO;
    const quote = octet;
    const valueStart = ++at;
    let valueFlags = PLAIN | CANONICAL;
    for (;;) {
      at = plainValue(at);
      octet = octetAt(at);
      if (octet == quote) break;
      if (octet == 0x27) at++;
      else if (octet == 0x22) {
        valueFlags &= ~CANONICAL;
        at++;
      } else if (octet == 0x26) {
        const behind = reference(at);
        if (behind < 0) return NO;
        valueFlags &= isCanonicalReference(at, behind, true) ? ~PLAIN : ~(PLAIN | CANONICAL);
        at = behind;
      } else if (octet == 0x09 || octet == 0x0a || octet == 0x0d) {
        valueFlags &= ~(PLAIN | CANONICAL);
        at++;
      } else return NO;
    }
    if (quote == 0x27 || (valueFlags & CANONICAL) == 0) flags &= ~CANONICAL;
    else if (valueStart == Draft.nameEnd + 2) valueFlags |= VERBATIM;
    const valueEnd = at++;
    if (valueEnd - valueStart > Limits.text) return NO;
    octet = octetAt(at);
    const record = NAMES + attribute * (NAME * 4);
    const prefix = load<i32>(record, M_PREFIX * 4);
    const meaning = load<i32>(record, M_MEANING * 4);
    if (meaning >= IS_XMLNS) {
      flags &= Draft.attributeCount == firstAttribute ? ~SIMPLE : ~(SIMPLE | CANONICAL);
      const declared = meaning == DECLARES ? load<i32>(record, M_LOCAL * 4) : NO_NAME;
      if (!declare(element, declared, valueStart, valueEnd, valueFlags)) return NO;
      continue;
    }
    let namespace = NO_NAMESPACE;
    if (prefix != NO_NAME) {
      if (load<i32>(NAMES + prefix * (NAME * 4), M_MEANING * 4) == IS_XML) {
        namespace = XML_NAMESPACE;
      } else {
        namespace = UNRESOLVED;
        flags &= ~SIMPLE;
      }
    }
    if (before >= 0 && ordered) ordered = inOrder(before, attribute);
    before = attribute;
    if (Draft.attributeCount - firstAttribute >= Limits.attributes || Draft.attributeCount >= Draft.roomForAttributes)
      return NO;
    values &= valueFlags;
    addAttribute(attribute, namespace, valueStart, valueEnd, valueFlags);
  }
  at++;
  if (!ordered) flags &= ~CANONICAL;
  // Names without prefixes that rise from one to the next are all different.
  if ((!ordered || (flags & SIMPLE) == 0) && !resolve(firstAttribute)) return NO;
  const model = (flags & SIMPLE) != 0 && values == (PLAIN | VERBATIM) ? element + 1 : 0;
  store<i32>(NAMES + name * (NAME * 4), model, M_MODEL * 4);
  Draft.tagName = name;
  Draft.behindTag = at;
  return flags;
}

/** A start tag that is written like an earlier one of its name, but for the values of its attributes; 0 when it is not. */
export function likeBefore(tagStart: i32): i32 {
  const guess = load<i32>(NAMES + Draft.lastName * (NAME * 4), M_FOLLOWING * 4);
  const model = load<i32>(NAMES + guess * (NAME * 4), M_MODEL * 4) - 1;
  if (model < 0) return 0;
  const record = Draft.elementsAt + model * (RECORD * 4);
  const first = load<i32>(record, E_ATTRIBUTES * 4);
  const last = load<i32>(record, (RECORD + E_ATTRIBUTES) * 4);
  const former = Draft.attributeCount;
  if (former + last - first > Draft.roomForAttributes) return 0;
  const node = Draft.nodesAt + load<i32>(record, E_NODE * 4) * (NODE * 4);
  let literal = load<i32>(node, N_START * 4);
  let at = tagStart;
  let name = guess;
  for (let index = first; index < last; index++) {
    const other = Draft.attributesAt + index * (ATTRIBUTE * 4);
    const count = load<i32>(other, A_START * 4) - literal;
    if (at + count > Draft.length || !same(at, literal, count)) break;
    const start = at + count;
    at = plainValue(start);
    // Whether a quote ends the value is seen when the next stretch is compared, which begins with one.
    if (at - start > Limits.text) break;
    name = load<i32>(other, A_NAME * 4);
    addAttribute(name, load<i32>(other, A_NAMESPACE * 4), start, at, PLAIN | CANONICAL | VERBATIM);
    literal = load<i32>(other, A_END * 4);
  }
  const count = load<i32>(record, E_CONTENT * 4) - literal;
  if (Draft.attributeCount - former != last - first || at + count > Draft.length || !same(at, literal, count)) {
    Draft.attributeCount = former;
    return 0;
  }
  Draft.lastName = name;
  Draft.tagName = guess;
  Draft.behindTag = at + count;
  return load<i32>(node, N_KIND * 4) & ~END_CANONICAL;
}

function addAttribute(name: i32, namespace: i32, start: i32, end: i32, flags: i32): void {
  const entry = Draft.attributesAt + Draft.attributeCount * (ATTRIBUTE * 4);
  Draft.attributeCount++;
  store<i32>(entry, name, A_NAME * 4);
  store<i32>(entry, namespace, A_NAMESPACE * 4);
  store<i32>(entry, start, A_START * 4);
  store<i32>(entry, end, A_END * 4);
  store<i32>(entry, flags, A_FLAGS * 4);
}

/** Attributes' namespaces, and that no two have one expanded name. */
function resolve(first: i32): bool {
  const last = Draft.attributeCount;
  if (last - first > FEW) return false;
  for (let index = first; index < last; index++) {
    const entry = Draft.attributesAt + index * (ATTRIBUTE * 4);
    const record = NAMES + load<i32>(entry, A_NAME * 4) * (NAME * 4);
    let namespace = load<i32>(entry, A_NAMESPACE * 4);
    if (namespace == UNRESOLVED) {
      namespace = namespaceOf(load<i32>(record, M_PREFIX * 4));
      if (namespace < 0) return false;
      store<i32>(entry, namespace, A_NAMESPACE * 4);
    }
    const local = load<i32>(record, M_LOCAL * 4);
    for (let before = first; before < index; before++) {
      const other = Draft.attributesAt + before * (ATTRIBUTE * 4);
      if (
        load<i32>(other, A_NAMESPACE * 4) == namespace &&
        load<i32>(NAMES + load<i32>(other, A_NAME * 4) * (NAME * 4), M_LOCAL * 4) == local
      ) {
        return false;
      }
    }
  }
  return true;
}
