/** Exactly once into the folder, whoever is killed: real processes, `kill -9`, SQLite stores. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { purchaseOrder } from '../../src/cli/orders/order.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { Child } from './running.ts';

const COUNT = 60;
let base: string;
let files: string[];
let sums: string[];

const sum = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'surewire-crash-'));
  await developmentPki({ folder: join(base, 'certs-dev/generated'), algorithms: ['ec'] });
  files = [];
  sums = [];
  for (let number = 1; number <= COUNT; number++) {
    const xml = purchaseOrder(number, 11);
    const file = join(base, `${number}.xml`);
    await writeFile(file, xml);
    files.push(file);
    sums.push(sum(XmlFragment.parse(xml).bytes));
  }
});

/** Every child, so that a test that fails leaves none behind. */
const children: Child[] = [];

afterAll(async () => {
  for (const one of children) one.kill('SIGKILL');
  await Promise.all(children.map((one) => one.exited));
  await rm(base, { recursive: true });
});

function child(args: readonly string[]): Child {
  const made = new Child(args, base);
  children.push(made);
  return made;
}

/** What one test needs: a box with its folder and store, a sender with its own. */
class Place {
  readonly #folder: string;
  readonly #inbox: string;

  constructor(name: string) {
    this.#folder = join(base, name);
    this.#inbox = join(this.#folder, 'inbox');
  }

  async serve(port = 0): Promise<{ box: Child; url: string; port: number }> {
    const args = ['--port', String(port), '--to', this.#inbox, '--store', `${this.#folder}.serve.db`, '--json'];
    const box = child(['serve', ...args]);
    await box.until(() => box.out.length > 0);
    const { listening } = JSON.parse(box.out[0] ?? '{}') as { listening: string };
    return { box, url: listening, port: Number(new URL(listening).port) };
  }

  send(url: string, which: readonly string[] = files, ...more: string[]): Child {
    const args = ['--store', `${this.#folder}.send.db`, '--timeout', '60', '--json', ...more];
    return child(['send', url, ...which, ...args]);
  }

  /** Every file once, in order, whole, and nothing else in the folder. */
  async expectAll(): Promise<void> {
    const found: string[] = [];
    for (const name of (await readdir(this.#inbox)).sort()) found.push(sum(await readFile(join(this.#inbox, name))));
    expect(found).toEqual(sums);
  }
}

/** What is acknowledged is in the store; a service that ends in good order has delivered it. */
async function stop(box: Child): Promise<void> {
  box.kill('SIGINT');
  expect(await box.exited).toBe(0);
}

describe('kill -9', () => {
  test.concurrent('of the sender: the same command goes on where it stopped', async () => {
    const place = new Place('run1');
    const { box, url } = await place.serve();
    const first = place.send(url);
    await box.until(() => box.out.length > 5);
    first.kill('SIGKILL');
    await first.exited;
    expect(first.out).toEqual([]);
    const second = place.send(url);
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    const receipt = JSON.parse(second.out.at(-1) ?? '{}');
    expect(receipt).toMatchObject({ documents: COUNT, sent: COUNT, acknowledged: COUNT });
    expect(receipt.resumedAt).toBeGreaterThan(0);
    await stop(box);
    await place.expectAll();
  });

  test.concurrent('of the service: restarted at the same place it has lost nothing and takes nothing twice', async () => {
    const place = new Place('run2');
    const { box, url, port } = await place.serve();
    const sender = place.send(url);
    await box.until(() => box.out.length > 5);
    box.kill('SIGKILL');
    await box.exited;
    const again = await place.serve(port);
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    await stop(again.box);
    await place.expectAll();
  });

  test.concurrent('of both, one after the other', async () => {
    const place = new Place('run3');
    const { box, url, port } = await place.serve();
    const first = place.send(url);
    await box.until(() => box.out.length > 5);
    first.kill('SIGKILL');
    box.kill('SIGKILL');
    await Promise.all([first.exited, box.exited]);
    const again = await place.serve(port);
    const second = place.send(url);
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    await stop(again.box);
    await place.expectAll();
  });
});

test.concurrent('Ctrl-C: the sender says how far it got, and the same command goes on', async () => {
  const place = new Place('run4');
  const { box, url } = await place.serve();
  const first = place.send(url);
  await box.until(() => box.out.length > 5);
  first.kill('SIGINT');
  expect(await first.exited).toBe(130);
  const [receipt, error] = first.out.map((line) => JSON.parse(line));
  expect(receipt.acknowledged).toBeLessThan(COUNT);
  expect(error).toEqual({ error: { code: 'CLI_INTERRUPTED', message: expect.stringContaining('goes on') } });
  const other = place.send(url, files.slice(1));
  expect(await other.exited).toBe(5);
  expect(JSON.parse(other.out[0] ?? '')).toMatchObject({ error: { code: 'CLI_STORE_TAKEN' } });
  const second = place.send(url);
  expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
  await stop(box);
  await place.expectAll();
});

test.concurrent('the same command once more: done already, and nothing is sent twice', async () => {
  const place = new Place('run6');
  const { box, url } = await place.serve();
  const first = place.send(url);
  expect(await first.exited, first.err.join('\n')).toBe(0);
  const second = place.send(url);
  expect(await second.exited, second.err.join('\n')).toBe(0);
  const [before, after] = [first, second].map(({ out }) => JSON.parse(out.at(-1) ?? '{}'));
  expect(after).toMatchObject({ documents: COUNT, acknowledged: COUNT, resumedAt: COUNT, sequence: before.sequence });
  await stop(box);
  await place.expectAll();
});

describe('what goes wrong for good suspends a stored transfer and does not end it', () => {
  test.concurrent('the service stays away for longer than --timeout; then nobody trusts it; then all is well', async () => {
    const place = new Place('run5');
    const { box, url, port } = await place.serve();
    const first = place.send(url, files, '--timeout', '2');
    await box.until(() => box.out.length > 5);
    box.kill('SIGKILL');
    expect(await first.exited).toBe(1);
    expect(first.out.at(-1)).toContain('CLI_INCOMPLETE');
    expect(first.out.at(-1)).toContain('The same command goes on');
    const again = await place.serve(port);
    await developmentPki({ folder: join(base, 'others'), algorithms: ['ec'] });
    const second = place.send(url, files, '--ca', join(base, 'others/trust.pem'));
    expect(await second.exited).toBe(3);
    expect(second.out.at(-1)).toContain('TRANSPORT_TLS_UNTRUSTED');
    const third = place.send(url);
    expect(await third.exited, third.err.join('\n') + third.out.join('\n')).toBe(0);
    expect(JSON.parse(third.out.at(-1) ?? '{}').resumedAt).toBeGreaterThan(0);
    await stop(again.box);
    await place.expectAll();
  });
});
