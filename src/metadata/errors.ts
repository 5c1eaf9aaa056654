/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type MetadataErrorCode =
  /** A policy of a shape that WS-Policy does not have. */
  | 'METADATA_POLICY_MALFORMED'
  /** A reference to a policy that is not there, or that refers to itself. */
  | 'METADATA_POLICY_REFERENCE'
  /** A policy with more alternatives, or nested more deeply, than is allowed. */
  | 'METADATA_POLICY_LIMIT'
  /** A document that cannot be read, is too large, or is not what it should be. */
  | 'METADATA_DOCUMENT'
  /** A document that refers to another one that may not be read, such as a file named by a web page. */
  | 'METADATA_IMPORT'
  /** Several answers, or none: name the binding, the port or the alternative. */
  | 'METADATA_CHOICE'
  /** Something that is demanded and not spoken here; the message names it with its line. */
  | 'METADATA_UNSUPPORTED'
  /** Demands that contradict one another; the message names them with their lines. */
  | 'METADATA_CONTRADICTION';

export class MetadataError extends SurewireError<MetadataErrorCode> {}
