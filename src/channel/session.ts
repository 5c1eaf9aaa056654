/**
 * The session that a message belongs to, as the layer that keeps sessions tells the layers above: who opened it, and when
 * it is over. A reliable session leaves it on everything that it hands up; over a transport without sessions nobody does.
 */
import { type ContextKey, contextKey } from './delivery.ts';

/** One value for the whole life of a session in this process: it may be compared, and be the key of a map. */
export interface Session {
  /** Identifier, unique among the sessions of this end. */
  readonly id: string;
  /** Who opened it, comparable, as security or TLS proved it; `undefined` when nobody proved anything. */
  readonly party: string | undefined;
  /** True when an earlier process already had messages of it: what that process remembered is gone. */
  readonly isContinued: boolean;
  /** Settles once when nothing more will come, with the reason when it did not end in good order. Never rejects. */
  readonly ended: Promise<Error | undefined>;
}

export const session: ContextKey<Session | undefined> = contextKey<Session | undefined>('session', undefined);
