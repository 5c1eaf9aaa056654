/** Text and octets joined to one run of octets in UTF-8, each copied once: what a fragment and an envelope are written with. */
export type Piece = string | Uint8Array;

/** From so many characters on a text is written by itself: to put it together with others would copy it once more. */
const LONG = 1024;

/** The pieces as memory of its own. */
export function joined(pieces: readonly Piece[]): Buffer {
  let length = 0;
  let text = '';
  const runs: Piece[] = [];
  for (const piece of pieces) {
    if (typeof piece === 'string' && piece.length < LONG) {
      text += piece;
      continue;
    }
    length += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
    if (text !== '') {
      length += Buffer.byteLength(text);
      runs.push(text);
      text = '';
    }
    runs.push(piece);
  }
  if (runs.length === 0) return Buffer.from(text);
  length += Buffer.byteLength(text);
  runs.push(text);
  const octets = Buffer.allocUnsafe(length);
  let at = 0;
  for (const run of runs) {
    if (typeof run === 'string') {
      at += octets.write(run, at);
    } else {
      octets.set(run, at);
      at += run.length;
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
