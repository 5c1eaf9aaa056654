/** Sessions that move from one machine to another: real processes at one PostgreSQL, killed and paused in mid-traffic. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { purchaseOrder } from '../../src/cli/orders/order.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { Cluster, noPostgres } from '../cluster.ts';
import { Balancer } from './balancer.ts';
import { Child, ran } from './running.ts';

const COUNT = 30;
const sum = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

describe.skipIf(noPostgres !== undefined)(`a store in PostgreSQL ${noPostgres ?? ''}`, () => {
  let base: string;
  let cluster: Cluster;
  let files: string[];
  let sums: string[];
  const children: Child[] = [];
  const balancers: Balancer[] = [];

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'surewire-shared-'));
    cluster = await Cluster.start();
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
  afterAll(async () => {
    for (const one of children) one.kill('SIGKILL');
    await Promise.all(children.map((one) => one.exited));
    for (const one of balancers) one.close();
    await cluster.stop();
    await rm(base, { recursive: true });
  });

  const child = (args: readonly string[]): Child => {
    const made = new Child(args, base);
    children.push(made);
    return made;
  };
  const store = (name: string): string => `${cluster.url}#${name}`;
  const serve = (name: string, ...more: string[]): Child =>
    child(['serve', '--port', '0', '--to', join(base, name), '--store', store(name), '--json', ...more]);
  /** The port on which it listens, once it holds its store. */
  const listening = async (box: Child): Promise<number> => {
    await box.until(() => box.out.length > 0);
    return Number(new URL((JSON.parse(box.out[0] ?? '{}') as { listening: string }).listening).port);
  };
  const send = (url: string, ...more: string[]): Child =>
    child(['send', url, ...files, '--timeout', '600', '--json', ...more]);
  /** Its lease is over: nobody waits for that here, and no clock but the database's counts. */
  const expire = (name: string): Promise<unknown> =>
    cluster.sql("UPDATE surewire.store SET lease = clock_timestamp() - interval '1 ms' WHERE name = $1", [name]);
  const expectAll = async (name: string): Promise<void> => {
    const found: string[] = [];
    for (const file of (await readdir(join(base, name))).sort())
      found.push(sum(await readFile(join(base, name, file))));
    expect(found).toEqual(sums);
  };

  async function active(name: string) {
    const balancer = await Balancer.start();
    balancers.push(balancer);
    const first = serve(name);
    balancer.to(await listening(first));
    const second = serve(name, '--wait', '600');
    await second.until(() => second.err.some((line) => line.includes('standing by')));
    return { balancer, first, second };
  }

  test.concurrent('M25 kill -9 of the one that serves: the one that stands by goes on with its sessions, exactly once and in order', async () => {
    const { balancer, first, second } = await active('killed');
    const sender = send(balancer.url, '--store', join(base, 'killed.db'));
    await first.until(() => first.out.length > 5);
    balancer.cut();
    first.kill('SIGKILL');
    await first.exited;
    await expire('killed');
    balancer.to(await listening(second));
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    second.kill('SIGINT');
    expect(await second.exited).toBe(0);
    await expectAll('killed');
  });

  test.concurrent('one that was paused past its lease wakes, acknowledges nothing more and ends with exit 5', async () => {
    const { balancer, first, second } = await active('paused');
    const sender = send(balancer.url, '--store', join(base, 'paused.db'));
    await first.until(() => first.out.length > 5);
    balancer.cut();
    first.kill('SIGSTOP');
    await expire('paused');
    balancer.to(await listening(second));
    await second.until(() => second.out.length > 5);
    first.kill('SIGCONT');
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    expect(await first.exited).toBe(5);
    // What its application was at work with when it woke may be told after that.
    expect(first.out.join('\n')).toContain('"code":"STORE_LOST"');
    second.kill('SIGINT');
    expect(await second.exited).toBe(0);
    await expectAll('paused');
  });

  test.concurrent('a transfer that was begun on one machine is finished by the same command on another', async () => {
    const box = child(['serve', '--port', '0', '--to', join(base, 'moved'), '--json']);
    const url = `https://127.0.0.1:${await listening(box)}/drop`;
    const first = send(url, '--store', store('transfer'));
    await box.until(() => box.out.length > 5);
    first.kill('SIGKILL');
    await first.exited;
    await expire('transfer');
    const second = send(url, '--store', store('transfer'));
    expect(await second.exited, second.err.join('\n') + second.out.join('\n')).toBe(0);
    expect(JSON.parse(second.out.at(-1) ?? '{}')).toMatchObject({ documents: COUNT, acknowledged: COUNT });
    expect(JSON.parse(second.out.at(-1) ?? '{}').resumedAt).toBeGreaterThan(0);
    const seen = await ran(['inspect', 'store', store('transfer'), '--json']);
    expect([seen.exitCode, JSON.parse(seen.out.split('\n')[0] ?? '')]).toMatchObject([
      0,
      { kind: 'initiator', sent: 0 },
    ]);
    box.kill('SIGINT');
    await box.exited;
    await expectAll('moved');
  });

  test('the password of the address is in nothing that is printed', async () => {
    const secret = 's3cret-of-the-store';
    const wrong = `postgres://surewire:${secret}@127.0.0.1:${cluster.port}/postgres`;
    const certs = join(base, 'certs-dev/generated');
    for (const named of [
      wrong,
      `postgress://me:${secret}@host/x`,
      `postgres://me:${secret}@host:port/x`,
      `${wrong}?x=1`,
    ]) {
      for (const args of [
        ['serve', '--port', '0', '--certs', certs, '--store', named, '--verbose'],
        ['send', 'https://127.0.0.1:1/drop', files[0] ?? '', '--certs', certs, '--store', named, '--verbose'],
        ['inspect', 'store', named, '--verbose'],
      ]) {
        const { exitCode, out, err } = await ran(args);
        expect([exitCode, err]).toEqual([5, expect.stringMatching(/code STORE_(UNWRITABLE|SETTING)/)]);
        expect(out + err).not.toContain(secret);
      }
    }
  });

  test('--wait is for a store that can be waited for', async () => {
    const { exitCode, err } = await ran(['inspect', 'store', '/nowhere.db']);
    expect(exitCode).toBe(2);
    expect(err).toContain('/nowhere.db');
    const args = [
      'serve',
      '--port',
      '0',
      '--certs',
      join(base, 'certs-dev/generated'),
      '--store',
      join(base, 'a.db'),
      '--wait',
      '1',
    ];
    expect(await ran(args)).toMatchObject({ exitCode: 2, err: expect.stringContaining('PostgreSQL') });
  });
});
