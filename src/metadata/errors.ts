/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type MetadataErrorCode =
  /** A policy of a shape that WS-Policy does not have. */
  | 'METADATA_POLICY_MALFORMED'
  /** A reference to a policy that is not there, or that refers to itself. */
  | 'METADATA_POLICY_REFERENCE'
  /** A policy with more alternatives, or nested more deeply, than is allowed. */
  | 'METADATA_POLICY_LIMIT';

export class MetadataError extends SurewireError<MetadataErrorCode> {}
