/** What belongs together, a sequence or what stands outside of all: what was seen of it, and what is missing in some and not in others. */
import type { ExaminedMessage } from './examine.ts';
import { type Finding, type FindingCode, type Findings, findingKinds, type Weight } from './findings.ts';

/** Where something was seen. */
export interface Place {
  readonly where: string;
  readonly number?: number | undefined;
}

/** The verdict on one sequence or on all. */
export type Verdict = 'sound' | 'unsound' | 'unchecked';

const lackingKept = 1_000;

export class Group {
  readonly id: string | undefined;
  readonly #findings: Findings;
  readonly #weights = new Set<Weight>();
  readonly #unsigned: Place[] = [];
  readonly #uncovered: Place[] = [];
  messages = 0;
  signed = 0;
  bodies = 0;
  /** Signatures that the second engine agreed on, and had no opinion of. */
  agreed = 0;
  silent = 0;

  constructor(id: string | undefined, findings: Findings) {
    this.id = id;
    this.#findings = findings;
  }

  find(code: FindingCode, what: string, { where, number }: Place): void {
    this.#weights.add(findingKinds[code][0]);
    this.#findings.add(code, what, { where, sequence: this.id, number } satisfies Omit<
      Finding,
      'code' | 'weight' | 'what'
    >);
  }

  /** Counts a message and tells what is wrong with it by itself. */
  take(message: ExaminedMessage, place: Place): void {
    this.messages++;
    for (const { code, what } of message.troubles) this.find(code, what, place);
    for (const opinion of message.opinions) {
      if (opinion === 'valid') this.agreed++;
      if (opinion === 'silent') this.silent++;
    }
    if (message.isSigned) this.signed++;
    else if (message.isLocked) return;
    else if (this.#unsigned.length < lackingKept) this.#unsigned.push(place);
    if (message.isBodyCovered) this.bodies++;
    else if (message.isSigned && !message.isLocked && this.#uncovered.length < lackingKept) this.#uncovered.push(place);
  }

  /** What only shows at the end: what some messages lack that others have. */
  conclude(isSequence: boolean): void {
    const [unsigned] = this.#unsigned;
    // Where bodies are left to TLS, not every message bears a signature.
    if (unsigned !== undefined && (this.bodies === 0 || !isSequence)) {
      const what =
        this.signed === 0 ? 'None of its messages is signed.' : `${this.#unsigned.length} messages are not signed.`;
      this.find('sequence-unsigned', what, unsigned);
    } else for (const place of this.#unsigned) this.find('signature-missing', 'It is not signed.', place);
    const [uncovered] = this.#uncovered;
    if (uncovered === undefined) return;
    if (this.bodies === 0 || !isSequence) {
      const what = `${this.#uncovered.length} signatures leave the Body to TLS.`;
      this.find('sequence-left-to-transport', what, uncovered);
    } else
      for (const place of this.#uncovered)
        this.find('coverage-body', 'No signature that holds covers the Body.', place);
  }

  get verdict(): Verdict {
    if (this.#weights.has('unsound')) return 'unsound';
    return this.#weights.has('unchecked') ? 'unchecked' : 'sound';
  }
}
