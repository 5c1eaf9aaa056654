/**
 * Messages that were given to a layer and have not gone down from it: they were sent before a `close` that comes now, so it
 * waits until the layer below has them, and knows of them itself.
 */
import { abortable, never } from '../base/signals.ts';

export class Entering {
  readonly #all = new Set<Promise<void>>();

  /** One more message; call the value when the layer below has it, or will never have it. More calls do nothing. */
  one(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#all.add(promise);
    return () => {
      this.#all.delete(promise);
      resolve();
    };
  }

  /** Settles when everything that has been given so far is below, or `signal` fires. Never rejects. */
  async gone(signal: AbortSignal = never): Promise<void> {
    if (this.#all.size > 0) await abortable(Promise.all(this.#all), signal).catch(() => undefined);
  }
}
