/**
 * Encrypts the parts of one message under its content key and keeps the ids that its ReferenceList has to name.
 */
import { view } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import type { Piece } from '../xml/joiner.ts';
import {
  type EncryptionOptions,
  encryptContent,
  encryptElement,
  encryptHeader,
  type WrittenKeyInfo,
} from './encryption/encrypt.ts';
import { partNamed } from './evidence.ts';
import type { Keying } from './keying.ts';
import { wsse11 } from './names.ts';
import type { EncryptionProduction } from './protection.ts';

export class Concealer {
  /** Ids of every EncryptedData that was made, in order. */
  readonly references: string[] = [];
  readonly #production: EncryptionProduction;
  readonly #keying: Keying;
  readonly #random: Random;
  readonly #id: () => string;

  constructor(production: EncryptionProduction, keying: Keying, random: Random, id: () => string) {
    this.#production = production;
    this.#keying = keying;
    this.#random = random;
    this.#id = id;
  }

  /** A child of the Security header as EncryptedData, for a place where `wsse` is declared. */
  element(part: XmlFragment): readonly Piece[] {
    return encryptElement(part, this.#options(this.#keying.encrypting.insideHeader)).pieces;
  }

  /** The Body of the message, as it is about to be sent, with its content encrypted where it is to be hidden. */
  body(of: Message, body: XmlFragment): XmlFragment {
    return this.hides(of) ? encryptContent(body, this.#options(this.#keying.encrypting.keyInfo)) : body;
  }

  /** True for a message whose Body is encrypted: there is something in it, not of a protocol that has nothing to hide. */
  hides({ action, body }: Message): boolean {
    const { body: encrypted, clear } = this.#production;
    // Where everything is encrypted, the empty Body of an acknowledgement is too: CXF asks for it.
    if (!encrypted || isEmpty(body)) return encrypted && clear.size === 0;
    // Only what says that it is of such a protocol is looked into; its faults are faults like any other.
    for (const namespace of clear) {
      if (action.startsWith(namespace)) return !clear.has(body.element.children[0]?.namespace ?? '');
    }
    return true;
  }

  /** The EncryptedHeader of a block that the policy names; else `undefined`. */
  header(block: HeaderBlock, version: SoapVersion, id: string): HeaderBlock | undefined {
    const { headers } = this.#production;
    if (headers.size === 0 || !headers.has(partNamed(block.namespace, block.local))) return undefined;
    const options = this.#options(this.#keying.encrypting.keyInfo);
    const fragment = encryptHeader(block.fragment, version.namespace, id, options);
    return { ...block, namespace: wsse11, local: 'EncryptedHeader', fragment };
  }

  #options(keyInfo: WrittenKeyInfo): EncryptionOptions {
    const { key } = this.#keying.encrypting;
    const id = this.#id();
    this.references.push(id);
    return { cipher: this.#production.suite.content, key, id, keyInfo, random: this.#random };
  }
}

/** Canonical markup has no empty-element tags: an empty element ends where its start tag does. */
function isEmpty(element: XmlFragment): boolean {
  if (element.writtenAs.first !== undefined) return false;
  const octets = view(element.bytes);
  return (
    octets[octets.lastIndexOf('</') - 1] === 0x3e &&
    octets.indexOf('</') === octets.lastIndexOf('</') &&
    octets.indexOf('<', 1) === octets.lastIndexOf('</')
  );
}
