/**
 * The secrets of one message: EncryptedKeys for a key of this end, keys derived of them, and the secret of the request that
 * it answers. Everything is found in the Security header as it arrived, before any part of it was decrypted, and every
 * EncryptedKey is opened once; one that cannot be opened gives another secret, so that what it protects fails (attack E1).
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { equalBytes } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, requiredChild } from '../xml/find.ts';
import { digest } from './crypto.ts';
import { deriveKey, readDerivedKeyToken } from './derived-keys.ts';
import { Decryption } from './encryption/decrypt.ts';
import type { KeyHandle, KeyResolver } from './encryption/keyring.ts';
import { largestKey } from './encryption/shapes.ts';
import { SecurityError, untrusted } from './errors.ts';
import type { Exchange, SharedSecret } from './exchange.ts';
import type { SecurityHeader } from './header.ts';
import type { DecryptionKey } from './keys.ts';
import { base64Binary, ds, encryptedKeySha1, wsse, xenc } from './names.ts';
import type { EncryptionRequirement } from './protection.ts';
import { certificateOf } from './tokens/x509.ts';
import { allowedAttribute, octetsOf, requiredAttribute } from './values.ts';

/** What a reference to a secret leads to. */
type Source =
  | { readonly kind: 'encrypted-key'; readonly element: XmlElement }
  | { readonly kind: 'derived'; readonly element: XmlElement }
  | { readonly kind: 'request'; readonly secret: SharedSecret };

export class MessageKeys implements KeyResolver {
  /** The decryption of this message: its keys and its limits. */
  readonly decryption: Decryption;
  readonly #header: SecurityHeader;
  readonly #ids: ReadonlyMap<string, XmlElement>;
  readonly #length: number;
  readonly #own: readonly DecryptionKey[];
  /** The secret of the request, where this message may use it. */
  readonly #request: SharedSecret | undefined;
  readonly #derived = new Map<XmlElement, KeyObject>();
  /** Made once for each EncryptedKey, however many references look for one. */
  readonly #identifiers = new Map<XmlElement, Uint8Array>();
  /** The EncryptedKey of each secret that was asked for. */
  readonly #origins = new Map<KeyObject, XmlElement>();

  /**
   * @param header as it arrived
   * @param ids of its document
   * @throws SecurityError `SECURITY_UNSUPPORTED` when the reply brings a key where that of the request is to be used
   */
  constructor(
    header: SecurityHeader,
    ids: ReadonlyMap<string, XmlElement>,
    { accepted, origin, secretLength }: EncryptionRequirement,
    exchange: Exchange | undefined,
  ) {
    this.#header = header;
    this.#ids = ids;
    this.#length = secretLength;
    this.#own = origin.kind === 'transported' ? origin.keys : [];
    this.#request = origin.kind === 'request' ? exchange?.secret : undefined;
    // Anybody can encrypt a key of his own for this end; what answers a request has to know the key of the request.
    if (origin.kind === 'request' && header.encryptedKeys.length > 0) {
      throw new SecurityError('SECURITY_UNSUPPORTED', 'The reply brings an EncryptedKey of its own.');
    }
    this.decryption = new Decryption({ accepted, keys: this });
  }

  /**
   * Derives every key of the header; to be awaited before anything is resolved.
   *
   * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_MALFORMED`, `SECURITY_LIMIT`, `SECURITY_DECRYPTION`
   */
  async derive(): Promise<void> {
    for (const token of this.#header.derivedKeyTokens) {
      const derivation = readDerivedKeyToken(token);
      const source = derivation.source && this.#sourceOf(derivation.source);
      // A key of a key of a key is nobody's habit, and would be a way to make work.
      if (source === undefined || source.kind === 'derived') throw unknownSecret();
      const secret = await this.#secretOf(source);
      this.#derived.set(token, createSecretKey(deriveKey(secret.key.export(), derivation)));
    }
  }

  /** For decryption: what opens a part or an EncryptedKey. */
  resolve(keyInfo: XmlElement | undefined): KeyHandle | undefined {
    const reference = keyInfo && referenceIn(keyInfo);
    if (reference === undefined) return undefined;
    const source = this.#sourceOf(reference);
    switch (source?.kind) {
      case 'encrypted-key':
        return { kind: 'encrypted-key', element: source.element };
      case 'derived':
        return { kind: 'secret', key: this.#derivedOf(source.element) };
      case 'request':
        return { kind: 'secret', key: source.secret.key };
      case undefined: {
        const own = this.#holderOf(keyInfo);
        return own && { kind: 'decrypter', decrypter: own.decrypter };
      }
      default:
        return source satisfies never;
    }
  }

  /** True when an EncryptedKey is for a key of this end: what is for others is not ours to open. */
  isOwn(encryptedKey: XmlElement): boolean {
    const keyInfo = child(encryptedKey, ds, 'KeyInfo');
    const agreement = keyInfo && child(keyInfo, xenc, 'AgreementMethod');
    return this.#holderOf(agreement === undefined ? keyInfo : child(agreement, xenc, 'RecipientKeyInfo')) !== undefined;
  }

  /**
   * The secret that a signature names, itself or derived.
   *
   * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_DECRYPTION`
   */
  async signing(keyInfo: XmlElement | undefined): Promise<{ readonly key: KeyObject; readonly secret: SharedSecret }> {
    const reference = keyInfo && referenceIn(keyInfo);
    const source = reference && this.#sourceOf(reference);
    if (source === undefined) throw unknownSecret();
    if (source.kind !== 'derived') {
      const secret = await this.#secretOf(source);
      return { key: secret.key, secret };
    }
    const { source: of } = readDerivedKeyToken(source.element);
    const root = of && this.#sourceOf(of);
    if (root === undefined) throw unknownSecret();
    return { key: this.#derivedOf(source.element), secret: await this.#secretOf(root) };
  }

  /**
   * Holds all that was decrypted to the secret that signed: in the symmetric binding ciphertext under another is that of somebody
   * else, which whoever signed it need not be able to read (attack E12).
   *
   * @throws SecurityError `SECURITY_UNSUPPORTED`
   */
  requireOnly(secret: SharedSecret): void {
    const origin = this.#origins.get(secret.key);
    for (const source of this.decryption.sources) {
      if (origin?.contains(source) === true) continue;
      throw new SecurityError(
        'SECURITY_UNSUPPORTED',
        'A part is encrypted under another secret than the one that signs.',
      );
    }
  }

  async #secretOf(source: Source): Promise<SharedSecret> {
    if (source.kind === 'request') return source.secret;
    if (source.kind === 'derived' || !this.isOwn(source.element)) throw unknownSecret();
    const key = await this.decryption.key(source.element, this.#length);
    this.#origins.set(key, source.element);
    return { key, identifier: this.#identifierOf(source.element) };
  }

  #identifierOf(encryptedKey: XmlElement): Uint8Array {
    const identifier = this.#identifiers.get(encryptedKey) ?? identifierOf(encryptedKey);
    this.#identifiers.set(encryptedKey, identifier);
    return identifier;
  }

  #derivedOf(token: XmlElement): KeyObject {
    const key = this.#derived.get(token);
    if (key === undefined) throw unknownSecret();
    return key;
  }

  /** What a SecurityTokenReference names among the secrets; by `#id` only what stands in this header (BSP R5204). */
  #sourceOf(reference: XmlElement): Source | undefined {
    const [target, second] = reference.children;
    if (target === undefined || second !== undefined) throw notOne();
    if (target.is(wsse, 'Reference')) {
      const uri = requiredAttribute(target, 'URI');
      const element = uri.startsWith('#') ? this.#ids.get(uri.slice(1)) : undefined;
      if (element === undefined) throw new SecurityError('SECURITY_TOKEN', `There is no token "${untrusted(uri)}".`);
      if (this.#header.encryptedKeys.includes(element)) return { kind: 'encrypted-key', element };
      if (this.#header.derivedKeyTokens.includes(element)) return { kind: 'derived', element };
      return undefined;
    }
    if (!target.is(wsse, 'KeyIdentifier') || target.attribute('ValueType') !== encryptedKeySha1) return undefined;
    allowedAttribute(target, 'EncodingType', base64Binary);
    const wanted = octetsOf(target);
    if (this.#request !== undefined && equalBytes(this.#request.identifier, wanted)) {
      return { kind: 'request', secret: this.#request };
    }
    const element = this.#header.encryptedKeys.find((one) => equalBytes(this.#identifierOf(one), wanted));
    if (element === undefined) throw unknownSecret();
    return { kind: 'encrypted-key', element };
  }

  #holderOf(keyInfo: XmlElement | undefined): DecryptionKey | undefined {
    if (keyInfo === undefined) return undefined;
    const known = this.#own.map(({ certificate }) => certificate);
    try {
      const named = certificateOf(keyInfo, { header: this.#header, ids: this.#ids, known });
      return this.#own.find(({ certificate }) => certificate.keyFingerprint === named.keyFingerprint);
    } catch (thrown) {
      // A certificate that is not here is that of another reader.
      if (thrown instanceof SecurityError && thrown.code === 'SECURITY_TOKEN') return undefined;
      throw thrown;
    }
  }
}

/** EncryptedKeySHA1 of an EncryptedKey: SHA-1 of the octets in its CipherValue. */
function identifierOf(encryptedKey: XmlElement): Uint8Array {
  const value = requiredChild(requiredChild(encryptedKey, xenc, 'CipherData'), xenc, 'CipherValue');
  const octets = octetsOf(value);
  if (octets.length > largestKey) throw new SecurityError('SECURITY_LIMIT', 'An EncryptedKey is larger than any key.');
  return digest({ hash: 'sha1' }, octets);
}

/** The one SecurityTokenReference of a ds:KeyInfo (BSP R5424, R5426). */
function referenceIn(keyInfo: XmlElement): XmlElement | undefined {
  const [reference, second] = keyInfo.children;
  return second === undefined && reference?.is(wsse, 'SecurityTokenReference') ? reference : undefined;
}

function unknownSecret(): SecurityError {
  return new SecurityError('SECURITY_TOKEN', 'The message refers to a secret that is not known here.');
}

function notOne(): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', 'A SecurityTokenReference does not hold exactly one reference.');
}
