/** Exactly once into the folder, whoever is killed: real processes, `kill -9`, SQLite stores. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { purchaseOrder } from '../../src/cli/orders/order.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { Child } from './running.ts';

const COUNT = 60;
let base: string;
let folder: string;
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

afterAll(() => rm(base, { recursive: true }));

let run = 0;
beforeEach(() => {
  folder = join(base, `run${++run}`);
});

const children = new Set<Child>();
function child(...args: string[]): Child {
  const made = new Child(args, base);
  children.add(made);
  return made;
}

async function serve(port = 0): Promise<{ box: Child; url: string; port: number }> {
  const args = ['--port', String(port), '--to', join(folder, 'inbox'), '--store', `${folder}.serve.db`, '--json'];
  const box = child('serve', ...args);
  await box.until(() => box.out.length > 0);
  const { listening } = JSON.parse(box.out[0] ?? '{}') as { listening: string };
  return { box, url: listening, port: Number(new URL(listening).port) };
}

const send = (url: string, which: readonly string[] = files, ...more: string[]): Child =>
  child('send', url, ...which, '--store', `${folder}.send.db`, '--timeout', '60', '--json', ...more);

/** Every file once, in order, whole, and nothing else in the folder. */
async function expectAll(): Promise<void> {
  const inbox = join(folder, 'inbox');
  const names = (await readdir(inbox)).sort();
  const found: string[] = [];
  for (const name of names) found.push(sum(await readFile(join(inbox, name))));
  expect(found).toEqual(sums);
}

/** What is acknowledged is in the store; a service that ends in good order has delivered it. */
async function stop(box: Child): Promise<void> {
  box.kill('SIGINT');
  expect(await box.exited).toBe(0);
}

describe('kill -9', () => {
  test('of the sender: the same command goes on where it stopped', async () => {
    const { box, url } = await serve();
    const first = send(url);
    await box.until(() => box.out.length > 5);
    first.kill('SIGKILL');
    await first.exited;
    expect(first.out).toEqual([]);
    const second = send(url);
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    const receipt = JSON.parse(second.out.at(-1) ?? '{}');
    expect(receipt).toMatchObject({ documents: COUNT, sent: COUNT, acknowledged: COUNT });
    expect(receipt.resumedAt).toBeGreaterThan(0);
    await stop(box);
    await expectAll();
  });

  test('of the service: restarted at the same place it has lost nothing and takes nothing twice', async () => {
    const { box, url, port } = await serve();
    const sender = send(url);
    await box.until(() => box.out.length > 5);
    box.kill('SIGKILL');
    await box.exited;
    const again = await serve(port);
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    await stop(again.box);
    await expectAll();
  });

  test('of both, one after the other', async () => {
    const { box, url, port } = await serve();
    const first = send(url);
    await box.until(() => box.out.length > 5);
    first.kill('SIGKILL');
    box.kill('SIGKILL');
    await Promise.all([first.exited, box.exited]);
    const again = await serve(port);
    const second = send(url);
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    await stop(again.box);
    await expectAll();
  });
});

test('Ctrl-C: the sender says how far it got, and the same command goes on', async () => {
  const { box, url } = await serve();
  const first = send(url);
  await box.until(() => box.out.length > 5);
  first.kill('SIGINT');
  expect(await first.exited).toBe(130);
  const [receipt, error] = first.out.map((line) => JSON.parse(line));
  expect(receipt.acknowledged).toBeLessThan(COUNT);
  expect(error).toEqual({ error: { code: 'CLI_INTERRUPTED', message: expect.stringContaining('goes on') } });
  const other = send(url, files.slice(1));
  expect(await other.exited).toBe(5);
  expect(JSON.parse(other.out[0] ?? '')).toMatchObject({ error: { code: 'CLI_STORE_TAKEN' } });
  const second = send(url);
  expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
  await stop(box);
  await expectAll();
});

describe('what goes wrong for good suspends a stored transfer and does not end it', () => {
  test('the service stays away for longer than --timeout; then nobody trusts it; then all is well', async () => {
    const { box, url, port } = await serve();
    const first = send(url, files, '--timeout', '2');
    await box.until(() => box.out.length > 5);
    box.kill('SIGKILL');
    expect(await first.exited).toBe(1);
    expect(first.out.at(-1)).toContain('CLI_INCOMPLETE');
    expect(first.out.at(-1)).toContain('The same command goes on');
    const again = await serve(port);
    await developmentPki({ folder: join(base, 'others'), algorithms: ['ec'] });
    const second = send(url, files, '--ca', join(base, 'others/trust.pem'));
    expect(await second.exited).toBe(3);
    expect(second.out.at(-1)).toContain('TRANSPORT_TLS_UNTRUSTED');
    const third = send(url);
    expect(await third.exited, third.err.join('\n') + third.out.join('\n')).toBe(0);
    expect(JSON.parse(third.out.at(-1) ?? '{}').resumedAt).toBeGreaterThan(0);
    await stop(again.box);
    await expectAll();
  });
});
