/**
 * Decryption (XML Encryption 1.1 section 4.4) of the parts of a document, or of one part to octets. First everything that needs no key is
 * settled for all parts: shapes, algorithms, limits, whose keys. Then, without looking at what comes of it, every key is
 * opened and every part is deciphered and read. What fails, fails at the end and in one place, as one error (attacks E1, E2,
 * E6; invariant I6).
 *
 * With CBC there remains what no decryption can hide, whether a changed ciphertext gave well-formed XML: accept CBC only
 * where a signature is verified that covers the part.
 */
import type { KeyObject } from 'node:crypto';
import { after } from '../../base/after.ts';
import type { XmlDocument, XmlElement } from '../../xml/document.ts';
import { onlyChild } from '../../xml/find.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { SecurityError } from '../errors.ts';
import { wsse, wsse11 } from '../names.ts';
import type { AcceptedEncryption, ContentCipher } from './algorithms.ts';
import { decipher } from './ciphers.ts';
import { conclude, judge, outOfReach, settle } from './failure.ts';
import { type KeyHandle, type KeyPlan, type KeyResolver, Keyring } from './keyring.ts';
import { type EncryptionLimits, encryptionLimits } from './limits.ts';
import { afresh, type Replacement, rebuild } from './rebuild.ts';
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

/** Decryption that has happened and has not been judged. */
export interface DecryptionAttempt {
  /**
   * Where signatures over plaintext are verified before `conclude`, so that a signature is verified whether or not the
   * decryption went well: with every part in place, or, where that was not possible, with those of the Security header (an
   * encrypted signature is one), or as it was. Nothing of it is to be believed yet.
   */
  readonly document: XmlDocument;
  /** @throws DecryptionError `SECURITY_DECRYPTION` */
  conclude(): Decrypted;
}

/** The decryption of one message: its keys are opened once, and its limits count all that is done with it. */
export class Decryption {
  readonly #profile: DecryptionProfile;
  readonly #limits: EncryptionLimits;
  readonly #keyring: Keyring;
  #parts = 0;
  #octets = 0;

  constructor(profile: DecryptionProfile) {
    this.#profile = profile;
    this.#limits = { ...encryptionLimits, ...profile.limits };
    this.#keyring = new Keyring(profile.accepted, profile.keys, this.#limits);
  }

  /** EncryptedKeys and AgreementMethods that led to a key that was used. */
  get sources(): ReadonlySet<XmlElement> {
    return this.#keyring.sources;
  }

  /**
   * Decrypts parts and scans the document anew with all of them in place.
   *
   * @param parts none inside another; each of Type Element or Content, an EncryptedHeader's of Type Element
   * @returns its parts are in document order
   * @throws DecryptionError `SECURITY_DECRYPTION`, whatever is wrong
   */
  async decrypt(document: XmlDocument, parts: readonly EncryptedPart[]): Promise<Decrypted> {
    return (await this.attempt(document, parts)).conclude();
  }

  /**
   * As `decrypt`, but what fails with a key in use fails in `conclude`. For messages that were signed and then encrypted:
   * when the signatures are verified in between, neither the error nor the order of the work tells a wrong padding from a
   * wrong digest (attack E2).
   *
   * @throws DecryptionError `SECURITY_DECRYPTION` for what can be seen without a key
   */
  attempt(document: XmlDocument, parts: readonly EncryptedPart[]): DecryptionAttempt | Promise<DecryptionAttempt> {
    const planned = settle(() => this.#planParts(document, parts));
    let fallback: XmlDocument | undefined;
    const outcome = judge(this.#keyring, () =>
      after(this.#keysOf(planned), (keys) => {
        const replacements: Replacement[] = [];
        let sound = true;
        for (const [index, part] of planned.entries()) {
          const deciphered = decipher(part.data.cipher, keys[index] as KeyObject, part.data.octets);
          sound = deciphered.sound && sound;
          replacements.push({ element: part.outer, type: part.type, plaintext: deciphered.octets });
        }
        // Always, so that it does not show whether it was needed; a tag of GCM that does not fit has nothing to hide.
        if (planned.some(({ data }) => data.cipher.mode === 'cbc')) {
          fallback = this.#withoutContent(document, replacements);
        }
        const rebuilt = rebuild(document, replacements, this.#profile.xml);
        const found = planned.map((part, index) => decryptedPart(part, rebuilt.places[index]));
        // A header that was encrypted takes the place of its EncryptedHeader and starts no security processing (attack E10).
        const harmless = !found.some(({ encrypted, place }) => isHeader(encrypted) && place?.is(wsse, 'Security'));
        const value = { document: rebuilt.document, parts: found, locate: rebuilt.locate };
        return { value, sound: sound && harmless };
      }),
    );
    return after(outcome, (judged) => {
      const made = judged.value?.document;
      const readable = (judged.failure === undefined ? made : fallback) ?? made ?? afresh(document);
      return { document: readable, conclude: () => conclude(judged) };
    });
  }

  /**
   * Decrypts one xenc:EncryptedData of any Type to octets; the document stays as it is.
   *
   * @throws DecryptionError `SECURITY_DECRYPTION`, whatever is wrong
   */
  async octets(part: EncryptedPart): Promise<Uint8Array> {
    const planned = settle(() => this.#planPart(part, part.element));
    const { cipher, octets } = planned.data;
    const outcome = judge(this.#keyring, () =>
      after(this.#keyring.open(planned.plan), (key) => {
        const deciphered = decipher(cipher, key, octets);
        return { value: deciphered.octets, sound: deciphered.sound };
      }),
    );
    return conclude(await outcome);
  }

  /**
   * Opens one xenc:EncryptedKey for another use than data: a signature, derived keys.
   *
   * @param length octets that the key has to have; the policy knows, the message does not say
   * @throws DecryptionError `SECURITY_DECRYPTION` for what can be seen without a key, and when the holder of the key is out of
   *   reach. A key that cannot be opened is replaced by another, and what it is then used for fails.
   */
  async key(element: XmlElement, length: number): Promise<KeyObject> {
    const plan = settle(() => found(this.#keyring.planHandle({ kind: 'encrypted-key', element }, length)));
    const key = await this.#keyring.open(plan);
    if (this.#keyring.unreachable) throw outOfReach();
    return key;
  }

  /** The document with what stands in its Security header only, or as it was; as much work for the one as for the other. */
  #withoutContent(document: XmlDocument, replacements: readonly Replacement[]): XmlDocument {
    const inHeader = replacements.filter(({ element }) => element.parent?.is(wsse, 'Security'));
    const asItWas = afresh(document);
    if (inHeader.length === 0) return asItWas;
    try {
      return rebuild(document, inHeader, this.#profile.xml).document;
    } catch {
      return asItWas;
    }
  }

  #planParts(document: XmlDocument, parts: readonly EncryptedPart[]): readonly PlannedReplacement[] {
    const ordered = parts.toSorted((one, other) => one.element.index - other.element.index);
    let before: XmlElement | undefined;
    return ordered.map((part): PlannedReplacement => {
      const outer = part.element;
      if (outer.document !== document || before?.contains(outer)) {
        throw new SecurityError('SECURITY_REFERENCE', 'An encrypted part is in another one, or in another document.');
      }
      before = outer;
      const planned = this.#planPart(part, isHeader(outer) ? onlyChild(outer) : outer);
      const { type } = planned.data;
      if (type === 'octets' || (isHeader(outer) && type !== 'element')) {
        throw new SecurityError('SECURITY_MALFORMED', 'The Type of an EncryptedData does not fit its place.');
      }
      return { ...planned, outer, type };
    });
  }

  #planPart(part: EncryptedPart, element: XmlElement): PlannedPart {
    if (++this.#parts > this.#limits.parts) {
      throw new SecurityError('SECURITY_LIMIT', 'A message has too many encrypted parts.');
    }
    const data = readEncryptedData(element, this.#profile.accepted);
    this.#octets += data.octets.length;
    if (this.#octets > this.#limits.octets) {
      throw new SecurityError('SECURITY_LIMIT', 'A message has too much ciphertext.');
    }
    const length = data.cipher.keyLength;
    if (part.key === undefined) return { data, plan: found(this.#keyring.plan(data.keyInfo, length)) };
    const plan = found(this.#keyring.planHandle(part.key, length));
    if (data.keyInfo !== undefined && !sameKey(plan, this.#keyring.plan(data.keyInfo, length))) {
      throw new SecurityError('SECURITY_MALFORMED', 'An encrypted part names another key than its ReferenceList does.');
    }
    return { data, plan };
  }

  /** The key of each part; those that have to be waited for one after the other. */
  #keysOf(planned: readonly PlannedPart[], before: readonly KeyObject[] = []): KeyObject[] | Promise<KeyObject[]> {
    const keys = [...before];
    for (const { plan } of planned.slice(keys.length)) {
      const key = this.#keyring.open(plan);
      if (key instanceof Promise) return key.then((opened) => this.#keysOf(planned, [...keys, opened]));
      keys.push(key);
    }
    return keys;
  }
}

interface PlannedPart {
  readonly data: EncryptedData;
  readonly plan: KeyPlan;
}

interface PlannedReplacement extends PlannedPart {
  readonly outer: XmlElement;
  readonly type: 'element' | 'content';
}

function isHeader(element: XmlElement): boolean {
  return element.is(wsse11, 'EncryptedHeader');
}

function sameKey(one: KeyPlan, other: KeyPlan | undefined): boolean {
  return one === other || (one.kind === 'secret' && other?.kind === 'secret' && one.key.equals(other.key));
}

function found(plan: KeyPlan | undefined): KeyPlan {
  if (plan === undefined) throw new SecurityError('SECURITY_TOKEN', 'No key is here for an encrypted part.');
  return plan;
}

function decryptedPart({ data, plan, outer, type }: PlannedReplacement, place: XmlElement | undefined): DecryptedPart {
  const encryptedKey = plan.kind === 'unwrap' ? plan.of.element : undefined;
  return { encrypted: outer, type, place, cipher: data.cipher, encryptedKey };
}
