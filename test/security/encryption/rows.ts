/** Everything that the room can decrypt, for vectors and peers: no policy accepts all of it. */
import {
  type AcceptedEncryption,
  acceptedEncryption,
  aes128Cbc,
  aes192Cbc,
  aes256Cbc,
  modernEncryption,
  unsafeKwTripleDes,
  unsafeRsa15,
  unsafeTripleDesCbc,
} from '../../../src/security/encryption/algorithms.ts';

export const everything: AcceptedEncryption = acceptedEncryption({
  content: [...modernEncryption.content, aes128Cbc, aes192Cbc, aes256Cbc, unsafeTripleDesCbc],
  transports: [...modernEncryption.transports, unsafeRsa15],
  wraps: [...modernEncryption.wraps, unsafeKwTripleDes],
});
