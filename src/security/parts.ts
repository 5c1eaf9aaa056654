/**
 * What a signature covers on its way out: elements with ids of ours and their digests. An element that was prepared before, as
 * in a retransmission, keeps both.
 */
import type { Random } from '../base/random.ts';
import { isForUltimateReceiver } from '../soap/envelope.ts';
import type { HeaderBlock } from '../soap/message.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { base64Digest } from './crypto.ts';
import { insideHeader } from './header.ts';
import { wsu } from './names.ts';
import type { SignedPart } from './signature.ts';
import type { DigestAlgorithm } from './suites.ts';

/** An element of the Security header that is signed. */
export interface Inside {
  readonly id: string;
  readonly fragment: XmlFragment;
  /** Whether it is encrypted wherever anything is. */
  readonly isSecret?: boolean;
  /** Written as it stands alone: it was made and signed by somebody else. */
  readonly verbatim?: boolean;
  /** Not covered by the message signature: the key in it speaks for it. */
  readonly unsigned?: boolean;
}

export function inHeader({ fragment, verbatim }: Inside): string {
  return verbatim === true ? fragment.toString() : insideHeader(fragment);
}

class Prepared implements SignedPart {
  readonly by: Parts;
  readonly fragment: XmlFragment;
  readonly id: string;
  readonly prefixes: readonly string[];
  readonly digest: string;

  constructor(by: Parts, fragment: XmlFragment, { id, prefixes, digest }: SignedPart) {
    this.by = by;
    this.fragment = fragment;
    this.id = id;
    this.prefixes = prefixes;
    this.digest = digest;
  }
}

export function partOf({ id, fragment }: Inside, digest: DigestAlgorithm): SignedPart {
  return { id, prefixes: fragment.prefixes, digest: base64Digest(digest, fragment.whole) };
}

/** Ids, and the parts of messages that have them; one for the life of a channel. */
export class Parts {
  /** Ids are unguessable by prefix, so that no payload can bring one along, and unique by number. */
  readonly #prefix: string;
  #number = 0;
  /** What was made of fragments that others had prepared before: blocks that all channels write are each others'. */
  readonly #shared = new WeakMap<XmlFragment, Prepared>();
  readonly id = (): string => `i${this.#prefix}-${++this.#number}`;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random.bytes(12)).toString('hex');
  }

  /** A part of the message with an id of ours; an id that it had is replaced. */
  prepare(fragment: XmlFragment, digest: DigestAlgorithm): Prepared {
    const noted = fragment.prepared;
    if (noted instanceof Prepared && noted.by === this) return noted;
    const known = noted === undefined ? undefined : this.#shared.get(fragment);
    if (known !== undefined) return known;
    const id = this.id();
    const named = fragment.withAttribute(wsu, 'Id', id, 'wsu');
    const fresh = new Prepared(this, named, partOf({ id, fragment: named }, digest));
    if (noted === undefined) fragment.prepared = fresh;
    else this.#shared.set(fragment, fresh);
    return fresh;
  }

  /** The header blocks with ids; those that are signed are added to `signed`. */
  prepareHeaders(
    headers: readonly HeaderBlock[],
    digest: DigestAlgorithm,
    signed: SignedPart[],
  ): readonly HeaderBlock[] {
    return headers.map((block): HeaderBlock => {
      // Whoever another is for takes it out, and the signature over it would break.
      if (!isForUltimateReceiver(block)) return block;
      const prepared = this.prepare(block.fragment, digest);
      signed.push(prepared);
      return { ...block, fragment: prepared.fragment };
    });
  }
}
