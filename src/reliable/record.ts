/**
 * What a store keeps of a session besides its messages, as JSON values. What comes back from a store is looked at before it
 * is believed: another kind, format or version of record is left alone (attack M32).
 */
import type { Instant } from '../base/clock.ts';
import type { Template } from '../channel/channel.ts';
import { addressingVersions } from '../soap/addressing-versions.ts';
import { soapVersions } from '../soap/version.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import type { DestinationState } from './destination-state.ts';
import type { Origin } from './origin.ts';
import type { Ranges } from './ranges.ts';
import type { SourceState } from './source-state.ts';
import { versionNamed } from './versions/table.ts';
import type { ReliableVersion } from './versions/version.ts';

/** Raised whenever a record of before can no longer be read. */
const format = 1;

interface Common {
  readonly format: typeof format;
  readonly label: string | null;
  /** Names of the rows. */
  readonly version: string;
  readonly soap: string;
  readonly addressing: string;
}

export interface InitiatorRecord extends Common {
  readonly kind: 'initiator';
  readonly to: string | null;
  readonly createId: string;
  /** Identifier of the sequence offered for replies. */
  readonly offer: string | null;
  /** Identity of whoever answered CreateSequence. */
  readonly peer: string | null;
  /** What the peer does with a sequence that ends with a gap, where it has said so. */
  readonly behaviour?: IncompleteSequenceBehavior | undefined;
  /** When the session ended; its messages are gone then, and what became of them stays. */
  readonly ended?: Instant;
  /** Identifier of the sequence that ended; before that its source has it. */
  readonly id?: string | undefined;
  readonly source: SourceState;
  readonly replies: DestinationState | null;
  /** Who answered, for messages that are handed up again (duplex). */
  readonly origin?: Origin | undefined;
}

/** A reply that was made and not acknowledged; without a reply sequence, one of the last few. */
export interface Answer {
  readonly request: number;
  /** Its number on the reply sequence; without one, that of the request. */
  readonly reply: number;
  /** What was acknowledged when the request was accepted; it is said again with each copy of the reply. */
  readonly acknowledged: Ranges;
  /** Marked as the last one, as its request was (2005/02). */
  readonly last?: true;
}

export interface AcceptorRecord extends Common {
  readonly kind: 'acceptor';
  readonly identity: string;
  readonly origin: Origin;
  /** MessageID of the CreateSequence. */
  readonly createId: string | null;
  /** Where the CreateSequence was sent to: AcksTo of the accepted offer. */
  readonly to: string;
  readonly expires: string | null;
  readonly receipt: DestinationState;
  /** The reply sequence; absent where the client offered none. */
  readonly source: SourceState | null;
  readonly answers: readonly Answer[];
}

export function initiatorRecord(init: {
  readonly version: ReliableVersion;
  readonly template: Template;
  readonly label: string | undefined;
  readonly createId: string;
  readonly offer: string | undefined;
}): InitiatorRecord {
  return {
    kind: 'initiator',
    format,
    label: init.label ?? null,
    version: init.version.name,
    soap: init.template.soap.name,
    addressing: init.template.wsa.name,
    to: init.template.to ?? null,
    createId: init.createId,
    offer: init.offer ?? null,
    peer: null,
    source: { phase: 'none' },
    replies: null,
  };
}

export function acceptorRecord(init: Omit<AcceptorRecord, 'kind' | 'format'>): AcceptorRecord {
  return { kind: 'acceptor', format, ...init };
}

/** The record of an acceptor's session whose sequences stand so now. */
export function recordWith(
  record: AcceptorRecord,
  receipt: DestinationState,
  { source, answers }: Pick<AcceptorRecord, 'source' | 'answers'>,
): AcceptorRecord {
  return { ...record, receipt, source, answers };
}

export function readInitiatorRecord(value: unknown): InitiatorRecord | undefined {
  return isRecord(value, 'initiator') && 'source' in value ? (value as unknown as InitiatorRecord) : undefined;
}

export function readAcceptorRecord(value: unknown): AcceptorRecord | undefined {
  return isRecord(value, 'acceptor') && 'receipt' in value ? (value as unknown as AcceptorRecord) : undefined;
}

/** True when nothing of the session goes on: in a duplex session the peer's sequence may outlive this end's. */
export function isOver({ source, replies }: Pick<InitiatorRecord, 'source' | 'replies'>): boolean {
  return source.phase === 'ended' && (replies === null || replies.phase === 'ended');
}

/** The rows that a record names. */
export function templateOf(record: Common & { readonly to: string | null }): Template | undefined {
  const soap = soapVersions.find(({ name }) => name === record.soap);
  const wsa = addressingVersions.find(({ name }) => name === record.addressing);
  return soap === undefined || wsa === undefined ? undefined : { soap, wsa, to: record.to ?? undefined };
}

function isRecord(value: unknown, kind: string): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === kind &&
    'format' in value &&
    value.format === format &&
    'version' in value &&
    typeof value.version === 'string' &&
    versionNamed(value.version) !== undefined
  );
}
