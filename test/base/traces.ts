/** What a container leaves behind of what went through it: octets of garbage that only a collection of the whole heap takes away. */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const TIMES = 200_000;
const TOGETHER = 64;

/**
 * Puts `TIMES` things of a few hundred octets in, one after the other, and takes each out when `TOGETHER` more have come.
 *
 * @returns by how much the old generation grew, in octets
 */
export function traces<T>(make: (number: number) => T, put: (one: T) => void, take: (one: T) => void): number {
  const lying: T[] = Array.from({ length: TOGETHER }, (_, at) => make(at + 1));
  for (const one of lying) put(one);
  // Now the container itself is old, as that of a server is.
  collect();
  const before = old();
  for (let number = TOGETHER + 1; number <= TIMES; number++) {
    const at = number % TOGETHER;
    take(lying[at] as T);
    const one = make(number);
    lying[at] = one;
    put(one);
  }
  return old() - before;
}

/** @returns how much more of the heap is in use while what `make` made is there, in octets */
export function weight(make: () => unknown): number {
  collect();
  const before = getHeapStatistics().used_heap_size;
  const made = make();
  collect();
  const after = getHeapStatistics().used_heap_size;
  return made === undefined ? 0 : after - before;
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function old(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')?.space_used_size ?? 0;
}
