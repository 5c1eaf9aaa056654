/** Text and octets joined to one run of octets in UTF-8, each copied once: what a fragment and an envelope are written with. */
export type Piece = string | Uint8Array;

/** Octets that a text may need for what would be one in ASCII, and one more: with so much room it shows when it is none. */
const ROOM = 4;

/** The pieces as memory of its own. */
export function joined(pieces: readonly Piece[]): Buffer {
  const [only = '', second] = pieces;
  if (second === undefined) return typeof only === 'string' ? Buffer.from(only) : Buffer.from(only);
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const octets = Buffer.allocUnsafe(length + ROOM);
  return isWritten(pieces, octets) ? octets.subarray(0, length) : inUtf8(pieces);
}

/**
 * Whether all text was ASCII, which nearly all is; then it needs not be measured before it is written. Each text by itself: to put
 * several together first costs more than it saves.
 */
function isWritten(pieces: readonly Piece[], octets: Buffer): boolean {
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece !== 'string') octets.set(piece, at);
    else if (octets.write(piece, at) !== piece.length) return false;
    at += piece.length;
  }
  return true;
}

function inUtf8(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

/** From so many characters on a text stays by itself: to put it together with others would copy it once more. */
const LONG = 1024;

/** Gathers pieces; neighbouring texts become one, unless they are long. */
export class Joiner {
  readonly #pieces: Piece[] = [];
  #text: string;

  constructor(text = '') {
    this.#text = text;
  }

  /** @param piece octets must be UTF-8, and nobody may change them before they are joined */
  put(piece: Piece): this {
    if (typeof piece === 'string' && piece.length < LONG) {
      this.#text += piece;
      return this;
    }
    this.#cut();
    this.#pieces.push(piece);
    return this;
  }

  /** What was gathered. */
  pieces(): readonly Piece[] {
    this.#cut();
    return this.#pieces;
  }

  #cut(): void {
    if (this.#text !== '') this.#pieces.push(this.#text);
    this.#text = '';
  }
}
