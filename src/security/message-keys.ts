/**
 * The secrets of one message: EncryptedKeys for a key of this end, keys derived of them, and the secret of the request that
 * it answers. Everything is found in the Security header as it arrived, before any part of it was decrypted, and every
 * EncryptedKey is opened once; one that cannot be opened gives another secret, so that what it protects fails (attack E1).
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { after } from '../base/after.ts';
import { equalBytes } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, requiredChild } from '../xml/find.ts';
import { digest } from './crypto.ts';
import { type Derivation, deriveKey, impliedDerivation, readDerivedKeyToken } from './derived-keys.ts';
import type { AcceptedEncryption } from './encryption/algorithms.ts';
import { Decryption } from './encryption/decrypt.ts';
import type { KeyHandle, KeyResolver } from './encryption/keyring.ts';
import { largestKey } from './encryption/shapes.ts';
import { SecurityError, untrusted } from './errors.ts';
import type { ContextSecret, ContextSource, Exchange, SharedSecret } from './exchange.ts';
import type { SecurityHeader } from './header.ts';
import type { DecryptionKey } from './keys.ts';
import { base64Binary, ds, encryptedKeySha1, wsse, xenc } from './names.ts';
import type { EncryptionRequirement } from './protection.ts';
import { type ContextName, contextTokenType, readContextToken, sameName } from './tokens/context.ts';
import { certificateOf } from './tokens/x509.ts';
import { allowedAttribute, octetsOf, requiredAttribute } from './values.ts';

/** What a reference to a secret leads to. */
type Source =
  | { readonly kind: 'encrypted-key'; readonly element: XmlElement }
  | { readonly kind: 'derived'; readonly element: XmlElement }
  | { readonly kind: 'request'; readonly secret: SharedSecret }
  /** `key` is that of the context, or implied by the reference. */
  | { readonly kind: 'context'; readonly secret: ContextSecret; readonly key: KeyObject };

/** A secret that signs or is derived of: that of an EncryptedKey, or of a security context. */
export type SigningSecret =
  | { readonly kind: 'secret'; readonly secret: SharedSecret }
  | { readonly kind: 'context'; readonly secret: ContextSecret };

/** A key and the secret that it is, or is derived of. */
interface DerivedSecret {
  readonly key: KeyObject;
  readonly of: SigningSecret;
}

/** What of a requirement says which keys there are. */
export type KeyRequirement = Pick<EncryptionRequirement, 'accepted' | 'origin' | 'secretLength'>;

export class MessageKeys implements KeyResolver {
  readonly #accepted: AcceptedEncryption;
  #decryption: Decryption | undefined;
  readonly #header: SecurityHeader;
  readonly #ids: ReadonlyMap<string, XmlElement>;
  readonly #length: number;
  readonly #own: readonly DecryptionKey[];
  /** The secret of the request, where this message may use it. */
  readonly #request: SharedSecret | undefined;
  readonly #contexts: ContextSource | undefined;
  /** The one security context that this message is under. */
  #context: ContextSecret | undefined;
  /** The SecurityContextToken that named it. */
  #token: XmlElement | undefined;
  readonly #derived = new Map<XmlElement, DerivedSecret>();
  /** Secrets that open parts, themselves or through derived keys. */
  readonly #opening = new Set<KeyObject>();
  /** Made once for each EncryptedKey, however many references look for one. */
  #identifiers: Map<XmlElement, Uint8Array> | undefined;
  /** The EncryptedKey of each secret that was asked for. */
  #origins: Map<KeyObject, XmlElement> | undefined;

  /**
   * @param header as it arrived
   * @param ids of its document
   * @param contexts where the message may be under a security context
   * @throws SecurityError `SECURITY_UNSUPPORTED` when the reply brings a key where that of the request is to be used
   */
  constructor(
    header: SecurityHeader,
    ids: ReadonlyMap<string, XmlElement>,
    { accepted, origin, secretLength }: KeyRequirement,
    exchange: Exchange | undefined,
    contexts: ContextSource | undefined,
  ) {
    this.#header = header;
    this.#ids = ids;
    this.#length = secretLength;
    this.#own = origin.kind === 'transported' ? origin.keys : [];
    this.#request = origin.kind === 'request' ? exchange?.secret : undefined;
    // Anybody can encrypt a key of his own for this end; what answers a request has to know the key of the request.
    if (origin.kind !== 'transported' && header.encryptedKeys.length > 0) {
      throw new SecurityError('SECURITY_UNSUPPORTED', 'The message brings an EncryptedKey of its own.');
    }
    this.#contexts = contexts;
    this.#accepted = accepted;
  }

  /** The decryption of this message: its keys and its limits. Many messages are signed under a secret and hide nothing. */
  get decryption(): Decryption {
    this.#decryption ??= new Decryption({ accepted: this.#accepted, keys: this });
    return this.#decryption;
  }

  /**
   * Derives every key of the header; to be awaited before anything is resolved.
   *
   * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_MALFORMED`, `SECURITY_LIMIT`, `SECURITY_DECRYPTION`
   */
  derive(from: number = 0): Promise<void> | undefined {
    const tokens = this.#header.derivedKeyTokens;
    for (let at = from; at < tokens.length; at++) {
      const token = tokens[at] as XmlElement;
      const derivation = readDerivedKeyToken(token);
      const source = derivation.source && this.#sourceOf(derivation.source);
      // A key of a key of a key is nobody's habit, and would be a way to make work.
      if (source === undefined || source.kind === 'derived') throw unknownSecret();
      const of = this.#secretOf(source);
      // Only what opens an EncryptedKey may have to be waited for.
      if (of instanceof Promise) {
        return of.then((opened) => {
          this.#keep(token, derivation, opened);
          return this.derive(at + 1);
        });
      }
      this.#keep(token, derivation, of);
    }
    return undefined;
  }

  #keep(token: XmlElement, derivation: Derivation, of: SigningSecret): void {
    const { key: root } = of.secret;
    const key = of.kind === 'context' ? derivedBefore(root, derivation) : derivedOf(root, derivation);
    this.#derived.set(token, { key, of });
  }

  /** For decryption: what opens a part or an EncryptedKey. */
  resolve(keyInfo: XmlElement | undefined): KeyHandle | undefined {
    const reference = keyInfo && referenceIn(keyInfo);
    if (reference === undefined) return undefined;
    const source = this.#sourceOf(reference);
    switch (source?.kind) {
      case 'encrypted-key':
        return { kind: 'encrypted-key', element: source.element };
      case 'derived': {
        const { key, of } = this.#derivedOf(source.element);
        this.#opening.add(of.secret.key);
        return { kind: 'secret', key };
      }
      case 'request':
      case 'context':
        this.#opening.add(source.secret.key);
        return { kind: 'secret', key: source.kind === 'context' ? source.key : source.secret.key };
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
  signing(keyInfo: XmlElement | undefined): DerivedSecret | Promise<DerivedSecret> {
    const reference = keyInfo && referenceIn(keyInfo);
    const source = reference && this.#sourceOf(reference);
    if (source === undefined) throw unknownSecret();
    if (source.kind === 'derived') return this.#derivedOf(source.element);
    return after(this.#secretOf(source), (of) => ({ key: source.kind === 'context' ? source.key : of.secret.key, of }));
  }

  /** True when the key of a signature is that of a security context, or derived of it. */
  namesContext(keyInfo: XmlElement | undefined): boolean {
    const reference = keyInfo && referenceIn(keyInfo);
    const source = reference && this.#sourceOf(reference);
    return (source?.kind === 'derived' ? this.#derivedOf(source.element).of.kind : source?.kind) === 'context';
  }

  /**
   * Holds all that was decrypted to the secret that signed: in the symmetric binding ciphertext under another is that of somebody
   * else, which whoever signed it need not be able to read (attack E12).
   *
   * @throws SecurityError `SECURITY_UNSUPPORTED`
   */
  requireOnly({ secret }: SigningSecret): void {
    const origin = this.#origins?.get(secret.key);
    for (const source of this.#decryption?.sources ?? []) {
      if (origin?.contains(source) !== true) throw otherSecret();
    }
    for (const key of this.#opening) if (key !== secret.key) throw otherSecret();
  }

  #secretOf(source: Exclude<Source, { kind: 'derived' }>): SigningSecret | Promise<SigningSecret> {
    if (source.kind === 'request') return { kind: 'secret', secret: source.secret };
    if (source.kind === 'context') return { kind: 'context', secret: source.secret };
    if (!this.isOwn(source.element)) throw unknownSecret();
    return this.#opened(source.element);
  }

  async #opened(element: XmlElement): Promise<SigningSecret> {
    const key = await this.decryption.key(element, this.#length);
    this.#origins ??= new Map();
    this.#origins.set(key, element);
    return { kind: 'secret', secret: { key, identifier: this.#identifierOf(element) } };
  }

  #identifierOf(encryptedKey: XmlElement): Uint8Array {
    const identifier = this.#identifiers?.get(encryptedKey) ?? identifierOf(encryptedKey);
    this.#identifiers ??= new Map();
    this.#identifiers.set(encryptedKey, identifier);
    return identifier;
  }

  #derivedOf(token: XmlElement): DerivedSecret {
    const derived = this.#derived.get(token);
    if (derived === undefined) throw unknownSecret();
    return derived;
  }

  /** What a SecurityTokenReference names among the secrets; by `#id` only what stands in this header (BSP R5204). */
  #sourceOf(reference: XmlElement): Source | undefined {
    const [target, second] = reference.children;
    if (target === undefined || second !== undefined) throw notOne();
    if (target.is(wsse, 'Reference')) {
      const uri = requiredAttribute(target, 'URI');
      if (!uri.startsWith('#')) return this.#contextNamed(reference, target, uri);
      const element = this.#ids.get(uri.slice(1));
      if (element === undefined) throw new SecurityError('SECURITY_TOKEN', `There is no token "${untrusted(uri)}".`);
      if (this.#header.encryptedKeys.includes(element)) return { kind: 'encrypted-key', element };
      if (this.#header.derivedKeyTokens.includes(element)) return { kind: 'derived', element };
      if (this.#token === element && this.#context !== undefined) return usedAs(this.#context, reference);
      if (!this.#header.contextTokens.includes(element)) return undefined;
      return this.#contextOf(reference, readContextToken(element.namespace, element), element);
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

  /** A context whose token need not stand in the message. */
  #contextNamed(reference: XmlElement, target: XmlElement, identifier: string): Source {
    const namespace = this.#contexts?.namespace ?? '';
    if (target.attribute('ValueType') !== contextTokenType(namespace)) throw unknownSecret();
    const name = { identifier, instance: target.attribute('Instance', namespace) };
    if (this.#context !== undefined && sameName(this.#context, name)) return usedAs(this.#context, reference);
    const token = this.#header.contextTokens.find((one) => {
      return sameName(readContextToken(one.namespace, one), name);
    });
    return this.#contextOf(reference, name, token);
  }

  #contextOf(reference: XmlElement, name: ContextName, token: XmlElement | undefined): Source {
    if (this.#contexts === undefined || (token !== undefined && token.namespace !== this.#contexts.namespace)) {
      throw unknownSecret();
    }
    const known = this.#context;
    const secret = known !== undefined && sameName(known, name) ? known : this.#contexts.find(name, token);
    // Whoever has a context of his own could else bring along what was encrypted for another (attack E12).
    if (known !== undefined && known !== secret) throw otherSecret();
    this.#context = secret;
    this.#token = token;
    return usedAs(secret, reference);
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

/** The key of a context as a reference to it says: itself, or derived as the reference implies. */
function usedAs(secret: ContextSecret, reference: XmlElement): Source {
  const implied = impliedDerivation(reference);
  const key = implied === undefined ? secret.key : derivedBefore(secret.key, implied);
  return { kind: 'context', secret, key };
}

function derivedOf(secret: KeyObject, derivation: Derivation): KeyObject {
  return createSecretKey(deriveKey(secret.export(), derivation));
}

/** As `derivedOf`, for a secret that many messages are under: a sender keeps a pair of keys for a while. */
function derivedBefore(secret: KeyObject, derivation: Derivation): KeyObject {
  const known = derivedKeys.get(secret) ?? [];
  for (const one of known) if (sameDerivation(one.by, derivation)) return one.key;
  const key = derivedOf(secret, derivation);
  // Nothing of the message that said it is kept along.
  const { nonce, offset, length, label } = derivation;
  const by = { nonce: new Uint8Array(nonce), offset, length, label };
  // The oldest goes: who sends other nonces each time has its keys derived each time.
  derivedKeys.set(secret, [...known.slice(1 - derivedKeysKept), { by, key }]);
  return key;
}

function sameDerivation(one: Derivation, other: Derivation): boolean {
  return (
    one.offset === other.offset &&
    one.length === other.length &&
    one.label === other.label &&
    equalBytes(one.nonce, other.nonce)
  );
}

const derivedKeys = new WeakMap<KeyObject, readonly { readonly by: Derivation; readonly key: KeyObject }[]>();

/** Derived keys of one context that are kept: a pair for each direction, and for what was under way when they changed. */
const derivedKeysKept = 8;

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

function otherSecret(): SecurityError {
  return new SecurityError('SECURITY_UNSUPPORTED', 'A part is encrypted under another secret than the one that signs.');
}

function unknownSecret(): SecurityError {
  return new SecurityError('SECURITY_TOKEN', 'The message refers to a secret that is not known here.');
}

function notOne(): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', 'A SecurityTokenReference does not hold exactly one reference.');
}
