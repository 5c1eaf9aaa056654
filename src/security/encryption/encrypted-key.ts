/**
 * xenc:EncryptedKey for a recipient (XML Encryption 1.1 section 3.5), canonical as it is written: over RSA, under a symmetric key, or
 * under a key agreed with an ephemeral one.
 */
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { base64 } from '../../base/bytes.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { SecurityError } from '../errors.ts';
import { ds, xenc } from '../names.ts';
import { curveOf, deriveKey, requireCurve, sharedSecret } from './agreement.ts';
import { type HashRow, type KeyAgreement, type KeyTransport, type KeyWrap, mgf1Sha1, oaepSha1 } from './algorithms.ts';
import { type ChosenDerivation, writeDerivation } from './derivations.ts';
import { xenc11 } from './names.ts';
import { writePublicKey } from './points.ts';
import { transportKey } from './rsa.ts';
import { wrapKey } from './wraps.ts';

/** Who is to read, and how the key travels there. `keyInfo` is what stands in ds:KeyInfo to name the recipient's key. */
export type Recipient =
  | {
      readonly kind: 'transport';
      readonly row: KeyTransport;
      readonly publicKey: KeyObject;
      /** Of OAEP; default SHA-1, which every peer knows. */
      readonly digest?: HashRow;
      /** Of OAEP, where the row chooses it; default MGF1 with SHA-1. */
      readonly mask?: HashRow;
      /** OAEPparams; default none. */
      readonly label?: Uint8Array;
      readonly keyInfo?: XmlFragment;
    }
  | { readonly kind: 'wrap'; readonly row: KeyWrap; readonly key: KeyObject; readonly keyInfo?: XmlFragment }
  | {
      readonly kind: 'agreement';
      readonly row: KeyAgreement;
      readonly derivation: ChosenDerivation;
      /** What wraps the key under the one that was agreed. */
      readonly wrap: KeyWrap;
      readonly publicKey: KeyObject;
      readonly keyInfo?: XmlFragment;
    };

export interface EncryptedKeyOptions {
  readonly id?: string;
  /** Ids of the EncryptedData (or EncryptedHeader) that are under the key: the ReferenceList. */
  readonly references?: readonly string[];
  /** Default: that of the platform. */
  readonly random?: Random;
}

/**
 * The EncryptedKey that carries `key` to a recipient.
 *
 * @throws SecurityError `SECURITY_KEY` when the recipient's key does not fit the algorithm or is too weak
 */
export function encryptKey(key: KeyObject, recipient: Recipient, options: EncryptedKeyOptions = {}): XmlFragment {
  return sealKey(key, recipient, options).fragment;
}

/** As `encryptKey`, with the encrypted octets: SHA-1 of them names the key in a reply (EncryptedKeySHA1). */
export function sealKey(
  key: KeyObject,
  recipient: Recipient,
  options: EncryptedKeyOptions = {},
): { readonly fragment: XmlFragment; readonly octets: Uint8Array } {
  const { id, references = [], random = systemRandom } = options;
  const writer = new XmlWriter().start(xenc, 'EncryptedKey', 'xenc');
  if (id !== undefined) writer.attribute('', 'Id', id);
  const octets = writeMethod(writer, key.export(), recipient, random);
  writer.start(xenc, 'CipherData', 'xenc').element(xenc, 'CipherValue', base64(octets), 'xenc').end();
  if (references.length > 0) {
    writer.start(xenc, 'ReferenceList', 'xenc');
    for (const one of references) writer.start(xenc, 'DataReference', 'xenc').attribute('', 'URI', `#${one}`).end();
    writer.end();
  }
  return { fragment: writer.end().finish(), octets };
}

/** Writes EncryptionMethod and KeyInfo; gives the encrypted key. */
function writeMethod(writer: XmlWriter, key: Uint8Array, recipient: Recipient, random: Random): Uint8Array {
  const { keyInfo } = recipient;
  switch (recipient.kind) {
    case 'transport': {
      const { row, publicKey, label = new Uint8Array(), digest = oaepSha1, mask = mgf1Sha1 } = recipient;
      if (!row.choosesMask && mask.hash !== mgf1Sha1.hash) {
        throw new SecurityError('SECURITY_ALGORITHM', `${row.uri} does not choose its mask.`);
      }
      writer.start(xenc, 'EncryptionMethod', 'xenc').attribute('', 'Algorithm', row.uri);
      if (row.padding === 'oaep') {
        if (label.length > 0) writer.element(xenc, 'OAEPparams', base64(label), 'xenc');
        writer.start(ds, 'DigestMethod', 'ds').attribute('', 'Algorithm', digest.uri).end();
        if (row.choosesMask) writer.start(xenc11, 'MGF', 'xenc11').attribute('', 'Algorithm', mask.uri).end();
      }
      writer.end();
      writeKeyInfo(writer, keyInfo);
      return transportKey(row, { digest, mask, label }, publicKey, key, random);
    }
    case 'wrap':
      writer.start(xenc, 'EncryptionMethod', 'xenc').attribute('', 'Algorithm', recipient.row.uri).end();
      writeKeyInfo(writer, keyInfo);
      return wrapKey(recipient.row, recipient.key, key, random);
    case 'agreement':
      writer.start(xenc, 'EncryptionMethod', 'xenc').attribute('', 'Algorithm', recipient.wrap.uri).end();
      return wrapKey(recipient.wrap, writeAgreement(writer, recipient, random), key, random);
    default:
      return recipient satisfies never;
  }
}

function writeKeyInfo(writer: XmlWriter, keyInfo: XmlFragment | undefined): void {
  if (keyInfo !== undefined) writer.start(ds, 'KeyInfo', 'ds').fragment(keyInfo).end();
}

/** Writes the agreement with a key pair made for this message; gives the key that was agreed. */
function writeAgreement(
  writer: XmlWriter,
  { row, derivation, wrap, publicKey, keyInfo }: Recipient & { readonly kind: 'agreement' },
  random: Random,
): KeyObject {
  requireCurve(row, publicKey);
  const ephemeral = pairFor(publicKey);
  writer.start(ds, 'KeyInfo', 'ds').start(xenc, 'AgreementMethod', 'xenc').attribute('', 'Algorithm', row.uri);
  const chosen = writeDerivation(writer, derivation, wrap.keyLength, random);
  writer.start(xenc, 'OriginatorKeyInfo', 'xenc');
  writePublicKey(writer, ephemeral.publicKey);
  writer.end();
  if (keyInfo !== undefined) writer.start(xenc, 'RecipientKeyInfo', 'xenc').fragment(keyInfo).end();
  writer.end().end();
  const secret = sharedSecret(row, ephemeral.privateKey, publicKey);
  return createSecretKey(deriveKey(chosen, secret, wrap.keyLength));
}

function pairFor(publicKey: KeyObject): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  const curve = curveOf(publicKey);
  if (curve === 'x25519') return generateKeyPairSync('x25519');
  if (curve === 'x448') return generateKeyPairSync('x448');
  return generateKeyPairSync('ec', { namedCurve: curve });
}
