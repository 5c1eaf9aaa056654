/** The issuer's table: finite, bound to who asked, old keys for the rollover only (facts of WCF: 128 pending, 5 minutes). */

import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Instant, instant, later } from '../../src/base/clock.ts';
import {
  type Contexts as ContextsOf,
  cancel,
  contextLimits,
  type IssuedKey,
  type IssuedRecord as IssuedRecordOf,
  issue,
  keyFor,
  recall,
  renew,
  sweep,
  used,
} from '../../src/conversation/contexts.ts';

const minutes = (count: number) => instant(count * 60_000);
type Contexts = ContextsOf<string>;
type IssuedRecord = IssuedRecordOf<string>;

function key(identifier: string, instance: string | undefined, created: Instant, expires: Instant): IssuedKey {
  const secret = { identifier, instance, key: createSecretKey(new Uint8Array(32)), namespace: 'sc', token: undefined };
  return { secret, created, expires, until: later(expires, contextLimits.rollover) };
}

function record(identifier: string, identity: string, issued: Instant): IssuedRecord {
  const keys = [key(identifier, undefined, issued, minutes(600))];
  return { identifier, identity, owner: identity, keys, used: false, issued };
}

function table(result: Contexts | string): Contexts {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

const one = () =>
  used(
    table(issue(new Map(), record('a', 'alice', minutes(0)), minutes(0), contextLimits)),
    { identifier: 'a', instance: undefined },
    minutes(0),
    contextLimits,
  );
const name = (identifier: string, instance?: string) => ({ identifier, instance });

describe('security contexts, issuer', () => {
  test('attack: a flood of requests fills the pending contexts, and only until they are swept', () => {
    let contexts: Contexts = new Map();
    for (let n = 0; n < contextLimits.pending; n++) {
      contexts = table(issue(contexts, record(`p${n}`, `user${n}`, minutes(0)), minutes(0), contextLimits));
    }
    expect(issue(contexts, record('more', 'mallory', minutes(1)), minutes(1), contextLimits)).toBe('too-many');
    const later = table(issue(contexts, record('more', 'alice', minutes(3)), minutes(3), contextLimits));
    expect([...later.keys()]).toEqual(['more']);
  });

  test('attack: whoever repeats requests of one identity, or of a few, keeps nobody else out', () => {
    const now = minutes(1);
    let contexts = one();
    for (let n = 0; n < 3 * contextLimits.pending; n++) {
      const flooded = issue(contexts, record(`p${n}`, n % 3 === 0 ? 'mallory' : 'eve', now), now, contextLimits);
      if (typeof flooded !== 'string') contexts = flooded;
    }
    const held = (identity: string) => [...contexts.values()].filter((each) => each.identity === identity).length;
    expect(held('mallory') + held('eve')).toBe(contextLimits.pending);
    expect(Math.abs(held('mallory') - held('eve'))).toBeLessThanOrEqual(1);
    const first = [...contexts.values()].filter(({ identity }) => identity === 'eve')[0]?.identifier ?? '';
    for (const who of ['alice', 'bob', 'carol']) {
      contexts = table(issue(contexts, record(who, who, now), now, contextLimits));
      expect(keyFor(contexts, name(who), now)).toMatchObject({ record: { identity: who } });
    }
    expect(keyFor(contexts, name('a'), now), 'what is used stays').not.toBe('unknown');
    expect(keyFor(contexts, name(first), now), 'the oldest of whoever has most goes').toBe('unknown');
    expect([...contexts.values()].filter(({ used: wasUsed }) => !wasUsed)).toHaveLength(contextLimits.pending);
  });

  test('attack: one identity cannot take every context', () => {
    const limits = { ...contextLimits, perIdentity: 2 };
    const two = used(
      table(issue(one(), record('b', 'alice', minutes(0)), minutes(0), limits)),
      name('b'),
      minutes(0),
      limits,
    );
    expect(issue(two, record('c', 'alice', minutes(0)), minutes(0), limits)).toBe('too-many');
    expect(issue(two, record('c', 'bob', minutes(0)), minutes(0), limits)).toBeInstanceOf(Map);
  });

  test('a key is found by its whole name; an expired one asks for renewal', () => {
    expect(keyFor(one(), name('a'), minutes(1))).toMatchObject({ record: { identity: 'alice' } });
    expect(keyFor(one(), name('b'), minutes(1))).toBe('unknown');
    expect(keyFor(one(), name('a', 'x'), minutes(1))).toBe('unknown');
    expect(keyFor(one(), name('a'), minutes(599))).toMatchObject({ isExpired: false });
    expect(keyFor(one(), name('a'), minutes(600))).toMatchObject({ isExpired: true });
    expect(keyFor(one(), name('a'), minutes(605))).toBe('unknown');
  });

  test('after a renewal the old key is taken for five minutes more, from the first message under the new one on', () => {
    const fresh = key('a', 'i2', minutes(360), minutes(960));
    const renewed = table(renew(one(), name('a'), 'alice', fresh, minutes(360), contextLimits));
    expect(keyFor(renewed, name('a', 'i2'), minutes(361))).toMatchObject({ key: fresh });
    expect(keyFor(renewed, name('a'), minutes(500))).toMatchObject({ isExpired: false });
    const heard = used(renewed, name('a', 'i2'), minutes(400), contextLimits);
    expect(keyFor(heard, name('a'), minutes(404))).toMatchObject({ key: { secret: { instance: undefined } } });
    expect(keyFor(heard, name('a'), minutes(405))).toBe('unknown');
    expect(used(heard, name('a', 'i2'), minutes(403), contextLimits)).toBe(heard);
  });

  test('of a renewal that came several times, each key is good until its owner has shown which of them he has', () => {
    const fresh = (n: number) => key('a', `i${n}`, minutes(360), minutes(960));
    const renewed = [1, 2, 3].reduce(
      (before, n) => table(renew(before, name('a'), 'alice', fresh(n), minutes(360), contextLimits)),
      one(),
    );
    const at = (contexts: Contexts, now: number) =>
      [undefined, 'i1', 'i2', 'i3'].filter((each) => keyFor(contexts, name('a', each), minutes(now)) !== 'unknown');
    expect(at(renewed, 500)).toEqual([undefined, 'i1', 'i2', 'i3']);
    const heard = used(renewed, name('a', 'i2'), minutes(400), contextLimits);
    expect(at(heard, 404)).toEqual([undefined, 'i1', 'i2', 'i3']);
    expect(at(heard, 405)).toEqual(['i2', 'i3']);
  });

  test('attack: a renewal that is repeated without end leaves few keys, and not without the one that it is under', () => {
    let contexts: Contexts = one();
    for (let n = 0; n < 50; n += 1) {
      const fresh = key('a', `i${n}`, minutes(360), minutes(960));
      contexts = table(renew(contexts, name('a'), 'alice', fresh, minutes(360), contextLimits));
      expect(contexts.get('a')?.keys.length).toBeLessThanOrEqual(5);
      expect(keyFor(contexts, name('a'), minutes(360))).toMatchObject({ isExpired: false });
      expect(keyFor(contexts, name('a', `i${n}`), minutes(360))).toMatchObject({ key: fresh });
    }
  });

  test('attack: nobody renews the context of somebody else', () => {
    const fresh = key('a', 'i2', minutes(1), minutes(2));
    expect(renew(one(), name('a'), 'mallory', fresh, minutes(1), contextLimits)).toBe('other-identity');
    expect(renew(one(), name('b'), 'alice', fresh, minutes(1), contextLimits)).toBe('unknown');
  });

  test('a key whose renewals were answered and never heard of may renew for five minutes after each of them', () => {
    let contexts: Contexts = one();
    for (const [n, at] of [590, 594, 598, 602].entries()) {
      const fresh = key('a', `i${n}`, minutes(at), minutes(at + 600));
      contexts = table(renew(contexts, name('a'), 'alice', fresh, minutes(at), contextLimits));
      expect(keyFor(contexts, name('a'), minutes(at + 4))).toMatchObject({ isExpired: at + 4 >= 600 });
      expect(keyFor(contexts, name('a', `i${n}`), minutes(at + 4))).toMatchObject({ key: fresh });
    }
    expect(keyFor(contexts, name('a'), minutes(607))).toBe('unknown');
  });

  test('a cancelled context is unknown at once; an expired one is forgotten after the rollover', () => {
    expect(keyFor(cancel(one(), 'a'), name('a'), minutes(1))).toBe('unknown');
    expect(sweep(one(), minutes(604), contextLimits).size).toBe(1);
    expect(sweep(one(), minutes(605), contextLimits).size).toBe(0);
  });

  test('what the token of a remembered context says is a renewal where its key is newer, and the rollover of one where it is not', () => {
    const now = minutes(10);
    const sealed = (instance: string, created: Instant): IssuedRecord => ({
      ...record('a', 'alice', created),
      keys: [key('a', instance, created, minutes(600))],
    });
    const met = recall(one(), sealed('second', minutes(9)), now, contextLimits);
    expect(keyFor(met, name('a'), minutes(60))).toMatchObject({ isExpired: false });
    expect(recall(met, sealed('before', minutes(8)), now, contextLimits).get('a')?.keys).toHaveLength(3);
    const renewed = used(met, name('a', 'second'), now, contextLimits);
    expect(renewed.get('a')?.keys.map(({ secret }) => secret.instance)).toEqual(['second', undefined]);
    expect(keyFor(renewed, name('a'), later(now, contextLimits.rollover))).toBe('unknown');
    for (const created of [minutes(8), minutes(9)]) {
      const more = recall(renewed, sealed('before', created), now, contextLimits);
      expect(more.get('a')?.keys.map(({ secret }) => secret.instance)).toEqual(['second', 'before', undefined]);
      expect(keyFor(more, name('a', 'before'), minutes(14))).toMatchObject({ isExpired: false });
      expect(keyFor(more, name('a', 'before'), minutes(15))).toBe('unknown');
      // There is room for five, and for none whose time is over.
      const many = ['x', 'y'].reduce((all, each) => recall(all, sealed(each, minutes(7)), now, contextLimits), more);
      expect(many.get('a')?.keys).toHaveLength(5);
      expect(recall(many, sealed('another', minutes(0)), now, contextLimits)).toBe(many);
      expect(recall(renewed, sealed('before', created), minutes(15), contextLimits)).toBe(renewed);
      expect(recall(renewed, { ...sealed('before', created), identity: 'mallory' }, now, contextLimits)).toBe(renewed);
    }
    // Nobody but us seals tokens, and we seal none for somebody else.
    const other = { ...sealed('third', minutes(10)), identity: 'mallory' };
    expect(recall(renewed, other, now, contextLimits)).toBe(renewed);
  });
});
