/**
 * xenc:EncryptedData and xenc:EncryptedKey as they are written (XML Encryption 1.1 sections 3 and 5), with every algorithm looked up
 * in the accepted set before anything is computed (attack K4). Ciphertext stands in the message: xenc:CipherReference is
 * refused whatever it points to (attack E9).
 */
import type { XmlElement } from '../../xml/document.ts';
import { child, childrenOf, requiredChild } from '../../xml/find.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { ds, xenc } from '../names.ts';
import { octetsOf, plainText, requiredAttribute } from '../values.ts';
import {
  type AcceptedEncryption,
  type ContentCipher,
  type KeyTransport,
  type KeyWrap,
  mgf1Sha1,
  oaepSha1,
  rowOf,
} from './algorithms.ts';
import { contentType, elementType, xenc11 } from './names.ts';
import type { OaepParameters } from './oaep.ts';

export interface EncryptedData {
  readonly element: XmlElement;
  /** What the plaintext stands for; `octets` when the message does not say, or says a type that is not XML's. */
  readonly type: 'element' | 'content' | 'octets';
  readonly cipher: ContentCipher;
  readonly keyInfo: XmlElement | undefined;
  readonly octets: Uint8Array;
}

export interface EncryptedKey {
  readonly element: XmlElement;
  readonly method:
    | { readonly kind: 'transport'; readonly row: KeyTransport; readonly parameters: OaepParameters }
    | { readonly kind: 'wrap'; readonly row: KeyWrap };
  readonly keyInfo: XmlElement | undefined;
  readonly octets: Uint8Array;
}

/** Octets of a wrapped key: an RSA key of 16384 bits gives as many. */
export const largestKey: number = 2048;
/** Octets of OAEPparams. */
const largestLabel = 512;

/** @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_ALGORITHM`, `SECURITY_UNSUPPORTED`; XmlError `XML_UNEXPECTED` */
export function readEncryptedData(element: XmlElement, accepted: AcceptedEncryption): EncryptedData {
  if (!element.is(xenc, 'EncryptedData')) throw malformed(`${untrusted(element.local)} is no EncryptedData.`);
  requireChildren(element, ['EncryptionMethod', 'KeyInfo', 'CipherData', 'EncryptionProperties']);
  const method = requiredChild(element, xenc, 'EncryptionMethod');
  const cipher = rowOf(requiredAttribute(method, 'Algorithm'), accepted.content);
  if (method.children.some((one) => !one.is(xenc, 'KeySize') || plainText(one) !== `${cipher.keyLength * 8}`)) {
    throw malformed('The EncryptionMethod of an EncryptedData has parameters.');
  }
  const type = element.attribute('Type');
  return {
    element,
    type: type === elementType ? 'element' : type === contentType ? 'content' : 'octets',
    cipher,
    keyInfo: child(element, ds, 'KeyInfo'),
    octets: cipherValue(element),
  };
}

/** @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_ALGORITHM`, `SECURITY_LIMIT`; XmlError `XML_UNEXPECTED` */
export function readEncryptedKey(element: XmlElement, accepted: AcceptedEncryption): EncryptedKey {
  if (!element.is(xenc, 'EncryptedKey')) throw malformed(`${untrusted(element.local)} is no EncryptedKey.`);
  requireChildren(element, [
    'EncryptionMethod',
    'KeyInfo',
    'CipherData',
    'EncryptionProperties',
    'ReferenceList',
    'CarriedKeyName',
  ]);
  const method = requiredChild(element, xenc, 'EncryptionMethod');
  const uri = requiredAttribute(method, 'Algorithm');
  const transport = accepted.transports.get(uri);
  const octets = cipherValue(element);
  if (octets.length > largestKey) throw new SecurityError('SECURITY_LIMIT', 'An EncryptedKey is too large.');
  return {
    element,
    method:
      transport === undefined
        ? { kind: 'wrap', row: rowOf(uri, accepted.wraps) }
        : { kind: 'transport', row: transport, parameters: readParameters(method, transport, accepted) },
    keyInfo: child(element, ds, 'KeyInfo'),
    octets,
  };
}

/** Section 5.5.2: no digest means SHA-1, no mask means MGF1 with SHA-1, and rsa-oaep-mgf1p has no other. */
function readParameters(method: XmlElement, row: KeyTransport, accepted: AcceptedEncryption): OaepParameters {
  const digest = child(method, ds, 'DigestMethod');
  const mask = child(method, xenc11, 'MGF');
  const label = child(method, xenc, 'OAEPparams');
  if (row.padding !== 'oaep') return { digest: oaepSha1, mask: mgf1Sha1, label: new Uint8Array() };
  const parameters = {
    digest: rowOf(digest === undefined ? oaepSha1.uri : requiredAttribute(digest, 'Algorithm'), accepted.oaepDigests),
    mask: rowOf(mask === undefined ? mgf1Sha1.uri : requiredAttribute(mask, 'Algorithm'), accepted.masks),
    label: label === undefined || plainText(label) === '' ? new Uint8Array() : octetsOf(label),
  };
  if (!row.choosesMask && parameters.mask.hash !== mgf1Sha1.hash) {
    throw new SecurityError('SECURITY_ALGORITHM', 'The mask of rsa-oaep-mgf1p is MGF1 with SHA-1, and no other.');
  }
  if (parameters.label.length > largestLabel) throw new SecurityError('SECURITY_LIMIT', 'OAEPparams are too large.');
  return parameters;
}

/**
 * The elements that a xenc:ReferenceList names, each once (section 3.6; attack E8).
 *
 * @param ids of the document, as `elementsById` gives them
 * @param limit of references
 * @throws SecurityError `SECURITY_LIMIT`, `SECURITY_REFERENCE`, `SECURITY_MALFORMED`
 */
export function referencedData(
  list: XmlElement,
  ids: ReadonlyMap<string, XmlElement>,
  limit: number,
): readonly XmlElement[] {
  if (!list.is(xenc, 'ReferenceList')) throw malformed(`${untrusted(list.local)} is no ReferenceList.`);
  const references = childrenOf(list, xenc, 'DataReference');
  if (references.length > limit) {
    throw new SecurityError('SECURITY_LIMIT', `A ReferenceList of ${references.length} references is too large.`);
  }
  const found = new Set<XmlElement>();
  for (const reference of references) {
    const uri = requiredAttribute(reference, 'URI');
    const target = uri.startsWith('#') ? ids.get(uri.slice(1)) : undefined;
    if (target === undefined || found.has(target)) {
      throw new SecurityError('SECURITY_REFERENCE', `"${untrusted(uri)}" names nothing here, or the same twice.`);
    }
    found.add(target);
  }
  return [...found];
}

function cipherValue(of: XmlElement): Uint8Array {
  const data = requiredChild(of, xenc, 'CipherData');
  const [value, second] = data.children;
  if (!value?.is(xenc, 'CipherValue') || second !== undefined) {
    throw new SecurityError('SECURITY_UNSUPPORTED', 'CipherData does not hold exactly one CipherValue.');
  }
  return octetsOf(value);
}

function requireChildren(of: XmlElement, names: readonly string[]): void {
  let seen = 0;
  for (const { local, namespace } of of.children) {
    const known = names.indexOf(local);
    if (known < 0 || namespace !== (local === 'KeyInfo' ? ds : xenc) || (seen & (1 << known)) !== 0) {
      throw malformed(`${of.local} holds ${untrusted(local)}, or holds it twice.`);
    }
    seen |= 1 << known;
  }
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}
