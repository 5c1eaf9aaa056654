/**
 * For whom a message under a security context speaks: the context itself, because whoever holds its secret is who asked for it;
 * and behind it everybody that the request for it has proven.
 */
import type { Delivery } from '../channel/delivery.ts';
import { type Evidence, evidence, type Signer } from '../security/evidence.ts';
import type { ContextSecret } from '../security/exchange.ts';
import { contextTokenType } from '../security/tokens/context.ts';

/** What was proven when the context was asked for. */
export interface Party {
  readonly evidence: Evidence | undefined;
  /** Comparable. */
  readonly identity: string;
}

/**
 * What a message under a context proves.
 *
 * @param party who asked for it; absent at the end that did
 * @param speaksFor see `SecureConversationOptions`
 */
export function underContext(
  of: Delivery,
  context: ContextSecret,
  party: Party | undefined,
  speaksFor: 'context' | 'identity',
): Delivery {
  const proven = of.get(evidence);
  if (proven === undefined) return of;
  let known = voices.get(context);
  if (known === undefined || known.party !== party || known.speaksFor !== speaksFor) {
    known = { party, speaksFor, says: voiceOf(context, party, speaksFor) };
    voices.set(context, known);
  }
  return of.with(evidence, Object.freeze({ ...proven, ...known.says } satisfies Evidence));
}

/** What every message under a context says of who speaks, made once. */
type Voice = Required<Pick<Evidence, 'signer' | 'signers' | 'user' | 'claims' | 'context'>>;

const voices = new WeakMap<
  ContextSecret,
  { readonly party: Party | undefined; readonly speaksFor: 'context' | 'identity'; readonly says: Voice }
>();

function voiceOf(
  { identifier, namespace }: ContextSecret,
  party: Party | undefined,
  speaksFor: 'context' | 'identity',
): Voice {
  const behind = party?.evidence;
  const name = behind?.signer?.name ?? behind?.user?.name ?? identifier;
  const own: Signer = Object.freeze({ kind: 'context', identity: `context:${identifier}`, name });
  const asked = speaksFor === 'identity' ? (behind?.signer ?? behind?.user) : undefined;
  const signer = asked ?? own;
  return {
    signer,
    signers: Object.freeze([signer, ...(behind?.signers ?? []).filter((one) => one !== signer)]),
    user: behind?.user,
    claims: behind?.claims,
    context: Object.freeze({ identifier, tokenType: contextTokenType(namespace) }),
  };
}
