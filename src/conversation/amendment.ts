/**
 * Claims that are added to a security context that is there already (WS-SecureConversation 1.3, section 4; likewise in 2005/02), as the
 * application at the end that asked for it asks for them. The request is an exchange of the issuance binding under an action of its own:
 * the key of the context signs its Body, its headers and the token that is added. No peer is known to speak it: it is written after the
 * specification, and was tried between two ends of surewire only.
 */
import { never } from '../base/signals.ts';
import type { Channel } from '../channel/channel.ts';
import { type ContextKey, contextKey } from '../channel/delivery.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import { ConversationError } from './errors.ts';

/** @param to where the service is, where no message has said so yet */
type Amend = (added: SecurityPolicy, to: URL | undefined, signal: AbortSignal) => Promise<void>;

/** In what a channel offers: how its context is amended. */
const amending: ContextKey<Amend | undefined> = contextKey<Amend | undefined>('amending', undefined);

export interface AmendOptions {
  /** Gives up waiting; a request that is on its way is not taken back. */
  readonly signal?: AbortSignal;
}

/**
 * Adds to the security context of a channel what the tokens of a policy prove: at the service, evidence of every message under the context
 * then has it in `added`, until the token ends or the context does. Whose context it is, and what belongs to it, does not change. The
 * service has to allow it (`amendment` of `secureConversation`). Where there is no context yet it is asked for; a renewal that is under way
 * or due comes first, and messages go on meanwhile. A context that was lost and asked for anew knows nothing of what was added.
 *
 * A refusal leaves the context as it was. The promise rejects with ConversationError `CONVERSATION_REFUSED` (enough was added to this
 * context, or the answer is about another), `CONVERSATION_UNANSWERED` (transient), `CONVERSATION_MALFORMED` or `CONVERSATION_UNSUPPORTED` (the
 * answer is none), `CONVERSATION_ENDED`; with SecurityError `SECURITY_UNSECURED_FAULT` for credentials that were not believed or not asked
 * for, because a fault about them is not signed by anybody, and as `send` of the channel.
 *
 * @param channel from `connect`, through a `secureConversation`; what lies below its context is opened
 * @param added a policy with a supporting token of this end
 * @throws ConversationError `CONVERSATION_SETTING` for a channel without a security context; SecurityError `SECURITY_POLICY` for a policy without a
 *   supporting token of this end
 * @example await amendContext(channel, usernameOverTransport({ username: { user, password, form: 'text' } }))
 */
export async function amendContext(
  channel: Channel,
  added: SecurityPolicy,
  { signal = never }: AmendOptions = {},
): Promise<void> {
  const amend = channel.offers?.(amending);
  if (amend === undefined) {
    const text =
      'Nothing that is sent over this channel is under a security context: put secureConversation into its binding.';
    throw new ConversationError('CONVERSATION_SETTING', text);
  }
  await amend(added, channel.to, signal);
}

/** What a channel offers that has a context: a way to amend it. */
export function offering(amend: Amend): NonNullable<Channel['offers']> {
  // The slot is found by its identity, so what is in it has its type.
  return <T>(of: ContextKey<T>): T => (of.id === amending.id ? (amend as T) : of.initial);
}
