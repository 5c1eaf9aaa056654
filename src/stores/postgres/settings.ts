/**
 * Where a shared store is and how it is reached: the address of the database, read and checked, and what is not said. The
 * address is that of libpq (PostgreSQL 34.1.1.2, "Connection URIs") as far as it can be had safely: TLS is verified in full or
 * is not needed.
 */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { type Clock, systemClock } from '../../base/clock.ts';
import { StoreError } from '../errors.ts';

export interface PostgresTls {
  /** Authorities of the server's certificate, PEM; default: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** Our certificate, PEM, where the server asks for one, with its key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
}

export interface PostgresStoreOptions {
  /**
   * Which of the stores in this database, 1 to 100 characters; default: what stands behind `#` in the address, or `default`. One
   * holder has a name at a time.
   */
  readonly name?: string;
  /** Who holds it, for others to read; default: the name of this machine. */
  readonly holder?: string;
  /** Milliseconds after its last sign of life in which nobody else takes the store over, 1,000 to 3,600,000; default 15,000. */
  readonly lease?: number;
  /** Milliseconds to wait for a store whose holder lives; default 0. The lease of a dead one is waited for anyhow. */
  readonly wait?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a call waits for a database that is out of reach; default 60,000. */
  readonly patience?: number;
  /** Octets of messages, states and keys that the store may hold; default 16 GiB. A change beyond it fails with `STORE_FULL`. */
  readonly maxBytes?: number;
  /** The password, or what gives it anew for each connection; default: that of the address, or PGPASSWORD. */
  readonly password?: string | (() => string | Promise<string>);
  /** TLS, verified in full. On by default, unless the server is on this machine. */
  readonly tls?: PostgresTls;
  /** Sends passwords and messages to another machine in the clear. */
  readonly unsafePlaintext?: true;
  readonly clock?: Clock;
}

export interface Settings {
  readonly name: string;
  readonly holder: string;
  readonly lease: number;
  readonly wait: number;
  readonly signal: AbortSignal | undefined;
  readonly patience: number;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly address: Address;
  /** Database and store as people are told of them: no user, no password. */
  readonly where: string;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly password: PostgresStoreOptions['password'];
  /** What TLS is made with; false for none. */
  readonly tls: PostgresTls | false;
}

/** Milliseconds. */
export const LONGEST_LEASE = 3_600_000;

const DEFAULT_PORT = 5432;
const PARAMETERS = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

/** @throws StoreError `STORE_SETTING` */
export function readSettings(connection: string, options: PostgresStoreOptions): Settings {
  const url = readUrl(connection);
  const { name = decoded(url.hash.slice(1)) || 'default', holder = hostname(), signal } = options;
  if (name === '' || name.length > 100 || !name.isWellFormed() || name.includes('\0')) {
    throw setting('The name of a store is 1 to 100 Unicode characters without NUL.');
  }
  const address = readAddress(url, options);
  const database = address.database === undefined ? '' : `/${address.database}`;
  return {
    name,
    holder: holder.replaceAll('\0', '').toWellFormed().slice(0, 200),
    lease: within('lease', options.lease ?? 15_000, 1_000, LONGEST_LEASE),
    wait: within('wait', options.wait ?? 0, 0, Number.MAX_SAFE_INTEGER),
    patience: within('patience', options.patience ?? 60_000, 0, 86_400_000),
    maxBytes: within('maxBytes', options.maxBytes ?? 16 * 1024 ** 3, 0, Number.MAX_SAFE_INTEGER),
    signal,
    clock: options.clock ?? systemClock,
    address,
    where: `"${name}" at postgres://${address.host}:${address.port}${database}`,
  };
}

function within(what: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw setting(`${what} is a whole number from ${least} to ${most}, not ${value}.`);
}

function readAddress(url: URL, options: PostgresStoreOptions): Address {
  for (const parameter of url.searchParams.keys()) {
    if (PARAMETERS.includes(parameter)) continue;
    throw setting(`The address has a parameter ${parameter}, which is not known. Known: ${PARAMETERS.join(', ')}.`);
  }
  const host = url.searchParams.get('host') ?? decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (host === '') throw setting('The address names no host. Write postgres://user@host/database.');
  const found = (text: string): string | undefined => (text === '' ? undefined : decoded(text));
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: found(url.username),
    database: found(url.pathname.slice(1)),
    password: options.password ?? found(url.password),
    tls: readTls(host, url.searchParams, options),
  };
}

/** What cannot be read is not repeated, nor chained as a cause: a password may stand in it. */
function readUrl(connection: string): URL {
  const isAddress = /^postgres(ql)?:\/\//.test(connection);
  if (!isAddress || !URL.canParse(connection)) {
    throw setting(
      'The address of the database cannot be read. Write postgres://user@host:5432/database, one host, with what is special in it percent-encoded.',
    );
  }
  return new URL(connection);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw setting('The address of the database has a percent sign that encodes nothing. Write %25 for it.');
  }
}

function readTls(host: string, parameters: URLSearchParams, options: PostgresStoreOptions): PostgresTls | false {
  const mode = parameters.get('sslmode');
  const isHere =
    host.startsWith('/') || host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  const files = {
    ca: file(parameters, 'sslrootcert'),
    cert: file(parameters, 'sslcert'),
    key: file(parameters, 'sslkey'),
  };
  const named = Object.fromEntries(Object.entries(files).filter(([, octets]) => octets !== undefined));
  const tls: PostgresTls = { ...named, ...options.tls };
  if (mode !== null && mode !== 'verify-full' && mode !== 'disable') {
    throw setting(
      `sslmode=${mode} does not prove who the server is. Use verify-full, and sslrootcert for its authority.`,
    );
  }
  const isPlain = mode === 'disable' || (mode === null && Object.keys(tls).length === 0 && isHere);
  if (options.unsafePlaintext === true) return false;
  if (!isPlain) return tls;
  if (isHere) return false;
  throw setting(
    'sslmode=disable would send messages to another machine in the clear. Leave it out; unsafePlaintext allows it.',
  );
}

function file(parameters: URLSearchParams, parameter: string): Uint8Array | undefined {
  const path = parameters.get(parameter);
  if (path === null) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw setting(`The file of ${parameter}, ${path}, cannot be read.`, cause);
  }
}

function setting(text: string, cause?: unknown): StoreError {
  return new StoreError('STORE_SETTING', text, { cause });
}
