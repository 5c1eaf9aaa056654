/**
 * One timer that is put off again and again: setting it later than it is set costs nothing, because it rings early, looks
 * at what it was set to last, and waits on. What would be two operations on the timers of the platform for every message
 * becomes one for every wait.
 */
import type { Clock, Instant, Timer } from './clock.ts';

export class Alarm implements Timer {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #due: Instant | undefined;
  #armed: { readonly at: Instant; readonly timer: Timer } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings once at `due` and at no time set before; `undefined` is never. */
  set(due: Instant | undefined): void {
    if (due === undefined) {
      this.cancel();
      return;
    }
    this.#due = due;
    if (this.#armed !== undefined && this.#armed.at <= due) return;
    this.#armed?.timer.cancel();
    this.#arm(due);
  }

  cancel(): void {
    this.#due = undefined;
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }

  #arm(at: Instant): void {
    this.#armed = { at, timer: this.#clock.at(at, () => this.#rang()) };
  }

  #rang(): void {
    this.#armed = undefined;
    const due = this.#due;
    if (due === undefined) return;
    if (this.#clock.now() < due) {
      this.#arm(due);
      return;
    }
    this.#due = undefined;
    this.#ring();
  }
}
