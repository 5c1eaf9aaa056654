/**
 * Whether a cost grows with the size. Sixteen small inputs are measured against one that is sixteen times as large: they take
 * the same time where the cost is linear, and a sixteenth of it where it is quadratic. Both take about equally long, so that
 * what else the machine does hits both alike, and the best of several turns counts; a ratio that is too high is measured again
 * before it counts.
 */

/** How many times as large the large input is. */
export const TIMES = 16;
/** What the ratio has to stay below. */
export const BOUND = 4;

/** How many times as much time `large` takes as `TIMES` times `small`, each at its best. */
export async function growth(small: () => unknown, large: () => unknown): Promise<number> {
  let [bestSmall, bestLarge] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < 40; turn++) {
    bestSmall = Math.min(bestSmall, await time(small, TIMES));
    bestLarge = Math.min(bestLarge, await time(large, 1));
    if (turn >= 4 && bestLarge / bestSmall < BOUND) break;
  }
  return bestLarge / bestSmall;
}

async function time(work: () => unknown, times: number): Promise<number> {
  const start = performance.now();
  for (let time = 0; time < times; time++) {
    const done = work();
    if (done instanceof Promise) await done;
  }
  return performance.now() - start;
}
