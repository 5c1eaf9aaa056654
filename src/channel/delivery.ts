/**
 * A message under way, who may cancel the trip, and what the layers passed so far have learned of it. The one arrow of
 * the house, `Carry`, moves a delivery one step; what comes back on the same exchange, if anything, is its value.
 */
import { never } from '../base/signals.ts';
import type { Message } from '../soap/message.ts';

/** A typed slot in which one layer leaves a finding for the layers above or below it. */
export interface ContextKey<T> {
  readonly id: symbol;
  readonly initial: T;
}

export function contextKey<T>(name: string, initial: T): ContextKey<T> {
  return { id: Symbol(name), initial };
}

/** What is in a slot in which nobody has left anything. */
export function initial<T>(of: ContextKey<T>): T {
  return of.initial;
}

/** Immutable: `with` and `carrying` return another. */
export interface Delivery {
  readonly message: Message;
  readonly signal: AbortSignal;
  get<T>(key: ContextKey<T>): T;
  with<T>(key: ContextKey<T>, value: T): Delivery;
  /** The same trip with another message: findings and signal are kept. */
  carrying(message: Message): Delivery;
  /** The same trip, which another signal may end. */
  under(signal: AbortSignal): Delivery;
}

/** Carries a message one step. The same type goes down (`channel.send`) and up (`receive`), at either end. */
export type Carry = (delivery: Delivery) => Promise<Delivery | undefined>;

export function delivery(message: Message, signal: AbortSignal = never): Delivery {
  return new Trip(message, signal, undefined);
}

/** What was learned last, and what before it: a trip learns a few things, and each is looked for once or twice. */
interface Finding {
  readonly id: symbol;
  readonly value: unknown;
  readonly before: Finding | undefined;
}

class Trip implements Delivery {
  readonly message: Message;
  readonly signal: AbortSignal;
  readonly #findings: Finding | undefined;

  constructor(message: Message, signal: AbortSignal, findings: Finding | undefined) {
    this.message = message;
    this.signal = signal;
    this.#findings = findings;
  }

  get<T>(key: ContextKey<T>): T {
    for (let finding = this.#findings; finding !== undefined; finding = finding.before) {
      if (finding.id === key.id) return finding.value as T;
    }
    return key.initial;
  }

  with<T>(key: ContextKey<T>, value: T): Delivery {
    return new Trip(this.message, this.signal, { id: key.id, value, before: this.#findings });
  }

  carrying(message: Message): Delivery {
    return new Trip(message, this.signal, this.#findings);
  }

  under(signal: AbortSignal): Delivery {
    return new Trip(this.message, signal, this.#findings);
  }
}
