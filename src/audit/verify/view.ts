/**
 * What one end of one transcript saw, message by message in the order of the records: whose exchange, which sequences, and
 * what is said of them. A message counts when it is known what security made of it; what was refused counts for nothing.
 */
import { type Instant, instant } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import { dropOldest } from '../../base/oldest.ts';
import { defaultFreshness } from '../../security/timestamp.ts';
import type { Facts } from '../transcript/facts.ts';
import type { EvidenceRecord, MessageRecord } from '../transcript/record.ts';
import { Contexts } from './contexts.ts';
import { type ExaminedMessage, examineMessage, type MessageRules } from './examine.ts';
import type { FindingCode, Findings } from './findings.ts';
import { Group, type Place } from './group.ts';
import { type Originals, SequenceAudit } from './sequence.ts';

/** Why there are no octets. */
export interface Absent {
  readonly code: FindingCode & ('message-not-recorded' | 'message-locked' | 'transcript-payload-changed');
  readonly what: string;
}

/** A message with what became of it. */
export interface Arrival {
  readonly record: MessageRecord;
  readonly where: string;
  /** The octets; a reason where they are not there. */
  readonly octets: Uint8Array | Absent;
  readonly evidence: EvidenceRecord | undefined;
}

/** What was asked, for what is answered. */
interface Asked {
  readonly message: ExaminedMessage;
  readonly refused: boolean;
}

/** Exchanges that are remembered, and identifiers of messages. */
export const remembered: Readonly<Record<'exchanges' | 'messages', number>> = {
  exchanges: 20_000,
  messages: 2_000_000,
};

export class View {
  readonly name: string;
  /** False where the beginning is not here: then what seems to be missing may be there. */
  readonly isWhole: boolean;
  readonly outside: Group;
  readonly sequences: Map<string, SequenceAudit> = new Map();
  readonly #findings: Findings;
  readonly #rules: MessageRules;
  readonly #originals: Map<string, Originals>;
  readonly #asked = new Map<number, Asked>();
  /** CreateSequences by their MessageID, for answers on another exchange. */
  readonly #creates = new Map<string, ExaminedMessage>();
  readonly #ids = new Set<string>();
  readonly #values = new Set<string>();
  readonly #contexts = new Contexts();
  /** True once a message was signed: from then on what nobody signed changes nothing. */
  #isSigned = false;

  constructor(
    name: string,
    isWhole: boolean,
    rules: MessageRules,
    originals: Map<string, Originals>,
    findings: Findings,
  ) {
    this.name = name;
    this.isWhole = isWhole;
    this.outside = new Group(undefined, findings);
    this.#rules = rules;
    this.#originals = originals;
    this.#findings = findings;
  }

  async take(arrival: Arrival): Promise<ExaminedMessage | undefined> {
    const { record, where, octets, evidence } = arrival;
    const place: Place = { where, number: record.facts?.sequence?.number };
    if (!(octets instanceof Uint8Array)) {
      this.#unopened(record, octets, place);
      return undefined;
    }
    const asked = record.leg === 'reply' ? this.#asked.get(record.exchange) : undefined;
    let message: ExaminedMessage;
    try {
      const at = timeOfRecord(record);
      message = await examineMessage(octets, this.#rules, {
        at,
        exchange: asked?.message.exchange,
        leg: record.leg,
        contexts: this.#contexts,
      });
    } catch (thrown) {
      if (evidence?.accepted !== false) this.outside.find('message-unreadable', asError(thrown).message, place);
      return undefined;
    }
    const isRefused = evidence?.accepted === false || asked?.refused === true;
    if (record.leg !== 'reply') this.#remember(record.exchange, { message, refused: isRefused });
    if (isRefused) {
      this.#refused(message, evidence, place);
      return undefined;
    }
    if (record.facts !== undefined && differ(record.facts, message.recorded)) {
      this.outside.find('transcript-facts-differ', 'The record says something else than its octets.', place);
    }
    this.#contexts.learn(record.exchange, record.leg, message.message, message.author);
    this.#count(record, message, evidence, place, asked?.message);
    return message;
  }

  conclude(): void {
    this.outside.conclude(false);
    for (const sequence of this.sequences.values()) sequence.conclude();
  }

  /** Where nothing but the facts of the record is there: numbers still count, signatures do not. */
  #unopened(record: MessageRecord, { code, what }: Absent, place: Place): void {
    const facts = record.facts;
    const id = facts === undefined ? undefined : idOf(facts);
    const group = id === undefined ? this.outside : this.#sequence(id).group;
    group.messages++;
    group.find(code, what, place);
    if (facts?.sequence !== undefined) this.#sequence(facts.sequence.id).number(facts.sequence.number);
  }

  #remember(exchange: number, asked: Asked): void {
    this.#asked.set(exchange, asked);
    dropOldest(this.#asked, remembered.exchanges);
  }

  /** A copy is refused because it was accepted before; everything else that is refused has to show why. */
  #refused(message: ExaminedMessage, evidence: EvidenceRecord | undefined, place: Place): void {
    if (evidence === undefined) return;
    if (evidence.code === 'SECURITY_REPLAY' && !this.#values.has(message.values)) {
      const what = 'It is said to be a copy, and nothing like it came before.';
      this.outside.find('transcript-evidence-differs', what, place);
      return;
    }
    this.#findings.add('message-refused', `Security refused it (${evidence.code ?? 'no code'}).`, place);
  }

  #count(
    record: MessageRecord,
    message: ExaminedMessage,
    evidence: EvidenceRecord | undefined,
    place: Place,
    asked: ExaminedMessage | undefined,
  ): void {
    const { facts, author } = message;
    if (message.values !== '') this.#values.add(message.values);
    if (facts.messageId !== undefined && this.#ids.size < remembered.messages) this.#ids.add(facts.messageId);
    const group = this.#groupOf(facts, record, message, place, asked);
    this.#isSigned ||= message.isSigned;
    if (facts.fault !== undefined && !message.isSigned && this.#isSigned) {
      group.find('fault-unsigned', `A fault that anybody may have made: ${facts.fault.code}.`, place);
      return;
    }
    group.take(message, place);
    if (facts.malformed !== undefined) group.find('message-malformed', facts.malformed, place);
    const isNamed = evidence?.identity?.startsWith('x509:') === true && author?.certificate !== undefined;
    if (isNamed && evidence?.identity !== author?.identity) {
      const what = `Security is said to have found ${evidence?.identity}, and the signer is ${author?.identity}.`;
      group.find('transcript-evidence-differs', what, place);
    }
    outsideOfTime(record, message, group, place);
    this.#relates(record, facts, group, place);
    this.#inSequences(record, message, place);
  }

  /** The group that a message is counted in: its sequence, or the one that it speaks of. */
  #groupOf(
    facts: Facts,
    record: MessageRecord,
    message: ExaminedMessage,
    place: Place,
    asked: ExaminedMessage | undefined,
  ): Group {
    const { control } = facts;
    if (control?.kind === 'create') {
      if (facts.messageId !== undefined) this.#creates.set(facts.messageId, message);
      return this.outside;
    }
    if (control?.kind === 'created') {
      const create = this.#creates.get(facts.relatesTo ?? '') ?? asked;
      const sequence = this.#sequence(control.id);
      if (create?.facts.control?.kind === 'create') {
        sequence.begin(create, message, place);
        const { offer } = create.facts.control;
        if (offer !== undefined && control.accepted) this.#sequence(offer).begin(message, create, place, sequence);
      }
      return sequence.group;
    }
    const id = idOf(facts) ?? (record.leg === 'reply' && asked !== undefined ? idOf(asked.facts) : undefined);
    return id === undefined ? this.outside : this.#sequence(id).group;
  }

  #inSequences(record: MessageRecord, message: ExaminedMessage, place: Place): void {
    const { sequence, acknowledgements = [], control } = message.facts;
    if (sequence !== undefined) this.#sequence(sequence.id).message(sequence.number, message, record.direction, place);
    for (const one of acknowledgements) this.#sequence(one.id).acknowledgement(one, message, place);
    if (control === undefined || control.kind === 'create' || control.kind === 'created') return;
    this.#sequence(control.id).control(control.kind, control.last, message, place);
  }

  #sequence(id: string): SequenceAudit {
    let found = this.sequences.get(id);
    if (found === undefined) {
      const originals = this.#originals.get(id) ?? new Map();
      this.#originals.set(id, originals);
      found = new SequenceAudit(id, this.name, originals, this.#findings);
      this.sequences.set(id, found);
    }
    return found;
  }

  #knows(id: string): boolean {
    return this.#ids.size >= remembered.messages || this.#ids.has(id);
  }

  /** A reply to what was never asked is from another conversation. */
  #relates(record: MessageRecord, { relatesTo }: Facts, group: Group, place: Place): void {
    if (record.leg !== 'reply') return;
    const asked = this.#asked.get(record.exchange);
    if (asked === undefined) {
      if (this.isWhole) group.find('reply-unrelated', 'The request of its exchange is not here.', place);
      // Where the request has no identifier, what its answer relates to is somebody's invention (Metro).
    } else if (asked.message.facts.messageId !== undefined && relatesTo !== undefined && !this.#knows(relatesTo)) {
      group.find('reply-unrelated', `It relates to ${relatesTo.slice(0, 100)}, which was not asked here.`, place);
    }
  }
}

function idOf({ sequence, control, acknowledgements }: Facts): string | undefined {
  if (sequence !== undefined) return sequence.id;
  if (control !== undefined && control.kind !== 'create') return control.id;
  return acknowledgements?.[0]?.id;
}

/** What everything else rests on has to be what was recorded beside it. */
function differ(one: Facts, other: Facts): boolean {
  const essence = ({ action, messageId, relatesTo, sequence, acknowledgements, control }: Facts) =>
    JSON.stringify([action, messageId, relatesTo, sequence, acknowledgements, control]);
  return essence(one) !== essence(other);
}

function timeOfRecord({ at }: MessageRecord): Instant | undefined {
  const time = Date.parse(at);
  return Number.isNaN(time) ? undefined : instant(time);
}

/** Recorded before it was made, or after it had ceased to be good. */
function outsideOfTime(record: MessageRecord, { created, expires }: ExaminedMessage, group: Group, place: Place): void {
  const at = timeOfRecord(record);
  if (at === undefined || created === undefined) return;
  const { lifetime, skew } = defaultFreshness;
  const until = (expires ?? created + lifetime) + skew;
  if (at + skew >= created && at <= until) return;
  const what = `It was made ${new Date(created).toISOString()} and recorded ${record.at}.`;
  group.find('timestamp-outside', what, place);
}
