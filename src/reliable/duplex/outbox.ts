/** What a duplex end has submitted and not settled: the messages, who waits for each, and who waits for room. */
import { ByNumber } from '../../base/by-number.ts';
import { abortable } from '../../base/signals.ts';
import { type Delivery, delivery } from '../../channel/delivery.ts';
import type { Outcome } from '../errors.ts';
import { publish } from '../events.ts';
import type { Statistics } from '../session.ts';
import type { DuplexKeep, DuplexWaiting } from './ends.ts';
import type { SequencePair } from './pair.ts';

interface OutboxInit {
  readonly keep: DuplexKeep;
  readonly statistics: Statistics;
  readonly pair: SequencePair;
}

export class Outbox {
  readonly #my: OutboxInit;
  readonly #messages = new ByNumber<Delivery>();
  readonly #waiting = new ByNumber<DuplexWaiting>();
  readonly #room: (() => void)[] = [];

  constructor(my: OutboxInit) {
    this.#my = my;
  }

  /** Numbers for which somebody waits. */
  get awaited(): readonly number[] {
    return this.#waiting.keys();
  }

  numbered(number: number, trip: Delivery, waiting: DuplexWaiting | undefined): void {
    this.#messages.set(number, trip);
    if (waiting !== undefined) this.#waiting.set(number, waiting);
    publish(() => ({ event: 'message.submitted', ...this.#my.pair.mine, number }));
    waiting?.hear?.(number, 'pending');
  }

  /** The message as it was submitted, by this process or the one before. */
  message(number: number): Delivery | Promise<Delivery> {
    return this.#messages.get(number) ?? this.#my.keep.message('out', number).then((message) => delivery(message));
  }

  settle(number: number, outcome: Outcome): void {
    this.#messages.delete(number);
    const { pair, statistics } = this.#my;
    if (outcome !== 'acknowledged') {
      publish(() => ({ event: 'message.failed', ...pair.mine, number, outcome }));
      return;
    }
    statistics.acknowledged += 1;
    publish(() => ({ event: 'message.acknowledged', ...pair.mine, number }));
    const waiting = this.#waiting.get(number);
    waiting?.hear?.(number, outcome);
    waiting?.resolve(undefined);
    this.#waiting.delete(number);
  }

  /** Settles when `wake` is called, or rejects when `signal` fires. */
  room(signal: AbortSignal): Promise<void> {
    return abortable(new Promise<void>((resolve) => this.#room.push(resolve)), signal);
  }

  wake(): void {
    for (const one of this.#room.splice(0)) one();
  }

  giveUp(error: Error, outcome: (number: number) => Outcome): void {
    for (const number of this.#waiting.keys()) {
      const waiting = this.#waiting.get(number);
      waiting?.hear?.(number, outcome(number));
      waiting?.reject(error);
    }
    this.#waiting.clear();
    this.#messages.clear();
    this.wake();
  }
}
