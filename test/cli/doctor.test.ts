/** The doctor finds what was broken, says what to do, and says of nothing that it is well when it was not looked at. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { diagnoseAddress } from '../../src/cli/doctor/address.ts';
import { adviceFor } from '../../src/cli/doctor/faults.ts';
import { diagnoseCertificate } from '../../src/cli/doctor/material.ts';
import { certificates } from '../../src/security/certificates.ts';
import { Child, ran } from './running.ts';

interface Line {
  readonly target: string;
  readonly about: string;
  readonly health: string;
  readonly what: string;
  readonly next?: string;
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let folder: string;
let certs: string;

const examined = async (...args: readonly string[]): Promise<{ exitCode: number; lines: readonly Line[] }> => {
  const { exitCode, out } = await ran(['doctor', ...args, '--certs', certs, '--json']);
  const values = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return { exitCode, lines: values.filter(({ about }) => about !== undefined) };
};

const ills = (lines: readonly Line[]): readonly string[] =>
  lines.filter(({ health }) => health === 'ill').map(({ about }) => about);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-doctor-'));
  certs = join(folder, 'certs');
  await developmentPki({ folder: certs, algorithms: ['ec'] });
});

describe('certificates and keys', () => {
  test('the development certificates are well, and each key has its certificate', async () => {
    const { exitCode, lines } = await examined();
    expect(exitCode).toBe(0);
    expect(ills(lines)).toEqual([]);
    expect(lines.filter(({ about }) => about === 'pair')).toHaveLength(4);
  });

  test('expired', async () => {
    const { exitCode, lines } = await examined(join(certs, 'ec/expired.cert.pem'));
    expect(exitCode).toBe(1);
    expect(lines.find(({ health }) => health === 'ill')).toMatchObject({
      about: 'certificate',
      next: expect.stringMatching(/Renew/),
    });
  });

  test('a key of another certificate', async () => {
    const { exitCode, lines } = await examined(join(certs, 'ec/alice.key.pem'), join(certs, 'ec/server.cert.pem'));
    expect([exitCode, ills(lines)]).toEqual([1, ['pair']]);
  });

  test('a certificate that ends in three weeks deserves a word, one of an authority is known as such', async () => {
    const [one] = certificates(await readFile(join(certs, 'ec/alice.cert.pem')));
    const [root] = certificates(await readFile(join(certs, 'ec/root.cert.pem')));
    if (one === undefined || root === undefined) throw new Error('no certificate');
    const health = (now: number): readonly string[] => diagnoseCertificate(one, now).map((found) => found.health);
    expect(health(one.notAfter - 21 * 86_400_000)).toEqual(['warning', 'well']);
    expect(health(one.notBefore - 1)).toEqual(['ill', 'well']);
    expect(diagnoseCertificate(root, one.notBefore)[1]?.what).toMatch(/authority \(keyCertSign, cRLSign\)/);
  });

  test('PKCS#12: a wrong passphrase, and one of old Windows that Node refuses', async () => {
    const right = join(folder, 'right.txt');
    const wrong = join(folder, 'wrong.txt');
    const { settings } = JSON.parse(readFileSync(join(certs, 'pki.json'), 'utf8')) as {
      settings: { password: string };
    };
    writeFileSync(right, `${settings.password}\n`);
    writeFileSync(wrong, 'not it\n');
    const pfx = join(certs, 'ec/alice.pfx');
    expect(ills((await examined(pfx, '--passphrase-file', wrong)).lines)).toEqual(['PKCS#12']);
    expect(await examined(pfx, '--passphrase-file', right)).toMatchObject({ exitCode: 0 });
    // Triple DES, as Windows and Java wrote it: both still read it.
    expect(
      (await examined(join(certs, 'ec/alice.legacy.pfx'), '--passphrase-file', right)).lines.map(
        ({ health }) => health,
      ),
    ).not.toContain('warning');
  });

  test.skipIf(!hasOpenssl)('PKCS#12 under RC2: Node refuses it for TLS, and the way out is told', async () => {
    const file = join(folder, 'rc2.pfx');
    const from = ['-inkey', join(certs, 'ec/alice.key.pem'), '-in', join(certs, 'ec/alice.cert.pem')];
    const pbe = ['-keypbe', 'PBE-SHA1-RC2-40', '-certpbe', 'PBE-SHA1-RC2-40', '-macalg', 'sha1'];
    execFileSync('openssl', ['pkcs12', '-export', '-legacy', ...pbe, ...from, '-passout', 'pass:old', '-out', file]);
    const passphrase = join(folder, 'old.txt');
    writeFileSync(passphrase, 'old\n');
    const { exitCode, lines } = await examined(file, '--passphrase-file', passphrase);
    expect(exitCode).toBe(0);
    expect(lines.find(({ health }) => health === 'warning')?.next).toContain('openssl pkcs12 -legacy');
  });

  test('nothing that was not looked at is well: no file, and a file of no known kind', async () => {
    expect(await examined(join(folder, 'nowhere.pem'))).toMatchObject({ exitCode: 1 });
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'hello');
    expect(await examined(text)).toMatchObject({ exitCode: 2, lines: [{ health: 'unknown' }] });
  });
});

describe('messages', () => {
  const fault = (code: string, reason: string): string =>
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>' +
    `<s:Subcode><s:Value xmlns:x="urn:x">x:${code}</s:Value></s:Subcode></s:Code>` +
    `<s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`;

  test('the fault that users of three languages ask about', async () => {
    const file = join(folder, 'fault.xml');
    writeFileSync(
      file,
      fault('ActionNotSupported', 'Only WS-ReliableMessaging February 2005 messages are processed by this endpoint.'),
    );
    const { exitCode, lines } = await examined(file);
    expect(exitCode).toBe(1);
    expect(lines.find(({ about }) => about === 'fault')?.next).toMatch(/--rm 1\.0/);
  });

  test('a fault of the application is its own', async () => {
    const file = join(folder, 'own.xml');
    writeFileSync(file, fault('OutOfStock', 'There are none left.'));
    expect(await examined(file)).toMatchObject({ exitCode: 0 });
    expect(adviceFor('OutOfStock', 'There are none left.')).toBeUndefined();
  });

  test('what is no envelope', async () => {
    const file = join(folder, 'other.xml');
    writeFileSync(file, '<html/>');
    expect(await examined(file)).toMatchObject({ exitCode: 2, lines: [{ about: 'XML', health: 'unknown' }] });
  });
});

describe('addresses', () => {
  let service: Child;
  let url: string;

  beforeAll(async () => {
    service = new Child(['serve', '--to', join(folder, 'inbox'), '--port', '0', '--certs', certs, '--json'], folder);
    await service.until(() => service.out.length > 0);
    url = /"(https:[^"]+)"/.exec(service.out.join('\n'))?.[1] ?? '';
  });

  afterAll(async () => {
    service.kill('SIGINT');
    await service.exited;
  });

  test('a service of ours: connection, chain and clock are well, and a probe opens both versions', async () => {
    const { exitCode, lines } = await examined(url, '--probe');
    expect(exitCode).toBe(0);
    expect(ills(lines)).toEqual([]);
    expect(lines.filter(({ about }) => about.startsWith('session')).map(({ health }) => health)).toEqual([
      'well',
      'well',
    ]);
  });

  test('an authority that is not trusted: the chain that was shown is looked at all the same', async () => {
    const { out } = await ran(['doctor', url, '--json', '--certs', join(folder, 'none')]);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines[0]).toMatchObject({ about: 'connection', health: 'ill', next: expect.stringMatching(/authority/) });
    expect(lines.some(({ about, health }) => about === 'certificate' && health === 'well')).toBe(true);
  });

  test('a name that the certificate does not have', async () => {
    const [key, cert] = await Promise.all(
      ['key', 'chain'].map((kind) => readFile(join(certs, `ec/alice.${kind}.pem`))),
    );
    const there = createSecureServer({ key, cert }, (_, response) => response.end());
    await new Promise<void>((listening) => there.listen(0, '127.0.0.1', listening));
    try {
      const { exitCode, lines } = await examined(`https://127.0.0.1:${(there.address() as AddressInfo).port}/`);
      expect(exitCode).toBe(1);
      expect(ills(lines)).toEqual(['connection', 'host name']);
    } finally {
      there.close();
    }
  });

  test('nobody there', async () => {
    expect(ills((await examined('http://127.0.0.1:1/x')).lines)).toEqual(['connection']);
  });

  test.each([
    [0, 'well'],
    [120, 'warning'],
    [-120, 'warning'],
    [900, 'ill'],
    [-900, 'ill'],
  ])('a clock that is %i s ahead', async (seconds, health) => {
    const now = Date.UTC(2026, 10, 28, 12);
    const there = createServer((_, response) => {
      response.setHeader('Date', new Date(now + seconds * 1_000).toUTCString());
      response.end(
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:p="http://schemas.xmlsoap.org/ws/2005/02/rm/policy"/>',
      );
    });
    await new Promise<void>((listening) => there.listen(0, '127.0.0.1', listening));
    try {
      const { port } = there.address() as AddressInfo;
      const found = await diagnoseAddress({
        url: new URL(`http://127.0.0.1:${port}/service`),
        tls: {},
        security: undefined,
        probe: false,
        signal: new AbortController().signal,
        now: () => now,
      });
      expect(found.find(({ about }) => about === 'clock')?.health).toBe(health);
      expect(found.find(({ about }) => about === 'description')?.what).toMatch(/WS-ReliableMessaging 1\.0/);
    } finally {
      there.close();
    }
  });
});
