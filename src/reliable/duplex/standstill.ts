/**
 * Handlers that wait for answers which stand behind them: the other end asks in turn before it answers, or the window is full of
 * what is not finished, so that there is no room. As under WCF's re-entrant concurrency, the next message is handed up then, in
 * order, although the one before is not finished; where every message that there is room for waits already, the call back of the
 * newest is refused, so that its place is free. It is not while a handler waits for a turn that others will come to an end of: those
 * of another session, which work.
 */
import { type Clock, later, type Timer } from '../../base/clock.ts';
import { abortable, never } from '../../base/signals.ts';
import type { Handling } from '../../channel/handling.ts';
import { ReliableError } from '../errors.ts';

/** How long handlers wait before anything is done about it, in milliseconds. */
const patience = 1_000;

interface StandstillInit {
  readonly clock: Clock;
  /** The most messages that may be accepted and not finished. */
  readonly window: number;
  /** Whether there is no room for another message. */
  readonly isFull: () => boolean;
  /** Hands up the message that is next; false where none is left, or none may be out of turn. */
  readonly next: () => boolean;
}

export class Standstill {
  readonly #my: StandstillInit;
  /** For each handler that runs: for how many things it waits, and behind whom. */
  readonly #handlers = new Map<number, { waits: number; readonly handling: Handling }>();
  /** What refuses what is asked of the peer, the oldest first. */
  readonly #asking = new Set<AbortController>();
  #timer: Timer | undefined;
  /** The next message was handed up out of turn, and so is the one after it while it waits too. */
  #isReentrant = false;
  /** All wait, and there is room for no more. */
  #isStill = false;
  #isStopped = false;

  constructor(my: StandstillInit) {
    this.#my = my;
  }

  /** A message is handed up. */
  begin(number: number): Handling {
    const isStill = () => this.#isStill && this.#handlers.has(number);
    const handling: Handling = {
      behind: undefined,
      get isStill() {
        return isStill();
      },
      waiting: async (what, work) => {
        const handler = this.#handlers.get(number);
        // A way back that is used when the handler has finished holds nothing up.
        if (handler === undefined) return work(never);
        const asking = what === 'answer' ? new AbortController() : undefined;
        handler.waits += 1;
        if (asking !== undefined) this.#asking.add(asking);
        try {
          this.look();
          const refused = asking?.signal ?? never;
          return await abortable(work(refused), refused);
        } finally {
          if (asking !== undefined) this.#asking.delete(asking);
          handler.waits -= 1;
          this.look();
        }
      },
    };
    this.#handlers.set(number, { waits: 0, handling });
    return handling;
  }

  /** Its handler has finished. */
  end(number: number): void {
    this.#handlers.delete(number);
    this.look();
  }

  /** Something has changed: a message was accepted or finished, a handler began to wait or goes on. */
  look(): void {
    this.#isStill = false;
    if (this.#asking.size === 0) this.#isReentrant = false;
    if (!this.#waitsForAnswers) this.#rest();
    else if (!this.#isReentrant || !this.#my.next()) this.#again();
  }

  #again(): void {
    const { clock } = this.#my;
    this.#timer ??= clock.at(later(clock.now(), patience), () => this.#move());
  }

  /** The session has failed: no answer comes. */
  giveUp(): void {
    const text = 'The session ended before the answer to this call back came.';
    const gone = new ReliableError('RELIABLE_CLOSED', text, { transient: true });
    for (const asking of this.#asking) asking.abort(gone);
  }

  /** Nothing is handed up or refused any more. */
  stop(): void {
    this.#isStopped = true;
    this.#rest();
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Nobody works, and somebody waits for an answer. */
  get #waitsForAnswers(): boolean {
    if (this.#isStopped || this.#asking.size === 0) return false;
    for (const { waits } of this.#handlers.values()) if (waits === 0) return false;
    return true;
  }

  /** Somebody waits for a turn that will come. */
  get #goesOn(): boolean {
    for (const { handling } of this.#handlers.values()) if (handling.behind?.() === false) return true;
    return false;
  }

  #move(): void {
    this.#timer = undefined;
    if (!this.#waitsForAnswers) return;
    this.#isReentrant = this.#my.next();
    if (this.#isReentrant || !this.#my.isFull()) return;
    this.#isStill = true;
    if (this.#goesOn) {
      this.#again();
      return;
    }
    const text = `The answer to this call back cannot come: all ${this.#my.window} messages for which there is room wait for answers or for one another. Let fewer handlers wait for calls back, or raise maxTransferWindowSize.`;
    [...this.#asking].at(-1)?.abort(new ReliableError('RELIABLE_STANDSTILL', text, { transient: true }));
  }
}
