/**
 * One sequence as one end saw it: numbers without gap or fork, what was sent again is what was sent, nothing acknowledged that
 * was not there, one identity on each side, and an end (WS-RM 1.1 sections 2.3 and 3.5 to 3.9).
 */
import type { Instant } from '../../base/clock.ts';
import { add, includes, none, type Range, type Ranges, ranges, union } from '../../reliable/ranges.ts';
import type { FactAcknowledgement, Facts } from '../transcript/facts.ts';
import type { MessageRecord } from '../transcript/record.ts';
import type { Author, ExaminedMessage } from './examine.ts';
import type { Findings } from './findings.ts';
import { Group, type Place, type Verdict } from './group.ts';

/** Milliseconds that clocks and processes may be apart before an order in time says something. */
export const tolerance = 1_000;

/** What a message was when its number was first seen, at whichever end. */
export interface Original {
  readonly body: string | undefined;
  readonly addressing: string;
  readonly created: Instant | undefined;
  readonly where: string;
}

/** The originals of one sequence, for all ends that saw it. */
export type Originals = Map<number, Original>;

/** What is told of a sequence. */
export interface SequenceSummary {
  readonly id: string;
  /** Whose transcript, and which end. */
  readonly view: string;
  readonly version: string | undefined;
  readonly verdict: Verdict;
  /** Numbers that were seen. */
  readonly numbers: readonly (readonly [lower: number, upper: number])[];
  readonly acknowledged: readonly (readonly [lower: number, upper: number])[];
  readonly messages: number;
  readonly retransmissions: number;
  readonly signed: number;
  readonly secondOpinions: { readonly agreed: number; readonly silent: number };
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly end: 'terminated' | 'with its session' | 'closed' | 'open' | 'unused';
}

type Side = 'source' | 'destination';

export class SequenceAudit {
  readonly id: string;
  readonly group: Group;
  readonly #view: string;
  readonly #originals: Originals;
  #version: string | undefined;
  readonly #authors: Record<Side, Author | undefined> = { source: undefined, destination: undefined };
  readonly #unproven = new Set<Side>();
  #seen: Ranges = none;
  #acknowledged: Ranges = none;
  #newest: { readonly created: Instant; readonly ranges: Ranges } | undefined;
  #retransmissions = 0;
  /** True when its CreateSequence was seen. */
  #begins = false;
  #last: number | undefined;
  #end: SequenceSummary['end'] = 'open';
  #offeredWith: SequenceAudit | undefined;
  #place: Place = { where: '' };

  constructor(id: string, view: string, originals: Originals, findings: Findings) {
    this.id = id;
    this.group = new Group(id, findings);
    this.#view = view;
    this.#originals = originals;
  }

  /** The first number that this end can have seen, if it saw the beginning. */
  get #base(): number {
    return this.#begins ? 1 : (this.#seen[0]?.lower ?? 1);
  }

  /** Who is proven to be on each side. */
  get identities(): { readonly source: string | undefined; readonly destination: string | undefined } {
    return { source: this.#authors.source?.identity, destination: this.#authors.destination?.identity };
  }

  get isTerminated(): boolean {
    return this.#end === 'terminated';
  }

  get #highest(): number {
    return this.#seen.at(-1)?.upper ?? 0;
  }

  /** @param offeredWith the sequence that it was offered with, for replies */
  begin(source: ExaminedMessage, destination: ExaminedMessage, place: Place, offeredWith?: SequenceAudit): void {
    this.#offeredWith = offeredWith;
    this.#begins = true;
    this.#place = place;
    this.#by('source', source, place);
    this.#by('destination', destination, place);
  }

  /** A message that bears one of its numbers. */
  message(number: number, message: ExaminedMessage, direction: MessageRecord['direction'], place: Place): void {
    this.#touch(message.facts, place);
    this.#by('source', message, place);
    const { facts, body, created } = message;
    const { action, messageId, relatesTo, to } = facts;
    const mine: Original = {
      body,
      created,
      where: place.where,
      addressing: [action, messageId, relatesTo, to].join('\n'),
    };
    const original = this.#originals.get(number);
    if (original === undefined) this.#originals.set(number, mine);
    else this.#compare(original, mine, number, place);
    if (includes(this.#seen, number)) {
      this.#retransmissions++;
      return;
    }
    const isBehind = this.#last !== undefined ? number > this.#last : this.#end === 'terminated';
    if (isBehind) this.group.find('sequence-after-end', `Number ${number} came after the end.`, place);
    if (direction !== 'in') this.#inTime(number, mine, place);
    this.#seen = add(this.#seen, number);
  }

  /** A number whose message cannot be opened. */
  number(number: number): void {
    this.#seen = add(this.#seen, number);
  }

  acknowledgement(of: FactAcknowledgement, message: ExaminedMessage, place: Place): void {
    this.#touch(message.facts, place);
    this.#by('destination', message, place);
    const said = ranges(of.ranges.map(([lower, upper]) => ({ lower, upper })));
    const unseen = missing(said, this.#seen, this.#base).filter(({ lower }) => !includes(this.#acknowledged, lower));
    if (unseen.length > 0) {
      this.group.find('acknowledgement-unseen', `${spelled(unseen)} acknowledged and not seen.`, place);
    }
    const { created } = message;
    if (created !== undefined) {
      const { created: before, ranges: earlier } = this.#newest ?? { created: 0, ranges: none };
      if (created > before + tolerance) {
        const lost = missing(earlier, said, 1);
        if (lost.length > 0) this.group.find('acknowledgement-shrunk', `${spelled(lost)} taken back.`, place);
      }
      if (created >= before) this.#newest = { created, ranges: said };
    }
    this.#acknowledged = union(this.#acknowledged, said);
  }

  /** Close and terminate, asked for and answered. */
  control(
    kind: 'close' | 'closed' | 'terminate' | 'terminated',
    last: number | undefined,
    message: ExaminedMessage,
    place: Place,
  ): void {
    this.#touch(message.facts, place);
    this.#by(kind === 'close' || kind === 'terminate' ? 'source' : 'destination', message, place);
    if (kind === 'close' || kind === 'terminate') {
      if (last !== undefined) this.#ends(last, place);
      // The source says it; an answer may be lost, and a second request for it too.
      this.#end = kind === 'terminate' || this.#end === 'terminated' ? 'terminated' : 'closed';
    }
  }

  conclude(): void {
    const { group } = this;
    const isUsed = this.#seen.length > 0 || this.#acknowledged.length > 0 || this.#end !== 'open';
    group.conclude(true);
    if (!isUsed) {
      this.#end = 'unused';
      group.find('sequence-unused', 'It was created, and nothing was sent in it.', this.#place);
      return;
    }
    if (!this.#begins) group.find('sequence-beginning-missing', 'Its CreateSequence is not here.', this.#place);
    const last = Math.max(this.#highest, this.#last ?? 0, this.#acknowledged.at(-1)?.upper ?? 0);
    const gaps = missing([{ lower: 1, upper: last }], this.#seen, this.#base);
    // What was offered for replies ends with the sequence of the requests, where its source does not say so itself.
    if (this.#end === 'open' && this.#offeredWith?.isTerminated === true) this.#end = 'with its session';
    const isOver = this.#end === 'terminated' || this.#end === 'with its session';
    const certain = isOver ? gaps : gaps.filter(({ lower }) => includes(this.#acknowledged, lower));
    if (certain.length > 0) group.find('sequence-gap', `${spelled(certain)} missing.`, this.#place);
    if (!isOver) {
      const open = gaps.length > 0 ? ` ${spelled(gaps)} had not come.` : '';
      group.find('sequence-unfinished', `It was not terminated.${open}`, this.#place);
    } else this.#unacknowledged();
    for (const side of this.#unproven) {
      if (group.signed > 0) group.find('sequence-identity-unproven', `Nothing proves who the ${side} is.`, this.#place);
    }
  }

  get summary(): SequenceSummary {
    const { group } = this;
    return {
      id: this.id,
      view: this.#view,
      version: this.#version,
      verdict: group.verdict,
      numbers: this.#seen.map(({ lower, upper }) => [lower, upper]),
      acknowledged: this.#acknowledged.map(({ lower, upper }) => [lower, upper]),
      messages: group.messages,
      retransmissions: this.#retransmissions,
      signed: group.signed,
      secondOpinions: { agreed: group.agreed, silent: group.silent },
      source: this.#authors.source?.name,
      destination: this.#authors.destination?.name,
      end: this.#end,
    };
  }

  /** What was never acknowledged, though the sequence ended: nobody said that it arrived. */
  #unacknowledged(): void {
    const lacking = missing(this.#seen, this.#acknowledged, this.#base);
    if (lacking.length === 0) return;
    this.group.find('sequence-unacknowledged', `${spelled(lacking)} never acknowledged.`, this.#place);
  }

  #touch({ reliable }: Facts, place: Place): void {
    this.#version ??= reliable;
    this.#place = place;
  }

  #compare(original: Original, mine: Original, number: number, place: Place): void {
    if (original.body !== undefined && mine.body !== undefined && original.body !== mine.body) {
      this.group.find('sequence-fork', `Number ${number} has another Body than in ${original.where}.`, place);
    } else if (original.addressing !== mine.addressing) {
      const what = `Number ${number} is addressed otherwise than in ${original.where}.`;
      this.group.find('retransmission-differs', what, place);
    }
  }

  /** Whoever numbers messages makes them in the order of their numbers. */
  #inTime(number: number, { created }: Original, place: Place): void {
    const before = this.#originals.get(number - 1)?.created;
    if (created === undefined || before === undefined || created + tolerance >= before) return;
    const what = `Number ${number} was made ${before - created} ms before number ${number - 1}.`;
    this.group.find('sequence-time-backwards', what, place);
  }

  #ends(last: number, place: Place): void {
    if (this.#last !== undefined && this.#last !== last) {
      this.group.find('sequence-end-differs', `Its last number is ${last} here and was ${this.#last} before.`, place);
    } else if (last < this.#highest) {
      this.group.find('sequence-end-differs', `It is said to end at ${last}, and ${this.#highest} was seen.`, place);
    }
    this.#last = last;
  }

  /** One identity on each side, from the first message to the last. */
  #by(side: Side, { author, isSigned }: ExaminedMessage, place: Place): void {
    if (author === undefined) {
      if (isSigned) this.#unproven.add(side);
      return;
    }
    const known = this.#authors[side];
    this.#authors[side] ??= author;
    if (known === undefined || known.identity === author.identity) return;
    const what = `It is signed by ${author.name}; the ${side} is ${known.name}${known.name === author.name ? ', with another key' : ''}.`;
    this.group.find('sequence-identity', what, place);
  }
}

/** What is in `whole` from `base` on and not in `part`. */
function missing(whole: Ranges, part: Ranges, base: number): Ranges {
  const found: Range[] = [];
  for (const { lower, upper } of whole) {
    let at = Math.max(lower, base);
    for (const have of part) {
      if (have.upper < at) continue;
      if (have.lower > upper) break;
      if (have.lower > at) found.push({ lower: at, upper: have.lower - 1 });
      at = have.upper + 1;
    }
    if (at <= upper) found.push({ lower: at, upper });
  }
  return ranges(found);
}

function spelled(of: Ranges): string {
  const parts = of.slice(0, 10).map(({ lower, upper }) => (lower === upper ? `${lower}` : `${lower}–${upper}`));
  return `Numbers ${parts.join(', ')}${of.length > 10 ? ' and more' : ''}`;
}
