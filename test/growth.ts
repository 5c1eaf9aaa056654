/**
 * Whether a cost grows with the size. Sixteen small inputs are measured against one that is sixteen times as large: they take
 * the same time where the cost is linear, and a sixteenth of it where it is quadratic. Both take about equally long, so that
 * what else the machine does hits both alike, and the best of several turns counts; a ratio that is too high is measured again
 * before it counts. Where others use the machine as well, and the longer of the two never has it for itself, what counts is the
 * time of the processor that all turns together have had.
 */

/** How many times as large the large input is. */
export const TIMES = 16;
/** What the ratio has to stay below. */
export const BOUND = 4;

/** How many times as much time `large` takes as `TIMES` times `small`, each at its best. */
export async function growth(small: () => unknown, large: () => unknown): Promise<number> {
  const [ofSmall, ofLarge] = [new Cost(small, TIMES), new Cost(large, 1)];
  let ratio = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 40 && (turn <= 4 || ratio >= BOUND); turn++) {
    await ofSmall.measure();
    await ofLarge.measure();
    ratio = Math.min(ofLarge.best / ofSmall.best, ofLarge.processor / ofSmall.processor);
  }
  return ratio;
}

/** What some work costs that is done so many times in a turn, in milliseconds. */
class Cost {
  /** The shortest turn. */
  best: number = Number.POSITIVE_INFINITY;
  /** What all turns have had of the processor; no less than what can be told from nothing. */
  processor = 1;
  readonly #work: () => unknown;
  readonly #times: number;

  constructor(work: () => unknown, times: number) {
    this.#work = work;
    this.#times = times;
  }

  async measure(): Promise<void> {
    const [start, had] = [performance.now(), process.cpuUsage()];
    for (let time = 0; time < this.#times; time++) {
      const done = this.#work();
      if (done instanceof Promise) await done;
    }
    const { user, system } = process.cpuUsage(had);
    this.best = Math.min(this.best, performance.now() - start);
    this.processor += (user + system) / 1_000;
  }
}
