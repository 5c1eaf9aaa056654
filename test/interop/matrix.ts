/**
 * The interop matrix: a committed file with one row for each thing tried with a foreign implementation, true or false.
 * A run writes its rows to a file beside it; `settle` compares and merges. A row that was true may not become false.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder } from './tools.ts';

export interface Row {
  readonly peer: string;
  /** Of WS-ReliableMessaging; for an oracle of security, its own. */
  readonly version: string;
  readonly scenario: string;
  /** Who opens the session towards whom, e.g. `gsoap -> surewire`. */
  readonly direction: string;
  readonly result: boolean;
  /** Why not; only with a false result. */
  readonly reason?: string;
  /** A folder of test/interop/transcripts with what went over the wire; only with a false result. */
  readonly transcript?: string;
}

/** A peer that is not on this machine, and what is missing. */
export interface Skipped {
  readonly peer: string;
  readonly skipped: string;
}

export interface Outcome {
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
  /** Rows that the committed matrix claims and this run disproved. */
  readonly broken: readonly Row[];
}

const committed: string = fileURLToPath(new URL('matrix.json', import.meta.url));
const { SUREWIRE_INTEROP_ROWS } = process.env;

/** The environment of a run of the tests: it says where their rows go. */
export function begin(): NodeJS.ProcessEnv {
  mkdirSync(buildFolder, { recursive: true });
  return { ...process.env, SUREWIRE_INTEROP_ROWS: join(buildFolder, `rows.${process.pid}.jsonl`) };
}

/** Notes a row; nothing when the tests were not started by `run.ts`. */
export function record(entry: Row | Skipped): void {
  if (SUREWIRE_INTEROP_ROWS !== undefined) appendFileSync(SUREWIRE_INTEROP_ROWS, `${JSON.stringify(entry)}\n`);
}

/** Merges what was recorded since `begin` into the matrix; writes the file unless a true row turned false. */
export function settle({ SUREWIRE_INTEROP_ROWS: latest = '' }: NodeJS.ProcessEnv, matrix: string = committed): Outcome {
  const lines = existsSync(latest) ? readFileSync(latest, 'utf8').split('\n').filter(Boolean) : [];
  rmSync(latest, { force: true });
  const entries = lines.map((line) => JSON.parse(line) as Row | Skipped);
  const rows = entries.filter((entry): entry is Row => 'result' in entry).map(inOrder);
  const skipped = entries.filter((entry): entry is Skipped => 'skipped' in entry);
  const before = existsSync(matrix) ? (JSON.parse(readFileSync(matrix, 'utf8')) as readonly Row[]) : [];
  const claimed = new Set(before.filter((row) => row.result).map(keyOf));
  const broken = rows.filter((row) => !row.result && claimed.has(keyOf(row)));
  if (broken.length === 0) {
    const ran = new Set(rows.map((row) => row.peer));
    // A peer that ran is told anew; what is known of a peer that was skipped stays.
    const merged = [...before.filter((row) => !ran.has(row.peer)), ...rows];
    merged.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    // A run of nothing writes nothing: others may be reading.
    if (rows.length > 0)
      writeFileSync(matrix, `[\n${merged.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
  }
  return { rows, skipped, broken };
}

/** The members as the file has them. */
function inOrder({ peer, version, scenario, direction, result, reason, transcript }: Row): Row {
  const told = { ...(reason !== undefined && { reason }), ...(transcript !== undefined && { transcript }) };
  return { peer, version, scenario, direction, result, ...told };
}

/** Peers that are asked about security, and whose rows have their own version. */
const oracles: ReadonlySet<string> = new Set(['wss4j', 'cxf-sts', 'xmlsec1', 'node-soap', 'zeep', 'metadata']);

/** What a row is about, for people. */
export function titleOf({ peer, direction, version, scenario }: Omit<Row, 'result' | 'reason' | 'transcript'>): string {
  return `${direction}, ${oracles.has(peer) ? peer : 'WS-RM'} ${version}, ${scenario}`;
}

function keyOf(row: Row): string {
  return [row.peer, row.direction, row.version, row.scenario].join(' | ');
}
