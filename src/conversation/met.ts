/**
 * Whom an acceptor has met on one duplex channel, and under which key they spoke last: what it says to one of them unasked goes out under
 * that key, and under nobody else's. Whoever names the callback address of another client shares its channel, not its context.
 */
import type { ContextSecret } from '../security/exchange.ts';
import { ConversationError } from './errors.ts';
import type { Issuer } from './issuer.ts';

/** So many are remembered for one channel; the one that was silent longest is forgotten first. */
const mostMet = 256;

export class Met {
  readonly #issuer: Issuer;
  readonly #known = new Map<string, ContextSecret>();

  constructor(issuer: Issuer) {
    this.#issuer = issuer;
  }

  /** @param identities all that the message may speak for */
  heard(identities: readonly string[], context: ContextSecret): void {
    for (const identity of identities) {
      this.#known.delete(identity);
      this.#known.set(identity, context);
    }
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostMet) break;
      this.#known.delete(oldest);
    }
  }

  /**
   * The key to speak under.
   *
   * @param identity as `identityOf` tells it; without, the only one that was met
   * @throws ConversationError `CONVERSATION_ENDED` (transient) where there is none just now, and `CONVERSATION_SETTING` where it has to be said
   *   which one is meant
   */
  contextFor(identity: string | undefined): ContextSecret {
    const found = identity === undefined ? this.#only() : this.#known.get(identity);
    const context = found && this.#issuer.answering(found);
    const standing = context && this.#issuer.standing(context);
    if (context !== undefined && standing?.isExpired === false) return context;
    const text =
      'There is no security context to speak under: the client has to speak first, or to renew the one it has.';
    throw new ConversationError('CONVERSATION_ENDED', text, { transient: true });
  }

  #only(): ContextSecret | undefined {
    const [first, ...others] = this.#known.values();
    if (others.every(({ identifier }) => identifier === first?.identifier)) return first;
    const text = 'Several clients are reached over this connection: say which one is meant, as callbackChannel does.';
    throw new ConversationError('CONVERSATION_SETTING', text);
  }
}
