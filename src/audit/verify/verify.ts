/**
 * Verifies signed sequences from transcripts: every message by itself, then what the messages are to one another. Nothing passes
 * that was not looked at: what could not be checked is said, and then the whole is not called sound.
 */
import type { KeyObject } from 'node:crypto';
import { asError, hasCode } from '../../base/errors.ts';
import type { Certificate } from '../../security/certificates.ts';
import type { DecryptionKey } from '../../security/keys.ts';
import type { Trust } from '../../security/trust.ts';
import type { Source } from '../import/source.ts';
import { checkReceipt, type ReceiptSummary, type StoredReceipt } from '../receipt/check.ts';
import type { LineTrouble, ReadLine } from '../transcript/lines.ts';
import { PayloadReader } from '../transcript/payload.ts';
import type { EvidenceRecord, HeaderRecord, MessageRecord, TranscriptRecord } from '../transcript/record.ts';
import type { MessageRules } from './examine.ts';
import { type Finding, type FindingCode, Findings } from './findings.ts';
import type { Verdict } from './group.ts';
import { signatureRows } from './rows.ts';
import { type Originals, type SequenceSummary, tolerance } from './sequence.ts';
import { type Absent, type Arrival, View } from './view.ts';

export interface VerifyOptions {
  /** Whom to believe, at the time of signing; without it no signature makes anything sound. */
  readonly trust?: Trust | undefined;
  /** Keys that open encrypted parts of messages. */
  readonly keys?: readonly DecryptionKey[];
  /** Private keys that open the payloads of a transcript. */
  readonly transcriptKeys?: readonly KeyObject[];
  /** Certificates that messages refer to without including them. */
  readonly known?: readonly Certificate[];
  /** Whether xml-crypto is asked about every signature; default true. */
  readonly secondEngine?: boolean;
  /** Whether signatures over SHA-1 count; default false. */
  readonly unsafeSha1?: boolean;
  /** Delivery receipts, held against what is in the sources. */
  readonly receipts?: readonly StoredReceipt[];
  /** Whose time stamps to believe; default `trust`. */
  readonly timestampTrust?: Trust | undefined;
  /** Hears how many messages were verified. */
  readonly onProgress?: (messages: number) => void;
}

export interface Verification {
  readonly verdict: Verdict;
  readonly sequences: readonly SequenceSummary[];
  /** Receipts whose signature holds. */
  readonly receipts: readonly ReceiptSummary[];
  readonly messages: number;
  /** Messages with a signature. */
  readonly signed: number;
  readonly secondOpinions: { readonly agreed: number; readonly silent: number };
  readonly findings: readonly Finding[];
  /** How often each was found, also beyond those that are listed. */
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>;
}

/**
 * Verifies everything in `sources` together: ends and files that tell of one sequence have to tell the same.
 *
 * @throws AuditError `AUDIT_FILE`, `AUDIT_FOREIGN` where a source cannot be read at all
 */
export async function verify(
  sources: readonly Pick<Source, 'name' | 'lines'>[],
  options: VerifyOptions = {},
): Promise<Verification> {
  const findings = new Findings();
  const originals = new Map<string, Originals>();
  const views: View[] = [];
  let done = 0;
  const progress = () => options.onProgress?.(++done);
  for (const source of sources) {
    const reading = new Reading(
      source.name,
      rulesOf(options),
      options.transcriptKeys ?? [],
      originals,
      findings,
      progress,
    );
    for await (const line of source.lines) await reading.line(line);
    await reading.end();
    views.push(...reading.views.values());
  }
  for (const view of views) view.conclude();
  const audits = views.flatMap(({ sequences }) => [...sequences.values()]);
  const { trust, timestampTrust } = options;
  const receipts: ReceiptSummary[] = [];
  for (const stored of options.receipts ?? []) {
    const found = await checkReceipt(stored, { trust, timestampTrust, originals, sequences: audits, findings });
    if (found !== undefined) receipts.push(found);
  }
  const groups = views.flatMap(({ outside, sequences }) => [
    outside,
    ...[...sequences.values()].map(({ group }) => group),
  ]);
  const sum = (count: (group: (typeof groups)[number]) => number) =>
    groups.reduce((total, group) => total + count(group), 0);
  const messages = sum((group) => group.messages);
  if (messages === 0) findings.add('nothing-to-verify', 'There is no message.', { where: sources[0]?.name ?? '' });
  return {
    verdict: findings.has('unsound') ? 'unsound' : findings.has('unchecked') ? 'unchecked' : 'sound',
    sequences: audits.map(({ summary }) => summary),
    receipts,
    messages,
    signed: sum((group) => group.signed),
    secondOpinions: { agreed: sum((group) => group.agreed), silent: sum((group) => group.silent) },
    findings: findings.list,
    counts: findings.counts,
  };
}

function rulesOf({
  trust,
  keys = [],
  known = [],
  secondEngine = true,
  unsafeSha1 = false,
}: VerifyOptions): MessageRules {
  const certificates = [...known, ...(trust?.known ?? []), ...keys.map(({ certificate }) => certificate)];
  const distinct = [...new Map(certificates.map((one) => [one.fingerprint, one])).values()];
  return { accepted: signatureRows, trust, known: distinct, keys, secondEngine, sha1: unsafeSha1 };
}

/** Records that are looked ahead for what security made of a message. */
const lookahead = 1_024;

/** One source, from its first line to its last. */
class Reading {
  readonly views: Map<string, View> = new Map();
  readonly #name: string;
  readonly #rules: MessageRules;
  readonly #payloads: PayloadReader;
  readonly #originals: Map<string, Originals>;
  readonly #findings: Findings;
  readonly #progress: () => void;
  readonly #waiting: Waiting[] = [];
  readonly #byNumber = new Map<number, Waiting>();
  #isWhole = true;
  #isEnded = true;
  /** Foreign files have the clocks of others in them. */
  #isForeign = false;
  #latest = 0;

  constructor(
    name: string,
    rules: MessageRules,
    keys: readonly KeyObject[],
    originals: Map<string, Originals>,
    findings: Findings,
    progress: () => void,
  ) {
    this.#name = name;
    this.#rules = rules;
    this.#payloads = new PayloadReader(keys);
    this.#originals = originals;
    this.#findings = findings;
    this.#progress = progress;
  }

  async line({ file, line, record, trouble }: ReadLine): Promise<void> {
    const where = record === undefined ? `${file}:${line}` : `${file}#${record.n}`;
    if (trouble !== undefined) this.#trouble(trouble, where);
    if (record === undefined) return;
    this.#inTime(record, where);
    if (record.kind === 'message') this.#message(record, where);
    else if (record.kind === 'transcript') await this.#header(record, where);
    else if (record.kind === 'evidence') this.#evidence(record);
    else if (record.kind === 'end') this.#isEnded = true;
    await this.#drain(false);
  }

  async end(): Promise<void> {
    await this.#drain(true);
    if (!this.#isEnded)
      this.#findings.add('transcript-not-closed', 'Its last record is no end.', { where: this.#name });
  }

  async #header(header: HeaderRecord, where: string): Promise<void> {
    // What came before was written under another key.
    await this.#drain(true);
    if (header.n > 1 && this.#latest === 0) {
      this.#isWhole = false;
      this.#findings.add('transcript-beginning-missing', `It begins with record ${header.n}.`, { where });
    }
    this.#isForeign = header.imported !== undefined;
    this.#isEnded = this.#isForeign;
    await this.#payloads.header(header);
  }

  #message(record: MessageRecord, where: string): void {
    const waiting: Waiting = { record, where, octets: this.#octets(record), evidence: undefined };
    this.#waiting.push(waiting);
    if (record.direction === 'in') this.#byNumber.set(record.n, waiting);
  }

  #evidence(record: EvidenceRecord): void {
    const about = this.#byNumber.get(record.of);
    if (about !== undefined) about.evidence = record;
  }

  async #drain(all: boolean): Promise<void> {
    let ready = 0;
    for (const one of this.#waiting) {
      const isKnown = one.record.direction !== 'in' || one.evidence !== undefined;
      if (!all && !isKnown && this.#waiting.length - ready <= lookahead) break;
      this.#byNumber.delete(one.record.n);
      await this.#view(one.record.end).take(one);
      this.#progress();
      ready++;
    }
    this.#waiting.splice(0, ready);
  }

  #view(end: string): View {
    let view = this.views.get(end);
    if (view === undefined) {
      view = new View(`${this.#name} (${end})`, this.#isWhole, this.#rules, this.#originals, this.#findings);
      this.views.set(end, view);
    }
    return view;
  }

  #octets({ payload }: MessageRecord): Uint8Array | Absent {
    try {
      const octets = this.#payloads.read(payload);
      if (octets !== undefined) return octets;
      const what = payload.form === 'withheld' ? payload.reason : 'Only a digest of it was recorded.';
      return { code: 'message-not-recorded', what };
    } catch (thrown) {
      if (!hasCode(thrown, 'AUDIT_KEY')) throw thrown;
      const code = this.#payloads.isOpen ? 'transcript-payload-changed' : 'message-locked';
      return { code, what: asError(thrown).message };
    }
  }

  #trouble(trouble: LineTrouble, where: string): void {
    const [code, what] = describe(trouble);
    this.#findings.add(code, what, { where });
  }

  /** Clocks may be set back a little; what was recorded later is not earlier. */
  #inTime({ at }: TranscriptRecord, where: string): void {
    const time = Date.parse(at);
    if (Number.isNaN(time) || this.#isForeign) return;
    if (time + tolerance < this.#latest) {
      const what = `It is ${this.#latest - time} ms older than one before it.`;
      this.#findings.add('transcript-time-backwards', what, { where });
    }
    this.#latest = Math.max(this.#latest, time);
  }
}

interface Waiting extends Arrival {
  evidence: EvidenceRecord | undefined;
}

function describe(trouble: LineTrouble): readonly [FindingCode, string] {
  switch (trouble.kind) {
    case 'chain':
      return ['transcript-chain-broken', 'It does not follow from the line before it.'];
    case 'order':
      return ['transcript-order', `Record ${trouble.expected} belongs here.`];
    case 'torn':
      return ['transcript-line-torn', 'It is no record.'];
    case 'long':
      return ['transcript-line-torn', 'It is longer than is read.'];
    case 'foreign':
      return ['source-unreadable', trouble.reason];
    default:
      return trouble satisfies never;
  }
}
