/**
 * Decryption (XML Encryption 1.1 section 4.4) of the parts of a document, or of one part to octets. First everything that needs no key is
 * settled for all parts: shapes, algorithms, limits, whose keys. Then, without looking at what comes of it, every key is
 * opened and every part is deciphered and read. What fails, fails at the end and in one place, as one error (attacks E1, E2,
 * E6; invariant I6).
 *
 * With CBC there remains what no decryption can hide, whether a changed ciphertext gave well-formed XML: accept CBC only
 * where a signature is verified that covers the part.
 */
import type { Random } from '../../base/random.ts';
import { diagnostics } from '../../base/diagnostics.ts';
import type { XmlDocument, XmlElement } from '../../xml/document.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { SecurityError } from '../errors.ts';
import { wsse, wsse11, xenc } from '../names.ts';
import type { AcceptedEncryption, ContentCipher } from './algorithms.ts';
import { type Deciphered, decipher } from './ciphers.ts';
import { DecryptionError, undecipherable } from './errors.ts';
import { type KeyHandle, type KeyPlan, Keyring, type KeyResolver } from './keyring.ts';
import { type EncryptionLimits, encryptionLimits } from './limits.ts';
import { type Rebuilt, rebuild, type Replacement } from './rebuild.ts';
import { type EncryptedData, readEncryptedData } from './shapes.ts';

export interface DecryptionProfile {
  readonly accepted: AcceptedEncryption;
  readonly keys: KeyResolver;
  /** What differs from `encryptionLimits`. */
  readonly limits?: Partial<EncryptionLimits>;
  /** What differs from `xmlLimits` for the document with its plaintexts. */
  readonly xml?: Partial<XmlLimits>;
}

/** A part to decrypt. */
export interface EncryptedPart {
  /** xenc:EncryptedData, or wsse11:EncryptedHeader, which is replaced as a whole. */
  readonly element: XmlElement;
  /** The key of the ReferenceList that names the part; its own KeyInfo then has to lead to the same key, if it has one. */
  readonly key?: KeyHandle;
}

export interface DecryptedPart {
  /** What was taken out of the old document. */
  readonly encrypted: XmlElement;
  readonly type: 'element' | 'content';
  /** In the new document: the element that came, or the element whose content came; `undefined` for content of a root. */
  readonly place: XmlElement | undefined;
  readonly cipher: ContentCipher;
  /** The EncryptedKey that led to the key, in the old document; `undefined` for a key known here. */
  readonly encryptedKey: XmlElement | undefined;
}

export interface Decrypted {
  readonly document: XmlDocument;
  readonly parts: readonly DecryptedPart[];
  /** The element of the new document that stands where one outside of all parts stood in the old one. */
  locate(old: XmlElement): XmlElement | undefined;
}

const publish = diagnostics('security');

/**
 * Decrypts parts and scans the document anew with all of them in place.
 *
 * @param parts none inside another; an element part has Type Element, a content part Type Content
 * @throws DecryptionError `SECURITY_DECRYPTION`, whatever is wrong
 */
export async function decrypt(
  document: XmlDocument,
  parts: readonly EncryptedPart[],
  profile: DecryptionProfile,
): Promise<Decrypted> {
  return oneFailure(async (keyring) => {
    const planned = planAll(parts, profile, keyring);
    const replacements: Replacement[] = [];
    let sound = true;
    for (const { outer, data, plan } of planned) {
      const { type } = data;
      if (type === 'octets') {
        throw new SecurityError('SECURITY_UNSUPPORTED', 'Octets cannot take the place of an element.');
      }
      if (outer !== data.element && type !== 'element') {
        throw new SecurityError('SECURITY_MALFORMED', 'An EncryptedHeader holds something else than an element.');
      }
      replacements.push({ element: outer, type, plaintext: new Uint8Array() });
    }
    for (const [index, { data, plan }] of planned.entries()) {
      const plaintext = decipher(data.cipher, await keyring.open(plan), data.octets);
      sound &&= plaintext.sound;
    }
    return undefined as never;
  }, profile);
}
