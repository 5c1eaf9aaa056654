/**
 * Refusals of a password. Whoever counts wrong ones locks the user out: what was refused is not offered again at once, and where it is
 * the service itself that refuses it, not for ever.
 */
import { type Denial, FaultError } from './errors.ts';

/** What a service says of a wrong password. CXF says SecurityError of every failure (WSS4J's code for all of them), so it may be that. */
const codes: readonly (string | undefined)[] = ['FailedAuthentication', 'SecurityError'];

/** Milliseconds to the next offer of a password that was refused, after the first refusal and at most. */
const floor = 60_000;
const ceiling = 300_000;

/** Beyond this many the wait has long been the ceiling. */
const mostDoublings = 20;

/** True for the refusal of a password, as far as can be told. */
export function deniesCredentials({ cause }: Error): boolean {
  return cause instanceof FaultError && codes.includes(cause.fault.subcode?.local);
}

/** How the password was refused that the message offered which this error came of; `undefined` where it offered none, or for another error. */
export function denialOf(error: Error): Denial | undefined {
  return deniesCredentials(error) && error.cause instanceof FaultError ? error.cause.offered : undefined;
}

/**
 * How long to wait before a password is offered again that was refused, in milliseconds.
 *
 * @param denials how many there were in a row, from 1
 * @param jitter a number in [0, 1)
 */
export function pauseAfterDenial(denials: number, jitter: number): number {
  return Math.min(floor * 2 ** Math.min(denials - 1, mostDoublings), ceiling) * (1 + jitter / 4);
}
