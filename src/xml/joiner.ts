/** Text and octets joined to one run of octets in UTF-8, each copied once: what a fragment and an envelope are written with. */
export type Piece = string | Uint8Array;

/** From so many characters on a text is written by itself: to put it together with others would copy it once more. */
const LONG = 1024;

/** Octets that a text may need for what would be one in ASCII, and one more: with so much room it shows when it is none. */
const ROOM = 4;

/** The pieces as memory of its own. */
export function joined(pieces: readonly Piece[]): Buffer {
  let length = 0;
  let text = '';
  const runs: Piece[] = [];
  for (const piece of pieces) {
    length += piece.length;
    if (typeof piece === 'string' && piece.length < LONG) {
      text += piece;
      continue;
    }
    if (text !== '') runs.push(text);
    text = '';
    runs.push(piece);
  }
  if (text !== '') runs.push(text);
  const octets = Buffer.allocUnsafe(length + ROOM);
  return inAscii(runs, octets) ? octets.subarray(0, length) : inUtf8(runs);
}

/** Whether all text was ASCII, which nearly all is; then it needs not be measured before it is written. */
function inAscii(runs: readonly Piece[], octets: Buffer): boolean {
  let at = 0;
  for (const run of runs) {
    if (typeof run !== 'string') octets.set(run, at);
    else if (octets.write(run, at) !== run.length) return false;
    at += run.length;
  }
  return true;
}

function inUtf8(runs: readonly Piece[]): Buffer {
  return Buffer.concat(runs.map((run) => (typeof run === 'string' ? Buffer.from(run) : run)));
}

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
