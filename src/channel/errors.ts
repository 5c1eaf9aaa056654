/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type ChannelErrorCode =
  | 'CHANNEL_ORDER' // the elements of a binding in the wrong order
  | 'CHANNEL_CLOSED' // sent on a channel that was closed or has ended
  | 'CHANNEL_CORRELATION' // the answer is not the answer to what was sent
  | 'CHANNEL_REPLY_ADDRESS' // an answer is wanted where this channel cannot bring it
  | 'CHANNEL_ONE_WAY' // nothing can be sent this way unasked
  | 'CHANNEL_UNREACHABLE' // nobody listens there
  | 'CHANNEL_ADDRESS_IN_USE' // somebody listens there already
  | 'CHANNEL_TOO_LARGE' // a message beyond the limit
  | 'CHANNEL_LOST'; // the network lost the message, or broke

export class ChannelError extends SurewireError<ChannelErrorCode> {}
