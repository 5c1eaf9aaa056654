/** Header blocks with a gap, written once for a sequence. */
import { Frame } from '../soap/frame.ts';
import type { HeaderBlock } from '../soap/message.ts';

/** Frames by the identifier of their sequence; those of the sequences that were written about lately. */
export class Frames {
  readonly #make: (id: string) => HeaderBlock;
  readonly #known = new Map<string, Frame>();

  /** @param make writes the block of a sequence with `gap` where the filling goes */
  constructor(make: (id: string) => HeaderBlock) {
    this.#make = make;
  }

  of(id: string): Frame {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const frame = new Frame(this.#make(id));
    if (id.length > longestKept) return frame;
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(id, frame);
    return frame;
  }
}

const mostKept = 4_096;
/** Identifiers that are longer than ours ever are make a frame each time. */
const longestKept = 128;
