/** Where `--store` keeps sessions: a file of this process, or a database from which another machine goes on. */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { SessionStore } from '../reliable/store.ts';
import type { StoreError } from '../stores/errors.ts';
import { readPostgres, type StoreReading } from '../stores/postgres/reading.ts';
import { postgres } from '../stores/postgres.ts';
import { sqlite } from '../stores/sqlite.ts';
import { CliError } from './errors.ts';
import { narrate } from './narrate.ts';
import { whole } from './options.ts';

export interface StoreOptions {
  readonly store?: string;
  readonly wait?: number;
}

/** A year, in seconds. */
const LONGEST_WAIT = 31_536_000;

export function withStoreOptions(command: Command, what: string): Command {
  return command
    .option(
      '--store <file>',
      `${what}; postgres://user@host/database#name is a store in PostgreSQL, from which another machine can go on (password: PGPASSWORD)`,
    )
    .option(
      '--wait <seconds>',
      'stand by for so long while another process holds a store in PostgreSQL',
      whole(0, LONGEST_WAIT),
    );
}

export interface OpenStore {
  readonly store: SessionStore;
  /** What people are told of where it is: never a password. */
  readonly place: string;
  /** Settles with the error when another process has taken it over. */
  readonly lost: Promise<StoreError>;
}

export interface Opening {
  /** Seconds. */
  readonly wait?: number | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Hears for whom it waits. */
  readonly remark: (text: string) => void;
}

/**
 * Opens what `--store` names.
 *
 * @throws StoreError, CliError `CLI_USAGE`, the signal's reason
 */
export async function openStore(named: string, { wait, signal, remark }: Opening): Promise<OpenStore> {
  if (!isAddress(named)) {
    if (wait !== undefined) throw new CliError('CLI_USAGE', '--wait is for a --store in PostgreSQL. Leave it out.');
    return { store: sqlite(named), place: named, lost: new Promise(() => undefined) };
  }
  const silence = narrate(remark);
  try {
    const holder = `${hostname()}, process ${process.pid}`;
    const store = await postgres(named, { holder, wait: (wait ?? 0) * 1_000, signal });
    const { promise: lost, resolve } = Promise.withResolvers<StoreError>();
    void store.closed.then((error) => error !== undefined && resolve(error));
    const { protocol, host, pathname, hash } = new URL(named);
    return { store, place: `${protocol}//${host}${pathname}${hash}`, lost };
  } finally {
    silence();
  }
}

/**
 * What `--store` named, to be looked at. A store in PostgreSQL is read and nothing is written, whoever has it; of a file that is there
 * nobody else may have it open.
 *
 * @throws StoreError, CliError `CLI_FILE`
 */
export async function readStore(named: string): Promise<StoreReading> {
  if (isAddress(named)) return readPostgres(named);
  const found = statSync(named, { throwIfNoEntry: false });
  if (found === undefined) throw new CliError('CLI_FILE', `There is no ${named}. Name the file of --store.`);
  if (found.size === 0) throw new CliError('CLI_FILE', `${named} is empty. Name the file of --store.`);
  return sqlite(named);
}

/** Whatever looks like an address is none of a file: a password in it would be told with the file's name. */
function isAddress(named: string): boolean {
  return /^[a-z]\w*:\/\//i.test(named);
}
