/**
 * What a line of a transcript holds (docs/TRANSCRIPT.md): one JSON value each, in the order in which things were seen, and
 * chained by `chain.ts`. Facts are read from the octets when they are recorded, for whoever draws or searches; whoever
 * verifies reads the octets again.
 */
import type { Facts } from './facts.ts';

/** The value of `format` in the first record of a part. */
export const transcriptFormat = 'surewire-transcript/1';

/** How payloads are recorded. */
export type PayloadForm = 'kept' | 'encrypted' | 'digested';

/** The octets of one message, as far as they were recorded. */
export type Payload =
  /** As text where they are UTF-8, which nearly all are. */
  | { readonly form: 'kept'; readonly text: string }
  | { readonly form: 'kept'; readonly base64: string }
  /** A compact JWE (`dir`, A256GCM) under the key of the transcript. */
  | { readonly form: 'encrypted'; readonly jwe: string }
  /** SHA-256 of the octets, lower-case hex. */
  | { readonly form: 'digested'; readonly sha256: string }
  /** They may hold a password, and could not be read so far that it could be struck out. */
  | { readonly form: 'withheld'; readonly reason: string };

/** What the transport knew of a message. */
export interface TransportFacts {
  /** `http`, `websocket`, `loopback`, or what an importer read. */
  readonly name: string;
  /** Where it went or was addressed to, without query, user and password. */
  readonly place?: string | undefined;
  readonly secure?: boolean | undefined;
  /** Network address of the other end. */
  readonly address?: string | undefined;
  /** SHA-256 of the certificate that the other end showed in TLS, lower-case hex. */
  readonly fingerprint?: string | undefined;
  /** HTTP status of a reply, where it was recorded. */
  readonly status?: number | undefined;
}

interface Line {
  /** Position in the whole transcript, from 1, over all its parts. */
  readonly n: number;
  /** When it was recorded, ISO 8601 in UTC with milliseconds. */
  readonly at: string;
}

/** The first record of each part, and of each time that a file was taken up again. */
export interface HeaderRecord extends Line {
  readonly kind: 'transcript';
  readonly format: typeof transcriptFormat;
  /** Identifies the recorder: the same in all parts, another each time that a file is taken up again. */
  readonly recorder: string;
  readonly part: number;
  readonly payloads: PayloadForm;
  /** The key of encrypted payloads: a compact JWE for each reader. */
  readonly keys?: readonly string[] | undefined;
  /** The chain before this record; absent at the very beginning. */
  readonly follows?: string | undefined;
  /** What it was read from, where it was imported. */
  readonly imported?: string | undefined;
}

type Direction = 'in' | 'out' | 'seen';

/** One message on the wire. */
export interface MessageRecord extends Line {
  readonly kind: 'message';
  /** Whose wire it is, such as `client` or `service`: two ends may share a recorder. */
  readonly end: string;
  /** Seen from that end; `seen` where somebody between the ends recorded it. */
  readonly direction: Direction;
  /** `message`: sent unasked over a duplex transport. */
  readonly leg: 'request' | 'reply' | 'message';
  /** The same number in a request and in what came of it. */
  readonly exchange: number;
  readonly transport: TransportFacts;
  readonly contentType?: string | undefined;
  /** Length of what was recorded. */
  readonly octets: number;
  readonly facts?: Facts | undefined;
  /** Why there are no facts. */
  readonly unreadable?: string | undefined;
  /** Names of elements whose text was struck out before anything was written; they prove nothing any more. */
  readonly struck?: readonly string[] | undefined;
  readonly payload: Payload;
}

/** What security made of an arrived message when it arrived. */
export interface EvidenceRecord extends Line {
  readonly kind: 'evidence';
  /** `n` of the message. */
  readonly of: number;
  readonly accepted: boolean;
  readonly identity?: string | undefined;
  /** Parts that were signed, `{namespace}local`. */
  readonly signed?: readonly string[] | undefined;
  readonly encrypted?: readonly string[] | undefined;
  /** Why it was refused. */
  readonly code?: string | undefined;
}

/** What came of an exchange where that is no message. */
export interface OutcomeRecord extends Line {
  /** `empty`: nothing was answered. `failed`: no answer came, or the layers above threw. */
  readonly kind: 'empty' | 'failed';
  /** `n` of the request. */
  readonly of: number;
  readonly code?: string | undefined;
}

/** The last record of a part. */
export interface EndRecord extends Line {
  readonly kind: 'end';
  readonly reason: 'closed' | 'rotated';
}

export type TranscriptRecord = HeaderRecord | MessageRecord | EvidenceRecord | OutcomeRecord | EndRecord;

type Open<T> = T extends Line ? Omit<T, 'n' | 'at'> : never;
/** A record before it has a place and a time. */
export type RecordContent = Open<TranscriptRecord>;
