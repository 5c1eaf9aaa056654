import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import type { StoreErrorCode } from '../../src/stores/errors.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { storeContract } from '../contracts/store.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'surewire-store-'));

storeContract({
  name: 'sqlite',
  durable: true,
  locate: (options) => {
    const folder = newFolder();
    return {
      open: () => sqlite(join(folder, 'sessions.db'), options),
      remove: () => rmSync(folder, { recursive: true }),
    };
  },
});

describe('sqlite store', () => {
  let folder: string;
  let path: string;
  const stores: SessionStore[] = [];
  const open = (file = path): SessionStore => {
    const store = sqlite(file);
    stores.push(store);
    return store;
  };

  beforeEach(() => {
    folder = newFolder();
    path = join(folder, 'sessions.db');
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    rmSync(folder, { recursive: true });
  });

  const refusal = (code: StoreErrorCode, file: string = path): string => {
    try {
      open(file);
    } catch (error) {
      expect(error).toMatchObject({ code });
      return String(error);
    }
    throw new Error(`${file} was opened`);
  };

  test('all commits of one turn share one transaction', async () => {
    const batches: unknown[] = [];
    const listen = (event: unknown): void => {
      batches.push(event);
    };
    subscribe('surewire:stores', listen);
    const store = open();
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.commit({ session: `s${n % 7}`, state: n })));
    await store.commit({ session: 'x', state: 1 });
    unsubscribe('surewire:stores', listen);
    expect(batches).toMatchObject([{ event: 'batch.written', changes: 100 }, { changes: 1 }]);
  });

  test('a change behind a failed one of its session, given before the failure was known, fails too', async () => {
    const store = sqlite(path, { maxBytes: 128 * 1024 });
    stores.push(store);
    const octets = new Uint8Array(512 * 1024);
    const outcomes = await Promise.allSettled([
      store.commit({ session: 'a', state: { received: 0 } }),
      store.commit({ session: 'a', state: { received: 1 }, put: [{ direction: 'in', number: 1, octets }] }),
      store.commit({
        session: 'a',
        state: { received: 2 },
        put: [{ direction: 'in', number: 2, octets: octets.slice(0, 1) }],
      }),
      store.commit({ session: 'b', state: 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await store.sessions()).toEqual([
      { session: 'a', state: { received: 0 } },
      { session: 'b', state: 1 },
    ]);
    await store.commit({ session: 'a', state: { received: 3 } });
    expect((await store.sessions())[0]?.state).toEqual({ received: 3 });
  });

  test('a statement that fails in the middle of a turn leaves nothing of its change and harms no other', async () => {
    await open().close();
    const file = new DatabaseSync(path);
    file.exec(`CREATE TRIGGER unlucky BEFORE INSERT ON message WHEN new.number = 13
               BEGIN SELECT raise(ABORT, 'unlucky'); END`);
    file.close();
    const store = open();
    const put = [12, 13].map((number) => ({ direction: 'in', number, octets: new Uint8Array(1) }) as const);
    const outcomes = await Promise.allSettled([
      store.commit({ session: 'a', state: 1 }),
      store.commit({ session: 'b', state: 1, put }),
      store.commit({ session: 'c', state: 1 }),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'STORE_UNWRITABLE' } },
      { status: 'fulfilled' },
    ]);
    expect((await store.sessions()).map(({ session }) => session)).toEqual(['a', 'c']);
    expect(await Array.fromAsync(store.messages('b'))).toEqual([]);
  });

  test('the file and its log are readable by their owner only', async () => {
    await open().commit({ session: 'a', state: 1 });
    expect([path, `${path}-wal`].map((file) => (statSync(file).mode & 0o777).toString(8))).toEqual(['600', '600']);
  });

  test('STORE_LOCKED: a second opener is told so, and the first keeps its lock', async () => {
    const store = open();
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(refusal('STORE_LOCKED')).toContain('its own file');
      await store.commit({ session: 'a', state: attempt });
    }
    await store.close();
    expect(await open().sessions()).toEqual([{ session: 'a', state: 1 }]);
  });

  test('STORE_NEWER: a file of a later version is left as it is', async () => {
    await open().close();
    const file = new DatabaseSync(path);
    file.exec('UPDATE surewire_store SET version = 2');
    file.close();
    const before = readFileSync(path);
    expect(refusal('STORE_NEWER')).toContain('later version');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('STORE_FOREIGN: the database of another program is left as it is', () => {
    const file = new DatabaseSync(path);
    file.exec('CREATE TABLE theirs (x)');
    file.close();
    const before = readFileSync(path);
    expect(refusal('STORE_FOREIGN')).toContain('another program');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('STORE_CORRUPT: no SQLite file', () => {
    writeFileSync(path, 'not a database, but long enough to be taken for the header of one\n'.repeat(20));
    expect(refusal('STORE_CORRUPT')).toContain('backup');
  });

  test('STORE_CORRUPT: a file cut short', async () => {
    const store = open();
    await store.commit({ session: 'a', put: [{ direction: 'in', number: 1, octets: new Uint8Array(100_000) }] });
    await store.close();
    truncateSync(path, 40_000);
    refusal('STORE_CORRUPT');
  });

  test('STORE_CORRUPT: a state that is no longer JSON', async () => {
    const store = open();
    await store.commit({ session: 'a', state: 1 });
    await store.close();
    const file = new DatabaseSync(path);
    file.exec("UPDATE session SET state = '{'");
    file.close();
    await expect(open().sessions()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(/no longer JSON.*backup/),
    });
  });

  test('STORE_UNWRITABLE: a folder that is not there, a folder as file', () => {
    expect(refusal('STORE_UNWRITABLE', join(folder, 'missing', 'sessions.db'))).toContain('folder must exist');
    mkdirSync(join(folder, 'folder'));
    refusal('STORE_UNWRITABLE', join(folder, 'folder'));
  });

  const superuser = process.getuid?.() === 0;
  test.skipIf(superuser)('STORE_UNWRITABLE: a read-only file (skipped: the superuser may write it)', async () => {
    await open().close();
    chmodSync(path, 0o400);
    refusal('STORE_UNWRITABLE');
  });

  test('names that SQLite treats specially are plain files here', async () => {
    const special = join(folder, ':memory:');
    await open(special).commit({ session: 'a', state: 1 });
    expect(statSync(special).isFile()).toBe(true);
  });

  test('every error is a StoreError with advice, whatever SQLite says', () => {
    try {
      open(join(folder, 'missing', 'x'));
    } catch (error) {
      expect(hasCode(error, 'STORE_UNWRITABLE') && error.cause).toBeInstanceOf(Error);
    }
  });
});
