/** How a shared store may be reached, and what is turned down before anything is sent. Needs no database. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type PostgresStoreOptions, readSettings } from '../../src/stores/postgres/settings.ts';
import { program } from '../program.ts';

const address = (connection: string, options: PostgresStoreOptions = {}) => readSettings(connection, options).address;

describe('the address of a shared store', () => {
  test('is read as libpq reads it, and told without user and password', () => {
    const settings = readSettings('postgresql://al%40ice:p%3Aw@db.example:6000/my%20orders', {});
    expect(settings.address).toEqual({
      host: 'db.example',
      port: 6000,
      user: 'al@ice',
      password: 'p:w',
      database: 'my orders',
      tls: {},
    });
    expect(settings.where).toBe('"default" at postgres://db.example:6000/my orders');
    expect(address('postgres://[::1]/a')).toMatchObject({ host: '::1', port: 5432, user: undefined, tls: false });
    expect(address('postgres://me@%2Fvar%2Frun%2Fpostgresql/a')).toMatchObject({
      host: '/var/run/postgresql',
      tls: false,
    });
    expect(address('postgres:///a?host=/run/pg')).toMatchObject({ host: '/run/pg', database: 'a', tls: false });
    expect(address('postgres://me:one@h/a', { password: 'other' }).password).toBe('other');
  });

  test.each(['127.0.0.1', '127.9.9.9', 'localhost', '[::1]'])(
    '%s is this machine: TLS only where it is asked for',
    (host) => {
      expect(address(`postgres://${host}/a`).tls).toBe(false);
      expect(address(`postgres://${host}/a?sslmode=disable`).tls).toBe(false);
      expect(address(`postgres://${host}/a?sslmode=verify-full`).tls).toEqual({});
      expect(address(`postgres://${host}/a`, { tls: { ca: 'pem' } }).tls).toEqual({ ca: 'pem' });
    },
  );

  test.each(['db.example', '10.0.0.1', '128.0.0.1', '[::2]', 'localhost.example', '127.example'])(
    '%s is another machine: TLS, verified in full',
    (host) => {
      expect(address(`postgres://${host}/a`).tls).toEqual({});
      expect(address(`postgres://${host}/a?sslmode=verify-full`).tls).toEqual({});
      expect(() => address(`postgres://${host}/a?sslmode=disable`)).toThrow(/STORE_SETTING|unsafePlaintext/);
      for (const mode of ['require', 'prefer', 'allow', 'verify-ca', 'no-verify']) {
        expect(() => address(`postgres://${host}/a?sslmode=${mode}`)).toThrow('verify-full');
      }
      expect(address(`postgres://${host}/a`, { unsafePlaintext: true }).tls).toBe(false);
    },
  );

  test('files of certificates are read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'surewire-settings-'));
    const file = join(folder, 'ca.pem');
    writeFileSync(file, 'an authority');
    expect(String((address(`postgres://h/a?sslrootcert=${file}`).tls as { ca: Uint8Array }).ca)).toBe('an authority');
    expect(() => address(`postgres://h/a?sslrootcert=${folder}/none.pem`)).toThrow('none.pem, cannot be read');
    rmSync(folder, { recursive: true });
  });

  const refused: readonly (readonly [what: string, connection: string, options: PostgresStoreOptions])[] = [
    ['another protocol', 'mysql://h/a', {}],
    ['no address', 'h/a', {}],
    ['a port that is none', 'postgres://h:port/a', {}],
    ['two hosts', 'postgres://h:1,i:2/a', {}],
    ['no host', 'postgres:///a', {}],
    ['a parameter that is not known', 'postgres://h/a?options=-c%20synchronous_commit%3Doff', {}],
    ['a percent sign that encodes nothing', 'postgres://u:%zz@h/a', {}],
    ['an empty name', 'postgres://h/a', { name: '' }],
    ['a name without end', 'postgres://h/a', { name: 'a'.repeat(101) }],
    ['a name with NUL', 'postgres://h/a', { name: 'a\0b' }],
    ['half a surrogate pair in the name', 'postgres://h/a', { name: 'a\ud800' }],
    ['a lease that is too short', 'postgres://h/a', { lease: 999 }],
    ['a lease that is no number', 'postgres://h/a', { lease: Number.NaN }],
    ['a wait without end', 'postgres://h/a', { wait: Number.POSITIVE_INFINITY }],
    ['patience below zero', 'postgres://h/a', { patience: -1 }],
    ['a limit that is a fraction', 'postgres://h/a', { maxBytes: 1.5 }],
  ];
  test.each(refused)('STORE_SETTING: %s', (_, connection, options) => {
    expect(() => readSettings(connection, options)).toThrow(expect.objectContaining({ code: 'STORE_SETTING' }));
  });
});

test('without the package pg it says what to install', async () => {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) { if (name === 'pg') throw new Error('not found'); return next(name, context); } });`;
  const module = new URL('../../src/stores/postgres.ts', import.meta.url).href;
  const code = `import { postgres } from '${module}'; await postgres('postgres://localhost/a').catch((error) => console.log(error.code, error.message));`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`, '--input-type=module', '-e', code];
  const printed = await program(args);
  expect(printed).toMatch(/^STORE_UNWRITABLE .*Run: npm install pg/);
});
