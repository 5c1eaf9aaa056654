/**
 * Header blocks of which one place differs from message to message: written once, and then only filled in.
 */
import { XmlFragment } from '../xml/fragment.ts';
import type { HeaderBlock } from './message.ts';

/** Stands where the filling goes; nothing behind that place may hold it. */
export const gap = '\u{E000}';

/** A header block with a gap. */
export class Frame {
  readonly #block: HeaderBlock;
  readonly #known: XmlFragment['writtenAs'];
  readonly #before: string;
  readonly #behind: string;

  /** @param block written with `gap` in one place */
  constructor(block: HeaderBlock) {
    const text = block.fragment.toString();
    const at = text.lastIndexOf(gap);
    this.#block = block;
    this.#known = block.fragment.writtenAs;
    this.#before = text.slice(0, at);
    this.#behind = text.slice(at + gap.length);
  }

  /** @param filling canonical XML */
  filled(filling: string): HeaderBlock {
    const { namespace, local, mustUnderstand, role } = this.#block;
    const fragment = XmlFragment.written([this.#before + filling + this.#behind], noPrefixes, this.#known);
    return { namespace, local, mustUnderstand, role, fragment };
  }
}

const noPrefixes: readonly string[] = Object.freeze([]);
