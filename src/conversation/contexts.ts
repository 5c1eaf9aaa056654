/**
 * The contexts that an issuer has given out, as pure functions over an immutable table: issued, used, renewed, amended, cancelled,
 * expired. Every number is finite: contexts, contexts of one identity, contexts that nobody has used yet (WCF: 128, swept after
 * minutes), keys of one context, what is added to one, and how long an old key is still taken once a newer one is used (WCF: 5 minutes).
 */
import { type Instant, instant, later } from '../base/clock.ts';
import type { ContextSecret } from '../security/exchange.ts';
import type { ContextName } from '../security/tokens/context.ts';

/** One key of a context. */
export interface IssuedKey {
  readonly secret: ContextSecret;
  readonly created: Instant;
  /** Until when messages may be under it, as its owner was told. */
  readonly expires: Instant;
  /** Until when it is known: after `expires` to renew the context only, before where a newer key took its place. */
  readonly until: Instant;
  /** When something under it was first taken: from then on its owner is known to have it. */
  readonly since?: Instant;
}

export interface IssuedRecord<Owner> {
  readonly identifier: string;
  /** Who asked for it: nobody else may renew it, and everything under it is theirs. */
  readonly identity: string;
  readonly owner: Owner;
  /** The last that was made first. */
  readonly keys: readonly IssuedKey[];
  readonly used: boolean;
  readonly issued: Instant;
}

export type Contexts<Owner> = ReadonlyMap<string, IssuedRecord<Owner>>;

export interface ContextLimits {
  readonly contexts: number;
  readonly perIdentity: number;
  /** Contexts that were issued and not used yet. */
  readonly pending: number;
  /** Milliseconds after which a context that nobody used is forgotten. */
  readonly unused: number;
  /** Milliseconds during which the key before a renewal is still taken, from the first message under the new one on. */
  readonly rollover: number;
  /** Credentials that are added to one context; one that has ended makes room. */
  readonly amendments: number;
}

export const contextLimits: ContextLimits = Object.freeze({
  contexts: 10_000,
  perIdentity: 1_000,
  pending: 128,
  unused: 180_000,
  rollover: 300_000,
  amendments: 4,
});

/**
 * Keys of one context: the newest, the one that asked for it, and others that it has asked for, because nobody here knows which answer
 * its owner has heard: requests are repeated, by networks too, and answers get lost.
 */
const keysOfContext = 5;

export type Refusal = 'too-many' | 'unknown' | 'other-identity';

/**
 * A context that nobody has used yet makes room for one of another identity, where its own has more of them than that would: whoever
 * repeats a request, of his own or of somebody else's, keeps nobody else out.
 *
 * @returns the table with the context, or why there is no room
 */
export function issue<Owner>(
  table: Contexts<Owner>,
  record: IssuedRecord<Owner>,
  now: Instant,
  limits: ContextLimits,
): Contexts<Owner> | Refusal {
  const swept = sweep(table, now, limits);
  const all = [...swept.values()];
  const own = all.filter((one) => one.identity === record.identity).length;
  if (all.length >= limits.contexts || own >= limits.perIdentity) return 'too-many';
  const left = new Map(swept);
  const pending = all.filter((one) => !one.used);
  if (pending.length >= limits.pending) {
    const least = leastDeserved(pending, record.identity);
    if (least === undefined) return 'too-many';
    left.delete(least.identifier);
  }
  return left.set(record.identifier, record);
}

/** The oldest of the identity that has most, where that are more than `identity` would have with another one. */
function leastDeserved<Owner>(
  pending: readonly IssuedRecord<Owner>[],
  identity: string,
): IssuedRecord<Owner> | undefined {
  const counts = new Map<string, number>();
  for (const one of pending) counts.set(one.identity, (counts.get(one.identity) ?? 0) + 1);
  const most = Math.max(...counts.values());
  if (most <= (counts.get(identity) ?? 0) + 1) return undefined;
  return pending.find((one) => counts.get(one.identity) === most);
}

/**
 * A context that came back in its own token takes its place among those that are remembered; where there is none, the oldest goes. Of one
 * that is remembered, a token that is newer says that it was renewed elsewhere, and one that is older was under way meanwhile.
 */
export function recall<Owner>(
  table: Contexts<Owner>,
  record: IssuedRecord<Owner>,
  now: Instant,
  limits: ContextLimits,
): Contexts<Owner> {
  const kept = new Map(sweep(table, now, limits));
  const [known] = kept.get(record.identifier)?.keys ?? [];
  const [key] = record.keys;
  if (known !== undefined && key !== undefined) {
    if (key.created <= known.created) return recallOlder(table, record, key, now, limits);
    const renewed = renew(table, known.secret, record.identity, key, now, limits);
    return typeof renewed === 'string' ? table : renewed;
  }
  for (const oldest of kept.keys()) {
    if (kept.size < limits.contexts) break;
    kept.delete(oldest);
  }
  return kept.set(record.identifier, record);
}

/** A key from before one that is remembered is good for as long as the others are that were made before it. */
function recallOlder<Owner>(
  table: Contexts<Owner>,
  { identifier, identity }: IssuedRecord<Owner>,
  key: IssuedKey,
  now: Instant,
  limits: ContextLimits,
): Contexts<Owner> {
  const record = table.get(identifier);
  const newer = record?.keys.filter(({ created }) => created >= key.created) ?? [];
  if (record === undefined || newer.length === 0 || record.identity !== identity) return table;
  const uses = newer.flatMap(({ since }) => (since === undefined ? [] : [later(since, limits.rollover)]));
  const until = instant(Math.min(key.until, ...uses));
  if (now >= until || newer.length >= keysOfContext) return table;
  const others = record.keys.filter(({ created }) => created < key.created);
  const keys = [...newer, { ...key, until }, ...others].slice(0, keysOfContext);
  return new Map(table).set(identifier, { ...record, keys });
}

/**
 * The key that a message names.
 *
 * @returns `unknown` for a name that was never given, cancelled or forgotten. A key that `isExpired` may renew its context, whose
 *   owner may not have heard that it was renewed before, and do nothing else.
 */
export function keyFor<Owner>(
  table: Contexts<Owner>,
  name: ContextName,
  now: Instant,
): { readonly record: IssuedRecord<Owner>; readonly key: IssuedKey; readonly isExpired: boolean } | 'unknown' {
  const record = table.get(name.identifier);
  const key = record?.keys.find(({ secret }) => secret.instance === name.instance);
  if (record === undefined || key === undefined || now >= key.until) return 'unknown';
  return { record, key, isExpired: now >= key.expires };
}

/**
 * Something that verified was under this key: the context is used, and its owner has the key, so that those made before it are good for
 * the rollover only. An owner who never heard of a newer key goes on with the one that he has.
 */
export function used<Owner>(
  table: Contexts<Owner>,
  { identifier, instance }: ContextName,
  now: Instant,
  limits: ContextLimits,
): Contexts<Owner> {
  const record = table.get(identifier);
  const at = record?.keys.findIndex(({ secret }) => secret.instance === instance) ?? -1;
  const key = record?.keys[at];
  if (record === undefined || key === undefined || key.since !== undefined) return table;
  const end = later(now, limits.rollover);
  const before = record.keys.slice(at + 1).map((one) => ({ ...one, until: instant(Math.min(one.until, end)) }));
  const keys = [...record.keys.slice(0, at), { ...key, since: now }, ...before];
  return new Map(table).set(identifier, { ...record, keys, used: true });
}

/**
 * A renewal: a new key in front. The one that asked is known for a rollover at least: its owner may never have heard of an answer.
 *
 * @param target the key that asked
 * @param by identity that asked
 */
export function renew<Owner>(
  table: Contexts<Owner>,
  target: ContextName,
  by: string,
  key: IssuedKey,
  now: Instant,
  limits: ContextLimits,
): Contexts<Owner> | Refusal {
  const known = used(table, target, now, limits);
  const record = known.get(target.identifier);
  const asking = record?.keys.find(({ secret }) => secret.instance === target.instance);
  if (record === undefined || asking === undefined) return 'unknown';
  if (record.identity !== by) return 'other-identity';
  const kept = { ...asking, until: instant(Math.max(asking.until, later(now, limits.rollover))) };
  const keys = [key, ...record.keys.map((one) => (one === asking ? kept : one))].filter((one) => now < one.until);
  const spare = keys.findLastIndex((one) => one !== kept);
  const left = keys.length > keysOfContext ? keys.toSpliced(spare, 1) : keys;
  return new Map(table).set(target.identifier, { ...record, keys: left });
}

/** The context speaks for more than it did, in every key of it. */
export function amend<Owner>(table: Contexts<Owner>, identifier: string, owner: Owner): Contexts<Owner> {
  const record = table.get(identifier);
  return record === undefined ? table : new Map(table).set(identifier, { ...record, owner });
}

export function cancel<Owner>(table: Contexts<Owner>, identifier: string): Contexts<Owner> {
  if (!table.has(identifier)) return table;
  const left = new Map(table);
  left.delete(identifier);
  return left;
}

/** Without contexts whose last key ended more than a rollover ago, and without those that nobody used in time. */
export function sweep<Owner>(table: Contexts<Owner>, now: Instant, limits: ContextLimits): Contexts<Owner> {
  const dead = [...table.values()].filter(({ used: wasUsed, issued, keys }) => {
    const end = Math.max(...keys.map((key) => key.expires));
    return now >= end + limits.rollover || (!wasUsed && now >= later(issued, limits.unused));
  });
  if (dead.length === 0) return table;
  const left = new Map(table);
  for (const { identifier } of dead) left.delete(identifier);
  return left;
}
