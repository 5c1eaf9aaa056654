import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { messageOf, SESSIONS } from './crash-messages.ts';

const SEED = 20_240_229;
const CRASHES = 8;

let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'surewire-crash-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Lets the child commit until it acknowledged `count` commits, then kills it; what it acknowledged in all. */
async function crashAfter(path: string, count: number): Promise<ReadonlyMap<string, number>> {
  const acknowledged = new Map<string, number>();
  const program = fileURLToPath(new URL('crash-child.ts', import.meta.url));
  const running = spawn(process.execPath, [program, path, String(SEED)], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = running;
  const ended = once(running, 'close');
  let lines = 0;
  for await (const line of createInterface({ input: running.stdout })) {
    const [session = '', number] = line.split(' ');
    acknowledged.set(session, Number(number));
    lines += 1;
    if (lines === count) running.kill('SIGKILL');
  }
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal, 'the child was to die by kill -9 and by nothing else').toBe('SIGKILL');
  return acknowledged;
}

test(`M25 kill -9 at ${CRASHES} random points (seed ${SEED}): every acknowledged commit is there, none is half there`, async () => {
  const path = join(folder, 'sessions.db');
  const random = seededRandom(SEED);
  for (let crash = 0; crash < CRASHES; crash++) {
    const acknowledged = await crashAfter(path, 1 + Math.floor(random.fraction() * 400));
    const store = sqlite(path);
    const states = new Map((await store.sessions()).map(({ session, state }) => [session, Number(state)]));
    for (const session of SESSIONS) {
      const state = states.get(session) ?? 0;
      const known = acknowledged.get(session) ?? 0;
      // One commit of each session may have become durable without its acknowledgement having been seen.
      expect(state - known, `${session} of crash ${crash}`).toBeGreaterThanOrEqual(0);
      if (known > 0) expect(state - known, `${session} of crash ${crash}`).toBeLessThanOrEqual(1);
      const messages = await Array.fromAsync(store.messages(session));
      const first = Math.max(1, state - 19);
      expect(messages.map(({ number }) => number)).toEqual(
        Array.from({ length: state - first + 1 }, (_, n) => first + n),
      );
      for (const { number, octets } of messages) {
        expect(equalBytes(octets, messageOf(session, number, SEED)), `${session} ${number}`).toBe(true);
      }
    }
    await store.close();
  }
});
