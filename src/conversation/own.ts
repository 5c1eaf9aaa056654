/**
 * What an end has said under its contexts. The key of a context is that of both ends, and on a duplex channel both send unasked: a
 * message that came back to whoever sent it would be taken for a word of the other end (attacks R7, M31).
 */
import { base64 } from '../base/bytes.ts';
import { type Clock, later } from '../base/clock.ts';
import type { Exchange } from '../security/exchange.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import { MemoryReplayCache } from '../security/replay.ts';
import { staleAt } from '../security/timestamp.ts';

export class Own {
  readonly #clock: Clock;
  readonly #policy: SecurityPolicy;
  readonly #said = new MemoryReplayCache();

  /** @param policy by which messages go out and come in */
  constructor(clock: Clock, policy: SecurityPolicy) {
    this.#clock = clock;
    this.#policy = policy;
  }

  /**
   * Remembers signatures for as long as they would be fresh.
   *
   * @throws SecurityError `SECURITY_REPLAY_FULL` (transient)
   */
  remember({ values }: Pick<Exchange, 'values'>): void {
    const { inbound, outbound } = this.#policy;
    const now = this.#clock.now();
    const until = staleAt({ created: now, expires: later(now, outbound.lifetime) }, inbound.freshness);
    for (const value of values) this.#said.remember(base64(value), until, now);
  }

  readonly isOwn: NonNullable<Exchange['isOwn']> = (signature) => this.#said.has(base64(signature), this.#clock.now());
}
