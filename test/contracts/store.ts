/**
 * What every store promises, as tests: call `storeContract` in a test file of the store. The law is a model, three lines
 * of Map, that random runs of changes, reads and (where the store is durable) restarts must agree with.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Direction, SessionChange, SessionStore, StoredMessage } from '../../src/reliable/store.ts';

/** Where the stores of one test live. */
interface StoreLocation {
  /** Opens the store of this location; again after `close` when it is durable. */
  open(): SessionStore | Promise<SessionStore>;
  /** Removes what the location left behind. */
  remove?(): void | Promise<void>;
}

export interface StoreContract {
  readonly name: string;
  /** True when a store closed and opened again still has everything. */
  readonly durable: boolean;
  /** How many runs the law has; default 60. */
  readonly runs?: number;
  /** A new, empty location. `maxBytes` limits what it may hold. */
  locate(options?: { readonly maxBytes?: number }): StoreLocation | Promise<StoreLocation>;
}

const octets = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (direction: Direction, number: number, ...values: number[]): StoredMessage => ({
  direction,
  number,
  octets: octets(...values),
});

export function storeContract(contract: StoreContract): void {
  describe(`store contract: ${contract.name}`, () => {
    const cleanups: (() => unknown)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    const locate: StoreContract['locate'] = async (options) => {
      const location = await contract.locate(options);
      cleanups.push(() => location.remove?.());
      return location;
    };
    const open = async (options?: { readonly maxBytes?: number }): Promise<SessionStore> => {
      const location = await locate(options);
      const store = await location.open();
      cleanups.push(() => store.close());
      return store;
    };

    test('an empty store has no sessions and no messages', async () => {
      const store = await open();
      expect(await store.sessions()).toEqual([]);
      expect(await Array.fromAsync(store.messages('nobody'))).toEqual([]);
      expect(await store.message('nobody', 'out', 1)).toBeUndefined();
    });

    test('what a resolved commit wrote is read back', async () => {
      const store = await open();
      await store.commit({ session: 'a', state: { phase: 'open', next: 2 }, put: [put('out', 1, 1, 2, 3)] });
      expect(await store.sessions()).toEqual([{ session: 'a', state: { phase: 'open', next: 2 } }]);
      expect(Array.from((await store.message('a', 'out', 1)) ?? [])).toEqual([1, 2, 3]);
      expect(await store.message('a', 'in', 1)).toBeUndefined();
    });

    test('a change without state keeps the state; a session without one has undefined', async () => {
      const store = await open();
      await store.commit({ session: 'a', state: [1] });
      await store.commit({ session: 'a', put: [put('in', 1)] });
      await store.commit({ session: 'b', put: [put('in', 1)] });
      expect(await store.sessions()).toEqual([
        { session: 'a', state: [1] },
        { session: 'b', state: undefined },
      ]);
    });

    test('a message that is dropped and put in one change is there afterwards', async () => {
      const store = await open();
      await store.commit({ session: 'a', put: [put('out', 1, 1)] });
      await store.commit({
        session: 'a',
        put: [put('out', 1, 2)],
        drop: [
          { direction: 'out', number: 1 },
          { direction: 'out', number: 9 },
        ],
      });
      expect(
        (await Array.fromAsync(store.messages('a'))).map(({ number, octets: [first] }) => [number, first]),
      ).toEqual([[1, 2]]);
    });

    test('messages come in order: direction, then number as a number', async () => {
      const store = await open();
      const top = Number.MAX_SAFE_INTEGER;
      const numbers = [10, 9, top, 1, 2 ** 31, top - 1];
      await store.commit({ session: 'a', put: numbers.flatMap((n) => [put('out', n, 1), put('in', n, 2)]) });
      const sorted = [...numbers].sort((one, other) => one - other);
      expect((await Array.fromAsync(store.messages('a'))).map(({ direction, number }) => [direction, number])).toEqual([
        ...sorted.map((n) => ['in', n]),
        ...sorted.map((n) => ['out', n]),
      ]);
      expect(await store.message('a', 'out', top)).toEqual(expect.objectContaining({ length: 1 }));
    });

    const parts: readonly (readonly [string, number, number])[] = [
      ['messages', 2_100, 10],
      ['octets', 18, 1024 * 1024],
    ];
    test.each(parts)(
      'messages of more than one part (%s) come whole, once, in order; what was dropped before its part was read does not',
      async (_, count, size) => {
        const store = await open();
        const all = Array.from({ length: count }, (_, n) => ({
          direction: n % 2 === 0 ? ('in' as const) : ('out' as const),
          number: n,
          octets: new Uint8Array(size).fill(n),
        }));
        for (const message of all) void store.commit({ session: 'a', put: [message] });
        await store.commit({ session: 'b', put: all.slice(0, 1) });
        const sorted = [...all].sort((one, other) => one.direction.localeCompare(other.direction));
        const read: StoredMessage[] = [];
        for await (const message of store.messages('a')) read.push(message);
        expect(read.map(({ direction, number }) => [direction, number])).toEqual(
          sorted.map(({ direction, number }) => [direction, number]),
        );
        expect(read.every(({ number, octets: found }) => found.length === size && found[0] === number % 256)).toBe(
          true,
        );
        // The first part is less than the first half: 1,000 messages, or 8 MiB and one message.
        const half = sorted.slice(count / 2);
        const seen: number[] = [];
        for await (const { number } of store.messages('a')) {
          if (seen.length === 0) await store.commit({ session: 'a', drop: half });
          seen.push(number);
        }
        expect(seen).toEqual(sorted.slice(0, count / 2).map(({ number }) => number));
      },
    );

    test('a store that is closed while messages are gone through says so', async () => {
      const store = await open();
      await store.commit({ session: 'a', put: [put('in', 1), put('in', 2)] });
      const going = async (): Promise<void> => {
        for await (const _ of store.messages('a')) await store.close();
      };
      await expect(going()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });

    test('end forgets the session with its messages and nothing else; its key may be used again', async () => {
      const store = await open();
      await store.commit({ session: 'a', state: 1, put: [put('out', 1, 1)] });
      await store.commit({ session: 'b', state: 2, put: [put('out', 1, 2)] });
      await store.commit({ session: 'a', state: 3, put: [put('out', 2, 3)], end: true });
      await store.commit({ session: 'never there', end: true });
      expect(await store.sessions()).toEqual([{ session: 'b', state: 2 }]);
      expect(await Array.fromAsync(store.messages('a'))).toEqual([]);
      await store.commit({ session: 'a', state: 4 });
      expect(await store.sessions()).toEqual([
        { session: 'b', state: 2 },
        { session: 'a', state: 4 },
      ]);
    });

    test('what the caller changes after commit, or in what it read, is not stored', async () => {
      const store = await open();
      const state = { ranges: [1] };
      const message = put('in', 1, 7);
      const done = store.commit({ session: 'a', state, put: [message] });
      state.ranges.push(2);
      message.octets[0] = 8;
      await done;
      const read = await store.message('a', 'in', 1);
      read?.fill(9);
      (await Array.fromAsync(store.messages('a')))[0]?.octets.fill(9);
      expect(Array.from((await store.message('a', 'in', 1)) ?? [])).toEqual([7]);
      expect((await store.sessions())[0]?.state).toEqual({ ranges: [1] });
    });

    test('changes of one session given in one turn are durable in the order given', async () => {
      const store = await open();
      const order: number[] = [];
      const commits = Array.from({ length: 50 }, (_, n) =>
        store.commit({ session: 'a', state: n, put: [put('out', 1, n)] }).then(() => order.push(n)),
      );
      await Promise.all(commits);
      expect(order).toEqual([...order].sort((one, other) => one - other));
      expect((await store.sessions())[0]?.state).toBe(49);
      expect(Array.from((await store.message('a', 'out', 1)) ?? [])).toEqual([49]);
    });

    test('a read sees the changes committed before it, awaited or not', async () => {
      const store = await open();
      const commit = store.commit({ session: 'a', state: 'new', put: [put('in', 1, 1)] });
      const [sessions, messages] = await Promise.all([store.sessions(), Array.fromAsync(store.messages('a')), commit]);
      expect(sessions).toEqual([{ session: 'a', state: 'new' }]);
      expect(messages).toHaveLength(1);
    });

    test('hostile keys stay data: __proto__, quotes, SQL, half-alike keys', async () => {
      const store = await open();
      const keys = ['__proto__', 'constructor', "'; DROP TABLE session; --", 'A', 'a', 'a ', 'é', 'e\u0301', '😀'];
      const state: unknown = JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      );
      for (const session of keys) await store.commit({ session, state });
      const sessions = await store.sessions();
      expect(sessions.map(({ session }) => session)).toEqual(keys);
      for (const read of sessions) expect(JSON.stringify(read.state)).toBe(JSON.stringify(state));
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
    });

    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const invalid: readonly (readonly [string, SessionChange])[] = [
      ['a state with a cycle', { session: 'a', state: cyclic }],
      ['a state with a bigint', { session: 'a', state: { next: 1n } }],
      ['a function as state', { session: 'a', state: () => 1 }],
      ['a negative number', { session: 'a', put: [put('in', -1)] }],
      ['a fraction as number', { session: 'a', drop: [{ direction: 'in', number: 1.5 }] }],
      ['a number beyond 2^53-1', { session: 'a', put: [put('in', 2 ** 53)] }],
      ['an unknown direction', { session: 'a', put: [{ ...put('in', 1), direction: 'up' as Direction }] }],
      ['an empty key', { session: '' }],
      ['half a surrogate pair in the key', { session: 'a\ud800' }],
      ['a NUL in the key', { session: 'a\0b' }],
      ['a key without end', { session: 'a'.repeat(1_001) }],
    ];
    test.each(invalid)('STORE_CHANGE_INVALID: %s; the others of the turn are stored', async (_, change) => {
      const store = await open();
      const [before, wrong, after] = await Promise.allSettled([
        store.commit({ session: 'good', state: 1 }),
        store.commit(change),
        store.commit({ session: 'good', state: 2 }),
      ]);
      expect(before.status).toBe('fulfilled');
      expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'STORE_CHANGE_INVALID', transient: false } });
      expect(after.status).toBe('fulfilled');
      expect(await store.sessions()).toEqual([{ session: 'good', state: 2 }]);
    });

    test('STORE_FULL: the change that does not fit fails alone, whole, and dropping makes room again', async () => {
      const store = await open({ maxBytes: 256 * 1024 });
      const large = { direction: 'out', number: 1, octets: new Uint8Array(200 * 1024) } as const;
      await store.commit({ session: 'a', state: 'kept', put: [large] });
      const [small, tooMuch, other] = await Promise.allSettled([
        store.commit({ session: 'b', state: 1 }),
        store.commit({ session: 'c', state: 1, put: [large] }),
        store.commit({ session: 'd', state: 1 }),
      ]);
      expect([small.status, other.status]).toEqual(['fulfilled', 'fulfilled']);
      expect(tooMuch).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FULL' } });
      expect(tooMuch.status === 'rejected' && String(tooMuch.reason)).toContain('maxBytes');
      expect((await store.sessions()).map(({ session }) => session)).toEqual(['a', 'b', 'd']);
      await store.commit({ session: 'a', drop: [{ direction: 'out', number: 1 }] });
      await store.commit({ session: 'c', state: 1, put: [large] });
      expect((await store.message('c', 'out', 1))?.length).toBe(large.octets.length);
    });

    test('STORE_CLOSED: close keeps what was given before it, refuses what comes after, and may be called again', async () => {
      const location = await locate();
      const store = await location.open();
      const last = store.commit({ session: 'a', state: 1 });
      await Promise.all([store.close(), store.close()]);
      await expect(last).resolves.toBeUndefined();
      await store.close();
      for (const call of [
        store.sessions(),
        Array.fromAsync(store.messages('a')),
        store.message('a', 'in', 1),
        store.commit({ session: 'a' }),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'STORE_CLOSED' });
      }
      if (!contract.durable) return;
      const again = await location.open();
      cleanups.push(() => again.close());
      expect(await again.sessions()).toEqual([{ session: 'a', state: 1 }]);
    });

    test('law: any run of changes, reads and restarts agrees with the model', async () => {
      await fc.assert(
        fc.asyncProperty(fc.commands(commandsOf(contract.durable), { maxCommands: 40 }), async (commands) => {
          const location = await contract.locate();
          const real: Real = { location, store: await location.open() };
          try {
            await fc.asyncModelRun(() => ({ model: new Map(), real }), commands);
          } finally {
            await real.store.close();
            await location.remove?.();
          }
        }),
        { numRuns: contract.runs ?? 60 },
      );
    });
  });
}

/** The trivial store: state as JSON text, messages as text by direction and number. */
type Model = Map<string, { state: string | undefined; messages: Map<string, string> }>;

interface Real {
  readonly location: StoreLocation;
  store: SessionStore;
}

type Command = fc.AsyncCommand<Model, Real>;

function applyTo(model: Model, change: SessionChange): void {
  if (change.end) {
    model.delete(change.session);
    return;
  }
  const entry = model.get(change.session) ?? { state: undefined, messages: new Map<string, string>() };
  model.set(change.session, entry);
  if (change.state !== undefined) entry.state = JSON.stringify(change.state);
  for (const { direction, number } of change.drop ?? []) entry.messages.delete(`${direction} ${number}`);
  for (const message of change.put ?? []) {
    entry.messages.set(`${message.direction} ${message.number}`, message.octets.toString());
  }
}

/** The changes of one turn, given together and awaited together. */
class CommitTurn implements Command {
  readonly changes: readonly SessionChange[];

  constructor(changes: readonly SessionChange[]) {
    this.changes = changes;
  }

  check = (): boolean => true;

  async run(model: Model, { store }: Real): Promise<void> {
    for (const change of this.changes) applyTo(model, change);
    await Promise.all(this.changes.map((change) => store.commit(change)));
  }

  toString = (): string => `commit ${fc.stringify(this.changes)}`;
}

class ReadAll implements Command {
  check = (): boolean => true;

  async run(model: Model, { store }: Real): Promise<void> {
    const sessions = await store.sessions();
    expect(sessions.map(({ session, state }) => [session, JSON.stringify(state)])).toEqual(
      Array.from(model, ([session, { state }]) => [session, state]),
    );
    for (const [session, { messages }] of model) {
      const read = await Array.fromAsync(store.messages(session));
      expect(new Map(read.map((m) => [`${m.direction} ${m.number}`, m.octets.toString()]))).toEqual(messages);
      for (const { direction, number, octets: stored } of read) {
        expect((await store.message(session, direction, number))?.toString()).toBe(stored.toString());
      }
    }
  }

  toString = (): string => 'read all';
}

class Restart implements Command {
  check = (): boolean => true;

  async run(_: Model, real: Real): Promise<void> {
    await real.store.close();
    real.store = await real.location.open();
  }

  toString = (): string => 'restart';
}

function commandsOf(durable: boolean): fc.Arbitrary<Command>[] {
  const key = { direction: fc.constantFrom<Direction>('in', 'out'), number: fc.nat({ max: 5 }) };
  const change: fc.Arbitrary<SessionChange> = fc
    .record(
      {
        session: fc.constantFrom('a', 'b', '__proto__'),
        state: fc.jsonValue({ maxDepth: 2 }),
        put: fc.array(fc.record({ ...key, octets: fc.uint8Array({ maxLength: 8 }) }), { maxLength: 3 }),
        drop: fc.array(fc.record(key), { maxLength: 3 }),
      },
      { requiredKeys: ['session'] },
    )
    .chain((made) => fc.nat({ max: 9 }).map((n) => (n === 0 ? { ...made, end: true as const } : made)));
  const turn = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => new CommitTurn(changes));
  const read = fc.constant(new ReadAll());
  return durable ? [turn, turn, read, fc.constant(new Restart())] : [turn, turn, read];
}
