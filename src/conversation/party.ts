/**
 * For whom a message under a security context speaks: the context itself, because whoever holds its secret is who asked for it;
 * behind it everybody that the request for it has proven; and beside them what was added to it since (WS-SecureConversation 1.3, section
 * 4), which changes nothing of who that is: what belongs to the context belongs to nobody else for it.
 */
import { type Instant, instant } from '../base/clock.ts';
import type { Delivery } from '../channel/delivery.ts';
import { type AddedEvidence, type Evidence, evidence, identityOf, type Signer } from '../security/evidence.ts';
import type { ContextSecret } from '../security/exchange.ts';
import { contextTokenType } from '../security/tokens/context.ts';

/** What was proven when the context was asked for. */
export interface Party {
  readonly evidence: Evidence | undefined;
  /** Comparable. */
  readonly identity: string;
  /** In the order in which it came. */
  readonly added: readonly AddedEvidence[];
}

/** As it was issued. */
export function partyOf(of: Delivery): Party {
  return { evidence: of.get(evidence), identity: identityOf(of), added: nothingAdded };
}

const nothingAdded: readonly AddedEvidence[] = Object.freeze([]);

/**
 * The party with what a request to amend has proven. Nothing that was added before is taken away: the same once more is as good as the
 * one that is good for longer, and anything else stands beside it.
 *
 * @param most that may stand there
 * @returns `undefined` where there is no room
 */
export function withAdded(party: Party, proven: Evidence, most: number): Party | undefined {
  const { signers, user, claims, until } = proven;
  const fresh: AddedEvidence = Object.freeze({ signers, user, claims, until });
  const same = party.added.find((one) => isSame(one, fresh));
  if (same === undefined) {
    return party.added.length < most ? { ...party, added: Object.freeze([...party.added, fresh]) } : undefined;
  }
  const longer = endOf(fresh) > endOf(same) ? fresh : same;
  return { ...party, added: Object.freeze(party.added.map((one) => (one === same ? longer : one))) };
}

/** The party without what has ended; the same value where nothing has. */
export function partyAt(party: Party, now: Instant): Party {
  if (party.added.every((one) => now < endOf(one))) return party;
  return { ...party, added: Object.freeze(party.added.filter((one) => now < endOf(one))) };
}

function endOf({ until }: AddedEvidence): Instant {
  return until ?? instant(Number.POSITIVE_INFINITY);
}

function isSame(one: AddedEvidence, other: AddedEvidence): boolean {
  return worded(one) === worded(other);
}

/** Who and what, whichever certificate of a key says it. */
function worded({ signers, user, claims }: AddedEvidence): string {
  const attributes = claims && [...claims.attributes].sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([
    signers.map(({ identity }) => identity),
    user?.identity,
    claims && [claims.issuer, claims.subject, attributes],
  ]);
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
type Voice = Required<Pick<Evidence, 'signer' | 'signers' | 'user' | 'claims' | 'until' | 'added' | 'context'>>;

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
    until: behind?.until,
    added: party === undefined || party.added.length === 0 ? undefined : party.added,
    context: Object.freeze({ identifier, tokenType: contextTokenType(namespace) }),
  };
}
