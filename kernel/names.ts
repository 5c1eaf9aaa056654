/** The names of one document, each once: as in names.ts of src/xml, for names in ASCII. */
import { BOUND, DECLARED_BY, MOST_NAMES, NAME_CLASS, NAMES, SLOT_COUNT, SLOTS } from '../src/xml/kernel-memory.ts';
import {
  DECLARES,
  IS_XML,
  IS_XMLNS,
  M_FOLLOWING,
  M_HASH,
  M_LENGTH,
  M_LOCAL,
  M_MEANING,
  M_MODEL,
  M_ORDERED,
  M_PREFIX,
  M_START,
  NAME,
  NO_NAME,
  ORDINARY,
} from '../src/xml/tape.ts';
import { Draft, Limits, NO } from './draft.ts';
import { octetAt, same } from './octets.ts';

/** What an octet can do in a name, as in characters.ts. */
const NOT_NAME: i32 = 0;
const NAME_START: i32 = 1;
const NAME_COLON: i32 = 3;
const NAME_WIDE: i32 = 4;

/** Reads the qualified name at `start` and leaves `nameEnd` behind it; as `read` in names.ts, for names in ASCII. */
export function readName(start: i32): i32 {
  const last = NAMES + Draft.lastName * (NAME * 4);
  const guess = load<i32>(last, M_FOLLOWING * 4);
  if (guess != 0) {
    const record = NAMES + guess * (NAME * 4);
    const count = load<i32>(record, M_LENGTH * 4);
    const behind = start + count;
    if (
      behind <= Draft.length &&
      load<u8>(octetAt(behind), NAME_CLASS) == NOT_NAME &&
      same(start, load<i32>(record, M_START * 4), count)
    ) {
      Draft.nameEnd = behind;
      Draft.lastName = guess;
      return guess;
    }
  }
  const name = newName(start);
  if (name < 0) return NO;
  store<i32>(last, name, M_FOLLOWING * 4);
  Draft.lastName = name;
  return name;
}

function newName(start: i32): i32 {
  let at = start;
  let octet = octetAt(at);
  let kind: i32 = load<u8>(octet, NAME_CLASS);
  if (kind != NAME_START) return NO;
  let hash = Limits.seed;
  let prefixHash = 0;
  let colon = 0;
  while (kind != NOT_NAME) {
    if (kind == NAME_COLON) {
      if (colon != 0) return NO;
      colon = at;
      prefixHash = hash;
      hash = Limits.seed;
      octet = octetAt(++at);
      kind = load<u8>(octet, NAME_CLASS);
      if (kind != NAME_START) return NO;
    }
    if (kind == NAME_WIDE) return NO;
    hash = mix(hash, octet);
    octet = octetAt(++at);
    kind = load<u8>(octet, NAME_CLASS);
  }
  Draft.nameEnd = at;
  if (at - start > Limits.name) return NO;
  if (colon == 0) return intern(start, at - start, hash, NO_NAME, -1);
  const whole = mix(prefixHash * Limits.factor, hash);
  const known = find(start, at - start, whole);
  if (known >= 0) return known;
  const prefix = intern(start, colon - start, prefixHash, NO_NAME, -1);
  if (prefix < 0) return NO;
  const local = intern(colon + 1, at - colon - 1, hash, NO_NAME, -1);
  if (local < 0) return NO;
  return add(start, at - start, whole, prefix, local);
}

function mix(hash: i32, octet: i32): i32 {
  const mixed = (hash ^ octet) * Limits.factor;
  return mixed ^ (mixed >>> 15);
}

function intern(start: i32, count: i32, hash: i32, prefix: i32, local: i32): i32 {
  const known = find(start, count, hash);
  return known >= 0 ? known : add(start, count, hash, prefix, local);
}

function find(start: i32, count: i32, hash: i32): i32 {
  let slot = (hash ^ (hash >>> 16)) & (SLOT_COUNT - 1);
  while (true) {
    const found = load<i32>(slot * 4, SLOTS) - Draft.slotBase - 1;
    if (found < 0) return NO;
    const record = NAMES + found * (NAME * 4);
    if (
      load<i32>(record, M_HASH * 4) == hash &&
      load<i32>(record, M_LENGTH * 4) == count &&
      same(load<i32>(record, M_START * 4), start, count)
    ) {
      return found;
    }
    slot = (slot + 1) & (SLOT_COUNT - 1);
  }
}

function add(start: i32, count: i32, hash: i32, prefix: i32, local: i32): i32 {
  if (Draft.nameCount >= MOST_NAMES) return NO;
  const name = Draft.nameCount++;
  const record = NAMES + name * (NAME * 4);
  store<i32>(record, start, M_START * 4);
  store<i32>(record, count, M_LENGTH * 4);
  store<i32>(record, prefix, M_PREFIX * 4);
  store<i32>(record, local < 0 ? name : local, M_LOCAL * 4);
  store<i32>(record, meaningOf(start, count, prefix), M_MEANING * 4);
  store<i32>(record, hash, M_HASH * 4);
  store<i32>(record, 0, M_FOLLOWING * 4);
  store<i32>(record, 0, M_ORDERED * 4);
  store<i32>(record, 0, M_MODEL * 4);
  store<i32>(name * 4, -1, BOUND);
  store<i32>(name * 4, -1, DECLARED_BY);
  let slot = (hash ^ (hash >>> 16)) & (SLOT_COUNT - 1);
  while (load<i32>(slot * 4, SLOTS) > Draft.slotBase) slot = (slot + 1) & (SLOT_COUNT - 1);
  store<i32>(slot * 4, Draft.slotBase + name + 1, SLOTS);
  return name;
}

function meaningOf(start: i32, count: i32, prefix: i32): i32 {
  if (prefix != NO_NAME) {
    return load<i32>(NAMES + prefix * (NAME * 4), M_MEANING * 4) == IS_XMLNS ? DECLARES : ORDINARY;
  }
  if (octetAt(start) != 0x78 || octetAt(start + 1) != 0x6d || octetAt(start + 2) != 0x6c) return ORDINARY;
  if (count == 3) return IS_XML;
  return count == 5 && octetAt(start + 3) == 0x6e && octetAt(start + 4) == 0x73 ? IS_XMLNS : ORDINARY;
}

/** As `inOrder` and `compareNames` in names.ts. */
export function inOrder(before: i32, name: i32): bool {
  const record = NAMES + name * (NAME * 4);
  return load<i32>(record, M_ORDERED * 4) == before || compare(before, name);
}

function compare(before: i32, name: i32): bool {
  const one = NAMES + before * (NAME * 4);
  const other = NAMES + name * (NAME * 4);
  const prefix = load<i32>(other, M_PREFIX * 4);
  if (load<i32>(one, M_PREFIX * 4) == prefix) {
    const left = load<i32>(one, M_START * 4);
    const right = load<i32>(other, M_START * 4);
    const leftLength = load<i32>(one, M_LENGTH * 4);
    const rightLength = load<i32>(other, M_LENGTH * 4);
    let at = 0;
    while (at < leftLength && at < rightLength && octetAt(left + at) == octetAt(right + at)) at++;
    if (at == rightLength) return false;
    if (at < leftLength && octetAt(left + at) > octetAt(right + at)) return false;
  } else if (prefix == NO_NAME) {
    return false;
  }
  store<i32>(other, before, M_ORDERED * 4);
  return true;
}
