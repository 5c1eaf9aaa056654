/**
 * When a client asks again for what waits for it: at once while something comes, then less and less often. A pure rule, so that
 * a bad day can be had again.
 */

/** What a question came to, or that this end has sent something that may be answered. */
export type Beat = 'sent' | 'came' | 'pending' | 'nothing' | 'failed';

/** How many questions in a row brought nothing. */
export type Rhythm = number;

export interface RhythmPolicy {
  readonly pollFloor: number;
  readonly pollCeiling: number;
}

/** Beyond this many the wait has long been the ceiling. */
const mostDoublings = 20;

/**
 * The rhythm after `beat`, and how long to wait before the next question, in milliseconds.
 *
 * @param jitter a number in [0, 1): many clients that failed together do not come back together
 */
export function nextPoll(
  rhythm: Rhythm,
  beat: Beat,
  { pollFloor, pollCeiling }: RhythmPolicy,
  jitter: number,
): readonly [Rhythm, pause: number] {
  switch (beat) {
    case 'sent':
    case 'came':
    case 'pending':
      return [0, 0];
    case 'nothing':
    case 'failed': {
      const base = Math.min(pollFloor * 2 ** Math.min(rhythm, mostDoublings), pollCeiling);
      return [rhythm + 1, base * (1 + jitter / 4)];
    }
    default:
      return beat satisfies never;
  }
}
