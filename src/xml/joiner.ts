/** Text and octets joined to one run of octets in UTF-8, each copied once: what a fragment and an envelope are written with. */
export type Piece = string | Uint8Array;

/** The pieces as memory of its own. */
export function joined(pieces: readonly Piece[]): Buffer {
  let length = 0;
  for (const piece of pieces) length += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
  const octets = Buffer.allocUnsafe(length);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      at += octets.write(piece, at);
    } else {
      octets.set(piece, at);
      at += piece.length;
    }
  }
  return octets;
}

/** Gathers pieces; neighbouring texts become one. */
export class Joiner {
  readonly #pieces: Piece[] = [];
  #text: string;

  constructor(text = '') {
    this.#text = text;
  }

  /** @param piece octets must be UTF-8, and nobody may change them before they are joined */
  put(piece: Piece): this {
    if (typeof piece === 'string') {
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
