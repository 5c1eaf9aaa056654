import { createHash, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { developmentPki, type PkiOptions, type PkiResult } from '../../src/certificates/development-pki.ts';
import { DEFAULT_SETTINGS } from '../../src/certificates/settings.ts';

const DAY = 24 * 60 * 60 * 1000;

let root: string;
let folder: string;
const clock = new VirtualClock(Date.UTC(2026, 0, 15, 12));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'surewire-pki-'));
  folder = join(root, 'generated');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A PKI for `orders.example`, made once and copied for the tests that begin with one. */
let template: PkiResult;
beforeAll(async () => {
  template = await developmentPki({
    folder: mkdtempSync(join(tmpdir(), 'surewire-pki-')),
    clock,
    algorithms: ['ec'],
    hosts: ['orders.example'],
  });
});
afterAll(() => rmSync(template.folder, { recursive: true }));

async function made(): Promise<PkiResult> {
  cpSync(template.folder, folder, { recursive: true });
  const found = await make();
  expect(found.created).toBe(false);
  return found;
}

/** EC only: RSA keys take their time. */
const make = (options: Partial<PkiOptions> = {}): Promise<PkiResult> =>
  developmentPki({ folder, clock, algorithms: ['ec'], ...options });

const files = (): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // The lock belongs to the folder, not to what is made in it.
    .filter((name) => name !== '.lock' && statSync(join(folder, name)).isFile())
    .sort();
const digest = (): string => {
  const hash = createHash('sha256');
  for (const name of files()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
};

describe('what is made', () => {
  test('every subject says DEV ONLY, and entries tell of the files what the files say', async () => {
    const { entries, created, folder: where } = await make();
    expect(created).toBe(true);
    expect(where).toBe(folder);
    expect(entries.map(({ name }) => name)).toEqual([
      'root',
      'intermediate',
      'server',
      'alice',
      'bob',
      'service-signing',
      'client-signing',
      'expired',
      'revoked',
    ]);
    for (const entry of entries) {
      const der = new X509Certificate(readFileSync(entry.certificate)).raw;
      expect(entry.subject).toMatch(/^CN=[^,]+, OU=DEV ONLY, O=surewire$/);
      expect(entry.fingerprint).toBe(createHash('sha256').update(der).digest('hex'));
      expect(entry.thumbprint).toBe(createHash('sha1').update(der).digest('hex'));
      expect(new X509Certificate(readFileSync(entry.chain)).raw.equals(der)).toBe(true);
      for (const file of [entry.key, entry.pfx, entry.legacyPfx])
        expect(file === undefined || existsSync(file)).toBe(true);
    }
    expect(entries.find(({ name }) => name === 'server')).toMatchObject({
      subject: 'CN=localhost, OU=DEV ONLY, O=surewire',
      notBefore: '2026-01-15T11:00:00.000Z',
      notAfter: '2027-01-15T12:00:00.000Z',
    });
    expect(entries.find(({ name }) => name === 'expired')).toMatchObject({ notAfter: '2026-01-14T12:00:00.000Z' });
  });

  test('what holds a private key is for its owner only, even when the file was there with another mode', async () => {
    const { entries } = await make();
    const secret = entries.flatMap(({ key, pfx, legacyPfx }) =>
      [key, pfx, legacyPfx].filter((file) => file !== undefined),
    );
    for (const file of secret) chmodSync(file, 0o666);
    await make({ force: true });
    expect(secret.map((file) => (statSync(file).mode & 0o777).toString(8))).toEqual(secret.map(() => '600'));
  });

  test('the manifest lists everything relative to the folder; README and .gitignore stand beside it', async () => {
    const { entries, crl, settings } = await make({ password: 'geheim!' });
    const manifest = JSON.parse(readFileSync(join(folder, 'pki.json'), 'utf8'));
    expect(manifest).toMatchObject({ complete: true, settings, trust: 'trust.pem' });
    const relative = (text: string): unknown => JSON.parse(text.replaceAll(`${folder}/`, ''));
    expect(manifest.entries).toEqual(relative(JSON.stringify(entries)));
    expect(manifest.crl).toEqual(relative(JSON.stringify(crl)));
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/^# DEV ONLY[\s\S]*geheim!/);
  });

  test('settings decide: organization, days, clients, hosts in their canonical spelling', async () => {
    const { entries } = await make({
      organization: 'Größe & Co, Ltd',
      days: 2,
      clients: ['carol'],
      hosts: ['Bücher.example', '2001:DB8:0:0::1', 'localhost'],
    });
    expect(entries.map(({ name }) => name)).not.toContain('alice');
    const server = new X509Certificate(readFileSync(entries.find(({ name }) => name === 'server')?.certificate ?? ''));
    expect(server.subject).toContain('O=Größe & Co\\, Ltd\n');
    expect(server.validToDate.getTime() - clock.now()).toBe(2 * DAY);
    expect(server.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:xn--bcher-kva.example, IP Address:2001:DB8:0:0:0:0:0:1',
    );
  });

  test('RSA keys have the length that was asked for', async () => {
    const { entries } = await make({ algorithms: ['rsa'], rsaBits: 3072, clients: [] });
    const key = new X509Certificate(readFileSync(entries[0]?.certificate ?? '')).publicKey;
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(3072);
  });

  test('each step is told before it is done', async () => {
    const steps: string[] = [];
    await make({ onStep: (text) => steps.push(text) });
    expect(steps).toEqual(expect.arrayContaining(['ec: 9 keys', 'ec: server', 'ec: revocation lists']));
  });
});

describe('a second run', () => {
  test('changes nothing and says so, also when it asks for less', async () => {
    const first = await made();
    const before = digest();
    for (const options of [{}, { hosts: ['ORDERS.example'] }, { hosts: [] }, { clients: ['bob'] }, { days: 365 }]) {
      const { created, reason, ...rest } = await make(options);
      expect({ created, reason }).toEqual({ created: false, reason: 'The certificates that are there still serve.' });
      expect(rest).toEqual({
        folder: first.folder,
        settings: first.settings,
        trust: first.trust,
        entries: first.entries,
        crl: first.crl,
      });
    }
    expect(digest()).toBe(before);
  });

  test.each([
    ['another host', { hosts: ['other.example'] }, 'hosts'],
    ['another client', { clients: ['carol'] }, 'clients'],
    ['other days', { days: 30 }, 'days'],
    ['another password', { password: 'changed' }, 'password'],
    ['another organization', { organization: 'other' }, 'organization'],
  ])(
    'makes them again for %s, keeps the other settings, and removes what no longer belongs',
    async (_, options, name) => {
      const first = await made();
      const second = await make(options);
      expect(second.created).toBe(true);
      expect(second.reason).toContain(name);
      expect(second.settings).toEqual({ ...first.settings, ...options });
      expect(existsSync(join(folder, 'ec', 'alice.key.pem'))).toBe(second.settings.clients.includes('alice'));
      expect(second.entries[0]?.fingerprint).not.toBe(first.entries[0]?.fingerprint);
    },
  );

  test('makes them again when a file is missing, of whatever kind', async () => {
    await made();
    const inChain = ['server.cert.pem', 'bob.key.pem', 'alice.legacy.pfx', 'root.crl.pem'].map((name) =>
      join('ec', name),
    );
    for (const file of [...inChain, 'trust.pem']) {
      rmSync(join(folder, file));
      expect(await make()).toMatchObject({ created: true, reason: `${file} was missing.` });
    }
    expect(files()).toHaveLength(2 * 2 + 7 * 5 + 2 * 2 + 4);
  });

  test('makes them again when less than 30 days are left, or a third of a short life', async () => {
    const at = (days: number) => new VirtualClock(clock.now() + days * DAY);
    await made();
    expect(await make({ clock: at(334) })).toMatchObject({ created: false });
    expect(await make({ clock: at(336) })).toMatchObject({
      created: true,
      reason: expect.stringContaining('valid until'),
    });
    await make({ force: true, days: 3 });
    expect(await make({ clock: at(1.9) })).toMatchObject({ created: false });
    expect(await make({ clock: at(2.1) })).toMatchObject({ created: true });
  });

  test('makes them again when they are not valid yet, made while the clock was ahead', async () => {
    await made();
    const back = (hours: number) => new VirtualClock(clock.now() - (hours * DAY) / 24);
    expect(await make({ clock: back(0.9) })).toMatchObject({ created: false });
    expect(await make({ clock: back(1.1) })).toMatchObject({
      created: true,
      reason: expect.stringContaining('not valid yet'),
    });
    expect(await make({ clock: back(1.1) })).toMatchObject({ created: false });
  });

  test('makes them again when the run before did not finish', async () => {
    const stop = new Error('power cut');
    const interrupted = make({
      onStep(text) {
        if (text === 'ec: bob') throw stop;
      },
    });
    await expect(interrupted).rejects.toBe(stop);
    expect(await make()).toMatchObject({ created: true, reason: 'The last run did not finish.' });
    expect(await make()).toMatchObject({ created: false });
  });

  test('with force makes them again from the defaults', async () => {
    await made();
    const { created, settings } = await make({ force: true });
    expect(created).toBe(true);
    expect(settings).toEqual({ ...DEFAULT_SETTINGS, algorithms: ['ec'] });
  });
});

describe('bad input', () => {
  const nothingWritten = () => expect(existsSync(folder)).toBe(false);

  test.each([0, -1, 1.5, 3651, Number.NaN, '30' as unknown as number])(
    'CERTIFICATES_DAYS_INVALID: %s',
    async (days) => {
      await expect(make({ days })).rejects.toMatchObject({
        code: 'CERTIFICATES_DAYS_INVALID',
        message: expect.stringContaining('3650'),
      });
      nothingWritten();
    },
  );

  test.each([
    'https://orders.example',
    'orders.example:8443',
    'two words',
    '[::1]',
    '1:2',
    'under_score',
    '-x.example',
    'x..example',
    'a.*.example',
    '256.1.1.1',
    `${'a'.repeat(64)}.example`,
    'user@orders.example',
    'x.example.',
    '%41.example',
  ])('CERTIFICATES_HOST_INVALID: %s', async (host) => {
    await expect(make({ hosts: [host] })).rejects.toMatchObject({
      code: 'CERTIFICATES_HOST_INVALID',
      message: expect.stringContaining(JSON.stringify(host)),
    });
    nothingWritten();
  });

  test.each([
    ['a name with a path', { clients: ['../alice'] }],
    ['a name of the PKI itself', { clients: ['server'] }],
    ['no list', { clients: 'alice' as unknown as string[] }],
    ['an unknown algorithm', { algorithms: ['dsa' as 'ec'] }],
    ['no algorithm', { algorithms: [] }],
    ['short RSA keys', { rsaBits: 1024 }],
    ['a password with umlauts', { password: 'Müllers' }],
    ['an empty organization', { organization: '' }],
    ['an empty host', { hosts: [''] }],
    ['an unknown setting', { colour: 'red' } as object],
    ['a setting of every object', { constructor: 'x' } as object],
  ])('CERTIFICATES_SETTING_INVALID: %s', async (_, options) => {
    await expect(make(options)).rejects.toMatchObject({ code: 'CERTIFICATES_SETTING_INVALID' });
    nothingWritten();
  });

  test('CERTIFICATES_FOLDER_MIXED: files of somebody else; force leaves them alone', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'thesis.txt'), 'years of work');
    await expect(make()).rejects.toMatchObject({
      code: 'CERTIFICATES_FOLDER_MIXED',
      message: expect.stringContaining('force'),
    });
    expect(readdirSync(folder)).toEqual(['thesis.txt']);
    expect(await make({ force: true })).toMatchObject({ created: true });
    expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  test.each([
    ['no JSON', '{'],
    ['another format', '{"format":"npm"}'],
    [
      'settings that are none',
      '{"format":"surewire development PKI 1","complete":true,"settings":{"clients":["../../x"]}}',
    ],
  ])('CERTIFICATES_FOLDER_MIXED: a manifest with %s', async (_, text) => {
    await made();
    writeFileSync(join(folder, 'pki.json'), text);
    const before = digest();
    await expect(make()).rejects.toMatchObject({ code: 'CERTIFICATES_FOLDER_MIXED' });
    expect(digest()).toBe(before);
    expect(await make({ force: true })).toMatchObject({ created: true });
  });

  test('CERTIFICATES_FOLDER_MIXED: a certificate, key or list from elsewhere', async () => {
    const { entries } = await made();
    const swap = async (one: string, other: string): Promise<void> => {
      const original = readFileSync(one);
      writeFileSync(one, other);
      await expect(make()).rejects.toMatchObject({ code: 'CERTIFICATES_FOLDER_MIXED' });
      writeFileSync(one, original);
      expect(await make()).toMatchObject({ created: false });
    };
    const [alice, bob] = [3, 4].map((index) => entries[index]);
    await swap(alice?.key ?? '', readFileSync(bob?.key ?? '', 'utf8'));
    await swap(alice?.certificate ?? '', 'no certificate');
    await swap(join(folder, 'ec', 'root.crl'), 'no list');
  });

  test('CERTIFICATES_FOLDER_MIXED: a certificate with its key, but of another CA', async () => {
    const other = await make({ folder: join(root, 'other') });
    const { entries } = await made();
    for (const kind of ['certificate', 'key'] as const) {
      writeFileSync(entries[2]?.[kind] ?? '', readFileSync(other.entries[2]?.[kind] ?? ''));
    }
    await expect(make()).rejects.toMatchObject({
      code: 'CERTIFICATES_FOLDER_MIXED',
      message: expect.stringContaining('ec/server.cert.pem was not issued by the CA beside it'),
    });
  });

  test('CERTIFICATES_KEY_UNREADABLE: a key file that is damaged', async () => {
    const { entries } = await made();
    writeFileSync(entries[2]?.key ?? '', 'damaged');
    await expect(make()).rejects.toMatchObject({
      code: 'CERTIFICATES_KEY_UNREADABLE',
      message: expect.stringContaining('server.key.pem'),
    });
    expect(await make({ force: true })).toMatchObject({ created: true });
  });

  test('CERTIFICATES_FOLDER_UNWRITABLE: a file where the folder, or the folder above it, should be', async () => {
    writeFileSync(folder, '');
    await expect(make()).rejects.toMatchObject({ code: 'CERTIFICATES_FOLDER_UNWRITABLE' });
    await expect(make({ folder: join(folder, 'below') })).rejects.toMatchObject({
      code: 'CERTIFICATES_FOLDER_UNWRITABLE',
    });
    await expect(make({ folder: join(folder, 'below'), force: true })).rejects.toMatchObject({
      code: 'CERTIFICATES_FOLDER_UNWRITABLE',
    });
  });

  const superuser = process.getuid?.() === 0;
  test.skipIf(superuser)(
    'CERTIFICATES_FOLDER_UNWRITABLE: no permission (skipped: the superuser has every permission)',
    async () => {
      chmodSync(root, 0o500);
      await expect(make()).rejects.toMatchObject({ code: 'CERTIFICATES_FOLDER_UNWRITABLE' });
      chmodSync(root, 0o700);
    },
  );
});
