/**
 * From a ds:KeyInfo to a key, in two steps. *Planning* reads shapes and algorithms and finds out whose key is asked for, within the
 * limits and without an operation on a key (attacks E7, K4). *Opening* then does the operations: each EncryptedKey once,
 * and one that cannot be opened gives a random key, so that the message fails later, where all messages fail (attack E1).
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { SurewireError } from '../../base/errors.ts';
import type { XmlElement } from '../../xml/document.ts';
import { elementsById } from '../../xml/find.ts';
import { secretLength } from '../crypto.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { ds, xenc } from '../names.ts';
import { type Derivation, deriveKey, requireCurve } from './agreement.ts';
import type { AcceptedEncryption, KeyAgreement } from './algorithms.ts';
import { type Decrypter, decrypter, type KeyOperation } from './decrypter.ts';
import { readAgreement } from './derivations.ts';
import type { EncryptionLimits } from './limits.ts';
import { encryptedKeyType } from './names.ts';
import { publicKeyIn } from './points.ts';
import { type EncryptedKey, readEncryptedKey } from './shapes.ts';

/** What a reference leads to. */
export type KeyHandle =
  /** A secret that both sides know: an agreed or derived key, a named key. */
  | { readonly kind: 'secret'; readonly key: KeyObject }
  /** The holder of a private key, or of a key that wraps keys. */
  | { readonly kind: 'decrypter'; readonly decrypter: Decrypter }
  /** An EncryptedKey of the same document. */
  | { readonly kind: 'encrypted-key'; readonly element: XmlElement };

/**
 * What a caller knows of keys. The engine itself follows xenc:EncryptedKey, ds:RetrievalMethod to one, and xenc:AgreementMethod;
 * everything else (SecurityTokenReference in its forms, ds:KeyName, ds:X509Data, no KeyInfo at all) is asked for here.
 */
export interface KeyResolver {
  /**
   * @param keyInfo ds:KeyInfo of the data or the key, xenc:RecipientKeyInfo of an agreement; `undefined` where there is none
   * @returns `undefined` when the key is not here: then another recipient may be meant
   */
  resolve(keyInfo: XmlElement | undefined): KeyHandle | undefined;
  /** The public key of an agreement that xenc:OriginatorKeyInfo names without holding it. */
  originator?(keyInfo: XmlElement): KeyObject | undefined;
}

/** How the key of a part comes about; nothing has been computed yet. */
export type KeyPlan =
  | { readonly kind: 'secret'; readonly key: KeyObject }
  | { readonly kind: 'unwrap'; readonly of: EncryptedKey; readonly length: number; readonly by: Decrypter | KeyPlan }
  | {
      readonly kind: 'agree';
      readonly row: KeyAgreement;
      readonly derivation: Derivation;
      readonly publicKey: KeyObject;
      readonly length: number;
      readonly by: Decrypter;
    };

export class Keyring {
  readonly #accepted: AcceptedEncryption;
  readonly #resolver: KeyResolver;
  readonly #limits: EncryptionLimits;
  #planned: Map<XmlElement, KeyPlan> | undefined;
  #sources: Set<XmlElement> | undefined;
  #looked = 0;
  #opened: Map<KeyPlan, Promise<KeyObject>> | undefined;
  #unreachable = false;
  #sound = true;

  constructor(accepted: AcceptedEncryption, resolver: KeyResolver, limits: EncryptionLimits) {
    this.#accepted = accepted;
    this.#resolver = resolver;
    this.#limits = limits;
  }

  /** EncryptedKeys and AgreementMethods of the message that lead to a key in use. */
  get sources(): ReadonlySet<XmlElement> {
    return this.#sources ?? noSources;
  }

  /** True once a decrypter was out of reach. */
  get unreachable(): boolean {
    return this.#unreachable;
  }

  /** False once a key had to be made up. */
  get sound(): boolean {
    return this.#sound;
  }

  /**
   * @param length octets that the key has to have
   * @returns `undefined` when nothing leads to a key that is here
   * @throws SecurityError, XmlError for shapes, algorithms and limits
   */
  plan(keyInfo: XmlElement | undefined, length: number, path: readonly XmlElement[] = []): KeyPlan | undefined {
    for (const part of keyInfo?.children ?? []) {
      const found = this.#planPart(part, length, path);
      if (found !== undefined) return found;
    }
    const handle = this.#resolver.resolve(keyInfo);
    return handle && this.planHandle(handle, length, path);
  }

  /** As `plan`, for what a caller or a resolver gave. */
  planHandle(handle: KeyHandle, length: number, path: readonly XmlElement[] = []): KeyPlan | undefined {
    switch (handle.kind) {
      case 'secret':
        if (secretLength(handle.key) !== length) throw misfit();
        return { kind: 'secret', key: handle.key };
      case 'encrypted-key':
        return this.#planEncryptedKey(handle.element, length, path);
      case 'decrypter':
        throw new SecurityError('SECURITY_MALFORMED', 'Data is encrypted directly for a key that only opens keys.');
      default:
        return handle satisfies never;
    }
  }

  #planPart(part: XmlElement, length: number, path: readonly XmlElement[]): KeyPlan | undefined {
    if (part.is(xenc, 'EncryptedKey')) return this.#planEncryptedKey(part, length, path);
    if (part.is(ds, 'RetrievalMethod')) return this.#planEncryptedKey(retrieved(part), length, path);
    if (part.is(xenc, 'AgreementMethod')) return this.#planAgreement(part, length);
    return undefined;
  }

  #planEncryptedKey(element: XmlElement, length: number, path: readonly XmlElement[]): KeyPlan | undefined {
    if (path.includes(element) || path.length >= this.#limits.depth) {
      throw new SecurityError('SECURITY_LIMIT', 'EncryptedKeys refer to one another in a circle, or too deeply.');
    }
    this.#planned ??= new Map();
    const known = this.#planned.get(element);
    if (known !== undefined) {
      if (known.kind !== 'unwrap' || known.length !== length) throw misfit();
      return known;
    }
    // References to references: each is cheap, and a small message can have very many.
    if (++this.#looked > this.#limits.candidates) {
      throw new SecurityError('SECURITY_LIMIT', 'A message refers to too many EncryptedKeys.');
    }
    const keyInfo = element.children.find((one) => one.is(ds, 'KeyInfo'));
    // Whose key it is comes before how it is encrypted: what is for somebody else may be encrypted in any way.
    const by = this.#planUnwrapping(element, keyInfo, [...path, element]);
    if (by === undefined) return undefined;
    if (this.#planned.size >= this.#limits.keys) {
      throw new SecurityError('SECURITY_LIMIT', 'A message has too many EncryptedKeys.');
    }
    const plan: KeyPlan = { kind: 'unwrap', of: readEncryptedKey(element, this.#accepted), length, by };
    this.#planned.set(element, plan);
    this.#leadsTo(element);
    return plan;
  }

  #leadsTo(source: XmlElement): void {
    this.#sources ??= new Set();
    this.#sources.add(source);
  }

  /** What opens an EncryptedKey: its holder where that is known, else another plan for the key that wraps it. */
  #planUnwrapping(
    element: XmlElement,
    keyInfo: XmlElement | undefined,
    path: readonly XmlElement[],
  ): Decrypter | KeyPlan | undefined {
    const nested = keyInfo?.children.some((one) => one.namespace === xenc || one.is(ds, 'RetrievalMethod')) ?? false;
    const handle = nested ? undefined : this.#resolver.resolve(keyInfo);
    if (handle?.kind === 'decrypter') return handle.decrypter;
    if (handle?.kind === 'secret') return decrypter(handle.key);
    if (handle === undefined && !nested) return undefined;
    const { method } = readEncryptedKey(element, this.#accepted);
    if (method.kind !== 'wrap') throw misfit();
    return handle === undefined
      ? this.plan(keyInfo, method.row.keyLength, path)
      : this.planHandle(handle, method.row.keyLength, path);
  }

  #planAgreement(part: XmlElement, length: number): KeyPlan | undefined {
    const recipient = part.children.find((one) => one.is(xenc, 'RecipientKeyInfo'));
    const handle = this.#resolver.resolve(recipient);
    if (handle?.kind !== 'decrypter') return undefined;
    const { row, derivation, originator } = readAgreement(part, this.#accepted, length);
    const publicKey = publicKeyIn(originator) ?? this.#resolver.originator?.(originator);
    if (publicKey === undefined)
      throw new SecurityError('SECURITY_TOKEN', 'The originator of an agreement is unknown.');
    requireCurve(row, publicKey);
    this.#leadsTo(part);
    return { kind: 'agree', row, derivation, publicKey, length, by: handle.decrypter };
  }

  /** The key of a plan; a random one where it cannot be had. Only what is asked of the holder of a key is waited for. */
  open(plan: KeyPlan): KeyObject | Promise<KeyObject> {
    if (plan.kind === 'secret') return plan.key;
    this.#opened ??= new Map();
    let opened = this.#opened.get(plan);
    if (opened === undefined) {
      opened = this.#open(plan);
      this.#opened.set(plan, opened);
    }
    return opened;
  }

  async #open(plan: Exclude<KeyPlan, { kind: 'secret' }>): Promise<KeyObject> {
    switch (plan.kind) {
      case 'agree': {
        const { row, publicKey, by, derivation, length } = plan;
        const secret = await this.#ask(by, { kind: 'agreement', row, publicKey }, undefined);
        return createSecretKey(deriveKey(derivation, secret, length));
      }
      case 'unwrap': {
        const { by, length, of } = plan;
        const holder = 'kind' in by ? decrypter(await this.open(by)) : by;
        const octets = await this.#ask(holder, { ...of.method, octets: of.octets, length }, length);
        return createSecretKey(octets);
      }
      default:
        return plan satisfies never;
    }
  }

  async #ask(holder: Decrypter, operation: KeyOperation, length: number | undefined): Promise<Uint8Array> {
    const instead = randomBytes(length ?? 32);
    try {
      const octets = await holder.unwrap(operation);
      if (octets.length === (length ?? octets.length)) return octets;
    } catch (thrown) {
      if (thrown instanceof SurewireError && thrown.transient) this.#unreachable = true;
    }
    this.#sound = false;
    return instead;
  }
}

const noSources: ReadonlySet<XmlElement> = new Set();

function retrieved(method: XmlElement): XmlElement {
  const uri = method.attribute('URI') ?? '';
  const target = uri.startsWith('#') ? elementsById(method.document).get(uri.slice(1)) : undefined;
  if (target === undefined || method.attribute('Type') !== encryptedKeyType || method.children.length > 0) {
    throw new SecurityError('SECURITY_REFERENCE', `RetrievalMethod "${untrusted(uri)}" leads to no EncryptedKey here.`);
  }
  return target;
}

function misfit(): SecurityError {
  return new SecurityError('SECURITY_KEY', 'The key does not fit the algorithm that is to use it.');
}
