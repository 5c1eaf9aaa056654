/**
 * The encrypted parts of a message: found where the Security header lists them, allowed where they may stand, and opened in
 * the order that the policy states. Signed and then encrypted: everything is decrypted in its place, the signatures are
 * verified over what came, and only then does it show whether decryption went well (attacks E2, E6). Encrypted and then
 * signed: nothing is decrypted before its ciphertext is verified, and then out of the very octets that were digested.
 */
import { after } from '../base/after.ts';
import { readEnvelope } from '../soap/envelope.ts';
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, elementsById } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { scan } from '../xml/scan.ts';
import type { DecryptionAttempt, EncryptedPart } from './encryption/decrypt.ts';
import type { KeyHandle } from './encryption/keyring.ts';
import { encryptionLimits } from './encryption/limits.ts';
import { referencedData } from './encryption/shapes.ts';
import { SecurityError } from './errors.ts';
import type { ContextSource, Exchange } from './exchange.ts';
import { readSecurityHeader, type SecurityHeader } from './header.ts';
import { MessageKeys } from './message-keys.ts';
import { wsse, wsse11, wsu, xenc } from './names.ts';
import { idsOf } from './profile.ts';
import type { EncryptionRequirement } from './protection.ts';
import type { Digested } from './signature.ts';
import { isJwtToken } from './tokens/jwt.ts';

/** A message to verify signatures of. */
export interface Readable {
  readonly message: Message;
  readonly header: SecurityHeader;
}

/** What decryption put where. */
export interface Opened {
  /** The elements that were encrypted, or whose content was, in the message that was verified. */
  readonly places: ReadonlySet<XmlElement>;
  /** `encrypted` when all content of the Body was; an `empty` Body hides nothing. */
  readonly body: 'encrypted' | 'empty' | 'clear';
}

export class Opening {
  readonly keys: MessageKeys;
  readonly #arrived: Readable;
  readonly #requirement: EncryptionRequirement;
  readonly #parts: readonly EncryptedPart[];
  #attempt: DecryptionAttempt | undefined;
  /** Why what was decrypted is no message. */
  #refusal: unknown;

  private constructor(arrived: Readable, requirement: EncryptionRequirement, keys: MessageKeys) {
    this.keys = keys;
    this.#arrived = arrived;
    this.#requirement = requirement;
    this.#parts = encryptedParts(arrived, keys);
  }

  /**
   * Finds keys and parts of a message; nothing is decrypted yet but EncryptedKeys.
   *
   * @throws SecurityError for shapes, references, limits, and for parts that are for somebody else
   */
  static of(
    arrived: Readable,
    requirement: EncryptionRequirement,
    exchange: Exchange | undefined,
    contexts: ContextSource | undefined,
  ): Opening | Promise<Opening> {
    const keys = new MessageKeys(arrived.header, idsOf(arrived.header), requirement, exchange, contexts);
    return after(keys.derive(), () => new Opening(arrived, requirement, keys));
  }

  /**
   * What signatures are verified over. Nothing of it is to be believed before `conclude`.
   *
   * @returns the message as it arrived where what was decrypted is no message; `conclude` says so
   * @throws SecurityError for what can be seen without a key
   */
  readable(): Readable | Promise<Readable> {
    if (this.#requirement.order === 'encrypt-sign' || this.#parts.length === 0) return this.#arrived;
    const source = this.#arrived.header.element.document;
    return after(this.keys.decryption.attempt(source, this.#parts), (attempt) => this.#read(attempt));
  }

  #read(attempt: DecryptionAttempt): Readable {
    this.#attempt = attempt;
    try {
      const message = readEnvelope(attempt.document);
      const header = readSecurityHeader(message);
      if (header !== undefined) return { message, header };
      this.#refusal = new SecurityError('SECURITY_MISSING', 'The decrypted message has no Security header.');
    } catch (thrown) {
      this.#refusal = thrown;
    }
    // As much is verified as when it had not been decrypted; less would tell that it was (attack E2).
    return this.#arrived;
  }

  /**
   * Says whether decryption went well; after the signatures were verified.
   *
   * @throws SecurityError `SECURITY_DECRYPTION`; `SECURITY_UNSUPPORTED` for keys or parts that came out of a part (attack E10)
   */
  conclude(readable: Readable | undefined): Opened {
    const { header } = this.#arrived;
    const body = this.#body();
    if (this.#attempt === undefined) {
      if (this.#requirement.order === 'encrypt-sign' && header.encryptedData.length > 0) throw notHere();
      return { places: new Set(this.#parts.map(({ element }) => element)), body };
    }
    const { parts } = this.#attempt.conclude();
    if (this.#refusal !== undefined) throw this.#refusal;
    const same =
      readable !== undefined &&
      kept.every((kind) => readable.header[kind].length === header[kind].length) &&
      x509Tokens(readable.header) === x509Tokens(header) &&
      readable.header.encryptedData.length === 0;
    if (!same) throw new SecurityError('SECURITY_UNSUPPORTED', 'An encrypted part brings keys or encrypted parts.');
    const places = new Set<XmlElement>();
    for (const { place } of parts) if (place !== undefined) places.add(place);
    return { places, body };
  }

  /**
   * Decrypts what was encrypted and then signed, each header block and the Body out of the octets that were digested. The
   * plaintext has to declare the prefixes that it uses: what the envelope declares was not signed.
   *
   * @throws SecurityError `SECURITY_DECRYPTION`
   */
  reveal(
    covered: ReadonlyMap<XmlElement, Digested>,
  ): ReadonlyMap<XmlElement, XmlFragment> | Promise<ReadonlyMap<XmlElement, XmlFragment>> {
    return this.#attempt !== undefined || this.#parts.length === 0 ? nothing : this.#revealed(covered);
  }

  async #revealed(covered: ReadonlyMap<XmlElement, Digested>): Promise<ReadonlyMap<XmlElement, XmlFragment>> {
    const revealed = new Map<XmlElement, XmlFragment>();
    for (const [signed, digested] of covered) {
      const inside = this.#parts.filter(({ element }) => signed.contains(element));
      if (inside.length > 0) revealed.set(signed, await this.#decrypted(digested, inside));
    }
    return revealed;
  }

  async #decrypted({ octets }: Digested, inside: readonly EncryptedPart[]): Promise<XmlFragment> {
    const alone = scan(octets);
    const ids = elementsById(alone);
    const parts = inside.map((part): EncryptedPart => {
      const element = ids.get(idOf(part.element));
      if (element === undefined) throw new SecurityError('SECURITY_REFERENCE', 'An encrypted part has no id.');
      return { ...part, element: outermost(element) };
    });
    const { document } = await this.keys.decryption.decrypt(alone, parts);
    const { bytes, prefixes } = XmlFragment.of(document.root);
    return XmlFragment.written(bytes, prefixes);
  }

  #body(): Opened['body'] {
    const { element } = this.#arrived.message.body;
    const [only, second] = element.children;
    if (second !== undefined || element.text.trim() !== '') return 'clear';
    if (only === undefined) return 'empty';
    return this.#parts.some((part) => part.element === only) ? 'encrypted' : 'clear';
  }
}

const nothing: ReadonlyMap<XmlElement, XmlFragment> = new Map();

function notHere(): SecurityError {
  return new SecurityError('SECURITY_UNSUPPORTED', 'What was encrypted before it was signed is no child of Security.');
}

/** What decryption must neither add nor take away. */
const kept = ['encryptedKeys', 'referenceLists', 'derivedKeyTokens', 'contextTokens'] as const;

/** A JSON Web Token may come out of a part, because it is no key; a certificate may not. */
function x509Tokens({ binaryTokens }: SecurityHeader): number {
  return binaryTokens.filter((token) => !isJwtToken(token)).length;
}

/**
 * What the ReferenceLists of this header name, those of an EncryptedKey under its key. Lists of EncryptedKeys for others are
 * theirs; what only they can open is refused, because a receiver processes a message completely or not at all.
 */
function encryptedParts({ message, header }: Readable, keys: MessageKeys): readonly EncryptedPart[] {
  const ids = idsOf(header);
  const parts = new Map<XmlElement, EncryptedPart>();
  const add = (list: XmlElement, key: KeyHandle | undefined): void => {
    for (const target of referencedData(list, ids, encryptionLimits.parts)) {
      const element = outermost(target);
      if (!isInPlace(element, message, header) || parts.has(element)) {
        throw new SecurityError(
          'SECURITY_REFERENCE',
          'A ReferenceList names something out of place, or the same twice.',
        );
      }
      parts.set(element, key === undefined ? { element } : { element, key });
    }
  };
  for (const element of header.encryptedKeys) {
    const list = child(element, xenc, 'ReferenceList');
    if (list !== undefined && keys.isOwn(element)) add(list, { kind: 'encrypted-key', element });
  }
  for (const list of header.referenceLists) add(list, undefined);
  const visible = [
    ...header.encryptedData,
    ...message.headers.map(({ fragment }) => fragment.element),
    ...message.body.element.children,
  ];
  if (visible.some((one) => isEncrypted(one) && !parts.has(one))) {
    throw new SecurityError('SECURITY_UNSUPPORTED', 'A part is encrypted that nothing here opens.');
  }
  return [...parts.values()];
}

/** An EncryptedHeader is replaced as a whole, whether the list names it or the EncryptedData in it (BSP R5608). */
function outermost(target: XmlElement): XmlElement {
  return target.is(xenc, 'EncryptedData') && target.parent?.is(wsse11, 'EncryptedHeader') ? target.parent : target;
}

/** Children of this Security header, header blocks, and what is in the Body (invariant I2; BSP R3228). */
function isInPlace(element: XmlElement, message: Message, header: SecurityHeader): boolean {
  if (element.is(wsse11, 'EncryptedHeader')) return element.parent === header.element.parent;
  const body = message.body.element;
  return (
    element.is(xenc, 'EncryptedData') &&
    (element.parent === header.element || (element !== body && body.contains(element)))
  );
}

function isEncrypted(element: XmlElement): boolean {
  return element.namespace === xenc || element.is(wsse11, 'EncryptedHeader') || element.is(wsse, 'EncryptedHeader');
}

function idOf(element: XmlElement): string {
  const own = element.attribute('Id', wsu) ?? element.attribute('Id');
  return own ?? element.children[0]?.attribute('Id') ?? '';
}
