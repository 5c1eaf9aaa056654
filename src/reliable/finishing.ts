/**
 * What becomes of a message of a session at the acceptor when the application has finished with it: it is marked finished, and its
 * reply gets a number and is kept, in one commit; whoever waits for the answer gets it after that.
 */
import { after } from '../base/after.ts';
import { ByNumber } from '../base/by-number.ts';
import type { Delivery } from '../channel/delivery.ts';
import type { Message } from '../soap/message.ts';
import type { AcceptedSteps } from './accepted-steps.ts';
import { answered, endsWith, isTwoWay } from './answers.ts';
import type { DeliveryAssurance } from './destination-state.ts';
import { publish } from './events.ts';
import type { Transmission } from './ledger.ts';
import type { Ranges } from './ranges.ts';
import type { Journal } from './session.ts';
import type { Settings } from './settings.ts';

interface FinishingInit {
  readonly settings: Settings;
  /** How replies are sent. */
  readonly policy: Transmission;
  readonly journal: Journal;
  readonly incomplete: DeliveryAssurance['incomplete'];
}

export class Finishing {
  readonly #steps: AcceptedSteps;
  readonly #init: FinishingInit;
  /** What had been received when a message was handed up. */
  readonly #snapshots = new ByNumber<Ranges>();

  constructor(steps: AcceptedSteps, init: FinishingInit) {
    this.#steps = steps;
    this.#init = init;
  }

  /** Not when it came: acknowledgements of parked requests would take back what earlier replies have said. */
  handedUp(number: number): void {
    this.#snapshots.set(number, this.#steps.receipt.received);
  }

  /**
   * True when the exchange waits for the application: the request can be answered.
   *
   * @param last it is marked as the last one (2005/02), which at least our own last message answers
   */
  answersLater(request: Message, last: boolean): boolean {
    const isBare = request.action === this.#steps.version.actions.lastMessage;
    if (isBare || (last && this.#steps.offer !== undefined)) return this.#steps.offer !== undefined;
    // What is handed up when the sequence is whole is answered too late for anybody.
    return this.#init.incomplete !== 'DiscardEntireSequence' && isTwoWay(request);
  }

  /** Marks a message finished and gives its reply a number, in one commit. Runs in the mailbox. */
  finish(number: number, trip: Delivery, given: Delivery | undefined): Promise<void> | void {
    const steps = this.#steps;
    const drop = [{ direction: 'in' as const, number }];
    const { lastMessage } = steps.version.actions;
    const last = trip.message.action === lastMessage;
    const isLast = last || (lastMessage !== undefined && endsWith(steps.receipt, number));
    const own = isLast ? this.#lastMessage(trip) : undefined;
    const reply = (this.answersLater(trip.message, false) ? given : undefined) ?? own;
    if (reply === undefined) {
      return after(steps.advance({ kind: 'delivered', number, now: steps.now }, { drop }), () => {
        // Nobody waits for it when the exchange was answered on arrival.
        const isAwaited = steps.parking.has(number);
        const message = isAwaited ? steps.wording.acknowledged(trip.message, steps.receipt) : undefined;
        this.#finished(number, message === undefined ? undefined : trip.carrying(message), last);
      });
    }
    const acknowledged = this.#snapshots.get(number) ?? steps.receipt.received;
    const { maxTransferWindowSize } = this.#init.settings;
    const made = answered(
      steps.replying,
      number,
      acknowledged,
      steps.when,
      this.#init.policy,
      maxTransferWindowSize,
      isLast,
    );
    const { answer, forgotten } = made;
    const put = [{ direction: 'out' as const, number: answer.reply, octets: this.#init.journal.octets(reply.message) }];
    const without = [...drop, ...forgotten.map((old) => ({ direction: 'out' as const, number: old }))];
    steps.replies.set(answer.reply, reply.message);
    return after(
      steps.advance({ kind: 'delivered', number, now: steps.now }, { drop: without, put }, undefined, made.record),
      () => {
        for (const old of forgotten) steps.replies.delete(old);
        if (steps.offer !== undefined) {
          steps.statistics.sent += 1;
          publish(() => ({ event: 'message.sent', ...steps.tell.replies, number: answer.reply, attempt: 1 }));
        }
        this.#finished(number, reply.carrying(steps.wording.numbered(reply.message, answer, steps.receipt)), last);
      },
    );
  }

  /** This end's own last message, on the reply sequence: the answer to a last one that has no other. */
  #lastMessage(trip: Delivery): Delivery | undefined {
    const { lastMessage } = this.#steps.version.actions;
    return this.#steps.offer === undefined || lastMessage === undefined
      ? undefined
      : trip.carrying(this.#steps.wording.lastMessage(trip.message, lastMessage));
  }

  #finished(number: number, answer: Delivery | undefined, last: boolean): void {
    if (!last) {
      this.#steps.statistics.delivered += 1;
      publish(() => ({ event: 'message.delivered', ...this.#steps.tell.requests, number }));
    }
    this.release(number, answer);
  }

  /** Lets go of a message, with its answer where somebody waits for one. */
  release(number: number, answer: Delivery | undefined): void {
    this.#steps.held.delete(number);
    this.#snapshots.delete(number);
    this.#steps.parking.settle(number, answer);
  }
}
