/**
 * Reading an element of a configuration without overlooking anything: every attribute and child is taken, noted as having no
 * effect here, or named in an error.
 */
import type { XmlElement } from '../../xml/document.ts';
import { MetadataError } from '../errors.ts';
import { lineOf, named } from '../place.ts';
import type { Given } from './values.ts';

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

/** What stands in a configuration and changes nothing here, with the reason. */
export interface Note {
  readonly line: number;
  readonly text: string;
}

export class Reader {
  readonly element: XmlElement;
  readonly #notes: Note[];
  readonly #taken = new Set<string>();

  constructor(element: XmlElement, notes: Note[]) {
    this.element = element;
    this.#notes = notes;
  }

  /** The value of an attribute, read; absent where it is not there. */
  take<T>(name: string, read: (given: Given) => T): T | undefined {
    this.#taken.add(name);
    const value = this.element.attribute(name);
    return value === undefined ? undefined : read({ element: this.element, name, value });
  }

  /** The child of a name, of which there may be one. @throws MetadataError `METADATA_CHOICE` */
  child(local: string): Reader | undefined {
    this.#taken.add(`<${local}>`);
    const [only, second] = this.element.children.filter((one) => one.local === local);
    if (second !== undefined) {
      throw new MetadataError('METADATA_CHOICE', `${named(second)} stands there twice. Keep one.`);
    }
    return only === undefined ? undefined : new Reader(only, this.#notes);
  }

  /** Attributes and children that have no effect here, and why. */
  note(names: readonly string[], why: string): void {
    for (const name of names) {
      const isThere = name.startsWith('<')
        ? this.element.children.some((one) => `<${one.local}>` === name)
        : this.element.attribute(name) !== undefined;
      this.#taken.add(name);
      if (isThere) this.#notes.push({ line: lineOf(this.element), text: `${name}: ${why}` });
    }
  }

  /**
   * Nothing may be left.
   *
   * @throws MetadataError `METADATA_UNSUPPORTED`
   */
  finish(): void {
    const attribute = this.element.attributes.find(
      ({ namespace, local }) => namespace !== xmlNamespace && (namespace !== '' || !this.#taken.has(local)),
    );
    if (attribute !== undefined) {
      throw new MetadataError(
        'METADATA_UNSUPPORTED',
        `The attribute ${attribute.local}="${attribute.value.slice(0, 100)}" of ${named(this.element)} is not known here. ` +
          'Take it out of a copy if it does not matter.',
      );
    }
    const child = this.element.children.find(({ local }) => !this.#taken.has(`<${local}>`));
    if (child !== undefined) {
      throw new MetadataError(
        'METADATA_UNSUPPORTED',
        `${named(child)} is not known here. Take it out of a copy if it does not matter.`,
      );
    }
  }
}
