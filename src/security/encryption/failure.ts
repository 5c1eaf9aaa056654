/**
 * The one failure of decryption (attacks E1, E2, E6; invariant I6). Whatever was wrong, code and message are the same. The cause
 * is for the operator: what a message's author knows anyway (an algorithm, a shape, a limit, a key that is not here) is named
 * there; once a key is in use there is one cause only.
 */
import { diagnostics } from '../../base/diagnostics.ts';
import { SurewireError, type SurewireErrorOptions } from '../../base/errors.ts';
import { SecurityError } from '../errors.ts';
import { asSecurityError } from '../faults.ts';

export class DecryptionError extends SecurityError {
  constructor(options: SurewireErrorOptions) {
    super('SECURITY_DECRYPTION', 'An encrypted part cannot be decrypted.', options);
  }
}

/** What operations with keys gave, and whether it is what was encrypted. */
interface Judged<Value> {
  readonly value: Value;
  readonly sound: boolean;
}

export interface Outcome<Value> {
  readonly value: Value | undefined;
  /** There unless `value` may be used. */
  readonly failure: { readonly cause: SecurityError; readonly transient: boolean } | undefined;
}

/** What the keys say of themselves when all is done. */
interface Soundness {
  readonly sound: boolean;
  readonly unreachable: boolean;
}

const publish = diagnostics('security');

/**
 * Settles what needs no key.
 *
 * @throws DecryptionError `SECURITY_DECRYPTION`, its cause the reason
 */
export function settle<Plan>(plan: () => Plan): Plan {
  try {
    return plan();
  } catch (cause) {
    throw refused(asSecurityError(cause), false);
  }
}

/** Does what needs keys, to its end; nothing is thrown and no reason is kept. */
export function judge<Value>(
  keys: Soundness,
  work: () => Judged<Value> | Promise<Judged<Value>>,
): Outcome<Value> | Promise<Outcome<Value>> {
  try {
    const judged = work();
    if (!(judged instanceof Promise)) return outcomeOf(keys, judged, undecipherable);
    return judged.then(
      (done) => outcomeOf(keys, done, undecipherable),
      (thrown: unknown) => outcomeOf<Value>(keys, undefined, causeOf(thrown)),
    );
  } catch (thrown) {
    return outcomeOf<Value>(keys, undefined, causeOf(thrown));
  }
}

/** What this toolkit throws is about the plaintext; anything else is a defect of ours, and has to be found. */
function causeOf(thrown: unknown): SecurityError {
  return thrown instanceof SurewireError ? undecipherable : asSecurityError(thrown);
}

function outcomeOf<Value>(
  { sound, unreachable }: Soundness,
  judged: Judged<Value> | undefined,
  cause: SecurityError,
): Outcome<Value> {
  const good = judged?.sound === true && sound;
  return { value: judged?.value, failure: good ? undefined : { cause, transient: unreachable } };
}

/** @throws DecryptionError `SECURITY_DECRYPTION` */
export function conclude<Value>({ value, failure }: Outcome<Value>): Value {
  if (value === undefined || failure !== undefined) {
    throw refused(failure?.cause ?? undecipherable, failure?.transient ?? false);
  }
  return value;
}

/** The failure when the holder of a key did not answer. */
export function outOfReach(): DecryptionError {
  return refused(undecipherable, true);
}

/** The one cause once a key is in use; made once, so that it costs nothing whether or not there is a failure. */
const undecipherable: SecurityError = Object.freeze(
  new SecurityError('SECURITY_KEY', 'Key, ciphertext and plaintext do not belong together.'),
);

/** The one place where decryption fails. */
function refused(cause: SecurityError, transient: boolean): DecryptionError {
  publish(() => ({ event: 'decryption.refused', code: cause.code, reason: cause.what }));
  return new DecryptionError({ cause, transient });
}
