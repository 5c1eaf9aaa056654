/**
 * The secret of a context, made by both ends (WS-Trust 1.3, section 4.4.4): P_SHA1 over the requester's entropy as secret and
 * the issuer's as seed. Neither end can choose it alone.
 */
import { pSha1 } from '../security/crypto.ts';
import { ConversationError } from './errors.ts';

/** Sizes of a context's secret that are taken, in bits; WCF asks for 256. */
const keySizes: readonly number[] = Object.freeze([128, 192, 256]);

/**
 * @param size of the key in bits; both entropies have as many
 * @throws ConversationError `CONVERSATION_KEY_SIZE`
 */
export function computedKey(requester: Uint8Array, issuer: Uint8Array, size: number): Uint8Array {
  requireEntropy(requester, size);
  requireEntropy(issuer, size);
  return pSha1(requester, issuer, size / 8);
}

/** @throws ConversationError `CONVERSATION_KEY_SIZE` when entropy is shorter than the key, or much longer */
export function requireEntropy(entropy: Uint8Array, size: number): void {
  if (!keySizes.includes(size)) {
    throw new ConversationError('CONVERSATION_KEY_SIZE', `A key of ${size} bits is not supported; ask for 256.`);
  }
  if (entropy.length * 8 < size || entropy.length > longestEntropy) {
    throw new ConversationError(
      'CONVERSATION_KEY_SIZE',
      `${entropy.length} octets of entropy do not make a key of ${size} bits.`,
    );
  }
}

const longestEntropy = 128;
