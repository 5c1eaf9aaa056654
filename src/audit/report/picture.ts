/**
 * From the records of a transcript to the rows of a report. Where both ends recorded, a transmission and its arrival become one row,
 * matched by their octets, first come first matched; what never arrived is lost, what arrived more often than it was sent is extra.
 */
import { hash } from 'node:crypto';
import { utf8 } from '../../base/bytes.ts';
import type { Facts } from '../transcript/facts.ts';
import type { EvidenceRecord, MessageRecord, OutcomeRecord, Payload } from '../transcript/record.ts';
import { paintOf } from './coverage.ts';
import { described } from './kinds.ts';
import type { Fate, ReportSequence, ReportText, Row, RowAcknowledgement } from './model.ts';
import { Sequences } from './sequences.ts';

export interface PictureOptions {
  /** Characters of message texts that the report may hold; what is beyond is left out. */
  readonly maxTextLength: number;
  /** Rows that it may hold. */
  readonly maxRows: number;
}

export interface Picture {
  readonly ends: readonly string[];
  readonly sequences: readonly ReportSequence[];
  readonly rows: readonly Row[];
  readonly texts: readonly ReportText[];
  /** Messages that were left out, and texts. */
  readonly leftOut: { readonly rows: number; readonly texts: number };
}

/** Takes records in their order; `done` tells what they show. */
export class Painter {
  readonly #options: PictureOptions;
  readonly #ends: string[] = [];
  readonly #recorded = new Set<number>();
  readonly #rows: Row[] = [];
  readonly #byRecord = new Map<string, Row>();
  /** Sent and not seen to arrive, and arrived and not seen to be sent, by what identifies the octets. */
  readonly #sent = new Map<string, Row[]>();
  readonly #early = new Map<string, Row[]>();
  /** Of everything that was sent. */
  readonly #keys = new Set<string>();
  /** Exchanges that something came of. */
  readonly #answered = new Set<number>();
  readonly #sequences = new Sequences();
  /** Rows of CreateSequence, by their MessageID, until a response says which sequence it is. */
  readonly #creating = new Map<string, Row[]>();
  readonly #texts: ReportText[] = [];
  readonly #textOf = new Map<string, number>();
  #textLength = 0;
  readonly #leftOut = { rows: 0, texts: 0 };

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  /**
   * @param where the record is: file and number
   * @param octets of the payload, where they could be read
   */
  message(record: MessageRecord, where: string, octets: Uint8Array | undefined): void {
    const key = keyOf(record, octets);
    const at = Date.parse(record.at);
    const here = this.#end(record.end);
    this.#recorded.add(here);
    const { direction } = record;
    if (direction === 'out') this.#keys.add(key);
    const known = direction === 'seen' ? undefined : taken(direction === 'in' ? this.#sent : this.#early, key, here);
    if (known !== undefined) {
      this.#byRecord.set(where, known);
      if (direction === 'in') known.arrived = at;
      else known.at = at;
      return;
    }
    if (this.#rows.length >= this.#options.maxRows) {
      this.#leftOut.rows++;
      return;
    }
    const from = direction === 'seen' ? speaker(record) : direction === 'out' ? here : other(here);
    const row = this.#row(record, at, from, octets, key);
    this.#rows.push(row);
    this.#byRecord.set(where, row);
    if (direction === 'seen') return;
    if (direction === 'in') row.arrived = at;
    const waiting = direction === 'in' ? this.#early : this.#sent;
    const under = waiting.get(key);
    if (under === undefined) waiting.set(key, [row]);
    else under.push(row);
  }

  /** @param where the record that it is about is */
  evidence({ accepted, identity, code }: EvidenceRecord, where: string): void {
    const row = this.#byRecord.get(where);
    if (row === undefined) return;
    row.accepted = accepted;
    if (identity !== undefined) row.identity = identity;
    if (!accepted && code !== undefined) row.code = code;
  }

  outcome({ kind, code }: OutcomeRecord, where: string): void {
    const row = this.#byRecord.get(where);
    if (row === undefined) return;
    if (kind === 'failed') row.code ??= code ?? 'failed';
    else this.#answered.add(row.exchange);
  }

  /** @param findings by where the record is that they are about */
  done(findings: ReadonlyMap<string, readonly number[]>): Picture {
    for (const [where, found] of findings) {
      const row = this.#byRecord.get(where);
      if (row !== undefined) row.findings = [...(row.findings ?? []), ...found];
    }
    this.#rows.sort((one, next) => one.at - next.at || one.n - next.n);
    for (const [key, rows] of this.#early) if (this.#keys.has(key)) for (const row of rows) row.fate = 'extra';
    for (const row of this.#rows) if (row.leg === 'reply') this.#answered.add(row.exchange);
    for (const row of this.#rows) {
      row.fate = this.#fateOf(row);
      this.#count(row);
    }
    return {
      ends: this.#ends.length === 1 ? [...this.#ends, 'peer'] : this.#ends,
      sequences: this.#sequences.list(),
      rows: this.#rows,
      texts: this.#texts,
      leftOut: this.#leftOut,
    };
  }

  #fateOf({ fate, accepted, arrived, leg, exchange, code }: Row): Fate {
    if (fate === 'extra') return fate;
    if (accepted === false) return 'refused';
    if (arrived !== undefined) return 'arrived';
    if (this.#recorded.size > 1) return 'lost';
    if (leg === 'request' && this.#answered.has(exchange)) return 'arrived';
    return code === undefined ? 'unknown' : 'unanswered';
  }

  #end(name: string): number {
    const known = this.#ends.indexOf(name);
    if (known >= 0) return known;
    this.#ends.push(name);
    return this.#ends.length - 1;
  }

  #row(record: MessageRecord, at: number, from: number, octets: Uint8Array | undefined, key: string): Row {
    const { n, leg, exchange, facts } = record;
    const place = this.#placeOf(facts);
    const acknowledgements = facts?.acknowledgements?.map(
      ({ id, ranges, nacks, final }): RowAcknowledgement => ({
        sequence: this.#sequences.of(id),
        ranges,
        nacks,
        final,
      }),
    );
    const row: Row = {
      n,
      at,
      from,
      leg,
      exchange,
      ...described(facts),
      action: facts?.action ?? record.unreadable ?? '',
      octets: record.octets,
      messageId: facts?.messageId,
      relatesTo: facts?.relatesTo,
      sequence: place.sequence,
      number: place.number,
      copy: 0,
      acknowledgements,
      fault: facts?.fault && `${facts.fault.code}: ${facts.fault.reason}`,
      fate: 'unknown',
      text: this.#text(octets, key),
      withheld: withheld(record.payload),
    };
    if (facts !== undefined) this.#control(row, facts);
    return row;
  }

  #placeOf(facts: Facts | undefined): { readonly sequence?: number; readonly number?: number } {
    if (facts?.sequence !== undefined) {
      return { sequence: this.#sequences.of(facts.sequence.id), number: facts.sequence.number };
    }
    const { control, acknowledgements, ackRequested } = facts ?? {};
    const id =
      (control !== undefined && 'id' in control ? control.id : undefined) ??
      acknowledgements?.[0]?.id ??
      ackRequested?.[0];
    return id === undefined ? {} : { sequence: this.#sequences.of(id) };
  }

  #control(row: Row, { control, messageId, relatesTo, reliable, sequence }: Facts): void {
    if (sequence !== undefined && row.sequence !== undefined) {
      const counted = this.#sequences.at(row.sequence);
      counted.version ||= reliable ?? '';
      if (counted.from < 0) counted.from = row.from;
    }
    if (control === undefined) return;
    if (control.kind === 'create') {
      if (messageId !== undefined) this.#creating.set(messageId, [...(this.#creating.get(messageId) ?? []), row]);
      return;
    }
    const counted = this.#sequences.at(this.#sequences.of(control.id));
    if (control.kind === 'created') {
      for (const request of this.#creating.get(relatesTo ?? '') ?? []) request.sequence = row.sequence;
      counted.created ??= row.at;
    }
    if (control.kind === 'closed') counted.closed ??= row.at;
    if (control.kind === 'terminate' || control.kind === 'terminated') counted.terminated ??= row.at;
  }

  #count(row: Row): void {
    if (row.fate !== 'lost' && row.fate !== 'refused') this.#sequences.acknowledge(row);
    if (row.sequence === undefined) return;
    if (row.number !== undefined && row.fate !== 'extra') row.copy = this.#sequences.sent(row.sequence, row.number);
    const counted = this.#sequences.at(row.sequence);
    if (row.fate === 'lost') counted.lost++;
    if (row.fate === 'refused') counted.refused++;
    const isOwn = row.number !== undefined && row.from === counted.from;
    if (isOwn && row.identity !== undefined && !counted.identities.includes(row.identity))
      counted.identities.push(row.identity);
  }

  #text(octets: Uint8Array | undefined, key: string): number | undefined {
    if (octets === undefined) return undefined;
    const known = this.#textOf.get(key);
    if (known !== undefined) return known;
    if (this.#textLength + octets.length > this.#options.maxTextLength) {
      this.#leftOut.texts++;
      return undefined;
    }
    this.#textLength += octets.length;
    const index = this.#texts.length;
    this.#texts.push({ xml: new TextDecoder().decode(octets), paint: paintOf(octets) });
    this.#textOf.set(key, index);
    return index;
  }
}

/** Two ends are drawn; a third one counts as the first. */
function other(here: number): number {
  return here === 0 ? 1 : 0;
}

/** Where somebody between the ends recorded: requests come from the left. */
function speaker({ leg }: MessageRecord): number {
  return leg === 'reply' ? 1 : 0;
}

/** The oldest row of these octets that another end told of. */
function taken(waiting: ReadonlyMap<string, Row[]>, key: string, here: number): Row | undefined {
  const rows = waiting.get(key);
  const at = rows?.findIndex((row) => (row.arrived === undefined ? row.from !== here : row.from === here)) ?? -1;
  return at < 0 ? undefined : rows?.splice(at, 1)[0];
}

/** What is equal in a transmission and its arrival, and in nothing else. */
function keyOf({ payload, facts, octets: length, leg }: MessageRecord, octets: Uint8Array | undefined): string {
  if (payload.form === 'digested') return payload.sha256;
  const known = octets ?? (facts === undefined ? undefined : utf8(JSON.stringify([leg, length, facts])));
  return known === undefined ? JSON.stringify([leg, length]) : hash('sha256', known);
}

function withheld(payload: Payload): string | undefined {
  switch (payload.form) {
    case 'kept':
      return undefined;
    case 'encrypted':
      return 'encrypted for a reader whose key was not given';
    case 'digested':
      return 'only its digest was recorded';
    case 'withheld':
      return payload.reason;
    default:
      return payload satisfies never;
  }
}
