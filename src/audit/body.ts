/**
 * What makes two Bodies the same: the exclusive canonical form of what is in them, element by element. The Body itself bears an id
 * that is another in each transmission, and white space and comments between its children say nothing.
 */
import { createHash } from 'node:crypto';
import type { Message } from '../soap/message.ts';
import { canonicalize } from '../xml/canonicalize.ts';
import { exclusive } from '../xml/methods.ts';

/** SHA-256, lower-case hex; of an empty Body that of nothing. */
export function bodyDigest({ body }: Message): string {
  const digest = createHash('sha256');
  for (const element of body.element.children) digest.update(canonicalize(element, exclusive));
  return digest.digest('hex');
}
