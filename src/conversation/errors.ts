/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type ConversationErrorCode =
  /** A body of WS-Trust, a token or a reference of a shape that the specification does not have. */
  | 'CONVERSATION_MALFORMED'
  /** A token type, request or computed key that is not supported here. */
  | 'CONVERSATION_UNSUPPORTED'
  /** Entropy or a key of the wrong size. */
  | 'CONVERSATION_KEY_SIZE';

export class ConversationError extends SurewireError<ConversationErrorCode> {}
