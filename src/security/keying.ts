/**
 * The keys that protect one message on its way out, and what names them there. Binding with certificates: a fresh content key,
 * in an EncryptedKey for each reader. Symmetric binding (WSS 1.1): one secret signs and encrypts, itself or through derived
 * keys; it travels in the EncryptedKey of the request, and the reply refers to it by EncryptedKeySHA1.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { base64 } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import type { Certificate } from './certificates.ts';
import { digest } from './crypto.ts';
import { derivationLabel, derivationNonce, deriveKey, writeDerivedKeyToken } from './derived-keys.ts';
import { curveOf } from './encryption/agreement.ts';
import { concatKdf, hkdf, hmacSha256 } from './encryption/algorithms.ts';
import { contentKey, type WrittenKeyInfo, writeKeyInfo } from './encryption/encrypt.ts';
import { type Recipient, sealKey } from './encryption/encrypted-key.ts';
import { SecurityError } from './errors.ts';
import type { ContextSecret, Exchange, SharedSecret } from './exchange.ts';
import { insideHeader, withoutDs, withoutWsse } from './header.ts';
import { base64Binary, encryptedKeySha1, encryptedKeyToken, wsse, wsse11, xenc } from './names.ts';
import type { EncryptionProduction } from './protection.ts';
import { sha256 } from './suites.ts';
import { writeAttachedReference, writeUnattachedReference } from './tokens/context.ts';
import { writeTokenReference } from './tokens/x509.ts';

/** A key that signs and the SecurityTokenReference that names it, for a place where the prefix `ds` is declared. */
export interface NamedKey {
  readonly key: KeyObject;
  readonly reference: string;
}

/** A key that encrypts and the ds:KeyInfo that names it; an empty one where what lists the part says it. */
interface EncryptingKey {
  readonly key: KeyObject;
  readonly keyInfo: WrittenKeyInfo;
  /** For a place where the prefix `wsse` is declared. */
  readonly insideHeader: WrittenKeyInfo;
}

export interface Keying {
  /** Signs under the secret; absent where certificates sign. */
  readonly signing: NamedKey | undefined;
  readonly encrypting: EncryptingKey;
  readonly secret: SharedSecret | undefined;
  /**
   * EncryptedKeys and DerivedKeyTokens, for the Security header.
   *
   * @param references ids of the EncryptedData of the message
   */
  markup(references: readonly string[]): readonly string[];
  /** What lists encrypted parts apart from their keys, where they are. */
  list(references: readonly string[]): string;
}

export interface KeyingInput {
  readonly production: EncryptionProduction;
  /** Whether the secret signs as well. */
  readonly symmetric: boolean;
  readonly exchange: Exchange | undefined;
  readonly random: Random;
  /** Keys that are derived of security contexts, used again for a while. */
  readonly derived: DerivedPairs;
  id(): string;
}

/** The keys derived of a context that sign and encrypt, with what names them and the DerivedKeyTokens that say them. */
interface DerivedPair {
  readonly signing: NamedKey;
  readonly encrypting: EncryptingKey;
  /** What stands in the Security header whatever is encrypted, and what stands there where something is. */
  readonly before: readonly string[];
  readonly token: string;
}

interface Derived {
  readonly key: KeyObject;
  readonly reference: XmlFragment;
  /** The DerivedKeyToken, where there is one. */
  readonly token: string;
}

/**
 * The pairs that one sender derives of its contexts. A pair serves so many messages (WCF too lets a sender keep it for a session):
 * far from what AES-GCM stands under one key with nonces of chance, and nothing has to be derived at either end.
 */
export class DerivedPairs {
  readonly #pairs = new WeakMap<KeyObject, { readonly pair: DerivedPair; left: number }>();

  of(secret: KeyObject, make: () => DerivedPair): DerivedPair {
    const known = this.#pairs.get(secret);
    if (known !== undefined && known.left > 0) {
      known.left--;
      return known.pair;
    }
    const pair = make();
    this.#pairs.set(secret, { pair, left: messagesOfPair - 1 });
    return pair;
  }
}

/** Messages under one pair of derived keys. */
const messagesOfPair = 1_000;

/** @throws SecurityError `SECURITY_POLICY` when nobody can be told to read the message; `SECURITY_KEY` */
export function keyingOf(input: KeyingInput): Keying {
  const { production, symmetric, exchange } = input;
  const { readers } = production;
  if (readers.kind === 'context') {
    const context = exchange?.context;
    if (context === undefined)
      throw new SecurityError('SECURITY_POLICY', 'There is no security context to secure with.');
    const names = () => contextReference(context, readers.token === 'included');
    return symmetricKeying(input, context.key, undefined, names, true);
  }
  if (readers.kind === 'request') {
    const secret = exchange?.secret;
    if (secret === undefined) throw new SecurityError('SECURITY_POLICY', 'Only the reply to a request has its secret.');
    const names = { included: [], reference: () => identifierReference(secret.identifier) };
    return symmetricKeying(input, secret.key, secret, () => names);
  }
  const certificates = readers.kind === 'certificates' ? readers.certificates : [exchange?.certificate];
  const recipients = certificates.map((one) => recipientOf(production, one));
  const key = contentKey(production.suite.content, input.random);
  return symmetric ? transported(input, key, recipients) : enclosed(input, key, recipients);
}

/** Certificates sign: the list stands in each EncryptedKey, or, encrypted before it is signed, behind the signature. */
function enclosed(input: KeyingInput, key: KeyObject, recipients: readonly Recipient[]): Keying {
  const { production, random } = input;
  const apart = production.order === 'encrypt-sign';
  const ids = recipients.map(() => input.id());
  if (recipients.length === 0 || (apart && recipients.length > 1)) throw nobody();
  return {
    signing: undefined,
    encrypting: encryptingKey(key, apart ? keyReference(ids[0] ?? '') : undefined),
    secret: undefined,
    markup: (references) =>
      recipients.map((recipient, at) => {
        const options = { id: ids[at] ?? '', references: apart ? [] : references, random };
        return withoutWsse(sealKey(key, recipient, options).fragment.toString());
      }),
    list: (references) => (apart ? referenceList(references) : ''),
  };
}

function transported(input: KeyingInput, key: KeyObject, recipients: readonly Recipient[]): Keying {
  const [recipient, second] = recipients;
  // A reply under the secret of several would say which of them wrote it to nobody.
  if (recipient === undefined || second !== undefined) throw nobody();
  const id = input.id();
  const { fragment, octets } = sealKey(key, recipient, { id, random: input.random });
  const secret = { key, identifier: digest({ hash: 'sha1' }, octets) };
  const names = { included: [withoutWsse(fragment.toString())], reference: () => keyReference(id) };
  return symmetricKeying(input, key, secret, () => names);
}

/** What of a secret goes along with the message, and what names it there. */
interface SecretNames {
  readonly included: readonly string[];
  readonly reference: () => XmlFragment;
}

function symmetricKeying(
  input: KeyingInput,
  key: KeyObject,
  secret: SharedSecret | undefined,
  names: () => SecretNames,
  again: boolean = false,
): Keying {
  const { derived: lengths, suite } = input.production;
  if (lengths === undefined) {
    const { included, reference } = names();
    const named = reference();
    return {
      signing: { key, reference: withoutDs(named) },
      encrypting: encryptingKey(key, named),
      secret,
      markup: () => included,
      list: referenceList,
    };
  }
  const derive = again && lengths.implied === true ? implied : derived;
  const make = (): DerivedPair => {
    const { included, reference } = names();
    const signing = derive(input, lengths.version, key, lengths.signature, reference());
    const encrypting = derive(input, lengths.version, key, suite.content.keyLength, reference());
    return {
      signing: { key: signing.key, reference: withoutDs(signing.reference) },
      encrypting: encryptingKey(encrypting.key, encrypting.reference),
      before: [...included, signing.token],
      token: encrypting.token,
    };
  };
  const { signing, encrypting, before, token } = again ? input.derived.of(key, make) : make();
  return {
    signing,
    encrypting,
    secret,
    markup: ({ length }) => (length === 0 ? before : [...before, token]),
    list: referenceList,
  };
}

function encryptingKey(key: KeyObject, reference: XmlFragment | undefined): EncryptingKey {
  const keyInfo = writeKeyInfo(reference === undefined ? [] : [reference]);
  return { key, keyInfo, insideHeader: { ...keyInfo, text: withoutWsse(keyInfo.text) } };
}

function derived(
  input: KeyingInput,
  version: string,
  secret: KeyObject,
  length: number,
  reference: XmlFragment,
): Derived {
  const id = input.id();
  const derivation = { nonce: input.random.bytes(derivationNonce), offset: 0, length };
  return {
    key: createSecretKey(deriveKey(secret.export(), { ...derivation, label: derivationLabel })),
    reference: new XmlWriter()
      .start(wsse, 'SecurityTokenReference', 'wsse')
      .start(wsse, 'Reference', 'wsse')
      .attribute('', 'URI', `#${id}`)
      .end()
      .end()
      .finish(),
    token: withoutWsse(writeDerivedKeyToken(version, id, reference, derivation).toString()),
  };
}

/** As `derived`, said by the reference itself: no token stands in the header. */
function implied(
  input: KeyingInput,
  version: string,
  secret: KeyObject,
  length: number,
  reference: XmlFragment,
): Derived {
  const nonce = input.random.bytes(derivationNonce);
  const derivation = { nonce, offset: 0, length, label: derivationLabel };
  return {
    key: createSecretKey(deriveKey(secret.export(), derivation)),
    reference: reference
      .withAttribute(version, 'Length', String(length), 'wsc')
      .withAttribute(version, 'Nonce', base64(nonce), 'wsc'),
    token: '',
  };
}

/** How a key travels to a certificate: over RSA, or agreed with a key on a curve. */
export function recipientOf(
  { suite, reference }: Pick<EncryptionProduction, 'suite' | 'reference'>,
  certificate: Certificate | undefined,
): Recipient {
  if (certificate === undefined) throw nobody();
  const { key: publicKey } = certificate;
  const keyInfo = writeTokenReference(reference, certificate, '');
  if (publicKey.asymmetricKeyType === 'rsa') {
    const { digest: oaepDigest, mask } = suite.oaep;
    return { kind: 'transport', row: suite.transport, publicKey, digest: oaepDigest, mask, keyInfo };
  }
  const curve = curveOf(publicKey);
  const row = suite.agreement.find(({ curves }) => curves.includes(curve));
  if (row === undefined) {
    throw new SecurityError('SECURITY_KEY', `The suite encrypts nothing for the key of ${certificate.subject}.`);
  }
  // RFC 9231 pairs the Montgomery curves with HKDF, XML Encryption the others with ConcatKDF.
  const derivation =
    curve === 'x25519' || curve === 'x448' ? { row: hkdf, hash: hmacSha256 } : { row: concatKdf, hash: sha256 };
  return { kind: 'agreement', row, derivation, wrap: suite.wrap, publicKey, keyInfo };
}

/** The token of a security context where it goes along, and what then names the context. */
export function contextReference(context: ContextSecret, isIncluded: boolean): SecretNames {
  const { namespace, token } = context;
  if (!isIncluded || token === undefined) {
    return { included: [], reference: () => writeUnattachedReference(namespace, context) };
  }
  const included = [insideHeader(token.fragment)];
  return { included, reference: () => writeAttachedReference(namespace, token.id) };
}

/** A reference to an EncryptedKey of the same message (BSP R5215: its type is said). */
function keyReference(id: string): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'SecurityTokenReference', 'wsse')
    .attribute(wsse11, 'TokenType', encryptedKeyToken, 'wsse11')
    .start(wsse, 'Reference', 'wsse')
    .attribute('', 'URI', `#${id}`)
    .attribute('', 'ValueType', encryptedKeyToken)
    .end()
    .end()
    .finish();
}

/** A reference to the EncryptedKey of the request; as text, because every message of a session has it. */
function identifierReference(identifier: Uint8Array): XmlFragment {
  const text =
    `<wsse:SecurityTokenReference xmlns:wsse="${wsse}" xmlns:wsse11="${wsse11}" wsse11:TokenType="${encryptedKeyToken}">` +
    `<wsse:KeyIdentifier EncodingType="${base64Binary}" ValueType="${encryptedKeySha1}">${base64(identifier)}` +
    '</wsse:KeyIdentifier></wsse:SecurityTokenReference>';
  return XmlFragment.written([text], []);
}

function referenceList(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const items = ids.map((id) => `<xenc:DataReference URI="#${id}"></xenc:DataReference>`);
  return `<xenc:ReferenceList xmlns:xenc="${xenc}">${items.join('')}</xenc:ReferenceList>`;
}

function nobody(): SecurityError {
  return new SecurityError(
    'SECURITY_POLICY',
    'The policy does not say for whom to encrypt: give the certificate of the peer.',
  );
}
