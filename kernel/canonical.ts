/**
 * The nodes of the document scanned last that canonical form leaves as they are, or but for the order of attributes: most.
 * Where another comes, the canonicalizer in TypeScript goes on. What is written goes behind the runs of the tape.
 */
import { C_RUN, C_WRITTEN, COUNTS, NAMES, OCTETS, ORDER, RENDERED } from '../src/xml/kernel-memory.ts';
import {
  A_END,
  A_FLAGS,
  A_NAME,
  A_NAMESPACE,
  A_START,
  ATTRIBUTE,
  CANONICAL,
  E_ATTRIBUTES,
  E_CONTENT,
  E_NAME,
  E_NAMESPACE,
  ELEMENT,
  EMPTY,
  END_CANONICAL,
  KIND_MASK,
  M_LENGTH,
  M_PREFIX,
  M_START,
  N_KIND,
  N_REF,
  N_START,
  NAME,
  NO_NAMESPACE,
  NODE,
  RECORD,
  SIMPLE,
  TEXT,
  VERBATIM,
} from '../src/xml/tape.ts';
import { Draft } from './draft.ts';
import { octetAt } from './octets.ts';

/** Attributes that are put in order here. */
const FEW: i32 = 16;

/** Where the next octet is written. */
let to: i32 = 0;

/**
 * Goes on from node `first`, at most to before `last`.
 *
 * @param run where the octets begin that can be copied as they are
 * @returns the node to go on with; counted are the octets that were written, and where the run begins now
 */
export function pass(first: i32, last: i32, run: i32): i32 {
  to = Draft.outputAt;
  let from = run;
  let node = first;
  while (node < last) {
    const place = Draft.nodesAt + node * (NODE * 4);
    const kind = load<i32>(place, N_KIND * 4);
    if ((kind & KIND_MASK) == ELEMENT) {
      if ((kind & (SIMPLE | END_CANONICAL | EMPTY)) != (SIMPLE | END_CANONICAL)) break;
      const record = Draft.elementsAt + load<i32>(place, N_REF * 4) * (RECORD * 4);
      const label = NAMES + load<i32>(record, E_NAME * 4) * (NAME * 4);
      const namespace = load<i32>(record, E_NAMESPACE * 4);
      if (load<i32>(load<i32>(label, M_PREFIX * 4) * 4, RENDERED) != namespace) break;
      if ((kind & CANONICAL) == 0) {
        const first = load<i32>(record, E_ATTRIBUTES * 4);
        const count = load<i32>(record, (RECORD + E_ATTRIBUTES) * 4) - first;
        if (!inOrder(first, count)) break;
        const behind = load<i32>(place, N_START * 4) + 1 + load<i32>(label, M_LENGTH * 4);
        write(from, behind, count);
        from = load<i32>(record, E_CONTENT * 4);
      }
    } else if ((kind & (KIND_MASK | CANONICAL)) != (TEXT | CANONICAL)) {
      break;
    }
    node++;
  }
  store<i32>(COUNTS, to - Draft.outputAt, C_WRITTEN * 4);
  store<i32>(COUNTS, from, C_RUN * 4);
  return node;
}

/** Puts attributes in order; false when they are too many, in a namespace, or not written as in canonical form. */
function inOrder(first: i32, count: i32): bool {
  if (count > FEW) return false;
  for (let index = 0; index < count; index++) {
    const entry = Draft.attributesAt + (first + index) * (ATTRIBUTE * 4);
    if (load<i32>(entry, A_NAMESPACE * 4) != NO_NAMESPACE || (load<i32>(entry, A_FLAGS * 4) & VERBATIM) == 0)
      return false;
    let place = index;
    while (place > 0) {
      const before = load<i32>(place * 4 - 4, ORDER);
      if (!isAfter(before, entry)) break;
      store<i32>(place * 4, before, ORDER);
      place--;
    }
    store<i32>(place * 4, entry, ORDER);
  }
  return true;
}

/** True when the name of an attribute comes after that of another, by their octets. */
function isAfter(one: i32, other: i32): bool {
  const left = NAMES + load<i32>(one, A_NAME * 4) * (NAME * 4);
  const right = NAMES + load<i32>(other, A_NAME * 4) * (NAME * 4);
  const leftStart = load<i32>(left, M_START * 4);
  const rightStart = load<i32>(right, M_START * 4);
  const leftLength = load<i32>(left, M_LENGTH * 4);
  const length = min(leftLength, load<i32>(right, M_LENGTH * 4));
  for (let at = 0; at < length; at++) {
    const difference = octetAt(leftStart + at) - octetAt(rightStart + at);
    if (difference != 0) return difference > 0;
  }
  return leftLength > length;
}

/** The octets up to behind the name of a tag, and its attributes in their order. */
function write(from: i32, behind: i32, count: i32): void {
  copy(from, behind);
  for (let index = 0; index < count; index++) {
    const entry = load<i32>(index * 4, ORDER);
    const label = NAMES + load<i32>(entry, A_NAME * 4) * (NAME * 4);
    store<u8>(to++, 0x20);
    // The name, `="`, the value and `"`.
    copy(load<i32>(entry, A_START * 4) - 2 - load<i32>(label, M_LENGTH * 4), load<i32>(entry, A_END * 4) + 1);
  }
  store<u8>(to++, 0x3e);
}

/** Sixteen octets at a time: what is too much is overwritten, or not counted. */
function copy(from: i32, behind: i32): void {
  for (let at = 0; at < behind - from; at += 16) v128.store(to + at, v128.load(from + at, OCTETS));
  to += behind - from;
}
