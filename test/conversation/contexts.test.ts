/** The issuer's table: finite, bound to who asked, old keys for the rollover only (facts of WCF: 128 pending, 5 minutes). */
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import {
  type Contexts,
  cancel,
  contextLimits,
  type IssuedRecord,
  issue,
  keyFor,
  renew,
  sweep,
  used,
} from '../../src/conversation/contexts.ts';

const minutes = (count: number) => instant(count * 60_000);
const secret = new Uint8Array(32);

function record(identifier: string, identity: string, issued: Instant): IssuedRecord {
  const keys = [{ instance: undefined, secret, created: issued, expires: minutes(600) }];
  return { identifier, identity, keys, used: false, issued };
}

function table(result: Contexts | string): Contexts {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

const one = () => used(table(issue(new Map(), record('a', 'alice', minutes(0)), minutes(0), contextLimits)), 'a');
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

  test('attack: one identity cannot take every context', () => {
    const limits = { ...contextLimits, perIdentity: 2 };
    const two = used(table(issue(one(), record('b', 'alice', minutes(0)), minutes(0), limits)), 'b');
    expect(issue(two, record('c', 'alice', minutes(0)), minutes(0), limits)).toBe('too-many');
    expect(issue(two, record('c', 'bob', minutes(0)), minutes(0), limits)).toBeInstanceOf(Map);
  });

  test('a key is found by its whole name; an expired one asks for renewal', () => {
    expect(keyFor(one(), name('a'), minutes(1))).toMatchObject({ record: { identity: 'alice' } });
    expect(keyFor(one(), name('b'), minutes(1))).toBe('unknown');
    expect(keyFor(one(), name('a', 'x'), minutes(1))).toBe('unknown');
    expect(keyFor(one(), name('a'), minutes(600))).toBe('renew-needed');
  });

  test('after a renewal the old key is taken for five minutes more', () => {
    const fresh = { instance: 'i2', secret: secret.slice(), created: minutes(360), expires: minutes(960) };
    const renewed = table(renew(one(), 'a', 'alice', fresh, minutes(360), contextLimits));
    expect(keyFor(renewed, name('a', 'i2'), minutes(361))).toMatchObject({ key: fresh });
    expect(keyFor(renewed, name('a'), minutes(364))).toMatchObject({ key: { instance: undefined } });
    expect(keyFor(renewed, name('a'), minutes(365))).toBe('unknown');
  });

  test('attack: nobody renews the context of somebody else', () => {
    const fresh = { instance: 'i2', secret, created: minutes(1), expires: minutes(2) };
    expect(renew(one(), 'a', 'mallory', fresh, minutes(1), contextLimits)).toBe('other-identity');
    expect(renew(one(), 'b', 'alice', fresh, minutes(1), contextLimits)).toBe('unknown');
  });

  test('a cancelled context is unknown at once; an expired one is forgotten after the rollover', () => {
    expect(keyFor(cancel(one(), 'a'), name('a'), minutes(1))).toBe('unknown');
    expect(sweep(one(), minutes(604), contextLimits).size).toBe(1);
    expect(sweep(one(), minutes(605), contextLimits).size).toBe(0);
  });
});
