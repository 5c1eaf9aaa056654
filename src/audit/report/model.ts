/**
 * What a report shows: plain JSON, made from a transcript by `picture.ts`, put into the page by `page.ts`, drawn by `view/`. Times
 * are milliseconds since 1970, UTC.
 */

/** What a message is for. */
export type RowKind =
  | 'application'
  | 'acknowledgement'
  | 'create'
  | 'created'
  | 'close'
  | 'closed'
  | 'terminate'
  | 'terminated'
  | 'last'
  | 'context'
  | 'fault'
  | 'message';

/**
 * What became of a transmission. `lost`: the other end recorded too, and it is not there. `unanswered`: the other end did not
 * record, and no answer came. `extra`: it arrived once more than it was sent.
 */
export type Fate = 'arrived' | 'lost' | 'refused' | 'unanswered' | 'extra' | 'unknown';

export interface RowAcknowledgement {
  /** Which of `ReportModel.sequences`. */
  readonly sequence: number;
  readonly ranges: readonly (readonly [lower: number, upper: number])[];
  readonly nacks?: readonly number[] | undefined;
  readonly final?: true | undefined;
}

/** One transmission of one message. */
export interface Row {
  /** `n` of its record at the end that sent it, else at the one where it arrived. */
  readonly n: number;
  /** When it was sent; where that was not recorded, when it arrived. */
  at: number;
  /** When it arrived, where that was recorded. */
  arrived?: number;
  /** Which of `ReportModel.ends` it comes from. */
  readonly from: number;
  readonly leg: 'request' | 'reply' | 'message';
  readonly exchange: number;
  readonly kind: RowKind;
  readonly label: string;
  readonly action: string;
  readonly octets: number;
  readonly messageId?: string | undefined;
  readonly relatesTo?: string | undefined;
  /** Which of `ReportModel.sequences` it is about, and its number there. */
  sequence?: number | undefined;
  readonly number?: number | undefined;
  /** How often its number had been sent before. */
  copy: number;
  readonly acknowledgements?: readonly RowAcknowledgement[] | undefined;
  readonly fault?: string | undefined;
  fate: Fate;
  /** What security said where it arrived. */
  identity?: string | undefined;
  accepted?: boolean | undefined;
  /** Why there was no answer, or why it was refused. */
  code?: string | undefined;
  /** Which of `ReportModel.texts`. */
  text?: number | undefined;
  /** Why there is no text. */
  readonly withheld?: string | undefined;
  /** Which of `ReportModel.findings`. */
  findings?: readonly number[] | undefined;
}

/** One sequence, counted. */
export interface ReportSequence {
  readonly id: string;
  version: string;
  /** Which of `ReportModel.ends` sends its messages; -1 when none was seen. */
  from: number;
  created?: number;
  closed?: number;
  terminated?: number;
  /** Different numbers that were sent. */
  messages: number;
  transmissions: number;
  lost: number;
  refused: number;
  acknowledged: number;
  isFinal: boolean;
  identities: string[];
  /** What verification says of it; absent where none was asked for. */
  verdict?: 'sound' | 'unsound' | 'unchecked' | undefined;
}

/** A stretch of a text, in UTF-16 units: what a signature refers to, or what is encrypted. */
export type Paint = readonly [from: number, to: number, what: 'signed' | 'encrypted'];

export interface ReportText {
  readonly xml: string;
  readonly paint: readonly Paint[];
}

export interface ReportFinding {
  readonly code: string;
  readonly weight: 'unsound' | 'unchecked' | 'note';
  readonly what: string;
}

export interface ReportModel {
  readonly title: string;
  readonly made: number;
  readonly sources: readonly string[];
  readonly ends: readonly string[];
  readonly sequences: readonly ReportSequence[];
  readonly rows: readonly Row[];
  readonly texts: readonly ReportText[];
  readonly findings: readonly ReportFinding[];
  /** Of the whole; absent where nobody verified. */
  readonly verdict?: 'sound' | 'unsound' | 'unchecked' | undefined;
  /** What could not be read, or was left out, in sentences. */
  readonly remarks: readonly string[];
}
