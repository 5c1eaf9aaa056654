/** Exactly once into the folder, whoever is killed: real processes, `kill -9`, SQLite stores. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { Balancer } from './balancer.ts';
import type { Child } from './running.ts';
import { listening, Transfers } from './transfers.ts';

const COUNT = 60;
let transfers: Transfers;
const balancers: Balancer[] = [];

beforeAll(async () => {
  transfers = await Transfers.of(COUNT);
});
afterAll(async () => {
  await transfers.end();
  for (const one of balancers) one.close();
});

/** What one test needs: a box with its folder and store at one address, a sender with its own store. */
class Place {
  readonly #folder: string;
  readonly #inbox: string;
  readonly #balancer: Balancer;
  #port = 0;

  private constructor(name: string, balancer: Balancer) {
    this.#folder = join(transfers.base, name);
    this.#inbox = join(this.#folder, 'inbox');
    this.#balancer = balancer;
  }

  static async of(name: string): Promise<Place> {
    const balancer = await Balancer.start();
    balancers.push(balancer);
    return new Place(name, balancer);
  }

  async serve(): Promise<Child> {
    const args = ['--port', '0', '--to', this.#inbox, '--store', `${this.#folder}.serve.db`, '--json'];
    const box = transfers.child(['serve', ...args]);
    this.#port = Number((await listening(box)).port);
    this.join();
    return box;
  }

  /** Lets the sender reach the box. */
  join(): void {
    this.#balancer.to(this.#port);
  }

  /** Stops a transfer in the middle: some documents are there, and the others cannot come. */
  async cut(box: Child): Promise<void> {
    await box.until(() => box.out.length > 5);
    this.#balancer.cut();
  }

  send(which: readonly string[] = transfers.files, ...more: string[]): Child {
    const args = ['--store', `${this.#folder}.send.db`, '--timeout', '600', '--json', ...more];
    return transfers.child(['send', this.#balancer.url, ...which, ...args]);
  }

  expectAll(): Promise<void> {
    return transfers.expectAll(this.#inbox);
  }
}

/** What is acknowledged is in the store; a service that ends in good order has delivered it. */
async function stop(box: Child): Promise<void> {
  box.kill('SIGINT');
  expect(await box.exited).toBe(0);
}

describe('kill -9', () => {
  test.concurrent('of the sender: the same command goes on where it stopped', async () => {
    const place = await Place.of('run1');
    const box = await place.serve();
    const first = place.send();
    await place.cut(box);
    first.kill('SIGKILL');
    await first.exited;
    expect(first.out).toEqual([]);
    place.join();
    const second = place.send();
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    const receipt = JSON.parse(second.out.at(-1) ?? '{}');
    expect(receipt).toMatchObject({ documents: COUNT, sent: COUNT, acknowledged: COUNT });
    expect(receipt.resumedAt).toBeGreaterThan(0);
    await stop(box);
    await place.expectAll();
  });

  test.concurrent('of the service: restarted at the same place it has lost nothing and takes nothing twice', async () => {
    const place = await Place.of('run2');
    const box = await place.serve();
    const sender = place.send();
    await place.cut(box);
    box.kill('SIGKILL');
    await box.exited;
    const again = await place.serve();
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    await stop(again);
    await place.expectAll();
  });

  test.concurrent('of both, one after the other', async () => {
    const place = await Place.of('run3');
    const box = await place.serve();
    const first = place.send();
    await place.cut(box);
    first.kill('SIGKILL');
    box.kill('SIGKILL');
    await Promise.all([first.exited, box.exited]);
    const again = await place.serve();
    const second = place.send();
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    await stop(again);
    await place.expectAll();
  });
});

test.concurrent('Ctrl-C: the sender says how far it got, and the same command goes on', async () => {
  const place = await Place.of('run4');
  const box = await place.serve();
  const first = place.send();
  await place.cut(box);
  first.kill('SIGINT');
  expect(await first.exited).toBe(130);
  const [receipt, error] = first.out.map((line) => JSON.parse(line));
  expect(receipt.acknowledged).toBeLessThan(COUNT);
  expect(error).toEqual({ error: { code: 'CLI_INTERRUPTED', message: expect.stringContaining('goes on') } });
  const other = place.send(transfers.files.slice(1));
  expect(await other.exited).toBe(5);
  expect(JSON.parse(other.out[0] ?? '')).toMatchObject({ error: { code: 'CLI_STORE_TAKEN' } });
  place.join();
  const second = place.send();
  expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
  await stop(box);
  await place.expectAll();
});

test.concurrent('the same command once more: done already, and nothing is sent twice', async () => {
  const place = await Place.of('run6');
  const box = await place.serve();
  const first = place.send();
  expect(await first.exited, first.err.join('\n')).toBe(0);
  const second = place.send();
  expect(await second.exited, second.err.join('\n')).toBe(0);
  const [before, after] = [first, second].map(({ out }) => JSON.parse(out.at(-1) ?? '{}'));
  expect(after).toMatchObject({ documents: COUNT, acknowledged: COUNT, resumedAt: COUNT, sequence: before.sequence });
  await stop(box);
  await place.expectAll();
});

describe('what goes wrong for good suspends a stored transfer and does not end it', () => {
  test.concurrent('the service stays away for longer than --timeout; then nobody trusts it; then all is well', async () => {
    const place = await Place.of('run5');
    const box = await place.serve();
    const first = place.send();
    await place.cut(box);
    first.kill('SIGKILL');
    box.kill('SIGKILL');
    await Promise.all([first.exited, box.exited]);
    const late = place.send(transfers.files, '--timeout', '2');
    expect(await late.exited).toBe(1);
    expect(late.out.at(-1)).toContain('CLI_INCOMPLETE');
    expect(late.out.at(-1)).toContain('The same command goes on');
    const again = await place.serve();
    await developmentPki({ folder: join(transfers.base, 'others'), algorithms: ['ec'] });
    const second = place.send(transfers.files, '--ca', join(transfers.base, 'others/trust.pem'));
    expect(await second.exited).toBe(3);
    expect(second.out.at(-1)).toContain('TRANSPORT_TLS_UNTRUSTED');
    const third = place.send();
    expect(await third.exited, third.err.join('\n') + third.out.join('\n')).toBe(0);
    expect(JSON.parse(third.out.at(-1) ?? '{}').resumedAt).toBeGreaterThan(0);
    await stop(again);
    await place.expectAll();
  });
});
