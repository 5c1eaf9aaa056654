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
  /** Why not; with a false result, and with no other, as what follows. */
  readonly reason?: string;
  /** Who is wrong, or that nobody is. */
  readonly wrong?: string;
  /** The document and section that says so. */
  readonly clause?: string;
  /** A folder of test/interop/transcripts with what went over the wire. */
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
  /** Rows that are false without saying why, who is wrong by which clause, or without a transcript. */
  readonly unexplained: readonly Row[];
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
  const unexplained = rows.filter((row) => !row.result && !isExplained(row));
  if (broken.length === 0 && unexplained.length === 0) {
    const ran = new Set(rows.map((row) => row.peer));
    // A peer that ran is told anew; what is known of a peer that was skipped stays.
    const merged = [...before.filter((row) => !ran.has(row.peer)), ...rows];
    merged.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    // A run of nothing writes nothing: others may be reading.
    if (rows.length > 0)
      writeFileSync(matrix, `[\n${merged.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
  }
  return { rows, skipped, broken, unexplained };
}

/** Whether a false row says all that it has to. */
export function isExplained({ reason, wrong, clause, transcript }: Row): boolean {
  return [reason, wrong, clause, transcript].every((said) => said !== undefined && said !== '');
}

/** The members as the file has them. */
function inOrder({ peer, version, scenario, direction, result, ...why }: Row): Row {
  const { reason, wrong, clause, transcript } = why;
  const told = Object.entries({ reason, wrong, clause, transcript }).filter(([, value]) => value !== undefined);
  return { peer, version, scenario, direction, result, ...Object.fromEntries(told) };
}

/** Peers that are asked about security, and whose rows have their own version. */
const oracles: ReadonlySet<string> = new Set([
  'gsoap-wsse',
  'wss4j',
  'cxf-sts',
  'xmlsec1',
  'node-soap',
  'zeep',
  'metadata',
]);

/** What a row is about, for people. */
export function titleOf({
  peer,
  direction,
  version,
  scenario,
}: Pick<Row, 'peer' | 'version' | 'scenario' | 'direction'>): string {
  return `${direction}, ${oracles.has(peer) ? peer : 'WS-RM'} ${version}, ${scenario}`;
}

function keyOf(row: Row): string {
  return [row.peer, row.direction, row.version, row.scenario].join(' | ');
}
