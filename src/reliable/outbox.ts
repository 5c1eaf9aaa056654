/**
 * The messages of an initiator's session that are not settled: what was handed over, who waits for it, and the replies that came
 * before their requests were settled.
 */
import { ByNumber } from '../base/by-number.ts';
import type { Delivery } from '../channel/delivery.ts';
import type { Outcome } from './errors.ts';
import type { OutcomeListener } from './outcomes.ts';

/** Who waits for what becomes of a message. */
export interface Waiting {
  readonly resolve: (reply: Delivery | undefined) => void;
  readonly reject: (reason: Error) => void;
  readonly hear: OutcomeListener | undefined;
}

/** A message that is to get a number, and who waits for it. */
export interface Submission {
  readonly trip: Delivery;
  readonly waiting: Waiting;
}

export class Outbox {
  readonly #messages = new ByNumber<Delivery>();
  readonly #waiting = new ByNumber<Waiting>();
  readonly #answers = new ByNumber<Delivery>();

  take(number: number, { trip, waiting }: Submission): void {
    this.#messages.set(number, trip);
    this.#waiting.set(number, waiting);
    waiting.hear?.(number, 'pending');
  }

  /** Absent when it is settled, or only the store has it. */
  message(number: number): Delivery | undefined {
    return this.#messages.get(number);
  }

  /** A message that the store had. */
  keep(number: number, trip: Delivery): void {
    this.#messages.set(number, trip);
  }

  /** The reply to a message, until the message is settled. */
  answer(number: number, reply: Delivery): void {
    this.#answers.set(number, reply);
  }

  forgetAnswer(number: number): void {
    this.#answers.delete(number);
  }

  /** Only an acknowledged message is told of here: of the others the end of the session tells. */
  settle(number: number, outcome: Outcome): void {
    this.#messages.delete(number);
    if (outcome !== 'acknowledged') return;
    const waiting = this.#waiting.get(number);
    waiting?.hear?.(number, outcome);
    waiting?.resolve(this.#answers.get(number));
    this.#waiting.delete(number);
    this.#answers.delete(number);
  }

  /** What is known of the messages for which somebody waits. */
  outcomes(outcome: (number: number) => Outcome): ReadonlyMap<number, Outcome> {
    return new Map(this.#waiting.keys().map((number) => [number, outcome(number)]));
  }

  /** Tells all who wait, and lets go of everything. */
  leave(outcome: (number: number) => Outcome, gone: Error): void {
    for (const number of this.#waiting.keys()) {
      const waiting = this.#waiting.get(number);
      waiting?.hear?.(number, outcome(number));
      waiting?.reject(gone);
    }
    this.#waiting.clear();
    this.#messages.clear();
  }
}
