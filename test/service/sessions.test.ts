/**
 * Sessions of a contract, instances, and who is in them at a time: WCF's SessionMode, InstanceContextMode, ConcurrencyMode
 * (facts 7.2 to 7.4), over real reliable sessions.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listen } from '../../src/channel/binding.ts';
import type { Session } from '../../src/channel/session.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { type DispatcherOptions, dispatcher } from '../../src/service/dispatcher.ts';
import { type InstanceStart, oneInstance, perCall, perSession } from '../../src/service/instances.ts';
import { integer, nothing, record, text } from '../../src/service/shape.ts';
import { memory } from '../../src/stores/memory.ts';
import { address, latch, Rig } from './rig.ts';

const namespace = 'urn:example:basket';
const basket = contract({
  name: 'Basket',
  namespace,
  session: 'required',
  operations: {
    begin: requestReply({ request: record({ owner: text }), reply: record({ count: integer }) }),
    add: oneWay({ request: record({ sku: text }), initiating: false }),
    count: requestReply({ request: nothing, reply: record({ count: integer }), initiating: false }),
    checkout: requestReply({
      request: nothing,
      reply: record({ skus: text }),
      initiating: false,
      terminating: true,
    }),
  },
});

const counter = contract({
  name: 'Counter',
  namespace,
  operations: { next: requestReply({ request: nothing, reply: record({ count: integer }) }) },
});

let rig: Rig;
let disposed: string[];

beforeEach(() => {
  rig = new Rig();
  disposed = [];
});

afterEach(() => rig.end());

/** State in the closure of the functions, typed without a word. */
const baskets = () =>
  perSession(() => {
    const skus: string[] = [];
    let owner = '';
    return {
      begin: ({ owner: name }: { owner: string }) => {
        owner = name;
        return { count: skus.length };
      },
      add: ({ sku }: { sku: string }) => void skus.push(sku),
      count: () => ({ count: skus.length }),
      checkout: () => ({ skus: `${owner}: ${skus.join(' ')}` }),
      [Symbol.asyncDispose]: async () => void disposed.push(owner),
    };
  });

class Counter implements Disposable {
  #count = 0;
  next(): { count: number } {
    this.#count += 1;
    return { count: this.#count };
  }
  [Symbol.dispose](): void {
    disposed.push(`counted to ${this.#count}`);
  }
}

describe('per session', () => {
  test('two sessions have two states; a terminating operation replies, and then the instance is gone', async () => {
    await rig.serve(dispatcher(basket, baskets()));
    const [ann, bob] = [rig.calls(basket), rig.calls(basket)];
    await ann.begin({ owner: 'ann' });
    await bob.begin({ owner: 'bob' });
    await ann.add({ sku: 'A' });
    await ann.add({ sku: 'B' });
    await bob.add({ sku: 'C' });
    expect(await ann.count(undefined)).toEqual({ count: 2 });
    expect(await ann.checkout(undefined)).toEqual({ skus: 'ann: A B' });
    await ann.close();
    expect(disposed).toEqual(['ann']);
    expect(await bob.count(undefined)).toEqual({ count: 1 });
    await bob.close();
    await rig.settle();
    expect(disposed).toEqual(['ann', 'bob']);
    expect(rig.lives()).toEqual(['instance.created', 'instance.created', 'instance.disposed', 'instance.disposed']);
  });

  test('S4: an operation that cannot begin a session is refused at the client, and at the service a fault', async () => {
    await rig.serve(dispatcher(basket, baskets()));
    await expect(rig.calls(basket).count(undefined)).rejects.toMatchObject({ code: 'SERVICE_SESSION' });
    const lax = contract({
      name: 'Basket',
      namespace,
      operations: { count: requestReply({ request: nothing, reply: record({ count: integer }) }) },
    });
    await expect(rig.calls(lax).count(undefined)).rejects.toMatchObject({
      code: 'SOAP_FAULT',
      fault: { code: 'sender' },
    });
    expect(rig.lives()).toEqual([]);
  });

  test('S5: nothing after a terminating operation, at the client and at the service', async () => {
    await rig.serve(dispatcher(basket, baskets()));
    const calls = rig.calls(basket);
    await calls.begin({ owner: 'ann' });
    await calls.checkout(undefined);
    await expect(calls.count(undefined)).rejects.toMatchObject({ code: 'SERVICE_SESSION' });
    const lax = contract({
      name: 'Basket',
      namespace,
      operations: {
        begin: requestReply({ request: record({ owner: text }), reply: record({ count: integer }) }),
        checkout: requestReply({ request: nothing, reply: record({ skus: text }) }),
      },
    });
    const again = rig.calls(lax);
    await again.begin({ owner: 'bob' });
    await again.checkout(undefined);
    await expect(again.begin({ owner: 'bob' })).rejects.toMatchObject({
      code: 'SOAP_FAULT',
      fault: { code: 'sender' },
    });
    expect(disposed).toEqual(['ann', 'bob']);
  });

  test('a session that goes silent ends, and its instance with it', async () => {
    await rig.serve(dispatcher(basket, baskets()), { inactivityTimeout: 60_000 });
    const calls = rig.calls(basket, undefined, { inactivityTimeout: 10_000_000, maxRetryCount: 1_000 });
    await calls.begin({ owner: 'ann' });
    await rig.clock.advance(59_999);
    expect(disposed).toEqual([]);
    await rig.clock.advance(1);
    expect(disposed).toEqual(['ann']);
  });

  test('`ended` says how: nothing for a good end, the reason for a bad one', async () => {
    const ends: (string | undefined)[] = [];
    const hear = (session: Session | undefined) => {
      void session?.ended.then((reason) => ends.push(reason?.message));
    };
    const service = dispatcher(
      counter,
      perSession(({ session }) => {
        hear(session);
        return new Counter();
      }),
    );
    await rig.serve(service, { inactivityTimeout: 60_000 });
    const good = rig.calls(counter);
    await good.next(undefined);
    await good.close();
    await rig.calls(counter).next(undefined);
    await rig.clock.advance(60_000);
    expect(ends).toEqual([undefined, 'The session ended: inactive.']);
    expect(disposed).toEqual(['counted to 1', 'counted to 1']);
  });

  test('the end of the host ends every instance, once', async () => {
    const opened = await rig.serve(
      dispatcher(
        counter,
        perSession(() => new Counter()),
      ),
    );
    await rig.calls(counter).next(undefined);
    await rig.calls(counter).next(undefined);
    await opened.close();
    await opened.close();
    expect(disposed).toEqual(['counted to 1', 'counted to 1']);
  });

  test('a session that an earlier process began goes on with a new instance, which is told so', async () => {
    const store = memory();
    const first = await rig.serve(dispatcher(basket, baskets()), { store });
    const calls = rig.calls(basket);
    await calls.begin({ owner: 'ann' });
    await first.close();
    const told: (boolean | undefined)[] = [];
    const { create } = baskets();
    const again = perSession((start: InstanceStart) => {
      told.push(start.session?.isContinued);
      return create(start);
    });
    await rig.serve(dispatcher(basket, again), { store });
    expect(await calls.count(undefined)).toEqual({ count: 0 });
    expect(told).toEqual([true]);
  });

  test('S6: without a session each call has an instance of its own', async () => {
    await rig.serve(
      dispatcher(
        counter,
        perSession(() => new Counter()),
      ),
      'none',
    );
    const calls = rig.calls(counter, undefined, 'none');
    expect([await calls.next(undefined), await calls.next(undefined)]).toEqual([{ count: 1 }, { count: 1 }]);
    await rig.settle();
    expect(disposed).toEqual(['counted to 1', 'counted to 1']);
  });
});

test('per call: each has its own, gone after it, in a session too', async () => {
  await rig.serve(
    dispatcher(
      counter,
      perCall(() => new Counter()),
    ),
  );
  const calls = rig.calls(counter);
  expect([await calls.next(undefined), await calls.next(undefined)]).toEqual([{ count: 1 }, { count: 1 }]);
  await rig.settle();
  expect(disposed).toEqual(['counted to 1', 'counted to 1']);
});

test('single: all share one, which goes with the host', async () => {
  const opened = await rig.serve(
    dispatcher(
      counter,
      oneInstance(() => new Counter()),
    ),
  );
  expect(await rig.calls(counter).next(undefined)).toEqual({ count: 1 });
  expect(await rig.calls(counter).next(undefined)).toEqual({ count: 2 });
  expect(disposed).toEqual([]);
  await opened.close();
  expect(disposed).toEqual(['counted to 2']);
});

test('an object that is given serves all and stays its giver’s', async () => {
  const given = new Counter();
  const opened = await rig.serve(dispatcher(counter, given));
  expect(await rig.calls(counter).next(undefined)).toEqual({ count: 1 });
  expect(await rig.calls(counter).next(undefined)).toEqual({ count: 2 });
  await opened.close();
  expect(disposed).toEqual([]);
  expect(rig.lives()).toEqual([]);
});

describe('an instance that cannot be made', () => {
  test.each([
    ['throws', () => Promise.reject(new Error('the database is away'))],
    [
      'throws at once',
      () => {
        throw new Error('the database is away');
      },
    ],
  ])('%s: a fault that tells nothing, and the next call tries again', async (_, fail) => {
    let isAway = true;
    const make = (): Counter | Promise<Counter> => (isAway ? fail() : new Counter());
    await rig.serve(dispatcher(counter, perSession(make)));
    const calls = rig.calls(counter);
    const failed = await calls.next(undefined).catch((thrown: unknown) => thrown);
    expect(failed).toMatchObject({ code: 'SOAP_FAULT', fault: { code: 'receiver' } });
    expect(String(failed)).not.toContain('database');
    isAway = false;
    expect(await calls.next(undefined)).toEqual({ count: 1 });
    expect(rig.lives()).toEqual(['instance.failed', 'instance.created']);
  });

  test('is never made: the call ends in its time, and the end of the session does not wait for it', async () => {
    const service = dispatcher(
      counter,
      perSession<Counter>(() => new Promise(() => undefined)),
      {
        timeout: 1_000,
        clock: rig.clock,
      },
    );
    const opened = await rig.serve(service);
    const outcome = rig
      .calls(counter)
      .next(undefined)
      .catch((thrown: unknown) => thrown);
    await rig.clock.advance(1_000);
    expect(await outcome).toMatchObject({ code: 'SOAP_FAULT' });
    const closed = opened.close();
    await rig.clock.advance(1_000);
    await closed;
  });

  test('fails to end: that is told to the diagnostics alone', async () => {
    const bad = { next: () => ({ count: 1 }), [Symbol.asyncDispose]: () => Promise.reject(new Error('stuck')) };
    const opened = await rig.serve(
      dispatcher(
        counter,
        perSession(() => bad),
      ),
    );
    await rig.calls(counter).next(undefined);
    await opened.close();
    expect(rig.lives()).toEqual(['instance.created', 'instance.failed']);
  });
});

describe('concurrency', () => {
  /** Calls of one unordered session that come all at once, to instances of that concurrency. */
  const most = async (
    concurrency: 'single' | 'multiple' | 'reentrant',
    options: DispatcherOptions = {},
  ): Promise<number> => {
    const go = latch();
    let [warm, inside, greatest] = [false, 0, 0];
    const make = () => ({
      next: async () => {
        inside += 1;
        if (warm) {
          greatest = Math.max(greatest, inside);
          await go.opened;
        }
        inside -= 1;
        return { count: greatest };
      },
    });
    await rig.serve(dispatcher(counter, perSession(make, { concurrency }), options), { ordered: false });
    const calls = rig.calls(counter, undefined, { ordered: false });
    // The window of the source begins with one message and grows with each acknowledgement.
    for (let n = 0; n < 8; n += 1) await calls.next(undefined);
    warm = true;
    const all = Promise.all(Array.from({ length: 6 }, () => calls.next(undefined)));
    await rig.settle();
    await rig.settle();
    go.open();
    await all;
    return greatest;
  };

  test('C1 single: one call at a time', async () => expect(await most('single')).toBe(1));
  test('C2 multiple: as many as come', async () => expect(await most('multiple')).toBe(6));
  test('C2 multiple: as many as the throttle allows', async () =>
    expect(await most('multiple', { throttle: { maxConcurrentCalls: 4 } })).toBe(4));
  test('C3 reentrant: one at a time while nobody is outside', async () => expect(await most('reentrant')).toBe(1));

  /** An operation that calls a service that calls it back, as deep as asked. */
  const callingBack = (concurrency: 'single' | 'reentrant', options: DispatcherOptions) => {
    const deep = contract({
      name: 'Deep',
      namespace,
      operations: { dive: requestReply({ request: record({ depth: integer }), reply: record({ reached: integer }) }) },
    });
    const service = dispatcher(
      deep,
      oneInstance(
        () => ({
          dive: ({ depth }: { depth: number }, context: { outside<T>(work: () => Promise<T>): Promise<T> }) =>
            depth === 0 ? { reached: 0 } : context.outside(() => rig.calls(deep).dive({ depth: depth - 1 })),
        }),
        { concurrency },
      ),
      options,
    );
    return { deep, service };
  };

  test('C3 reentrant: a call back comes in while the first is outside, with one call at a time allowed', async () => {
    const { deep, service } = callingBack('reentrant', { throttle: { maxConcurrentCalls: 1 } });
    await rig.serve(service);
    expect(await rig.calls(deep).dive({ depth: 5 })).toEqual({ reached: 0 });
  });

  test('single: a call back waits for the first; time ends both, and the service goes on', async () => {
    const { deep, service } = callingBack('single', { timeout: 1_000, clock: rig.clock });
    await rig.serve(service);
    const outcome = rig
      .calls(deep)
      .dive({ depth: 1 })
      .catch((thrown: unknown) => thrown);
    await rig.clock.advance(999);
    let isOver = false;
    void outcome.then(() => {
      isOver = true;
    });
    await rig.settle();
    expect(isOver).toBe(false);
    await rig.clock.advance(1);
    expect(await outcome).toMatchObject({ code: 'SOAP_FAULT' });
    expect(await rig.calls(deep).dive({ depth: 0 })).toEqual({ reached: 0 });
  });

  test('reentrant: one that calls out twice at a time comes back once, and one that does not wait keeps nobody out', async () => {
    const first = latch();
    const second = latch();
    let call = 0;
    const make = () => ({
      next: async (_: undefined, { outside }: { outside<T>(work: () => Promise<T>): Promise<T> }) => {
        call += 1;
        if (call === 1) await Promise.all([outside(() => first.opened), outside(() => second.opened)]);
        if (call === 2) void outside(() => second.opened);
        return { count: call };
      },
    });
    await rig.serve(dispatcher(counter, oneInstance(make, { concurrency: 'reentrant' })));
    const outcome = rig.calls(counter).next(undefined);
    await rig.settle();
    expect(await rig.calls(counter).next(undefined)).toEqual({ count: 2 });
    first.open();
    second.open();
    expect(await outcome).toEqual({ count: 2 });
    expect(await rig.calls(counter).next(undefined)).toEqual({ count: 3 });
  });
});

describe('the table of session modes', () => {
  const next = requestReply({ request: nothing, reply: record({ count: integer }) });
  const of = (session: 'required' | 'allowed' | 'not-allowed') =>
    contract({ name: 'Counter', namespace, session, operations: { next } });

  test('S6: a host does not open where the binding contradicts the contract', async () => {
    const required = dispatcher(of('required'), new Counter());
    await expect(rig.serve(required, 'none')).rejects.toMatchObject({ code: 'SERVICE_BINDING' });
    const notAllowed = dispatcher(of('not-allowed'), new Counter());
    await expect(rig.serve(notAllowed, {})).rejects.toMatchObject({ code: 'SERVICE_BINDING' });
    await rig.serve(notAllowed, 'none');
    expect(await rig.calls(counter, undefined, 'none').next(undefined)).toEqual({ count: 1 });
  });

  test.each([
    ['required', 'none'],
    ['not-allowed', {}],
  ] as const)('%s: a message that comes the other way all the same is a fault', async (mode, session) => {
    const service = dispatcher(of(mode), new Counter());
    const listener = await listen(rig.binding(session), address, (trip) => service(trip));
    await expect(rig.calls(counter, undefined, session).next(undefined)).rejects.toMatchObject({
      code: 'SOAP_FAULT',
      fault: { code: 'sender' },
    });
    await listener.close(AbortSignal.abort());
  });

  const shapes = { request: nothing, reply: nothing };
  test.each([
    [
      'a terminating operation without required sessions',
      { a: requestReply({ ...shapes, terminating: true }) },
      'allowed',
    ],
    [
      'one that cannot begin without required sessions',
      { a: requestReply({ ...shapes, initiating: false }) },
      'not-allowed',
    ],
    ['no operation that may begin', { a: requestReply({ ...shapes, initiating: false }) }, 'required'],
  ] as const)('SERVICE_CONTRACT: %s', (_, operations, session) => {
    expect(() => contract({ name: 'X', namespace, session, operations })).toThrow(
      expect.objectContaining({ code: 'SERVICE_CONTRACT' }),
    );
  });
});
