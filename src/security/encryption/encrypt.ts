/**
 * xenc:EncryptedData (XML Encryption 1.1 sections 3.4 and 4.3) and wsse11:EncryptedHeader (WSS 1.1 section 9.3), canonical as they are
 * written. Plaintext is the canonical form of what is encrypted, so that no parser has to see it in between.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { base64, view } from '../../base/bytes.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import { XmlFragment } from '../../xml/fragment.ts';
import { escapeValue } from '../../xml/output.ts';
import { XmlWriter } from '../../xml/write.ts';
import { secretLength } from '../crypto.ts';
import { SecurityError } from '../errors.ts';
import { ds, wsse11, wsu, xenc } from '../names.ts';
import type { ContentCipher } from './algorithms.ts';
import { encipher } from './ciphers.ts';
import { contentType, elementType } from './names.ts';

export interface EncryptionOptions {
  readonly cipher: ContentCipher;
  /** As long as the cipher wants it; see `contentKey`. */
  readonly key: KeyObject;
  /** Of the EncryptedData, for the ReferenceList that names it. */
  readonly id?: string;
  /**
   * What stands in ds:KeyInfo: a SecurityTokenReference, or an EncryptedKey for each recipient; or the KeyInfo as it was written
   * before. Default: no KeyInfo.
   */
  readonly keyInfo?: readonly XmlFragment[] | WrittenKeyInfo;
  /** Default: that of the platform. */
  readonly random?: Random;
}

/** A ds:KeyInfo that every EncryptedData of one key has, canonical inside one. */
export interface WrittenKeyInfo {
  readonly text: string;
  /** Prefixes of words in its content. */
  readonly prefixes: readonly string[];
}

/** Writes the KeyInfo of an EncryptedData once for all that are under one key. */
export function writeKeyInfo(parts: readonly XmlFragment[]): WrittenKeyInfo {
  if (parts.length === 0) return noKeyInfo;
  const writer = new XmlWriter().start(xenc, 'EncryptedData', 'xenc').start(ds, 'KeyInfo', 'ds');
  for (const part of parts) writer.fragment(part);
  const around = writer.end().end().finish();
  const text = around.toString();
  return { text: text.slice(text.indexOf('>') + 1, text.lastIndexOf('</')), prefixes: around.prefixes };
}

const noKeyInfo: WrittenKeyInfo = Object.freeze({ text: '', prefixes: Object.freeze([]) });

/** A fresh key for a cipher. */
export function contentKey(cipher: ContentCipher, random: Random = systemRandom): KeyObject {
  return createSecretKey(random.bytes(cipher.keyLength));
}

/**
 * Octets of any kind.
 *
 * @param plaintext a text stands for its UTF-8
 * @param type what they stand for; absent for octets that are not XML
 * @throws SecurityError `SECURITY_KEY` when the key has not the length of the cipher
 */
export function encryptOctets(
  plaintext: Uint8Array | string,
  { cipher, key, id, keyInfo = [], random = systemRandom }: EncryptionOptions,
  type?: 'element' | 'content',
): XmlFragment {
  if (secretLength(key) !== cipher.keyLength) {
    throw new SecurityError('SECURITY_KEY', `The key has not the length that ${cipher.uri} wants.`);
  }
  const { text, prefixes } = 'text' in keyInfo ? keyInfo : writeKeyInfo(keyInfo);
  // As text, because every message has two of them; what is put into it is ours but for the id.
  const named = id === undefined ? '' : ` Id="${escapeValue(id)}"`;
  const typed = type === undefined ? '' : ` Type="${type === 'element' ? elementType : contentType}"`;
  const before =
    `<xenc:EncryptedData xmlns:xenc="${xenc}"${named}${typed}>` +
    `<xenc:EncryptionMethod Algorithm="${cipher.uri}"></xenc:EncryptionMethod>${text}<xenc:CipherData><xenc:CipherValue>`;
  const value = base64(encipher(cipher, key, plaintext, random));
  return XmlFragment.written([before, value, behindValue], prefixes);
}

const behindValue = '</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>';

/**
 * The EncryptedData that stands for an element. Its place has no default namespace, as in every envelope written here: an
 * element in no namespace has nothing that would keep it so.
 *
 * @throws SecurityError `SECURITY_KEY`
 */
export function encryptElement(element: XmlFragment, options: EncryptionOptions): XmlFragment {
  return encryptOctets(element.whole, options, 'element');
}

/**
 * The same element with everything inside it encrypted, as the Body of a message is (never the Body itself).
 *
 * @throws SecurityError `SECURITY_KEY`
 */
export function encryptContent(element: XmlFragment, options: EncryptionOptions): XmlFragment {
  const { bytes, prefixes } = element;
  const octets = view(bytes);
  const [behindStart, end] = [endOfStartTag(octets), octets.lastIndexOf(0x3c)];
  const content = octets.subarray(behindStart, end);
  const start = octets.subarray(0, behindStart);
  // What is encrypted brings its namespaces along; a start tag that declares none of them needs no other form.
  if (prefixes.length === 0 && !declaring.test(start.toString('utf8'))) {
    const { pieces } = encryptOctets(content, options, 'content');
    return XmlFragment.written([start, ...pieces, octets.subarray(end)], prefixes);
  }
  const root = XmlFragment.written(bytes, prefixes).element;
  const writer = new XmlWriter().start(root.namespace, root.local, root.prefix);
  for (const name of prefixes) {
    const prefix = name === '#default' ? '' : name;
    const namespace = root.namespaceOf(prefix);
    if (namespace !== undefined) writer.declare(prefix, namespace);
  }
  for (const { namespace, local, value, prefix } of root.attributes) writer.attribute(namespace, local, value, prefix);
  return writer
    .fragment(encryptOctets(content, options, 'content'))
    .end()
    .finish();
}

/** Declarations that an EncryptedData has as well, or a default namespace. */
const declaring = / xmlns(?:|:ds|:xenc|:wsse|:wsse11)="/;

/** What of a header block its EncryptedHeader shows (WSS 1.1 section 9.3). */
const shown: ReadonlySet<string> = new Set(['mustUnderstand', 'actor', 'role', 'relay']);

/**
 * The EncryptedHeader that stands for a header block: for whom it is and whether it has to be understood stays readable.
 *
 * @param soap namespace of the envelope
 * @param id wsu:Id of the EncryptedHeader
 * @throws SecurityError `SECURITY_KEY`
 */
export function encryptHeader(block: XmlFragment, soap: string, id: string, options: EncryptionOptions): XmlFragment {
  const writer = new XmlWriter().start(wsse11, 'EncryptedHeader', 'wsse11').attribute(wsu, 'Id', id, 'wsu');
  for (const { namespace, local, value, prefix } of block.element.attributes) {
    if (namespace === soap && shown.has(local)) writer.attribute(namespace, local, value, prefix);
  }
  return writer.fragment(encryptElement(block, options)).end().finish();
}

/** The octet behind the start tag of a canonical element, where `>` may stand in a value and values are in double quotes. */
function endOfStartTag(octets: Uint8Array): number {
  let quoted = false;
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] === 0x22) quoted = !quoted;
    else if (octets[at] === 0x3e && !quoted) return at + 1;
  }
  return octets.length;
}
