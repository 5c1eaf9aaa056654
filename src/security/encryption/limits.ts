/** How much decryption one message may ask for; each limit is checked before the first operation with a key. */
export interface EncryptionLimits {
  /** Encrypted parts of one message (attack E8). */
  readonly parts: number;
  /** EncryptedKeys that are opened for one message (attack E7). */
  readonly keys: number;
  /** EncryptedKeys that are looked at to find those that are for a key here. */
  readonly candidates: number;
  /** EncryptedKeys on the way from a part to the key that is here; 2 is a key for a key. */
  readonly depth: number;
  /** Octets of ciphertext of one message, all parts together. */
  readonly octets: number;
}

export const encryptionLimits: EncryptionLimits = Object.freeze({
  parts: 64,
  keys: 8,
  candidates: 64,
  depth: 2,
  octets: 16 * 1024 * 1024,
});
