/** Runs the command: in this process for what is quick and clean, in a child for what is to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '../../src/cli/program.ts';

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** One command line, in this process; `signal` is its Ctrl-C. */
export async function ran(args: readonly string[], signal: AbortSignal = new AbortController().signal): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const exitCode = await run(args, {
    streams: { out: { write: (text) => out.push(text) }, err: { write: (text) => err.push(text) } },
    interruption: () => ({ signal, end: () => undefined }),
  });
  return { exitCode, out: out.join(''), err: err.join('') };
}

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** A child process; what it prints is kept by lines. */
export class Child {
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  #heard: () => void = () => undefined;

  constructor(args: readonly string[], cwd: string) {
    this.#process = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new TypeError('the child has no pipes');
    const keep = (lines: string[]) => (line: string) => {
      lines.push(line);
      this.#heard();
    };
    createInterface({ input: stdout }).on('line', keep(this.out));
    createInterface({ input: stderr }).on('line', keep(this.err));
    this.exited = once(this.#process, 'close').then(([code]) => {
      this.#heard();
      return code as number | null;
    });
  }

  kill(signal: 'SIGKILL' | 'SIGINT' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  /** Settles when `done` is true, asked at every line; rejects when the child ends before. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      const { promise, resolve: heard } = Promise.withResolvers<'line'>();
      this.#heard = () => heard('line');
      if ((await Promise.race([promise, this.exited])) !== 'line' && !done()) {
        throw new Error(`ended early:\n${[...this.out, ...this.err].join('\n')}`);
      }
    }
  }
}
