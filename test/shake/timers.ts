/** Timers are late, in the order in which they are due; and now and then the whole thread stands still, as one that has no core. */
import timers from 'node:timers';
import promises from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Chance } from './chance.ts';

const { setTimeout: realTimeout, clearTimeout: realClear } = timers;

/** Of timers that are due while no other waits. */
const heldUp = 0.3;

/** What is due, while an earlier one is late. */
class Gate {
  readonly #chance: Chance;
  readonly #waiting = new Map<object, () => void>();
  #isClosed = false;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  pass(timer: object, go: () => void): void {
    if (this.#isClosed) {
      this.#waiting.set(timer, go);
      return;
    }
    const late = this.#chance.fraction() < heldUp ? this.#chance.late() : 0;
    if (late <= 0) {
      go();
      return;
    }
    this.#isClosed = true;
    this.#waiting.set(timer, go);
    realTimeout(() => this.#open(), late);
  }

  forget(timer: unknown): void {
    if (typeof timer === 'object' && timer !== null) this.#waiting.delete(timer);
    else for (const one of this.#waiting.keys()) if (`${Number(one)}` === `${timer}`) this.#waiting.delete(one);
  }

  #open(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#isClosed = false;
      return;
    }
    const [timer, go] = first;
    this.#waiting.delete(timer);
    // Each in a callback of its own, as Node does it: microtasks and errors of one come before the next.
    realTimeout(() => this.#open(), 0);
    go();
  }
}

export function lateTimers(chance: Chance): void {
  const gate = new Gate(chance);
  const late = (task: (...args: unknown[]) => void, milliseconds?: number, ...args: unknown[]): NodeJS.Timeout => {
    const timer = realTimeout(() => gate.pass(timer, () => Reflect.apply(task, timer, args)), milliseconds);
    return timer;
  };
  const clear: typeof clearTimeout = (timer) => {
    gate.forget(timer);
    realClear(timer);
  };
  const promised = latePromise(gate);
  const changed = { setTimeout: Object.assign(late, { [promisify.custom]: promised }), clearTimeout: clear };
  Object.assign(timers, changed);
  Object.assign(globalThis, changed);
  Object.assign(promises, { setTimeout: promised });
  forgetting(gate);
}

function latePromise(gate: Gate): typeof promises.setTimeout {
  const { setTimeout: real } = promises;
  return async (milliseconds, value, options) => {
    const result = await real(milliseconds, value, options);
    const signal = options?.signal;
    const due = {};
    await new Promise<void>((resolve) => {
      const aborted = (): void => {
        gate.forget(due);
        resolve();
      };
      signal?.addEventListener('abort', aborted, { once: true });
      gate.pass(due, () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      });
    });
    // Says what Node says of one that was aborted, and nothing of another.
    return signal?.aborted ? await real(0, result, options) : result;
  };
}

/** A timer that is closed or begins again is due no more. */
function forgetting(gate: Gate): void {
  const one = realTimeout(() => undefined, 0);
  realClear(one);
  const prototype = Object.getPrototypeOf(one);
  for (const name of ['close', 'refresh', Symbol.dispose]) {
    const real = prototype[name];
    prototype[name] = function (this: NodeJS.Timeout): unknown {
      gate.forget(this);
      return real.call(this);
    };
  }
}

/** The thread has no core for a while: all that becomes due meanwhile is due at once. */
export function standStill(chance: Chance): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const stand = (): void => {
    const milliseconds = chance.late();
    if (milliseconds > 0) Atomics.wait(nobody, 0, 0, milliseconds);
    realTimeout(stand, 100 * chance.fraction()).unref();
  };
  realTimeout(stand, 0).unref();
}
