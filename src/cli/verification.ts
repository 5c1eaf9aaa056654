/** What `surewire verify` shows to people: a line for each sequence, then what was found, the worst first. */
import type { Finding, Weight } from '../audit/verify/findings.ts';
import type { SequenceSummary } from '../audit/verify/sequence.ts';
import type { Verification } from '../audit/verify/verify.ts';
import { columns, table } from './output.ts';

const verdicts = {
  sound: 'SOUND: everything was checked, and nothing is wrong.',
  unsound: 'UNSOUND: something is not as it has to be.',
  unchecked: 'NOT CHECKED: nothing wrong was found, but not everything could be checked.',
} as const;

const order: readonly Weight[] = ['unsound', 'unchecked', 'note'];
/** Findings of one kind that are shown without --verbose. */
const shownOfEach = 3;

/** Words of messages and file names steer no terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

/** @param all also what is of one kind and repeats itself */
export function shownVerification(found: Verification, all: boolean): readonly string[] {
  return described(found, all).map(printable);
}

function described(found: Verification, all: boolean): readonly string[] {
  const { agreed, silent } = found.secondOpinions;
  const lines: string[] = [];
  if (found.sequences.length > 0) {
    lines.push(
      ...columns([
        ['sequence', 'seen by', 'numbers', 'again', 'acknowledged', 'from', 'to', 'end', 'verdict'],
        ...found.sequences.map(row),
      ]),
      '',
    );
  }
  for (const one of found.receipts) {
    const stamped = one.stamped === undefined ? 'no time stamp' : `stamped ${one.stamped}`;
    const numbers = `numbers ${spelled(one.numbers)}, ${one.matched} bodies match`;
    lines.push(`  receipt of ${commonName(one.signer)}, issued ${one.issued}, ${stamped}: ${numbers}`, '');
  }
  lines.push(
    ...table([
      ['messages', found.messages],
      ['signed', found.signed],
      ['second opinions', silent === 0 ? `${agreed} agree` : `${agreed} agree, ${silent} silent`],
    ]).split('\n'),
    '',
  );
  for (const weight of order) lines.push(...findings(found, weight, all));
  lines.push(verdicts[found.verdict]);
  return lines;
}

function row(one: SequenceSummary): readonly string[] {
  return [
    one.id.length > 20 ? `…${one.id.slice(-12)}` : one.id,
    one.view,
    spelled(one.numbers),
    String(one.retransmissions),
    spelled(one.acknowledged),
    commonName(one.source),
    commonName(one.destination),
    one.end,
    one.verdict.toUpperCase(),
  ];
}

function spelled(ranges: SequenceSummary['numbers']): string {
  if (ranges.length === 0) return '–';
  const parts = ranges.slice(0, 3).map(([lower, upper]) => (lower === upper ? `${lower}` : `${lower}–${upper}`));
  return parts.join(' ') + (ranges.length > 3 ? ' …' : '');
}

function commonName(subject: string | undefined): string {
  return subject === undefined ? '?' : (/CN=([^,]+)/.exec(subject)?.[1] ?? subject);
}

function findings({ findings: list, counts }: Verification, weight: Weight, all: boolean): readonly string[] {
  const lines: string[] = [];
  const byCode = Map.groupBy(
    list.filter((one) => one.weight === weight),
    ({ code }) => code,
  );
  for (const [code, found] of byCode) {
    const shown = all ? found : found.slice(0, shownOfEach);
    lines.push(...shown.flatMap(line));
    const more = (counts[code] ?? 0) - shown.length;
    if (more > 0) lines.push(`  ${' '.repeat(weight.length)}  … and ${more} more of ${code}`);
  }
  return lines.length === 0 ? [] : [...lines, ''];
}

function line({ weight, code, what, where, sequence }: Finding): readonly string[] {
  return [`  ${weight}  ${code}: ${what}`, `      ${where}${sequence === undefined ? '' : `, sequence ${sequence}`}`];
}
