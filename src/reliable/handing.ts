/**
 * Messages of a session with the application, beside the mailbox of the session: each is handed up, and what comes of it is made
 * durable, again and again while the store fails. Until then it counts as not finished.
 */
import type { Clock } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { wait } from '../base/signals.ts';
import type { Delivery } from '../channel/delivery.ts';
import { faultFor, faultReply } from '../soap/fault.ts';
import { publish } from './events.ts';
import type { Narration } from './narration.ts';

/** How long to wait for a store that failed before trying it again, in milliseconds. */
export const storePatience = 1_000;

interface HandingInit {
  readonly clock: Clock;
  readonly tell: Narration;
  /** Fires when the acceptor is torn down. */
  readonly signal: AbortSignal;
  /** True once this process has let go of the session. */
  readonly isStopped: () => boolean;
  /** The message, where it is in memory. */
  readonly held: (number: number) => Delivery | undefined;
  /** The message from the store. */
  readonly stored: (number: number) => Promise<Delivery>;
  /** What the application answers. */
  readonly handle: (trip: Delivery, number: number) => Promise<Delivery | undefined> | Delivery | undefined;
  /** Marks the message finished, in the mailbox; only the store can fail there. */
  readonly finish: (number: number, trip: Delivery, reply: Delivery | undefined) => Promise<void> | void;
}

export class Handing {
  readonly #my: HandingInit;
  /** Messages that are being handed up, and who waits until there are none. */
  #running = 0;
  readonly #resting: (() => void)[] = [];

  constructor(my: HandingInit) {
    this.#my = my;
  }

  /** Settles when the application has finished with everything that it was handed. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#resting.push(resolve));
  }

  /** Hands a message up and keeps the reply. */
  up(number: number): void {
    this.#running += 1;
    const trip = this.#my.held(number);
    if (this.#my.signal.aborted || this.#my.isStopped()) this.#rest();
    else if (trip === undefined) void this.#stored(number);
    else this.#handUp(number, trip);
  }

  async #stored(number: number): Promise<void> {
    const { signal, isStopped, stored } = this.#my;
    while (!signal.aborted && !isStopped()) {
      try {
        this.#handUp(number, await stored(number));
        return;
      } catch (thrown) {
        await this.#failed(number, thrown);
      }
    }
    this.#rest();
  }

  #handUp(number: number, trip: Delivery): void {
    const { tell, handle } = this.#my;
    const failed = (thrown: unknown): void => {
      publish(() => ({ event: 'handler.failed', ...tell.requests, number, reason: asError(thrown).message }));
      this.#finish(number, trip, trip.carrying(faultReply(trip.message, faultFor(thrown))));
    };
    try {
      // Never at once: the exchange of the message has yet to find its place to wait at.
      Promise.resolve(handle(trip, number)).then((reply) => this.#finish(number, trip, reply), failed);
    } catch (thrown) {
      Promise.reject(thrown).catch(failed);
    }
  }

  /** The application has finished with a message. */
  #finish(number: number, trip: Delivery, reply: Delivery | undefined): void {
    const { signal, isStopped, finish } = this.#my;
    const again = async (thrown: unknown): Promise<void> => {
      await this.#failed(number, thrown);
      if (isStopped()) this.#rest();
      else this.#finish(number, trip, reply);
    };
    if (signal.aborted) {
      this.#rest();
      return;
    }
    try {
      const finished = finish(number, trip, reply);
      if (finished === undefined) this.#rest();
      else finished.then(() => this.#rest(), again);
    } catch (thrown) {
      void again(thrown);
    }
  }

  /** The store failed; it may work again later. */
  async #failed(number: number, thrown: unknown): Promise<void> {
    const { clock, signal, tell } = this.#my;
    publish(() => ({ event: 'store.failed', ...tell.of, number, reason: asError(thrown).message }));
    await wait(clock, storePatience, signal).catch(() => undefined);
  }

  /** One less is with the application. */
  #rest(): void {
    this.#running -= 1;
    if (this.#running === 0) for (const wake of this.#resting.splice(0)) wake();
  }
}
