/** How bad a network is on one day, drawn from chance. */
import type { Random } from '../../src/base/random.ts';

export interface Weather {
  /** Probabilities. */
  readonly loseRequest: number;
  readonly loseReply: number;
  readonly duplicate: number;
  readonly break: number;
  readonly reorder: number;
  /** Milliseconds that one who is overtaken waits longer. */
  readonly reorderBy: number;
  /** Greatest travelling time of a leg in milliseconds; the least is 1. */
  readonly slowest: number;
  /** Milliseconds after which the sender of a lost leg gives up waiting. */
  readonly patience: number;
  /** Milliseconds that a turn of the receiving end lasts; 0 where each message is by itself. */
  readonly turn: number;
}

/** A bad day; now and then a calm one. */
export function weather(random: Random): Weather {
  const upTo = (most: number) => (random.fraction() < 0.25 ? 0 : random.fraction() * most);
  return {
    loseRequest: upTo(0.4),
    loseReply: upTo(0.4),
    duplicate: upTo(0.4),
    break: upTo(0.2),
    reorder: upTo(0.4),
    reorderBy: 300,
    slowest: 1 + Math.floor(random.fraction() * 400),
    patience: 2_500,
    turn: Math.floor(upTo(40)),
  };
}
