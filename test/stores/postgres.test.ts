/** The shared store: what every store promises, and what is PostgreSQL's own. Each test file has a server of its own. */
import { afterAll, beforeAll, describe } from 'vitest';
import { postgres } from '../../src/stores/postgres.ts';
import { Cluster, noPostgres } from '../cluster.ts';
import { storeContract } from '../contracts/store.ts';

describe.skipIf(noPostgres !== undefined)(`postgres store ${noPostgres ?? ''}`, () => {
  let cluster: Cluster;
  let names = 0;
  beforeAll(async () => {
    cluster = await Cluster.start();
  });
  afterAll(() => cluster.stop());

  storeContract({
    name: 'postgres',
    durable: true,
    runs: 12,
    locate: (options) => {
      const name = `store ${++names}`;
      return { open: () => postgres(cluster.socket, { name, ...options }) };
    },
  });
});
