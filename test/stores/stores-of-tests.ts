/** What the tests of the shared store begin with: a server of their own, a network to it that breaks, a store of its own for each test. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { PostgresStoreOptions } from '../../src/stores/postgres/settings.ts';
import { postgres, type SharedStore } from '../../src/stores/postgres.ts';
import { Cluster } from '../cluster.ts';
import { CuttingProxy } from './cutting-proxy.ts';

export interface StoresOfTests {
  readonly cluster: Cluster;
  readonly proxy: CuttingProxy;
  /** The name of this test's store. */
  readonly name: string;
  /** The address by way of the proxy. */
  readonly through: string;
  /** Opens this test's store, to be closed when the test is over. */
  open(options?: PostgresStoreOptions, url?: string): Promise<SharedStore>;
}

/** For the tests of the suite in which it is called; the tables are there. */
export function storesOfTests(): StoresOfTests {
  let cluster: Cluster;
  let proxy: CuttingProxy;
  let names = 0;
  const stores: SharedStore[] = [];
  beforeAll(async () => {
    cluster = await Cluster.start();
    proxy = await CuttingProxy.before(cluster.port);
    await (await postgres(cluster.socket)).close();
  });
  beforeEach(() => {
    names += 1;
    proxy.isDown = false;
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(async () => {
    await proxy.close();
    await cluster.stop();
  });
  return {
    get cluster() {
      return cluster;
    },
    get proxy() {
      return proxy;
    },
    get name() {
      return `name ${names}`;
    },
    get through() {
      return cluster.url.replace(`:${cluster.port}/`, `:${proxy.port}/`);
    },
    async open(options = {}, url = cluster.socket) {
      const store = await postgres(url, { name: this.name, ...options });
      stores.push(store);
      return store;
    },
  };
}

/** Settles when a store has said so. */
export function storeEvent(which: string): Promise<void> {
  return new Promise((resolve) => {
    const listen = (said: unknown): void => {
      if ((said as { event: string }).event !== which) return;
      unsubscribe('surewire:stores', listen);
      resolve();
    };
    subscribe('surewire:stores', listen);
  });
}
