/** Markup that is no tag: comments, CDATA sections and processing instructions; and no document type declaration. */
import { space } from './characters.ts';
import type { Draft } from './draft.ts';
import { XmlError } from './errors.ts';
import type { Names } from './names.ts';
import * as tape from './tape.ts';

// V8 folds a module's own constants into the code it compiles, but reads imported ones from memory every time.
const { CANONICAL, CDATA, COMMENT, INSTRUCTION, M_PREFIX, NAME, NO_NAME, PLAIN } = tape;

export class Markup {
  readonly #draft: Draft;
  readonly #names: Names;

  constructor(draft: Draft, names: Names) {
    this.#draft = draft;
    this.#names = names;
  }

  /** What starts with `<!`: Comment (15), CDSect (18), doctypedecl (28). */
  declaration(start: number): number {
    const octets = this.#draft.octets;
    if (octets[start + 2] === 0x2d && octets[start + 3] === 0x2d) return this.#comment(start);
    const opening = octets.toString('latin1', start, Math.min(start + 9, this.#draft.length));
    if (opening === '<![CDATA[' && this.#draft.openNode >= 0) {
      const close = this.#verbatim(start + 9, ']]>', 'A CDATA section does not end');
      this.#draft.node(CDATA, start, close + 3);
      return close + 3;
    }
    if (opening === '<!DOCTYPE') {
      throw new XmlError('XML_DTD', 'A document type declaration is not allowed: send the document without it', {
        offset: start,
      });
    }
    this.#draft.fail('A comment, or inside an element a CDATA section, expected', start);
  }

  #comment(start: number): number {
    const close = this.#verbatim(start + 4, '--', 'A comment does not end');
    if (this.#draft.octets[close + 2] !== 0x3e) this.#draft.fail('`--` may not stand in a comment', close);
    this.#draft.node(COMMENT | this.#withoutReturn(start, close), start, close + 3);
    return close + 3;
  }

  #withoutReturn(start: number, end: number): number {
    const found = this.#draft.octets.subarray(start, end).indexOf(0x0d);
    return found < 0 ? CANONICAL | PLAIN : 0;
  }

  /** PI (production 16); its target has no colon (Namespaces in XML 1.0, section 7). */
  instruction(start: number): number {
    const octets = this.#draft.octets;
    const target = this.#names.read(octets, this.#draft.words, start + 2);
    if (target < 0) this.#draft.fail('A processing instruction needs a target', start + 2);
    const end = this.#names.end;
    if (/^xml$/i.test(octets.toString('latin1', start + 2, end))) {
      this.#draft.fail('An XML declaration may stand at the very beginning only', start);
    }
    if (this.#names.records[target * NAME + M_PREFIX] !== NO_NAME) {
      this.#draft.wrongNamespace('A processing instruction target may not have a colon', start);
    }
    const close = this.#verbatim(end, '?>', 'A processing instruction does not end');
    if (close !== end && space[octets[end] as number] === 0) {
      this.#draft.fail('White space expected behind the target of a processing instruction', end);
    }
    // Canonical: one space before the data, no space without data.
    const plain = close === end || (octets[end] === 0x20 && space[octets[end + 1] as number] === 0 && close > end + 1);
    this.#draft.instructions = true;
    this.#draft.node(INSTRUCTION | (plain ? this.#withoutReturn(start, close) : 0), start, close + 2);
    return close + 2;
  }

  /** Finds what ends a stretch without markup, and that XML can carry the octets before. */
  #verbatim(start: number, terminator: string, message: string): number {
    const octets = this.#draft.octets;
    const close = octets.indexOf(terminator, start, 'latin1');
    if (close < 0) this.#draft.fail(message, this.#draft.length);
    if (close - start > this.#draft.limits.text) this.#draft.limit('octets in one stretch', 'text', start);
    for (let at = start; at < close; at++) {
      const octet = octets[at] as number;
      if (octet < 0x20 && space[octet] === 0) this.#draft.fail('A control character that XML cannot carry', at);
    }
    return close;
  }
}
