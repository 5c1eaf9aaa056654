/**
 * How messages come into a duplex session from its application: numbered in the order in which they are given, each when there is
 * room for it; a reply in one step with the end of the message that it answers.
 */
import { asError } from '../../base/errors.ts';
import { Serial } from '../../base/serial.ts';
import { abortable } from '../../base/signals.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { publish } from '../events.ts';
import { onOutcome } from '../outcomes.ts';
import type { Statistics } from '../session.ts';
import { submitted, unsettled } from '../source-state.ts';
import type { Acknowledging } from './acknowledging.ts';
import type { Driver } from './driver.ts';
import type { Ending } from './ending.ts';
import type { DuplexInit, DuplexWaiting } from './ends.ts';
import type { Outbox } from './outbox.ts';
import type { SequencePair } from './pair.ts';

interface AdmissionInit {
  readonly init: DuplexInit;
  readonly pair: SequencePair;
  readonly outbox: Outbox;
  readonly acknowledging: Acknowledging;
  readonly driver: Driver;
  readonly ending: Ending;
  readonly statistics: Statistics;
}

export class Admission {
  readonly #my: AdmissionInit;
  readonly #serial = new Serial();

  constructor(my: AdmissionInit) {
    this.#my = my;
  }

  /** Settles when `trip` is acknowledged. */
  async send(trip: Delivery): Promise<undefined> {
    const settled = Promise.withResolvers<undefined>();
    settled.promise.catch(() => undefined);
    const waiting = { resolve: settled.resolve, reject: settled.reject, hear: trip.get(onOutcome) };
    // One after the other, so that numbers follow the order of the calls even when a call waits for room.
    const admitted = this.#serial.run(() => this.#submit(trip, waiting, trip.signal));
    await abortable(admitted, trip.signal);
    return abortable(settled.promise, trip.signal);
  }

  /** Settles when everything that was sent so far has its number. */
  numbered(): Promise<void> {
    return this.#serial.idle();
  }

  /** The application has finished with message `number`. */
  async finished(number: number, reply: Delivery | undefined, isMark: boolean): Promise<void> {
    const { init, pair, acknowledging, driver, ending, statistics } = this.#my;
    if (init.signal.aborted || ending.isStopped) {
      if (reply !== undefined) this.#late(number);
      return;
    }
    const receipt = [{ kind: 'delivered' as const, number }];
    if (reply === undefined) await driver.enter(() => driver.step({ receipt }));
    else {
      await this.#roomy(ending.signal).catch(() => undefined);
      const submission = { trip: reply, waiting: undefined };
      // In one step: a message is finished when its reply is kept.
      const source = [{ kind: 'submit' as const, expects: 'acknowledgement' as const }];
      const isTaken = await driver.enter(async () => {
        const before = submitted(pair.source);
        await driver.step({ source, receipt }, { submission });
        return submitted(pair.source) > before;
      });
      if (!isTaken) this.#late(number);
    }
    if (!isMark) {
      statistics.delivered += 1;
      publish(() => ({ event: 'message.delivered', ...pair.theirs, number }));
    }
    acknowledging.freed();
  }

  /** There is nobody to take the reply any more. */
  #late(number: number): void {
    const { pair, statistics } = this.#my;
    statistics.late += 1;
    publish(() => ({ event: 'reply.dropped', ...pair.theirs, number }));
  }

  async #submit(trip: Delivery, waiting: DuplexWaiting, signal: AbortSignal): Promise<void> {
    await this.#roomy(signal);
    const { driver } = this.#my;
    await driver.enter(async () => {
      try {
        const source = [{ kind: 'submit' as const, expects: 'acknowledgement' as const }];
        await driver.step({ source }, { submission: { trip, waiting } });
      } catch (thrown) {
        waiting.reject(asError(thrown));
      }
    });
  }

  async #roomy(signal: AbortSignal): Promise<void> {
    const { init, pair, outbox, ending } = this.#my;
    while (!ending.isStopped && unsettled(pair.source) >= init.settings.maxUnsettled) await outbox.room(signal);
    signal.throwIfAborted();
  }
}
