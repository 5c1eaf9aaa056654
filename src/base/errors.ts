/**
 * The one base class of every error surewire throws. An error says what happened and what to do about it, and
 * carries a stable `code` from the closed union of the room that throws it.
 */
export interface SurewireErrorOptions extends ErrorOptions {
  /** True when the same call may succeed later without anyone changing anything (a lost connection, a busy peer). */
  readonly transient?: boolean;
  /**
   * True when the peer answered and said no, or its answer cannot be believed. While a session is being opened, trying again
   * is pointless; an established session keeps trying, because anybody may have forged the answer.
   */
  readonly refusal?: boolean;
  /** True for a refusal that came again when the same was asked anew: a session that is being opened need not ask once more. */
  readonly repeated?: boolean;
}

export class SurewireError<Code extends string = string> extends Error {
  /** Stable, documented name of the failure; switch on this, never on the message. */
  readonly code: Code;
  /** True when the same call may succeed later: reliable sessions retry these and give up at once on all others. */
  readonly transient: boolean;
  /** True when the peer said no or cannot be believed: a session that is being opened gives up at once. */
  readonly refusal: boolean;
  /** True when the peer said no again, to a second request. */
  readonly repeated: boolean;

  constructor(code: Code, message: string, options: SurewireErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.transient = options.transient ?? false;
    this.refusal = options.refusal ?? false;
    this.repeated = options.repeated ?? false;
  }
}

/** True where asking the same once more is pointless while nobody knows the peer: it said no, or nothing will change. */
export function isRefusal(error: Error): error is SurewireError {
  return error instanceof SurewireError && (error.refusal || !error.transient);
}

/** Turns whatever was thrown into an `Error`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** True when `thrown` is a surewire error with this code. */
export function hasCode<Code extends string>(thrown: unknown, code: Code): thrown is SurewireError<Code> {
  return thrown instanceof SurewireError && thrown.code === code;
}
