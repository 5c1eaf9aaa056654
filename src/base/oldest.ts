/** What is kept of many for a while: a peer that brings more and more makes it grow no further. */

interface Kept<K> {
  readonly size: number;
  keys(): Iterator<K>;
  delete(key: K): boolean;
}

/** Lets go of what was put in first, where that makes more than `most`. */
export function dropOldest<K>(kept: Kept<K>, most: number): void {
  if (kept.size <= most) return;
  const oldest = kept.keys().next();
  if (oldest.done !== true) kept.delete(oldest.value);
}
