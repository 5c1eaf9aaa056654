/**
 * What a token service remembers of the tokens that it has issued: to whom, for whom, and until when. Finite: when it is full, the
 * tokens that have ended go, and then nothing more is issued (attack D19).
 */
import type { Instant } from '../base/clock.ts';
import type { TokenContent } from './tokens.ts';

export interface IssuedRecord {
  readonly id: string;
  /** Who asked for it: nobody else renews or cancels it. */
  readonly identity: string;
  readonly expires: Instant;
  readonly cancelled: boolean;
  /** What it says, for its renewal. */
  readonly content: Omit<TokenContent, 'created' | 'expires'>;
}

export class IssuedTokens {
  readonly #most: number;
  readonly #records = new Map<string, IssuedRecord>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns false when there is no room */
  add(record: IssuedRecord, now: Instant): boolean {
    if (this.#records.size >= this.#most) this.#sweep(now);
    if (this.#records.size >= this.#most) return false;
    this.#records.set(record.id, record);
    return true;
  }

  find(id: string): IssuedRecord | undefined {
    return this.#records.get(id);
  }

  /** It stays until its end, so that it is known as cancelled. */
  cancel(record: IssuedRecord): void {
    this.#records.set(record.id, { ...record, cancelled: true });
  }

  #sweep(now: Instant): void {
    for (const [id, { expires }] of this.#records) if (expires <= now) this.#records.delete(id);
  }
}
