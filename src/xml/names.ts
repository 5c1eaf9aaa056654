/**
 * The names of one document, each once. A name is read, checked and looked up in one pass over its octets. The table
 * is of the document, so a hostile one taxes nobody else, and its hash is seeded, so nobody can choose collisions.
 */
import * as characters from './characters.ts';
import { isWideNameCharacter, isWideNameStart } from './characters.ts';
import { XmlError } from './errors.ts';
import { grown } from './runs.ts';
import type { Tape } from './tape.ts';
import * as tape from './tape.ts';
import { SLACK, same } from './words.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time: with these
// copies the inner loops are a third faster.
const { NAME_COLON, NAME_START, NAME_WIDE, NOT_NAME, nameClass } = characters;
const {
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
} = tape;

const secret = crypto.getRandomValues(new Uint32Array(2));
export const SEED: number = (secret[0] ?? 0) | 0;
export const FACTOR: number = (secret[1] ?? 0) | 1;

const NOTHING: Source = { octets: Buffer.alloc(SLACK), words: new DataView(new ArrayBuffer(SLACK)), length: 0 };

/** Slots kept from one document to the next; a table that grew beyond is given back. */
const KEPT_SLOTS = 4096;

/** Slots are counted on from one document to the next; before they leave the 32 bits they begin anew. */
const LAST_BASE = 2 ** 30;

type Source = Pick<Tape, 'octets' | 'words' | 'length'>;

export class Names {
  /** Records of `NAME` integers. */
  records: Int32Array<ArrayBuffer> = new Int32Array(NAME * 256);
  /** How many names there are; the empty name is the first. */
  count = 1;
  /** The octet behind the name read last. */
  end = 0;
  /** The name read last. Messages repeat themselves, so what came after it the last time mostly comes again. */
  last = 0;
  #source: Source = NOTHING;
  #limit = 0;
  /** Open addressing: name + 1 above what the documents before have left, which is free. */
  #slots: Int32Array<ArrayBuffer> = new Int32Array(512);
  #base = 0;
  /** Hashes of prefix and local part of the name being read. */
  #prefixHash = 0;
  #localHash = 0;

  begin(source: Source, limit: number): void {
    this.#source = source;
    this.#limit = limit;
    this.#base += this.count;
    if (this.#base > LAST_BASE) {
      this.#slots.fill(0);
      this.#base = 0;
    }
    this.count = 1;
    this.records[M_FOLLOWING] = 0;
    this.last = 0;
  }

  /**
   * True when canonical form may have two attributes of these names in this order, as far as names tell: two with
   * different prefixes are ordered by their namespaces. What was in order once is remembered.
   */
  inOrder(before: number, name: number): boolean {
    const records = this.records;
    if (records[name * NAME + M_ORDERED] === before) return true;
    const prefix = records[name * NAME + M_PREFIX];
    if (records[before * NAME + M_PREFIX] === prefix) {
      if (compareNames(this.#source.octets, records, before, name) >= 0) return false;
    } else if (prefix === NO_NAME) {
      return false;
    }
    records[name * NAME + M_ORDERED] = before;
    return true;
  }

  /** Gives back what only this document needed. */
  release(): void {
    this.#source = NOTHING;
    if (this.#slots.length > KEPT_SLOTS) this.renew();
  }

  renew(): void {
    this.#slots = new Int32Array(512);
    this.#base = 0;
    this.records = new Int32Array(NAME * 256);
  }

  /**
   * Reads the qualified name at `start` and leaves `end` behind it.
   *
   * @param octets those of the document, and `words` the same: the caller has them at hand
   * @returns the name; -1 when there is none at `start`
   * @throws XmlError XML_MALFORMED, XML_NAMESPACE, XML_LIMIT
   */
  read(octets: Buffer, words: DataView, start: number): number {
    const records = this.records;
    const guess = records[this.last * NAME + M_FOLLOWING] as number;
    const behind = start + (records[guess * NAME + M_LENGTH] as number);
    if (
      guess !== 0 &&
      behind <= octets.length - SLACK &&
      nameClass[octets[behind] as number] === NOT_NAME &&
      same(words, start, records[guess * NAME + M_START] as number, behind - start)
    ) {
      this.end = behind;
      this.last = guess;
      return guess;
    }
    const name = this.#read(octets, start);
    if (name > 0) {
      this.records[this.last * NAME + M_FOLLOWING] = name;
      this.last = name;
    }
    return name;
  }

  #read(octets: Buffer, start: number): number {
    let at = start;
    let octet = octets[at] as number;
    let kind = nameClass[octet] as number;
    if (kind !== NAME_START) {
      if (kind === NOT_NAME) return -1;
      if (kind !== NAME_WIDE) {
        if (kind === NAME_COLON) throw badColon(start);
        return -1;
      }
    }
    let hash = SEED;
    let colon = 0;
    for (;;) {
      if (kind === NOT_NAME) break;
      if (kind === NAME_COLON) {
        if (colon !== 0) throw badColon(start);
        colon = at;
        this.#prefixHash = hash;
        hash = SEED;
        octet = octets[++at] as number;
        kind = nameClass[octet] as number;
        if (kind !== NAME_START && kind !== NAME_WIDE) throw badColon(start);
      }
      if (kind === NAME_WIDE) {
        const behind = wide(octets, at, at === start || at === colon + 1);
        for (; at < behind - 1; at++) hash = mix(hash, octets[at] as number);
        octet = octets[at] as number;
      }
      hash = Math.imul(hash ^ octet, FACTOR);
      hash ^= hash >>> 15;
      octet = octets[++at] as number;
      kind = nameClass[octet] as number;
    }
    this.end = at;
    if (at - start > this.#limit) {
      throw new XmlError('XML_LIMIT', `A name has more than ${this.#limit} octets: raise limits.name`, {
        offset: start,
      });
    }
    this.#localHash = hash;
    return this.#intern(start, at - start, colon === 0 ? hash : mix(Math.imul(this.#prefixHash, FACTOR), hash), colon);
  }

  #intern(start: number, length: number, hash: number, colon: number): number {
    const { words } = this.#source;
    const records = this.records;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const found = (slots[slot] as number) - this.#base - 1;
      if (found < 0) break;
      const record = found * NAME;
      if (
        records[record + M_HASH] === hash &&
        records[record + M_LENGTH] === length &&
        same(words, records[record + M_START] as number, start, length)
      ) {
        return found;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(start, length, hash, colon);
  }

  #add(start: number, length: number, hash: number, colon: number): number {
    let prefix = NO_NAME;
    let local = -1;
    if (colon !== 0) {
      prefix = this.#intern(start, colon - start, this.#prefixHash, 0);
      local = this.#intern(colon + 1, start + length - colon - 1, this.#localHash, 0);
    }
    if ((this.count + 1) * NAME > this.records.length) this.records = grown(this.records);
    if (this.count * 2 > this.#slots.length) this.#rehash();
    const name = this.count++;
    const records = this.records;
    const record = name * NAME;
    records[record + M_START] = start;
    records[record + M_LENGTH] = length;
    records[record + M_PREFIX] = prefix;
    records[record + M_LOCAL] = local < 0 ? name : local;
    records[record + M_MEANING] = this.#meaning(start, length, prefix);
    records[record + M_HASH] = hash;
    records[record + M_FOLLOWING] = 0;
    records[record + M_ORDERED] = 0;
    records[record + M_MODEL] = 0;
    this.#place(name, hash);
    return name;
  }

  #meaning(start: number, length: number, prefix: number): number {
    if (prefix !== NO_NAME) {
      return this.records[prefix * NAME + M_MEANING] === IS_XMLNS ? DECLARES : ORDINARY;
    }
    const { octets } = this.#source;
    if (octets[start] !== 0x78 || octets[start + 1] !== 0x6d || octets[start + 2] !== 0x6c) return ORDINARY;
    if (length === 3) return IS_XML;
    return length === 5 && octets[start + 3] === 0x6e && octets[start + 4] === 0x73 ? IS_XMLNS : ORDINARY;
  }

  #place(name: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    while ((this.#slots[slot] as number) > this.#base) slot = (slot + 1) & mask;
    this.#slots[slot] = this.#base + name + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    this.#base = 0;
    for (let name = 1; name < this.count; name++) this.#place(name, this.records[name * NAME + M_HASH] as number);
  }
}

/** Orders names by their octets, which for UTF-8 is the order of code points. */
export function compareNames(octets: Buffer, names: Int32Array, one: number, other: number): number {
  if (one === other) return 0;
  const left = names[one * NAME + M_START] as number;
  const right = names[other * NAME + M_START] as number;
  const leftLength = names[one * NAME + M_LENGTH] as number;
  const rightLength = names[other * NAME + M_LENGTH] as number;
  const length = Math.min(leftLength, rightLength);
  for (let at = 0; at < length; at++) {
    const difference = (octets[left + at] as number) - (octets[right + at] as number);
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}

function mix(hash: number, octet: number): number {
  const mixed = Math.imul(hash ^ octet, FACTOR);
  return mixed ^ (mixed >>> 15);
}

function badColon(offset: number): XmlError {
  return new XmlError('XML_NAMESPACE', 'A name may have one colon, between a prefix and a local name', { offset });
}

/** Checks the character above U+007F at `at`; returns the octet behind it. The octets are known to be UTF-8. */
function wide(octets: Buffer, at: number, first: boolean): number {
  const lead = octets[at] as number;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const code = octets.toString('utf8', at, at + length).codePointAt(0) ?? 0;
  if (!(first ? isWideNameStart(code) : isWideNameCharacter(code))) {
    throw new XmlError('XML_MALFORMED', `U+${code.toString(16).toUpperCase()} may not stand here in a name`, {
      offset: at,
    });
  }
  return at + length;
}
