/**
 * How the benches measure. Every contender does the same work on the same octets; they take turns in rounds, so that what
 * else the machine does hits all alike; the figure is the median of the rounds. A peer outside Node is one long-running
 * process that is spoken to in lines: it times itself, so starting and talking cost nothing. A peer that is not installed
 * is named in `missing`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Worker } from 'node:worker_threads';

export interface Row {
  /** What is done. */
  readonly work: string;
  /** How large the input is. */
  readonly size: string;
  /** Operations per second, unless `unit` says otherwise. */
  readonly surewire: number;
  /** What the numbers count where they are no operations per second. */
  readonly unit?: string;
  /** Operations per second, by peer. */
  readonly peers: Readonly<Record<string, number>>;
  /** How many times as fast as each peer surewire is. */
  readonly ratios: Readonly<Record<string, number>>;
  /** The least and the greatest ratio of one round, where rounds are long enough for it to say something. */
  readonly spread?: Readonly<Record<string, readonly [least: number, greatest: number]>>;
  /** Peers that are not installed here. */
  readonly missing?: readonly string[];
}

/** Runs its work again and again for about so many milliseconds; returns operations per second. */
export type Contender = (milliseconds: number) => Promise<number> | number;

const wall = (): number => performance.now();

/** Milliseconds that this thread has had of the processor: what counts where others use the machine as well. */
export function processor(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * A contender in this process.
 *
 * @param clock what its rate counts in: by default that of the wall
 */
export function contender(work: () => unknown, clock: () => number = wall): Contender {
  return (milliseconds) => {
    const start = performance.now();
    const begun = clock();
    let operations = 0;
    let elapsed = 0;
    let batch = 1;
    while (elapsed < milliseconds) {
      for (let index = 0; index < batch; index++) work();
      operations += batch;
      elapsed = performance.now() - start;
      // Look at the clock about every two milliseconds.
      batch = Math.max(1, Math.min(10_000, Math.floor((2 * operations) / elapsed)));
    }
    return (operations / (clock() - begun)) * 1000;
  };
}

/** Like `contender`, for work that is awaited. */
export function awaited(work: () => Promise<unknown>, clock: () => number = wall): Contender {
  return async (milliseconds) => {
    const start = performance.now();
    const begun = clock();
    let operations = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      for (let index = 0; index < 8; index++) await work();
      operations += 8;
      elapsed = performance.now() - start;
    }
    return (operations / (clock() - begun)) * 1000;
  };
}

/**
 * A contender in a thread of this process with a heap of its own, so that what one peer leaves to the garbage collector
 * does not slow down the others.
 *
 * @param module exports `works`: functions by name that take octets by name and return what is to be timed
 * @returns `undefined` when the module's package is not installed; `stop` ends the thread
 */
export async function threadContender(
  module: URL,
  work: string,
  octets: Readonly<Record<string, Uint8Array>>,
): Promise<{ readonly run: Contender; stop(): Promise<unknown> } | undefined> {
  const thread = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: { module: module.href, work, octets },
  });
  const next = () => new Promise<unknown>((resolve) => thread.once('message', resolve));
  const first = await next();
  if (first !== 'ready') {
    await thread.terminate();
    if (String(first).includes('ERR_MODULE_NOT_FOUND') || String(first).includes('Cannot find')) return undefined;
    throw new Error(`the peer of ${module.pathname} failed: ${first}`);
  }
  const run = async (milliseconds: number): Promise<number> => {
    const answer = next();
    thread.postMessage(milliseconds);
    return Number(await answer);
  };
  return { run, stop: () => thread.terminate() };
}

export interface Comparison {
  readonly work: string;
  readonly size: string;
  readonly surewire: Contender;
  /** `undefined` for a peer that is not installed. */
  readonly peers: Readonly<Record<string, Contender | undefined>>;
  /** Milliseconds of one turn, where it is not the usual; the row then tells the spread of the rounds. */
  readonly turn?: number;
  /** Milliseconds for each contender to get warm in, where it is not the usual. */
  readonly warmUp?: number;
}

const ROUNDS = 9;
const ROUND = 150;
/** Long enough that what is compiled while running is compiled, also where other processes want the processors. */
const WARM_UP = 1500;

/** Lets the contenders take turns and makes the row. */
export async function compare({ work, size, surewire, peers, turn, warmUp }: Comparison): Promise<Row> {
  const present = Object.entries(peers).flatMap(([name, peer]) => (peer === undefined ? [] : [{ name, peer }]));
  const missing = Object.entries(peers).flatMap(([name, peer]) => (peer === undefined ? [name] : []));
  const all = [{ name: '', peer: surewire }, ...present].map((one) => ({ ...one, rates: [] as number[] }));
  for (const { peer } of all) await peer(warmUp ?? WARM_UP);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { peer, rates } of all) rates.push(await peer(turn ?? ROUND));
  }
  const own = median(all[0]?.rates ?? []);
  const rates = all.slice(1).map(({ name, rates }) => [name, median(rates)] as const);
  return {
    work,
    size,
    surewire: round(own),
    peers: Object.fromEntries(rates.map(([name, rate]) => [name, round(rate)])),
    ratios: Object.fromEntries(rates.map(([name, rate]) => [name, round(own / rate)])),
    ...(turn === undefined ? {} : { spread: spreadOf(all) }),
    ...(missing.length > 0 ? { missing } : {}),
  };
}

/** Ratios round by round: what happened to a round happened to all who had a turn in it. */
function spreadOf([own, ...others]: readonly {
  readonly name: string;
  readonly rates: readonly number[];
}[]): NonNullable<Row['spread']> {
  const ratios = others.map(({ name, rates }) => {
    const each = rates.map((rate, at) => round((own?.rates[at] ?? 0) / rate));
    return [name, [Math.min(...each), Math.max(...each)] as const] as const;
  });
  return Object.fromEntries(ratios);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Three significant digits. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** A row as a line for people. */
export function line({ work, size, surewire, unit = '/s', peers, ratios, spread, missing }: Row): string {
  const beside = Object.entries(peers).map(([name, rate]) => {
    const [least, greatest] = spread?.[name] ?? [];
    const rounds = least === undefined ? '' : `, rounds ${least}…${greatest}`;
    return `${name} ${rate}${unit} (${ratios[name]}×${rounds})`;
  });
  const absent = missing === undefined ? [] : [`missing: ${missing.join(', ')}`];
  return [`${work}, ${size}: ${surewire}${unit}`, ...beside, ...absent].join('; ');
}

const PYTHON = '/usr/bin/python3';

const LOOP = `
import sys, json, base64, time
works = {}
def work(prepare):
    works[prepare.__name__] = prepare
    return prepare
def serve():
    prepared = {}
    print('ready', flush=True)
    for line in sys.stdin:
        try:
            job = json.loads(line)
            if job['do'] == 'prepare':
                arguments = {name: base64.b64decode(value) for name, value in job['octets'].items()}
                prepared[job['name']] = works[job['work']](**arguments)
                print(json.dumps({'ok': True}), flush=True)
                continue
            run = prepared[job['name']]
            limit = job['milliseconds'] / 1000
            start = time.perf_counter()
            begun = time.thread_time()
            elapsed = 0.0
            operations = 0
            batch = 1
            while elapsed < limit:
                for _ in range(batch):
                    run()
                operations += batch
                elapsed = time.perf_counter() - start
                batch = max(1, min(10000, int(0.002 * operations / elapsed)))
            busy = time.thread_time() - begun
            print(json.dumps({'ok': True, 'rate': operations / elapsed, 'busy': operations / busy}), flush=True)
        except Exception as wrong:
            print(json.dumps({'ok': False, 'message': repr(wrong)}), flush=True)
`;

interface Answer {
  readonly ok: boolean;
  readonly rate?: number;
  /** The rate by the processor. */
  readonly busy?: number;
  readonly message?: string;
}

/** A Python process that does works named in its program. */
export class PythonPeer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #prepared = 0;

  private constructor(process: ChildProcessByStdio<Writable, Readable, null>, reader: Interface) {
    this.#process = process;
    this.#reader = reader;
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /**
   * Starts the process.
   *
   * @param program Python; every function marked `@work` takes octets by name, prepares, and returns what is to be timed
   * @returns `undefined` when Python or something that the program imports is not installed
   */
  static async start(program: string): Promise<PythonPeer | undefined> {
    const child = spawn(PYTHON, ['-u', '-c', `${LOOP}\n${program}\nserve()\n`], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    const peer = new PythonPeer(child, createInterface(child.stdout));
    const first = await peer.#lines.next();
    return first.done === true ? undefined : peer;
  }

  /**
   * Prepares a work; what comes back runs it.
   *
   * @param rate whether it counts by the clock or by the processor
   */
  async contender(
    work: string,
    octets: Readonly<Record<string, Uint8Array>>,
    rate: 'rate' | 'busy' = 'rate',
  ): Promise<Contender> {
    const name = String(this.#prepared++);
    const encoded = Object.fromEntries(
      Object.entries(octets).map(([argument, value]) => [argument, Buffer.from(value).toString('base64')]),
    );
    await this.#ask({ do: 'prepare', name, work, octets: encoded });
    return async (milliseconds) => (await this.#ask({ do: 'run', name, milliseconds }))[rate] ?? 0;
  }

  stop(): void {
    this.#reader.close();
    this.#process.stdin.end();
  }

  async #ask(job: object): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the Python peer ended');
    const answer = JSON.parse(value) as Answer;
    if (!answer.ok) throw new Error(`the Python peer failed: ${answer.message}`);
    return answer;
  }
}
