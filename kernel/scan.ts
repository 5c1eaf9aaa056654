/**
 * The scanner of src/xml/scan.ts once more, in AssemblyScript, compiled to the WebAssembly that the package carries (`npm run
 * kernel`). It only ever says yes: it makes the tape of a document that is well-formed, within its limits and of the usual
 * kind, and gives up on every other, which the scanner in TypeScript then reads from the start, with the errors that it has.
 * So what there is to know about XML is written there; here is the same in the same order, and a test holds the tapes of both
 * against each other.
 *
 * `src/xml/kernel-memory.ts` says what is where in memory. Offsets are those of the document. Nothing is read behind what this
 * document has written: its counts bound the tables, and the zeros behind its end stop every loop.
 */
import {
  BOUND,
  C_ATTRIBUTES,
  C_DECLARATIONS,
  C_ELEMENTS,
  C_NAMES,
  C_NAMESPACES,
  C_NODES,
  C_ROOT,
  COUNTS,
  DECLARED_BY,
  NAME_CLASS,
  NAMES,
  OCTETS,
  SLOT_COUNT,
  SLOTS,
} from '../src/xml/kernel-memory.ts';
import {
  ATTRIBUTE,
  CANONICAL,
  CDATA,
  COMMENT,
  DECLARATION,
  E_AFTER,
  E_ATTRIBUTES,
  E_CLOSE,
  E_CONTENT,
  E_DECLARATIONS,
  E_END,
  E_NAME,
  E_NAMESPACE,
  E_NODE,
  E_SCOPE,
  EMPTY,
  END_CANONICAL,
  M_LENGTH,
  M_PREFIX,
  M_START,
  N_KIND,
  N_PARENT,
  N_REF,
  NAME,
  NO_NAMESPACE,
  NODE,
  PLAIN,
  RECORD,
  TEXT,
} from '../src/xml/tape.ts';
import { addNode, Draft, Limits, NO } from './draft.ts';
import { isSpace, octetAt, plainText, same, skip } from './octets.ts';
import { isCanonicalReference, reference } from './references.ts';
import { leave, namespaceOf } from './scope.ts';
import { likeBefore, startTag } from './tags.ts';

/** What comes in from one pause to the next: V8 goes over to better code only where a function is entered. */
const STRETCH: i32 = 16384;

const NAME_START: i32 = 1;

/** Limits as in limits.ts, and the seeds of the hash of names. */
export function limit(
  ofDepth: i32,
  ofNodes: i32,
  ofText: i32,
  ofAttributes: i32,
  ofName: i32,
  ofNamespaces: i32,
  hashSeed: i32,
  hashFactor: i32,
): void {
  Limits.depth = ofDepth;
  Limits.nodes = ofNodes;
  Limits.text = ofText;
  Limits.attributes = ofAttributes;
  Limits.name = ofName;
  Limits.namespaces = ofNamespaces;
  Limits.seed = hashSeed;
  Limits.factor = hashFactor;
}

/** Where the runs are: each ends where the next begins, and behind the last one is room for canonical octets. */
export function place(nodes: i32, elements: i32, attributes: i32, declarations: i32, end: i32): void {
  Draft.nodesAt = nodes;
  Draft.elementsAt = elements;
  Draft.attributesAt = attributes;
  Draft.declarationsAt = declarations;
  Draft.outputAt = end;
  Draft.roomForNodes = (elements - nodes) / (NODE * 4);
  Draft.roomForElements = (attributes - elements) / (RECORD * 4) - 1;
  Draft.roomForAttributes = (declarations - attributes) / (ATTRIBUTE * 4);
  Draft.roomForDeclarations = (end - declarations) / (DECLARATION * 4);
}

/**
 * Scans the document of `octets` octets, from `start` on: an XML declaration comes before.
 *
 * @returns whether the tape is there
 */
export function scan(octets: i32, start: i32): bool {
  Draft.length = octets;
  Draft.slotBase += Draft.nameCount;
  if (Draft.slotBase > 0x4000_0000) {
    memory.fill(SLOTS, 0, SLOT_COUNT * 4);
    Draft.slotBase = 0;
  }
  Draft.nodeCount = 0;
  Draft.elementCount = 0;
  Draft.attributeCount = 0;
  Draft.declarationCount = 0;
  Draft.nameCount = 1;
  Draft.namespaceCount = 3;
  Draft.openNode = -1;
  Draft.depth = 0;
  Draft.root = -1;
  Draft.innermost = -1;
  Draft.inScope = 0;
  Draft.lastName = 0;
  memory.fill(NAMES, 0, NAME * 4);
  store<i32>(BOUND, NO_NAMESPACE);
  store<i32>(DECLARED_BY, -1);
  let at = start;
  while (at < octets) {
    at = content(at, at + STRETCH);
    if (at < 0) return false;
  }
  if (Draft.openNode >= 0 || Draft.root < 0) return false;
  const last = Draft.elementsAt + Draft.elementCount * (RECORD * 4);
  memory.fill(last, 0, RECORD * 4);
  store<i32>(last, Draft.attributeCount, E_ATTRIBUTES * 4);
  store<i32>(last, Draft.declarationCount, E_DECLARATIONS * 4);
  store<i32>(COUNTS, Draft.nodeCount, C_NODES * 4);
  store<i32>(COUNTS, Draft.elementCount, C_ELEMENTS * 4);
  store<i32>(COUNTS, Draft.attributeCount, C_ATTRIBUTES * 4);
  store<i32>(COUNTS, Draft.declarationCount, C_DECLARATIONS * 4);
  store<i32>(COUNTS, Draft.nameCount, C_NAMES * 4);
  store<i32>(COUNTS, Draft.namespaceCount, C_NAMESPACES * 4);
  store<i32>(COUNTS, Draft.root, C_ROOT * 4);
  return true;
}

/** What stands at document level, and the content of all elements; as `#content` in scan.ts. */
function content(start: i32, until: i32): i32 {
  let at = start;
  while (at < until) {
    if (octetAt(at) != 0x3c) {
      if (Draft.openNode < 0) {
        if (isSpace(octetAt(at))) {
          at++;
          continue;
        }
        return at >= Draft.length ? at : NO;
      }
      at = text(at);
      if (at < 0) return NO;
    }
    const next = octetAt(at + 1);
    if (next == 0x2f) {
      at = endTag(at);
      if (at < 0) return NO;
      continue;
    }
    if (load<u8>(next, NAME_CLASS) != NAME_START) {
      // Comments and sections are of the usual kind, instructions are not.
      if (next != 0x21) return NO;
      at = octetAt(at + 2) == 0x2d ? comment(at) : section(at);
      if (at < 0) return NO;
      continue;
    }
    if (
      Draft.depth >= Limits.depth ||
      (Draft.openNode < 0 && Draft.root >= 0) ||
      Draft.elementCount >= Draft.roomForElements
    )
      return NO;
    const tagStart = at;
    const record = Draft.elementsAt + Draft.elementCount * (RECORD * 4);
    const firstDeclaration = Draft.declarationCount;
    store<i32>(record, Draft.attributeCount, E_ATTRIBUTES * 4);
    store<i32>(record, firstDeclaration, E_DECLARATIONS * 4);
    let flags = likeBefore(tagStart);
    if (flags == 0) flags = startTag(tagStart);
    if (flags < 0) return NO;
    at = Draft.behindTag;
    const namespace = namespaceOf(load<i32>(NAMES + Draft.tagName * (NAME * 4), M_PREFIX * 4));
    if (namespace < 0) return NO;
    const node = Draft.nodeCount;
    if (!addNode(flags, tagStart, Draft.elementCount)) return NO;
    Draft.elementCount++;
    store<i32>(record, node, E_NODE * 4);
    store<i32>(record, Draft.tagName, E_NAME * 4);
    store<i32>(record, namespace, E_NAMESPACE * 4);
    store<i32>(record, at, E_CONTENT * 4);
    store<i32>(record, Draft.innermost, E_SCOPE * 4);
    if (Draft.root < 0) Draft.root = node;
    if ((flags & EMPTY) == 0) {
      Draft.openNode = node;
      Draft.depth++;
    } else {
      store<i32>(record, at, E_CLOSE * 4);
      store<i32>(record, at, E_END * 4);
      store<i32>(record, Draft.nodeCount, E_AFTER * 4);
      if (Draft.innermost >= firstDeclaration) leave(firstDeclaration);
    }
  }
  return at;
}

function text(start: i32): i32 {
  let flags = TEXT | CANONICAL | PLAIN;
  let at = start;
  for (;;) {
    at = plainText(at);
    const octet = octetAt(at);
    if (octet == 0x3c) break;
    if (octet == 0x0a || octet == 0x09) {
      at++;
    } else if (octet == 0x26) {
      const behind = reference(at);
      if (behind < 0) return NO;
      flags &= isCanonicalReference(at, behind, false) ? ~PLAIN : ~(PLAIN | CANONICAL);
      at = behind;
    } else if (octet == 0x3e) {
      if (at - start >= 2 && octetAt(at - 1) == 0x5d && octetAt(at - 2) == 0x5d) return NO;
      flags &= ~CANONICAL;
      at++;
    } else if (octet == 0x0d) {
      flags &= ~(PLAIN | CANONICAL);
      at++;
    } else {
      return NO;
    }
  }
  return at - start <= Limits.text && addNode(flags, start, at) ? at : NO;
}

function endTag(tagStart: i32): i32 {
  if (Draft.openNode < 0) return NO;
  const open = Draft.nodesAt + Draft.openNode * (NODE * 4);
  const record = Draft.elementsAt + load<i32>(open, N_REF * 4) * (RECORD * 4);
  const label = NAMES + load<i32>(record, E_NAME * 4) * (NAME * 4);
  const count = load<i32>(label, M_LENGTH * 4);
  let at = tagStart + 2;
  if (at + count > Draft.length || !same(at, load<i32>(label, M_START * 4), count)) return NO;
  at += count;
  if (octetAt(at) == 0x3e) {
    store<i32>(open, load<i32>(open, N_KIND * 4) | END_CANONICAL, N_KIND * 4);
  } else {
    at = skip(at);
    if (octetAt(at) != 0x3e) return NO;
  }
  at++;
  store<i32>(record, tagStart, E_CLOSE * 4);
  store<i32>(record, at, E_END * 4);
  store<i32>(record, Draft.nodeCount, E_AFTER * 4);
  const declared = load<i32>(record, E_DECLARATIONS * 4);
  if (load<i32>(record, E_SCOPE * 4) >= declared) leave(declared);
  Draft.openNode = load<i32>(open, N_PARENT * 4);
  Draft.depth--;
  return at;
}

/** A comment: no control character and no `--` in it. */
function comment(start: i32): i32 {
  if (octetAt(start + 3) != 0x2d) return NO;
  let flags = COMMENT | CANONICAL | PLAIN;
  let at = start + 4;
  for (;;) {
    const octet = octetAt(at);
    if (octet == 0x2d && octetAt(at + 1) == 0x2d) break;
    if (octet < 0x20 && !isSpace(octet)) return NO;
    if (octet == 0x0d) flags = COMMENT;
    at++;
  }
  if (octetAt(at + 2) != 0x3e || at - start - 4 > Limits.text) return NO;
  return addNode(flags, start, at + 3) ? at + 3 : NO;
}

/** A CDATA section, in an element. */
function section(start: i32): i32 {
  if (Draft.openNode < 0 || !isSectionStart(start)) return NO;
  let at = start + 9;
  for (;;) {
    const octet = octetAt(at);
    if (octet == 0x5d && octetAt(at + 1) == 0x5d && octetAt(at + 2) == 0x3e) break;
    if (octet < 0x20 && !isSpace(octet)) return NO;
    at++;
  }
  if (at - start - 9 > Limits.text) return NO;
  return addNode(CDATA, start, at + 3) ? at + 3 : NO;
}

/** `<![CDATA[`, four octets at a time in the order of memory. */
function isSectionStart(at: i32): bool {
  return load<i32>(at, OCTETS) == 0x435b213c && load<i32>(at + 4, OCTETS) == 0x41544144 && octetAt(at + 8) == 0x5b;
}
