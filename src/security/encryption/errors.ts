/**
 * The one failure of decryption (attacks E1, E2, E6). Whatever was wrong, code and message are the same. The cause is for the
 * operator: what a message's author knows anyway (an algorithm, a shape, a limit, a key that is not here) is named there;
 * once a key is in use there is one cause only.
 */
import { SurewireError, type SurewireErrorOptions } from '../../base/errors.ts';
import { SecurityError } from '../errors.ts';

export class DecryptionError extends SurewireError<'SECURITY_DECRYPTION'> {
  constructor(options: SurewireErrorOptions) {
    super(
      'SECURITY_DECRYPTION',
      'An encrypted part cannot be decrypted. See the cause, and agree with the sender on keys and algorithms.',
      options,
    );
  }
}

/** The only cause that is given once a key is in use. */
export function undecipherable(): SecurityError {
  return new SecurityError('SECURITY_KEY', 'Key, ciphertext and plaintext do not belong together.');
}
