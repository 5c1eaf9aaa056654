/** Chance as an input: the same seed gives the same run. */
export interface Random {
  /** `length` random octets. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}

/** A random (version 4) UUID as a URN, the form of identifiers that WCF, CXF and gSOAP write. */
export function uuidUrn(random: Random): string {
  const octets = random.bytes(16);
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x40;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(octets.buffer, octets.byteOffset, 16).toString('hex');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Drawn many at a time: a call to the platform costs more than all else that happens to a message between two of them. */
const drawn = new Uint32Array(256);
let used = drawn.length;

/** For what is short, public and needed by every message: identifiers, nonces, initialization vectors. */
const pool = new Uint8Array(2048);
let given = pool.length;
/**
 * Octets; what is longer is drawn by itself, so that no key but one of 128 bits lies here before it is one: what is given out is
 * wiped.
 */
const pooled = 16;

function drawnBytes(length: number): Uint8Array {
  if (length > pooled) return crypto.getRandomValues(new Uint8Array(length));
  if (given + length > pool.length) {
    crypto.getRandomValues(pool);
    given = 0;
  }
  const octets = pool.slice(given, given + length);
  pool.fill(0, given, given + length);
  given += length;
  return octets;
}

/** Cryptographically strong randomness of the platform. */
export const systemRandom: Random = {
  bytes: drawnBytes,
  fraction: () => {
    if (used === drawn.length) {
      crypto.getRandomValues(drawn);
      used = 0;
    }
    return (drawn[used++] ?? 0) / 2 ** 32;
  },
};

/** Repeatable pseudo-randomness for tests, simulations and the demo. Never a source of keys, nonces or identifiers in production. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    fraction: () => next() / 2 ** 32,
  };
}
