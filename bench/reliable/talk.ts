/**
 * How the bench of the reliable session talks to its two processes: one question at a time over the channel that Node gives
 * a forked child, one answer to each. A child lives as long as its parent.
 */
import { type ChildProcess, fork } from 'node:child_process';

/** What the parent asks of the process with the service. */
export type ServiceQuestion =
  | { readonly do: 'start'; readonly cert: string; readonly key: string; readonly windows: readonly number[] }
  | { readonly do: 'heap' }
  | { readonly do: 'processor' };

/** Where the service listens; reliable sessions by window. */
export interface Places {
  readonly bare: string;
  readonly plain: string;
  readonly reliable: Readonly<Record<number, string>>;
}

/** What the parent asks of the process with the client. */
export type ClientQuestion =
  | { readonly do: 'start'; readonly ca: string; readonly places: Places; readonly windows: readonly number[] }
  | { readonly do: 'send'; readonly how: 'reliable' | 'bare' | 'plain'; readonly window: number; readonly for: number }
  | { readonly do: 'turnover'; readonly window: number; readonly for: number }
  | { readonly do: 'idle'; readonly window: number; readonly sessions: number }
  | { readonly do: 'heap' }
  | { readonly do: 'processor' }
  | { readonly do: 'end' };

/** What a process holds after its garbage was collected, in octets. */
export interface Held {
  readonly heap: number;
  readonly resident: number;
}

interface Answer {
  readonly value?: unknown;
  readonly failed?: string;
}

/** The parent's end. */
export class Child<Question extends object> {
  readonly #process: ChildProcess;

  /** @param options of Node, such as a profiler */
  constructor(program: URL, options: readonly string[] = []) {
    this.#process = fork(program, { execArgv: ['--expose-gc', ...options] });
  }

  ask<T>(question: Question): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('a process of the bench ended'));
      this.#process.once('exit', onExit);
      this.#process.once('message', ({ value, failed }: Answer) => {
        this.#process.removeListener('exit', onExit);
        if (failed === undefined) resolve(value as T);
        else reject(new Error(failed));
      });
      this.#process.send(question);
    });
  }

  /** Lets the process end by itself, with what it still has to write. */
  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.disconnect();
    await ended;
  }
}

/** The child's end. */
export function serve<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on('message', (question: Question) => {
    answer(question).then(
      (value) => process.send?.({ value } satisfies Answer),
      (error: unknown) => process.send?.({ failed: error instanceof Error ? `${error.stack}` : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

/** Needs `--expose-gc`, which `Child` gives. */
export async function held(): Promise<Held> {
  for (let times = 0; times < 3; times++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed + external + arrayBuffers, resident: rss };
}

/** Processor time that this process has had so far, in microseconds: its own, and the kernel's on its behalf. */
export interface Processor {
  readonly user: number;
  readonly system: number;
}

export function processor(): Processor {
  return process.cpuUsage();
}
