/** Both ends of a duplex session are killed with kill -9, again and again, and the session goes on from their stores. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const count = 12;

const service = new URL('killed-service.ts', import.meta.url);
const client = new URL('killed-client.ts', import.meta.url);

const children = new Set<ChildProcess>();

/** Runs a program; each line goes to `hear`, which may have it killed. Settles when it has ended. */
async function run(
  program: URL,
  args: readonly string[],
  hear: (line: string, kill: () => void) => void,
): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) hear(line, () => child.kill('SIGKILL'));
  await ended;
  children.delete(child);
}

/** What was heard at each position; one position has one text. */
class Heard {
  readonly #at = new Map<number, string>();
  times = 0;

  note(line: string): void {
    const [, number = '', ...words] = line.split(' ');
    const text = words.join(' ');
    expect(this.#at.get(Number(number)) ?? text, `position ${number}`).toBe(text);
    this.#at.set(Number(number), text);
    this.times += 1;
  }

  get size(): number {
    return this.#at.size;
  }

  get texts(): readonly string[] {
    return [...this.#at.entries()].sort(([one], [other]) => one - other).map(([, text]) => text);
  }
}

test('kill -9 of either end: every message arrives, in order, both ways', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'surewire-duplex-'));
  const served = new Heard();
  const called = new Heard();
  const texts = Array.from({ length: count }, (_, at) => `message-${at + 1}`);
  let port = '0';
  let isOver = false;
  const ready = Promise.withResolvers<void>();
  const serviceDies = [3, 8];
  const clientDies = [5];
  const kills = { service: 0, client: 0 };
  const serving = (async () => {
    while (!isOver) {
      await run(service, [port, join(folder, 'service.db')], (line, kill) => {
        if (line.startsWith('listening')) {
          port = line.split(' ')[1] ?? '';
          ready.resolve();
        } else served.note(line);
        if (served.size >= (serviceDies[0] ?? Number.POSITIVE_INFINITY)) {
          serviceDies.shift();
          kills.service += 1;
          kill();
        }
      });
    }
  })();
  const end = async (): Promise<void> => {
    isOver = true;
    for (const child of children) child.kill('SIGKILL');
    await serving;
  };
  onTestFinished(async () => {
    await end().catch(() => undefined);
    rmSync(folder, { recursive: true });
  });
  await Promise.race([ready.promise, serving]);
  for (let isDone = false; !isDone; ) {
    await run(client, [port, join(folder, 'client.db'), String(count)], (line, kill) => {
      if (line === 'done') isDone = true;
      else called.note(line);
      if (called.size >= (clientDies[0] ?? Number.POSITIVE_INFINITY)) {
        clientDies.shift();
        kills.client += 1;
        kill();
      }
    });
  }
  await end();
  expect(kills).toEqual({ service: 2, client: 1 });
  expect(served.texts).toEqual(texts);
  // A handler that was killed after it had called back calls back once more, with a number of its own.
  const heard = called.texts.filter((text, at) => called.texts.indexOf(text) === at);
  expect(heard).toEqual(texts.map((text) => `back ${text}`));
  expect(called.size - count).toBeLessThanOrEqual(kills.service);
});
