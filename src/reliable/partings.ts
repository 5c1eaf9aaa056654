/** The errors with which an initiator's session ends or stands still: what happened, and what to do about it. */
import type { Clock } from '../base/clock.ts';
import type { SurewireError } from '../base/errors.ts';
import { deadline } from '../base/signals.ts';
import { deniesCredentials } from '../soap/denial.ts';
import { type Outcome, ReliableError } from './errors.ts';
import type { Bare } from './interpret.ts';
import type { EndReason, SourceEvent } from './source-state.ts';

/** What is known when a session is given up. */
export interface Circumstances {
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** What the last exchange came to. */
  readonly trouble: Error | undefined;
}

/** What to do with a session that the store keeps. */
export function adviceFor(label: string | undefined): string {
  return `The store keeps the session: connect again under the label "${label}" to go on.`;
}

export function suspension(
  why: string,
  label: string | undefined,
  { outcomes, trouble }: Circumstances,
): ReliableError {
  const options = { outcomes, transient: true, cause: trouble };
  return new ReliableError('RELIABLE_SUSPENDED', `${why} ${adviceFor(label)}`, options);
}

/** `undefined` for the good end. */
export function errorFor(reason: EndReason, { outcomes, trouble }: Circumstances): ReliableError | undefined {
  if (reason.code === 'completed') return undefined;
  const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
  const text = `${reason.text}${lastTrouble(reason.code, trouble)}`;
  return new ReliableError(reason.code, text, { outcomes, transient, cause: trouble });
}

const silent: readonly EndReason['code'][] = ['RELIABLE_RETRIES_EXHAUSTED', 'RELIABLE_INACTIVE', 'RELIABLE_DENIED'];

/** What the last exchange came to, where the session was given up because nothing came of any. */
export function lastTrouble(code: EndReason['code'], trouble: Error | undefined): string {
  const isSilence = silent.includes(code);
  return isSilence && trouble !== undefined ? ` The last trouble: ${trouble.message}` : '';
}

/** How long taking leave of a peer may keep the channel below from being let go, in milliseconds. */
export const leavePatience = 2_000;

/** Closes the channel below, and gives that up with `error` when it takes too long. Never rejects. */
export async function takeLeave(
  clock: Clock,
  error: Error,
  close: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = deadline(clock, leavePatience, undefined, () => error);
  await close(limit.signal).catch(() => undefined);
  limit.clear();
}

/** The peer is there and does not want the session: what was made below for it is taken back in good order, not left behind. */
export function isTurnedDown(error: Error): boolean {
  if (!(error instanceof ReliableError)) return false;
  return error.code === 'RELIABLE_REFUSED' || error.code === 'RELIABLE_TOO_BUSY' || error.code === 'RELIABLE_REQUIRED';
}

/**
 * The end of a session that was never created, when it is said twice. Only an answer to CreateSequence counts so: later
 * anybody may have forged one (M5).
 */
export function declined(error: SurewireError): Bare<SourceEvent> {
  const advice = 'Check the certificates or credentials of both ends, whom each of them trusts, and their clocks.';
  const text = `The session was not created. ${error.message} ${advice}`;
  const again = error.transient && !error.repeated && !deniesCredentials(error);
  return { kind: 'declined', reason: { code: 'RELIABLE_REFUSED', text }, again };
}
