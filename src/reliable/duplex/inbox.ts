/**
 * What a duplex session has received and hands up: each message once, in order where asked, beside the mailbox of the session,
 * and answers ahead of unfinished messages.
 */
import { ByNumber } from '../../base/by-number.ts';
import { asError } from '../../base/errors.ts';
import { wait } from '../../base/signals.ts';
import { isAnswer } from '../../channel/awaited.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { handling } from '../../channel/handling.ts';
import { session as sessionOf } from '../../channel/session.ts';
import { faultFor, faultReply } from '../../soap/fault.ts';
import type { DestinationState } from '../destination-state.ts';
import { publish } from '../events.ts';
import { storePatience } from '../handing.ts';
import { position } from '../position.ts';
import { prefix } from '../ranges.ts';
import type { DuplexInit } from './ends.ts';
import type { SequencePair } from './pair.ts';
import { Standstill } from './standstill.ts';

interface InboxInit {
  readonly init: DuplexInit;
  readonly pair: SequencePair;
  /** Sends the reply, where there is one, and then marks the message finished. */
  readonly finish: (number: number, reply: Delivery | undefined, isMark: boolean) => Promise<void>;
  readonly failed: (thrown: unknown) => void;
  /** For how many more messages there is room. */
  readonly room: () => number;
}

export class Inbox {
  readonly #my: InboxInit;
  readonly #held = new ByNumber<Delivery>();
  /** Answers that were not handed up, ascending: each step looks at these alone, however much else is held. */
  readonly #answers: number[] = [];
  /** Numbers that were handed up, some of them answers that overtook an unfinished message. */
  readonly #begun = new ByNumber<true>();
  readonly #running = new Set<Promise<void>>();
  readonly #standstill: Standstill;
  #isStopped = false;

  constructor(my: InboxInit) {
    this.#my = my;
    const { clock, maxTransferWindowSize: window } = my.init.settings;
    this.#standstill = new Standstill({ clock, window, isFull: () => my.room() === 0, next: () => this.#next() });
  }

  keep(number: number, trip: Delivery): void {
    this.#held.set(number, trip);
    if (isAnswer(trip.message)) this.#await(number);
    this.#standstill.look();
  }

  /** What handlers have asked the peer will not be answered any more. */
  unanswered(): void {
    this.#standstill.giveUp();
  }

  /** Nothing is handed up any more. */
  stop(): void {
    this.#isStopped = true;
    this.#standstill.stop();
  }

  /** These will never be handed up; without numbers: nothing will. */
  drop(numbers: readonly number[] = this.#held.keys()): void {
    for (const number of numbers) this.#held.delete(number);
  }

  /** Settles when the application has finished with everything that it was handed. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * An answer is handed up as soon as everything before it has come: whoever waits for it may be the very handler that the
   * messages before it wait for (WCF: a re-entrant callback).
   */
  handUpAnswers(receipt: DestinationState | undefined): void {
    if (this.#answers.length === 0) return;
    const reachable = this.#reachable(receipt);
    for (let next = this.#answers[0]; next !== undefined && next <= reachable; next = this.#answers[0]) {
      this.#answers.shift();
      if (this.#held.has(next)) this.handUp(next);
    }
  }

  #await(number: number): void {
    const before = this.#answers.at(-1) ?? 0;
    this.#answers.push(number);
    if (before > number) this.#answers.sort((one, other) => one - other);
  }

  /** The highest number with nothing missing before it, where that counts. */
  #reachable(receipt: DestinationState | undefined): number {
    return this.#my.init.settings.ordered ? prefix(receipt?.received ?? []) : Number.POSITIVE_INFINITY;
  }

  /** Hands up the first that was not, before its turn. */
  #next(): boolean {
    const { deliveryAssurance, incompleteSequenceBehavior } = this.#my.init.settings;
    // These are handed up by the rules of the sequence alone, or not at all.
    if (deliveryAssurance === 'at-most-once' || incompleteSequenceBehavior === 'DiscardEntireSequence') return false;
    const reachable = this.#reachable(this.#my.pair.receipt);
    const next = this.#held.keys().find((number) => number <= reachable && !this.#begun.has(number));
    if (next === undefined) return false;
    this.handUp(next);
    return true;
  }

  /** Once for each number. */
  handUp(number: number): void {
    if (this.#isStopped || this.#begun.has(number)) return;
    this.#begun.set(number, true);
    const running: Promise<void> = this.#handed(number).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #handed(number: number): Promise<void> {
    const { init, finish, failed } = this.#my;
    let done: { readonly reply: Delivery | undefined; readonly isMark: boolean } | undefined;
    while (!init.signal.aborted) {
      try {
        if (done === undefined) {
          const trip = this.#held.get(number) ?? init.keep.restored(await init.keep.message('in', number));
          const isMark = trip.message.action === init.version.actions.lastMessage;
          done = { reply: isMark ? undefined : await this.#handle(trip, number), isMark };
        }
        await finish(number, done.reply, done.isMark);
        this.#held.delete(number);
        this.#begun.delete(number);
        this.#standstill.end(number);
        return;
      } catch (thrown) {
        // Only the store can fail here. Until it works again the message counts as not finished.
        failed(thrown);
        await wait(init.settings.clock, storePatience, init.signal).catch(() => undefined);
      }
    }
  }

  async #handle(trip: Delivery, number: number): Promise<Delivery | undefined> {
    const { init, pair } = this.#my;
    const handler = this.#standstill.begin(number);
    const at = trip.with(position, { sequence: pair.theirs.sequence, number }).with(handling, handler);
    const up = (init.upward === undefined ? at : at.with(sessionOf, init.upward)).under(init.signal);
    try {
      return await init.receive(up);
    } catch (thrown) {
      publish(() => ({ event: 'handler.failed', ...pair.theirs, number, reason: asError(thrown).message }));
      return isAnswer(trip.message) ? undefined : trip.carrying(faultReply(trip.message, faultFor(thrown)));
    }
  }
}
