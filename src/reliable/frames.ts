/**
 * Header blocks of which one place differs from message to message: written once for a sequence, and then only filled in.
 */
import type { HeaderBlock } from '../soap/message.ts';
import { XmlFragment } from '../xml/fragment.ts';

/** Stands where the filling goes; nothing behind that place may hold it. */
export const gap = '\u{E000}';

/** A header block with a gap. */
export class Frame {
  readonly #block: HeaderBlock;
  readonly #before: string;
  readonly #behind: string;

  /** @param block written with `gap` in one place */
  constructor(block: HeaderBlock) {
    const text = block.fragment.toString();
    const at = text.lastIndexOf(gap);
    this.#block = block;
    this.#before = text.slice(0, at);
    this.#behind = text.slice(at + gap.length);
  }

  /** @param filling canonical XML */
  filled(filling: string): HeaderBlock {
    const { namespace, local, mustUnderstand, role, fragment } = this.#block;
    const text = this.#before + filling + this.#behind;
    return { namespace, local, mustUnderstand, role, fragment: XmlFragment.written([text], [], fragment.writtenAs) };
  }
}

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
