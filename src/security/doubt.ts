/**
 * A refusal that nobody has proved is believed when it is said twice. Whoever repeats a request on its way makes the other end refuse the
 * second of the two as replayed, and it may be that refusal alone that comes back, while the request was done; and anybody could have
 * written it. For requests that may be done twice: each is secured anew, so that the other end takes it for another.
 */
import { deniesCredentials } from '../soap/denial.ts';
import { SecurityError } from './errors.ts';

/**
 * Asks, and once more where the answer is a refusal without proof. Not after the refusal of a password: one that is wrong is not offered
 * again.
 *
 * @param ask asks anew each time
 * @param isWanted whether there is still something to ask for
 * @throws what `ask` throws; a refusal that was said twice says so (`repeated`)
 */
export async function askedTwice<T>(ask: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (!isDoubtful(thrown) || !isWanted()) throw thrown;
  }
  try {
    return await ask();
  } catch (thrown) {
    if (!isDoubtful(thrown)) throw thrown;
    const { code, what, transient, refusal, cause } = thrown;
    throw new SecurityError(code, what, { transient, refusal, cause, repeated: true });
  }
}

function isDoubtful(thrown: unknown): thrown is SecurityError {
  return thrown instanceof SecurityError && thrown.transient && thrown.refusal && !deniesCredentials(thrown);
}
