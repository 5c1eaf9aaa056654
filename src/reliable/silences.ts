/**
 * Exchanges that were answered with nothing, looked at together when the turn that brought their answers is over: an acceptor
 * that acknowledges the messages of a turn once leaves all other answers empty, and what that acknowledgement has settled needs
 * no step of its own.
 */
import type { Turn } from '../channel/turn.ts';

export class Silences {
  readonly #refused: (number: number) => void;
  #numbers: number[] = [];

  /** @param refused hears of each message that was answered with nothing */
  constructor(refused: (number: number) => void) {
    this.#refused = refused;
  }

  /** @param turn the one that brought the answer; absent where each answer is by itself */
  add(number: number, turn: Turn | undefined): void {
    if (turn === undefined) this.#refused(number);
    else if (this.#numbers.push(number) === 1) turn.atEnd(this.#end);
  }

  readonly #end = (): void => {
    const numbers = this.#numbers;
    this.#numbers = [];
    for (const number of numbers) this.#refused(number);
  };
}
