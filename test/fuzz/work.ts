/**
 * Work as a number that is the same on every machine and in every run: how often the blocks of our source were executed, as V8's
 * precise coverage counts them. It counts in functions that are first called after this module was loaded, so the
 * source has to be imported after it.
 */
import { type Profiler, Session } from 'node:inspector';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Executions of blocks of src/ while `run` runs; in this process a post is answered before it returns. */
export function workOf(run: () => unknown): number {
  counted();
  run();
  return counted();
}

function counted(): number {
  let sum = 0;
  session.post('Profiler.takePreciseCoverage', (_, { result }) => {
    for (const { url, functions } of result as readonly Profiler.ScriptCoverage[]) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions) for (const { count } of ranges) sum += count;
    }
  });
  return sum;
}

/** How many times the last doubling cost of the one before: 2 where work is linear, 4 where it is quadratic. */
export function growthOf(make: (times: number) => () => unknown, times: number): number {
  workOf(make(times));
  // The middle of three: what is compiled meanwhile counts a little differently.
  const growths = Array.from({ length: 3 }, () => {
    const [one, two, four] = [times, 2 * times, 4 * times].map((count) => workOf(make(count)));
    return ((four ?? 0) - (two ?? 0)) / Math.max(1, (two ?? 0) - (one ?? 0));
  });
  return growths.toSorted((low, high) => low - high)[1] ?? Number.NaN;
}
