/**
 * How a service is exhausted, and that it is not: by sessions of one identity, by operations that never return, by more
 * messages than it can serve. Whoever has to wait loses nothing (WCF's ServiceThrottlingBehavior; facts 7.4, C7).
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Session } from '../../src/channel/session.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { type DispatcherOptions, dispatcher } from '../../src/service/dispatcher.ts';
import { Gate, type Leave } from '../../src/service/gate.ts';
import { perCall, perSession } from '../../src/service/instances.ts';
import { integer, record, text } from '../../src/service/shape.ts';
import { throttleOf } from '../../src/service/throttle.ts';
import { latch, Rig } from './rig.ts';

const shop = contract({
  name: 'Shop',
  namespace: 'urn:example:shop',
  operations: {
    buy: requestReply({ request: record({ who: text }), reply: record({ number: integer }) }),
    remark: oneWay({ request: record({ who: text }) }),
  },
});

let rig: Rig;
let served: string[];

beforeEach(() => {
  rig = new Rig();
  served = [];
});

afterEach(() => rig.end());

/** Serves whoever comes, once `go` allows. */
const shopOf = (go: Promise<void>, options: DispatcherOptions) =>
  dispatcher(
    shop,
    perSession(() => ({
      buy: async ({ who }: { who: string }) => {
        served.push(who);
        await go;
        return { number: served.length };
      },
      remark: async ({ who }: { who: string }) => {
        served.push(who);
        await go;
      },
    })),
    options,
  );

const now = Promise.resolve();

describe('sessions', () => {
  const throttle = { maxConcurrentSessions: 4, maxSessionsPerParty: 2 };

  test('one identity that opens many does not keep others out, and its own wait without loss', async () => {
    await rig.serve(shopOf(now, { throttle }));
    const mallory = Array.from({ length: 6 }, () => rig.calls(shop, 'mallory'));
    const outcomes = mallory.map((calls) => calls.buy({ who: 'mallory' }));
    await rig.settle();
    expect(served).toEqual(['mallory', 'mallory']);
    await rig.calls(shop, 'bob').buy({ who: 'bob' });
    await rig.calls(shop, 'carol').buy({ who: 'carol' });
    expect(served).toEqual(['mallory', 'mallory', 'bob', 'carol']);
    for (const [at, calls] of mallory.entries()) {
      await outcomes[at];
      await calls.close();
    }
    expect(served.filter((who) => who === 'mallory')).toHaveLength(6);
  });

  test('beyond the limit a message waits, whatever it takes, and is then served once', async () => {
    await rig.serve(shopOf(now, { throttle: { maxConcurrentSessions: 1 } }));
    const first = rig.calls(shop);
    await first.buy({ who: 'first' });
    const second = rig.calls(shop, undefined, { maxRetryCount: 100 }).buy({ who: 'second' }, { timeout: 3_600_000 });
    // Longer than any operation may take: the wait is not the operation's.
    await rig.clock.advance(300_000);
    expect(served).toEqual(['first']);
    await first.close();
    expect(await second).toEqual({ number: 2 });
    expect(served).toEqual(['first', 'second']);
  });

  test('a session that ends while it waits leaves no trace', async () => {
    await rig.serve(shopOf(now, { throttle: { maxConcurrentSessions: 1 } }), { inactivityTimeout: 60_000 });
    const [first, second, third] = [rig.calls(shop), rig.calls(shop), rig.calls(shop)];
    await first.buy({ who: 'first' });
    second.buy({ who: 'second' }).catch(() => undefined);
    await rig.settle();
    second.abort(new Error('no longer wanted'));
    const outcome = third.buy({ who: 'third' });
    await rig.settle();
    await first.close();
    await rig.clock.advance(60_000);
    await outcome;
    expect(served.at(-1)).toBe('third');
  });

  test('a host that closes lets in whoever waits: nothing that was acknowledged is lost', async () => {
    const opened = await rig.serve(shopOf(now, { throttle: { maxConcurrentSessions: 1 } }));
    await rig.calls(shop).buy({ who: 'first' });
    const waiting = rig.calls(shop).remark({ who: 'second' });
    await rig.settle();
    expect(served).toEqual(['first']);
    await opened.close();
    await waiting;
    expect(served).toEqual(['first', 'second']);
    expect(rig.lives().filter((event) => event === 'instance.disposed')).toHaveLength(2);
  });
});

describe('instances', () => {
  test('beyond the limit a message waits until an instance goes, and is then served once', async () => {
    await rig.serve(shopOf(now, { throttle: { maxConcurrentInstances: 2 } }));
    const [first, second, third] = ['first', 'second', 'third'].map((who) => ({ who, calls: rig.calls(shop) }));
    await first?.calls.buy({ who: first.who });
    await second?.calls.buy({ who: second.who });
    const waiting = third?.calls.buy({ who: third.who });
    await rig.settle();
    expect(served).toEqual(['first', 'second']);
    const made = () => rig.lives().filter((event) => event === 'instance.created');
    expect(made()).toHaveLength(2);
    await first?.calls.close();
    await waiting;
    expect(served).toEqual(['first', 'second', 'third']);
    expect(made()).toHaveLength(3);
  });

  test('per call: each call has its own, and no more than may live at once', async () => {
    const go = latch();
    let [living, most] = [0, 0];
    const make = () => {
      living += 1;
      most = Math.max(most, living);
      return {
        buy: async ({ who }: { who: string }) => {
          served.push(who);
          await go.opened;
          return { number: served.length };
        },
        remark: () => undefined,
        [Symbol.dispose]: () => {
          living -= 1;
        },
      };
    };
    await rig.serve(dispatcher(shop, perCall(make), { throttle: { maxConcurrentInstances: 2 } }), { ordered: false });
    const outcomes = ['a', 'b', 'c', 'd', 'e'].map((who) => rig.calls(shop, who).buy({ who }));
    await rig.settle();
    expect(served).toHaveLength(2);
    go.open();
    await Promise.all(outcomes);
    expect([served.length, most, living]).toEqual([5, 2, 0]);
  });
});

describe('calls', () => {
  const throttle = { maxConcurrentCalls: 2 };

  test('operations that never return give their place back when their time is up', async () => {
    const never = new Promise<void>(() => undefined);
    await rig.serve(shopOf(never, { throttle, timeout: 1_000, clock: rig.clock }));
    const hanging = ['a', 'b', 'c'].map((who) =>
      rig
        .calls(shop)
        .buy({ who })
        .catch((thrown: unknown) => thrown),
    );
    await rig.settle();
    expect(served).toEqual(['a', 'b']);
    await rig.clock.advance(1_000);
    expect(served).toEqual(['a', 'b', 'c']);
    await rig.clock.advance(1_000);
    for (const outcome of hanging) expect(await outcome).toMatchObject({ code: 'SOAP_FAULT' });
  });

  test('the next free place is that of who holds the fewest, not of who asked first', async () => {
    const go = latch();
    await rig.serve(shopOf(go.opened, { throttle }));
    const outcomes = ['mallory', 'mallory', 'mallory', 'mallory', 'bob'].map((who) =>
      rig.calls(shop, who).buy({ who }),
    );
    await rig.settle();
    expect(served).toEqual(['mallory', 'mallory']);
    go.open();
    await Promise.all(outcomes);
    expect(served.indexOf('bob')).toBeLessThanOrEqual(3);
    expect(served).toHaveLength(5);
  });

  test('whoever waits for a turn in an instance holds no place that others need', async () => {
    const go = latch();
    let isFirst = true;
    const make = () => ({
      buy: async ({ who }: { who: string }) => {
        served.push(who);
        if (who === 'slow' && isFirst) {
          isFirst = false;
          await go.opened;
        }
        return { number: served.length };
      },
      remark: () => undefined,
    });
    await rig.serve(dispatcher(shop, perSession(make), { throttle }), { ordered: false });
    const slow = rig.calls(shop, undefined, { ordered: false });
    isFirst = false;
    for (let n = 0; n < 6; n += 1) await slow.buy({ who: 'warm' });
    isFirst = true;
    const all = Array.from({ length: 5 }, () => slow.buy({ who: 'slow' }));
    await rig.settle();
    expect(served.slice(6)).toEqual(['slow']);
    await rig.calls(shop).buy({ who: 'quick' });
    expect(served.slice(6)).toEqual(['slow', 'quick']);
    go.open();
    await Promise.all(all);
  });

  test('without a session: beyond what may wait it is busy, and the sender hears of it, one-way too', async () => {
    const go = latch();
    await rig.serve(shopOf(go.opened, { throttle: { maxConcurrentCalls: 1, maxWaiting: 1 } }), 'none');
    const [first, second] = ['first', 'second'].map((who) => rig.calls(shop, undefined, 'none').buy({ who }));
    await rig.settle();
    const busy = { code: 'SOAP_FAULT', fault: { code: 'receiver', subcode: { local: 'EndpointUnavailable' } } };
    await expect(rig.calls(shop, undefined, 'none').buy({ who: 'third' })).rejects.toMatchObject(busy);
    await expect(rig.calls(shop, undefined, 'none').remark({ who: 'fourth' })).rejects.toMatchObject(busy);
    go.open();
    await Promise.all([first, second]);
    expect(served).toEqual(['first', 'second']);
  });
});

describe('a gate', () => {
  const of = (party: string | undefined): Session | undefined =>
    party === undefined ? undefined : { id: party, party, isContinued: false, ended: new Promise(() => undefined) };

  test('law: never more than its places, never more of one party, and everybody gets in', async () => {
    const visits = fc.array(fc.record({ party: fc.constantFrom('a', 'b', 'c', undefined), gaveUp: fc.boolean() }));
    const orders = fc.infiniteStream(fc.nat());
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        visits,
        orders,
        async (places, perParty, all, order) => {
          const gate = new Gate({ places, perParty, maxWaiting: 1_000 });
          const inside: { readonly party: string | undefined; readonly leave: Leave }[] = [];
          let entered = 0;
          const outcomes = all.map(async ({ party, gaveUp }) => {
            const giveUp = new AbortController();
            const entering = gate.enter(giveUp.signal, of(party));
            if (gaveUp) giveUp.abort(new Error('gave up'));
            const leave = await entering.catch(() => undefined);
            entered += 1;
            if (leave !== undefined) inside.push({ party, leave });
          });
          for (const chance of order) {
            await Promise.resolve();
            await Promise.resolve();
            await new Promise((resolve) => setImmediate(resolve));
            expect(inside.length).toBeLessThanOrEqual(places);
            for (const name of ['a', 'b', 'c']) {
              expect(inside.filter(({ party }) => party === name).length).toBeLessThanOrEqual(perParty);
            }
            if (inside.length === 0) break;
            const [one] = inside.splice(chance % inside.length, 1);
            one?.leave();
            one?.leave();
          }
          await Promise.all(outcomes);
          expect(entered).toBe(all.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('settings', () => {
  test('C7: the defaults are those of WCF', () => {
    expect(throttleOf({}, 1)).toEqual({
      maxConcurrentCalls: 16,
      maxConcurrentSessions: 100,
      maxConcurrentInstances: 116,
      maxSessionsPerParty: 50,
      maxWaiting: 1_000,
    });
    expect(throttleOf({}, 8)).toMatchObject({
      maxConcurrentCalls: 128,
      maxConcurrentSessions: 800,
      maxConcurrentInstances: 928,
    });
  });

  test('SECURITY.md lists them', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../SECURITY.md'), 'utf8');
    const { maxWaiting, ...perCore } = throttleOf({}, 1);
    for (const [name, value] of Object.entries(perCore)) {
      expect(page).toContain(`| service | \`${name}\` | ${value} for each core |`);
    }
    expect(page).toContain(`| service | \`maxWaiting\` | ${maxWaiting} |`);
  });

  test.each([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001])('SERVICE_SETTING: %s', (value) => {
    const options = { throttle: { maxConcurrentCalls: value } };
    expect(() => dispatcher(shop, { buy: () => ({ number: 1 }), remark: () => undefined }, options)).toThrow(
      expect.objectContaining({ code: 'SERVICE_SETTING' }),
    );
  });
});
