/**
 * The stores of sessions, in turns in one run: commits as a session makes them (its state, one message of 1 KB put, an older one dropped),
 * each awaited before the next of its session, by one session and by 64 at a time. The embedded store is measured beside the one in
 * memory, which writes nothing, and the shared one, a PostgreSQL that is made for the run on the same disk. What a durable store does
 * is wait for that disk: those that wait together are written together, so 64 sessions say more than one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore } from '../src/reliable/store.ts';
import { memory } from '../src/stores/memory.ts';
import { postgres } from '../src/stores/postgres.ts';
import { sqlite } from '../src/stores/sqlite.ts';
import { Cluster, noPostgres } from '../test/cluster.ts';
import { type Contender, compare, line, type Row } from './harness.ts';

const LANES = [1, 64] as const;
const KEPT = 8;
const TURN = 400;
const octets = new Uint8Array(1_024).fill(0x61);

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'surewire-bench-'));
  const cluster = noPostgres === undefined ? await Cluster.start() : undefined;
  const stores: SessionStore[] = [];
  const opened = <T extends SessionStore>(store: T): T => {
    stores.push(store);
    return store;
  };
  try {
    const embedded = opened(sqlite(join(folder, 'sessions.db')));
    const volatile = opened(memory());
    const shared = cluster && opened(await postgres(cluster.socket));
    const found: Row[] = [];
    for (const lanes of LANES) {
      const row = await compare({
        work: `commits to sqlite, ${lanes} ${lanes === 1 ? 'session' : 'sessions'}`,
        size: '1 KB',
        surewire: committing(embedded, lanes),
        peers: { memory: committing(volatile, lanes), postgres: shared && committing(shared, lanes) },
        turn: TURN,
      });
      report(line(row));
      found.push(row);
    }
    return found;
  } finally {
    for (const store of stores) await store.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true });
  }
}

/** So many sessions, each of which commits one message after the other. */
function committing(store: SessionStore, lanes: number): Contender {
  const numbers = Array.from({ length: lanes }, () => 0);
  return async (milliseconds) => {
    const start = performance.now();
    let done = 0;
    const lane = async (at: number): Promise<void> => {
      while (performance.now() - start < milliseconds) {
        const number = (numbers[at] ?? 0) + 1;
        numbers[at] = number;
        await store.commit({
          session: `of ${lanes}: ${at}`,
          state: { kind: 'acceptor', received: [[1, number]] },
          put: [{ direction: 'in', number, octets }],
          drop: number > KEPT ? [{ direction: 'in', number: number - KEPT }] : [],
        });
        done += 1;
      }
    };
    await Promise.all(numbers.map((_, at) => lane(at)));
    return (done / (performance.now() - start)) * 1000;
  };
}
