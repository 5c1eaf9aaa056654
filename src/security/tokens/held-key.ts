/**
 * The secret that an issuer has put into an assertion for the service that it is for: an EncryptedKey in the holder's ds:KeyInfo (SAML
 * Token Profile 1.1 section 3.4.2; WS-Trust 1.3 section 4.4). For `openKey` of a `SamlRequirement`.
 */
import type { KeyObject } from 'node:crypto';
import type { XmlElement } from '../../xml/document.ts';
import { child } from '../../xml/find.ts';
import type { AcceptedEncryption } from '../encryption/algorithms.ts';
import { Decryption } from '../encryption/decrypt.ts';
import type { DecryptionKey } from '../keys.ts';
import { ds, xenc } from '../names.ts';
import { publicKeyOf } from './key-info.ts';

/**
 * @param keys of this service
 * @param bits of the secret; token services make 256 unless they are asked for another
 */
export function openHeldKey(
  keys: readonly DecryptionKey[],
  accepted: AcceptedEncryption,
  bits: number = 256,
): (keyInfo: XmlElement) => Promise<KeyObject | undefined> {
  const known = keys.map(({ certificate }) => certificate);
  const holderOf = (keyInfo: XmlElement | undefined): DecryptionKey | undefined => {
    const named = keyInfo && publicKeyOf(keyInfo, known)?.certificate;
    return named && keys.find(({ certificate }) => certificate.keyFingerprint === named.keyFingerprint);
  };
  return async (keyInfo) => {
    const encrypted = child(keyInfo, xenc, 'EncryptedKey');
    if (encrypted === undefined) return undefined;
    const inside = child(encrypted, ds, 'KeyInfo');
    const agreement = inside && child(inside, xenc, 'AgreementMethod');
    if (holderOf(agreement === undefined ? inside : child(agreement, xenc, 'RecipientKeyInfo')) === undefined)
      return undefined;
    const decryption = new Decryption({
      accepted,
      keys: {
        resolve(named) {
          const holder = holderOf(named);
          return holder && { kind: 'decrypter', decrypter: holder.decrypter };
        },
      },
    });
    return decryption.key(encrypted, bits / 8);
  };
}
