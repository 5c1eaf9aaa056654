/** What can go wrong when a transcript is written or read, a receipt is made or checked. What is wrong with a conversation is a finding. */
import { SurewireError } from '../base/errors.ts';

export type AuditErrorCode =
  /** Options of a recorder, an importer or a verification that cannot be used. */
  | 'AUDIT_OPTIONS'
  /** A file or folder that cannot be opened, read or written. */
  | 'AUDIT_FILE'
  /** A file that exists and is no transcript: nothing is appended to it. */
  | 'AUDIT_FOREIGN'
  /** Somebody else writes to the transcript, or has changed its length. */
  | 'AUDIT_SHARED'
  /** As many parts of a transcript as are allowed: nothing is recorded, and so nothing is carried. */
  | 'AUDIT_FULL'
  /** The recorder was closed. */
  | 'AUDIT_CLOSED'
  /** A payload that cannot be opened with the keys that were given. */
  | 'AUDIT_KEY'
  /** A delivery receipt that is none, or is not what its issuer signed. */
  | 'AUDIT_RECEIPT'
  /** A time stamp that is none, is about something else, or whose authority says no. */
  | 'AUDIT_TIMESTAMP';

export class AuditError extends SurewireError<AuditErrorCode> {}
