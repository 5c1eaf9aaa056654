/** The assertions of one alternative, taken one after the other until none is left: nothing that is demanded is passed over. */
import { MetadataError } from './errors.ts';
import { lineOf, named } from './place.ts';
import type { PolicyAlternative, PolicyAssertion } from './policy.ts';
import type { Note } from './wcf/reader.ts';

export class Demands {
  readonly #left: Set<PolicyAssertion>;
  readonly #notes: Note[];

  constructor(all: PolicyAlternative, notes: Note[]) {
    this.#left = new Set(all);
    this.#notes = notes;
  }

  /**
   * The assertion of a name. The same word said twice is one demand.
   *
   * @throws MetadataError `METADATA_CONTRADICTION` when there are two that say different things
   */
  take(namespaces: readonly string[], local: string): PolicyAssertion | undefined {
    const found = [...this.#left].filter(
      (one) => one.element.local === local && namespaces.includes(one.element.namespace),
    );
    for (const one of found) this.#left.delete(one);
    const [first, second] = found;
    if (first !== undefined && second !== undefined && !found.every((one) => sameText(one, first))) {
      throw contradiction(first, second, 'there can be one of them');
    }
    return first;
  }

  /** Whether a demand without parameters is there. */
  has(namespaces: readonly string[], ...locals: readonly string[]): boolean {
    // Every name is taken, whatever the first says.
    return locals.map((local) => this.take(namespaces, local) !== undefined).includes(true);
  }

  /** What is understood and changes nothing here, by its namespace. */
  note(isMeant: (namespace: string) => boolean, why: string): void {
    for (const one of this.#left) {
      if (!isMeant(one.element.namespace)) continue;
      this.#left.delete(one);
      this.#notes.push({ line: lineOf(one.element), text: `${one.element.local}: ${why}` });
    }
  }

  /** What is inside an assertion, as demands. */
  within(one: PolicyAssertion): Demands {
    return new Demands(one.nested ?? [], this.#notes);
  }

  /**
   * Nothing may be left.
   *
   * @throws MetadataError `METADATA_UNSUPPORTED` with the line
   */
  finish(): void {
    for (const one of this.#left) {
      if (!one.ignorable) throw notSpoken(one);
      this.#notes.push({
        line: lineOf(one.element),
        text: `${one.element.local}: the policy says that it may be ignored`,
      });
    }
    this.#left.clear();
  }
}

/** @returns the error of an assertion that is not spoken */
export function notSpoken({ element }: PolicyAssertion, what: string = 'it is not spoken here'): MetadataError {
  return new MetadataError(
    'METADATA_UNSUPPORTED',
    `The policy demands ${named(element)} of ${element.namespace}: ${what}.`,
  );
}

/** @returns the error of two assertions that cannot both hold */
export function contradiction(one: PolicyAssertion, other: PolicyAssertion, why: string): MetadataError {
  return new MetadataError(
    'METADATA_CONTRADICTION',
    `The policy demands ${named(one.element)} and ${named(other.element)}: ${why}.`,
  );
}

function sameText(one: PolicyAssertion, other: PolicyAssertion): boolean {
  const text = ({ element }: PolicyAssertion) =>
    Buffer.from(element.document.bytes.subarray(element.start, element.end));
  return text(one).equals(text(other));
}
