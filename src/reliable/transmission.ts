/**
 * When to send again and how much may be under way: round-trip estimate, back-off and window as pure functions. The
 * numbers are those of WCF's transmission strategy, so that two peers with the same settings behave alike.
 */

/** Times in milliseconds. */
export interface RoundTrip {
  readonly mean: number;
  readonly deviation: number;
}

/** The first estimate, from how long it took to create the sequence. */
export function firstRoundTrip(milliseconds: number): RoundTrip {
  const mean = Math.max(0, milliseconds);
  return { mean, deviation: mean / 2 };
}

/** The estimate after one more measurement: mean and mean deviation, both smoothed by an eighth. */
export function measured(before: RoundTrip, sample: number): RoundTrip {
  const error = Math.max(0, sample) - before.mean;
  return {
    mean: before.mean + error / 8,
    deviation: before.deviation + (Math.abs(error) - before.deviation) / 8,
  };
}

/**
 * How long to wait for the answer to the first transmission, in milliseconds.
 *
 * @param floor what is granted above the mean even when it hardly varies
 */
export function patience(roundTrip: RoundTrip, floor: number): number {
  return Math.max(floor + roundTrip.mean, roundTrip.mean + 4 * roundTrip.deviation);
}

/**
 * How long to wait after transmission number `attempt` (1 is the first): doubles each time, spread by up to a quarter so
 * that many senders that failed together do not come back together.
 *
 * @param jitter a number in [0, 1)
 * @param ceiling the longest wait before the spread
 */
export function backOff(
  base: number,
  attempt: number,
  jitter: number,
  ceiling: number = Number.POSITIVE_INFINITY,
): number {
  return Math.min(base * 2 ** (attempt - 1), ceiling) * (1 + jitter / 4);
}

/** How many messages may be under way: slow start, then additive growth; back to one after a loss. */
export interface Window {
  readonly size: number;
  /** Up to here the window grows with every acknowledged message. */
  readonly threshold: number;
  /** The size when the last loss happened. */
  readonly lost: number;
  /** Messages acknowledged since the window last grew, beyond the threshold. */
  readonly credit: number;
}

export function openWindow(maximum: number): Window {
  return { size: 1, threshold: maximum, lost: maximum, credit: 0 };
}

/** The window after `acknowledged` messages were settled. */
export function grown(window: Window, acknowledged: number, maximum: number): Window {
  if (window.size <= window.threshold) {
    const size = Math.min(maximum, window.threshold + 1, window.size + acknowledged);
    return size === window.size ? window : { ...window, size };
  }
  const { size, threshold, lost } = window;
  const credit = window.credit + acknowledged;
  const needed = ((size - threshold) * size) / Math.max(1, (lost - threshold) / 8);
  return credit > needed ? { ...window, size: Math.min(maximum, size + 1), credit: 0 } : { ...window, credit };
}

/** The window after the oldest message under way was not acknowledged in time. */
export function shrunk(window: Window): Window {
  return { size: 1, threshold: Math.max(1, Math.floor(window.size / 2)), lost: window.size, credit: 0 };
}
