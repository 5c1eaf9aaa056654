/** The errors of this room. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';
import type { Fault } from '../soap/errors.ts';

export type ConversationErrorCode =
  /** Options of a conversation that contradict one another or would give its secret away. */
  | 'CONVERSATION_SETTING'
  /** A body of WS-Trust of a shape that the specification does not have. */
  | 'CONVERSATION_MALFORMED'
  /** A token type, request or computed key that is not supported here. */
  | 'CONVERSATION_UNSUPPORTED'
  /** Entropy or a key of the wrong size. */
  | 'CONVERSATION_KEY_SIZE'
  /** The issuer said no to a request for a context, or to renew or amend it; `fault` says why. */
  | 'CONVERSATION_REFUSED'
  /** No usable answer to a request for a context. */
  | 'CONVERSATION_UNANSWERED'
  /** The issuer has no room for another context. */
  | 'CONVERSATION_TOO_BUSY'
  /** The context is over: cancelled, expired, or the issuer does not know it any more. */
  | 'CONVERSATION_ENDED';

export interface ConversationErrorOptions extends SurewireErrorOptions {
  readonly fault?: Fault | undefined;
}

export class ConversationError extends SurewireError<ConversationErrorCode> {
  /** What the issuer said. */
  readonly fault: Fault | undefined;

  constructor(code: ConversationErrorCode, message: string, options: ConversationErrorOptions = {}) {
    super(code, message, options);
    this.fault = options.fault;
  }
}
