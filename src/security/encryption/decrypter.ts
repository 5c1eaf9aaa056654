/**
 * Where keys that decrypt live. The engine asks for the one operation that needs the key and never sees the key, so a key in
 * memory, in an HSM and in a key management service look alike. A `KeyObject` prints nothing of itself, and neither does
 * what holds one here.
 */
import type { KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { smallestRsa } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import { sharedSecret } from './agreement.ts';
import type { KeyAgreement, KeyTransport, KeyWrap } from './algorithms.ts';
import type { OaepParameters } from './oaep.ts';
import { modulusOctets, receiveKey, rejectionSecret } from './rsa.ts';
import { unwrapKey } from './wraps.ts';

/** What is asked of the holder of a key. */
export type KeyOperation =
  | {
      readonly kind: 'transport';
      readonly row: KeyTransport;
      /** Of OAEP; without meaning for RSA-1.5. */
      readonly parameters: OaepParameters;
      readonly octets: Uint8Array;
      /** Octets that the key has to have. */
      readonly length: number;
    }
  | { readonly kind: 'wrap'; readonly row: KeyWrap; readonly octets: Uint8Array; readonly length: number }
  | { readonly kind: 'agreement'; readonly row: KeyAgreement; readonly publicKey: KeyObject };

export interface Decrypter {
  /**
   * The key that was transported or wrapped, of the length asked for, or the shared secret of an agreement. Where that
   * cannot be had it rejects, or gives other octets of that length; the engine treats both alike, so a device that tells
   * whether a padding was right tells it to nobody.
   *
   * An error with `transient: true` (the device is out of reach) makes the failure of the decryption transient.
   */
  unwrap(operation: KeyOperation): Uint8Array | Promise<Uint8Array>;
}

/**
 * A decrypter over a key in the memory of this process.
 *
 * @param key private (RSA of 2048 bits or more, P-256, P-384, P-521, X25519, X448) or secret (AES, triple DES)
 * @param leastRsa smallest RSA modulus that is taken, in bits
 * @throws SecurityError `SECURITY_KEY` when the key is public, or weak
 */
export function decrypter(key: KeyObject, leastRsa: number = smallestRsa): Decrypter {
  if (key.type === 'public') throw new SecurityError('SECURITY_KEY', 'A public key cannot decrypt.');
  return new MemoryDecrypter(key, leastRsa);
}

class MemoryDecrypter implements Decrypter {
  readonly #key: KeyObject;
  readonly #rejection: Uint8Array | undefined;

  constructor(key: KeyObject, leastRsa: number) {
    this.#key = key;
    if (key.asymmetricKeyType === 'rsa') {
      modulusOctets(key, leastRsa);
      this.#rejection = rejectionSecret(key);
    }
    Object.freeze(this);
  }

  unwrap(operation: KeyOperation): Uint8Array {
    switch (operation.kind) {
      case 'transport':
        if (this.#rejection === undefined) throw this.#misfit();
        return receiveKey(
          operation.row,
          operation.parameters,
          this.#key,
          this.#rejection,
          operation.octets,
          operation.length,
        );
      case 'wrap': {
        const key = unwrapKey(operation.row, this.#key, operation.octets, operation.length);
        if (key === undefined) throw this.#misfit();
        return key;
      }
      case 'agreement':
        return sharedSecret(operation.row, this.#key, operation.publicKey);
      default:
        return operation satisfies never;
    }
  }

  #misfit(): SecurityError {
    return new SecurityError('SECURITY_KEY', 'The key does not fit what was encrypted for it.');
  }

  toJSON(): object {
    return { kind: this.#key.asymmetricKeyType ?? this.#key.type };
  }

  [inspect.custom](): string {
    return `Decrypter { ${this.#key.asymmetricKeyType ?? this.#key.type} }`;
  }
}
