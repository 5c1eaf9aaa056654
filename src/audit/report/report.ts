/** Reads what was recorded, and what verification found in it, and draws both as one page. */
import type { KeyObject } from 'node:crypto';
import { hasCode } from '../../base/errors.ts';
import type { Source } from '../import/source.ts';
import { PayloadReader } from '../transcript/payload.ts';
import type { MessageRecord } from '../transcript/record.ts';
import type { Verification } from '../verify/verify.ts';
import type { ReportFinding, ReportModel, ReportSequence } from './model.ts';
import { Painter } from './picture.ts';

export interface ReportOptions {
  readonly title: string;
  /** When it is made, milliseconds since 1970. */
  readonly now: number;
  /** What verification found in the same sources. */
  readonly judged?: Pick<Verification, 'verdict' | 'findings'> | undefined;
  /** Private keys that open the payloads of a transcript. */
  readonly transcriptKeys?: readonly KeyObject[];
  /** Characters of message texts that the page may hold; default 48 Mi. */
  readonly maxTextLength?: number;
  /** Transmissions that it may hold; default 100,000. */
  readonly maxRows?: number;
  /** Hears how many messages were read. */
  readonly onProgress?: (messages: number) => void;
}

/**
 * @throws AuditError `AUDIT_FILE`, `AUDIT_FOREIGN` where a source cannot be read at all
 */
export async function reportOf(sources: readonly Source[], options: ReportOptions): Promise<ReportModel> {
  const { title, now, judged, transcriptKeys = [], maxTextLength = 50_331_648, maxRows = 100_000 } = options;
  const painter = new Painter({ maxTextLength, maxRows });
  let messages = 0;
  let troubles = 0;
  for (const { lines } of sources) {
    const payloads = new PayloadReader(transcriptKeys);
    for await (const { file, record, trouble } of lines) {
      if (trouble !== undefined) troubles++;
      if (record === undefined) continue;
      switch (record.kind) {
        case 'transcript':
          await payloads.header(record);
          break;
        case 'message':
          painter.message(record, `${file}#${record.n}`, octetsOf(record, payloads));
          options.onProgress?.(++messages);
          break;
        case 'evidence':
          painter.evidence(record, `${file}#${record.of}`);
          break;
        case 'empty':
        case 'failed':
          painter.outcome(record, `${file}#${record.of}`);
          break;
        case 'end':
          break;
        default:
          record satisfies never;
      }
    }
  }
  const places = new Map<string, number[]>();
  judged?.findings.forEach(({ where }, index) => void places.set(where, [...(places.get(where) ?? []), index]));
  const { ends, sequences, rows, texts, leftOut } = painter.done(places);
  if (judged !== undefined) for (const sequence of sequences) sequence.verdict = verdictOf(sequence, judged);
  const findings = (judged?.findings ?? []).map(({ code, weight, what }): ReportFinding => ({ code, weight, what }));
  const remarks = [
    ...(troubles === 0 ? [] : [`${troubles} lines are torn, out of order or break the hash chain.`]),
    ...(leftOut.rows === 0 ? [] : [`${leftOut.rows} transmissions are not shown: the page holds ${maxRows}.`]),
    ...(leftOut.texts === 0 ? [] : [`The texts of ${leftOut.texts} messages were left out to keep the page small.`]),
    ...(judged === undefined ? ['Nothing was verified for this report.'] : []),
  ];
  const names = sources.map(({ name }) => name);
  return {
    title,
    made: now,
    sources: names,
    ends,
    sequences,
    rows,
    texts,
    findings,
    verdict: judged?.verdict,
    remarks,
  };
}

/** The worst that was found about it; a whole that is unsound or unchecked says nothing good of what has no finding of its own. */
function verdictOf(
  { id }: ReportSequence,
  { findings, verdict }: NonNullable<ReportOptions['judged']>,
): Verification['verdict'] {
  const own = findings.filter(({ sequence }) => sequence === id);
  if (own.some(({ weight }) => weight === 'unsound')) return 'unsound';
  if (own.some(({ weight }) => weight === 'unchecked')) return 'unchecked';
  return verdict === 'sound' ? 'sound' : 'unchecked';
}

function octetsOf({ payload }: MessageRecord, payloads: PayloadReader): Uint8Array | undefined {
  try {
    return payloads.read(payload);
  } catch (thrown) {
    if (hasCode(thrown, 'AUDIT_KEY')) return undefined;
    throw thrown;
  }
}
