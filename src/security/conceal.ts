/**
 * Encrypts the parts of one message under its content key and keeps the ids that its ReferenceList has to name.
 */
import { view } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { HeaderBlock } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { type EncryptionOptions, encryptContent, encryptElement, encryptHeader } from './encryption/encrypt.ts';
import type { Part } from './evidence.ts';
import { withoutWsse } from './header.ts';
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
  element(part: XmlFragment): string {
    return withoutWsse(encryptElement(part, this.#options()).toString());
  }

  /** The Body with its content encrypted; as it is when the policy says so or there is nothing in it. */
  body(body: XmlFragment): XmlFragment {
    if (!this.#production.body || isEmpty(body)) return body;
    return encryptContent(body, this.#options());
  }

  /** True when `body` is one whose content is encrypted. */
  hides(body: XmlFragment): boolean {
    return this.#production.body && !isEmpty(body);
  }

  /** The EncryptedHeader of a block that the policy names; else `undefined`. */
  header(block: HeaderBlock, version: SoapVersion, id: string): HeaderBlock | undefined {
    const part: Part = `{${block.namespace}}${block.local}`;
    if (!this.#production.headers.has(part)) return undefined;
    const fragment = encryptHeader(block.fragment, version.namespace, id, this.#options());
    return { ...block, namespace: wsse11, local: 'EncryptedHeader', fragment };
  }

  #options(): EncryptionOptions {
    const { key, reference } = this.#keying.encrypting;
    const id = this.#id();
    this.references.push(id);
    const keyInfo = reference === undefined ? [] : [reference];
    return { cipher: this.#production.suite.content, key, id, keyInfo, random: this.#random };
  }
}

/** Canonical markup has no empty-element tags: an empty element ends where its start tag does. */
function isEmpty(element: XmlFragment): boolean {
  const octets = view(element.bytes);
  return (
    octets[octets.lastIndexOf('</') - 1] === 0x3e &&
    octets.indexOf('</') === octets.lastIndexOf('</') &&
    octets.indexOf('<', 1) === octets.lastIndexOf('</')
  );
}
