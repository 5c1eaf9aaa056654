/** The errors of this room. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';
import type { Fault } from '../soap/errors.ts';

export type TrustErrorCode =
  /** Options of a token client or service that contradict one another or would give a key away. */
  | 'TRUST_SETTING'
  /** A body of WS-Trust of a shape that the specification does not have. */
  | 'TRUST_MALFORMED'
  /** A token type, key type, request or way to make a key that is not supported here. */
  | 'TRUST_UNSUPPORTED'
  /** Entropy or a key of the wrong size, or a key that came in the clear. */
  | 'TRUST_KEY'
  /** The token service said no; `fault` says why. */
  | 'TRUST_REFUSED'
  /** No usable answer of the token service. */
  | 'TRUST_UNANSWERED';

export interface TrustErrorOptions extends SurewireErrorOptions {
  readonly fault?: Fault | undefined;
}

export class TrustError extends SurewireError<TrustErrorCode> {
  /** What the token service said. */
  readonly fault: Fault | undefined;

  constructor(code: TrustErrorCode, message: string, options: TrustErrorOptions = {}) {
    super(code, message, options);
    this.fault = options.fault;
  }
}
