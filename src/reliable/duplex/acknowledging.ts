/**
 * When a duplex end acknowledges (WCF's duplex session channel): on the next message that goes out anyway, by itself after the
 * acknowledgement interval, soon when it is asked to, and at once for a duplicate and when the window is full. What goes out again says
 * again what the copy before it said. Where it is to say what
 * is missing, it does when a gap has been there for the acknowledgement interval: what only comes out of turn fills it before.
 */
import { Alarm } from '../../base/alarm.ts';
import { type Instant, later } from '../../base/clock.ts';
import { bufferRemaining, type DeliveryAssurance } from '../destination-state.ts';
import { publish } from '../events.ts';
import { type Acknowledgement, maxRangesRead } from '../headers.ts';
import { missing } from '../ranges.ts';
import type { Settings } from '../settings.ts';
import type { SequencePair } from './pair.ts';
import type { DuplexWording } from './wording.ts';

/** How soon whoever asks is told, in milliseconds: the reply that is about to be sent takes it along. */
const courtesy = 20;

interface AcknowledgingInit {
  readonly settings: Settings;
  readonly assurance: DeliveryAssurance;
  readonly wording: DuplexWording;
  readonly pair: SequencePair;
  /** Sends a message that acknowledges and does nothing else. */
  readonly alone: () => void;
  /** Sends a message that says what is missing. */
  readonly missing: (numbers: readonly number[]) => void;
}

export class Acknowledging {
  readonly #my: AcknowledgingInit;
  /** Accepted since this end acknowledged last. */
  #pending = 0;
  #due: Instant | undefined;
  #isLooking = false;
  readonly #timer: Alarm;
  readonly #gap: Alarm;
  /** Everything up to here that is missing has been said to be. */
  #complained = 0;
  /** The room that was told last. */
  #told: number | undefined;

  constructor(my: AcknowledgingInit) {
    this.#my = my;
    const { clock } = my.settings;
    this.#timer = new Alarm(clock, () => {
      if (this.#pending > 0) this.#my.alone();
    });
    this.#gap = new Alarm(clock, () => this.#complain());
  }

  /**
   * What a message that goes out anyway takes along.
   *
   * @param isAgain the copy before may be lost, or have been put aside for this one, and with it what it took along: it is said again
   */
  riding(isAgain: boolean): Acknowledgement | undefined {
    const { receipt } = this.#my.pair;
    // A sequence that this end gives up has no final word but the fault that says so.
    if (receipt === undefined || (receipt.phase === 'ended' && receipt.reason !== 'completed')) return undefined;
    return this.#pending > 0 || (isAgain && receipt.received.length > 0) ? this.whole() : undefined;
  }

  /** Everything that was received, told now. */
  whole(): Acknowledgement | undefined {
    const { receipt } = this.#my.pair;
    if (receipt === undefined) return undefined;
    this.#rest();
    this.#pending = 0;
    const block = this.#my.wording.acknowledgement(receipt);
    this.#told = block.bufferRemaining;
    const { ranges, final, bufferRemaining: room = null } = block;
    publish(() => ({ event: 'acknowledgement.sent', ...this.#my.pair.theirs, ranges, final, room }));
    return block;
  }

  /** One more message was accepted. */
  accepted(urgency: 'now' | 'soon' | 'later'): void {
    const { clock, acknowledgementInterval, maxTransferWindowSize } = this.#my.settings;
    this.#pending += 1;
    this.#lookForGap();
    if (urgency === 'now' || this.#pending >= maxTransferWindowSize) {
      this.#my.alone();
      return;
    }
    const wait = urgency === 'soon' ? Math.min(courtesy, acknowledgementInterval) : acknowledgementInterval;
    const due = later(clock.now(), wait);
    if (this.#due === undefined || due < this.#due) this.#due = due;
    this.#timer.set(this.#due);
  }

  #lookForGap(): void {
    const { clock, acknowledgementInterval, negativeAcknowledgements } = this.#my.settings;
    if (!negativeAcknowledgements || this.#isLooking || this.#missing.length === 0) return;
    this.#isLooking = true;
    this.#gap.set(later(clock.now(), acknowledgementInterval));
  }

  /** Missing and not said to be yet. */
  get #missing(): readonly number[] {
    const { receipt } = this.#my.pair;
    // Once it is closed nothing that is missing is wanted any more.
    if (receipt?.phase !== 'created') return [];
    return missing(receipt.received, maxRangesRead).filter((number) => number > this.#complained);
  }

  #complain(): void {
    this.#isLooking = false;
    const numbers = this.#missing;
    const last = numbers.at(-1);
    if (last === undefined) return;
    this.#complained = last;
    this.#my.missing(numbers);
  }

  /** The application has finished with something: a peer that was told that there is no room hears it from nobody else. */
  freed(): void {
    const { receipt } = this.#my.pair;
    if (this.#told !== 0 || receipt === undefined) return;
    if (bufferRemaining(receipt, this.#my.assurance) > 0) this.#my.alone();
  }

  #rest(): void {
    this.#timer.cancel();
    this.#due = undefined;
  }

  /** Nothing is acknowledged any more. */
  stop(): void {
    this.#rest();
    this.#gap.cancel();
  }
}
