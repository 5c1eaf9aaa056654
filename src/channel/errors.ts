/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type ChannelErrorCode =
  /** The elements of a binding in the wrong order. */
  | 'CHANNEL_ORDER'
  /** Sent on a channel that was closed or has ended. */
  | 'CHANNEL_CLOSED'
  /** The answer is not the answer to what was sent. */
  | 'CHANNEL_CORRELATION'
  /** An answer is wanted where this channel cannot bring it. */
  | 'CHANNEL_REPLY_ADDRESS'
  /** Nothing can be sent this way unasked. */
  | 'CHANNEL_ONE_WAY'
  /** Nobody listens there. */
  | 'CHANNEL_UNREACHABLE'
  /** Somebody listens there already. */
  | 'CHANNEL_ADDRESS_IN_USE'
  /** A message beyond the limit. */
  | 'CHANNEL_TOO_LARGE'
  /** The network lost the message, or broke. */
  | 'CHANNEL_LOST'
  /** The sender of a message cannot be called back: it came over a request-reply channel. */
  | 'CHANNEL_NO_CALLBACK';

export class ChannelError extends SurewireError<ChannelErrorCode> {}
