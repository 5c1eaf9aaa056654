/** The errors of this room: settings that contradict one another, what stands in WCF and not here, credentials that are missing. */
import { SurewireError } from '../base/errors.ts';

export type BindingErrorCode =
  /** Settings that WCF refuses together, or a value that the binding does not have. The message says what to use. */
  | 'BINDING_RULE'
  /** A setting that WCF has and surewire has not. */
  | 'BINDING_UNSUPPORTED'
  /** A key, certificate, password or token that the security of the binding needs and was not given. */
  | 'BINDING_CREDENTIALS';

export class BindingError extends SurewireError<BindingErrorCode> {}

/** @returns the error of settings that do not go together */
export function against(what: string): BindingError {
  return new BindingError('BINDING_RULE', what);
}

/** @returns the error of what is not there */
export function unsupported(what: string): BindingError {
  return new BindingError('BINDING_UNSUPPORTED', what);
}
