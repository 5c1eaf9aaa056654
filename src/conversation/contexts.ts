/**
 * The contexts that an issuer has given out, as pure functions over an immutable table: issued, used, renewed, cancelled,
 * expired. Every number is finite: contexts, contexts of one identity, contexts that nobody has used yet (WCF: 128, swept after
 * minutes), and how long an old key is still taken after a renewal (WCF: 5 minutes).
 */
import { type Instant, instant, later } from '../base/clock.ts';
import type { ContextName } from './token.ts';

/** One key of a context. */
export interface IssuedKey {
  /** Absent for the first. */
  readonly instance: string | undefined;
  readonly secret: Uint8Array;
  readonly created: Instant;
  readonly expires: Instant;
}

export interface IssuedRecord {
  readonly identifier: string;
  /** Who asked for it: nobody else may renew it, and everything under it is theirs. */
  readonly identity: string;
  /** The newest first. */
  readonly keys: readonly IssuedKey[];
  readonly used: boolean;
  readonly issued: Instant;
}

export type Contexts = ReadonlyMap<string, IssuedRecord>;

export interface ContextLimits {
  readonly contexts: number;
  readonly perIdentity: number;
  /** Contexts that were issued and not used yet. */
  readonly pending: number;
  /** Milliseconds after which a context that nobody used is forgotten. */
  readonly unused: number;
  /** Milliseconds during which the key before a renewal is still taken. */
  readonly rollover: number;
}

export const contextLimits: ContextLimits = Object.freeze({
  contexts: 10_000,
  perIdentity: 1_000,
  pending: 128,
  unused: 180_000,
  rollover: 300_000,
});

export type Refusal = 'too-many' | 'unknown' | 'other-identity' | 'renew-needed';

/** @returns the table with the context, or why there is no room */
export function issue(table: Contexts, record: IssuedRecord, now: Instant, limits: ContextLimits): Contexts | Refusal {
  const swept = sweep(table, now, limits);
  const all = [...swept.values()];
  const own = all.filter((one) => one.identity === record.identity).length;
  const pending = all.filter((one) => !one.used).length;
  if (all.length >= limits.contexts || own >= limits.perIdentity || pending >= limits.pending) return 'too-many';
  return new Map(swept).set(record.identifier, record);
}

/**
 * The key that a message names.
 *
 * @returns `unknown` for a name that was never given, cancelled or forgotten; `renew-needed` for a key that has expired
 */
export function keyFor(
  table: Contexts,
  name: ContextName,
  now: Instant,
): { readonly record: IssuedRecord; readonly key: IssuedKey } | Refusal {
  const record = table.get(name.identifier);
  const key = record?.keys.find((one) => one.instance === name.instance);
  if (record === undefined || key === undefined) return 'unknown';
  if (now >= key.expires) return key === record.keys[0] ? 'renew-needed' : 'unknown';
  return { record, key };
}

/** The context was used by a message that verified. */
export function used(table: Contexts, identifier: string): Contexts {
  const record = table.get(identifier);
  if (record === undefined || record.used) return table;
  return new Map(table).set(identifier, { ...record, used: true });
}

/**
 * A renewal: a new key in front, the old one good for the rollover only.
 *
 * @param by identity that asked
 */
export function renew(
  table: Contexts,
  identifier: string,
  by: string,
  key: IssuedKey,
  now: Instant,
  limits: ContextLimits,
): Contexts | Refusal {
  const record = table.get(identifier);
  if (record === undefined) return 'unknown';
  if (record.identity !== by) return 'other-identity';
  const [old] = record.keys;
  const end = later(now, limits.rollover);
  const keys = old === undefined ? [key] : [key, { ...old, expires: instant(Math.min(old.expires, end)) }];
  return new Map(table).set(identifier, { ...record, keys });
}

export function cancel(table: Contexts, identifier: string): Contexts {
  if (!table.has(identifier)) return table;
  const left = new Map(table);
  left.delete(identifier);
  return left;
}

/** Without contexts whose last key ended more than a rollover ago, and without those that nobody used in time. */
export function sweep(table: Contexts, now: Instant, limits: ContextLimits): Contexts {
  const dead = [...table.values()].filter(({ used: wasUsed, issued, keys }) => {
    const end = Math.max(...keys.map((key) => key.expires));
    return now >= end + limits.rollover || (!wasUsed && now >= later(issued, limits.unused));
  });
  if (dead.length === 0) return table;
  const left = new Map(table);
  for (const { identifier } of dead) left.delete(identifier);
  return left;
}
