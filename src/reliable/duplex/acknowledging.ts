/**
 * When a duplex end acknowledges (WCF's duplex session channel): on the next message that goes out anyway, by itself after the
 * acknowledgement interval, and at once when it is asked to, for a duplicate, and when the window is full.
 */
import { later, type Timer } from '../../base/clock.ts';
import { bufferRemaining, type DeliveryAssurance, type DestinationState } from '../destination.ts';
import { publish } from '../events.ts';
import type { Acknowledgement } from '../headers.ts';
import type { Narration } from '../narration.ts';
import type { Settings } from '../settings.ts';
import type { DuplexWording } from './wording.ts';

interface AcknowledgingInit {
  readonly settings: Settings;
  readonly assurance: DeliveryAssurance;
  readonly wording: DuplexWording;
  readonly receipt: () => DestinationState | undefined;
  /** The names of the sequence that is acknowledged. */
  readonly theirs: () => Narration['requests'];
  /** Sends a message that acknowledges and does nothing else. */
  readonly alone: () => void;
}

export class Acknowledging {
  readonly #my: AcknowledgingInit;
  /** Accepted since this end acknowledged last. */
  #pending = 0;
  #timer: Timer | undefined;
  /** The room that was told last. */
  #told: number | undefined;

  constructor(my: AcknowledgingInit) {
    this.#my = my;
  }

  /** What a message that goes out anyway takes along. */
  riding(): Acknowledgement | undefined {
    return this.#pending === 0 ? undefined : this.whole();
  }

  /** Everything that was received, told now. */
  whole(): Acknowledgement | undefined {
    const receipt = this.#my.receipt();
    if (receipt === undefined) return undefined;
    this.stop();
    this.#pending = 0;
    const block = this.#my.wording.acknowledgement(receipt);
    this.#told = block.bufferRemaining;
    const { ranges, final, bufferRemaining: room = null } = block;
    publish(() => ({ event: 'acknowledgement.sent', ...this.#my.theirs(), ranges, final, room }));
    return block;
  }

  /** One more message was accepted. */
  accepted(isUrgent: boolean): void {
    const { clock, acknowledgementInterval, maxTransferWindowSize } = this.#my.settings;
    this.#pending += 1;
    if (isUrgent || this.#pending >= maxTransferWindowSize) {
      this.#my.alone();
      return;
    }
    this.#timer ??= clock.at(later(clock.now(), acknowledgementInterval), () => {
      this.#timer = undefined;
      if (this.#pending > 0) this.#my.alone();
    });
  }

  /** The application has finished with something: a peer that was told that there is no room hears it from nobody else. */
  freed(): void {
    const receipt = this.#my.receipt();
    if (this.#told !== 0 || receipt === undefined) return;
    if (bufferRemaining(receipt, this.#my.assurance) > 0) this.#my.alone();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
