/** The messages of the crash test: the child writes them, the parent knows what they must be. */
import { seededRandom } from '../../src/base/random.ts';

export const SESSIONS: readonly string[] = ['one', 'two', 'three', 'four', 'five'];

export function messageOf(session: string, number: number, seed: number): Uint8Array {
  const random = seededRandom(seed * 7_919 + SESSIONS.indexOf(session) * 104_729 + number);
  return random.bytes(1 + Math.floor(random.fraction() * 20_000));
}
