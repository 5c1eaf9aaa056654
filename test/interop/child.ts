/**
 * A peer as a child process that speaks JSON lines: bounded in time, killed by its own pid, and never left behind. When
 * something goes wrong the error holds the tail of what the peer said. An oracle is asked on its standard input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Clock, later, systemClock } from '../../src/base/clock.ts';

/** One line of a peer: `event` names it, the rest depends on it. */
export interface PeerEvent {
  readonly event: string;
  readonly [member: string]: unknown;
}

export interface Child {
  readonly name: string;
  /** Every event so far. */
  readonly events: readonly PeerEvent[];
  /** One line on its standard input, which is closed from the start for a peer that is not asked anything. */
  say(line: string): void;
  /** Whether the process is gone. */
  readonly ended: boolean;
  /**
   * The event of this name, or of one of these, past or to come: the first, or the `count`th, of those that are meant; rejects
   * when the peer ends without it.
   */
  event(name: string | readonly string[], count?: number, meant?: (event: PeerEvent) => boolean): Promise<PeerEvent>;
  /** The exit code; rejects when the peer had to be killed because its time was over. */
  readonly exit: Promise<number>;
  /** SIGTERM, and SIGKILL when that is not heeded within two seconds. Settles when the process is gone. */
  stop(): Promise<void>;
  /** The last lines of both outputs. */
  tail(): string;
}

export interface ChildOptions {
  /** What errors call it. */
  readonly name: string;
  /** Milliseconds it may live. */
  readonly limit: number;
  /** What counts them; the machine's where nothing is said. */
  readonly clock?: Clock;
  /** Whether it is asked something on its standard input. */
  readonly asked?: boolean;
}

const KILL_AFTER = 2_000;
const TAIL_LINES = 200;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `command` without a shell. */
export function start(command: string, args: readonly string[], options: ChildOptions): Child {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  if (options.asked !== true) child.stdin.end();
  running.add(child);
  const log: string[] = [];
  const events: PeerEvent[] = [];
  const waiting = new Set<() => void>();
  let ended: { readonly code: number; readonly overdue: boolean } | undefined;
  let overdue = false;
  const tell = (): void => {
    for (const wake of [...waiting]) wake();
  };
  const tail = (): string => log.slice(-TAIL_LINES).join('\n');
  const failure = (what: string): Error => new Error(`${options.name} ${what}; its last lines:\n${tail()}`);

  const { clock = systemClock } = options;
  const end = (): void => {
    overdue = true;
    child.kill('SIGKILL');
  };
  const limit = clock.at(later(clock.now(), options.limit), end, true);
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      log.push(line);
      const event = output === child.stdout ? eventOf(line) : undefined;
      if (event === undefined) return;
      events.push(event);
      tell();
    });
  }
  const gone = new Promise<void>((resolve) => {
    const over = (code: number): void => {
      limit.cancel();
      running.delete(child);
      ended ??= { code, overdue };
      tell();
      resolve();
    };
    child.on('error', (error) => {
      log.push(String(error));
      over(-1);
    });
    child.on('close', (code) => over(code ?? -1));
  });
  const exit = gone.then(() => {
    if (ended?.overdue === true) throw failure(`was killed after ${options.limit} ms`);
    return ended?.code ?? -1;
  });
  exit.catch(() => undefined);

  return {
    name: options.name,
    events,
    get ended() {
      return ended !== undefined;
    },
    exit,
    tail,
    say: (line) => {
      child.stdin.write(`${line}\n`);
    },
    event: (name, count = 1, meant = () => true) =>
      new Promise((resolve, reject) => {
        const names = [name].flat();
        const look = (): void => {
          const found = events.filter((event) => names.includes(event.event) && meant(event))[count - 1];
          if (found === undefined && ended === undefined) return;
          waiting.delete(look);
          if (found === undefined) reject(failure(`ended without ${count} × the event "${names.join('" or "')}"`));
          else resolve(found);
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      if (ended === undefined) child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER);
      await gone;
      clearTimeout(kill);
    },
  };
}

function eventOf(line: string): PeerEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as PeerEvent;
  } catch {
    return undefined;
  }
}
