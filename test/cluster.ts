/**
 * A PostgreSQL of a test's own: made in a folder that goes with it, on this machine only, stopped by its process. Where the server
 * programs are not installed the tests that need it skip themselves by name.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Client } from 'pg';

/** Where Debian and Fedora put the server's programs; the latest version first. */
function programs(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : [];
  return [...versions.map((version) => join(debian, version, 'bin')), '/usr/bin', '/usr/local/bin'].find((folder) =>
    existsSync(join(folder, 'initdb')),
  );
}

/** PostgreSQL refuses to run as the superuser; its package brings a user to be. */
function nobody(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Why there is none, or nothing. */
export const noPostgres: string | undefined = missing();

function missing(): string | undefined {
  if (programs() === undefined) return 'skipped: postgresql: its server programs are not installed';
  try {
    createRequire(import.meta.url).resolve('pg');
    return undefined;
  } catch {
    return 'skipped: postgresql: the package pg is not installed (npm ci)';
  }
}

export interface ClusterOptions {
  /** Files of a certificate and its key, PEM, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class Cluster {
  static readonly user = 'surewire';
  static readonly password = 'p%ss w0rd/"\'';
  readonly folder: string;
  readonly port: number;
  readonly #bin: string;
  readonly #as: ReturnType<typeof nobody>;
  readonly #options: ClusterOptions;
  #server: ChildProcess | undefined;

  private constructor(folder: string, port: number, bin: string, options: ClusterOptions) {
    this.folder = folder;
    this.port = port;
    this.#bin = bin;
    this.#as = nobody();
    this.#options = options;
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const bin = programs();
    if (bin === undefined) throw new Error(noPostgres);
    const cluster = new Cluster(mkdtempSync(join(tmpdir(), 'surewire-pg-')), await freePort(), bin, options);
    await cluster.#make();
    await cluster.run();
    return cluster;
  }

  /** The address over TCP, with the password in it. */
  get url(): string {
    return `postgres://${Cluster.user}:${encodeURIComponent(Cluster.password)}@127.0.0.1:${this.port}/postgres`;
  }

  /** The address of its UNIX socket, which needs no password. */
  get socket(): string {
    return `postgres://${Cluster.user}@${encodeURIComponent(this.folder)}:${this.port}/postgres`;
  }

  /** Starts the server; settles when it answers. */
  async run(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { tls } = this.#options;
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.folder,
      max_connections: '40',
      shared_buffers: '16MB',
      lc_messages: 'C',
      ...(tls === undefined ? {} : { ssl: 'on', ssl_cert_file: this.#kept('cert'), ssl_key_file: this.#kept('key') }),
      ...more,
    };
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = ['-D', join(this.folder, 'data'), '-p', String(this.port), ...given];
    const server = spawn(join(this.#bin, 'postgres'), args, { ...this.#as, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#server = server;
    const said: string[] = [];
    for await (const line of createInterface({ input: server.stderr })) {
      said.push(line);
      if (line.includes('ready to accept connections')) {
        server.stderr.resume();
        return;
      }
    }
    throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`);
  }

  /** Ends the server: `SIGINT` in good order, `SIGQUIT` as a crash. */
  async halt(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A connection over which a test looks, or interferes. */
  async client(database = 'postgres'): Promise<Client> {
    const { default: pg } = await import('pg');
    const client = new pg.Client({
      host: this.folder,
      port: this.port,
      user: Cluster.user,
      database,
      ssl: false,
      sslnegotiation: 'postgres',
      application_name: 'test',
      connectionTimeoutMillis: 60_000,
      keepAlive: true,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** One statement, by itself. */
  async sql(text: string, values: readonly unknown[] = []): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = await this.client();
    try {
      return (await client.query({ text, values })).rows;
    } finally {
      await client.end();
    }
  }

  #kept(part: 'cert' | 'key'): string {
    return join(this.folder, `server.${part}.pem`);
  }

  #own(path: string): void {
    if (this.#as !== undefined) chownSync(path, this.#as.uid, this.#as.gid);
  }

  async #make(): Promise<void> {
    const secret = join(this.folder, 'password');
    writeFileSync(secret, `${Cluster.password}\n`, { mode: 0o644 });
    chmodSync(this.folder, 0o755);
    this.#own(this.folder);
    for (const part of ['cert', 'key'] as const) {
      if (this.#options.tls === undefined) break;
      copyFileSync(this.#options.tls[part], this.#kept(part));
      chmodSync(this.#kept(part), 0o600);
      this.#own(this.#kept(part));
    }
    const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${secret}`];
    const args = [
      '-D',
      join(this.folder, 'data'),
      '-U',
      Cluster.user,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      ...auth,
    ];
    const made = spawn(join(this.#bin, 'initdb'), args, { ...this.#as, stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(made, 'exit')) as [number | null];
    if (code !== 0) throw new Error('initdb failed');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
