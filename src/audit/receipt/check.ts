/** Receipts, checked by whoever has one: without asking its issuer, and held against what was recorded. */
import { type Instant, instant } from '../../base/clock.ts';
import { defaultFreshness } from '../../security/timestamp.ts';
import type { Trust } from '../../security/trust.ts';
import type { Findings } from '../verify/findings.ts';
import type { Originals, SequenceAudit } from '../verify/sequence.ts';
import { troubleOf } from '../verify/trouble.ts';
import { type ReadReceipt, readReceipt } from './receipt.ts';
import { verifyTimestamp } from './timestamp.ts';

/** A receipt as it was stored. */
export interface StoredReceipt {
  /** Where it stands, for findings. */
  readonly where: string;
  readonly jws: string;
  /** TimeStampToken, DER. */
  readonly timestamp?: Uint8Array | undefined;
}

/** What a receipt says that holds. */
export interface ReceiptSummary {
  readonly sequence: string;
  readonly numbers: ReadReceipt['numbers'];
  readonly final: boolean;
  readonly signer: string;
  readonly issued: string;
  /** When a third party saw it. */
  readonly stamped: string | undefined;
  /** Bodies here that are those of the receipt. */
  readonly matched: number;
}

export interface ReceiptCircumstances {
  readonly trust: Trust | undefined;
  /** Whom to believe about time; default `trust`. */
  readonly timestampTrust: Trust | undefined;
  readonly originals: ReadonlyMap<string, Originals>;
  readonly sequences: readonly SequenceAudit[];
  readonly findings: Findings;
}

export async function checkReceipt(
  stored: StoredReceipt,
  around: ReceiptCircumstances,
): Promise<ReceiptSummary | undefined> {
  const { where } = stored;
  const { findings, trust } = around;
  let receipt: ReadReceipt;
  try {
    receipt = await readReceipt(stored.jws);
  } catch (thrown) {
    findings.add('receipt-invalid', troubleOf(thrown, 'receipt-invalid').what, { where });
    return undefined;
  }
  const { sequence, signer, others, issued } = receipt;
  const at = { where, sequence };
  const stamped = await stamp(stored, receipt, around);
  if (trust === undefined) findings.add('trust-not-given', `Whether to believe ${signer.subject} was not said.`, at);
  else {
    try {
      await trust.accept(signer, stamped ?? issued, others);
    } catch (thrown) {
      const { code, what } = troubleOf(thrown, 'certificate-untrusted');
      findings.add(code, what, at);
    }
  }
  return {
    sequence,
    numbers: receipt.numbers,
    final: receipt.final,
    signer: signer.subject,
    issued: new Date(issued).toISOString(),
    stamped: stamped === undefined ? undefined : new Date(stamped).toISOString(),
    matched: compare(receipt, at, around),
  };
}

/** When a third party saw it, which its issuer cannot have set back. */
async function stamp(
  { timestamp, where }: StoredReceipt,
  { signature, issued, sequence }: ReadReceipt,
  { findings, trust, timestampTrust = trust }: ReceiptCircumstances,
): Promise<Instant | undefined> {
  if (timestamp === undefined) return undefined;
  const at = { where, sequence };
  if (timestampTrust === undefined) {
    findings.add('trust-not-given', 'Whose time stamps to believe was not said.', at);
    return undefined;
  }
  try {
    const { time } = await verifyTimestamp(timestamp, signature, timestampTrust);
    if (time + defaultFreshness.skew < issued) {
      findings.add('receipt-timestamp', 'It was stamped before it was issued.', at);
      return undefined;
    }
    return instant(time);
  } catch (thrown) {
    findings.add('receipt-timestamp', troubleOf(thrown, 'receipt-timestamp').what, at);
    return undefined;
  }
}

/** Held against what is here: who took the sequence, whose it was, and every body. */
function compare(
  { sequence, signer, source, numbers, bodies }: ReadReceipt,
  at: { readonly where: string; readonly sequence: string },
  { originals, sequences, findings }: ReceiptCircumstances,
): number {
  const known = originals.get(sequence);
  const seen = sequences.filter(({ id }) => id === sequence);
  if (known === undefined || known.size === 0 || seen.length === 0) {
    findings.add('receipt-unmatched', 'The sequence that it is about is not here.', at);
    return 0;
  }
  for (const { destination, source: from } of seen.map(({ identities }) => identities)) {
    if (destination !== undefined && destination !== `x509:${signer.keyFingerprint}`) {
      findings.add('receipt-issuer', `It is signed by ${signer.subject}, who did not acknowledge the sequence.`, at);
    }
    if (from !== undefined && source !== undefined && from !== source) {
      findings.add('receipt-differs', 'It names another sender.', at);
    }
  }
  let matched = 0;
  let index = 0;
  for (const [lower, upper] of numbers) {
    for (let number = lower; number <= upper; number++) {
      const body = Buffer.from(bodies[index++] ?? '', 'base64url').toString('hex');
      const original = known.get(number);
      if (original?.body === body) matched++;
      else if (original === undefined)
        findings.add('receipt-differs', `Number ${number} is not here.`, { ...at, number });
      else if (original.body === undefined) {
        findings.add('receipt-unmatched', `The Body of number ${number} cannot be seen here.`, { ...at, number });
      } else findings.add('receipt-differs', `Number ${number} has another Body.`, { ...at, number });
    }
  }
  return matched;
}
