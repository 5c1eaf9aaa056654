/**
 * The reliable session over HTTPS loopback, one process each side (`reliable/service.ts`, `reliable/client.ts`).
 *
 * - One-way messages of WS-RM 200702 with 1 KB of content, unsigned, in memory, from the call of `send` to the
 *   acknowledgement, beside bare HTTPS POSTs of the same octets that are answered with an empty 202, and beside the same
 *   SOAP messages without reliability. Same process pair, same undici client, keep-alive, TLS and key; as many exchanges
 *   at a time as the window has places (maxTransferWindowSize at both ends: 8 is WCF's default). The bare answer is empty;
 *   a reliable message is parsed, numbered and answered with an acknowledgement, which is parsed too.
 * - What a message costs of the processor at either end, the kernel's share included: unlike the rates, it says little about
 *   what else the machine does. Ratios are of what the other costs to what surewire costs.
 * - Sessions opened and closed (CreateSequence, CloseSequence, TerminateSequence), beside a third of the bare rate: three
 *   exchanges is what that has to cost.
 * - What 10,000 idle sessions hold at either end, in octets each, after garbage collection: heap with buffers, and resident.
 *
 * The contenders take turns in one run and the ratios of the rounds are told: a busy machine is slow to all of them.
 */
import { Authority } from '../test/transport/certificates.ts';
import { type Contender, compare, line, median, type Row } from './harness.ts';
import {
  Child,
  type ClientQuestion,
  type Held,
  type Places,
  type Processor,
  type ServiceQuestion,
} from './reliable/talk.ts';

const WIDEST = 64;
const WINDOWS = [8, WIDEST] as const;
const TURN = 400;
/**
 * What a message runs through is a lot of code: it takes tens of thousands of messages until all of it is compiled, however long
 * that is on a busy machine; and there is an end to that.
 */
const WARM = 30_000;
const LONGEST_WARM_UP = 60_000;
const IDLE = 10_000;

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const service = new Child<ServiceQuestion>(new URL('./reliable/service.ts', import.meta.url), options('SERVICE'));
  const client = new Child<ClientQuestion>(new URL('./reliable/client.ts', import.meta.url), options('CLIENT'));
  const found: Row[] = [];
  const add = (row: Row): void => {
    report(line(row));
    found.push(row);
  };
  try {
    const authority = new Authority('bench');
    const { cert, key } = authority.leaf();
    const places = await service.ask<Places>({ do: 'start', cert, key, windows: WINDOWS });
    const octets = await client.ask<number>({ do: 'start', ca: authority.cert, places, windows: WINDOWS });
    const sending =
      (how: 'reliable' | 'bare' | 'plain', window: number): Contender =>
      (milliseconds) =>
        client.ask<number>({ do: 'send', how, window, for: milliseconds });
    for (const window of WINDOWS) {
      const [reliable, bare, plain] = [sending('reliable', window), sending('bare', window), sending('plain', window)];
      for (const contender of [reliable, bare, plain]) await warmed(contender);
      add(
        await compare({
          work: `reliable one-way, window ${window}`,
          size: `1 KB (${octets} B)`,
          surewire: reliable,
          peers: { 'bare HTTPS': bare, 'SOAP without it': plain },
          turn: TURN,
          warmUp: TURN,
        }),
      );
    }
    for (const row of await processorRows(service, client, WIDEST)) add(row);
    const [window] = WINDOWS;
    const bare = sending('bare', window);
    add(
      await compare({
        work: 'open and close a session',
        size: '3 posts',
        surewire: (milliseconds) => client.ask<number>({ do: 'turnover', window, for: milliseconds }),
        peers: { 'three bare HTTPS': async (milliseconds) => (await bare(milliseconds)) / 3 },
        turn: TURN,
      }),
    );
    const before = [await service.ask<Held>({ do: 'heap' }), await client.ask<Held>({ do: 'heap' })] as const;
    await client.ask({ do: 'idle', window, sessions: IDLE });
    const after = [await service.ask<Held>({ do: 'heap' }), await client.ask<Held>({ do: 'heap' })] as const;
    for (const [at, side] of [
      [0, 'acceptor'],
      [1, 'initiator'],
    ] as const) {
      const each = (of: keyof Held) => Math.round((after[at][of] - before[at][of]) / IDLE);
      const size = `${IDLE}`;
      add({
        work: `idle session, ${side}, heap`,
        size,
        surewire: each('heap'),
        unit: ' B each',
        peers: {},
        ratios: {},
      });
      add({
        work: `idle session, ${side}, resident`,
        size,
        surewire: each('resident'),
        unit: ' B each',
        peers: {},
        ratios: {},
      });
    }
    await client.ask({ do: 'end' });
  } finally {
    await client.stop();
    await service.stop();
  }
  return found;
}

async function warmed(contender: Contender): Promise<void> {
  const start = performance.now();
  for (let done = 0; done < WARM && performance.now() - start < LONGEST_WARM_UP; ) {
    done += ((await contender(TURN)) * TURN) / 1000;
  }
}

const COSTING = 1_000;
const COSTINGS = 5;

/** Microseconds of processor time for each message, by end and by contender. */
async function processorRows(
  service: Child<ServiceQuestion>,
  client: Child<ClientQuestion>,
  window: number,
): Promise<readonly Row[]> {
  const ends = [
    ['initiator', () => client.ask<Processor>({ do: 'processor' })],
    ['acceptor', () => service.ask<Processor>({ do: 'processor' })],
  ] as const;
  const hows = ['reliable', 'bare', 'plain'] as const;
  const costs = new Map<string, number[]>();
  for (let round = 0; round < COSTINGS; round++) {
    for (const how of hows) {
      const before = await Promise.all(ends.map(([, ask]) => ask()));
      const start = performance.now();
      const rate = await client.ask<number>({ do: 'send', how, window, for: COSTING });
      const messages = (rate * (performance.now() - start)) / 1000;
      const after = await Promise.all(ends.map(([, ask]) => ask()));
      for (const [at, [end]] of ends.entries()) {
        const spent = (of: Processor | undefined) => (of?.user ?? 0) + (of?.system ?? 0);
        const known = costs.get(`${end} ${how}`) ?? [];
        costs.set(`${end} ${how}`, [...known, (spent(after[at]) - spent(before[at])) / messages]);
      }
    }
  }
  return ends.map(([end]) => {
    const of = (how: (typeof hows)[number]) => Number(median(costs.get(`${end} ${how}`) ?? []).toPrecision(3));
    const [own, bare, plain] = hows.map(of) as [number, number, number];
    return {
      work: `processor for a message, ${end}`,
      size: `window ${window}`,
      surewire: own,
      unit: ' µs',
      peers: { 'bare HTTPS': bare, 'SOAP without it': plain },
      ratios: { 'bare HTTPS': ratio(bare, own), 'SOAP without it': ratio(plain, own) },
    };
  });
}

function ratio(one: number, other: number): number {
  return Number((one / other).toPrecision(3));
}

/** Options of Node for one of the processes, such as `--cpu-prof`. */
function options(side: 'SERVICE' | 'CLIENT'): readonly string[] {
  return (process.env[`BENCH_${side}_OPTIONS`] ?? '').split(' ').filter((option) => option !== '');
}
