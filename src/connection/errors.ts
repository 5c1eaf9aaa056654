/** The errors of this room. */
import { SurewireError } from '../base/errors.ts';

export type ConnectionErrorCode =
  /** A limit or an interval that cannot be, or a binding that does not belong here. */
  | 'CONNECTION_SETTING'
  /** The other end answers MakeConnection with a fault: it does not speak it, or not with us. */
  | 'CONNECTION_UNSUPPORTED'
  /** More waits for a client than may, or there are more clients than may be. */
  | 'CONNECTION_FULL'
  /** The client has not been heard for too long. */
  | 'CONNECTION_IDLE';

export class ConnectionError extends SurewireError<ConnectionErrorCode> {}
