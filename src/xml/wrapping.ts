/** An element that holds fragments and nothing else, canonical by construction; its tags are written once. */
import { embed, XmlFragment } from './fragment.ts';
import type { Piece } from './joiner.ts';
import { byCodePoints } from './output.ts';
import { XmlWriter } from './write.ts';

export class Wrapping {
  readonly #empty: XmlFragment;
  readonly #scope: ReadonlyMap<string, string>;
  readonly #open: string;
  readonly #close: string;

  /** @throws XmlError as `XmlWriter.start` */
  constructor(namespace: string, local: string, prefix: string) {
    this.#empty = new XmlWriter().start(namespace, local, prefix).end().finish();
    const text = this.#empty.toString();
    const close = text.lastIndexOf('</');
    this.#open = text.slice(0, close);
    this.#close = text.slice(close);
    this.#scope = new Map([[prefix, namespace]]);
  }

  /** The element with these fragments in it, each verbatim where it is canonical there. */
  around(parts: readonly XmlFragment[]): XmlFragment {
    if (parts.length === 0) return this.#empty;
    const pieces: Piece[] = [this.#open];
    let prefixes = none;
    let { declared } = this.#empty;
    for (const part of parts) {
      const embedded = embed(part, this.#scope);
      if (part.declared.size > 0) declared = new Set([...declared, ...part.declared]);
      for (const piece of embedded.pieces) pieces.push(piece);
      if (embedded.prefixes.length > 0) prefixes = new Set([...prefixes, ...embedded.prefixes]);
    }
    pieces.push(this.#close);
    const { root } = this.#empty.writtenAs;
    const first = parts[0]?.writtenAs.root;
    const known = { root, first, declared };
    return XmlFragment.written(pieces, prefixes.size === 0 ? [] : [...prefixes].sort(byCodePoints), known);
  }
}

const none: ReadonlySet<string> = new Set();
