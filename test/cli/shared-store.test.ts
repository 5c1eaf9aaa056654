/** Sessions that move from one machine to another: real processes at one PostgreSQL, killed and paused in mid-traffic. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgres } from '../../src/stores/postgres.ts';
import { Cluster, noPostgres } from '../cluster.ts';
import { Balancer } from './balancer.ts';
import { type Child, ran } from './running.ts';
import { listening, Transfers } from './transfers.ts';

const COUNT = 30;

describe.skipIf(noPostgres !== undefined)(`a store in PostgreSQL ${noPostgres ?? ''}`, () => {
  let cluster: Cluster;
  let transfers: Transfers;
  const balancers: Balancer[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start();
    transfers = await Transfers.of(COUNT);
  });
  afterAll(async () => {
    await transfers.end();
    for (const one of balancers) one.close();
    await cluster.stop();
  });

  const inbox = (name: string): string => join(transfers.base, name);
  const store = (name: string): string => `${cluster.url}#${name}`;
  const serve = (name: string, ...more: string[]): Child =>
    transfers.child(['serve', '--port', '0', '--to', inbox(name), '--store', store(name), '--json', ...more]);
  const portOf = async (box: Child): Promise<number> => Number((await listening(box)).port);
  const send = (url: string, ...more: string[]): Child =>
    transfers.child(['send', url, ...transfers.files, '--timeout', '600', '--json', ...more]);
  /** Its lease is over: nobody waits for that here, and no clock but the database's counts. */
  const expire = (name: string): Promise<unknown> =>
    cluster.sql("UPDATE surewire.store SET lease = clock_timestamp() - interval '1 ms' WHERE name = $1", [name]);
  const expectAll = (name: string): Promise<void> => transfers.expectAll(inbox(name));

  async function active(name: string) {
    const balancer = await Balancer.start();
    balancers.push(balancer);
    const first = serve(name);
    balancer.to(await portOf(first));
    const second = serve(name, '--wait', '600');
    await second.until(() => second.err.some((line) => line.includes('standing by')));
    return { balancer, first, second };
  }

  test.concurrent('M25 kill -9 of the one that serves: the one that stands by goes on with its sessions, exactly once and in order', async () => {
    const { balancer, first, second } = await active('killed');
    const sender = send(balancer.url, '--store', join(transfers.base, 'killed.db'));
    await first.until(() => first.out.length > 5);
    balancer.cut();
    first.kill('SIGKILL');
    await first.exited;
    await expire('killed');
    balancer.to(await portOf(second));
    expect(await sender.exited, sender.err.join('\n') + sender.out.join('\n')).toBe(0);
    second.kill('SIGINT');
    expect(await second.exited).toBe(0);
    await expectAll('killed');
  });

  test.concurrent('one that was paused past its lease wakes, acknowledges nothing more and ends with exit 5', async () => {
    const { balancer, first, second } = await active('paused');
    const sender = send(balancer.url, '--store', join(transfers.base, 'paused.db'));
    await first.until(() => first.out.length > 5);
    balancer.cut();
    first.kill('SIGSTOP');
    await expire('paused');
    balancer.to(await portOf(second));
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
    const box = transfers.child(['serve', '--port', '0', '--to', inbox('moved'), '--json']);
    const url = `https://127.0.0.1:${await portOf(box)}/drop`;
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

  test('inspect store writes nothing: no tables where there are none, and no store takes another holder', async () => {
    await cluster.sql('CREATE DATABASE empty');
    const empty = cluster.url.replace(/\/[^/]*$/, '/empty');
    const none = await ran(['inspect', 'store', empty]);
    expect([none.exitCode, none.err]).toEqual([5, expect.stringMatching(/no store of surewire.*code STORE_ABSENT/s)]);
    const again = await ran(['inspect', 'store', empty]);
    expect(again.err).toBe(none.err);
    const held = await postgres(cluster.url, { name: 'held', holder: 'somebody' });
    const octets = Buffer.from('<m/>');
    const put = [{ direction: 'out', number: 1, octets }] as const;
    await held.commit({ session: 'urn:one', state: { kind: 'initiator' }, put });
    const row = () => cluster.sql("SELECT * FROM surewire.store WHERE name = 'held'", []);
    const before = await row();
    const { exitCode, out } = await ran(['inspect', 'store', store('held'), '--json']);
    expect([exitCode, JSON.parse(out.split('\n')[0] ?? '')]).toMatchObject([
      0,
      { session: 'urn:one', sent: 1, received: 0, octets: 4, kind: 'initiator' },
    ]);
    expect(await row()).toEqual(before);
    const absent = await ran(['inspect', 'store', store('nobody')]);
    expect([absent.exitCode, absent.err]).toEqual([5, expect.stringContaining('STORE_ABSENT')]);
    expect(await cluster.sql("SELECT * FROM surewire.store WHERE name = 'nobody'", [])).toEqual([]);
    await held.close();
  });

  test('the password of the address is in nothing that is printed', async () => {
    const secret = 's3cret-of-the-store';
    const wrong = `postgres://surewire:${secret}@127.0.0.1:${cluster.port}/postgres`;
    const certs = join(transfers.base, 'certs-dev/generated');
    for (const named of [
      wrong,
      `postgress://me:${secret}@host/x`,
      `postgres://me:${secret}@host:port/x`,
      `${wrong}?x=1`,
    ]) {
      for (const args of [
        ['serve', '--port', '0', '--certs', certs, '--store', named, '--verbose'],
        ['send', 'https://127.0.0.1:1/drop', transfers.files[0] ?? '', '--certs', certs, '--store', named, '--verbose'],
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
      join(transfers.base, 'certs-dev/generated'),
      '--store',
      join(transfers.base, 'a.db'),
      '--wait',
      '1',
    ];
    expect(await ran(args)).toMatchObject({ exitCode: 2, err: expect.stringContaining('PostgreSQL') });
  });
});
