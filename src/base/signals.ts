/** `AbortSignal` helpers: one way to give up, everywhere. */
import { type Clock, later } from './clock.ts';

/** A signal that never fires. It is everybody's and lives as long as the process, so it keeps no listener. */
export const never: AbortSignal = Object.assign(new AbortController().signal, {
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
});

/** Settles as `work` does, or rejects with the signal's reason as soon as it fires. `work` itself goes on unheard. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal === never) return work;
  if (signal.aborted) {
    work.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const ended = () => signal.removeEventListener('abort', onAbort);
    work.then(
      (value) => {
        ended();
        resolve(value);
      },
      (error: unknown) => {
        ended();
        reject(error);
      },
    );
  });
}

/**
 * A signal that fires with `reason()` after `milliseconds` of `clock`, or when `parent` does. Call `clear` when done.
 */
export function deadline(
  clock: Clock,
  milliseconds: number,
  parent: AbortSignal | undefined,
  reason: () => Error,
): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const onParent = () => controller.abort(parent?.reason);
  if (parent?.aborted) controller.abort(parent.reason);
  parent?.addEventListener('abort', onParent, { once: true });
  const timer = Number.isFinite(milliseconds)
    ? clock.at(later(clock.now(), milliseconds), () => controller.abort(reason()), true)
    : undefined;
  return {
    signal: controller.signal,
    clear() {
      timer?.cancel();
      parent?.removeEventListener('abort', onParent);
    },
  };
}

/**
 * Waits `milliseconds` of `clock`; rejects with the signal's reason when it fires first.
 *
 * @param awaited true when the process must not end before
 */
export function wait(clock: Clock, milliseconds: number, signal: AbortSignal = never, awaited = false): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.at(
      later(clock.now(), milliseconds),
      () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
      awaited,
    );
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
