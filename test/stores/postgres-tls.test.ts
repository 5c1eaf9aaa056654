/** TLS to the database of a shared store: verified in full, or there is no connection. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { postgres } from '../../src/stores/postgres.ts';
import { Cluster, noPostgres } from '../cluster.ts';

describe.skipIf(noPostgres !== undefined)(`TLS of a postgres store ${noPostgres ?? ''}`, () => {
  let folder: string;
  let cluster: Cluster;
  let ca: Uint8Array;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'surewire-tls-'));
    await developmentPki({ folder, algorithms: ['ec'], clients: [] });
    ca = readFileSync(join(folder, 'trust.pem'));
    cluster = await Cluster.start({
      tls: { cert: join(folder, 'ec/server.chain.pem'), key: join(folder, 'ec/server.key.pem') },
    });
    await restart();
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });
  const restart = async (more: Readonly<Record<string, string>> = {}): Promise<void> => {
    await cluster.halt();
    await cluster.run({ listen_addresses: '127.0.0.1,127.0.0.2', ...more });
  };
  const encrypted = async (): Promise<unknown[]> => {
    const rows = await cluster.sql(
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'surewire'",
    );
    return rows.map(({ ssl }) => ssl);
  };

  test('the authority is named in the settings, or in the address', async () => {
    const store = await postgres(cluster.url, { tls: { ca } });
    await store.commit({ session: 'a', state: 1 });
    expect(await encrypted()).toEqual([true]);
    await store.close();
    const again = await postgres(`${cluster.url}?sslmode=verify-full&sslrootcert=${folder}/trust.pem`);
    expect(await again.sessions()).toEqual([{ session: 'a', state: 1 }]);
    expect(await encrypted()).toEqual([true]);
    await again.close();
  });

  test('a server that nobody vouches for, or that stands for another name, gets no password', async () => {
    const unknown = postgres(`${cluster.url}?sslmode=verify-full`);
    await expect(unknown).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('sslrootcert'),
    });
    const other = postgres(cluster.url.replace('127.0.0.1', '127.0.0.2'), { tls: { ca } });
    await expect(other).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('127.0.0.2'),
    });
  });

  test('a server without TLS gets no password either', async () => {
    await restart({ ssl: 'off' });
    onTestFinished(() => restart());
    await expect(postgres(cluster.url, { tls: { ca } })).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('SSL'),
    });
  });
});
