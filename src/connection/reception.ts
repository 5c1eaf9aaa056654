/**
 * What the channel of a client that named where it is reached does with what the client says, whichever way leads back to it: takes it
 * up, feels when the application has more than enough to do, and notices when the client has not been heard for too long.
 */
import { Alarm } from '../base/alarm.ts';
import { later } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { arrive } from '../channel/duplex.ts';
import type { Life } from '../channel/life.ts';
import { turnedAway } from '../channel/refusal.ts';
import type { Message } from '../soap/message.ts';
import type { ClientSettings } from './settings.ts';

const publish = diagnostics('connection');

export interface ReceptionInit {
  readonly life: Life;
  readonly settings: ClientSettings;
  readonly receive: Carry;
  /** Says something to the client. */
  readonly say: (trip: Delivery) => Promise<unknown>;
  /** The client was not heard for `idleTimeout`. */
  readonly silent: () => void;
  /** The client was not let in, has been told so, and was not let in before either. */
  readonly refused: () => void;
}

export class Reception {
  readonly #my: ReceptionInit;
  readonly #silence: Alarm;
  #underWay = 0;
  /** Something of the client was taken. */
  #isKnown = false;

  constructor(my: ReceptionInit) {
    this.#my = my;
    this.#silence = new Alarm(my.settings.clock, my.silent);
    void my.life.closed.then(() => this.#silence.cancel());
    this.heard();
  }

  /** Nothing of the client was taken, and nothing of it is under way. */
  get isStranger(): boolean {
    return !this.#isKnown && this.#underWay === 0;
  }

  /** The client is there. */
  heard(): void {
    const { life, settings } = this.#my;
    if (life.isOpen) this.#silence.set(later(settings.clock.now(), settings.idleTimeout));
  }

  /**
   * Takes a message of the client up; what comes back is said to it. Settles at once, but when the application has more than
   * enough to do: then when it has finished with this one, so that the client feels it.
   *
   * @throws ChannelError `CHANNEL_CLOSED`
   */
  async take(trip: Delivery): Promise<void> {
    const { life, settings, receive, say } = this.#my;
    life.requireOpen();
    this.heard();
    this.#underWay += 1;
    const write = async (answer: Message) => {
      await say(delivery(answer));
    };
    const failed = (error: Error) => publish(() => ({ event: 'message.failed', action: trip.message.action, error }));
    let isTurnedAway = false;
    const marked = trip.with(turnedAway, () => {
      isTurnedAway = true;
    });
    const arrived = arrive(marked, { life, receive, write, failed }).finally(() => {
      this.#underWay -= 1;
      if (!isTurnedAway) this.#isKnown = true;
      else if (this.isStranger) this.#my.refused();
    });
    if (this.#underWay > settings.maxMessagesUnderWay) await arrived;
  }
}
