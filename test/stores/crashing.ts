/** A process that commits until it is killed, and what must be in its store then. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { equalBytes } from '../../src/base/bytes.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import { messageOf, SESSIONS } from './crash-messages.ts';

export class CrashChild {
  readonly process: ChildProcess;
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The last number that was acknowledged in each session. */
  readonly acknowledged: ReadonlyMap<string, number>;
  readonly #acknowledged = new Map<string, number>();
  readonly #lines: AsyncIterator<string>;

  /** @param place the file or the address of its store */
  constructor(place: string, seed: number) {
    const program = fileURLToPath(new URL('crash-child.ts', import.meta.url));
    const running = spawn(process.execPath, [program, place, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void running.kill('SIGKILL'));
    this.process = running;
    this.ended = once(running, 'exit').then(([code, signal]) => ({ code, signal }));
    this.acknowledged = this.#acknowledged;
    this.#lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]();
  }

  /** Settles when so many lines more were read, or its output has ended. */
  async read(lines: number): Promise<void> {
    for (let read = 0; read < lines; read++) {
      const { value, done } = await this.#lines.next();
      if (done) return;
      const [session = '', number] = String(value).split(' ');
      this.#acknowledged.set(session, Number(number));
    }
  }
}

/** Everything that was acknowledged, and of each session at most one commit that nobody saw acknowledged; none of them half. */
export async function expectWhole(
  store: SessionStore,
  acknowledged: ReadonlyMap<string, number>,
  seed: number,
): Promise<void> {
  const states = new Map((await store.sessions()).map(({ session, state }) => [session, Number(state)]));
  for (const session of SESSIONS) {
    const state = states.get(session) ?? 0;
    const known = acknowledged.get(session) ?? 0;
    expect(state - known, session).toBeGreaterThanOrEqual(0);
    expect(state - known, session).toBeLessThanOrEqual(1);
    const messages = await Array.fromAsync(store.messages(session));
    const first = Math.max(1, state - 19);
    expect(messages.map(({ number }) => number)).toEqual(
      Array.from({ length: state - first + 1 }, (_, n) => first + n),
    );
    for (const { number, octets } of messages) {
      expect(equalBytes(octets, messageOf(session, number, seed)), `${session} ${number}`).toBe(true);
    }
  }
}
